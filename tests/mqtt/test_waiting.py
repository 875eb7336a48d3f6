"""MQTT where somebody outside decides: packets wait for the decision, in order."""

from typing import Any

import pytest
from tests import mqtt_wire
from tests.amqp091.test_hold import Outside, World
from tests.fakes import new_node
from tests.mqtt_talk import MqttTalk

from leveret.broker.node import Node

WHO = {"user": "dora", "password": "secret"}


def outside(**settings: object) -> tuple[World, Node]:
    node = new_node(auth_backends=["outside"], **settings)
    world = World()
    node.logins.register("outside", Outside(world))
    return world, node


def talk_of(world: World, node: Node, version: int = 5) -> MqttTalk:
    talk = MqttTalk(node, version)
    made: Any = talk
    world.talk = made
    return talk


def opened(world: World, node: Node, client_id: str = "a", **given: Any) -> MqttTalk:
    talk = talk_of(world, node)
    talk.feed(mqtt_wire.connect(client_id, 5, **WHO, **given))
    world.answer_all()
    assert [p.reason for p in talk.read()] == [0]
    return talk


def test_a_login_waits_for_its_decisions() -> None:
    world, node = outside()
    talk = talk_of(world, node)
    talk.feed(mqtt_wire.connect("a", 5, **WHO) + b"\xc0\0")
    assert talk.session.is_waiting
    assert talk.read() == []
    assert world.answer() == ("login", "dora")
    assert world.answer() == ("vhost", "/")
    assert [p.kind for p in talk.read()] == ["CONNACK", "PINGRESP"]
    assert not talk.session.is_waiting


@pytest.mark.parametrize(("yes", "reason"), [(0, 0x86), (1, 0x87)])
def test_a_no_is_told(yes: int, reason: int) -> None:
    world, node = outside()
    talk = talk_of(world, node)
    talk.feed(mqtt_wire.connect("a", 5, **WHO))
    for _ in range(yes):
        world.answer()
    world.answer(False)
    assert [p.reason for p in talk.read()] == [reason]
    assert talk.session.closed


def test_packets_wait_in_order() -> None:
    world, node = outside()
    talk = opened(world, node)
    talk.feed(mqtt_wire.subscribe([("t/#", 1), ("u", 0)], 1, 5))
    for n in range(3):
        talk.publish("t/x", b"%d" % n, qos=1, packet_id=n + 1)
    assert talk.read() == []
    asked = world.answer_all()
    assert len(asked) == len(set(asked))
    found = talk.read()
    assert [p.kind for p in found if p.kind != "PUBLISH"] == ["SUBACK"] + ["PUBACK"] * 3
    assert [p.body for p in found if p.kind == "PUBLISH"] == [b"0", b"1", b"2"]


def test_a_message_that_waits_is_sent_once() -> None:
    world, node = outside()
    talk = opened(world, node)
    talk.feed(mqtt_wire.subscribe([("t", 2)], 1, 5))
    world.answer_all()
    talk.read()
    talk.publish("t", b"x", qos=2, packet_id=1)
    world.answer_all()
    assert [p.kind for p in talk.read()] == ["PUBLISH", "PUBREC"]


def test_a_subscription_that_is_refused() -> None:
    world, node = outside(mqtt_disconnect_on_unauthorized=False)
    talk = opened(world, node)
    talk.feed(mqtt_wire.subscribe([("t", 1)], 1, 5))
    world.answer(False)
    assert [p.codes for p in talk.read()] == [[0x87]]
    assert node.vhosts["/"].queues == {}


def test_who_leaves_while_it_waits_leaves_nothing() -> None:
    for opening in (True, False):
        world, node = outside()
        talk = talk_of(world, node) if opening else opened(world, node)
        if opening:
            talk.feed(mqtt_wire.connect("a", 5, **WHO))
        else:
            talk.feed(mqtt_wire.subscribe([("t", 1)], 1, 5))
        assert talk.session.is_waiting
        talk.lose()
        world.answer()
        assert node.connections.count_of_vhost("/") == 0
        assert node.vhosts["/"].queues == {}


def test_a_session_is_resumed_when_all_is_decided() -> None:
    world, node = outside()
    lasts: dict[str, Any] = {"clean": False, "props": {"session_expiry": 100}}
    talk = opened(world, node, **lasts)
    talk.feed(mqtt_wire.subscribe([("t", 1), ("$share/g/s", 1)], 1, 5))
    world.answer_all()
    talk.publish("t", b"1", qos=1)
    world.answer_all()
    talk.lose()
    world.known.clear()
    again = talk_of(world, node)
    again.feed(mqtt_wire.connect("a", 5, **WHO, **lasts))
    said: list[str] = []
    while world.open:
        assert said == []
        world.answer()
        said = [p.kind for p in again.read()]
    assert said == ["CONNACK", "PUBLISH"]
    queues = node.vhosts["/"].queues.values()
    assert [queue.consumer_count for queue in queues] == [1, 1]


def test_who_leaves_before_it_is_let_in_ends_no_session() -> None:
    world, node = outside()
    talk = opened(world, node, clean=False, props={"session_expiry": 100})
    talk.feed(mqtt_wire.subscribe([("t", 1)], 1, 5))
    world.answer_all()
    talk.publish("t", b"1", qos=1)
    world.answer_all()
    talk.lose()
    (queue,) = node.vhosts["/"].queues.values()
    assert queue.unacked_count == 1
    world.known.clear()
    again = talk_of(world, node)
    again.feed(mqtt_wire.connect("a", 5, **WHO, clean=False))
    assert [world.answer()[0], world.answer()[0]] == ["login", "vhost"]
    assert again.session.is_waiting
    again.lose()
    assert queue.unacked_count == 1


def test_a_will_waits_for_its_decision() -> None:
    world, node = outside()
    reader = opened(world, node, "reader")
    reader.feed(mqtt_wire.subscribe([("w", 0)], 1, 5))
    world.answer_all()
    reader.read()
    client = opened(world, node, "client", will=("w", b"gone"))
    client.lose()
    assert reader.bodies() == []
    while world.open:
        (asked,) = world.open
        world.open = []
        asked.answer(True)
    assert reader.bodies() == [b"gone"]


def test_keep_alive_does_not_count_while_the_broker_is_the_one_to_wait_for() -> None:
    world, node = outside()
    talk = opened(world, node, keep_alive=5)
    talk.feed(mqtt_wire.subscribe([("t", 1)], 1, 5))
    assert talk.session.is_waiting
    for _ in range(10):
        talk.pass_s(3)
    assert not talk.session.closed
