"""The doors to the outside world: time and randomness.

Everything else in the broker is a function of what comes through here.  Tests pass their own.
"""

import os
import time

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Clock:
    """The real clock."""

    def now_ns(self) -> int:
        """Nanoseconds of a clock that never goes back; its zero means nothing."""
        return time.monotonic_ns()

    def cpu_ns(self) -> int:
        """Nanoseconds that the calling thread has computed; waiting does not count."""
        return time.thread_time_ns()

    def unix_s(self) -> int:
        """Seconds since 1970-01-01 UTC, for what clients are shown."""
        return int(time.time())

    def unix_ms(self) -> int:
        """The same in milliseconds."""
        return time.time_ns() // 1_000_000


@mypyc_attr(allow_interpreted_subclasses=True)
class Random:
    """The real source of randomness, good enough for names that must not be guessed."""

    def octets(self, count: int) -> bytes:
        """``count`` random octets."""
        return os.urandom(count)
