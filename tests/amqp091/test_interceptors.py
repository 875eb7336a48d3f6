"""What the broker writes into messages that come in: leveret.broker.interceptors."""

from typing import Any

import pytest
from tests.fakes import Talk, new_node, publish

from leveret.broker.message import Message
from leveret.tables import INT64, LONGSTR, plain

NOW_MS = 1_700_000_001_000


def sent(properties: dict[str, Any], **settings: object) -> Message:
    """A message as it arrives in a queue; it is the second alike, which takes a shorter way."""
    node = new_node(**settings)
    client = Talk(node).open()
    client.call("queue.declare", queue="q", durable=True)
    for _ in range(2):
        client.feed(publish("q", b"body", properties))
    taken = [node.vhosts["/"].queues["q"].get(True) for _ in range(2)]
    messages = [waiting.message for waiting in taken if waiting is not None]
    assert len(messages) == 2
    assert messages[0].properties.octets == messages[1].properties.octets
    assert client.read() == []
    return messages[1]


def headers(message: Message) -> dict[str, Any]:
    return {name: plain(field) for name, field in message.properties.headers().items()}


def test_nothing_is_written_unless_asked_for() -> None:
    assert sent({}).properties.octets == b"\0\0"


@pytest.mark.parametrize("properties", [{}, {"headers": {"a": 1}}, {"delivery_mode": 2}])
@pytest.mark.parametrize("how", ["keep", "overwrite"])
def test_the_time_is_written_where_there_is_none(properties: dict[str, Any], how: str) -> None:
    message = sent(properties, incoming_timestamp=how)
    field = message.properties.headers()["timestamp_in_ms"]
    assert (field.kind, field.value) == (INT64, NOW_MS)
    assert message.properties.octets.endswith((NOW_MS // 1000).to_bytes(8, "big"))
    assert headers(message) == {**properties.get("headers", {}), "timestamp_in_ms": NOW_MS}
    assert message.properties.delivery_mode == properties.get("delivery_mode", 1)


def test_a_time_that_is_there_is_kept_or_not() -> None:
    given = {"headers": {"timestamp_in_ms": 5}, "timestamp": 7}
    message = sent(given, incoming_timestamp="keep")
    assert headers(message) == {"timestamp_in_ms": 5}
    assert message.properties.octets.endswith((7).to_bytes(8, "big"))
    message = sent(given, incoming_timestamp="overwrite")
    assert headers(message) == {"timestamp_in_ms": NOW_MS}
    assert message.properties.octets.endswith((NOW_MS // 1000).to_bytes(8, "big"))


def test_the_node_is_written_likewise() -> None:
    message = sent({}, incoming_routing_node="keep", cluster_name="hutch")
    field = message.properties.headers()["x-routed-by"]
    assert (field.kind, field.value) == (LONGSTR, "hutch")
    given = {"headers": {"x-routed-by": "other"}}
    assert headers(sent(given, incoming_routing_node="keep")) == {"x-routed-by": "other"}
    assert headers(sent(given, incoming_routing_node="overwrite")) == {"x-routed-by": "leveret"}


def test_other_care_is_taken_as_well() -> None:
    node = new_node(incoming_timestamp="overwrite")
    client = Talk(node).open()
    client.call("queue.declare", queue="q", durable=True)
    client.feed(publish("nowhere", b"", {"headers": {"BCC": ["q"], "CC": ["q"]}}))
    waiting = node.vhosts["/"].queues["q"].get(True)
    assert waiting is not None
    assert headers(waiting.message) == {"CC": ["q"], "timestamp_in_ms": NOW_MS}
    client.feed(publish("q", b"", {"user_id": "someone"}))
    (refusal,) = client.read()
    assert refusal.reply_text.startswith("PRECONDITION_FAILED - user_id property set to 'someone'")
