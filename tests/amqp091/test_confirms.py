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


def test_what_is_not_on_the_disk_is_not_told() -> None:
    confirms = Confirms(1)
    assert confirms.settle(True, 7)
    assert not confirms.settle(True, 7)
    assert told(confirms) == []
    confirms.on_synced(6)
    assert told(confirms) == []
    confirms.on_synced(7)
    assert told(confirms) == [("Basic.Ack", 2, True)]


def test_what_comes_behind_waits_too() -> None:
    confirms = Confirms(1)
    confirms.settle(True)
    confirms.settle(True, 3)
    assert not confirms.settle(True)
    confirms.settle(False)
    assert confirms.settle(True, 4)
    assert told(confirms) == [("Basic.Ack", 1, False)]
    confirms.on_synced(3)
    assert told(confirms) == [("Basic.Nack", 4, False), ("Basic.Ack", 4, True)]
    confirms.on_synced(4)
    assert told(confirms) == [("Basic.Ack", 5, False)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), max_size=40), st.data())
def test_every_publish_is_told_once_and_not_too_early(
    publishes: list[tuple[bool, int]], data: st.DataObject
) -> None:
    confirms = Confirms(1)
    owed, synced, due = 1, 0, []
    open_tags: set[int] = set()
    for tag, (accepted, step) in enumerate(publishes, 1):
        owed += step
        mine = owed if step else 0
        due.append(max(mine, due[-1] if due else 0))
        confirms.settle(accepted, mine if mine > synced else 0)
        open_tags.add(tag)
        if data.draw(st.booleans()):
            synced = data.draw(st.integers(synced, owed))
            confirms.on_synced(synced)
        open_tags = _tell(confirms, open_tags, publishes)
        assert {t for t in range(1, tag + 1) if due[t - 1] <= synced} <= set(
            range(1, tag + 1)
        ) - open_tags
        assert all(due[t - 1] <= synced for t in set(range(1, tag + 1)) - open_tags)
    confirms.on_synced(owed)
    assert _tell(confirms, open_tags, publishes) == set()


def _tell(confirms: Confirms, open_tags: set[int], publishes: list[tuple[bool, int]]) -> set[int]:
    """What is still open after what was told now; checks that it was told rightly."""
    left = set(open_tags)
    for name, tag, multiple in told(confirms):
        tags = {each for each in left if each <= tag} if multiple else {tag}
        assert tags <= left
        assert all(publishes[each - 1][0] == (name == "Basic.Ack") for each in tags)
        left -= tags
    return left
