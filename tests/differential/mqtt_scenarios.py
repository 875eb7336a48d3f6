"""What is played on RabbitMQ's MQTT plugin and on mosquitto, and compared with Leveret.

Those called `scenario_…` are for clients of MQTT 3.1.1 and played on all three; those called
`crossing_…` have an AMQP client, too, and are played on RabbitMQ.
"""

from typing import Any

from tests.differential.mqtt_stage import MqttStage
from tests.differential.peer import Trace
from tests.mqtt_wire import connect, packet, publish, subscribe

# --- connecting ------------------------------------------------------------------------------


def scenario_connect(stage: MqttStage) -> Trace:
    for clean in (True, False):
        stage.raw().connect(stage.client(str(clean)), clean=clean)
    return stage.trace


def scenario_connect_with_mqtt_31(stage: MqttStage) -> Trace:
    peer = stage.raw(version=3)
    peer.connect(stage.client())
    peer.subscribe(stage.t("a"), qos=1)
    peer.publish(stage.t("a"), b"x", qos=1)
    peer.quiet()
    return stage.trace


def scenario_connect_without_an_identifier(stage: MqttStage) -> Trace:
    stage.raw().connect("", clean=True)
    peer = stage.raw()
    peer.send(connect("", 4, clean=False))
    peer.quiet()
    return stage.trace


def scenario_connect_of_another_level(stage: MqttStage) -> Trace:
    peer = stage.raw()
    octets = bytearray(connect(stage.client(), 4))
    octets[8] = 9
    peer.send(bytes(octets))
    peer.quiet()
    return stage.trace


def scenario_connect_of_another_protocol(stage: MqttStage) -> Trace:
    peer = stage.raw()
    peer.send(connect(stage.client(), 4).replace(b"MQTT", b"MQTX"))
    peer.quiet()
    return stage.trace


def scenario_connect_twice(stage: MqttStage) -> Trace:
    peer = stage.peer()
    peer.send(connect(stage.client(), 4))
    peer.quiet()
    return stage.trace


def scenario_something_else_first(stage: MqttStage) -> Trace:
    for octets in (publish("a", b"x"), packet("PINGREQ", 0, b""), subscribe([("a", 0)])):
        peer = stage.raw()
        peer.send(octets)
        peer.quiet()
    return stage.trace


def scenario_takeover(stage: MqttStage) -> Trace:
    first = stage.peer("same")
    stage.raw().connect(stage.client("same"))
    first.quiet()
    return stage.trace


def scenario_ping(stage: MqttStage) -> Trace:
    stage.peer().ping()
    return stage.trace


def scenario_disconnect(stage: MqttStage) -> Trace:
    stage.peer().disconnect()
    return stage.trace


# --- publishing and subscribing --------------------------------------------------------------


def scenario_publish_qos_0_and_1(stage: MqttStage) -> Trace:
    peer = stage.peer()
    for granted in (0, 1):
        peer.subscribe(stage.t(f"{granted}/+"), qos=granted)
        for qos in (0, 1):
            peer.publish(stage.t(f"{granted}/{qos}"), b"x", qos=qos, packet_id=40 + qos)
            peer.quiet()
    return stage.trace


def scenario_publish_qos_2(stage: MqttStage) -> Trace:
    peer = stage.peer()
    peer.subscribe(stage.t("a"), qos=2)
    peer.publish(stage.t("a"), b"x", qos=2, packet_id=7)
    peer.quiet()
    peer.ack("PUBREL", 7)
    peer.quiet()
    return stage.trace


def scenario_publish_qos_2_twice(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer()
    reader.subscribe(stage.t("a"), qos=1)
    sender.publish(stage.t("a"), b"once", qos=2, packet_id=7)
    sender.unanswered()
    sender.publish(stage.t("a"), b"once", qos=2, packet_id=7, dup=True)
    sender.unanswered()
    sender.ack("PUBREL", 7)
    sender.unanswered()
    reader.quiet()
    return stage.trace


def scenario_empty_and_large_bodies(stage: MqttStage) -> Trace:
    peer = stage.peer()
    peer.subscribe(stage.t("a"), qos=1)
    for body in (b"", b"x" * 100_000):
        peer.publish(stage.t("a"), body, qos=1)
        peer.quiet()
    return stage.trace


def scenario_wildcards(stage: MqttStage) -> Trace:
    sender = stage.peer()
    for wanted in ("+", "#", "a/+", "a/#", "+/b/#", "a//b", "a/+/b", "/+"):
        reader = stage.peer(f"of {wanted}".replace("+", "p").replace("#", "h").replace("/", "."))
        reader.note(wanted)
        reader.subscribe(stage.t(wanted))
        for topic in ("a", "a/b", "a/b/c", "a//b", "/a", "x/b/c", "a/x/b"):
            sender.publish(stage.t(topic), topic.encode())
        reader.quiet()
    return stage.trace


def scenario_subscribe_to_many(stage: MqttStage) -> Trace:
    peer = stage.peer()
    peer.subscribe(stage.t("a"), stage.t("b"), stage.t("c/#"), qos=1)
    for topic in ("c/d", "b", "a"):
        peer.publish(stage.t(topic), b"x")
        peer.quiet()
    return stage.trace


def scenario_subscribe_again(stage: MqttStage) -> Trace:
    peer = stage.peer()
    for qos in (0, 1, 0):
        peer.subscribe(stage.t("a"), qos=qos)
        peer.publish(stage.t("a"), b"x", qos=1)
        peer.quiet()
    return stage.trace


def scenario_unsubscribe(stage: MqttStage) -> Trace:
    peer = stage.peer()
    peer.subscribe(stage.t("a"), stage.t("b"))
    peer.unsubscribe(stage.t("a"), stage.t("never"))
    for topic in ("a", "b"):
        peer.publish(stage.t(topic), b"x")
    peer.quiet()
    return stage.trace


def scenario_own_messages_come_back(stage: MqttStage) -> Trace:
    peer = stage.peer()
    peer.subscribe(stage.t("#"))
    peer.publish(stage.t("a"), b"x")
    peer.quiet()
    return stage.trace


# --- sessions --------------------------------------------------------------------------------


def scenario_session_that_lasts(stage: MqttStage) -> Trace:
    reader, sender = stage.peer("lasting", clean=False), stage.peer()
    reader.subscribe(stage.t("a"), qos=1)
    reader.unrecorded(reader.disconnect)
    for number in range(3):
        sender.publish(stage.t("a"), b"%d" % number, qos=1)
        sender.read()
    again = stage.raw("again")
    again.connect(stage.client("lasting"), clean=False)
    again.quiet()
    return stage.trace


def scenario_session_that_is_begun_anew(stage: MqttStage) -> Trace:
    reader, sender = stage.peer("lasting", clean=False), stage.peer()
    reader.subscribe(stage.t("a"), qos=1)
    reader.unrecorded(reader.disconnect)
    sender.publish(stage.t("a"), b"x", qos=1)
    sender.read()
    for clean in (True, False):
        again = stage.raw()
        again.connect(stage.client("lasting"), clean=clean)
        again.quiet()
        again.unrecorded(again.disconnect)
    return stage.trace


def scenario_what_was_not_acknowledged_comes_again(stage: MqttStage) -> Trace:
    reader, sender = stage.peer("lasting", clean=False), stage.peer()
    reader.subscribe(stage.t("a"), qos=1)
    sender.publish(stage.t("a"), b"x", qos=1)
    sender.read()
    reader.unanswered()
    reader.close()
    again = stage.raw("again")
    stage.wait(0.3)
    again.connect(stage.client("lasting"), clean=False)
    again.quiet()
    return stage.trace


# --- retained messages and wills -------------------------------------------------------------


def scenario_retained(stage: MqttStage) -> Trace:
    sender = stage.peer()
    stage.retain(sender, stage.t("a"), b"first", qos=1)
    stage.retain(sender, stage.t("a"), b"second", qos=1)
    sender.quiet()
    for qos in (0, 1):
        reader = stage.peer()
        reader.subscribe(stage.t("a"), qos=qos)
        reader.quiet()
    return stage.trace


def scenario_retained_and_alive(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer()
    reader.subscribe(stage.t("a"))
    stage.retain(sender, stage.t("a"), b"x")
    reader.quiet()
    return stage.trace


def scenario_retained_and_cleared(stage: MqttStage) -> Trace:
    sender = stage.peer()
    stage.retain(sender, stage.t("a"), b"x", qos=1)
    sender.publish(stage.t("a"), b"", retain=True, qos=1)
    sender.quiet()
    reader = stage.peer()
    reader.subscribe(stage.t("a"))
    reader.quiet()
    return stage.trace


def scenario_retained_for_wildcards(stage: MqttStage) -> Trace:
    sender = stage.peer()
    stage.retain(sender, stage.t("a/b"), b"x", qos=1)
    sender.quiet()
    for wanted in ("a/+", "#", "a/b/#", "+"):
        reader = stage.peer()
        reader.note(wanted)
        reader.subscribe(stage.t(wanted))
        reader.quiet()
    return stage.trace


def scenario_will(stage: MqttStage) -> Trace:
    reader = stage.peer()
    reader.subscribe(stage.t("#"), qos=1)
    for qos in (0, 1):
        dying = stage.peer(will=(stage.t(f"will/{qos}"), b"gone"), will_qos=qos)
        dying.close()
        reader.quiet()
    return stage.trace


def scenario_will_of_who_says_goodbye(stage: MqttStage) -> Trace:
    reader = stage.peer()
    reader.subscribe(stage.t("#"))
    dying = stage.peer(will=(stage.t("will"), b"gone"))
    dying.unrecorded(dying.disconnect)
    reader.quiet()
    return stage.trace


def scenario_will_that_is_retained(stage: MqttStage) -> Trace:
    dying = stage.peer(will=(stage.t("will"), b"gone"), will_retain=True)
    watching = stage.peer()
    watching.unrecorded(watching.subscribe, stage.t("will"))
    dying.close()
    watching.quiet()
    reader = stage.peer()
    reader.subscribe(stage.t("will"))
    reader.quiet()
    stage.retain(reader, stage.t("will"), b"")
    reader.ping()
    return stage.trace


def scenario_will_after_a_takeover(stage: MqttStage) -> Trace:
    reader = stage.peer()
    reader.subscribe(stage.t("will"))
    stage.peer("same", will=(stage.t("will"), b"gone"))
    stage.peer("same")
    reader.quiet()
    return stage.trace


# --- what is wrong ---------------------------------------------------------------------------

WRONG = {
    "QoS 3": b"\x36\x05\x00\x01a\x00\x01",
    "packet identifier 0": publish("a", b"x", qos=1, packet_id=0),
    "topic with a wildcard": publish("a/#", b"x"),
    "topic that is empty": publish("", b"x"),
    "flags of SUBSCRIBE": packet("SUBSCRIBE", 0, b"\0\1\0\1a\0"),
    "nothing in SUBSCRIBE": packet("SUBSCRIBE", 2, b"\0\1"),
    "filter that is wrong": subscribe([("a/#/b", 0)]),
    "filter that is empty": subscribe([("", 0)]),
    "type 0": b"\x00\x00",
    "type 15": b"\xf0\x00",
    "packet of the server": packet("CONNACK", 0, b"\0\0"),
    "length of five octets": b"\x30\xff\xff\xff\xff\x01",
}


def scenario_wrong_packets(stage: MqttStage) -> Trace:
    for what, octets in WRONG.items():
        peer = stage.peer()
        peer.note(what)
        peer.send(octets)
        peer.quiet()
    return stage.trace


# --- MQTT and AMQP ---------------------------------------------------------------------------


def _amqp(stage: MqttStage, key: str) -> tuple[Any, str]:
    """An AMQP client with a queue for what is published to a topic."""
    wire = stage.wire()
    queue = wire.call("queue.declare", exclusive=True).queue
    wire.call("queue.bind", queue=queue, exchange="amq.topic", routing_key=key)
    return wire, queue


def _got(stage: MqttStage, wire: Any, queue: str) -> None:
    """Record the next message of the queue."""
    found: list[Any] = []

    def look() -> bool:
        found[:] = [wire.call("basic.get", queue=queue, no_ack=True)]
        return bool(found[0].name == "basic.get-ok")

    stage.until(look)
    (got,) = found
    stage.note(f"{got.exchange} {got.routing_key} {got.properties} {got.body!r}")


def crossing_to_amqp(stage: MqttStage) -> Trace:
    wire, queue = _amqp(stage, f"{stage.name}.#")
    with wire:
        sender = stage.peer()
        for qos in (0, 1):
            sender.publish(stage.t("a/b"), b"x", qos=qos)
            _got(stage, wire, queue)
        sender.publish(stage.t("a.b"), b"dots")
        _got(stage, wire, queue)
    return stage.trace


def crossing_from_amqp(stage: MqttStage) -> Trace:
    reader = stage.peer()
    reader.subscribe(stage.t("+/c"), qos=1)
    with stage.wire() as wire:
        for mode in (1, 2):
            properties = {"delivery_mode": mode, "headers": {"a": 1}, "content_type": "text/plain"}
            wire.publish("amq.topic", f"{stage.name}.b.c", b"x", properties)
            reader.quiet()
    return stage.trace


def crossing_queues(stage: MqttStage) -> Trace:
    """What an administrator sees of two sessions."""
    passing, lasting = stage.peer("passing"), stage.peer("lasting", clean=False)
    for peer in (passing, lasting):
        for qos in (0, 1):
            peer.subscribe(stage.t(f"{qos}"), qos=qos)
    with stage.wire() as wire:
        for suffix in ("passing", "lasting"):
            for qos in (0, 1):
                name = f"mqtt-subscription-{stage.client(suffix)}qos{qos}"
                answer = wire.call("queue.declare", queue=name, passive=True)
                stage.note(f"{name} {answer.name} {getattr(answer, 'reply_code', '')}")
                if answer.name == "channel.close":
                    wire.send("channel.close-ok")
                    wire.call("channel.open")
    return stage.trace
