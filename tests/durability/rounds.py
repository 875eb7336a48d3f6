"""Kills a broker under load, again and again, and looks at what it kept.

    python -m tests.durability.rounds 200 --seed 1

A real ``leveret serve``; three publishers with confirms and four consumers with acknowledgements
on connections of their own; a fan-out over a classic, a priority and a quorum queue.  The folder
stays the same from round to round, so that each start finds what several crashes left.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.durability.ledger import Faults, Ledger, Line
from tests.wire import Method, Silence, Typed, Wire

HOST = "127.0.0.1"
READY = "AMQP 0-9-1 on"
SMALL = {"LEVERET_JOURNAL_SIZE": "1048576", "LEVERET_QUEUE_MEMORY": "65536"}
DRAIN_CHANCE = 0.35
BODY_SIZES = [0, 10, 100, 1000, 20000]


class Served:
    """One life of the broker."""

    def __init__(self, folder: str) -> None:
        self.began = time.monotonic()
        self.log = open(f"{folder}.log", "ab")  # noqa: SIM115 closed when it ends
        command = ["-m", "leveret", "serve", "--host", HOST, "--port", "0", "--data-dir", folder]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **SMALL},
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.port = 0
        self.ready_s = 0.0

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            if text.startswith(READY):
                self.port = int(text.split(": ")[0].rsplit(":", 1)[1])
                self.ready_s = time.monotonic() - self.began
                return
        raise Faults(f"the broker did not start: see {self.log.name}")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.log.close()

    def connect(self) -> Wire:
        wire = Wire(HOST, self.port, timeout=20)
        wire.open()
        return wire


class Client(threading.Thread):
    """Works on a connection of its own until that ends or it is told to stop."""

    def __init__(self, served: Served, ledger: Ledger, rng: random.Random) -> None:
        super().__init__(daemon=True)
        self.wire = served.connect()
        self.ledger = ledger
        self.rng = rng
        self.stopping = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except (ConnectionError, OSError, Silence):
            pass
        except AssertionError as error:
            # The harness says so of a connection that ended.
            if "connection ended" not in str(error) and "None" not in str(error):
                self.failure = error
        except BaseException as error:
            self.failure = error
        finally:
            self.wire.drop()

    def work(self) -> None:
        raise NotImplementedError


class Publisher(Client):
    """Publishes in bursts, some to one queue and most to all of them, and reads the confirms."""

    def __init__(
        self, served: Served, ledger: Ledger, rng: random.Random, name: str, window: int
    ) -> None:
        super().__init__(served, ledger, rng)
        self.label = name
        self.window = window
        self.open: dict[int, tuple[str, bytes]] = {}
        self.tag = 0

    def work(self) -> None:
        self.wire.call("confirm.select")
        while not self.stopping.is_set():
            for _ in range(self.rng.randint(1, self.window)):
                self.publish()
            while len(self.open) >= self.window:
                if not self.read_confirm():
                    return
        while self.open:
            if not self.read_confirm():
                return

    def publish(self) -> None:
        self.tag += 1
        key = self.rng.choice(["all", "all", "all", "classic", "quorum"])
        mode = 1 if self.rng.random() < 0.1 else 2
        body = f"{self.label}-{self.tag} ".encode() + bytes(self.rng.choice(BODY_SIZES))
        known = body.split(b" ")[0]
        self.open[self.tag] = (key, known)
        self.ledger.sent(key, known, mode == 2)
        self.wire.publish(
            "keys", key, body, {"delivery_mode": mode, "priority": self.rng.randrange(4)}
        )

    def read_confirm(self) -> bool:
        got = self.wire.read()
        if got is None or got.name == "connection.close":
            return False
        assert got.name == "basic.ack", got
        first = min(self.open) if got.multiple else got.delivery_tag
        for tag in range(first, got.delivery_tag + 1):
            self.ledger.confirmed(*self.open.pop(tag))
        return True


class Consumer(Client):
    """Takes messages, and acknowledges, holds, or gives back."""

    def __init__(self, served: Served, ledger: Ledger, rng: random.Random, queue: str) -> None:
        super().__init__(served, ledger, rng)
        self.queue = queue
        self.held: dict[int, bytes] = {}
        # Acknowledged: since the last question, and before it.
        self.unsure: list[bytes] = []
        self.fenced: list[bytes] = []

    def work(self) -> None:
        self.wire.call("basic.qos", prefetch_count=self.rng.choice([1, 20, 200]))
        self.wire.send("basic.consume", queue=self.queue, consumer_tag="c")
        answered = 0
        while not self.stopping.is_set():
            try:
                got = self.wire.read(0.05)
            except Silence:
                continue
            if got is None or got.name == "connection.close":
                return
            answered += self.take(got)
            if answered > 50 and not self.fenced:
                answered = 0
                self.ask()

    def take(self, got: Method) -> int:
        if got.name == "basic.qos-ok":
            self.ledger.settled(self.queue, self.fenced)
            self.fenced = []
        if got.name != "basic.deliver":
            return 0
        body = got.body.split(b" ")[0]
        self.ledger.given(self.queue, body, got.redelivered, self)
        self.held[got.delivery_tag] = body
        way = self.rng.random()
        if way < 0.3:
            return 0
        if way < 0.35:
            self.give_back()
        elif way < 0.45:
            self.acknowledge(sorted(self.held), True)
        else:
            self.acknowledge([self.rng.choice(list(self.held))], False)
        return 1

    def give_back(self) -> None:
        tag = self.rng.choice(list(self.held))
        del self.held[tag]
        self.wire.send("basic.nack", delivery_tag=tag, requeue=True)

    def acknowledge(self, tags: list[int], multiple: bool) -> None:
        bodies = [self.held.pop(tag) for tag in tags]
        self.ledger.acked(self.queue, bodies)
        self.wire.send("basic.ack", delivery_tag=tags[-1], multiple=multiple)
        self.unsure += bodies

    def ask(self) -> None:
        """Ask something: when the answer comes, what was acknowledged before is durable."""
        self.fenced = self.unsure
        self.unsure = []
        self.wire.send("basic.qos", prefetch_count=self.rng.choice([1, 20, 200]))


class Rounds:
    """The whole story."""

    def __init__(self, folder: str, seed: int) -> None:
        self.folder = folder
        self.rng = random.Random(seed)
        fans = {"all"}
        self.ledger = Ledger(
            [
                Line("classic", "classic", fans | {"classic"}),
                Line("priority", "priority", set(fans)),
                Line("quorum", "quorum", fans | {"quorum"}),
            ]
        )
        self.ready_s: list[float] = []
        self.life = 0
        self.ways: dict[str, int] = {}

    def run(self, count: int, tell: Any = None) -> None:
        for number in range(count):
            self.round()
            if self.ledger.faults:
                raise Faults(
                    f"round {number}: "
                    + "; ".join(self.ledger.faults[:10])
                    + f" ({len(self.ledger.faults)})"
                )
            if tell is not None and number % 10 == 9:
                tell(f"{number + 1} rounds: {self.ledger.counts}, {self.ways}")
        self.last_look()

    def round(self) -> None:
        self.life += 1
        served = Served(self.folder)
        try:
            if self.rng.random() < 0.08:
                # It does not even get ready.
                time.sleep(self.rng.uniform(0, 0.5))
                self.kill(served, "while starting")
                return
            served.wait_until_ready()
            self.ready_s.append(served.ready_s)
            self.declare(served)
            if self.rng.random() < DRAIN_CHANCE:
                self.drain(served)
            self.load(served)
        finally:
            served.end()
            self.ledger.crashed()

    def declare(self, served: Served) -> None:
        with served.connect() as wire:
            wire.call("exchange.declare", exchange="keys", type="direct", durable=True)
            for line in self.ledger.lines.values():
                arguments: dict[str, Any] = {}
                if line.kind == "priority":
                    arguments["x-max-priority"] = Typed("I", 3)
                if line.kind == "quorum":
                    # What is given back waits behind the others.
                    arguments |= {
                        "x-queue-type": "quorum",
                        "x-delivery-limit": Typed("I", -1),
                    }
                reply = wire.call(
                    "queue.declare", queue=line.name, durable=True, arguments=arguments
                )
                assert reply.name == "queue.declare-ok", reply
                for key in line.keys:
                    wire.call("queue.bind", queue=line.name, exchange="keys", routing_key=key)

    def load(self, served: Served) -> None:
        clients: list[Client] = []
        for index, window in enumerate([1, 30, 300]):
            name = f"{self.life}.{index}"
            rng = random.Random(self.rng.random())
            clients.append(Publisher(served, self.ledger, rng, name, window))
        for queue in self.rng.sample(["classic", "classic", "priority", "quorum"], 3):
            rng = random.Random(self.rng.random())
            clients.append(Consumer(served, self.ledger, rng, queue))
        for client in clients:
            client.start()
        time.sleep(self.rng.uniform(0.02, 1.2))
        way = self.rng.random()
        if way < 0.8:
            self.kill(served, "under load")
        elif way < 0.9:
            served.send(signal.SIGTERM)
            time.sleep(self.rng.uniform(0, 0.3))
            self.kill(served, "while stopping")
        else:
            self.stop(served, clients)
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(30)
            assert not client.is_alive(), f"{client} hangs"
            if client.failure is not None:
                raise client.failure

    def kill(self, served: Served, way: str) -> None:
        served.send(signal.SIGKILL)
        served.process.wait()
        self.ways[way] = self.ways.get(way, 0) + 1

    def stop(self, served: Served, clients: list[Client]) -> None:
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(30)
        served.send(signal.SIGTERM)
        status = served.process.wait(60)
        assert status == 0, f"stopped with {status}"
        self.ways["stopped"] = self.ways.get("stopped", 0) + 1

    def drain(self, served: Served) -> None:
        for name in self.ledger.lines:
            found: list[tuple[bytes, bool, int]] = []
            with served.connect() as wire:
                while True:
                    got = wire.call("basic.get", queue=name, no_ack=True)
                    if got.name == "basic.get-empty":
                        break
                    body = got.body.split(b" ")[0]
                    self.ledger.given(name, body, got.redelivered, wire)
                    found.append((body, got.redelivered, got.properties.get("priority", 0)))
            self.ledger.drained(name, found)

    def last_look(self) -> None:
        served = Served(self.folder)
        try:
            served.wait_until_ready()
            self.declare(served)
            self.drain(served)
        finally:
            served.end()
        if self.ledger.faults:
            raise Faults("at the end: " + "; ".join(self.ledger.faults[:10]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="rounds-"))
    rounds = Rounds(str(home / "data"), options.seed)
    try:
        rounds.run(options.rounds, print)
        ready = sorted(rounds.ready_s)
        print(f"{options.rounds} rounds, {rounds.ways}: {rounds.ledger.counts}")
        print(f"ready in {ready[len(ready) // 2]:.2f} s (median), {ready[-1]:.2f} s (longest)")
    except BaseException:
        print(f"the folder is {home}")
        raise
    if not options.keep:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
