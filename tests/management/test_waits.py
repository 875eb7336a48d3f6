"""leveret.management.waits"""

from tests.fakes import FakeConsumer, classic, message

from leveret.management.waits import BOUNDS, Waits

SECOND = 1_000_000_000


def counts(waits: Waits) -> dict[int, int]:
    """Those that are not 0, by the upper bound in seconds."""
    bounds = [*BOUNDS, -1]
    return {bound: count for bound, count in zip(bounds, waits.counts, strict=True) if count}


def test_the_head_grows_older_until_it_goes() -> None:
    waits, queue = Waits(), classic()
    waits.look(queue, 0)
    queue.publish(message())
    waits.look(queue, 5 * SECOND)
    queue.publish(message())
    waits.look(queue, 10 * SECOND)
    assert waits.head_age_s(queue, 65 * SECOND) == 60
    queue.get(True)
    assert waits.head_age_s(queue, 65 * SECOND) == 55
    queue.get(True)
    assert waits.head_age_s(queue, 65 * SECOND) == 0


def test_what_just_came_is_not_old() -> None:
    waits, queue = Waits(), classic()
    waits.look(queue, 0)
    queue.publish(message())
    assert waits.head_age_s(queue, 4 * SECOND) == 0


def test_who_waited_before_the_first_look_waits_since_then() -> None:
    waits, queue = Waits(), classic()
    queue.publish(message())
    waits.look(queue, 100 * SECOND)
    assert waits.head_age_s(queue, 130 * SECOND) == 30


def test_what_left_is_counted_by_how_long_it_was_there() -> None:
    waits, queue = Waits(), classic()
    waits.look(queue, 0)
    for _ in range(3):
        queue.publish(message())
    waits.look(queue, 5 * SECOND)
    for _ in range(2):
        queue.publish(message())
    waits.look(queue, 10 * SECOND)
    for _ in range(4):
        queue.get(True)
    waits.look(queue, 45 * SECOND)
    # Three waited for 40 seconds, one for 35.
    assert (counts(waits), waits.sum_s) == ({60: 4}, 155)
    queue.get(True)
    waits.look(queue, 8000 * SECOND)
    assert counts(waits) == {60: 4, 21_600: 1}


def test_what_is_handed_on_at_once_did_not_wait() -> None:
    waits, queue = Waits(), classic()
    queue.add_consumer(FakeConsumer(no_ack=True))
    waits.look(queue, 0)
    for _ in range(7):
        queue.publish(message())
    waits.look(queue, 5 * SECOND)
    assert (counts(waits), waits.sum_s) == ({5: 7}, 0)


def test_a_long_wait_takes_few_marks() -> None:
    waits, queue = Waits(), classic()
    for second in range(0, 10_000, 5):
        queue.publish(message())
        waits.look(queue, second * SECOND)
    (line,) = waits._lines[queue]
    assert len(line._times) <= 256
    assert waits.head_age_s(queue, 10_000 * SECOND) == 10_000
    queue.get(True)
    assert 9000 < waits.head_age_s(queue, 10_000 * SECOND) < 10_000


def test_each_priority_has_its_own_line() -> None:
    waits, queue = Waits(), classic(arguments={"x-max-priority": 5})
    waits.look(queue, 0)
    queue.publish(message(priority=0))
    waits.look(queue, 5 * SECOND)
    queue.publish(message(priority=3))
    waits.look(queue, 10 * SECOND)
    assert waits.head_age_s(queue, 15 * SECOND) == 10
    queue.get(True)
    waits.look(queue, 15 * SECOND)
    assert counts(waits) == {5: 1}


def test_a_queue_that_is_gone_is_forgotten() -> None:
    waits, queue = Waits(), classic()
    waits.look(queue, 0)
    waits.sweep()
    assert len(waits._lines) == 1
    waits.sweep()
    assert len(waits._lines) == 0
