"""leveret.amqp091.confirms"""

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import frames

from leveret.amqp091.confirms import Confirms


def told(confirms: Confirms) -> list[tuple[str, int, bool]]:
    return [(m.name, m.delivery_tag, m.multiple) for _, m in frames(confirms.take_frames())]


def settled(confirms: Confirms, *outcomes: bool) -> Confirms:
    for outcome in outcomes:
        confirms.settle(outcome)
    return confirms


def test_nothing_is_told_when_nothing_happened() -> None:
    assert Confirms(1).take_frames() == b""


def test_one_publish_is_one_ack() -> None:
    assert told(settled(Confirms(1), True)) == [("Basic.Ack", 1, False)]


def test_many_publishes_are_one_ack() -> None:
    confirms = settled(Confirms(1), *[True] * 50)
    assert told(confirms) == [("Basic.Ack", 50, True)]
    assert told(settled(confirms, True)) == [("Basic.Ack", 51, False)]


def test_the_refused_are_told_first() -> None:
    confirms = settled(Confirms(1), True, False, True, False)
    assert told(confirms) == [
        ("Basic.Nack", 2, False),
        ("Basic.Nack", 4, False),
        ("Basic.Ack", 4, True),
    ]


def test_when_all_are_refused_nothing_is_acknowledged() -> None:
    assert told(settled(Confirms(1), False)) == [("Basic.Nack", 1, False)]


def test_it_speaks_on_its_own_channel() -> None:
    assert [channel for channel, _ in frames(settled(Confirms(9), True).take_frames())] == [9]


@given(st.lists(st.lists(st.booleans(), max_size=8), max_size=8))
def test_every_publish_is_told_once_and_rightly(turns: list[list[bool]]) -> None:
    confirms = Confirms(1)
    waiting: set[int] = set()
    verdicts: dict[int, bool] = {}
    tag = 0
    for turn in turns:
        for outcome in turn:
            tag += 1
            waiting.add(tag)
            confirms.settle(outcome)
        for name, upto, multiple in told(confirms):
            spoken = {t for t in waiting if t == upto or (multiple and t < upto)}
            assert spoken
            waiting -= spoken
            verdicts |= dict.fromkeys(spoken, name == "Basic.Ack")
        assert not waiting
    assert [verdicts[t + 1] for t in range(tag)] == [o for turn in turns for o in turn]
