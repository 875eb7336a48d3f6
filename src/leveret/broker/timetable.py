"""What is due when: one list of appointments for the whole node, ordered by time.

A queue has at most one appointment, for what stands at its head; a million expiring messages make
no million timers.  Knows no loop: somebody sets an alarm clock and calls ``run``.
"""

from abc import ABC, abstractmethod
from heapq import heappop, heappush
from typing import Final, final

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Appointee(ABC):
    """Something that wants to be called at a time.

    ``due_ns`` is when, 0 for never; the timetable owns it.
    """

    def __init__(self) -> None:
        self.due_ns = 0

    @abstractmethod
    def on_time(self, now_ns: int) -> None:
        """The time has come, or has passed a little."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Alarm(ABC):
    """How a timetable has itself woken."""

    @abstractmethod
    def set(self, due_ns: int) -> None:
        """Call ``run`` at ``due_ns`` of the clock, or as soon after as can be.

        Replaces what was set before.
        """


@final
class Timetable:
    """Appointments by time.  Moved ones leave their old entry behind, which is passed over."""

    def __init__(self) -> None:
        self._entries: Final[list[tuple[int, int, Appointee]]] = []
        self._made_count = 0
        self.alarm: Alarm | None = None

    def appoint(self, who: Appointee, due_ns: int) -> None:
        """Call ``who`` at ``due_ns`` at the latest; an earlier appointment stays."""
        if who.due_ns != 0 and who.due_ns <= due_ns:
            return
        who.due_ns = due_ns
        # The count keeps those of one moment in order, and objects from being compared.
        self._made_count += 1
        heappush(self._entries, (due_ns, self._made_count, who))
        if self.alarm is not None and self._entries[0][2] is who:
            self.alarm.set(due_ns)

    def cancel(self, who: Appointee) -> None:
        """Do not call ``who``."""
        who.due_ns = 0

    def run(self, now_ns: int) -> None:
        """Call everybody whose time has come, and set the alarm for the next."""
        entries = self._entries
        while entries and entries[0][0] <= now_ns:
            due_ns, _, who = heappop(entries)
            if who.due_ns == due_ns:
                who.due_ns = 0
                who.on_time(now_ns)
        while entries and entries[0][2].due_ns != entries[0][0]:
            heappop(entries)
        if entries and self.alarm is not None:
            self.alarm.set(entries[0][0])
