"""What is done in each turn of the loop before anything is sent: writing to the disk, above all."""

import asyncio
from typing import Final, final

from leveret.notices import Notices
from leveret.session import TurnEnd


@final
class Turns:
    """Calls ``turn_end`` once in every turn in which something happened."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, turn_end: TurnEnd, notices: Notices
    ) -> None:
        self._loop: Final = loop
        self._turn_end: Final = turn_end
        self._notices: Final = notices
        self._is_scheduled = False
        self._is_due = False

    def wake(self) -> None:
        """Something happened in this turn."""
        self._is_due = True
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._end)

    def _end(self) -> None:
        self._is_scheduled = False
        # Whoever had something to send has ended it already.
        if self._is_due:
            self.end()

    def end(self) -> None:
        """The turn ends."""
        self._is_due = False
        try:
            if self._turn_end.end_turn():
                self.wake()
        except Exception:
            self._notices.crash("writing to the disk failed: this is a bug in the broker")
