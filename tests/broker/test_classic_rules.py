"""leveret.broker.classic: messages that expire, limits, dead letters, queues that nobody uses"""

import pytest
from tests.broker.keepers import MS, FakeKeeper
from tests.fakes import FakeConsumer, classic, message

from leveret.broker.backlog import Waiting
from leveret.broker.message import Message, Origin
from leveret.broker.properties import read_properties


class Place:
    """A queue with a keeper, and an exchange for dead letters unless it is told otherwise."""

    def __init__(self, max_priority: int = 0, **arguments: object) -> None:
        self.keeper = FakeKeeper()
        named = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
        if max_priority:
            named["x-max-priority"] = max_priority
        given: dict[str, object] = {"x-dead-letter-exchange": "dlx", **named}
        self.queue = classic("q", given, self.keeper)

    def put(self, *bodies: bytes) -> list[bool]:
        return [self.queue.publish(message(body)) for body in bodies]

    def put_expiring(self, body: bytes, milliseconds: int) -> None:
        digits = b"%d" % milliseconds
        octets = b"\x01\x00" + bytes([len(digits)]) + digits
        self.queue.publish(Message(Origin("", "k"), read_properties(octets), body))

    @property
    def bodies(self) -> list[bytes]:
        """What waits; takes it."""
        found = []
        while (waiting := self.queue.get(True)) is not None:
            found.append(waiting.message.body)
        return found


def test_messages_expire_on_time_without_anybody_asking() -> None:
    place = Place(message_ttl=100)
    place.put(b"1")
    place.keeper.pass_ms(50)
    place.put(b"2")
    place.keeper.pass_ms(49)
    assert place.queue.ready_count == 2
    place.keeper.pass_ms(1)
    assert place.queue.ready_count == 1
    place.keeper.pass_ms(50)
    assert place.keeper.dead == [(b"1", "expired"), (b"2", "expired")]


def test_who_asks_gets_nothing_that_is_expired_even_before_the_alarm() -> None:
    place = Place(message_ttl=100)
    place.put(b"1")
    place.keeper.clock.now += 100 * MS
    assert place.queue.get(True) is None
    consumer = FakeConsumer()
    place.put(b"2")
    place.keeper.clock.now += 100 * MS
    place.queue.add_consumer(consumer)
    place.queue.dispatch()
    assert consumer.bodies == []


def test_a_longer_life_at_the_head_keeps_the_others() -> None:
    place = Place()
    place.put_expiring(b"long", 1000)
    place.put_expiring(b"short", 10)
    place.keeper.pass_ms(500)
    assert place.queue.ready_count == 2
    place.keeper.pass_ms(500)
    assert place.keeper.dead == [(b"long", "expired"), (b"short", "expired")]


def test_who_comes_to_the_head_expires_on_time() -> None:
    place = Place()
    place.put_expiring(b"long", 1000)
    place.put_expiring(b"short", 100)
    assert place.queue.get(True) is not None
    place.keeper.pass_ms(99)
    assert place.queue.ready_count == 1
    place.keeper.pass_ms(1)
    assert place.keeper.dead == [(b"short", "expired")]


def test_the_shorter_of_queue_and_message_counts() -> None:
    place = Place(message_ttl=100)
    place.put_expiring(b"sooner", 10)
    place.keeper.pass_ms(10)
    place.put_expiring(b"not later", 1000)
    place.keeper.pass_ms(100)
    assert place.keeper.dead == [(b"sooner", "expired"), (b"not later", "expired")]


@pytest.mark.parametrize("by_consumer", [False, True])
def test_what_comes_back_expires_when_it_would_have(by_consumer: bool) -> None:
    place = Place(message_ttl=100)
    consumer = FakeConsumer()
    if by_consumer:
        place.queue.add_consumer(consumer)
        place.put(b"1")
        ((got, offset, _),) = consumer.got
        place.queue.remove_consumer(consumer)
    else:
        place.put(b"1")
        waiting = place.queue.get(False)
        assert waiting is not None
        got, offset = waiting.message, waiting.offset
    place.keeper.pass_ms(60)
    place.queue.put_back([back(got, offset)], False)
    place.keeper.pass_ms(39)
    assert place.queue.ready_count == 1
    place.keeper.pass_ms(1)
    assert place.keeper.dead == [(b"1", "expired")]


def back(got: Message, offset: int) -> Waiting:
    return Waiting(got, offset, True)


def test_what_was_settled_does_not_expire() -> None:
    place = Place(message_ttl=100)
    place.put(b"1")
    waiting = place.queue.get(False)
    assert waiting is not None
    place.queue.settle(waiting.offset)
    place.keeper.pass_ms(1000)
    assert place.keeper.dead == []
    assert (place.queue.ready_count, place.queue.unacked_count) == (0, 0)


def test_each_priority_has_its_own_head() -> None:
    place = Place(max_priority=3, message_ttl=100)
    place.queue.publish(message(b"low", 1))
    place.keeper.pass_ms(50)
    place.queue.publish(message(b"high", 3))
    place.keeper.pass_ms(50)
    assert place.keeper.dead == [(b"low", "expired")]
    place.keeper.pass_ms(50)
    assert place.keeper.dead[1:] == [(b"high", "expired")]


def test_too_many_drop_the_oldest() -> None:
    place = Place(max_length=2)
    assert place.put(b"1", b"2", b"3") == [True, True, True]
    assert place.keeper.dead == [(b"1", "maxlen")]
    assert place.bodies == [b"2", b"3"]


def test_too_many_octets_drop_as_many_as_it_takes() -> None:
    place = Place(max_length_bytes=10)
    place.put(b"1234", b"5678", b"123456789", b"")
    assert place.keeper.dead == [(b"1234", "maxlen"), (b"5678", "maxlen")]
    assert place.bodies == [b"123456789", b""]
    place.put(b"1234567890")
    assert place.bodies == [b"1234567890"]


def test_the_head_is_dropped_though_its_priority_be_the_highest() -> None:
    """RabbitMQ's manual warns of it: higher priorities make way for lower ones."""
    place = Place(max_priority=3, max_length=1)
    place.queue.publish(message(b"high", 3))
    place.queue.publish(message(b"low", 1))
    assert place.keeper.dead == [(b"high", "maxlen")]
    assert place.bodies == [b"low"]


@pytest.mark.parametrize(
    ("overflow", "dead"),
    [("reject-publish", []), ("reject-publish-dlx", [(b"2", "maxlen")])],
)
def test_too_many_are_refused(overflow: str, dead: list[tuple[bytes, str]]) -> None:
    place = Place(max_length=1, overflow=overflow)
    assert place.put(b"1", b"2") == [True, False]
    assert place.keeper.dead == dead
    waiting = place.queue.get(False)
    assert waiting is not None
    assert place.put(b"3") == [True]
    # What comes back is not published: it may be one too many.
    place.queue.put_back([back(waiting.message, waiting.offset)], False)
    assert place.bodies == [b"1", b"3"]


def test_a_limit_of_nothing_lets_through_what_is_delivered_at_once() -> None:
    place = Place(max_length=0)
    place.put(b"1")
    assert place.keeper.dead == [(b"1", "maxlen")]
    consumer = FakeConsumer(no_ack=True)
    place.queue.add_consumer(consumer)
    place.put(b"2")
    assert consumer.bodies == [b"2"]


def test_who_is_rejected_is_a_dead_letter() -> None:
    place = Place()
    place.put(b"1")
    waiting = place.queue.get(False)
    assert waiting is not None
    place.queue.discard(waiting.message, waiting.offset)
    assert place.keeper.dead == [(b"1", "rejected")]


def test_a_queue_that_nobody_uses_is_given_up() -> None:
    place = Place(expires=100)
    place.keeper.pass_ms(99)
    assert place.keeper.abandoned == []
    place.keeper.pass_ms(1)
    assert place.keeper.abandoned == ["q"]


def test_use_puts_the_end_off() -> None:
    place = Place(expires=100)
    for use in (lambda: place.queue.get(True), place.queue.touch):
        place.keeper.pass_ms(60)
        use()
    place.keeper.pass_ms(60)
    consumer = FakeConsumer()
    place.queue.add_consumer(consumer)
    place.keeper.pass_ms(500)
    place.queue.remove_consumer(consumer)
    place.keeper.pass_ms(60)
    assert place.keeper.abandoned == []
    place.keeper.pass_ms(100)
    assert place.keeper.abandoned == ["q"]


def test_nobody_looks_at_a_queue_that_has_consumers() -> None:
    place = Place(expires=1)
    consumer = FakeConsumer()
    place.queue.add_consumer(consumer)
    place.keeper.pass_ms(5)
    assert place.queue.due_ns == 0
    place.queue.remove_consumer(consumer)
    place.keeper.pass_ms(1)
    assert place.keeper.abandoned == ["q"]


# --- policies --------------------------------------------------------------------------------


def test_a_policy_drops_what_is_too_many_now() -> None:
    place = Place()
    place.put(b"1", b"2", b"3")
    place.queue.apply({"max-length": 1})
    assert place.keeper.dead == [(b"1", "maxlen"), (b"2", "maxlen")]
    place.queue.apply({})
    place.put(b"4", b"5")
    assert place.bodies == [b"3", b"4", b"5"]


def test_a_policy_that_refuses_drops_nothing() -> None:
    place = Place()
    place.put(b"1", b"2")
    place.queue.apply({"max-length": 1, "overflow": "reject-publish"})
    assert place.put(b"3") == [False]
    assert place.bodies == [b"1", b"2"]


def test_octets_are_counted_once_there_is_a_limit_to_them() -> None:
    place = Place()
    place.put(b"aa", b"bb")
    taken = place.queue.get(False)
    assert taken is not None
    place.queue.apply({"max-length-bytes": 3})
    assert place.keeper.dead == []
    place.put(b"c")
    assert place.keeper.dead == []
    place.queue.put_back([back(taken.message, taken.offset)], False)
    assert place.keeper.dead == [(b"aa", "maxlen")]
    assert place.bodies == [b"bb", b"c"]


def test_a_time_to_live_is_for_what_comes_later() -> None:
    place = Place()
    place.put(b"1")
    place.queue.apply({"message-ttl": 100})
    place.put(b"2")
    place.keeper.pass_ms(200)
    assert place.keeper.dead == []
    assert place.bodies == [b"1"]
    assert place.keeper.dead == [(b"2", "expired")]


def test_what_was_given_a_time_keeps_it_when_the_policy_goes() -> None:
    place = Place()
    place.queue.apply({"message-ttl": 100})
    place.put(b"1")
    place.queue.apply({})
    place.keeper.pass_ms(100)
    assert place.keeper.dead == [(b"1", "expired")]


def test_an_expiry_counts_from_when_it_was_set() -> None:
    place = Place()
    place.keeper.pass_ms(1000)
    place.queue.apply({"expires": 100})
    place.keeper.pass_ms(99)
    assert place.keeper.abandoned == []
    place.keeper.pass_ms(1)
    assert place.keeper.abandoned == ["q"]


def test_without_the_policy_the_queue_stays() -> None:
    place = Place()
    place.queue.apply({"expires": 100})
    place.queue.apply({})
    place.keeper.pass_ms(1000)
    assert place.keeper.abandoned == []


def test_consumers_hear_of_new_rules() -> None:
    class Listener(FakeConsumer):
        retimed_count = 0

        def retimed(self) -> None:
            Listener.retimed_count += 1

    place = Place()
    place.queue.add_consumer(Listener())
    place.queue.apply({"consumer-timeout": 5})
    place.queue.apply({"consumer-timeout": 5, "max-length": 9})
    assert Listener.retimed_count == 1
    assert place.queue.rules.consumer_timeout_ms == 5


def test_a_deleted_queue_leaves_no_appointment() -> None:
    place = Place(expires=100_000)
    place.queue.close()
    assert place.queue.due_ns == 0


def test_messages_with_a_time_may_come_and_go_and_come_again() -> None:
    place = Place()
    consumer = FakeConsumer(room=1)
    place.put_expiring(b"1", 100)
    place.queue.add_consumer(consumer)
    place.queue.dispatch()
    place.queue.settle(consumer.got[0][1])
    place.queue.dispatch()
    place.put_expiring(b"2", 100)
    place.put(b"3")
    place.keeper.clock.now += 100 * MS
    consumer.room = 1
    place.queue.unpark(consumer)
    place.queue.dispatch()
    assert consumer.bodies == [b"1", b"3"]
    assert place.keeper.dead == [(b"2", "expired")]


def test_one_that_is_out_keeps_its_time_when_nothing_else_has_one() -> None:
    place = Place()
    place.put_expiring(b"1", 100)
    taken = place.queue.get(False)
    assert taken is not None
    place.queue.dispatch()
    assert place.queue.get(False) is None
    place.queue.put_back([back(taken.message, taken.offset)], False)
    place.keeper.pass_ms(100)
    assert place.keeper.dead == [(b"1", "expired")]
