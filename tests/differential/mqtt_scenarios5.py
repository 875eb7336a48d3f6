"""What clients of MQTT 5 play on mosquitto, to be compared with Leveret: all `scenario5_…`."""

from typing import Any

from tests.differential.mqtt_stage import MqttStage
from tests.differential.peer import Trace
from tests.mqtt_wire import connect, packet, publish, subscribe

PROPERTIES: dict[str, Any] = {
    "payload_format": 1,
    "content_type": "text/plain",
    "response_topic": "answers/here",
    "correlation_data": b"\x00\xff",
    "user": [("b", "1"), ("a", "2"), ("b", "3")],
}


def scenario5_properties(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer()
    reader.subscribe(stage.t("a"), qos=1)
    for qos in (0, 1):
        sender.publish(stage.t("a"), b"x", qos=qos, props=PROPERTIES)
        sender.quiet()
        reader.quiet()
    return stage.trace


def scenario5_message_expiry(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer("late", clean=False, props={"session_expiry": 60})
    reader.subscribe(stage.t("#"), qos=1)
    reader.unrecorded(reader.disconnect)
    sender.publish(stage.t("short"), b"x", qos=1, props={"message_expiry": 1})
    sender.publish(stage.t("long"), b"x", qos=1, packet_id=2, props={"message_expiry": 1000})
    sender.quiet()
    stage.wait(2.2)
    again = stage.raw("again")
    again.recording = False
    again.connect(stage.client("late"), clean=False, props={"session_expiry": 60})
    (got,) = [each for each in again.messages_before_pong() if each.topic == stage.t("long")]
    again.note(f"less time: {got.props['message_expiry'] < 1000}")
    return stage.trace


def scenario5_subscription_identifiers(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer()
    reader.subscribe(stage.t("a"), props={"subscription_identifier": 7})
    reader.subscribe(stage.t("b/+"), props={"subscription_identifier": 300})
    for topic in ("a", "b/c"):
        sender.publish(stage.t(topic), b"x")
        reader.quiet()
    return stage.trace


def scenario5_no_local(stage: MqttStage) -> Trace:
    first, second = stage.peer(), stage.peer()
    first.subscribe(stage.t("a"), options=4)
    for peer in (first, second):
        peer.publish(stage.t("a"), peer.label.encode())
        first.quiet()
    return stage.trace


def scenario5_retain_as_published(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer()
    for options in (0, 8):
        reader.subscribe(stage.t(f"{options}/#"), options=options)
        stage.retain(sender, stage.t(f"{options}/a"), b"x")
        reader.quiet()
    return stage.trace


def scenario5_retain_handling(stage: MqttStage) -> Trace:
    sender = stage.peer()
    stage.retain(sender, stage.t("a"), b"x", qos=1)
    sender.quiet()
    for handling in (0, 1, 2):
        reader = stage.peer()
        reader.note(str(handling))
        for _ in range(2):
            reader.subscribe(stage.t("a"), options=handling << 4)
            reader.quiet()
    return stage.trace


def scenario5_retained_with_properties(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer()
    stage.retain(sender, stage.t("a"), b"x", qos=1, props=PROPERTIES)
    sender.quiet()
    reader.subscribe(stage.t("a"), qos=1)
    reader.quiet()
    return stage.trace


def scenario5_topic_alias_of_the_client(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer()
    reader.subscribe(stage.t("#"))
    sender.publish(stage.t("a"), b"1", props={"topic_alias": 1})
    sender.publish("", b"2", props={"topic_alias": 1})
    sender.publish(stage.t("b"), b"3", props={"topic_alias": 1})
    sender.publish("", b"4", props={"topic_alias": 1})
    reader.quiet()
    return stage.trace


def scenario5_topic_alias_that_is_wrong(stage: MqttStage) -> Trace:
    for props in ({"topic_alias": 5}, {"topic_alias": 0}, {"topic_alias": 60000}, {}):
        peer = stage.peer()
        peer.publish("", b"x", props=props)
        peer.quiet()
    return stage.trace


def scenario5_shared(stage: MqttStage) -> Trace:
    sender = stage.peer()
    readers = [stage.peer() for _ in range(3)]
    for reader in readers:
        reader.subscribe(f"$share/{stage.name}/{stage.t('a')}", qos=1)
    for number in range(9):
        sender.publish(stage.t("a"), b"%d" % number)
    got: list[list[bytes]] = []
    for reader in readers:
        reader.recording = False
        got.append([each.body for each in reader.quiet()])
    bodies = sorted(body for bodies in got for body in bodies)
    stage.note(f"together {bodies}, each {sorted(len(bodies) for bodies in got)}")
    return stage.trace


def scenario5_shared_and_unsubscribed(stage: MqttStage) -> Trace:
    sender = stage.peer()
    first, second = stage.peer(), stage.peer()
    wanted = f"$share/{stage.name}/{stage.t('a')}"
    for reader in (first, second):
        reader.subscribe(wanted)
    first.unsubscribe(wanted)
    for number in range(3):
        sender.publish(stage.t("a"), b"%d" % number)
    second.quiet()
    first.quiet()
    return stage.trace


def scenario5_shared_gets_nothing_retained(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer()
    stage.retain(sender, stage.t("a"), b"x", qos=1)
    sender.quiet()
    reader.subscribe(f"$share/{stage.name}/{stage.t('a')}")
    reader.quiet()
    return stage.trace


def scenario5_session_expiry(stage: MqttStage) -> Trace:
    props = {"session_expiry": 60}
    for clean, given in ((False, props), (False, {}), (True, props)):
        first = stage.peer("same", clean=clean, props=given)
        first.subscribe(stage.t("a"), qos=1)
        first.unrecorded(first.disconnect)
        again = stage.raw()
        again.connect(stage.client("same"), clean=False, props={})
        again.unrecorded(again.disconnect)
    return stage.trace


def scenario5_session_without_subscriptions(stage: MqttStage) -> Trace:
    props = {"session_expiry": 60}
    first = stage.peer("same", props=props)
    first.unrecorded(first.disconnect)
    stage.raw().connect(stage.client("same"), clean=False, props=props)
    return stage.trace


def scenario5_takeover(stage: MqttStage) -> Trace:
    first = stage.peer("same")
    stage.raw().connect(stage.client("same"))
    first.quiet()
    return stage.trace


def scenario5_will_with_delay(stage: MqttStage) -> Trace:
    reader = stage.peer()
    reader.subscribe(stage.t("will"))
    dying = stage.peer(
        props={"session_expiry": 60},
        will=(stage.t("will"), b"gone"),
        will_props={"will_delay": 2, "content_type": "x"},
    )
    dying.close()
    reader.quiet()
    stage.until(lambda: reader.read(timeout=0.1) is not None)
    return stage.trace


def scenario5_disconnect_with_will(stage: MqttStage) -> Trace:
    reader = stage.peer()
    reader.subscribe(stage.t("will"))
    dying = stage.peer(will=(stage.t("will"), b"gone"))
    dying.unrecorded(dying.disconnect, 4)
    reader.quiet()
    return stage.trace


def scenario5_receive_maximum(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer(props={"receive_maximum": 2})
    reader.subscribe(stage.t("a"), qos=1)
    for number in range(5):
        sender.publish(stage.t("a"), b"%d" % number, qos=1, packet_id=number + 1)
    sender.unrecorded(sender.quiet)
    got = reader.unanswered()
    reader.ack("PUBACK", got[0].packet_id)
    reader.unanswered()
    return stage.trace


def scenario5_maximum_packet_size(stage: MqttStage) -> Trace:
    sender, reader = stage.peer(), stage.peer(props={"maximum_packet_size": 200})
    reader.subscribe(stage.t("a"), qos=1)
    for body in (b"x" * 300, b"small"):
        sender.publish(stage.t("a"), body, qos=1)
        sender.unrecorded(sender.quiet)
    reader.quiet()
    return stage.trace


def scenario5_unsubscribe(stage: MqttStage) -> Trace:
    peer = stage.peer()
    peer.subscribe(stage.t("a"))
    peer.unsubscribe(stage.t("a"), stage.t("never"))
    return stage.trace


def scenario5_publish_to_nobody(stage: MqttStage) -> Trace:
    peer = stage.peer()
    for qos in (1, 2):
        peer.publish(stage.t("nobody"), b"x", qos=qos, packet_id=qos)
        peer.unanswered()
    return stage.trace


def scenario5_authentication_method(stage: MqttStage) -> Trace:
    peer = stage.raw()
    peer.send(connect(stage.client(), 5, props={"authentication_method": "NEVER-HEARD"}))
    peer.quiet()
    return stage.trace


def scenario5_wrong_packets(stage: MqttStage) -> Trace:
    more = {
        "retain handling 3": subscribe([("a", 0x30)], 1, 5),
        "reserved options": subscribe([("a", 0x40)], 1, 5),
        "no local for a group": subscribe([("$share/g/a", 4)], 1, 5),
        "identifier 0": subscribe([("a", 0)], 1, 5, {"subscription_identifier": 0}),
        "identifier of a client": publish("a", b"", 5, props={"subscription_identifier": 1}),
        "property of CONNECT": publish("a", b"", 5, props={"session_expiry": 1}),
        "property twice": publish("a", b"", 5, props={"content_type": ["a", "b"]}),
        "topic with a wildcard": publish("a/#", b"", 5),
        "topic that is empty": publish("", b"", 5),
        "topic of other octets": publish(b"\xff", b"", 5),
        "AUTH": packet("AUTH", 0, b""),
    }
    for what, octets in more.items():
        peer = stage.peer()
        peer.note(what)
        peer.send(octets)
        peer.quiet()
    return stage.trace


def scenario5_wrong_connects(stage: MqttStage) -> Trace:
    for props in ({"receive_maximum": 0}, {"maximum_packet_size": 0}, {"topic_alias": 1}):
        peer = stage.raw()
        peer.note(str(props))
        peer.send(connect(stage.client(), 5, props=props))
        peer.quiet()
    return stage.trace
