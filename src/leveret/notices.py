"""What the log is told about clients: one line a refusal, and never a flood.

Knows no protocol.  The lines must hold no secret: callers pass what clients are shown too.
"""

import logging
from typing import Final, final

from leveret.ports import Clock

LOG: Final = logging.getLogger("leveret")
# A client that fails in a loop must not fill the disk.
_LINES_PER_PERIOD: Final = 20
_PERIOD_NS: Final = 1_000_000_000


@final
class Notices:
    """Lines, at most 20 a second; the rest is counted and told with the next one let through."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._period_start_ns = 0
        self._line_count = 0
        self._unsaid_count = 0

    def warn(self, text: str) -> None:
        """Log ``text`` as a warning unless there were too many just now."""
        if self._has_room():
            LOG.warning("%s", _printable(text))

    def inform(self, text: str) -> None:
        """Log ``text`` as what is normal, if anybody wants to know and there was not too much."""
        if LOG.isEnabledFor(logging.INFO) and self._has_room():
            LOG.info("%s", _printable(text))

    def crash(self, text: str) -> None:
        """Log ``text`` with the traceback of the exception being handled: the fault is ours."""
        if self._has_room():
            LOG.exception("%s", _printable(text))

    def _has_room(self) -> bool:
        now = self._clock.now_ns()
        if now - self._period_start_ns >= _PERIOD_NS:
            self._period_start_ns = now
            self._line_count = 0
        self._line_count += 1
        if self._line_count > _LINES_PER_PERIOD:
            self._unsaid_count += 1
            return False
        if self._unsaid_count > 0:
            LOG.warning(
                "%d more lines were not logged: there were too many in one second",
                self._unsaid_count,
            )
            self._unsaid_count = 0
        return True


def _printable(text: str) -> str:
    """``text`` without what clients may put into names to forge lines or break the log."""
    if text.isprintable():
        return text
    escaped = text.encode("unicode_escape").decode("ascii")
    return escaped.replace("\\\\", "\\")
