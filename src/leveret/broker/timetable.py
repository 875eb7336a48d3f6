"""What is due when: one list of appointments for the whole node, ordered by time.

A queue has at most one appointment, for what stands at its head; a million expiring messages make
no million timers.  Knows no loop: somebody sets an alarm clock and calls ``run``.
"""

from abc import ABC, abstractmethod
from heapq import heapify, heappop, heappush
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


# Entries nobody waits for any more are swept out when there are this many and they are the half.
_SLACK: Final = 64


@final
class Timetable:
    """Appointments by time.  Moved ones leave their old entry behind, which is passed over.

    Memory follows the appointments, not how often they were moved: old entries are swept out
    before they are the most.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, Appointee]] = []
        self._made_count = 0
        self._stale_count = 0
        self.alarm: Alarm | None = None

    def __len__(self) -> int:
        """How many entries are kept, whether somebody waits for them or not."""
        return len(self._entries)

    def appoint(self, who: Appointee, due_ns: int) -> None:
        """Call ``who`` at ``due_ns`` at the latest; an earlier appointment stays."""
        if who.due_ns != 0:
            if who.due_ns <= due_ns:
                return
            self.cancel(who)
        who.due_ns = due_ns
        # The count keeps those of one moment in order, and objects from being compared.
        self._made_count += 1
        heappush(self._entries, (due_ns, self._made_count, who))
        if self.alarm is not None and self._entries[0][2] is who:
            self.alarm.set(due_ns)

    def cancel(self, who: Appointee) -> None:
        """Do not call ``who``."""
        if who.due_ns != 0:
            who.due_ns = 0
            self._forget_entry()

    def _forget_entry(self) -> None:
        """An entry has nobody waiting for it any more."""
        self._stale_count += 1
        if self._stale_count > _SLACK and self._stale_count * 2 > len(self._entries):
            self._entries = [each for each in self._entries if each[2].due_ns == each[0]]
            heapify(self._entries)
            self._stale_count = 0

    def _passed_over(self) -> None:
        # An entry counted as old may be waited for again: by who came back to the same moment.
        if self._stale_count > 0:
            self._stale_count -= 1

    def run(self, now_ns: int) -> None:
        """Call everybody whose time has come, and set the alarm for the next.

        Whoever fails is not called again; the others are, by the alarm.
        """
        try:
            self._call(now_ns)
        finally:
            self._set_alarm()

    def _call(self, now_ns: int) -> None:
        while self._entries and self._entries[0][0] <= now_ns:
            due_ns, _, who = heappop(self._entries)
            if who.due_ns == due_ns:
                who.due_ns = 0
                who.on_time(now_ns)
            else:
                self._passed_over()

    def _set_alarm(self) -> None:
        while self._entries and self._entries[0][2].due_ns != self._entries[0][0]:
            heappop(self._entries)
            self._passed_over()
        if self._entries and self.alarm is not None:
            self.alarm.set(self._entries[0][0])
