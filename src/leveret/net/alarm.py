"""The alarm clock of the broker's timetable: one timer of the loop."""

import asyncio
from typing import Any, Final, final

from leveret.broker.node import Node
from leveret.broker.timetable import Alarm
from leveret.net.turns import Turns


@final
class LoopAlarm(Alarm):
    """Has ``node`` keep time when it is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, node: Node) -> None:
        self._loop: Final = loop
        self._node: Final = node
        # Any: compiled, asyncio.TimerHandle is insisted on, and uvloop's is none.
        self._timer: Any = None
        self.turns: Turns | None = None

    def set(self, due_ns: int) -> None:
        """Ring at ``due_ns``, and not when it was set to ring before."""
        self.cancel()
        delay_s = max(0, due_ns - self._node.clock.now_ns()) / 1e9
        self._timer = self._loop.call_later(delay_s, self._ring)

    def cancel(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        try:
            self._node.keep_time()
        except Exception:
            self._node.notices.crash("keeping time failed: this is a bug in the broker")
        if self.turns is not None:
            self.turns.wake()
