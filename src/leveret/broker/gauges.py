"""Looks how much memory is taken and how much of the disk is free, and sets the alarms.

Both are looked at the less often the more room there is, memory at least once a second; nothing of
it is on the way of a message.  Behaviour: RabbitMQ 4.3, "Memory alarms", "Free disk space alarms".
"""

from typing import Final, final

from leveret.broker.alarms import DISK, MEMORY, Alarms
from leveret.broker.node import Node
from leveret.broker.timetable import Appointee, Timetable
from leveret.config.kinds import octets_of
from leveret.config.settings import Settings
from leveret.config.sizes import size_text
from leveret.notices import Notices
from leveret.ports import Clock, Disk, Memory

_SECOND_NS: Final = 1_000_000_000
_MOST_NS: Final = _SECOND_NS
_MOST_DISK_NS: Final = 10 * _SECOND_NS
_LEAST_NS: Final = _SECOND_NS // 10
# How fast room is filled at most: that says when to look again.  Of disks, RabbitMQ says so.
_MEMORY_PER_SECOND: Final = 500_000_000
_DISK_PER_SECOND: Final = 250_000_000
# Of the time that passes, giving memory back may take one part in so many.
_GIVING_SHARE: Final = 20

_MEMORY_HIGH: Final = "too much memory is taken"
_DISK_LOW: Final = "too little of the disk is free"


@final
class Gauges(Appointee):
    """Those of one node.  Nothing is looked at before ``begin``."""

    def __init__(self, node: Node, memory: Memory) -> None:
        super().__init__()
        self._alarms: Final[Alarms] = node.alarms
        self._settings: Final[Settings] = node.settings
        self._timetable: Final[Timetable] = node.timetable
        self._clock: Final[Clock] = node.clock
        self._notices: Final[Notices] = node.notices
        self._memory: Final = memory
        self._disk: Disk | None = None
        self._folder = ""
        self._memory_due_ns = 0
        self._disk_due_ns = 0
        self._give_back_due_ns = 0
        self._is_disk_silent = False

    def watch_disk(self, disk: Disk, folder: str) -> None:
        """Look how much is free where ``folder`` is, too."""
        self._disk = disk
        self._folder = folder

    def begin(self) -> None:
        """Look now, and from now on."""
        if self._memory.resident_octets() == 0 or self._memory.available_octets() == 0:
            self._notices.warn(
                "This system does not tell how much memory is taken: there will be no alarm when"
                " it runs low"
            )
        self.on_time(self._clock.now_ns())

    def on_time(self, now_ns: int) -> None:
        """Look at what is due."""
        if now_ns >= self._memory_due_ns:
            self._memory_due_ns = now_ns + self._look_at_memory(now_ns)
        due_ns = self._memory_due_ns
        if self._disk is not None:
            if now_ns >= self._disk_due_ns:
                self._disk_due_ns = now_ns + self._look_at_disk(self._disk)
            due_ns = min(due_ns, self._disk_due_ns)
        self._timetable.appoint(self, due_ns)

    # --- memory ----------------------------------------------------------------------------

    def _look_at_memory(self, now_ns: int) -> int:
        """How long until the next look, in nanoseconds."""
        taken = self._memory.resident_octets()
        there_is = self._memory.available_octets()
        if taken == 0 or there_is == 0:
            return _MOST_NS
        limit = octets_of(self._settings.vm_memory_high_watermark, there_is)
        if taken > limit and now_ns >= self._give_back_due_ns:
            # Much of it may be free, and only kept for later by the C library.
            taken = self._give_back(now_ns)
        self._judge_memory(taken, limit, there_is)
        if taken > limit:
            return _MOST_NS
        return _until(limit - taken, _MEMORY_PER_SECOND, _MOST_NS)

    def _judge_memory(self, taken: int, limit: int, there_is: int) -> None:
        if taken > limit and not self._alarms.has(_MEMORY_HIGH):
            self._alarms.set(_MEMORY_HIGH, MEMORY)
            self._notices.warn(
                f"Memory runs low: the process takes {size_text(taken)}, the alarm is set at"
                f" {size_text(limit)} (vm_memory_high_watermark ="
                f" {self._settings.vm_memory_high_watermark!r}, of {size_text(there_is)})."
                "  Connections that publish are held until it takes less; consumers go on.  What"
                " helps: consume or purge what waits in queues, or allow more"
            )
        elif taken <= limit and self._alarms.has(_MEMORY_HIGH):
            self._notices.inform(
                f"There is enough memory again: the process takes {size_text(taken)} of"
                f" {size_text(limit)}; publishers go on{self._unless()}"
            )
            self._alarms.clear(_MEMORY_HIGH)

    def _give_back(self, now_ns: int) -> int:
        """Return to the system what is free; what the process takes then."""
        begin_ns = self._clock.now_ns()
        self._memory.give_back()
        took_ns = self._clock.now_ns() - begin_ns
        self._give_back_due_ns = now_ns + took_ns * _GIVING_SHARE
        return self._memory.resident_octets()

    # --- the disk --------------------------------------------------------------------------

    def _look_at_disk(self, disk: Disk) -> int:
        """How long until the next look, in nanoseconds."""
        try:
            free = disk.free_octets(self._folder)
        except OSError as error:
            if not self._is_disk_silent:
                self._is_disk_silent = True
                self._notices.warn(
                    f"How much is free where data_dir is, {self._folder}, cannot be asked: {error}"
                )
            return _MOST_DISK_NS
        self._is_disk_silent = False
        there_is = self._memory.available_octets()
        limit = octets_of(self._settings.disk_free_limit, there_is)
        self._judge_disk(free, limit)
        most_ns = _MOST_NS if self._alarms.has(_DISK_LOW) else _MOST_DISK_NS
        return _until(abs(free - limit), _DISK_PER_SECOND, most_ns)

    def _judge_disk(self, free: int, limit: int) -> None:
        if free < limit and not self._alarms.has(_DISK_LOW):
            self._alarms.set(_DISK_LOW, DISK)
            self._notices.warn(
                f"The disk is nearly full: {size_text(free)} are free where data_dir is,"
                f" {self._folder}, the alarm is set below {size_text(limit)} (disk_free_limit ="
                f" {self._settings.disk_free_limit!r}).  Connections that publish are held until"
                " there is more; consumers go on.  What helps: consume or purge what waits in"
                " queues, delete other files there, or lower the limit"
            )
        elif free >= limit and self._alarms.has(_DISK_LOW):
            self._notices.inform(
                f"There is room on the disk again: {size_text(free)} are free; publishers go"
                f" on{self._unless()}"
            )
            self._alarms.clear(_DISK_LOW)

    def _unless(self) -> str:
        """What is told beside the end of an alarm when it was not the only one."""
        others = len(self._alarms.causes) - 1
        return " when the other alarms are over, too" if others > 0 else ""


def _until(room: int, per_second: int, most_ns: int) -> int:
    """When to look again: when half of ``room`` may be filled."""
    return max(min(room * _SECOND_NS // per_second // 2, most_ns), _LEAST_NS)
