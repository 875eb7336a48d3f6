"""leveret.sessions.outstanding"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.fakes import FakeConsumer, classic, message

from leveret.sessions.outstanding import Delivery, Outstanding

QUEUE = classic()
MESSAGE = message()


class OutstandingMachine(RuleBasedStateMachine):
    """Deliveries beside a plain dict by tag; some are held by an open transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.outstanding = Outstanding()
        self.consumers = [FakeConsumer("0"), FakeConsumer("1")]
        self.model: dict[int, int] = {}
        self.held: dict[int, Delivery] = {}

    def free(self, last: int = 1 << 64) -> list[int]:
        return [tag for tag in self.model if tag not in self.held and tag <= last]

    def settled(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            assert delivery.is_settled
            del self.model[delivery.tag]

    @rule(count=st.integers(1, 4) | st.just(200), owner=st.integers(0, 2))
    def add(self, count: int, owner: int) -> None:
        for _ in range(count):
            self.outstanding.last_tag += 1
            tag = self.outstanding.last_tag
            consumer = [*self.consumers, None][owner]
            self.outstanding.add(Delivery(tag, QUEUE, consumer, MESSAGE, tag))
            self.model[tag] = owner

    @precondition(lambda self: self.outstanding.last_tag > 0)
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        tag = data.draw(st.integers(0, self.outstanding.last_tag + 1))
        found = self.outstanding.find(tag)
        assert (found is not None) is (tag in self.free())
        assert self.outstanding.take(tag) is found
        self.settled([found] if found is not None else [])

    @precondition(lambda self: self.free())
    @rule(data=st.data(), count=st.sampled_from([1, 3, 100]))
    def take_some_that_are_free(self, data: st.DataObject, count: int) -> None:
        tags = self.free()
        start = data.draw(st.integers(0, len(tags) - 1))
        for tag in tags[start : start + count]:
            delivery = self.outstanding.take(tag)
            assert delivery is not None and delivery.tag == tag
            self.settled([delivery])

    @precondition(lambda self: self.outstanding.last_tag > 0)
    @rule(data=st.data(), holds=st.booleans())
    def take_through(self, data: st.DataObject, holds: bool) -> None:
        tag = data.draw(st.integers(0, self.outstanding.last_tag + 1))
        found = self.outstanding.find_through(tag)
        expected = self.free(tag) if tag in self.free() else None
        assert (None if found is None else [d.tag for d in found]) == expected
        self.settle_or_hold(found or [], holds)

    @rule(holds=st.booleans())
    def take_all(self, holds: bool) -> None:
        found = self.outstanding.find_all()
        assert [d.tag for d in found] == self.free()
        self.settle_or_hold(found, holds)

    def settle_or_hold(self, found: list[Delivery], holds: bool) -> None:
        for delivery in found if holds else []:
            delivery.is_held = True
            self.held[delivery.tag] = delivery
        if not holds:
            self.outstanding.settle(found)
            self.settled(found)

    @rule()
    def commit(self) -> None:
        self.outstanding.settle(list(self.held.values()))
        self.settled(list(self.held.values()))
        self.held = {}

    @rule()
    def roll_back(self) -> None:
        for delivery in self.held.values():
            delivery.is_held = False
        self.held = {}

    @invariant()
    def the_counts_are_right(self) -> None:
        owners = list(self.model.values())
        assert len(self.outstanding) == len(self.model)
        assert self.outstanding.held_count == len([o for o in owners if o < 2])
        assert [c.unacked_count for c in self.consumers] == [owners.count(0), owners.count(1)]


TestOutstanding = OutstandingMachine.TestCase
TestOutstanding.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def add(to: Outstanding, count: int) -> None:
    for _ in range(count):
        to.last_tag += 1
        to.add(Delivery(to.last_tag, QUEUE, None, MESSAGE, 0))


def test_nothing_is_outstanding_at_first() -> None:
    empty = Outstanding()
    assert (len(empty), empty.find_all()) == (0, [])
    assert (empty.take(1), empty.find(1), empty.find_through(1)) == (None, None, None)


def test_tags_of_64_bits_are_unknown_not_fatal() -> None:
    some = Outstanding()
    add(some, 3)
    assert some.take((1 << 64) - 1) is None
    assert some.find_through(1 << 63) is None


def test_one_that_is_held_for_ever_does_not_keep_the_others() -> None:
    some = Outstanding()
    add(some, 1)
    for _ in range(10_000):
        add(some, 1)
        assert some.take(some.last_tag) is not None
    assert [d.tag for d in some.find_all()] == [1]


def test_a_held_delivery_is_out_and_cannot_be_answered_for_again() -> None:
    some = Outstanding()
    add(some, 3)
    held = some.find(2)
    assert held is not None
    held.is_held = True
    assert len(some) == 3
    assert (some.take(2), some.find(2), some.find_through(2)) == (None, None, None)
    assert [d.tag for d in some.find_all()] == [1, 3]
    held.is_held = False
    assert some.take(2) is held
    assert some.take(2) is None
    assert len(some) == 2


def test_since_when_deliveries_are_out_is_known_by_when_they_were_seen() -> None:
    out = Outstanding()
    add(out, 2)
    out.note_time(100)
    out.note_time(150)
    add(out, 1)

    assert [out.since_ns(tag, 180) for tag in (1, 2, 3)] == [100, 100, 180]

    out.note_time(200)
    assert [out.since_ns(tag, 300) for tag in (1, 2, 3)] == [100, 100, 200]


def test_only_so_many_moments_are_remembered_and_none_when_nothing_is_out() -> None:
    out = Outstanding()
    for moment in range(1000):
        add(out, 1)
        out.note_time(moment)

    seen = [out.since_ns(tag, 5000) for tag in range(1, 1001)]
    assert seen == sorted(seen)
    assert all(tag - 1 <= moment < 1000 for tag, moment in enumerate(seen, 1))
    assert len(set(seen)) <= 65
    assert seen[-1] == 999

    out.settle(out.find_all())
    out.note_time(6000)
    add(out, 1)
    assert out.since_ns(1001, 7000) == 7000
