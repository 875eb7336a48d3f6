"""With a data folder, an answer says that what was changed is on the disk."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.management.client import Client

import leveret

QUEUES = "/api/queues/%2F"
DEFAULT = "/api/exchanges/%2F/amq.default/publish"


@pytest.fixture
def lasting(tmp_path: Path) -> "Iterator[leveret.Broker]":
    with leveret.Broker(management=True, data_dir=tmp_path) as broker:
        yield broker


def rows(folder: Path, kind: str) -> list[str]:
    """The keys in the catalog, as another process sees them now."""
    with sqlite3.connect(folder / "catalog.sqlite") as database:
        return sorted(key for (key,) in database.execute(f"SELECT key FROM {kind}"))


def test_what_is_declared_is_in_the_catalog(lasting: leveret.Broker, tmp_path: Path) -> None:
    client = Client(lasting.management_url)
    for number in range(20):
        assert client.ask("PUT", f"{QUEUES}/q{number:02}", {}).status == 201
        assert len(rows(tmp_path, "queues")) == number + 1
        assert client.ask("PUT", f"/api/vhosts/v{number}").status == 201
        assert len(rows(tmp_path, "vhosts")) == number + 2
    assert client.ask("DELETE", f"{QUEUES}/q00").status == 204
    assert rows(tmp_path, "queues") == [f'["/", "q{number:02}"]' for number in range(1, 20)]


def test_a_whole_import_is_in_the_catalog(lasting: leveret.Broker, tmp_path: Path) -> None:
    queues = [
        {"name": f"q{number}", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
        for number in range(2000)
    ]

    assert Client(lasting.management_url).ask(
        "POST", "/api/definitions", {"queues": queues}
    ).status in (200, 204)

    assert len(rows(tmp_path, "queues")) == 2000


def test_what_is_published_is_in_the_journal(lasting: leveret.Broker, tmp_path: Path) -> None:
    client = Client(lasting.management_url)
    client.ask("PUT", f"{QUEUES}/q", {})
    for number in range(20):
        body = {
            "properties": {"delivery_mode": 2},
            "routing_key": "q",
            "payload": f"payload {number:04}",
            "payload_encoding": "string",
        }
        assert client.ask("POST", DEFAULT, body).json == {"routed": True}
        journal = b"".join(path.read_bytes() for path in sorted((tmp_path / "journal").iterdir()))
        assert b"payload %04d" % number in journal


def test_what_was_moved_is_there_once_after_a_restart(tmp_path: Path) -> None:
    broker = leveret.Broker(management=True, data_dir=tmp_path)
    with broker:
        client = Client(broker.management_url)
        for name in ("from", "to"):
            client.ask("PUT", f"{QUEUES}/{name}", {})
        for number in range(30):
            body = {
                "properties": {"delivery_mode": 2},
                "routing_key": "from",
                "payload": str(number),
                "payload_encoding": "string",
            }
            client.ask("POST", DEFAULT, body)
        moved = client.ask("POST", f"{QUEUES}/from/move", {"destination": "to", "count": 20})
        assert moved.json == {"moved": 20, "messages": 10}
    with broker:
        client = Client(broker.management_url)
        seen = [
            [one["payload"] for one in client.get(f"{QUEUES}/{name}/messages")]
            for name in ("to", "from")
        ]
    assert seen == [[str(n) for n in range(20)], [str(n) for n in range(20, 30)]]


def test_messages_on_the_disk_are_shown_where_they_are(tmp_path: Path) -> None:
    with leveret.Broker(management=True, data_dir=tmp_path) as broker:
        client = Client(broker.management_url)
        client.ask("PUT", f"{QUEUES}/long", {})

        def shorten(node: "leveret.broker.node.Node") -> None:
            node.vhosts["/"].queues["long"].set_share(10_000)

        broker.call(shorten)
        for number in range(300):
            body = {
                "properties": {"delivery_mode": 2},
                "routing_key": "long",
                "payload": f"{number:04}" * 500,
                "payload_encoding": "string",
            }
            client.ask("POST", DEFAULT, body)
        middle = broker.call(lambda node: node.vhosts["/"].queues["long"].lines()[0].middle.count)
        assert middle > 100

        page = client.get(f"{QUEUES}/long/messages?offset=90&count=150&truncate=4")

        assert [one["payload"] for one in page] == [f"{number:04}" for number in range(90, 240)]
        assert client.get("/api/queues/%2F/long")["messages_ready"] == 300
