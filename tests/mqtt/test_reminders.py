"""leveret.mqtt.reminders: what new subscribers get of retained messages and $SYS topics."""

from pathlib import Path
from typing import Any

import pytest
from tests import mqtt_wire
from tests.mqtt.conftest import Join, until
from tests.mqtt_talk import MqttTalk
from tests.mqtt_wire import MqttWire, Packet

import leveret
from leveret.broker.node import Node
from leveret.mqtt.sys_topics import sys_topics_of
from leveret.version import VERSION


def wire_to(broker: leveret.Broker, version: int = 5) -> MqttWire:
    return MqttWire(port=broker.mqtt_port, version=version)


def retain(wire: MqttWire, topic: str, body: bytes, **given: Any) -> None:
    """Publish a retained message, and return when the broker has it."""
    wire.publish(topic, body, retain=True, qos=1, **given)
    wire.need("PUBACK")


def seen(packets: list[Packet]) -> list[tuple[str, bytes, int, bool]]:
    return [(each.topic, each.body, each.qos, each.is_retained) for each in packets]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_who_subscribes_gets_what_is_retained(join: Join, version: int) -> None:
    writer, reader = join("w"), join("r", version=version)
    top = f"get/{version}"
    retain(writer, f"{top}/a", b"old")
    retain(writer, f"{top}/a", b"new")
    retain(writer, f"{top}/b", b"gone")
    retain(writer, f"{top}/b", b"")
    reader.subscribe(f"{top}/+", qos=1)
    assert seen([reader.message()]) == [(f"{top}/a", b"new", 1, True)]
    assert reader.messages_before_pong() == []


def test_it_comes_after_the_answer(join: Join) -> None:
    writer, reader = join("w"), join("r")
    retain(writer, "after/a", b"x")
    reader.subscribe("after/a")
    assert [each.kind for each in reader.set_aside] == []
    assert reader.message().is_retained


def test_who_is_subscribed_already_sees_no_flag(join: Join) -> None:
    writer, reader = join("w"), join("r")
    reader.subscribe("alive/a")
    retain(writer, "alive/a", b"x")
    assert seen([reader.message()]) == [("alive/a", b"x", 0, False)]


def test_who_subscribes_again_and_does_not_read_waits_for_no_more_and_more() -> None:
    talk = MqttTalk(version=5).open("r")
    for n in range(4):
        talk.publish(f"t/{n}", bytes(100_000), retain=True)
    for _ in range(100):
        talk.feed(mqtt_wire.subscribe([("t/#", 0)], 1, 5))
    # Each is followed by all of them; those that came meanwhile share theirs.
    found = [each.kind for each in talk.read()]
    assert (found.count("SUBACK"), found.count("PUBLISH")) == (100, 8)


def test_more_are_retained_than_the_socket_takes_at_once(join: Join) -> None:
    """And more than may wait for a slow client of QoS 0."""
    writer, reader = join("w"), join("r")
    body = b"x" * 1000
    for number in range(3000):
        writer.publish(f"many/{number}", body, retain=True)
    writer.ping()
    reader.subscribe("many/#")
    got = [reader.message() for _ in range(3000)]
    assert sorted(int(each.topic.removeprefix("many/")) for each in got) == list(range(3000))
    for number in range(3000):
        writer.publish(f"many/{number}", b"", retain=True)
    writer.ping()


def test_no_more_than_the_receive_maximum_comes_at_once(join: Join) -> None:
    writer = join("w")
    for number in range(5):
        retain(writer, f"window/{number}", b"x")
    reader = join("r", version=5, props={"receive_maximum": 2})
    reader.subscribe("window/#", qos=1)
    reader.ping()
    first = [each for each in reader.set_aside if each.kind == "PUBLISH"]
    assert len(first) == 2
    got = {reader.message().topic for _ in range(5)}
    assert got == {f"window/{number}" for number in range(5)}


def test_a_session_that_lasts_gets_it_later_with_its_flag(join: Join) -> None:
    writer, reader = join("w"), join("lasting", clean=False)
    retain(writer, "later/a", b"x")
    reader.subscribe("later/a", qos=1)
    packet = reader.need("PUBLISH")
    reader.close()
    again = join("lasting", clean=False)
    got = again.message()
    assert (got.body, got.is_retained, got.is_duplicate) == (b"x", True, True)
    assert got.packet_id == packet.packet_id


@pytest.mark.parametrize(("handling", "expected"), [(0, [1, 1]), (1, [1, 0]), (2, [0, 0])])
def test_retain_handling_says_when(join: Join, handling: int, expected: list[int]) -> None:
    writer, reader = join("w"), join("r", version=5)
    retain(writer, "handling/a", b"x")
    counts = []
    for _ in range(2):
        reader.subscribe("handling/a", options=handling << 4)
        counts.append(len(reader.messages_before_pong()))
    assert counts == expected


def test_overlapping_filters_each_bring_it_at_the_highest_qos(join: Join) -> None:
    writer, reader = join("w"), join("r")
    retain(writer, "over/a", b"x")
    reader.subscribe("over/a", qos=1)
    assert reader.message().qos == 1
    reader.subscribe("over/#", qos=0)
    assert reader.message().qos == 1


def test_properties_are_kept_and_time_passes(join: Join) -> None:
    writer, reader = join("w", version=5), join("r", version=5)
    props = {"content_type": "text/plain", "user": [("b", "1"), ("a", "2"), ("b", "3")]}
    retain(writer, "kept/a", b"x", props={**props, "message_expiry": 1000})
    reader.subscribe("kept/a", props={"subscription_identifier": 5})
    got = reader.message().props
    assert 0 < got.pop("message_expiry") <= 1000
    assert got == {**props, "subscription_identifier": [5]}


def test_what_has_expired_does_not_come(join: Join) -> None:
    writer = join("w", version=5)
    retain(writer, "short/a", b"x", props={"message_expiry": 1})

    def is_gone() -> bool:
        reader = join("", version=5)
        reader.subscribe("short/a")
        return reader.messages_before_pong() == []

    until(is_gone)


def test_retained_messages_outlive_a_restart(tmp_path: Path) -> None:
    with leveret.Broker(mqtt=True, data_dir=tmp_path) as broker, wire_to(broker, 4) as writer:
        writer.connect("w")
        retain(writer, "rest/a", b"x")
        retain(writer, "rest/b", b"x")
        retain(writer, "rest/b", b"")
        writer.subscribe("rest/will")
        with wire_to(broker, 4) as dying:
            dying.connect("d", will=("rest/will", b"gone"), will_retain=True)
        assert writer.message().body == b"gone"
    with leveret.Broker(mqtt=True, data_dir=tmp_path) as broker, wire_to(broker, 4) as reader:
        reader.connect("r")
        reader.subscribe("rest/#")
        got = {(each.topic, each.body) for each in (reader.message(), reader.message())}
        assert got == {("rest/a", b"x"), ("rest/will", b"gone")}
        assert reader.messages_before_pong() == []


def test_where_nothing_is_retained_mqtt_5_is_told() -> None:
    with leveret.Broker(mqtt=True, settings={"mqtt_retained_store": "none"}) as broker:
        with wire_to(broker) as wire:
            assert wire.connect("a").props["retain_available"] == 0
            wire.publish("a", b"x", retain=True)
            assert wire.need("DISCONNECT").reason == 0x9A
        with wire_to(broker, 4) as wire:
            wire.connect("b")
            wire.publish("a", b"x", retain=True)
            wire.subscribe("a")
            assert wire.messages_before_pong() == []


# --- $SYS ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
def test_who_subscribes_to_sys_topics_is_told_what_is(join: Join, version: int) -> None:
    reader = join("r", version=version)
    reader.subscribe("$SYS/broker/version", qos=1)
    assert seen([reader.message()]) == [
        ("$SYS/broker/version", f"leveret {VERSION}".encode(), 0, True)
    ]
    reader.subscribe("$SYS/broker/clients/+")
    got = reader.message()
    assert (got.topic, int(got.body) >= 1) == ("$SYS/broker/clients/connected", True)


def test_who_subscribed_is_told_what_changes(broker: leveret.Broker, join: Join) -> None:
    reader, other = join("r"), join("o")
    reader.subscribe("$SYS/broker/retained messages/count")
    before = int(reader.message().body)
    other.subscribe("#", "+/broker/#")
    other.messages_before_pong()  # what other tests have left
    retain(other, "counted", b"x")
    broker.call(tell)
    got = reader.message()
    assert (int(got.body), got.is_retained) == (before + 1, False)
    assert {each.topic for each in other.messages_before_pong()} == {"counted"}
    retain(other, "counted", b"")


def tell(node: Node) -> None:
    """As if it was time."""
    sys_topics_of(node).tell()


def test_a_session_that_lasts_goes_on_listening(broker: leveret.Broker, join: Join) -> None:
    reader = join("lasting", clean=False)
    reader.subscribe("$SYS/broker/clients/connected")
    reader.message()
    reader.disconnect()
    again = join("lasting", clean=False)
    broker.call(tell)
    assert again.message().topic == "$SYS/broker/clients/connected"


@pytest.mark.parametrize("topic", ["$SYS/broker/version", "$SYS.x", "$SYS"])
def test_nobody_else_publishes_to_sys_topics(join: Join, topic: str) -> None:
    writer = join("w", version=5)
    writer.publish(topic, b"lies", qos=1)
    assert writer.need("DISCONNECT").reason == 0x87


def test_other_topics_with_a_dollar_are_everybodys(join: Join) -> None:
    writer, reader = join("w"), join("r")
    reader.subscribe("$mine/+", "#")
    reader.messages_before_pong()  # what other tests have left
    writer.publish("$mine/a", b"x")
    writer.ping()
    assert seen(reader.messages_before_pong()) == [("$mine/a", b"x", 0, False)]


# --- aliases ---------------------------------------------------------------------------------


def test_a_client_that_takes_aliases_gets_them(join: Join) -> None:
    writer, reader = join("w"), join("r", version=5, props={"topic_alias_maximum": 2})
    reader.subscribe("alias/#")
    topics = ["alias/1", "alias/2", "alias/1", "alias/3", "alias/2", "alias/3", "alias/3"]
    known: dict[int, str] = {}
    told = []
    for topic in topics:
        writer.publish(topic, b"x")
        got = reader.message()
        alias = got.props.get("topic_alias", 0)
        assert alias <= 2
        if got.topic and alias:
            known[alias] = got.topic
        told.append(got.topic != "")
        assert (got.topic or known[alias]) == topic
    assert told == [True, True, False, True, False, True, False]


def test_an_alias_that_was_in_a_packet_not_sent_is_told_again(join: Join) -> None:
    given = {"topic_alias_maximum": 5, "maximum_packet_size": 200}
    writer, reader = join("w"), join("r", version=5, props=given)
    reader.subscribe("alias/big")
    writer.publish("alias/big", b"x" * 300)
    writer.publish("alias/big", b"small")
    got = reader.message()
    assert (got.topic, got.body) == ("alias/big", b"small")


def test_aliases_of_a_client_hold_for_its_connection(join: Join) -> None:
    writer, reader = join("w", version=5), join("r")
    reader.subscribe("alias/+")
    writer.publish("alias/in", b"1", props={"topic_alias": 16})
    writer.publish("", b"2", props={"topic_alias": 16})
    assert [reader.message().topic for _ in range(2)] == ["alias/in"] * 2
    again = join("w2", version=5)
    again.publish("", b"3", props={"topic_alias": 16})
    assert again.need("DISCONNECT").reason == 0x82


# --- properties ------------------------------------------------------------------------------

EVERYTHING = {
    "payload_format": 1,
    "content_type": "text/plain",
    "response_topic": "answers/here",
    "correlation_data": b"\x00\xff",
    "user": [("b", "1"), ("a", "2"), ("b", "3")],
}


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_properties_pass_from_client_to_client(join: Join, qos: int) -> None:
    writer, reader = join("w", version=5), join("r", version=5)
    old = join("old")
    for wire in (reader, old):
        wire.subscribe("props/a", qos=qos)
    writer.publish("props/a", b"x", qos=qos, packet_id=5, props=EVERYTHING)
    assert reader.message().props == EVERYTHING
    assert old.message().body == b"x"


def test_properties_outlive_a_restart(tmp_path: Path) -> None:
    given: dict[str, Any] = {"clean": False, "props": {"session_expiry": 1000}}
    with leveret.Broker(mqtt=True, data_dir=tmp_path) as broker:
        with wire_to(broker) as reader:
            reader.connect("r", **given)
            reader.subscribe("a", qos=2, props={"subscription_identifier": 3})
            reader.disconnect()
        with wire_to(broker) as writer:
            writer.connect("w")
            writer.publish("a", b"x", qos=2, packet_id=1, props=EVERYTHING)
            writer.need("PUBREC")
    with leveret.Broker(mqtt=True, data_dir=tmp_path) as broker, wire_to(broker) as reader:
        reader.connect("r", **given)
        got = reader.message()
        assert got.props == {**EVERYTHING, "subscription_identifier": [3]}
        assert got.qos == 2
