"""leveret.definition_files"""

import json
from pathlib import Path

import pika
import pytest
from tests.fakes import FakeClock, FakeRandom
from tests.oracle import Oracle, missing

import leveret
from leveret.broker.definition_export import export_definitions
from leveret.broker.node import Node
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.definition_files import load_definitions

QUEUE = {"name": "q", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
KINDS = ("users", "permissions", "topic_permissions", "policies", "queues", "exchanges", "bindings")


def written(folder: Path, name: str, document: object) -> str:
    (folder / name).write_text(json.dumps(document))
    return str(folder / name)


def loaded(path: str, **settings: object) -> Node:
    every = Settings(load_definitions=path, **settings)
    node = Node(every, FakeClock(), FakeRandom())
    load_definitions(node, every)
    return node


def refused(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(path)
    assert caught.value.origin == "argument"
    return str(caught.value)


def test_a_file_is_imported_before_anybody_connects(tmp_path: Path) -> None:
    path = written(tmp_path, "d.json", {"queues": [QUEUE]})
    with leveret.Broker(settings={"load_definitions": path}) as broker:
        connection = pika.BlockingConnection(pika.URLParameters(broker.url))
        channel = connection.channel()
        assert channel.queue_declare("q", passive=True).method.message_count == 0
        connection.close()


def test_a_folder_is_imported_in_the_order_of_names(tmp_path: Path) -> None:
    written(
        tmp_path, "2.json", {"permissions": [{"user": "a", "vhost": "v"} | dict.fromkeys(P, "")]}
    )
    written(tmp_path, "1.json", {"users": [{"name": "a"}], "vhosts": [{"name": "v"}]})
    (tmp_path / "notes.txt").write_text("not JSON")
    node = loaded(str(tmp_path))
    assert list(node.users.by_name["a"].permissions) == ["v"]


P = ("configure", "write", "read")


def test_a_refusal_of_two_paragraphs_is_one_sentence(tmp_path: Path) -> None:
    wrong = {"vhost": "/", "component": "nix", "name": "s", "value": {}}
    path = written(tmp_path, "d.json", {"parameters": [wrong]})
    assert refused(path).endswith("parameters[0]: Validation failed: component nix not found.")


def test_an_empty_folder_is_fine(tmp_path: Path) -> None:
    assert list(loaded(str(tmp_path)).users.by_name) == ["guest"]


def test_users_and_vhosts_of_a_file_replace_the_first_ones(tmp_path: Path) -> None:
    path = written(tmp_path, "d.json", {"users": [{"name": "a"}], "vhosts": [{"name": "v"}]})
    node = loaded(path)
    assert (list(node.users.by_name), list(node.vhosts)) == (["a"], ["v"])


def test_the_first_user_has_the_rights_that_a_file_gives_it(tmp_path: Path) -> None:
    path = written(tmp_path, "d.json", {"users": [{"name": "guest", "tags": ["x"]}]})
    guest = loaded(path).users.by_name["guest"]
    assert (guest.tags, guest.permissions) == (["x"], {})


def test_a_file_without_users_leaves_the_first_one(tmp_path: Path) -> None:
    node = loaded(written(tmp_path, "d.json", {"queues": [QUEUE]}))
    assert list(node.users.by_name["guest"].permissions) == ["/"]


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"{", "is not JSON: "),
        (b'"\xff"', "is not JSON: "),
        (b'{"a": NaN}', "is not JSON: NaN is no number"),
        (b"[" * 200_000, "is nested too deep"),
        (b"[]", "the document must be an object, not a list"),
        (b'{"queues": [{"name": "q", "vhost": "nix"}]}', "queues[0]: Virtual host 'nix' does not"),
        (b'{"users": 1}', "users must be a list, not a number"),
    ],
)
def test_a_file_that_is_wrong_gets_one_sentence(
    tmp_path: Path, octets: bytes, sentence: str
) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(octets)
    told = refused(str(path))
    assert told.startswith("load_definitions (argument): ")
    assert str(path) in told
    assert sentence in told


def test_a_missing_file_is_told() -> None:
    assert "no/such.json cannot be read: No such file or directory." in refused("no/such.json")


@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_definitions_go_to_rabbitmq_and_come_back(tmp_path: Path) -> None:
    document = {
        "users": [
            {"name": "guest", "password": "guest", "tags": ["administrator"]},
            {"name": "alice", "password": "hare", "tags": ["x"], "limits": {"max-channels": 5}},
        ],
        "vhosts": [{"name": "/"}, {"name": "v", "description": "d", "tags": ["t"]}],
        "permissions": [
            {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
            {"user": "alice", "vhost": "v", "configure": "^a", "write": "", "read": ".*"},
        ],
        "topic_permissions": [
            {"user": "alice", "vhost": "v", "exchange": "amq.topic", "write": "^w", "read": "^r"}
        ],
        "policies": [
            {"vhost": "v", "name": "p", "pattern": "^x", "definition": {"max-length": 5}}
            | {"priority": 3, "apply-to": "queues"}
        ],
        "queues": [
            QUEUE | {"arguments": {"x-max-length": 5, "note": "hä", "t": {"l": [1, True]}}},
            QUEUE | {"name": "qq", "arguments": {"x-queue-type": "quorum"}},
        ],
        "exchanges": [
            {"name": "e", "vhost": "/", "type": "topic", "durable": True, "auto_delete": False}
            | {"internal": False, "arguments": {"alternate-exchange": "amq.fanout"}}
        ],
        "bindings": [
            {"source": "e", "vhost": "/", "destination": "q", "destination_type": "queue"}
            | {"routing_key": "a.#", "arguments": {"x": 1}}
        ],
    }
    ours = export_definitions(loaded(written(tmp_path, "ours.json", document)))
    sent = written(tmp_path, "sent.json", ours)
    with Oracle() as oracle:
        oracle.ctl("import_definitions", sent)
        oracle.ctl("export_definitions", str(tmp_path / "theirs.json"))
        login = pika.PlainCredentials("alice", "hare")
        pika.BlockingConnection(
            pika.ConnectionParameters(oracle.host, oracle.port, "v", login)
        ).close()
    theirs = json.loads((tmp_path / "theirs.json").read_text())
    back = export_definitions(loaded(str(tmp_path / "theirs.json")))
    for kind in KINDS:
        assert listed(theirs[kind]) == listed(ours[kind])
        assert listed(back[kind]) == listed(ours[kind])


def listed(things: object) -> list[str]:
    """In an order of their own, and without what 3.10 leaves out where it is false or as always."""
    assert isinstance(things, list)
    return sorted(json.dumps(lessened(thing), sort_keys=True) for thing in things)


def lessened(thing: dict[str, object]) -> dict[str, object]:
    arguments = thing.get("arguments")
    if isinstance(arguments, dict) and arguments.get("x-queue-type") == "classic":
        arguments = {key: arguments[key] for key in arguments if key != "x-queue-type"}
    return {
        key: arguments if key == "arguments" else value
        for key, value in thing.items()
        if not (key == "internal" and value is False)
    }
