"""What holds publishers back while too many messages are under way."""

from typing import Final, final

from mypy_extensions import i64

from leveret.perf.link import Role
from leveret.perf.meter import Meter


@final
class Gate:
    """Lets publishers send while fewer than ``limit`` messages are under way.

    So every broker works at its own pace, with no backlog; what it drops stays under way for ever.
    """

    def __init__(self, limit: int, fan: int, meter: Meter) -> None:
        self._limit: Final[i64] = limit
        self._fan: Final[i64] = max(1, fan)
        self._meter: Final = meter
        self._waiters: Final[list[Role]] = []

    def room(self, waiter: Role) -> i64:
        """How many messages may be sent now; when none, ``waiter`` hears when to ask again."""
        meter = self._meter
        room = self._limit - (i64(meter.sent) - i64(meter.received) // self._fan)
        if room <= 0 and waiter not in self._waiters:
            self._waiters.append(waiter)
        return room

    def note_arrivals(self) -> None:
        """Messages were received: there may be room."""
        if self._waiters:
            waiters = self._waiters.copy()
            self._waiters.clear()
            for waiter in waiters:
                waiter.on_writable()
