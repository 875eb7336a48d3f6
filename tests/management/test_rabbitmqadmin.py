"""rabbitmqadmin against the HTTP API: what RabbitMQ hands out, unchanged, and our own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.management.client import Client
from tests.oracle import PLUGINS

import leveret

RABBITMQS = "plugins/rabbitmq_management-*/priv/www/cli/rabbitmqadmin"
Run = Callable[..., str]


class Failed(Exception):
    """The script says that it was not done."""


def scripts_of_rabbitmq() -> list[Path]:
    return sorted(PLUGINS.glob(f"*/{RABBITMQS}"))


@pytest.fixture(params=["RabbitMQ's", "ours"])
def admin(
    request: pytest.FixtureRequest, managed: leveret.Broker, tmp_path: Path
) -> "Iterator[Run]":
    """Runs the script with these words; what it prints."""
    script = tmp_path / "rabbitmqadmin"
    if request.param == "ours":
        answer = Client(managed.management_url, "").ask("GET", "/cli/rabbitmqadmin")
        assert answer.status == 200
        script.write_bytes(answer.octets)
    else:
        found = scripts_of_rabbitmq()
        if not found:
            pytest.skip("needs RabbitMQ's management plugin (Debian: apt install rabbitmq-server)")
        script.write_bytes(found[-1].read_bytes())

    def run(*words: str, text: str = "") -> str:
        where = ["-H", "127.0.0.1", "-P", str(managed.management_port)]
        done = subprocess.run(
            [sys.executable, str(script), *where, *words],
            capture_output=True,
            text=True,
            input=text,
            timeout=120,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        if done.returncode != 0:
            raise Failed(done.stdout + done.stderr)
        return done.stdout

    yield run


def listed(admin: Run, *words: str) -> list[list[str]]:
    """What a list has, row by row."""
    rows = admin("-f", "tsv", "list", *words).splitlines()
    return [row.split("\t") for row in rows[1:]]


def test_a_topology_is_declared_used_and_deleted(admin: Run) -> None:
    admin("declare", "exchange", "name=x", "type=topic")
    admin("declare", "queue", "name=q", "durable=true", 'arguments={"x-max-length": 10}')
    admin("declare", "binding", "source=x", "destination=q", "routing_key=a.#")
    assert "published\n" in admin("publish", "exchange=x", "routing_key=a.b", "payload=hello")
    assert "NOT routed" in admin("publish", "exchange=x", "routing_key=b", "payload=lost")
    admin("publish", "exchange=amq.default", "routing_key=q", text="from standard input")

    assert listed(admin, "queues", "name", "messages", "durable") == [["q", "2", "True"]]
    assert ["x", "topic"] in listed(admin, "exchanges", "name", "type")
    assert ["x", "q", "a.#"] in listed(admin, "bindings", "source", "destination", "routing_key")

    got = json.loads(admin("-f", "raw_json", "get", "queue=q", "count=5"))
    assert [message["payload"] for message in got] == ["hello", "from standard input"]
    admin("get", "queue=q", "count=1", "ackmode=ack_requeue_false")
    assert listed(admin, "queues", "messages") == [["1"]]
    admin("purge", "queue", "name=q")
    assert listed(admin, "queues", "messages") == [["0"]]

    binding = ("source=x", "destination_type=queue", "destination=q", "properties_key=a.%23")
    admin("delete", "binding", *binding)
    assert listed(admin, "bindings", "source", "destination") == [["", "q"]]
    admin("delete", "exchange", "name=x")
    admin("delete", "queue", "name=q")
    assert listed(admin, "bindings", "source") == []


def test_users_vhosts_and_policies_are_administered(admin: Run) -> None:
    admin("declare", "vhost", "name=v")
    admin("declare", "user", "name=somebody", "password=secret", "tags=management")
    rights = ("configure=.*", "write=.*", "read=.*")
    admin("declare", "permission", "vhost=v", "user=somebody", *rights)
    admin("-V", "v", "declare", "policy", "name=p", "pattern=^q", 'definition={"max-length": 3}')
    admin("declare", "vhost_limit", "vhost=v", "name=max-queues", "value=1")

    own = ("-u", "somebody", "-p", "secret")
    admin(*own, "-V", "v", "declare", "queue", "name=q1")
    with pytest.raises(Failed, match="queue limit"):
        admin(*own, "-V", "v", "declare", "queue", "name=q2")
    assert admin(*own, "-f", "tsv", "list", "queues", "vhost", "name", "policy").splitlines() == [
        "vhost\tname\tpolicy",
        "v\tq1\tp",
    ]
    with pytest.raises(Failed, match="Access refused"):
        admin(*own, "declare", "user", "name=other", "password=x", "tags=")

    admin("-V", "v", "delete", "policy", "name=p")
    admin("delete", "user", "name=somebody")
    admin("delete", "vhost", "name=v")
    assert listed(admin, "users", "name") == [["guest"]]
    with pytest.raises(Failed, match="Not found"):
        admin("delete", "vhost", "name=v")


def test_what_was_exported_can_be_imported(admin: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "definitions.json")
    admin("declare", "exchange", "name=x", "type=fanout")
    admin("declare", "queue", "name=q")
    admin("declare", "binding", "source=x", "destination=q")
    admin("export", file)
    admin("delete", "exchange", "name=x")
    admin("delete", "queue", "name=q")

    admin("import", file)

    assert listed(admin, "queues", "name") == [["q"]]
    assert ["x", "q"] in listed(admin, "bindings", "source", "destination")


def test_the_page_of_the_command_line_offers_the_script(managed: leveret.Broker) -> None:
    answer = Client(managed.management_url, "").ask("GET", "/cli/")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert b'href="rabbitmqadmin"' in answer.octets
