"""How long messages wait in queues, found out without looking at any of them.

Offsets are given in the order in which messages come.  Each look at a queue writes down which
offset is the next: what is at the head now came before the first such mark that is above it.  So
times are good to five seconds, and counting costs nothing on the way of a message.
"""

from bisect import bisect_right
from typing import Final, final

from leveret.broker.queue import Queue
from leveret.broker.totals import line_places

# Upper bounds in seconds of what `Waits` counts.
BOUNDS: Final = (5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)
# Of one line of a queue; when there are more, every second one goes, and new ones are made rarer.
_MOST_MARKS: Final = 256
_SECOND_NS: Final = 1_000_000_000


@final
class Line:
    """One line of a queue: marks of which offset was the next one, and when."""

    __slots__ = ("_front", "_offsets", "_step_ns", "_times")

    def __init__(self, next_offset: int, now_ns: int) -> None:
        self._offsets: Final[list[int]] = [next_offset]
        self._times: Final[list[int]] = [now_ns]
        self._front = next_offset
        # How far marks are apart at least: the farther the longer the line is in time.
        self._step_ns = 0

    def look(self, front: int, next_offset: int, now_ns: int) -> list[tuple[int, int]]:
        """Pairs of how long messages waited that left since the last look, and how many."""
        left = self._left(front, now_ns)
        self._front = max(front, self._front)
        if next_offset != self._offsets[-1]:
            self._mark(next_offset, now_ns)
        passed = bisect_right(self._offsets, front) - 1
        if passed > 0:
            del self._offsets[:passed]
            del self._times[:passed]
            if len(self._times) < _MOST_MARKS // 4:
                self._step_ns = 0
        return left

    def _mark(self, next_offset: int, now_ns: int) -> None:
        offsets, times = self._offsets, self._times
        if len(times) > 2 and now_ns - times[-2] < self._step_ns:
            offsets[-1], times[-1] = next_offset, now_ns
            return
        offsets.append(next_offset)
        times.append(now_ns)
        if len(times) > _MOST_MARKS:
            # The ends stay: the second says how old the head is.
            del offsets[2:-1:2]
            del times[2:-1:2]
            self._step_ns = 2 * (now_ns - times[0]) // len(times)

    def _left(self, front: int, now_ns: int) -> list[tuple[int, int]]:
        left: list[tuple[int, int]] = []
        at = self._front
        while at < front:
            index = bisect_right(self._offsets, at)
            if index == len(self._offsets):
                # Came and went since the last look.
                left.append((0, front - at))
                break
            end = min(self._offsets[index], front)
            left.append((now_ns - self._times[index], end - at))
            at = end
        return left

    def age_ns(self, front: int, now_ns: int) -> int:
        """How long the message at the front has been waiting, at least."""
        index = bisect_right(self._offsets, front)
        return now_ns - self._times[index] if index < len(self._times) else 0


@final
class Waits:
    """All queues of a node that were looked at.

    ``counts`` are how many messages waited up to each of `BOUNDS`, not added up; the last is of
    the rest.  Messages that were dropped count as those that were read.
    """

    def __init__(self) -> None:
        self.counts: Final = [0] * (len(BOUNDS) + 1)
        self.sum_s = 0.0
        self._lines: Final[dict[Queue, list[Line]]] = {}
        self._seen: set[Queue] = set()

    def look(self, queue: Queue, now_ns: int) -> None:
        """Write down how far ``queue`` is."""
        self._seen.add(queue)
        places = line_places(queue)
        lines = self._lines.setdefault(queue, [])
        for front, next_offset, _ in places[len(lines) :]:
            lines.append(Line(front, now_ns))
            lines[-1].look(front, next_offset, now_ns)
        for line, (front, next_offset, _) in zip(lines, places, strict=True):
            for wait_ns, count in line.look(front, next_offset, now_ns):
                self._count(wait_ns / _SECOND_NS, count)

    def _count(self, wait_s: float, count: int) -> None:
        index = 0
        while index < len(BOUNDS) and wait_s > BOUNDS[index]:
            index += 1
        self.counts[index] += count
        self.sum_s += wait_s * count

    def head_age_s(self, queue: Queue, now_ns: int) -> float:
        """How long the oldest message that waits has done so, as far as is known."""
        age_ns = 0
        for line, place in zip(self._lines.get(queue, []), line_places(queue), strict=False):
            front, _, count = place
            if count > 0:
                age_ns = max(age_ns, line.age_ns(front, now_ns))
        return age_ns / _SECOND_NS

    def sweep(self) -> None:
        """Forget the queues that were not looked at since the last time."""
        for queue in [each for each in self._lines if each not in self._seen]:
            del self._lines[queue]
        self._seen = set()

    def clear(self) -> None:
        """Forget all queues, but not the counts."""
        self._lines.clear()
        self._seen = set()
