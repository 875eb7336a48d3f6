"""STOMP clients whose broker is killed, again and again, while they talk to it.

    python -m tests.durability.stomp_rounds 20 --seed 1

A real ``leveret serve`` on one folder.  In each of its lives two writers send persistent messages
and ask for receipts, and a reader acknowledges some, with receipts, too.  A receipt says that it is
on the disk: in the end every message that has one is there, but for those whose ACK has one; those
are not.  A message that a reader was given comes again with ``redelivered:true``.
"""

import argparse
import random
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.durability.test_stomp_crash import Served
from tests.stomp_wire import Silence

DESTINATION = "/queue/rounds"
BURST = 50
# One writer sends no more in one life.
MOST = 1500
PREFETCH = "20"


class Faults(Exception):
    """Promises that were broken."""


class Known:
    """What the clients know, over all lives."""

    def __init__(self) -> None:
        self.sent: set[str] = set()
        self.receipted: set[str] = set()
        # ACK was sent; and it has a receipt.
        self.acked: set[str] = set()
        self.settled: set[str] = set()
        self.seen: set[str] = set()
        self.faults: list[str] = []

    def given(self, body: str, redelivered: bool) -> None:
        if body not in self.sent:
            self.faults.append(f"{body} was never sent")
        if body in self.settled:
            self.faults.append(f"{body} came again though its ACK has a receipt")
        if body in self.seen and not redelivered:
            self.faults.append(f"{body} came again without redelivered:true")
        self.seen.add(body)


class Client(threading.Thread):
    """Works until the broker is gone."""

    def __init__(self, served: Served, known: Known, seed: float, name: str) -> None:
        super().__init__(daemon=True)
        self.label = name
        self.known = known
        self.rng = random.Random(seed)
        self.wire = served.join()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except OSError:
            pass
        except BaseException as error:
            self.failure = error
        finally:
            self.wire.drop()

    def work(self) -> None:
        raise NotImplementedError


class Writer(Client):
    """Sends bursts, and reads their receipts."""

    def work(self) -> None:
        count = 0
        while count < MOST:
            burst = self.rng.randint(1, BURST)
            for _ in range(burst):
                body = f"{self.label}.{count}"
                count += 1
                self.known.sent.add(body)
                headers = {"destination": DESTINATION, "persistent": "true"}
                self.wire.send("SEND", headers, body.encode(), receipt=body)
            for _ in range(burst):
                frame = self.wire.read()
                if frame is None:
                    return
                assert frame.command == "RECEIPT", frame
                self.known.receipted.add(frame["receipt-id"])
        self.wire.read()


class Reader(Client):
    """Takes messages, and answers for some of them."""

    def work(self) -> None:
        subscription = {"destination": DESTINATION, "id": "1", "ack": "client-individual"}
        self.wire.send("SUBSCRIBE", subscription | {"prefetch-count": PREFETCH})
        held: list[tuple[str, str]] = []
        while True:
            frame = self.wire.read()
            if frame is None:
                return
            if frame.command == "RECEIPT":
                self.known.settled.add(frame["receipt-id"])
                continue
            assert frame.command == "MESSAGE", frame
            body = frame.body.decode()
            self.known.given(body, frame.headers.get("redelivered") == "true")
            held.append((frame["ack"], body))
            if len(held) >= self.rng.randint(1, int(PREFETCH)):
                # At least one goes, else nothing more comes.
                self.rng.shuffle(held)
                for ack, each in held[1:] or held:
                    self.known.acked.add(each)
                    self.wire.send("ACK", {"id": ack, "receipt": each})
                held = held[:1] if len(held) > 1 else []


class Rounds:
    """All lives of the broker."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.rng = random.Random(seed)
        self.known = Known()

    def run(self, count: int, tell: Any = None) -> None:
        for number in range(count):
            served = Served(self.folder)
            try:
                self.live(served, number)
            finally:
                served.kill()
            if self.known.faults:
                raise Faults(f"round {number}: {self.known.faults[:5]}")
            if tell is not None:
                tell(f"{number + 1} rounds: {len(self.known.receipted)} receipts")
        served = Served(self.folder)
        try:
            self.last_look(served)
        finally:
            served.kill()

    def live(self, served: Served, number: int) -> None:
        clients: list[Client] = [
            Writer(served, self.known, self.rng.random(), f"{number}.{index}") for index in range(2)
        ]
        if number % 3 == 2:
            clients.append(Reader(served, self.known, self.rng.random(), ""))
        for client in clients:
            client.start()
        time.sleep(self.rng.uniform(0.05, 0.7))
        served.process.kill()
        served.process.wait()
        for client in clients:
            client.join(120)
            assert not client.is_alive(), "a client hangs"
            if client.failure is not None:
                raise client.failure

    def last_look(self, served: Served) -> None:
        """Take everything that is there."""
        known = self.known
        expected = known.receipted - known.acked
        found: list[str] = []
        with served.join() as wire:
            wire.send("SUBSCRIBE", {"destination": DESTINATION, "id": "1", "ack": "auto"})
            while not expected <= set(found):
                try:
                    frame = wire.read()
                except Silence:
                    raise Faults(f"{len(expected - set(found))} are lost") from None
                assert frame is not None and frame.command == "MESSAGE", frame
                found.append(frame.body.decode())
                known.given(found[-1], frame.headers.get("redelivered") == "true")
        if len(set(found)) != len(found):
            raise Faults("some are there twice")
        if known.faults:
            raise Faults(f"at the end: {known.faults[:5]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="stomp-rounds-"))
    rounds = Rounds(home / "data", options.seed)
    try:
        rounds.run(options.rounds, print)
    except BaseException:
        print(f"the folder is {home}")
        raise
    shutil.rmtree(home)
    known = rounds.known
    print(f"{len(known.sent)} sent, {len(known.receipted)} receipts, {len(known.settled)} settled")


if __name__ == "__main__":
    main()
