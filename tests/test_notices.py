"""leveret.notices"""

import pytest
from tests.fakes import FakeClock

from leveret.notices import Notices


def test_a_warning_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    Notices(FakeClock()).warn("100% wrong")
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [("WARNING", "100% wrong")]


def test_at_most_20_lines_a_second_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    notices = Notices(FakeClock())
    for number in range(1000):
        notices.warn(f"line {number}")
    assert [r.getMessage() for r in caplog.records] == [f"line {n}" for n in range(20)]


def test_what_was_not_logged_is_counted_in_the_next_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    notices = Notices(clock)
    for _ in range(25):
        notices.warn("again")
    caplog.clear()
    clock.pass_s(1)
    notices.warn("last")
    notices.warn("more")
    assert [r.getMessage() for r in caplog.records] == [
        "5 more lines were not logged: there were too many in one second",
        "last",
        "more",
    ]


def test_a_crash_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ZeroDivisionError("on purpose")
    except ZeroDivisionError:
        Notices(FakeClock()).crash("it broke")
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == "it broke"
    assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError
