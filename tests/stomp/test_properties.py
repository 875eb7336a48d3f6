"""leveret.stomp.properties"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, header
from tests.stomp_wire import Frame, take_frame

from leveret.broker.properties import read_properties
from leveret.stomp.faults import StompFault
from leveret.stomp.headers import V1_2
from leveret.stomp.headers import Frame as Sent
from leveret.stomp.properties import header_lines, properties_of


def decoded(headers: dict[str, str], reply_to: str | None = None) -> dict[str, Any]:
    """What an AMQP client sees of a SEND with these headers, by pamqp's names."""
    octets = properties_of(Sent("SEND", headers), reply_to).octets
    payload = header.ContentHeader()
    payload.unmarshal(b"\0\x3c\0\0" + bytes(8) + octets)
    return {name: value for name, value in payload.properties if value not in (None, "")}


def shown(**properties: Any) -> dict[str, str]:
    """The headers of MESSAGE for these properties."""
    octets = commands.Basic.Properties(**properties).marshal()
    lines = header_lines(read_properties(octets), V1_2)
    frame, _ = take_frame(b"MESSAGE\n" + lines + b"\n\0")
    assert isinstance(frame, Frame)
    assert len(frame.headers) == len(frame.pairs)
    return frame.headers


def test_headers_of_send_become_properties() -> None:
    headers = {
        "destination": "/queue/a",
        "receipt": "1",
        "transaction": "t",
        "content-length": "5",
        "content-type": "text/plain",
        "content-encoding": "utf-8",
        "persistent": "true",
        "priority": " 7 ",
        "correlation-id": "c",
        "reply-to": "not this",
        "expiration": "60000",
        "amqp-message-id": "m",
        "timestamp": "77",
        "type": "t",
        "user-id": "guest",
        "app-id": "a",
        "cluster-id": "one of many",
        "x-own": "yes",
    }
    found = decoded(headers, "/queue/answers")
    assert found.pop("timestamp").timestamp() == 77
    assert found == {
        "content_type": "text/plain",
        "content_encoding": "utf-8",
        "headers": {"cluster-id": "one of many", "x-own": "yes"},
        "delivery_mode": 2,
        "priority": 7,
        "correlation_id": "c",
        "reply_to": "/queue/answers",
        "expiration": "60000",
        "message_id": "m",
        "message_type": "t",
        "user_id": "guest",
        "app_id": "a",
    }


def test_a_message_of_nothing_but_a_destination_has_no_properties() -> None:
    assert decoded({"destination": "/queue/a", "persistent": "false"}) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("priority", "x"),
        ("priority", "256"),
        ("priority", "-1"),
        ("timestamp", "soon"),
        ("timestamp", "-1"),
        ("timestamp", "18446744073709551616"),
        ("persistent", "perhaps"),
        ("content-type", "x" * 256),
        ("n" * 256, "x"),
    ],
)
def test_what_no_property_can_be_is_refused(name: str, value: str) -> None:
    with pytest.raises(StompFault):
        properties_of(Sent("SEND", {"destination": "/queue/a", name: value}), None)


def test_properties_become_headers_of_message() -> None:
    headers = {"own": "x", "n": 5, "big": 1 << 40, "yes": True, "no": False, "none": None}
    nested = {"list": [1], "table": {"a": 1}}
    found = shown(
        headers=headers | nested,
        delivery_mode=2,
        reply_to="amq.gen-1",
        priority=0,
        message_id="m",
        message_type="t",
    )
    assert found == {
        "own": "x",
        "n": "5",
        "big": "1099511627776",
        "yes": "true",
        "no": "false",
        "persistent": "true",
        "reply-to": "/reply-queue/amq.gen-1",
        "priority": "0",
        "amqp-message-id": "m",
        "type": "t",
    }


def test_a_transient_message_does_not_say_so() -> None:
    assert shown(delivery_mode=1) == {}


def test_headers_of_the_message_cannot_pretend_to_be_the_frames() -> None:
    forged = ("destination", "subscription", "message-id", "redelivered", "ack", "content-length")
    headers = dict.fromkeys(forged, "1") | {"content-type": "forged"}
    assert shown(headers=headers, content_type="real") == {"content-type": "real"}


SHORT = st.text(st.characters(codec="utf-8"), max_size=40)
OWN = st.dictionaries(SHORT.map(lambda name: "own-" + name), SHORT, max_size=5)


@given(
    OWN, st.fixed_dictionaries({}, optional={"type": SHORT, "app-id": SHORT, "expiration": SHORT})
)
def test_what_one_client_sends_another_receives(own: dict[str, str], named: dict[str, str]) -> None:
    headers = own | named
    properties = properties_of(Sent("SEND", {"destination": "/queue/a"} | headers), None)
    frame, _ = take_frame(b"MESSAGE\n" + header_lines(properties, V1_2) + b"\n\0")
    assert frame is not None and frame.headers == headers
