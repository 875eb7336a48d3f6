"""leveret.sessions.promises: answers in the order in which they are owed, once all is safe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broker.keepers import FakeKeeper
from tests.fakes import FakeClock, FakeConsumer
from tests.simulation.world import PERSISTENT, Silent
from tests.store.disk import FakeDisk
from tests.store.workers import FakeWorker

from leveret.broker.classic import ClassicQueue
from leveret.broker.ledger import Ledger
from leveret.broker.message import Message, Origin
from leveret.broker.queue import Queue
from leveret.broker.record import Book, QueueRecord
from leveret.broker.wishes import QueueWish
from leveret.sessions.promises import Promiser, Promises
from leveret.store.journal import Journal


class Answers(Promiser):
    """Writes down what was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[int] = []
        self.rings = 0

    def keep_promise(self, token: int) -> None:
        self.given.append(token)

    def promises_kept(self) -> None:
        self.rings += 1


class Recording(FakeKeeper):
    """A vhost whose queues are written down."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self.book = book

    def open_record(self, wish: QueueWish) -> QueueRecord:
        return self.book.open_queue()


class Bench:
    """A journal whose syncs are done when the test says so, and somebody who owes answers."""

    def __init__(self) -> None:
        self.worker = FakeWorker()
        disk, troubles = FakeDisk(), Silent()
        self.journal = Journal(disk, "data/journal", self.worker, troubles, 1)
        self.journal.begin(1)
        self.book = Book(disk, "data", self.journal, FakeClock(), troubles)
        self.ledger = Ledger(self.book)
        self.answers = Answers()
        self.promises = Promises(self.ledger, self.answers)
        wish = QueueWish("q", True, False, 0, {})
        self.queue: Queue = ClassicQueue(wish, Recording(self.book))

    def publish(self) -> int:
        """A persistent message: the batch that it is in."""
        message = Message(Origin("", "q"), PERSISTENT, b"x")
        self.queue.publish(message)
        return self.ledger.published(message, [self.queue])

    def sync(self) -> None:
        self.book.end_turn()
        self.worker.work()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_is_safe_already_is_answered_at_once(bench: Bench) -> None:
    bench.promises.add(1, 0, [])
    assert (bench.answers.given, len(bench.promises)) == ([1], 0)
    assert bench.answers.rings == 0


def test_without_a_disk_everything_is_safe() -> None:
    answers = Answers()
    Promises(None, answers).add(5, 0, [])
    assert answers.given == [5]


def test_what_is_not_on_the_disk_is_answered_after_the_sync(bench: Bench) -> None:
    for token in (1, 2):
        bench.promises.add(token, bench.publish(), [])
    assert (bench.answers.given, len(bench.promises)) == ([], 2)
    bench.sync()
    # Both were in one batch, and are told of together.
    assert (bench.answers.given, bench.answers.rings) == ([1, 2], 1)
    assert len(bench.promises) == 0


def test_what_is_safe_waits_for_those_before_it(bench: Bench) -> None:
    bench.promises.add(1, bench.publish(), [])
    bench.promises.add(2, 0, [])
    assert bench.answers.given == []
    bench.sync()
    assert bench.answers.given == [1, 2]


def test_a_message_that_was_consumed_need_not_be_on_the_disk(bench: Bench) -> None:
    reader = FakeConsumer()
    bench.queue.add_consumer(reader)
    for token in (1, 2):
        bench.promises.add(token, bench.publish(), [bench.queue])
    offsets = [offset for _, offset, _ in reader.got]
    # Not before those that were owed before it.
    bench.queue.settle(offsets[1])
    assert bench.answers.given == []
    bench.queue.settle(offsets[0])
    assert bench.answers.given == [1]
    bench.sync()
    assert bench.answers.given == [1, 2]


def test_a_name_that_comes_again_is_for_another_message(bench: Bench) -> None:
    reader = FakeConsumer()
    bench.queue.add_consumer(reader)
    bench.promises.add(1, bench.publish(), [bench.queue])
    bench.sync()
    bench.promises.add(1, bench.publish(), [bench.queue])
    # The first, which was answered for long ago, is consumed; the second is not on the disk.
    bench.queue.settle(reader.got[0][1])
    assert bench.answers.given == [1]
    bench.queue.settle(reader.got[1][1])
    assert bench.answers.given == [1, 1]


def test_an_answer_for_something_else_is_not_given_early(bench: Bench) -> None:
    reader = FakeConsumer()
    bench.queue.add_consumer(reader)
    bench.promises.add(1, bench.publish(), [])
    bench.queue.settle(reader.got[0][1])
    assert bench.answers.given == []


def test_the_disk_need_not_hurry_where_consumers_are_faster(bench: Bench) -> None:
    reader = FakeConsumer()
    bench.queue.add_consumer(reader)
    for token in range(3):
        bench.promises.add(token, bench.publish(), [bench.queue])
        bench.queue.settle(reader.got[token][1])
        # The first time nobody knew.
        assert bench.journal.may_linger == (token > 0)
        bench.book.flush()
    assert bench.answers.given == [0, 1, 2]
    bench.sync()
    # One that is not consumed at once has it hurry again.
    bench.promises.add(3, bench.publish(), [bench.queue])
    bench.sync()
    bench.promises.add(4, bench.publish(), [bench.queue])
    assert not bench.journal.may_linger


def test_a_batch_that_stays_empty(bench: Bench) -> None:
    bench.promises.add(1, bench.journal.number, [])
    bench.sync()
    assert bench.answers.given == [1]


def test_who_is_gone_is_told_nothing(bench: Bench) -> None:
    bench.promises.add(1, bench.publish(), [bench.queue])
    bench.promises.end()
    bench.sync()
    assert bench.answers.given == []


@given(st.lists(st.sampled_from(["safe", "owed", "sync"]), max_size=600))
def test_the_order_is_kept_whatever_happens(steps: list[str]) -> None:
    bench = Bench()
    count = 0
    for step in steps:
        if step == "sync":
            bench.sync()
        else:
            bench.promises.add(count, bench.publish() if step == "owed" else 0, [])
            count += 1
    bench.sync()
    assert bench.answers.given == list(range(count))
