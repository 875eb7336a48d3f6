"""leveret.amqp091.heart"""

from leveret.amqp091.heart import BEAT, DEAD, NOTHING, Heart

SECOND = 1_000_000_000


def heart(interval_s: int) -> Heart:
    made = Heart(0)
    made.interval_s = interval_s
    return made


def test_without_an_interval_nothing_is_ever_due() -> None:
    assert heart(0).tick(10**15) == NOTHING


def test_a_heartbeat_is_due_after_half_the_interval_without_output() -> None:
    beating = heart(10)
    assert beating.tick(4 * SECOND) == NOTHING
    assert beating.tick(5 * SECOND) == BEAT
    beating.has_sent = True
    # Sent at some time since the last tick: the earliest counts.
    assert beating.tick(6 * SECOND) == NOTHING
    assert beating.tick(9 * SECOND) == NOTHING
    assert beating.tick(10 * SECOND) == BEAT


def test_a_peer_is_gone_after_two_intervals_without_input() -> None:
    beating = heart(10)
    assert beating.tick(20 * SECOND) == BEAT
    assert beating.tick(20 * SECOND + 1) == DEAD


def test_any_input_is_a_sign_of_life() -> None:
    beating = heart(10)
    for now in range(0, 100, 15):
        beating.has_heard = True
        assert beating.tick(now * SECOND) != DEAD
    assert beating.tick(111 * SECOND) == DEAD
