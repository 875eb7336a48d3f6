"""leveret.broker.classic"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.fakes import FakeConsumer, classic, message

from leveret.broker.backlog import Waiting
from leveret.broker.classic import ClassicQueue
from leveret.errors import AccessRefused


def queue(max_priority: int = 0) -> ClassicQueue:
    return classic(arguments={"x-max-priority": max_priority} if max_priority else None)


def back(waiting: Waiting | None) -> list[Waiting]:
    """As sessions put a message back: it is marked as redelivered."""
    assert waiting is not None
    return [Waiting(waiting.message, waiting.offset, True)]


def filled(*bodies: bytes) -> ClassicQueue:
    made = queue()
    for body in bodies:
        assert made.publish(message(body))
    return made


def got(of: ClassicQueue, count: int) -> list[tuple[bytes, bool]]:
    waiting = [of.get(True) for _ in range(count)]
    return [(w.message.body, w.redelivered) for w in waiting if w is not None]


def test_messages_come_out_in_the_order_they_went_in() -> None:
    assert got(filled(b"1", b"2", b"3"), 4) == [(b"1", False), (b"2", False), (b"3", False)]


def test_a_message_put_back_returns_to_its_old_place() -> None:
    q = filled(b"1", b"2", b"3", b"4")
    first, second, third = (q.get(False) for _ in range(3))
    assert first is not None and second is not None and third is not None
    q.put_back(back(second), False)
    q.put_back(back(first), False)
    q.settle(third.offset)
    assert got(q, 9) == [(b"1", True), (b"2", True), (b"4", False)]
    assert (q.ready_count, q.unacked_count) == (0, 0)


def test_higher_priorities_come_first_and_none_is_above_the_queues() -> None:
    q = queue(5)
    for body, priority in ((b"0", None), (b"9", 9), (b"5", 5), (b"1", 1), (b"255", 255)):
        q.publish(message(body, priority))
    assert [body for body, _ in got(q, 9)] == [b"9", b"5", b"255", b"1", b"0"]


def test_without_priorities_they_are_ignored() -> None:
    q = queue()
    q.publish(message(b"1", 1))
    q.publish(message(b"9", 9))
    assert [body for body, _ in got(q, 9)] == [b"1", b"9"]


def test_a_message_put_back_returns_to_its_priority() -> None:
    q = queue(9)
    for number, priority in enumerate((1, 9, 1, 9)):
        q.publish(message(b"%d" % number, priority))
    out = [q.get(False) for _ in range(3)]
    q.put_back([each for w in out for each in back(w)], False)
    assert got(q, 9) == [(b"1", True), (b"3", True), (b"0", True), (b"2", False)]


def test_a_message_goes_straight_to_a_consumer_with_room() -> None:
    q, consumer = queue(), FakeConsumer(room=1)
    q.add_consumer(consumer)
    q.publish(message(b"1"))
    q.publish(message(b"2"))
    assert consumer.bodies == [b"1"]
    assert (q.ready_count, q.unacked_count, q.consumer_count) == (1, 1, 1)


def test_a_consumer_without_acks_leaves_nothing_unacknowledged() -> None:
    q, consumer = filled(b"1"), FakeConsumer(no_ack=True)
    q.add_consumer(consumer)
    q.dispatch()
    q.publish(message(b"2"))
    assert consumer.bodies == [b"1", b"2"]
    assert (q.ready_count, q.unacked_count) == (0, 0)


def test_adding_a_consumer_does_not_dispatch() -> None:
    q, consumer = filled(b"1"), FakeConsumer()
    q.add_consumer(consumer)
    assert consumer.got == []


def test_get_counts_as_unacknowledged_unless_it_says_otherwise() -> None:
    q = filled(b"1", b"2")
    q.get(True)
    assert q.unacked_count == 0
    q.get(False)
    assert q.unacked_count == 1
    assert q.get(False) is None
    assert q.unacked_count == 1


def test_rejecting_for_good_counts_down() -> None:
    q = filled(b"1")
    taken = q.get(False)
    assert taken is not None
    q.discard(taken.message, taken.offset)
    assert (q.ready_count, q.unacked_count) == (0, 0)


def test_purging_takes_what_waits_only() -> None:
    q = queue(3)
    for number in range(5):
        q.publish(message(b"%d" % number, number % 4))
    taken = q.get(False)
    assert taken is not None
    assert q.purge() == 4
    assert (q.ready_count, q.unacked_count) == (0, 1)
    q.put_back(back(taken), False)
    assert got(q, 9) == [(b"3", True)]


@pytest.mark.parametrize("is_first", [True, False])
def test_an_exclusive_consumer_is_alone(is_first: bool) -> None:
    q = queue()
    q.add_consumer(FakeConsumer("1", is_exclusive=is_first))
    with pytest.raises(AccessRefused, match="in exclusive use"):
        q.add_consumer(FakeConsumer("2", is_exclusive=not is_first))
    assert q.consumer_count == 1


def test_after_an_exclusive_consumer_others_may_come() -> None:
    q, alone = queue(), FakeConsumer(is_exclusive=True)
    q.add_consumer(alone)
    assert q.remove_consumer(alone) is True
    assert q.remove_consumer(alone) is False
    q.add_consumer(FakeConsumer())


def test_closing_tells_every_consumer_and_forgets_every_message() -> None:
    q, consumers = filled(b"1", b"2"), [FakeConsumer("1", 0), FakeConsumer("2", 0)]
    taken = q.get(False)
    for consumer in consumers:
        q.add_consumer(consumer)
    q.close()
    assert [c.was_cancelled for c in consumers] == [True, True]
    assert (q.is_gone, q.ready_count, q.consumer_count) == (True, 0, 0)
    assert taken is not None
    q.put_back([taken], False)
    q.dispatch()
    assert (q.ready_count, q.unacked_count) == (0, 0)


def test_a_thousand_busy_consumers_are_not_asked_for_each_message() -> None:
    q, busy = queue(), [FakeConsumer(str(n), 0) for n in range(1000)]
    for consumer in busy:
        q.add_consumer(consumer)
    for _ in range(100):
        q.publish(message())
    assert sum(c.asked for c in busy) == 1000


class ClassicMachine(RuleBasedStateMachine):
    """A queue beside a plain model; each delivery must be the right message to the right one.

    Whoever makes room unparks and dispatches, as the queue's docstring asks of sessions.
    """

    max_priority = 0

    @initialize(max_priority=st.sampled_from([0, 0, 1, 4]))
    def begin(self, max_priority: int) -> None:
        self.max_priority = max_priority
        self.queue = queue(max_priority)
        self.ready: list[tuple[int, int, bytes, bool]] = []
        self.out: list[tuple[FakeConsumer | None, Waiting]] = []
        self.consumers: list[FakeConsumer] = []
        self.log: list[FakeConsumer] = []
        self.rooms: dict[str, int] = {}
        self.offsets: dict[bytes, int] = {}
        self.made = 0

    def check_delivery(
        self, consumer: FakeConsumer | None, waiting: Waiting, *, no_ack: bool
    ) -> None:
        """``waiting`` must be the head of the model's line."""
        self.ready.sort()
        _, _, body, redelivered = self.ready.pop(0)
        assert (waiting.message.body, waiting.redelivered) == (body, redelivered)
        assert self.offsets.setdefault(body, waiting.offset) == waiting.offset
        self.out += [] if no_ack else [(consumer, waiting)]

    def replay(self) -> None:
        """Hold what the consumers got, in order, against the model."""
        seen: dict[str, int] = {}
        for consumer in self.log:
            fit = [c.priority for c in self.consumers if self.rooms[c.tag] > 0]
            assert consumer.priority == max(fit)
            self.rooms[consumer.tag] -= 1
            index = seen.setdefault(consumer.tag, 0)
            seen[consumer.tag] += 1
            self.check_delivery(consumer, Waiting(*consumer.got[index]), no_ack=consumer.no_ack)
        for consumer in self.consumers:
            consumer.got.clear()
        self.log.clear()

    def make_room(self, consumer: FakeConsumer | None, room: int) -> None:
        if consumer in self.consumers:
            assert consumer is not None
            consumer.room += room
            self.rooms[consumer.tag] += room
            self.queue.unpark(consumer)

    @rule(priority=st.integers(0, 6))
    def publish(self, priority: int) -> None:
        self.made += 1
        body = b"%d" % self.made
        self.ready.append((-min(priority, self.max_priority), self.made, body, False))
        assert self.queue.publish(message(body, priority))
        self.replay()

    @rule(no_ack=st.booleans())
    def get(self, no_ack: bool) -> None:
        waiting = self.queue.get(no_ack)
        assert (waiting is None) is (not self.ready)
        for each in [waiting] if waiting is not None else []:
            self.check_delivery(None, each, no_ack=no_ack)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), is_rejected=st.booleans())
    def settle(self, data: st.DataObject, is_rejected: bool) -> None:
        consumer, waiting = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        if is_rejected:
            self.queue.discard(waiting.message, waiting.offset)
        else:
            self.queue.settle(waiting.offset)
        self.make_room(consumer, 1)
        self.queue.dispatch()
        self.replay()

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sets(st.integers(0, len(self.out) - 1), min_size=1))
        returned = [self.out[index] for index in sorted(chosen)]
        self.out = [each for index, each in enumerate(self.out) if index not in chosen]
        for consumer, waiting in returned:
            body = waiting.message.body
            rank = -min(waiting.message.properties.priority, self.max_priority)
            self.ready.append((rank, int(body), body, True))
            self.make_room(consumer, 1)
        self.queue.put_back([Waiting(w.message, w.offset, True) for _, w in returned], False)
        self.queue.dispatch()
        self.replay()

    @rule(priority=st.integers(-1, 1), room=st.integers(0, 3), no_ack=st.booleans())
    def add_consumer(self, priority: int, room: int, no_ack: bool) -> None:
        self.made += 1
        tag = str(self.made)
        consumer = FakeConsumer(tag, room, no_ack=no_ack, priority=priority, log=self.log)
        self.consumers.append(consumer)
        self.rooms[tag] = room
        self.queue.add_consumer(consumer)
        self.queue.dispatch()
        self.replay()

    @precondition(lambda self: self.consumers)
    @rule(data=st.data())
    def remove_consumer(self, data: st.DataObject) -> None:
        consumer = self.consumers.pop(data.draw(st.integers(0, len(self.consumers) - 1)))
        assert self.queue.remove_consumer(consumer) is True

    @precondition(lambda self: self.consumers)
    @rule(data=st.data(), room=st.integers(1, 3))
    def give_room(self, data: st.DataObject, room: int) -> None:
        consumer = self.consumers[data.draw(st.integers(0, len(self.consumers) - 1))]
        self.make_room(consumer, room)
        self.queue.dispatch()
        self.replay()

    @rule()
    def purge(self) -> None:
        assert self.queue.purge() == len(self.ready)
        self.ready = []

    @invariant()
    def the_counts_are_right(self) -> None:
        assert self.queue.ready_count == len(self.ready)
        assert self.queue.unacked_count == len(self.out)
        assert self.queue.consumer_count == len(self.consumers)

    @invariant()
    def while_messages_wait_nobody_has_room(self) -> None:
        assert not self.ready or [c.tag for c in self.consumers if c.room > 0] == []

    @invariant()
    def no_two_messages_share_an_offset(self) -> None:
        assert len(set(self.offsets.values())) == len(self.offsets)


TestClassic = ClassicMachine.TestCase
TestClassic.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
