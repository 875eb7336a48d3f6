"""STOMP across kill -9: every message with a receipt, and every transaction with one, whole."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stomp_wire import StompWire

ROUNDS = 4
MESSAGES = 200
IN_A_TRANSACTION = 5
PERSISTENT = {"persistent": "true"}


class Served:
    """One life of ``leveret serve`` on ``folder``."""

    def __init__(self, folder: Path) -> None:
        command = ["-m", "leveret", "serve", "--host", "127.0.0.1", "--port", "0"]
        self.process = subprocess.Popen(
            [sys.executable, *command, "--data-dir", str(folder)],
            env={**os.environ, "LEVERET_STOMP_LISTEN": "127.0.0.1:0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.port = self._port()

    def _port(self) -> int:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            if text.startswith("STOMP on 127.0.0.1:"):
                return int(text.removeprefix("STOMP on 127.0.0.1:").split(":")[0].split(" ")[0])
        raise AssertionError("the broker did not say where it listens")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def join(self) -> StompWire:
        wire = StompWire(self.port, timeout=60)
        connected = wire.connect()
        assert connected is not None and connected.command == "CONNECTED"
        return wire


def send_all(wire: StompWire, destination: str, bodies: list[str]) -> None:
    """Persistent messages with their bodies as receipts, the last few in a transaction."""
    headers = {"destination": destination, **PERSISTENT}
    for body in bodies[:-IN_A_TRANSACTION]:
        wire.send("SEND", headers, body.encode(), receipt=body)
    wire.send("BEGIN", transaction=bodies[-1])
    for body in bodies[-IN_A_TRANSACTION:]:
        wire.send("SEND", headers | {"transaction": bodies[-1]}, body.encode())
    wire.send("COMMIT", transaction=bodies[-1], receipt=f"commit {bodies[-1]}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("destination", ["/queue/crash", "/topic/crash"])
def test_nothing_with_a_receipt_is_lost(tmp_path: Path, destination: str) -> None:
    rng = random.Random(11)
    receipted: list[str] = []
    committed: list[str] = []
    subscription = {"destination": destination, "id": "1"}
    if destination.startswith("/topic"):
        subscription |= {"durable": "true", "auto-delete": "false"}
    served = Served(tmp_path / "data")
    try:
        with served.join() as reader:
            reader.send("SUBSCRIBE", subscription, receipt="made")
            reader.expect("RECEIPT")
            reader.send("DISCONNECT", receipt="bye")
            reader.expect("RECEIPT")
        for turn in range(ROUNDS):
            with served.join() as writer:
                bodies = [f"{turn}.{number}" for number in range(MESSAGES)]
                send_all(writer, destination, bodies)
                most = MESSAGES - IN_A_TRANSACTION + 1
                count = most if turn == 0 else rng.randint(1, most)
                told = [writer.expect("RECEIPT")["receipt-id"] for _ in range(count)]
                assert told == [*bodies[:-IN_A_TRANSACTION], f"commit {bodies[-1]}"][:count]
                receipted += [name for name in told if not name.startswith("commit")]
                committed += [name.split()[1] for name in told if name.startswith("commit")]
                served.kill()
            served = Served(tmp_path / "data")
        with served.join() as reader:
            reader.send("SUBSCRIBE", subscription, receipt="subscribed")
            found: list[str] = []
            while not set(receipted) <= set(found):
                frame = reader.read()
                assert frame is not None
                if frame.command == "MESSAGE":
                    found.append(frame.body.decode())
            found += [f.body.decode() for f in reader.settle() if f.command == "MESSAGE"]
    finally:
        served.kill()
    # In order, none twice, and of a transaction that was committed all.
    assert found == sorted(found, key=lambda name: [int(part) for part in name.split(".")])
    assert len(found) == len(set(found))
    for last in committed:
        turn = last.split(".")[0]
        members = [f"{turn}.{number}" for number in range(MESSAGES)][-IN_A_TRANSACTION:]
        assert set(members) <= set(found)
