"""MQTT across kill -9: sessions that are kept, and every message that was acknowledged."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.mqtt_wire import MqttWire

ROUNDS = 4
MESSAGES = 60
SESSION = {"clean": False}


class Served:
    """One life of ``leveret serve`` on ``folder``."""

    def __init__(self, folder: Path) -> None:
        command = ["-m", "leveret", "serve", "--host", "127.0.0.1", "--port", "0"]
        self.process = subprocess.Popen(
            [sys.executable, *command, "--data-dir", str(folder)],
            env={**os.environ, "LEVERET_MQTT_LISTEN": "127.0.0.1:0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.port = self._port()

    def _port(self) -> int:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            if text.startswith("MQTT on 127.0.0.1:"):
                return int(text.removeprefix("MQTT on 127.0.0.1:").split(":")[0].split(" ")[0])
        raise AssertionError("the broker did not say where it listens")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def join(self, client_id: str) -> MqttWire:
        wire = MqttWire(port=self.port)
        found = wire.connect(client_id, **SESSION)
        assert found.reason == 0
        return wire


def publish(wire: MqttWire, topic: str, number: int, qos: int) -> None:
    """Until the broker has answered for it."""
    wire.publish(topic, b"%d" % number, qos=qos, packet_id=number % 1000 + 1)
    if qos == 1:
        wire.need("PUBACK")
        return
    wire.need("PUBREC")
    wire.ack("PUBREL", number % 1000 + 1)
    wire.need("PUBCOMP")


class Receiver:
    """What a client keeps of messages that come to it, over any number of connections."""

    def __init__(self) -> None:
        self.held: set[int] = set()
        self.got: list[int] = []

    def take(self, wire: MqttWire) -> None:
        """Handle the next packet."""
        found = wire.read()
        assert found is not None
        assert found.packet_id is not None
        if found.kind == "PUBLISH" and found.qos == 1:
            self.got.append(int(found.body))
            wire.ack("PUBACK", found.packet_id)
        elif found.kind == "PUBLISH":
            if found.packet_id not in self.held:
                self.held.add(found.packet_id)
                self.got.append(int(found.body))
            wire.ack("PUBREC", found.packet_id)
        elif found.kind == "PUBREL":
            self.held.discard(found.packet_id)
            wire.ack("PUBCOMP", found.packet_id)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ("classic", "quorum"))
def test_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERET_MQTT_DURABLE_QUEUE_TYPE", kind)
    rng = random.Random(7)
    receiver = Receiver()
    sent = 0
    served = Served(tmp_path / "data")
    try:
        with served.join("reader") as reader:
            assert reader.subscribe("crash/#", qos=2) == [2]
        for _ in range(ROUNDS):
            with served.join("writer") as writer, served.join("reader") as reader:
                for _ in range(MESSAGES):
                    publish(writer, f"crash/{sent % 3}", sent, rng.choice((1, 2)))
                    sent += 1
                # Some are taken, some are under way, some have not been looked at.
                for _ in range(rng.randint(0, MESSAGES)):
                    receiver.take(reader)
                served.kill()
            served = Served(tmp_path / "data")
        with MqttWire(port=served.port) as reader:
            assert reader.connect("reader", **SESSION).is_session_present
            while set(receiver.got) != set(range(sent)):
                receiver.take(reader)
            assert reader.unsubscribe("crash/#") == []
    finally:
        served.kill()


@pytest.mark.timeout(300)
def test_what_comes_with_qos_2_comes_once_though_the_broker_is_killed(tmp_path: Path) -> None:
    rng = random.Random(11)
    receiver = Receiver()
    sent = 0
    served = Served(tmp_path / "data")
    try:
        with served.join("reader") as reader:
            assert reader.subscribe("crash", qos=2) == [2]
        for _ in range(ROUNDS):
            with served.join("writer") as writer, served.join("reader") as reader:
                for _ in range(MESSAGES):
                    publish(writer, "crash", sent, 2)
                    sent += 1
                for _ in range(rng.randint(0, 2 * MESSAGES)):
                    receiver.take(reader)
                served.kill()
            served = Served(tmp_path / "data")
        with served.join("reader") as reader:
            while set(receiver.got) != set(range(sent)):
                receiver.take(reader)
            assert reader.messages_before_pong() == []
        assert sorted(receiver.got) == list(range(sent))
    finally:
        served.kill()


@pytest.mark.timeout(300)
def test_what_is_sent_with_qos_2_is_taken_in_once_though_the_broker_is_killed(
    tmp_path: Path,
) -> None:
    """The client sends again whatever it has no answer for, with the same identifier."""
    rng = random.Random(13)
    unanswered: dict[int, int] = {}
    released: dict[int, int] = {}
    sent = 0
    served = Served(tmp_path / "data")
    try:
        with served.join("reader") as reader:
            assert reader.subscribe("crash", qos=1) == [1]
        for _ in range(2 * ROUNDS):
            with served.join("writer") as writer:
                for packet_id, number in unanswered.items():
                    writer.publish("crash", b"%d" % number, qos=2, packet_id=packet_id, dup=True)
                for packet_id in released:
                    writer.ack("PUBREL", packet_id)
                for _ in range(MESSAGES):
                    packet_id = sent % 65535 + 1
                    unanswered[packet_id] = sent
                    writer.publish("crash", b"%d" % sent, qos=2, packet_id=packet_id)
                    sent += 1
                for _ in range(rng.randint(0, 2 * MESSAGES)):
                    answer(writer, unanswered, released)
                served.kill()
            served = Served(tmp_path / "data")
        with served.join("writer") as writer:
            for packet_id, number in unanswered.items():
                writer.publish("crash", b"%d" % number, qos=2, packet_id=packet_id, dup=True)
            for packet_id in released:
                writer.ack("PUBREL", packet_id)
            while unanswered or released:
                answer(writer, unanswered, released)
        with served.join("reader") as reader:
            got = [int(reader.message().body) for _ in range(sent)]
            assert sorted(got) == list(range(sent))
            assert reader.messages_before_pong() == []
    finally:
        served.kill()


def answer(writer: MqttWire, unanswered: dict[int, int], released: dict[int, int]) -> None:
    """Read the next PUBREC or PUBCOMP, and do what it asks for."""
    found = writer.read()
    assert found is not None
    assert found.packet_id is not None
    if found.kind == "PUBREC":
        if found.packet_id in unanswered:
            released[found.packet_id] = unanswered.pop(found.packet_id)
        writer.ack("PUBREL", found.packet_id)
    elif found.kind == "PUBCOMP":
        released.pop(found.packet_id, None)
