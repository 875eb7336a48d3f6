"""leveret.mqtt.convert: what a message says of itself, from MQTT to AMQP and back."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import mqtt_wire
from tests.wire import PROPERTIES, Reader, Typed, encode_header

from leveret.broker.properties import Properties, read_properties
from leveret.mqtt.codes import PUBLISH
from leveret.mqtt.convert import (
    Incoming,
    Outgoing,
    Plain,
    amqp_properties,
    is_retained,
    publish_qos,
)
from leveret.mqtt.properties import PropertyWriter, read_packet_properties

NOW = 1_700_000_000
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
names = st.one_of(
    texts,
    st.sampled_from(["a", "b", "x-death", "CC", "BCC", "x-reply-to-topic", "x-mqtt-retain"]),
    st.just("n" * 300),
)


def bare(of: dict[str, Any]) -> bytes:
    cursor = mqtt_wire.Cursor(mqtt_wire.properties(of))
    return cursor.take(cursor.variable())


def to_amqp(of: dict[str, Any], qos: int = 1, retained: bool = False) -> Properties:
    return amqp_properties(read_packet_properties(bare(of), PUBLISH), qos, retained, NOW)


def seen(properties: Properties) -> dict[str, Any]:
    """As an AMQP client reads them."""
    reader = Reader(properties.octets)
    flags = reader.number(">H")
    flagged = [field for n, field in enumerate(PROPERTIES) if flags & 1 << (15 - n)]
    found = {name: reader.field(letter) for name, letter in flagged}
    assert reader.at == len(properties.octets)
    return found


def from_amqp(given: dict[str, Any]) -> Properties:
    """What an AMQP client publishes."""
    return read_properties(encode_header(0, given)[12:])


def to_mqtt(properties: Properties, now: int = NOW) -> dict[str, Any]:
    """As a client of MQTT 5 reads them."""
    outgoing = Outgoing(properties)
    octets = outgoing.octets
    if outgoing.has_expiry:
        octets += mqtt_wire.one_property("message_expiry", outgoing.expiry(now))
    return mqtt_wire.Cursor(mqtt_wire.variable(len(octets)) + octets).properties()


# --- there and back --------------------------------------------------------------------------


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "payload_format": st.just(1),
            "message_expiry": st.integers(0, 2**32 - 1),
            "content_type": st.one_of(texts.filter(bool), st.just("é" * 200)),
            "response_topic": st.sampled_from(["a", "a/b", "$x/é", "x" * 400]),
            "correlation_data": st.one_of(st.binary(max_size=20), st.just(b"x" * 300)),
            "user": st.lists(st.tuples(names, texts), min_size=1, max_size=5),
        },
    ),
    st.integers(0, 2),
    st.booleans(),
)
def test_between_two_clients_of_mqtt_5_nothing_is_lost(
    sent: dict[str, Any], qos: int, retained: bool
) -> None:
    properties = to_amqp(sent, qos, retained)
    assert to_mqtt(properties) == sent
    assert (publish_qos(properties), is_retained(properties)) == (qos, retained)
    outgoing = Outgoing(properties)
    assert (outgoing.qos, outgoing.is_retained) == (qos, retained)
    assert properties.is_persistent == (qos > 0)
    seen(properties)  # what an AMQP client can read


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("retained", [True, False])
def test_messages_without_properties_share_theirs(qos: int, retained: bool) -> None:
    properties = Plain().properties(qos, retained)
    assert properties.octets == to_amqp({}, qos, retained).octets
    assert (publish_qos(properties), is_retained(properties)) == (qos, retained)
    assert to_mqtt(properties) == {}
    assert not properties.needs_care


def test_the_plainest_messages_say_no_more_than_rabbitmqs() -> None:
    assert seen(Plain().properties(0, False)) == {"delivery_mode": 1}
    assert seen(Plain().properties(1, False)) == {"delivery_mode": 2}


def test_properties_that_come_again_are_made_once() -> None:
    packet = read_packet_properties(bare({"content_type": "x"}), PUBLISH)
    incoming = Incoming(packet)
    for qos in (0, 1, 2):
        for retained in (False, True):
            made = incoming.properties(qos, retained, NOW)
            assert made.octets == amqp_properties(packet, qos, retained, NOW).octets
            assert incoming.properties(qos, retained, NOW + 9) is made


def test_those_that_expire_are_made_again_when_time_has_passed() -> None:
    incoming = Incoming(read_packet_properties(bare({"message_expiry": 60}), PUBLISH))
    first = incoming.properties(1, False, NOW)
    assert incoming.properties(1, False, NOW) is first
    later = incoming.properties(1, False, NOW + 5)
    assert to_mqtt(later, NOW + 5)["message_expiry"] == 60
    assert to_mqtt(first, NOW + 5)["message_expiry"] == 55


# --- as AMQP clients see it ------------------------------------------------------------------


def test_an_amqp_client_finds_everything_in_its_place() -> None:
    sent = {
        "payload_format": 1,
        "content_type": "text/plain",
        "correlation_data": b"id-7",
        "response_topic": "answers/to/me",
        "message_expiry": 60,
        "user": [("a", "1"), ("b", "2")],
    }
    assert seen(to_amqp(sent)) == {
        "content_type": "text/plain",
        "content_encoding": "utf-8",
        "delivery_mode": 2,
        "correlation_id": "id-7",
        "expiration": "60000",
        "headers": {
            "a": "1",
            "b": "2",
            "x-reply-to-topic": "answers.to.me",
            "x-mqtt-expires": NOW + 60,
        },
    }


def test_binary_correlation_data_is_in_a_header() -> None:
    headers = seen(to_amqp({"correlation_data": b"\xff\x00"}))["headers"]
    assert set(headers) == {"x-correlation-id"}


def test_user_properties_with_one_name_are_an_array() -> None:
    sent = {"user": [("a", "1"), ("b", "2"), ("a", "3")]}
    headers = seen(to_amqp(sent))["headers"]
    assert (headers["a"], headers["b"]) == (["1", "3"], "2")


def test_user_properties_cannot_send_a_message_elsewhere() -> None:
    headers = seen(to_amqp({"user": [("CC", "q"), ("BCC", "q"), ("ok", "1")]}))["headers"]
    assert set(headers) == {"ok", "x-mqtt-user-properties"}


def test_user_properties_cannot_pretend_to_be_ours() -> None:
    properties = to_amqp({"user": [("x-mqtt-retain", "1"), ("x-mqtt-publish-qos", "2")]})
    assert not is_retained(properties)
    assert publish_qos(properties) == 1


def test_qos_2_and_retain_are_headers() -> None:
    headers = seen(to_amqp({}, 2, True))["headers"]
    assert headers == {"x-mqtt-publish-qos": 2, "x-mqtt-retain": True}


def test_what_expires_after_more_than_ten_years_never_does() -> None:
    properties = to_amqp({"message_expiry": 2**32 - 1})
    assert properties.expiration is None
    assert to_mqtt(properties)["message_expiry"] == 2**32 - 1


# --- from AMQP -------------------------------------------------------------------------------


def test_an_mqtt_client_finds_everything_in_its_place() -> None:
    given = {
        "content_type": "application/json",
        "content_encoding": "UTF-8",
        "correlation_id": "id-7",
        "expiration": "2500",
        "headers": {"x-reply-to-topic": "answers.to.me", "n": 5, "yes": True, "s": "x"},
    }
    assert to_mqtt(from_amqp(given)) == {
        "payload_format": 1,
        "content_type": "application/json",
        "correlation_data": b"id-7",
        "response_topic": "answers/to/me",
        "message_expiry": 2,
        "user": [("n", "5"), ("yes", "true"), ("s", "x")],
    }


def test_headers_that_no_text_can_say_are_left_out() -> None:
    headers = {
        "none": None,
        "real": 1.5,
        "table": {"a": 1},
        "list": ["a", 2, ["deep"]],
        "binary": Typed("x", b"\0\1"),
        "decimal": Typed("D", (2, 150)),
        "zero": "a\0b",
        "octets": Typed("S", b"\xff"),
        "false": False,
    }
    assert to_mqtt(from_amqp({"headers": headers}))["user"] == [
        ("none", ""),
        ("real", "1.5"),
        ("list", "a"),
        ("list", "2"),
        ("false", "false"),
    ]


@pytest.mark.parametrize(("mode", "qos"), [(0, 0), (1, 0), (2, 1)])
def test_persistent_messages_of_amqp_have_qos_1(mode: int, qos: int) -> None:
    given: dict[str, Any] = {"delivery_mode": mode} if mode else {}
    assert publish_qos(from_amqp(given)) == Outgoing(from_amqp(given)).qos == qos
    with_headers = from_amqp({**given, "headers": {"a": 1}})
    assert publish_qos(with_headers) == qos


def test_a_response_topic_with_wildcards_is_made_harmless() -> None:
    found = to_mqtt(from_amqp({"headers": {"x-reply-to-topic": "a.#.+"}}))
    assert found == {"response_topic": "a/_/_"}


def test_what_an_amqp_client_says_in_our_headers_does_no_harm() -> None:
    for value in (5, "x", Typed("x", b"\xff\xff"), {"a": 1}, [1], None, -1, Typed("L", 1 << 62)):
        for name in (
            *("x-mqtt-user-properties", "x-mqtt-expires", "x-mqtt-retain", "x-mqtt-publish-qos"),
            *("x-reply-to-topic", "x-correlation-id", "x-mqtt-content-type"),
        ):
            given = {"expiration": "5000", "delivery_mode": 2, "headers": {name: value, "a": "b"}}
            found = to_mqtt(from_amqp(given))
            assert found["user"] == [("a", "b")]
            assert 0 <= found["message_expiry"] <= 5


def test_an_expiration_beyond_what_mqtt_can_say_is_cut() -> None:
    found = to_mqtt(from_amqp({"expiration": str(10**13)}))
    assert found["message_expiry"] == 2**32 - 1


# --- time ------------------------------------------------------------------------------------


def test_a_message_has_less_time_left_the_longer_it_waits() -> None:
    properties = to_amqp({"message_expiry": 60})
    left = [to_mqtt(properties, NOW + waited)["message_expiry"] for waited in (0, 59, 60, 99)]
    assert left == [60, 1, 0, 0]


def test_a_clock_that_was_set_back_gives_nobody_more_time() -> None:
    properties = to_amqp({"message_expiry": 60})
    assert to_mqtt(properties, NOW - 1000)["message_expiry"] == 60


@given(st.binary(max_size=60))
def test_whatever_headers_say_mqtt_clients_get_valid_properties(octets: bytes) -> None:
    """Header tables at random, those that are tables at all."""
    flags = struct.pack(">H", 1 << 13)
    try:
        properties = read_properties(flags + struct.pack(">I", len(octets)) + octets)
    except ValueError:
        return
    writer = PropertyWriter()
    for name, value in read_packet_properties(Outgoing(properties).octets, PUBLISH).user:
        writer.user(name, value)
