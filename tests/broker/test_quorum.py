"""leveret.broker.quorum"""

import pytest
from tests.broker.quorum_place import Place, counts
from tests.fakes import FakeConsumer, message

from leveret.broker.backlog import Waiting
from leveret.broker.message import Message, Origin
from leveret.broker.properties import read_properties, with_headers
from leveret.broker.queue import Dying
from leveret.errors import NotSupported, ResourceLocked
from leveret.tables import plain, table_of

AT_LEAST_ONCE = {
    "x-dead-letter-strategy": "at-least-once",
    "x-dead-letter-exchange": "dlx",
    "x-overflow": "reject-publish",
}


def test_what_comes_back_is_next_in_the_order_it_came_back() -> None:
    place = Place()
    place.put(b"1", b"2", b"3", b"4")
    first, second, third = place.take(3)
    place.give_back(third)
    place.give_back(first, second)
    assert place.bodies == [b"3", b"1", b"2", b"4"]


def test_priorities_are_strict_and_4_is_the_usual_one() -> None:
    place = Place()
    for priority in (0, 3, 5, 31, 200):
        place.queue.publish(message(b"%d" % priority, priority))
    place.put(b"usual")
    place.queue.publish(message(b"4", 4))
    assert place.bodies == [b"31", b"200", b"5", b"usual", b"4", b"3", b"0"]


def test_what_comes_back_has_no_priority() -> None:
    place = Place()
    place.queue.publish(message(b"low", 0))
    (low,) = place.take()
    place.queue.publish(message(b"high", 9))
    place.give_back(low)
    assert place.bodies == [b"low", b"high"]


def test_a_first_delivery_carries_no_counts() -> None:
    place = Place()
    place.put(b"1")
    (taken,) = place.take()
    assert not taken.redelivered
    assert counts(taken.message) == (None, None)


def test_later_ones_tell_how_many_failed_and_how_many_there_were() -> None:
    place = Place()
    place.put(b"1")
    (taken,) = place.take()
    for is_failure, expected in ((False, (0, 1)), (True, (1, 2)), (True, (2, 3)), (False, (2, 4))):
        place.give_back(taken, is_failure=is_failure)
        (taken,) = place.take()
        assert (taken.redelivered, counts(taken.message)) == (True, expected)


def test_the_counts_are_beside_the_other_headers() -> None:
    place = Place()
    properties = with_headers(read_properties(b"\0\0"), table_of({"a": 1, "x-delivery-count": 9}))
    place.queue.publish(Message(Origin("", "k"), properties, b"1"))
    (first,) = place.take()
    assert first.message.properties is properties
    place.give_back(first)
    (second,) = place.take()
    headers = {name: plain(field) for name, field in second.message.properties.headers().items()}
    assert headers == {"a": 1, "x-delivery-count": 0, "x-acquired-count": 1}


def test_more_failures_than_the_limit_are_the_end() -> None:
    place = Place({"x-delivery-limit": 2})
    place.put(b"1")
    for _ in range(2):
        place.give_back(*place.take(), is_failure=True)
    assert place.keeper.dead == []
    place.give_back(*place.take(), is_failure=True)
    assert place.keeper.dead == [(b"1", "delivery_limit")]
    assert (place.queue.ready_count, place.queue.unacked_count) == (0, 0)


def test_the_limit_is_20_unless_something_else_is_said() -> None:
    place = Place()
    place.put(b"1")
    for _ in range(20):
        place.give_back(*place.take(), is_failure=True)
    assert place.keeper.dead == []
    place.give_back(*place.take(), is_failure=True)
    assert place.keeper.dead == [(b"1", "delivery_limit")]


def test_minus_one_is_no_limit() -> None:
    place = Place({"x-delivery-limit": -1})
    place.put(b"1")
    for _ in range(100):
        place.give_back(*place.take(), is_failure=True)
    assert place.keeper.dead == []


def test_without_a_limit_what_is_given_back_waits_behind_the_others() -> None:
    place = Place({"x-delivery-limit": -1})
    place.put(b"1", b"2")
    place.give_back(*place.take())
    place.put(b"3")
    taken = place.take(3)
    assert [one.message.body for one in taken] == [b"2", b"1", b"3"]
    assert [one.redelivered for one in taken] == [False, True, False]
    assert [counts(one.message) for one in taken] == [(None, None), (0, 1), (None, None)]
    place.give_back(taken[1], is_failure=True)
    (again,) = place.take()
    assert counts(again.message) == (1, 2)
    for one in (taken[0], again, taken[2]):
        place.queue.settle(one.offset)
    assert place.queue.remembered_count == 0


def test_a_purge_forgets_those_behind_the_others() -> None:
    place = Place({"x-delivery-limit": -1})
    place.put(b"1", b"2", b"3")
    first, second = place.take(2)
    place.give_back(first)
    assert place.queue.purge() == 2
    assert place.queue.remembered_count == 0
    place.give_back(second)
    assert place.bodies == [b"2"]


def test_those_behind_the_others_expire() -> None:
    place = Place({"x-delivery-limit": -1})
    place.put_expiring(b"1", 100)
    place.give_back(*place.take())
    place.keeper.pass_ms(100)
    assert place.keeper.dead == [(b"1", "expired")]
    assert place.queue.remembered_count == 0


def test_giving_back_without_failure_may_go_on_for_ever() -> None:
    place = Place({"x-delivery-limit": 1})
    place.put(b"1")
    for _ in range(100):
        place.give_back(*place.take())
    assert place.queue.ready_count == 1


def test_the_dead_have_the_headers_they_were_published_with() -> None:
    place = Place()
    place.put(b"1")
    place.give_back(*place.take())
    (again,) = place.take()
    place.queue.discard(again.message, again.offset)
    assert [counts(dying.message) for dying in place.keeper.dying] == [(None, None)]
    assert place.keeper.dead == [(b"1", "rejected")]


def test_nothing_is_remembered_of_what_is_done() -> None:
    place = Place({"x-message-ttl": 1000, "x-max-length": 3})
    consumer = FakeConsumer("c", room=0, no_ack=True)
    place.put(b"1", b"2", b"3")
    for _ in range(3):
        place.give_back(*place.take())
    first, second = place.take(2)
    place.queue.settle(first.offset)
    place.queue.discard(second.message, second.offset)
    place.queue.add_consumer(consumer)
    consumer.room = 1
    place.queue.unpark(consumer)
    place.queue.dispatch()
    assert consumer.bodies == [b"3"]
    place.put(b"4", b"5")
    place.give_back(*place.take(2))
    place.keeper.pass_ms(1000)
    place.put(b"6", b"7")
    place.give_back(*place.take(2))
    place.put(b"8", b"9")
    place.queue.purge()
    assert place.queue.remembered_count == 0


def test_what_came_back_expires_on_time() -> None:
    place = Place()
    place.put_expiring(b"1", 100)
    place.put_expiring(b"2", 50)
    first, second = place.take(2)
    place.give_back(first, second)
    place.keeper.pass_ms(99)
    assert place.keeper.dead == []
    place.keeper.pass_ms(1)
    assert place.keeper.dead == [(b"1", "expired"), (b"2", "expired")]


def test_each_priority_lets_go_of_what_expired_at_its_head() -> None:
    place = Place({"x-message-ttl": 100})
    place.queue.publish(message(b"high", 9))
    place.put(b"usual")
    place.keeper.pass_ms(100)
    assert sorted(place.keeper.dead) == [(b"high", "expired"), (b"usual", "expired")]


def test_the_oldest_are_dropped_what_came_back_first() -> None:
    place = Place({"x-max-length": 2})
    place.put(b"1", b"2")
    place.give_back(*place.take())
    place.put(b"3")
    assert place.keeper.dead == [(b"1", "maxlen")]
    assert place.bodies == [b"2", b"3"]


def test_octets_are_counted_as_messages_go_and_come_back() -> None:
    place = Place({"x-max-length-bytes": 4})
    place.put(b"aa", b"bb")
    (first,) = place.take()
    place.put(b"cc")
    assert place.keeper.dead == []
    place.give_back(first)
    assert place.keeper.dead == [(b"aa", "maxlen")]


def test_publishes_are_refused_when_that_is_the_rule() -> None:
    place = Place({"x-max-length": 2, "x-overflow": "reject-publish"})
    assert place.put(b"1", b"2", b"3") == [True, True, False]
    place.give_back(*place.take())
    assert place.keeper.dead == []


def test_what_is_to_be_delayed_comes_later_each_time() -> None:
    place = Place({"x-delayed-retry-type": "all", "x-delayed-retry-min": 100})
    consumer = FakeConsumer()
    place.queue.add_consumer(consumer)
    place.put(b"1")
    for wait_ms in (100, 200, 300):
        got, offset, _ = consumer.got[-1]
        place.queue.put_back([Waiting(got, offset, True)], True)
        place.queue.dispatch()
        assert (place.queue.ready_count, place.queue.delayed_count) == (0, 1)
        known = len(consumer.got)
        place.keeper.pass_ms(wait_ms - 1)
        assert len(consumer.got) == known
        place.keeper.pass_ms(1)
        assert len(consumer.got) == known + 1
    assert counts(consumer.got[-1][0]) == (3, 3)


@pytest.mark.parametrize(
    ("kind", "is_failure", "waits"),
    [
        ("disabled", True, False),
        ("all", False, True),
        ("failed", True, True),
        ("failed", False, False),
        ("returned", False, True),
        ("returned", True, False),
    ],
)
def test_the_type_says_what_is_delayed(kind: str, is_failure: bool, waits: bool) -> None:
    place = Place({"x-delayed-retry-type": kind, "x-delayed-retry-min": 100})
    place.put(b"1")
    place.give_back(*place.take(), is_failure=is_failure)
    assert place.queue.delayed_count == waits


def test_a_purge_takes_what_is_delayed_too() -> None:
    place = Place({"x-delayed-retry-type": "all", "x-delayed-retry-min": 100})
    place.put(b"1")
    place.give_back(*place.take())
    place.queue.purge()
    place.keeper.pass_ms(1000)
    assert (place.queue.ready_count, place.queue.delayed_count) == (0, 0)
    assert place.queue.remembered_count == 0


def test_a_deleted_queue_has_no_appointment() -> None:
    place = Place({"x-delayed-retry-type": "all", "x-delayed-retry-min": 100})
    place.put(b"1")
    place.give_back(*place.take())
    place.queue.close()
    assert place.queue.due_ns == 0


# --- one consumer at a time ------------------------------------------------------------------


def test_a_consumer_that_is_more_important_takes_over_when_the_other_has_settled_all() -> None:
    place = Place({"x-single-active-consumer": True})
    low, high = FakeConsumer("low"), FakeConsumer("high", priority=1)
    place.queue.add_consumer(low)
    place.put(b"1", b"2")
    assert low.bodies == [b"1", b"2"]
    low.unacked_count = 2
    place.queue.add_consumer(high)
    place.put(b"3")
    assert (low.bodies, high.bodies) == ([b"1", b"2"], [])
    low.unacked_count = 1
    place.queue.unpark(low)
    place.queue.dispatch()
    assert high.bodies == []
    low.unacked_count = 0
    place.queue.unpark(low)
    place.queue.dispatch()
    place.put(b"4")
    assert (low.bodies, high.bodies) == ([b"1", b"2"], [b"3", b"4"])


def test_one_that_has_nothing_to_settle_is_replaced_at_once() -> None:
    place = Place({"x-single-active-consumer": True})
    low, high = FakeConsumer("low"), FakeConsumer("high", priority=1)
    place.queue.add_consumer(low)
    place.put(b"1")
    place.queue.add_consumer(high)
    place.put(b"2")
    assert (low.bodies, high.bodies) == ([b"1"], [b"2"])


def test_of_equals_the_first_one_stays() -> None:
    place = Place({"x-single-active-consumer": True})
    first, second = FakeConsumer("1"), FakeConsumer("2")
    place.queue.add_consumer(first)
    place.queue.add_consumer(second)
    place.put(b"1", b"2")
    assert (first.bodies, second.bodies) == ([b"1", b"2"], [])


def test_when_it_leaves_the_most_important_follows() -> None:
    place = Place({"x-single-active-consumer": True})
    consumers = [FakeConsumer(str(priority), priority=priority) for priority in (5, 0, 3, 3)]
    for consumer in consumers:
        place.queue.add_consumer(consumer)
    place.queue.remove_consumer(consumers[0])
    place.put(b"1")
    assert [consumer.bodies for consumer in consumers] == [[], [], [b"1"], []]


def test_exclusive_consumers_are_not_alone() -> None:
    place = Place()
    place.queue.add_consumer(FakeConsumer("1", is_exclusive=True))
    place.queue.add_consumer(FakeConsumer("2", is_exclusive=True))
    assert place.queue.consumer_count == 2


# --- refusals ----------------------------------------------------------------------------------


def test_who_asks_for_messages_is_refused_where_one_consumer_is_served() -> None:
    place = Place({"x-single-active-consumer": True})
    with pytest.raises(ResourceLocked) as refused:
        place.queue.check_get("queue 'q' in vhost '/'")
    assert refused.value.detail == (
        "cannot obtain access to locked queue 'q' in vhost '/'. basic.get operations are not "
        "supported by quorum queues with single active consumer"
    )
    Place().queue.check_get("queue 'q' in vhost '/'")


@pytest.mark.parametrize(
    ("if_unused", "if_empty", "flag"),
    [(True, False, "if-unused"), (False, True, "if-empty"), (True, True, "if-unused")],
)
def test_it_is_deleted_without_conditions(if_unused: bool, if_empty: bool, flag: str) -> None:
    with pytest.raises(NotSupported) as refused:
        Place().queue.check_delete("queue 'q' in vhost '/'", if_unused, if_empty)
    assert refused.value.detail == (
        f"cannot delete queue 'q' in vhost '/'. queue.delete operations with {flag} flag set are "
        "not supported by quorum queues"
    )


def test_it_takes_no_consumer_with_a_limit_for_the_channel() -> None:
    with pytest.raises(NotSupported, match="queue 'q' does not support global qos"):
        Place().queue.check_global_prefetch("queue 'q'")


# --- dead letters that are not to be lost --------------------------------------------------------


def kept(place: Place) -> Dying:
    """The dead letter of one rejected message."""
    place.put(b"1")
    (taken,) = place.take()
    place.queue.discard(taken.message, taken.offset)
    (dying,) = place.keeper.dying
    place.keeper.dying.clear()
    return dying


def test_a_dead_letter_is_kept_until_it_is_taken() -> None:
    place = Place(AT_LEAST_ONCE)
    dying = kept(place)
    assert dying.is_kept
    assert place.queue.dead_count == 1
    place.queue.buried(dying, True)
    assert place.queue.dead_count == 0


def test_one_that_was_refused_is_sent_again_later() -> None:
    place = Place(AT_LEAST_ONCE)
    dying = kept(place)
    place.queue.buried(dying, False)
    place.keeper.pass_ms(4999)
    assert place.keeper.dying == []
    place.keeper.pass_ms(1)
    assert place.keeper.dying == [dying]


def test_they_are_sent_again_a_few_at_a_time() -> None:
    place = Place(AT_LEAST_ONCE)
    place.put(*[b"%d" % number for number in range(100)])
    for taken in place.take(100):
        place.queue.discard(taken.message, taken.offset)
    for dying in place.keeper.take_dying():
        place.queue.buried(dying, False)
    place.keeper.pass_ms(5000)
    first = place.keeper.take_dying()
    assert len(first) == 32
    for dying in first:
        place.queue.buried(dying, True)
    # There is room again: the others need not wait.
    place.keeper.pass_ms(0)
    assert len(place.keeper.take_dying()) == 32


def test_what_is_kept_counts_against_the_limit() -> None:
    place = Place({**AT_LEAST_ONCE, "x-max-length": 1})
    dying = kept(place)
    assert place.put(b"2") == [False]
    place.queue.buried(dying, True)
    assert place.put(b"2") == [True]


def test_without_the_overflow_for_it_nothing_is_kept() -> None:
    place = Place({**AT_LEAST_ONCE, "x-overflow": "drop-head"})
    assert not kept(place).is_kept
    assert place.queue.dead_count == 0


def test_another_policy_forgets_what_was_kept() -> None:
    arguments = {"x-dead-letter-strategy": "at-least-once"}
    place = Place(arguments)
    place.queue.apply({"overflow": "reject-publish"})
    place.queue.buried(kept(place), False)
    assert place.queue.dead_count == 1
    place.queue.apply({})
    assert place.queue.dead_count == 0
    place.keeper.pass_ms(10_000)
    assert place.keeper.dying == []


# --- policies ------------------------------------------------------------------------------------


def test_a_policy_changes_the_limit_of_what_waits_already() -> None:
    place = Place()
    place.put(b"1", b"2", b"3")
    place.give_back(*place.take())
    place.queue.apply({"max-length": 2})
    assert place.keeper.dead == [(b"1", "maxlen")]
    place.queue.apply({"max-length-bytes": 1})
    assert place.keeper.dead == [(b"1", "maxlen"), (b"2", "maxlen")]


def test_octets_are_counted_from_when_it_matters() -> None:
    place = Place()
    place.put(b"aa", b"bb", b"cc")
    first, second = place.take(2)
    place.give_back(first)
    place.queue.apply({"max-length-bytes": 4})
    assert place.keeper.dead == []
    place.give_back(second)
    assert place.keeper.dead == [(b"aa", "maxlen")]
