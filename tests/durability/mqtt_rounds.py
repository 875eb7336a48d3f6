"""MQTT clients whose broker is killed, again and again, while they talk to it.

    python -m tests.durability.mqtt_rounds 50 --seed 1

A real ``leveret serve`` on one folder; the same clients in all its lives, each with a session that
lasts: two publish with QoS 2 and 1, two have subscribed, with QoS 2 and with 1.  Their connections
end anywhere, too.  In the last life everybody stays until nothing is left to be said.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.durability.test_mqtt_crash import Served
from tests.mqtt.rounds import Client, Faults, Rounds
from tests.mqtt_wire import MqttWire

KEPT = "kept"


class Mortal(Client):
    """A client as long as the broker lives."""

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.converse(True)
        except OSError:
            # It is not there any more.
            pass
        except BaseException as error:
            self.failure = error
        finally:
            self.model.lost()
            self.close_left()


class CrashRounds(Rounds):
    """All lives of the broker."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(0, seed)
        self.folder = folder
        self.publishers = [self._client(f"p{index}", []) for index in range(2)]
        self.subscribers = [self._client(f"s{qos}", [("rounds/#", qos)]) for qos in (1, 2)]
        # The last retained message that was acknowledged.
        self.kept = -1

    def run(self, count: int, tell: Any = None) -> None:
        for number in range(count):
            served = Served(self.folder)
            try:
                self.live(served, number)
            except BaseException as error:
                raise Faults(f"round {number}: {error}") from error
            finally:
                served.kill()
            if tell is not None and number % 10 == 9:
                tell(f"{number + 1} rounds: {self._sent} messages")
        served = Served(self.folder)
        try:
            self.last_look(served.port)
        finally:
            served.kill()

    @property
    def _sent(self) -> int:
        return sum(len(client.published) for client in self.publishers)

    def live(self, served: Served, number: int) -> None:
        self.port = served.port
        if number == 0:
            for client in self.subscribers:
                self._subscribe(client)
        self._look_at_kept()
        self.publishers = [self._again(Mortal, client) for client in self.publishers]
        self.subscribers = [self._again(Mortal, client) for client in self.subscribers]
        clients = self.publishers + self.subscribers
        for client in clients:
            client.start()
        self._keep(number)
        time.sleep(self.rng.uniform(0, 0.7))
        served.process.kill()
        served.process.wait()
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(120)
            assert not client.is_alive(), f"{client.model} hangs"
            if client.failure is not None:
                raise client.failure
            if client.model.faults:
                raise Faults(client.model.faults[0])

    def _again(self, kind: type[Client], client: Client) -> Client:
        """The same client, in another thread."""
        again = kind(self.port, self.rng.random(), client.model, 0)
        again.published = client.published
        return again

    def _keep(self, number: int) -> None:
        with MqttWire(port=self.port) as wire:
            wire.connect()
            wire.publish(KEPT, b"%d" % number, qos=1, retain=True)
            wire.need("PUBACK")
            self.kept = number

    def _look_at_kept(self) -> None:
        if self.kept < 0:
            return
        with MqttWire(port=self.port) as wire:
            wire.connect()
            wire.subscribe(KEPT)
            found = int(wire.message().body)
            assert found == self.kept, f"{self.kept} was retained, and {found} is there"

    def last_look(self, port: int) -> None:
        self.port = port
        self._look_at_kept()
        self.publishers = [self._again(Client, client) for client in self.publishers]
        self.subscribers = [self._again(Client, client) for client in self.subscribers]
        clients = self.publishers + self.subscribers
        try:
            for client in clients:
                client.start()
            self._wait(clients)
        finally:
            for client in clients:
                client.stopping.set()
            for client in clients:
                client.join(120)
        self._check(self.publishers, self.subscribers)


def crash(count: int, seed: int, folder: Path, tell: Any = None) -> int:
    """So many rounds; how many messages were published."""
    rounds = CrashRounds(folder, seed)
    rounds.run(count, tell)
    return rounds.messages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="mqtt-rounds-"))
    try:
        messages = crash(options.rounds, options.seed, home / "data", print)
    except BaseException:
        print(f"the folder is {home}")
        raise
    shutil.rmtree(home)
    print(f"{options.rounds} rounds: {messages} messages")


if __name__ == "__main__":
    main()
