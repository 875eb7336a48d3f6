"""Clients on real sockets whose connections end at any moment, against one broker.

    python -m tests.mqtt.rounds 200 --seed 1

Each client keeps to the specification (``tests.mqtt_model``), in a thread of its own.  In each
round, a connection, publishers publish with QoS 2 and 1, subscribers receive; each writes its
octets in pieces and hangs up anywhere, sometimes without the broker's notice, to take over from
itself.  At the end everybody stays until nothing is left to be said.
"""

import argparse
import random
import socket
import threading
import time
from typing import Any

from tests.mqtt_model import RECEIVE_MAXIMUM, Model
from tests.mqtt_wire import MqttWire

import leveret

TOPICS = ["rounds/0", "rounds/1"]
# How long a slow machine may take until all is said.
PATIENCE_S = 120.0
POLL_S = 0.02


class Faults(Exception):
    """Promises that were broken."""


class Client(threading.Thread):
    """One client: so many connections that end anywhere, then one that stays."""

    def __init__(self, port: int, seed: float, model: Model, connections: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.rng = random.Random(seed)
        self.model = model
        self.connections = connections
        # Those that the client has left and the broker does not know of.
        self.left_open: list[socket.socket] = []
        self.failure: BaseException | None = None
        # By body: topic and QoS.
        self.published: dict[bytes, tuple[str, int]] = {}
        self.is_done = False
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            for _ in range(self.connections):
                self.converse(True)
            while not self.stopping.is_set():
                self.converse(False)
        except BaseException as error:
            self.failure = error
        finally:
            self.close_left()

    def close_left(self) -> None:
        for each in self.left_open:
            each.close()
        self.left_open.clear()

    def converse(self, ends: bool) -> None:
        """Have one connection.  It ends after a few packets, or when the broker ends it."""
        model = self.model
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        model.begin()
        left = self.rng.randint(1, 40) if ends else -1
        try:
            while left != 0:
                left -= 1
                if model.is_open and not self.step(left):
                    break
                if not self.write(peer, left) or not self.read(peer):
                    break
        finally:
            model.lost()
            if ends and self.rng.random() < 0.2:
                self.left_open.append(peer)
            else:
                if self.left_open and self.rng.random() < 0.5:
                    self.close_left()
                peer.close()

    def step(self, left: int) -> bool:
        """Do what the client is there for.  False when nothing is left to be done."""
        model = self.model
        if model.filters:
            if not model.is_subscribed:
                model.subscribe()
        elif left >= 0:
            for _ in range(self.rng.choice([0, 1, 1, 3])):
                topic, qos = self.rng.choice(TOPICS), self.rng.choice([2, 2, 1])
                body = b"%s-%d" % (model.name.encode(), len(self.published))
                if model.publish(topic, body, qos):
                    self.published[body] = (topic, qos)
        if left < 0:
            self.is_done = not model.out and not model.unanswered and not model.held
            return not self.stopping.is_set()
        return True

    def write(self, peer: socket.socket, left: int) -> bool:
        octets = self.model.take(self.rng.choice([1, 3, 100]))
        if left == 0 and octets:
            # The last packets go a part of the way.
            octets = octets[: self.rng.randint(0, len(octets))]
        try:
            peer.sendall(octets)
        except OSError:
            return False
        return True

    def read(self, peer: socket.socket) -> bool:
        """What has come.  False when the broker ended the connection."""
        peer.settimeout(POLL_S)
        try:
            octets = peer.recv(self.rng.choice([1, 7, 4096, 65536]))
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            peer.settimeout(PATIENCE_S)
        self.model.feed(octets)
        return octets != b""


class Rounds:
    """All clients, and what must be true of what they received."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.rng = random.Random(seed)
        self.messages = 0
        self.connections = 0

    def run(self, count: int, tell: Any = None) -> None:
        for number in range(count):
            try:
                self.round(number)
            except BaseException as error:
                raise Faults(f"round {number}: {error}") from error
            if tell is not None and number % 10 == 9:
                tell(f"{number + 1} rounds: {self.messages} messages, {self.connections} cuts")

    def round(self, number: int) -> None:
        publishers = [self._client(f"p{number}-{index}", []) for index in range(2)]
        subscribers = [self._client(f"s{number}-{index}", [("rounds/#", 2)]) for index in range(2)]
        clients = publishers + subscribers
        try:
            for client in subscribers:
                self._subscribe(client)
            for client in clients:
                client.start()
            self._wait(clients)
        finally:
            for client in clients:
                client.stopping.set()
            for client in clients:
                if client.is_alive():
                    client.join(PATIENCE_S)
        self._check(publishers, subscribers)
        for client in clients:
            # Its session is over.
            with MqttWire(port=self.port) as wire:
                wire.connect(client.model.name)

    def _client(self, name: str, filters: list[tuple[str, int]]) -> Client:
        rng = self.rng
        version = rng.choice([3, 4, 5])
        maximum = rng.choice([1, 5, RECEIVE_MAXIMUM]) if version == 5 else RECEIVE_MAXIMUM
        ids = rng.choice([3, 20])
        model = Model(name.replace("-", "x"), version, ids, rng.random() < 0.5, maximum)
        model.filters = filters
        connections = rng.randint(3, 8)
        self.connections += connections
        return Client(self.port, rng.random(), model, connections)

    def _subscribe(self, client: Client) -> None:
        """Before anybody publishes."""
        deadline = time.monotonic() + PATIENCE_S
        model = client.model
        model.begin()
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as peer:
            while not model.is_subscribed:
                if model.is_open and not model.out:
                    model.subscribe()
                peer.sendall(model.take(10))
                model.feed(peer.recv(65536))
                assert time.monotonic() < deadline, "no SUBACK"
        model.lost()

    def _wait(self, clients: list[Client]) -> None:
        """Until nobody has anything to say, and everybody has what is for him."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            for client in clients:
                if client.failure is not None:
                    raise client.failure
                if client.model.faults:
                    raise Faults(client.model.faults[0])
            if all(client.is_done for client in clients) and self._has_all(clients):
                return
            if time.monotonic() > deadline:
                raise Faults(f"it does not end: {[vars(client.model) for client in clients]}")
            time.sleep(POLL_S)

    def _has_all(self, clients: list[Client]) -> bool:
        published = {body for client in clients for body in client.published}
        for client in clients:
            if client.model.filters:
                got = {each.body for each in [*client.model.got]}
                if not published <= got or not client.is_done:
                    return False
        return True

    def _check(self, publishers: list[Client], subscribers: list[Client]) -> None:
        published: dict[bytes, tuple[str, int]] = {}
        for client in publishers:
            published |= client.published
        self.messages += len(published)
        for client in subscribers:
            last: dict[tuple[bytes, str, int], int] = {}
            seen: set[bytes] = set()
            for got in client.model.got:
                topic, qos = published[got.body]
                assert topic == got.topic, f"{client.model}: {got}, published to {topic}"
                if got.body in seen:
                    least = min(qos, client.model.filters[0][1])
                    assert least == 1, f"{client.model}: {got} came twice"
                    continue
                seen.add(got.body)
                publisher, _, number = got.body.partition(b"-")
                key = (publisher, topic, qos)
                assert int(number) > last.get(key, -1), f"{client.model}: {got} is out of order"
                last[key] = int(number)
            assert seen == set(published), f"{client.model}: {set(published) - seen} are lost"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with leveret.Broker(mqtt=True) as broker:
        rounds = Rounds(broker.mqtt_port, options.seed)
        rounds.run(options.rounds, print)
    print(f"{options.rounds} rounds: {rounds.messages} messages, {rounds.connections} cuts")


if __name__ == "__main__":
    main()
