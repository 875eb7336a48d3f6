"""Times of the clock as dates, for what is written down: its zero may be another next time."""

from typing import Final

from leveret.ports import Clock

_MS_NS: Final = 1_000_000


def skew_ms(clock: Clock) -> int:
    """What is added to the milliseconds of ``clock`` to make them a date."""
    return clock.unix_ms() - clock.now_ns() // _MS_NS


def date_ms(due_ns: int, skew: int) -> int:
    """A time of the clock as milliseconds since 1970; 0, for never, stays 0."""
    return due_ns // _MS_NS + skew if due_ns != 0 else 0


def time_ns(date: int, skew: int) -> int:
    """A date as a time of the clock; 0, for never, stays 0, and nothing else becomes it."""
    return max((date - skew) * _MS_NS, 1) if date != 0 else 0
