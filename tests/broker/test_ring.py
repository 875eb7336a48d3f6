"""leveret.broker.ring"""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.fakes import FakeConsumer

from leveret.broker.ring import Ring


def ring(*consumers: FakeConsumer) -> Ring:
    made = Ring()
    for consumer in consumers:
        made.add(consumer)
    return made


def turns(of: Ring, count: int) -> list[str]:
    """The tags of the next ``count`` consumers; each uses up room."""
    tags = []
    for _ in range(count):
        consumer = of.next()
        assert isinstance(consumer, FakeConsumer)
        consumer.room -= 1
        tags.append(consumer.tag)
    return tags


def test_nobody_is_next_in_an_empty_ring() -> None:
    assert ring().next() is None


def test_turns_go_round() -> None:
    assert turns(ring(*[FakeConsumer(tag) for tag in "abc"]), 7) == list("abcabca")


@given(st.integers(1, 9), st.integers(1, 50))
def test_no_consumer_is_a_turn_ahead_of_another(count: int, rounds: int) -> None:
    served = turns(ring(*[FakeConsumer(str(n)) for n in range(count)]), rounds)
    counts = [served.count(str(n)) for n in range(count)]
    assert max(counts) - min(counts) <= 1


def test_a_lower_priority_is_served_when_no_higher_one_has_room() -> None:
    high, low, middle = (
        FakeConsumer("high", 2, priority=10),
        FakeConsumer("low", 9, priority=-1),
        FakeConsumer("middle", 1),
    )
    served = ring(low, high, middle)
    assert turns(served, 5) == ["high", "high", "middle", "low", "low"]
    high.room = 1
    served.unpark(high)
    assert turns(served, 2) == ["high", "low"]


def test_a_parked_consumer_is_not_asked_again() -> None:
    full, free = FakeConsumer("full", 0), FakeConsumer("free")
    served = ring(full, free)
    turns(served, 100)
    assert full.asked == 1
    assert full.is_parked and not free.is_parked


def test_unparking_who_is_not_parked_changes_nothing() -> None:
    one, other = FakeConsumer("a"), FakeConsumer("b")
    served = ring(one, other)
    served.unpark(one)
    assert turns(served, 4) == list("abab")


def test_a_stranger_cannot_be_removed() -> None:
    served = ring(FakeConsumer("a"))
    assert served.remove(FakeConsumer("a")) is False
    assert [c.tag for c in served.consumers] == ["a"]


def test_one_who_came_back_is_served_within_a_round() -> None:
    consumers = [FakeConsumer(str(n)) for n in range(5)]
    served = ring(*consumers)
    consumers[2].room = 0
    turns(served, 7)
    consumers[2].room = 1
    served.unpark(consumers[2])
    assert "2" in turns(served, 5)


class RingMachine(RuleBasedStateMachine):
    """Consumers come and go, have room or not; whoever gets room is unparked, as sessions do."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring()
        self.members: list[FakeConsumer] = []
        self.made = 0

    @rule(priority=st.integers(-1, 1), room=st.integers(0, 3))
    def add(self, priority: int, room: int) -> None:
        self.made += 1
        consumer = FakeConsumer(str(self.made), room, priority=priority)
        self.ring.add(consumer)
        self.members.append(consumer)

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        consumer = self.members.pop(data.draw(st.integers(0, len(self.members) - 1)))
        assert self.ring.remove(consumer) is True
        assert self.ring.remove(consumer) is False

    @precondition(lambda self: self.members)
    @rule(data=st.data(), room=st.integers(1, 3))
    def give_room(self, data: st.DataObject, room: int) -> None:
        consumer = self.members[data.draw(st.integers(0, len(self.members) - 1))]
        consumer.room += room
        self.ring.unpark(consumer)

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def take_room(self, data: st.DataObject) -> None:
        self.members[data.draw(st.integers(0, len(self.members) - 1))].room = 0

    @rule()
    def next(self) -> None:
        consumer = self.ring.next()
        with_room = [c for c in self.members if c.room > 0]
        best = max([c.priority for c in with_room], default=None)
        assert (consumer.priority if consumer is not None else None) == best
        assert consumer is None or consumer in with_room
        for each in [consumer] if isinstance(consumer, FakeConsumer) else []:
            each.room -= 1

    @invariant()
    def all_are_there_in_order(self) -> None:
        assert list(self.ring.consumers) == self.members

    @invariant()
    def only_those_without_room_are_parked(self) -> None:
        assert [c.tag for c in self.members if c.is_parked and c.room > 0] == []


TestRing = RingMachine.TestCase
TestRing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(0, 5), max_size=80))
def test_coming_and_going_of_others_does_not_favour_anybody(events: list[int]) -> None:
    steady = [FakeConsumer("a"), FakeConsumer("b"), FakeConsumer("c")]
    fickle = [FakeConsumer("x", 0), FakeConsumer("y", 0), FakeConsumer("z", 0)]
    served = ring(*steady, *fickle)
    for event in events:
        for comer in fickle[event : event + 1]:
            comer.room += 1
            served.unpark(comer)
        turns(served, 1)
    counts = [1 << 30] * 3
    counts = [full - consumer.room for full, consumer in zip(counts, steady, strict=True)]
    assert max(counts) - min(counts) <= 1


def test_one_who_left_parked_does_not_come_back() -> None:
    gone = FakeConsumer("gone", 0)
    served = ring(gone)
    assert served.next() is None
    served.remove(gone)
    gone.room = 1
    served.unpark(gone)
    assert served.next() is None


def test_a_single_active_ring_serves_the_one_who_came_first() -> None:
    first, second = FakeConsumer("first", 2), FakeConsumer("second", priority=9)
    served = Ring(True)
    served.add(first)
    served.add(second)
    assert turns(served, 2) == ["first", "first"]
    assert served.next() is None
    first.room = 1
    served.unpark(first)
    assert turns(served, 1) == ["first"]
    assert served.next() is None
    served.remove(first)
    assert turns(served, 2) == ["second", "second"]


def test_ranked_the_most_important_takes_over_from_one_that_holds_nothing() -> None:
    ring = Ring(True, True)
    low, high = FakeConsumer("low"), FakeConsumer("high", priority=1)
    ring.add(low)
    assert ring.next() is low
    low.unacked_count = 1
    ring.add(high)
    assert ring.next() is None
    assert low.is_parked
    low.unacked_count = 0
    ring.unpark(low)
    assert ring.next() is high
    ring.remove(high)
    assert ring.next() is low


def test_unranked_the_first_stays_whatever_its_priority() -> None:
    ring = Ring(True)
    low, high = FakeConsumer("low"), FakeConsumer("high", priority=1)
    ring.add(low)
    assert ring.next() is low
    ring.add(high)
    assert ring.next() is low
    ring.remove(low)
    assert ring.next() is high


def test_a_ranked_successor_without_room_is_waited_for() -> None:
    ring = Ring(True, True)
    low, high = FakeConsumer("low"), FakeConsumer("high", room=0, priority=1)
    ring.add(low)
    ring.add(high)
    assert ring.next() is None
    high.room = 1
    ring.unpark(high)
    assert ring.next() is high
