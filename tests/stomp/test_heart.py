"""leveret.stomp.heart"""

import pytest

from leveret.stomp.heart import BEAT, DEAD, NOTHING, Heart

S = 1_000_000_000


@pytest.mark.parametrize(("asked", "agreed"), [(0, 0), (-5, 0), (1, 1), (999, 1), (2500, 2)])
def test_intervals_are_whole_seconds_and_at_least_one(asked: int, agreed: int) -> None:
    heart = Heart(0)
    heart.agree(asked, asked)
    assert (heart.send_s, heart.receive_s) == (agreed, agreed)


def test_without_intervals_nothing_is_due() -> None:
    heart = Heart(0)
    heart.agree(0, 0)
    assert heart.tick(1000 * S) == NOTHING


def test_a_beat_is_due_when_nothing_was_sent_for_half_the_interval() -> None:
    heart = Heart(0)
    heart.agree(0, 2000)
    assert heart.tick(S // 2) == NOTHING
    assert heart.tick(S) == BEAT
    heart.has_sent = True
    assert heart.tick(S + S // 2) == NOTHING
    assert heart.tick(2 * S) == BEAT


def test_who_is_not_heard_for_two_intervals_is_gone() -> None:
    heart = Heart(0)
    heart.agree(1000, 0)
    assert heart.tick(2 * S) == NOTHING
    heart.has_heard = True
    assert heart.tick(2 * S + 1) == NOTHING
    assert heart.tick(4 * S + 1) == NOTHING
    assert heart.tick(4 * S + 2) == DEAD
