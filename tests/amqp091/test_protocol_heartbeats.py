"""Heartbeats both ways, and how connections end."""

import time

from tests.wire import HEARTBEAT, Wire

import leveret


def opened(broker: leveret.Broker, heartbeat_s: int = 0) -> Wire:
    wire = Wire(port=broker.port)
    wire.open(tune={"heartbeat": heartbeat_s})
    return wire


def test_the_broker_sends_heartbeats_when_it_has_nothing_else_to_say(
    broker: leveret.Broker,
) -> None:
    with opened(broker, 1) as wire:
        beats = []
        for _ in range(3):
            beats.append(wire.read_frame())
            wire.send_frame(HEARTBEAT, 0, b"")
        assert [(beat.kind, beat.channel, beat.payload) for beat in beats if beat] == [
            (HEARTBEAT, 0, b"")
        ] * 3


def test_a_client_without_a_sign_of_life_is_dropped_without_a_word(broker: leveret.Broker) -> None:
    with opened(broker, 1) as wire:
        start = time.monotonic()
        assert wire.read(timeout=60) is None
        assert time.monotonic() - start >= 1


def test_what_a_dropped_client_held_is_delivered_again(broker: leveret.Broker) -> None:
    with opened(broker, 1) as silent, opened(broker) as other:
        other.call("queue.declare", queue="q")
        other.publish("", "q", b"held")
        other.call("basic.qos")
        assert silent.call("basic.get", queue="q").body == b"held"
        assert silent.read(timeout=60) is None
        again = other.call("basic.get", queue="q")
        assert (again.body, again.redelivered) == (b"held", True)


def test_any_traffic_is_a_sign_of_life(broker: leveret.Broker) -> None:
    with opened(broker, 1) as wire:
        for _ in range(12):
            time.sleep(0.25)
            assert wire.call("basic.qos").name == "basic.qos-ok"


def test_heartbeat_0_switches_them_off(broker: leveret.Broker) -> None:
    with opened(broker, 0) as wire:
        assert wire.read_all(2.5) == []
        assert wire.buffer == b""


def test_a_stopping_broker_says_320(broker: leveret.Broker) -> None:
    with opened(broker) as wire:
        start = time.monotonic()
        broker.stop()
        assert time.monotonic() - start < 2
        goodbye = wire.expect("connection.close")
        assert goodbye.reply_code == 320
        assert goodbye.reply_text.startswith("CONNECTION_FORCED - ")
        assert (goodbye.class_id, goodbye.method_id) == (0, 0)
        assert wire.read() is None


def test_a_client_that_closes_is_answered_and_then_let_go(broker: leveret.Broker) -> None:
    with opened(broker) as wire:
        assert wire.call("connection.close", 0, reply_code=200).name == "connection.close-ok"
        assert wire.read(timeout=5) is None


def test_what_a_lost_client_held_is_delivered_again_in_its_old_place(
    broker: leveret.Broker,
) -> None:
    with opened(broker) as lost, opened(broker) as other:
        other.call("queue.declare", queue="q")
        for number in range(4):
            other.publish("", "q", b"%d" % number)
        lost.call("basic.consume", queue="q", consumer_tag="t")
        for _ in range(4):
            lost.expect("basic.deliver")
        lost.send("basic.ack", delivery_tag=2)
        lost.call("basic.qos")
        lost.drop()
        other.read_all(0.3)
        left = [other.call("basic.get", queue="q", no_ack=True) for _ in range(4)]
        assert [(one.body, one.redelivered) for one in left[:3]] == [
            (b"0", True),
            (b"2", True),
            (b"3", True),
        ]
        assert left[3].name == "basic.get-empty"
