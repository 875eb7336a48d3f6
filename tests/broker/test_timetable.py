"""leveret.broker.timetable"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.broker.timetable import Alarm, Appointee, Timetable


class Guest(Appointee):
    """Writes down when it was called; comes back after ``again`` nanoseconds if that is not 0."""

    def __init__(self, timetable: Timetable, again: int = 0) -> None:
        super().__init__()
        self.timetable = timetable
        self.again = again
        self.called: list[int] = []

    def on_time(self, now_ns: int) -> None:
        self.called.append(now_ns)
        if self.again:
            self.timetable.appoint(self, now_ns + self.again)


class Bell(Alarm):
    def __init__(self) -> None:
        super().__init__()
        self.rings: list[int] = []

    def set(self, due_ns: int) -> None:
        self.rings.append(due_ns)


def table() -> tuple[Timetable, Bell]:
    made = Timetable()
    bell = Bell()
    made.alarm = bell
    return made, bell


def test_everybody_is_called_when_it_is_time_and_once() -> None:
    made, _ = table()
    early, late = Guest(made), Guest(made)
    made.appoint(late, 20)
    made.appoint(early, 10)
    made.run(9)
    assert (early.called, late.called) == ([], [])
    made.run(10)
    assert (early.called, late.called) == ([10], [])
    made.run(30)
    made.run(40)
    assert (early.called, late.called) == ([10], [30])


def test_the_alarm_is_set_for_the_first() -> None:
    made, bell = table()
    first, second = Guest(made), Guest(made)
    made.appoint(second, 20)
    made.appoint(first, 10)
    assert bell.rings == [20, 10]
    made.run(10)
    assert bell.rings == [20, 10, 20]
    made.run(20)
    assert bell.rings == [20, 10, 20]


def test_an_earlier_appointment_stays_and_a_later_one_is_moved_forward() -> None:
    made, bell = table()
    guest = Guest(made)
    made.appoint(guest, 10)
    made.appoint(guest, 20)
    assert bell.rings == [10]
    made.appoint(guest, 5)
    assert bell.rings == [10, 5]
    made.run(100)
    assert guest.called == [100]


def test_who_cancels_is_not_called() -> None:
    made, _ = table()
    guest = Guest(made)
    made.appoint(guest, 10)
    made.cancel(guest)
    made.run(10)
    assert guest.called == []
    made.appoint(guest, 30)
    made.run(30)
    assert guest.called == [30]


def test_who_comes_back_is_not_called_again_in_the_same_run() -> None:
    made, bell = table()
    guest = Guest(made, again=10)
    made.appoint(guest, 10)
    made.run(15)
    assert guest.called == [15]
    assert bell.rings[-1] == 25


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=60))
def test_nobody_is_called_early_or_forgotten(wishes: list[tuple[int, int]]) -> None:
    made, _ = table()
    guests = [Guest(made) for _ in range(10)]
    due: dict[int, int] = {}
    for when, who in wishes:
        made.appoint(guests[who], when)
        due[who] = min(when, due.get(who, when))
    for now in range(1, 51):
        made.run(now)
    assert {n: g.called for n, g in enumerate(guests) if g.called} == {
        who: [when] for who, when in due.items()
    }


def test_who_cancelled_may_come_again() -> None:
    made, _ = table()
    guest = Guest(made)
    made.appoint(guest, 10)
    made.cancel(guest)
    made.run(20)
    assert guest.called == []
    made.appoint(guest, 30)
    made.run(30)
    assert guest.called == [30]


def test_moved_appointments_do_not_pile_up() -> None:
    made, _ = table()
    guests = [Guest(made) for _ in range(10)]
    for due in range(10_000, 0, -1):
        for guest in guests:
            made.appoint(guest, due)
    assert len(made) < 200
    made.run(1)
    assert [guest.called for guest in guests] == [[1]] * 10
    assert len(made) == 0


def test_cancelled_appointments_do_not_pile_up() -> None:
    made, _ = table()
    for due in range(1, 10_000):
        guest = Guest(made)
        made.appoint(guest, due)
        made.cancel(guest)
    assert len(made) < 200


def test_who_comes_back_to_the_same_moment_is_called_once() -> None:
    made, _ = table()
    guest = Guest(made)
    for _ in range(200):
        made.appoint(guest, 10)
        made.cancel(guest)
        made.appoint(guest, 10)
    made.run(10)
    made.run(20)
    assert guest.called == [10]
    assert len(made) == 0


class Troublemaker(Appointee):
    def on_time(self, now_ns: int) -> None:
        raise RuntimeError("a bug")


def test_who_fails_takes_nobody_along() -> None:
    timetable, bell = table()
    guest = Guest(timetable)
    timetable.appoint(Troublemaker(), 5)
    timetable.appoint(guest, 6)
    with pytest.raises(RuntimeError):
        timetable.run(10)
    assert bell.rings[-1] == 6
    timetable.run(11)
    assert guest.called == [11]
