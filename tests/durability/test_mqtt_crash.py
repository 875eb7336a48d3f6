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


def publish(wire: MqttWire, number: int, rng: random.Random) -> None:
    """Until the broker has answered for it."""
    qos = rng.choice((1, 2))
    wire.publish(f"crash/{number % 3}", b"%d" % number, qos=qos, packet_id=number % 1000 + 1)
    if qos == 1:
        wire.need("PUBACK")
        return
    wire.need("PUBREC")
    wire.ack("PUBREL", number % 1000 + 1)
    wire.need("PUBCOMP")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ("classic", "quorum"))
def test_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERET_MQTT_DURABLE_QUEUE_TYPE", kind)
    rng = random.Random(7)
    got: list[int] = []
    sent = 0
    served = Served(tmp_path / "data")
    try:
        with served.join("reader") as reader:
            assert reader.subscribe("crash/#", qos=2) == [2]
        for _ in range(ROUNDS):
            with served.join("writer") as writer, served.join("reader") as reader:
                for _ in range(MESSAGES):
                    publish(writer, sent, rng)
                    sent += 1
                # Some are taken, some are under way, some have not been looked at.
                count = rng.randint(0, MESSAGES)
                got.extend([int(reader.message().body) for _ in range(count)])
                served.kill()
            served = Served(tmp_path / "data")
        with MqttWire(port=served.port) as reader:
            assert reader.connect("reader", **SESSION).is_session_present
            while set(got) != set(range(sent)):
                got.append(int(reader.message().body))
            assert reader.unsubscribe("crash/#") == []
    finally:
        served.kill()
