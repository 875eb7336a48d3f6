"""leveret.amqp091.outstanding"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.fakes import FakeConsumer, message

from leveret.amqp091.outstanding import Delivery, Outstanding
from leveret.broker.classic import ClassicQueue

QUEUE = ClassicQueue("q", False, False, 0, {}, 0)
MESSAGE = message()


class OutstandingMachine(RuleBasedStateMachine):
    """Deliveries beside a plain dict by tag; what is taken may be restored, as by tx.rollback."""

    def __init__(self) -> None:
        super().__init__()
        self.outstanding = Outstanding()
        self.consumers = [FakeConsumer("0"), FakeConsumer("1")]
        self.model: dict[int, int] = {}
        self.taken: list[Delivery] = []
        self.owners: dict[int, int] = {}

    @rule(count=st.integers(1, 4) | st.just(200), owner=st.integers(0, 2))
    def add(self, count: int, owner: int) -> None:
        for _ in range(count):
            self.outstanding.last_tag += 1
            tag = self.outstanding.last_tag
            consumer = [*self.consumers, None][owner]
            self.outstanding.add(Delivery(tag, QUEUE, consumer, MESSAGE, tag))
            self.model[tag] = self.owners[tag] = owner

    def gone(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            assert delivery.is_settled
            del self.model[delivery.tag]
        self.taken += deliveries

    @precondition(lambda self: self.outstanding.last_tag > 0)
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        tag = data.draw(st.integers(0, self.outstanding.last_tag + 1))
        delivery = self.outstanding.take(tag)
        assert (delivery is not None) is (tag in self.model)
        self.gone([delivery] if delivery is not None else [])

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.sampled_from([1, 3, 100]))
    def take_some_that_are_there(self, data: st.DataObject, count: int) -> None:
        tags = sorted(self.model)
        start = data.draw(st.integers(0, len(tags) - 1))
        for tag in tags[start : start + count]:
            delivery = self.outstanding.take(tag)
            assert delivery is not None and delivery.tag == tag
            self.gone([delivery])

    @precondition(lambda self: self.outstanding.last_tag > 0)
    @rule(data=st.data())
    def take_through(self, data: st.DataObject) -> None:
        tag = data.draw(st.integers(0, self.outstanding.last_tag + 1))
        got = self.outstanding.take_through(tag)
        expected = sorted(t for t in self.model if t <= tag) if tag in self.model else None
        assert (None if got is None else [d.tag for d in got]) == expected
        self.gone(got or [])

    @rule()
    def take_all(self) -> None:
        got = self.outstanding.take_all()
        assert [d.tag for d in got] == sorted(self.model)
        self.gone(got)

    @rule()
    def settle_for_good(self) -> None:
        self.taken = []

    @precondition(lambda self: self.taken)
    @rule(order=st.sampled_from([1, -1]))
    def restore(self, order: int) -> None:
        self.outstanding.restore(self.taken[::order])
        self.model |= {d.tag: self.owners[d.tag] for d in self.taken}
        self.taken = []

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
    assert (len(empty), empty.take(1), empty.take_through(1), empty.take_all()) == (
        0,
        None,
        None,
        [],
    )


def test_tags_of_64_bits_are_unknown_not_fatal() -> None:
    some = Outstanding()
    add(some, 3)
    assert some.take((1 << 64) - 1) is None
    assert some.take_through(1 << 63) is None


def test_one_that_is_held_for_ever_does_not_keep_the_others() -> None:
    some = Outstanding()
    add(some, 1)
    for _ in range(10_000):
        add(some, 1)
        assert some.take(some.last_tag) is not None
    assert [d.tag for d in some.take_all()] == [1]


def test_restored_deliveries_are_there_once() -> None:
    some = Outstanding()
    add(some, 3)
    taken = some.take(2)
    assert taken is not None
    some.restore([taken])
    assert len(some) == 3
    assert some.take(2) is taken
    assert some.take(2) is None
    assert [d.tag for d in some.take_all()] == [1, 3]
    assert len(some) == 0
