"""Durable queues on a disk that fails and a machine that crashes, beside a plain model.

One seed drives it all: run a failing one again with ``World(seed).run()``.
"""

import errno
import random
from typing import Any

from tests.fakes import FakeClock
from tests.store.disk import FakeDisk
from tests.store.workers import FakeWorker

from leveret.broker.backlog import Waiting
from leveret.broker.checkpoints import Checkpoints
from leveret.broker.classic import ClassicQueue
from leveret.broker.ledger import Ledger
from leveret.broker.lined import LinedQueue
from leveret.broker.message import Message, Origin
from leveret.broker.properties import NO_PROPERTIES, Properties, read_properties
from leveret.broker.purse import Purse
from leveret.broker.queue import Dying, Keeper, Queue
from leveret.broker.quorum import QuorumQueue
from leveret.broker.record import Book, QueueRecord
from leveret.broker.timetable import Appointee
from leveret.broker.wishes import QueueWish
from leveret.store.journal import Journal
from leveret.store.reserve import Reserve
from leveret.store.troubles import Troubles
from leveret.tables import INT32, LONGSTR, Field, Table

FOLDER = "data"
PERSISTENT = read_properties(b"\x10\x00\x02")
TRANSIENT = read_properties(b"\x10\x00\x01")
WITH_PRIORITY = [read_properties(bytes([0x18, 0x00, 2, level])) for level in range(3)]
SHARE_OCTETS = 3_000
# Not enough for all.
PURSE_OCTETS = 5_000
# More than what is published in the turn before it is known that the disk is full.
RESERVE_OCTETS = 50_000


class Silent(Troubles):
    def on_unwritten(self, error: OSError) -> None:
        pass

    def on_unreadable(self, error: Exception, count: int) -> None:
        raise AssertionError(f"{count} messages could not be read: {error}")

    def on_disk_failed(self, error: OSError) -> None:
        pass

    def on_disk_works(self) -> None:
        pass


class Shop(Keeper):
    """Keeps the queues, as a vhost does; nothing expires, and nobody buries the dead."""

    def __init__(self, clock: FakeClock, book: Book, number: int) -> None:
        super().__init__()
        self.clock = clock
        self.book = book
        self.number = number

    def now_ns(self) -> int:
        return self.clock.now_ns()

    def appoint(self, who: Appointee, due_ns: int) -> None:
        pass

    def call_off(self, who: Appointee) -> None:
        pass

    def bury(self, dying: Dying) -> None:
        pass

    def abandon(self, queue: Queue) -> None:
        pass

    def open_record(self, wish: QueueWish) -> QueueRecord | None:
        return self.book.open_queue(self.number)


class Model:
    """What one queue must hold: bodies by offset, in the order of the offsets."""

    def __init__(self) -> None:
        self.waiting: dict[int, bytes] = {}
        self.out: dict[int, bytes] = {}


class Life:
    """The broker from one start to its end."""

    def __init__(self, world: "World") -> None:
        self.worker = FakeWorker()
        self.slow_worker = FakeWorker()
        silent = Silent()
        disk, clock = world.disk, world.clock
        self.journal = Journal(disk, f"{FOLDER}/journal", self.worker, silent, 1)
        self.book = Book(disk, FOLDER, self.journal, clock, silent)
        self.ledger = Ledger(self.book)
        self.checkpoints = Checkpoints(
            disk, FOLDER, self.book, self.slow_worker, clock, world.journal_octets
        )
        purse = Purse(PURSE_OCTETS, SHARE_OCTETS, SHARE_OCTETS // 4)
        self.queues: list[LinedQueue] = []
        for number, kind in enumerate(world.kinds, 1):
            queue = made(kind, Shop(clock, self.book, number))
            queue.set_share(purse.first_octets, purse)
            self.checkpoints.queues[number] = queue
            self.queues.append(queue)
        self.reserve = Reserve(disk, FOLDER, RESERVE_OCTETS)
        self.reserve.clear_away()
        self.reading = self.checkpoints.recover()
        self.reserve.make()
        # What was handed out, by queue; and the batch that each publish waits for.
        self.out: list[dict[int, Message]] = [{} for _ in self.queues]


def made(kind: str, keeper: Keeper) -> LinedQueue:
    arguments: Table = {}
    if kind == "priorities":
        arguments["x-max-priority"] = Field(INT32, 2)
    if kind == "quorum":
        arguments["x-queue-type"] = Field(LONGSTR, "quorum")
        return QuorumQueue(QueueWish(kind, True, False, 0, arguments), keeper)
    return ClassicQueue(QueueWish(kind, True, False, 0, arguments), keeper)


class World:
    """Runs lives one after the other, and checks what each finds."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.disk = FakeDisk()
        self.clock = FakeClock()
        count = self.rng.randint(1, 4)
        self.kinds = [self.rng.choice(["classic", "priorities", "quorum"]) for _ in range(count)]
        self.journal_octets = self.rng.choice([500, 3_000, 1 << 20])
        # How much of what is published goes to consumers that have nothing else to do.
        self.quick_weight = self.rng.choice([0.0, 10.0, 300.0])
        self.published = 0
        # By body: in which queues it must be (confirmed), and what else is known of it.
        self.confirmed: dict[bytes, set[int]] = {}
        self.unconfirmed: list[tuple[int, bytes, set[int]]] = []
        self.done: set[tuple[int, bytes]] = set()
        self.maybe_done: list[tuple[int, int, bytes]] = []
        # What clients were given, by queue and body; in this turn, and in those before.
        self.about_to_see: set[tuple[int, bytes]] = set()
        self.seen: set[tuple[int, bytes]] = set()
        self.life = Life(self)

    def run(self, lives: int = 4, steps: int = 120) -> None:
        for _ in range(lives):
            for _ in range(self.rng.randrange(steps)):
                self.step()
            self.end_life()

    # --- what happens ----------------------------------------------------------------------

    def step(self) -> None:
        weights = {
            self.publish: 30.0,
            self.publish_quick: self.quick_weight,
            self.get: 15.0,
            self.answer: 15.0,
            self.turn: 20.0,
            self.work: 15.0,
            self.purge: 0.3,
            self.trouble: 2.0,
        }
        self.rng.choices(list(weights), list(weights.values()))[0]()

    def publish(self) -> None:
        if self.life.journal.is_failing or not self.life.reserve.is_held:
            return  # An alarm holds publishers.
        for _ in range(self.rng.choice([1, 1, 5, 40])):
            chosen = [i for i in range(len(self.kinds)) if self.rng.random() < 0.6]
            self.published += 1
            body = b"%06d" % self.published + bytes(self.rng.choice([0, 10, 300]))
            message = Message(Origin("x", "k"), self._properties(), body)
            for index in chosen:
                assert self.life.queues[index].publish(message)
            queues: list[Queue] = [self.life.queues[index] for index in chosen]
            number = self.life.ledger.published(message, queues)
            if not message.properties.is_persistent:
                # Quorum queues keep these too, and only they.
                chosen = [i for i in chosen if self.kinds[i] == "quorum"]
            assert (number > 0) == bool(chosen)
            if chosen:
                self.unconfirmed.append((number, body, set(chosen)))

    def publish_quick(self) -> None:
        """A message whose consumer has it at once, and may be done with it before it is written."""
        index = self.rng.randrange(len(self.kinds))
        queue, life = self.life.queues[index], self.life
        if life.journal.is_failing or not life.reserve.is_held or queue.ready_count > 0:
            return
        self.published += 1
        message = Message(Origin("x", "k"), PERSISTENT, b"%06d" % self.published)
        assert queue.publish(message)
        number = life.ledger.published(message, [queue])
        waiting = queue.get(False)
        assert waiting is not None and waiting.message is message and queue.record is not None
        life.ledger.let_linger(queue.record)
        self.unconfirmed.append((number, message.body, {index}))
        self.about_to_see.add((index, message.body))
        life.out[index][waiting.offset] = message
        if self.rng.random() < 0.5:
            self.turn()
        if self.rng.random() < 0.7:
            life.out[index].pop(waiting.offset)
            queue.settle(waiting.offset)
            self._answered(index, message.body)

    def _properties(self) -> Properties:
        if self.rng.random() < 0.2:
            return self.rng.choice([NO_PROPERTIES, TRANSIENT])
        return self.rng.choice([PERSISTENT, *WITH_PRIORITY])

    def get(self) -> None:
        index = self.rng.randrange(len(self.kinds))
        for _ in range(self.rng.choice([1, 3, 20])):
            no_ack = self.rng.random() < 0.2
            waiting = self.life.queues[index].get(no_ack)
            if waiting is None:
                return
            body = waiting.message.body
            assert waiting.redelivered or (index, body) not in self.seen, "seen before"
            self.about_to_see.add((index, body))
            if no_ack:
                self._answered(index, body)
            else:
                self.life.out[index][waiting.offset] = waiting.message

    def _answered(self, index: int, body: bytes) -> None:
        self.maybe_done.append((self.life.journal.number, index, body))

    def answer(self) -> None:
        index = self.rng.randrange(len(self.kinds))
        out = self.life.out[index]
        queue = self.life.queues[index]
        for offset in self.rng.sample(sorted(out), min(len(out), self.rng.choice([1, 2, 10]))):
            message = out.pop(offset)
            way = self.rng.random()
            if way < 0.6:
                queue.settle(offset)
                self._answered(index, message.body)
            elif way < 0.7:
                queue.discard(message, offset)
                self._answered(index, message.body)
            else:
                queue.put_back([Waiting(message, offset, True)], False)

    def purge(self) -> None:
        index = self.rng.randrange(len(self.kinds))
        held = {message.body for message in self.life.out[index].values()}
        self.life.queues[index].purge()
        for body in [*self.confirmed, *[body for _, body, _ in self.unconfirmed]]:
            if body not in held:
                self._answered(index, body)

    def turn(self) -> None:
        life = self.life
        life.checkpoints.end_turn()
        if not life.journal.is_failing:
            life.reserve.make()
        elif life.journal.is_full and life.reserve.release():
            life.journal.retry()
        self.seen |= self.about_to_see
        self.about_to_see.clear()
        self.clock.pass_s(0.01)

    def work(self) -> None:
        self.rng.choice([self.life.worker, self.life.slow_worker]).work(1)
        self._confirm()

    def _confirm(self) -> None:
        synced = self.life.journal.synced
        for number, body, queues in self.unconfirmed:
            if number <= synced:
                self.confirmed[body] = queues
        self.unconfirmed = [each for each in self.unconfirmed if each[0] > synced]
        for number, index, body in self.maybe_done:
            if number <= synced:
                self.done.add((index, body))
        self.maybe_done = [each for each in self.maybe_done if each[0] > synced]

    def trouble(self) -> None:
        kind = self.rng.randrange(4)
        if kind == 0:
            self.disk.room = self.rng.randrange(5_000)
        elif kind == 1:
            self.disk.sync_error = OSError(errno.EIO, "Input/output error")
        else:
            self.disk.room = None
            self.clock.pass_s(10)
            self.life.journal.retry()

    def fill_up(self) -> None:
        """Publish until the disk is full: nobody makes room then but those who consume."""
        self.turn_until_quiet()
        for _ in range(self.rng.randrange(30)):
            self.rng.choice([self.publish, self.publish, self.get, self.turn, self.work])()
        self.turn()
        self.disk.room = self.rng.randrange(RESERVE_OCTETS + 5_000, 2 * RESERVE_OCTETS)
        while not self.life.journal.is_failing and self.life.reserve.is_held:
            self.publish()
            self.turn()
            self.work()

    def consume_all(self) -> None:
        """Acknowledge everything there is; there must be room for it, and room again then."""
        for index, queue in enumerate(self.life.queues):
            for offset, message in self.life.out[index].items():
                queue.settle(offset)
                self._answered(index, message.body)
            self.life.out[index].clear()
            while queue.ready_count > 0:
                waiting = queue.get(True)
                if waiting is not None:
                    self._answered(index, waiting.message.body)
                if self.rng.random() < 0.1:
                    self.turn()
        for _ in range(200):
            self.work()
            self.turn()
            self.clock.pass_s(10)
            self.life.journal.retry()
        self.life.worker.work()
        self._confirm()
        assert not self.life.journal.is_failing
        assert self.life.reserve.is_held
        assert not self.unconfirmed
        assert self.life.journal.owed <= self.life.journal.synced

    # --- crashes ---------------------------------------------------------------------------

    def end_life(self) -> None:
        way = self.rng.random()
        if way < 0.6:
            self.disk.crash(self.rng)
        elif way < 0.8:
            self.turn_until_quiet()
        # Otherwise only the process dies: what was written stays.
        self.disk.room = None
        self.disk.sync_error = None
        unsure = {(index, body) for _, index, body in self.maybe_done}
        if way < 0.6 or self.life.journal.is_failing:
            # Not even that they were seen is known for sure.
            self.seen.clear()
        self.about_to_see.clear()
        self.life = Life(self)
        self.check(unsure)
        self.unconfirmed = []
        self.maybe_done = []

    def turn_until_quiet(self) -> None:
        self.disk.room = None
        for _ in range(200):
            self.turn()
            self.clock.pass_s(10)
            self.life.journal.retry()
            self.life.worker.work()
            self.life.slow_worker.work()
        self._confirm()
        assert not self.unconfirmed

    def check(self, unsure: set[tuple[int, bytes]]) -> None:
        published = {body: queues for _, body, queues in self.unconfirmed}
        everything = [contents(queue) for queue in self.life.queues]
        for index, queue in enumerate(self.life.queues):
            found = everything[index]
            bodies = [body for body, _ in found]
            assert len(set(bodies)) == len(bodies), "a message is there twice"
            assert queue.ready_count == len(bodies)
            must = {
                body
                for body, queues in self.confirmed.items()
                if index in queues and (index, body) not in self.done | unsure
            }
            assert must <= set(bodies), f"lost: {sorted(b[:6] for b in must - set(bodies))[:9]}"
            for body, redelivered in found:
                assert (index, body) not in self.done, f"{body[:6]!r} was done and came back"
                queues = self.confirmed.get(body) or published.get(body)
                assert queues is not None and index in queues, f"{body[:6]!r} was never published"
                self.confirmed.setdefault(body, queues)
                assert redelivered or (index, body) not in self.seen, "a client has seen it"

        for body, queues in self.confirmed.items():
            for index in queues:
                if body not in [found for found, _ in everything[index]]:
                    self.done.add((index, body))


def contents(queue: LinedQueue) -> list[tuple[bytes, bool]]:
    """What waits in ``queue``, and whether it was out before; the queue stays as it is."""
    found: list[tuple[bytes, bool]] = []
    for line in queue.lines():
        found += [(each.message.body, True) for each in line.returned()]
        found += [(each.message.body, False) for each in line.head()]
        if line.middle is not None:
            found += _on_disk(line.middle)
        found += [(each.message.body, False) for each in line.tail()]
    if isinstance(queue, QuorumQueue):
        found += [(each.message.body, True) for each in queue._back()]
    return found


def _on_disk(middle: Any) -> list[tuple[bytes, bool]]:
    found: list[tuple[bytes, bool]] = []
    for chunk in middle.chunks.waiting():
        payload = middle.chunks.payload(chunk)
        found += [(message.body, False) for message in middle._decoded(payload, chunk).messages]
    return found
