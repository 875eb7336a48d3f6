"""leveret.mqtt.properties: MQTT 5 properties."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import mqtt_wire as wire

from leveret.mqtt import properties as ours
from leveret.mqtt.codes import (
    CONNACK,
    CONNECT,
    MALFORMED_PACKET,
    PROTOCOL_ERROR,
    PUBLISH,
    SUBSCRIBE,
    TOPIC_ALIAS_INVALID,
    MqttFault,
)
from leveret.mqtt.properties import WILL, PropertyWriter, read_packet_properties, sized

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
values: dict[str, st.SearchStrategy[Any]] = {
    "payload_format": st.integers(0, 1),
    "message_expiry": st.integers(0, 2**32 - 1),
    "content_type": texts,
    "response_topic": st.sampled_from(["a", "a/b", "ü/$x"]),
    "correlation_data": st.binary(max_size=20),
    "topic_alias": st.integers(1, 65535),
    "user": st.lists(st.tuples(texts, texts), min_size=1, max_size=4),
}
some = st.fixed_dictionaries({}, optional=values)


def bare(of: dict[str, Any]) -> bytes:
    """Without their length."""
    data = wire.Cursor(wire.properties(of))
    return data.take(data.variable())


@given(some)
def test_what_a_client_wrote_is_read(given: dict[str, Any]) -> None:
    found = read_packet_properties(bare(given), PUBLISH)
    assert found.user == given.get("user", [])
    assert found.number(ours.PAYLOAD_FORMAT, -1) == given.get("payload_format", -1)
    assert found.number(ours.MESSAGE_EXPIRY, -1) == given.get("message_expiry", -1)
    assert found.number(ours.TOPIC_ALIAS, -1) == given.get("topic_alias", -1)
    assert found.text(ours.CONTENT_TYPE) == given.get("content_type")
    assert found.text(ours.RESPONSE_TOPIC) == given.get("response_topic")
    assert found.binary(ours.CORRELATION_DATA) == given.get("correlation_data")
    assert found.has(ours.TOPIC_ALIAS) == ("topic_alias" in given)
    assert found.octets == bare(given)


@given(some)
def test_what_is_written_a_client_reads(given: dict[str, Any]) -> None:
    writer = PropertyWriter()
    for name, value in given.items():
        number, kind = wire.PROPERTIES[name]
        if name == "user":
            for pair in value:
                writer.user(*pair)
        elif kind == "s":
            writer.text(number, value)
        elif kind == "x":
            writer.binary(number, value)
        else:
            writer.number(number, value)
    assert wire.Cursor(sized(writer.octets())).properties() == given


@given(some, st.data())
def test_properties_that_are_cut_off_are_refused(
    given: dict[str, Any], data: st.DataObject
) -> None:
    whole = bare(given)
    size = data.draw(st.integers(0, len(whole)))
    try:
        found = read_packet_properties(whole[:size], PUBLISH)
    except MqttFault as fault:
        assert fault.reason == MALFORMED_PACKET
    else:
        # The cut was between two of them.
        again = wire.Cursor(wire.variable(size) + whole[:size]).properties()
        assert found.user == again.get("user", [])


@given(st.binary(max_size=40), st.sampled_from([CONNECT, PUBLISH, SUBSCRIBE, WILL]))
def test_any_octets_are_read_or_refused(data: bytes, packet: int) -> None:
    try:
        read_packet_properties(data, packet)
    except MqttFault as fault:
        assert fault.reason in (MALFORMED_PACKET, PROTOCOL_ERROR, TOPIC_ALIAS_INVALID)


# What breaks which rule, in which packet.
WRONG: list[tuple[bytes, int, int]] = [
    (bare({"session_expiry": 1}), PUBLISH, MALFORMED_PACKET),
    (bare({"will_delay": 1}), PUBLISH, MALFORMED_PACKET),
    (bare({"maximum_qos": 1}), CONNECT, MALFORMED_PACKET),
    (b"\x00", PUBLISH, MALFORMED_PACKET),
    (b"\x7f\x00", PUBLISH, MALFORMED_PACKET),
    (b"\x81\x00\x01", PUBLISH, MALFORMED_PACKET),  # payload format in two octets
    (bare({"content_type": b"\xff"}), PUBLISH, MALFORMED_PACKET),
    (bare({"content_type": "a\0b"}), PUBLISH, MALFORMED_PACKET),
    (bare({"content_type": "\ud800"}), PUBLISH, MALFORMED_PACKET),
    (bare({"user": ("a", b"\xc0\x80")}), PUBLISH, MALFORMED_PACKET),
    (bare({"payload_format": 2}), PUBLISH, PROTOCOL_ERROR),
    (bare({"payload_format": 1}) * 2, PUBLISH, PROTOCOL_ERROR),
    (bare({"content_type": "a"}) * 2, PUBLISH, PROTOCOL_ERROR),
    (bare({"topic_alias": 0}), PUBLISH, TOPIC_ALIAS_INVALID),
    (bare({"response_topic": "a/#"}), PUBLISH, PROTOCOL_ERROR),
    (bare({"response_topic": "+"}), PUBLISH, PROTOCOL_ERROR),
    (bare({"response_topic": ""}), PUBLISH, PROTOCOL_ERROR),
    (bare({"subscription_identifier": 1}), PUBLISH, PROTOCOL_ERROR),
    (bare({"subscription_identifier": 0}), SUBSCRIBE, PROTOCOL_ERROR),
    (bare({"receive_maximum": 0}), CONNECT, PROTOCOL_ERROR),
    (bare({"maximum_packet_size": 0}), CONNECT, PROTOCOL_ERROR),
    (bare({"authentication_data": b"x"}), CONNECT, PROTOCOL_ERROR),
    (bare({"request_problem_information": 2}), CONNECT, PROTOCOL_ERROR),
]


@pytest.mark.parametrize(("data", "packet", "reason"), WRONG)
def test_what_breaks_the_rules_is_refused(data: bytes, packet: int, reason: int) -> None:
    with pytest.raises(MqttFault) as caught:
        read_packet_properties(data, packet)
    assert caught.value.reason == reason


def test_user_properties_may_be_there_more_than_once_and_keep_their_order() -> None:
    pairs = [("b", "1"), ("a", "2"), ("b", "3")]
    assert read_packet_properties(bare({"user": pairs}), CONNECT).user == pairs


def test_what_the_server_says_at_the_start_is_written_as_a_client_reads_it() -> None:
    writer = PropertyWriter()
    writer.number(ours.RECEIVE_MAXIMUM, 10)
    writer.number(ours.MAXIMUM_PACKET_SIZE, 1 << 24)
    writer.number(ours.SUBSCRIPTION_IDENTIFIER, 268_435_455)
    writer.text(ours.ASSIGNED_CLIENT_IDENTIFIER, "abc")
    read = wire.Cursor(sized(writer.octets())).properties()
    assert read == {
        "receive_maximum": 10,
        "maximum_packet_size": 1 << 24,
        "subscription_identifier": [268_435_455],
        "assigned_client_identifier": "abc",
    }
    with pytest.raises(MqttFault):
        read_packet_properties(writer.octets(), CONNACK)  # an identifier has no place there
