"""leveret.mqtt.sharing: shared subscriptions, with several clients over a real socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mqtt.conftest import until
from tests.mqtt_wire import MqttWire, Packet

import leveret
from leveret.auth.permissions import Permission
from leveret.broker.node import Node

GROUP = "$share/group/"


OPEN: list[MqttWire] = []


@pytest.fixture(autouse=True)
def close_all() -> Iterator[None]:
    """Ends with its test what the test has opened."""
    yield
    while OPEN:
        OPEN.pop().close()


@pytest.fixture
def broker() -> Iterator[leveret.Broker]:
    with leveret.Broker(mqtt=True) as broker:
        yield broker


def wire_to(broker: leveret.Broker, version: int = 5) -> MqttWire:
    wire = MqttWire(port=broker.mqtt_port, version=version)
    OPEN.append(wire)
    return wire


def client(broker: leveret.Broker, name: str, version: int = 5, **given: Any) -> MqttWire:
    wire = wire_to(broker, version)
    assert wire.connect(name, **given).reason == 0
    return wire


def publish(broker: leveret.Broker, topic: str, bodies: list[bytes], qos: int = 1) -> None:
    """Publish all, and return when the broker has taken them in."""
    with client(broker, "publisher") as wire:
        for number, body in enumerate(bodies, 1):
            wire.publish(topic, body, qos=qos, packet_id=number)
            if qos == 1:
                wire.need("PUBACK")
        wire.ping()


def lasting(broker: leveret.Broker, name: str, **given: Any) -> MqttWire:
    """A client whose session outlives its connection."""
    return client(broker, name, clean=False, props={"session_expiry": 1000}, **given)


def queues(broker: leveret.Broker) -> list[str]:
    def names(node: Node) -> list[str]:
        return [name for name in node.vhosts["/"].queues if name.startswith("mqtt-shared-")]

    return broker.call(names)


def bodies(packets: list[Packet]) -> list[bytes]:
    return [packet.body for packet in packets]


def test_each_message_is_for_one_member(broker: leveret.Broker) -> None:
    readers = [client(broker, f"r{number}") for number in range(3)]
    for reader in readers:
        assert reader.subscribe(GROUP + "a/+") == [0]
    sent = [b"%d" % number for number in range(30)]
    publish(broker, "a/b", sent)
    got = [bodies(reader.messages_before_pong()) for reader in readers]
    assert sorted(body for each in got for body in each) == sorted(sent)
    assert [len(each) for each in got] == [10, 10, 10]


def test_groups_and_others_get_each_message(broker: leveret.Broker) -> None:
    first, second, alone = (client(broker, name) for name in ("1", "2", "3"))
    first.subscribe("$share/one/a")
    second.subscribe("$share/two/a")
    alone.subscribe("a")
    publish(broker, "a", [b"x"])
    for wire in (first, second, alone):
        assert bodies(wire.messages_before_pong()) == [b"x"]


def test_a_member_may_subscribe_by_itself_too(broker: leveret.Broker) -> None:
    wire = client(broker, "c")
    wire.subscribe(GROUP + "a", qos=1, props={"subscription_identifier": 7})
    wire.subscribe("a", qos=0, props={"subscription_identifier": 8})
    publish(broker, "a", [b"x"])
    got = [wire.message() for _ in range(2)]
    found = sorted((each.qos, each.props["subscription_identifier"]) for each in got)
    assert found == [(0, [8]), (1, [7])]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_every_version_may_share(broker: leveret.Broker, version: int) -> None:
    wire = client(broker, "c", version)
    assert wire.subscribe(GROUP + "a", qos=2) == [2]
    publish(broker, "a", [b"x"])
    assert wire.message().body == b"x"


def test_a_wrong_filter_is_refused(broker: leveret.Broker) -> None:
    wire = client(broker, "c")
    assert wire.subscribe("$share//a") == [0x8F]
    assert wire.subscribe("$share/g") == [0x8F]
    wire.subscribe("ok")


def test_no_local_makes_no_sense_in_a_group(broker: leveret.Broker) -> None:
    wire = client(broker, "c")
    wire.send(b"\x82\x11\x00\x01\x00\x00\x0b$share/g/aa\x04")
    assert wire.need("DISCONNECT").reason == 0x82


def test_members_get_nothing_retained(broker: leveret.Broker) -> None:
    with client(broker, "p") as wire:
        wire.publish("a", b"x", retain=True, qos=1)
        wire.need("PUBACK")
    reader = client(broker, "c")
    reader.subscribe(GROUP + "a")
    assert reader.messages_before_pong() == []


def test_who_gives_up_gets_no_more_and_the_last_takes_the_queue(broker: leveret.Broker) -> None:
    first, second = client(broker, "1"), client(broker, "2")
    for wire in (first, second):
        wire.subscribe(GROUP + "a")
    assert queues(broker) == ["mqtt-shared-group/a"]
    assert first.unsubscribe(GROUP + "a", GROUP + "a", "$share/other/a") == [0, 0x11, 0x11]
    publish(broker, "a", [b"1", b"2"])
    assert first.messages_before_pong() == []
    assert bodies(second.messages_before_pong()) == [b"1", b"2"]
    second.unsubscribe(GROUP + "a")
    assert queues(broker) == []


def test_the_queue_goes_with_the_last_session(broker: leveret.Broker) -> None:
    first, second = client(broker, "1"), client(broker, "2")
    for wire in (first, second):
        wire.subscribe(GROUP + "a")
    first.disconnect()
    assert queues(broker) == ["mqtt-shared-group/a"]
    second.close()
    until(lambda: queues(broker) == [])


def test_subscribing_again_changes_what_was_asked_for(broker: leveret.Broker) -> None:
    wire = client(broker, "c")
    for qos in (1, 0, 2):
        assert wire.subscribe(GROUP + "a", qos=qos) == [qos]
        publish(broker, "a", [b"x"], qos=1)
        got = [wire.message()]
        assert [each.qos for each in got] == [min(qos, 1)]
        assert wire.messages_before_pong() == []
    wire.unsubscribe(GROUP + "a")
    assert queues(broker) == []


def test_what_is_under_way_counts_until_it_is_answered_for(broker: leveret.Broker) -> None:
    wire = client(broker, "c", props={"receive_maximum": 2})
    wire.subscribe(GROUP + "a", "b", qos=1)
    publish(broker, "a", [b"1", b"2", b"3"])
    out = [wire.need("PUBLISH") for _ in range(2)]
    wire.unsubscribe(GROUP + "a")
    publish(broker, "b", [b"4", b"5"])
    assert wire.messages_before_pong() == []
    for packet in out:
        wire.ack("PUBACK", packet.packet_id)
    assert [wire.message().body for _ in range(2)] == [b"4", b"5"]


def test_who_subscribes_again_keeps_what_is_under_way(broker: leveret.Broker) -> None:
    wire = client(broker, "c", props={"receive_maximum": 2})
    wire.subscribe(GROUP + "a", qos=1)
    publish(broker, "a", [b"1", b"2", b"3"])
    out = [wire.need("PUBLISH") for _ in range(2)]
    assert wire.subscribe(GROUP + "a", qos=2) == [2]
    assert wire.messages_before_pong() == []

    def unacked(node: Node) -> list[int]:
        queue = node.vhosts["/"].queues["mqtt-shared-group/a"]
        return [queue.unacked_count, *(each.unacked_count for each in queue.consumers)]

    assert broker.call(unacked) == [2, 2]
    for packet in out:
        wire.ack("PUBACK", packet.packet_id)
    assert wire.message().body == b"3"
    wire.ping()
    assert broker.call(unacked) == [0, 0]


def test_what_a_member_did_not_answer_for_goes_to_another(broker: leveret.Broker) -> None:
    first = lasting(broker, "1")
    first.subscribe(GROUP + "a", qos=1)
    publish(broker, "a", [b"x"])
    assert first.need("PUBLISH").body == b"x"
    second = client(broker, "2")
    second.subscribe(GROUP + "a", qos=1)
    first.close()
    got = second.message()
    assert (got.body, got.is_duplicate) == (b"x", True)
    again = lasting(broker, "1")
    assert again.messages_before_pong() == []


def test_so_does_what_is_under_way_when_it_gives_up(broker: leveret.Broker) -> None:
    first, second = client(broker, "1"), client(broker, "2")
    first.subscribe(GROUP + "a", qos=1)
    publish(broker, "a", [b"x"])
    assert first.need("PUBLISH").body == b"x"
    second.subscribe(GROUP + "a", qos=1)
    first.unsubscribe(GROUP + "a")
    assert second.messages_before_pong() == []
    first.close()
    got = second.message()
    assert (got.body, got.is_duplicate) == (b"x", True)


def test_with_qos_2_nobody_else_gets_it(broker: leveret.Broker) -> None:
    first = lasting(broker, "1")
    first.subscribe(GROUP + "a", qos=2)
    with client(broker, "p") as wire:
        wire.publish("a", b"x", qos=2, packet_id=1)
        wire.need("PUBREC")
        wire.ack("PUBREL", 1)
        wire.need("PUBCOMP")
    packet = first.need("PUBLISH")
    second = client(broker, "2")
    second.subscribe(GROUP + "a", qos=2)
    first.close()
    again = lasting(broker, "1")
    got = again.message()
    assert (got.body, got.is_duplicate, got.packet_id) == (b"x", True, packet.packet_id)
    assert second.messages_before_pong() == []


def test_a_session_that_lasts_stays_a_member(broker: leveret.Broker) -> None:
    wire = lasting(broker, "1")
    wire.subscribe(GROUP + "a", qos=1)
    wire.disconnect()
    publish(broker, "a", [b"x"])
    again = wire_to(broker)
    answer = again.connect("1", clean=False, props={"session_expiry": 1000})
    assert answer.is_session_present
    assert again.message().body == b"x"
    again.disconnect(0, {"session_expiry": 0})
    until(lambda: queues(broker) == [])


def test_a_session_begun_anew_is_no_member(broker: leveret.Broker) -> None:
    wire = lasting(broker, "1")
    wire.subscribe(GROUP + "a", qos=1)
    wire.disconnect()
    client(broker, "1", clean=True)
    assert queues(broker) == []


def test_a_session_that_expires_is_no_member(broker: leveret.Broker) -> None:
    wire = client(broker, "1", clean=False, props={"session_expiry": 1})
    wire.subscribe(GROUP + "a", qos=1)
    wire.close()
    until(lambda: queues(broker) == [])


def test_members_outlive_a_restart_of_the_broker(tmp_path: Path) -> None:
    with leveret.Broker(mqtt=True, data_dir=tmp_path) as broker:
        wire = lasting(broker, "stays")
        wire.subscribe(GROUP + "a", qos=1, props={"subscription_identifier": 9})
        passing = client(broker, "passes")
        passing.subscribe(GROUP + "a", qos=1)
        passing.subscribe("$share/nobody/a", qos=1)
        wire.disconnect()
        passing.unsubscribe(GROUP + "a")
        publish(broker, "a", [b"x"])
    with leveret.Broker(mqtt=True, data_dir=tmp_path) as broker:
        again = wire_to(broker)
        answer = again.connect("stays", clean=False, props={"session_expiry": 1000})
        assert answer.is_session_present
        got = again.message()
        assert (got.body, got.props["subscription_identifier"]) == (b"x", [9])
        assert queues(broker) == ["mqtt-shared-group/a"]
        again.unsubscribe(GROUP + "a")
        assert queues(broker) == []


def test_who_may_not_use_the_queue_is_no_member(broker: leveret.Broker) -> None:
    def limit(node: Node) -> None:
        user = node.users.add("device", "secret", [])
        user.grant("/", Permission("^mqtt-subscription-", "^(mqtt-subscription-|amq.topic)", ".*"))

    broker.call(limit)
    wire = wire_to(broker)
    assert wire.connect("c", user="device", password=b"secret").reason == 0
    assert wire.subscribe(GROUP + "a") == [0x87]
    assert queues(broker) == []


def test_a_slow_member_leaves_messages_to_the_others(broker: leveret.Broker) -> None:
    slow = client(broker, "slow", props={"receive_maximum": 1})
    quick = client(broker, "quick")
    for wire in (slow, quick):
        wire.subscribe(GROUP + "a", qos=1)
    sent = [b"%d" % number for number in range(10)]
    publish(broker, "a", sent)
    first = slow.need("PUBLISH").body
    got = [quick.message().body for _ in range(9)]
    assert sorted([first, *got]) == sorted(sent)
