"""leveret.mqtt.session: what comes before CONNECT, what is wrong, what takes too long."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import mqtt_wire
from tests.fakes import new_node
from tests.listening import Notes
from tests.mqtt_talk import MqttTalk

from leveret.broker.alarms import DISK
from leveret.mqtt.state import clients_of

VERSIONS = (3, 4, 5)


def test_who_does_not_begin_with_connect_is_cut_off() -> None:
    talk = MqttTalk()
    talk.publish("a", b"x")
    assert talk.session.closed
    assert talk.read() == []


def test_a_stranger_is_cut_off() -> None:
    for octets in (b"GET / HTTP/1.1\r\n\r\n", b"AMQP\0\0\x09\x01", bytes(9), b"\xff" * 9):
        talk = MqttTalk()
        talk.feed(octets)
        assert talk.session.closed
        assert talk.read() == []


@pytest.mark.parametrize("version", (4, 5))
def test_a_second_connect_ends_the_connection(version: int) -> None:
    talk = MqttTalk(version=version).open("a")
    talk.feed(mqtt_wire.connect("a", version))
    assert talk.session.closed
    assert [p.reason for p in talk.read()] == ([0x82] if version == 5 else [])


@pytest.mark.parametrize(("level", "name"), [(6, b"MQTT"), (3, b"MQTT"), (0, b"MQTT")])
def test_another_version_is_refused(level: int, name: bytes) -> None:
    talk = MqttTalk()
    rest = mqtt_wire.string(name) + bytes([level, 2, 0, 0]) + mqtt_wire.string("a")
    talk.feed(mqtt_wire.packet("CONNECT", 0, rest))
    assert [p.reason for p in talk.read()] == [1]
    assert talk.session.closed


def test_a_packet_before_the_login_has_64_kib_at_most() -> None:
    talk = MqttTalk()
    talk.feed(b"\x10\x80\x80\x04" + bytes(100))
    assert talk.session.closed


def test_connect_must_come_in_time() -> None:
    talk = MqttTalk()
    talk.feed(mqtt_wire.connect("a")[:5])
    talk.pass_s(9)
    assert not talk.session.closed
    talk.pass_s(2)
    assert talk.session.closed


@pytest.mark.parametrize("version", VERSIONS)
def test_silence_for_one_and_a_half_keep_alives_ends_the_connection(version: int) -> None:
    talk = MqttTalk(version=version).open("a", keep_alive=10)
    for _ in range(3):
        talk.pass_s(14)
        talk.feed(b"\xc0\0")
        assert [p.kind for p in talk.read()] == ["PINGRESP"]
        talk.pass_s(0.5)
    talk.pass_s(14)
    assert not talk.session.closed
    talk.pass_s(1.5)
    assert talk.session.closed
    assert [p.reason for p in talk.read()] == ([0x8D] if version == 5 else [])


def test_without_a_keep_alive_silence_is_fine() -> None:
    talk = MqttTalk().open("a")
    talk.pass_s(100_000)
    assert not talk.session.closed


def test_the_server_may_shorten_the_keep_alive_of_mqtt_5() -> None:
    node = new_node(mqtt_keep_alive_max_s=60)
    for asked in (0, 61):
        found = MqttTalk(node, version=5).connect("", keep_alive=asked)
        assert found.props["server_keep_alive"] == 60
    assert "server_keep_alive" not in MqttTalk(node, version=5).connect("", keep_alive=60).props


@pytest.mark.parametrize("version", VERSIONS)
def test_shut_says_goodbye_where_there_are_words_for_it(version: int) -> None:
    for reason, code in (("connection force-closed", 0x98), ("reason 'shutdown'", 0x8B)):
        talk = MqttTalk(version=version).open("a")
        talk.session.shut(reason)
        assert talk.session.closed
        assert [p.reason for p in talk.read()] == ([code] if version == 5 else [])
        talk.lose()


def test_publishers_wait_while_something_runs_low() -> None:
    node = new_node()
    reader, writer = MqttTalk(node).open("r"), MqttTalk(node).open("w")
    reader.subscribe("t")
    node.alarms.set("test", DISK)
    writer.publish("t", b"held")
    assert writer.session.is_waiting
    writer.publish("t", b"after", qos=1, packet_id=4)
    assert reader.bodies() == []
    assert writer.read() == []
    node.alarms.clear("test")
    assert [p.kind for p in writer.read()] == ["PUBACK"]
    assert reader.bodies() == [b"held", b"after"]


def test_a_publisher_that_waits_may_go() -> None:
    node = new_node()
    writer = MqttTalk(node).open("w")
    node.alarms.set("test", DISK)
    writer.publish("t", b"held")
    writer.lose()
    assert node.alarms.held_count == 0
    node.alarms.clear("test")


def test_a_session_that_ends_leaves_nothing_behind() -> None:
    node = new_node()
    vhost = node.vhosts["/"]
    before = len(vhost.queues), len(list(vhost.bindings()))
    talk = MqttTalk(node).open("a")
    assert talk.subscribe("a/#", "b", qos=1) == [1, 1]
    assert node.connections.count_of_vhost("/") == 1
    talk.lose()
    assert (len(vhost.queues), len(list(vhost.bindings()))) == before
    assert node.connections.count_of_vhost("/") == 0


def test_enhanced_authentication_is_refused() -> None:
    talk = MqttTalk(version=5)
    props = {"authentication_method": "SCRAM", "authentication_data": b"x"}
    assert talk.connect("a", props=props).reason == 0x8C
    assert talk.session.closed
    talk = MqttTalk(version=5).open("a")
    talk.feed(mqtt_wire.packet("AUTH", 0, b"\x19\0"))
    assert [p.reason for p in talk.read()] == [0x82]


@given(st.binary(max_size=200), st.integers(0, 2))
def test_random_octets_are_refused_or_awaited(octets: bytes, index: int) -> None:
    node = new_node()
    for opened in (False, True):
        talk = MqttTalk(node, version=VERSIONS[index])
        if opened:
            talk.open("a")
        talk.feed(octets)
        talk.drain()
        assert node.notices is not None
        talk.lose()
    assert node.connections.count_of_vhost("/") == 0


def test_who_loses_a_queue_is_cut_off_to_come_back() -> None:
    talk = MqttTalk(version=5).open("a")
    talk.subscribe("a", qos=1)
    vhost = talk.node.vhosts["/"]
    vhost.delete_queue(vhost.queues["mqtt-subscription-aqos1"], False, False)
    talk.pass_s(1)
    assert [p.reason for p in talk.read()] == [0x98]
    assert talk.session.closed
    assert vhost.queues == {}


def test_no_memory_is_taken_by_sessions_that_are_only_queues() -> None:
    node = new_node()
    for n in range(10):
        talk = MqttTalk(node).open(f"c{n}", clean=False)
        talk.subscribe("a", qos=1)
        talk.lose()
    assert len(clients_of(node)) == 0
    assert len(node.vhosts["/"].queues) == 10
    assert MqttTalk(node).connect("c3", clean=False).is_session_present


def test_what_comes_and_goes_is_told() -> None:
    node = new_node()
    notes = Notes()
    node.events.listen(notes)
    talk = MqttTalk(node).open("a")
    talk.subscribe("t", qos=1)
    talk.feed(mqtt_wire.disconnect())
    names = [name for name, _ in notes.events]
    assert names == [
        "user.authentication.success",
        "connection.created",
        "queue.created",
        "consumer.created",
        "binding.created",
        "binding.deleted",
        "queue.deleted",
        "consumer.deleted",
        "connection.closed",
    ]
    facts = dict(notes.events)
    assert facts["connection.created"]["protocol"] == "MQTT 3-1-1"
    assert facts["consumer.created"]["ack_required"]


@pytest.mark.parametrize("qos", (1, 2))
def test_an_answer_may_come_before_its_message_is_sent_again(qos: int) -> None:
    node = new_node()
    lasts: dict[str, Any] = {"clean": False, "props": {"session_expiry": 100}}
    talk = MqttTalk(node, 5).open("r", **lasts)
    talk.subscribe("t", qos=qos)
    writer = MqttTalk(node).open("w")
    for body in (b"1", b"2"):
        writer.publish("t", body, qos=qos, packet_id=int(body))
    ids = [each.packet_id for each in talk.read()]
    talk.lose()
    lasts["props"]["receive_maximum"] = 1
    again = MqttTalk(node, 5)
    again.feed(mqtt_wire.connect("r", 5, **lasts))
    assert [each.body for each in again.read() if each.kind == "PUBLISH"] == [b"1"]
    for packet_id in reversed(ids):
        for kind in ("PUBACK",) if qos == 1 else ("PUBREC", "PUBCOMP"):
            again.feed(mqtt_wire.ack(kind, packet_id))
    assert again.bodies() == []
    assert node.vhosts["/"].queues["mqtt-subscription-rqos1"].unacked_count == 0
    # There is room for one again, and for no more.
    for body in (b"3", b"4"):
        writer.publish("t", body, qos=qos, packet_id=int(body))
    assert again.bodies() == [b"3"]
