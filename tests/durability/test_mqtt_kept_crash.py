"""MQTT across kill -9: retained messages, and who is a member of a group."""

from pathlib import Path

from tests.durability.test_mqtt_crash import Served
from tests.mqtt_wire import MqttWire

ROUNDS = 3


def test_what_was_acknowledged_as_retained_is_there_after_a_crash(tmp_path: Path) -> None:
    kept: dict[str, bytes] = {}
    served = Served(tmp_path / "data")
    try:
        for number in range(ROUNDS):
            with served.join("writer") as writer:
                for topic in range(20):
                    # A third of them is cleared again.
                    body = b"" if (topic + number) % 3 == 0 else b"%d" % number
                    kept[f"kept/{topic}"] = body
                    writer.publish(f"kept/{topic}", body, qos=1 + topic % 2, retain=True)
                    writer.need("PUBACK" if topic % 2 == 0 else "PUBREC")
                    if topic % 2:
                        writer.ack("PUBREL", 1)
                        writer.need("PUBCOMP")
                served.kill()
            served = Served(tmp_path / "data")
        expected = {topic: body for topic, body in kept.items() if body}
        with served.join("reader") as reader:
            reader.subscribe("kept/#", qos=1)
            got = [reader.message() for _ in expected]
            assert {each.topic: each.body for each in got} == expected
            assert reader.messages_before_pong() == []
    finally:
        served.kill()


def test_members_of_a_group_are_members_after_a_crash(tmp_path: Path) -> None:
    served = Served(tmp_path / "data")
    try:
        with served.join("stays") as reader, MqttWire(port=served.port) as passing:
            assert reader.subscribe("$share/group/work", qos=1) == [1]
            assert passing.connect("passes").reason == 0
            assert passing.subscribe("$share/group/work", qos=1) == [1]
            served.kill()
        served = Served(tmp_path / "data")
        with MqttWire(port=served.port) as passing:
            # Its session has ended with its connection.
            assert not passing.connect("passes", clean=False).is_session_present
        with served.join("writer") as writer:
            for number in range(10):
                writer.publish("work", b"%d" % number, qos=1)
                writer.need("PUBACK")
        with MqttWire(port=served.port) as reader:
            assert reader.connect("stays", clean=False).is_session_present
            got = [reader.message().body for _ in range(10)]
            assert got == [b"%d" % number for number in range(10)]
    finally:
        served.kill()
