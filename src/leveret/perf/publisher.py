"""What publishers of all protocols share: batches as fast as socket, window and rate allow.

One batch a turn of the loop, so that many publishers and the consumers beside them share it fairly.
"""

import asyncio
from collections import deque
from typing import Final, final

from mypy_extensions import i64

from leveret.perf.batches import Batches, Target
from leveret.perf.gate import Gate
from leveret.perf.link import Link, Role
from leveret.perf.meter import Meter
from leveret.perf.settings import Settings
from leveret.ports import Clock

_CATCH_UP_S: Final = 0.1  # what a publisher with a rate makes up for after it was held back


@final
class Confirms:
    """Which publishes the broker has answered for, and how long that took.

    Invariant: all tags up to ``low`` are answered, ``_above`` are the answered ones beyond it.
    """

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self._meter: Final = meter
        self._clock: Final = clock
        self.low: i64 = 0
        self.answered: i64 = 0
        self._above: Final[set[int]] = set()
        self._times: Final[deque[tuple[int, int]]] = deque()  # last tag of a batch, written when

    def expect(self, last_tag: int) -> None:
        """A batch that ends with ``last_tag`` was written now."""
        self._times.append((last_tag, self._clock.now_ns()))

    def answer(self, tag: i64, multiple: bool) -> None:
        """The broker has answered for ``tag``, or for all up to it."""
        if not multiple and tag != self.low + 1:
            if tag > self.low:
                self._above.add(int(tag))
                self.answered += 1
            return
        if tag <= self.low:
            return
        self.answered += tag - self.low
        self.low = tag
        if self._above:
            self._join(tag)

    def _join(self, tag: i64) -> None:
        """Bring ``low`` up over single answers that came before it."""
        known = [above for above in self._above if above <= tag]
        self.answered -= len(known)  # counted when they came, and again with ``tag``
        self._above.difference_update(known)
        while int(self.low) + 1 in self._above:
            self.low += 1
            self._above.remove(int(self.low))

    def note_times(self) -> None:
        """Record how long the batches took that are answered by now."""
        times = self._times
        if not times or times[0][0] > self.low:
            return
        now = self._clock.now_ns()
        while times and times[0][0] <= self.low:
            self._meter.confirm_latency.record(now - times.popleft()[1], 1)


class Publisher(Role):
    """The role of a publishing connection.  Silent until a subclass has called ``ready``, and
    ``go``."""

    def __init__(
        self, settings: Settings, targets: list[Target], phase: float, meter: Meter, clock: Clock
    ) -> None:
        self.targets: Final = targets
        self.meter: Final = meter
        self.clock: Final = clock
        self.window: i64 = settings.window
        self._phase: Final = phase  # of a message, so that many slow publishers take turns
        self._limit: Final[i64] = settings.messages
        self._rate: Final = settings.rate
        self.confirms: Final = Confirms(meter, clock)
        self.link: Link | None = None
        self.gate: Gate | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._batches: Batches | None = None
        self._begun_ns = 0
        self._forgone = 0  # messages of the rate that will not be made up for
        self._scheduled = False
        self.running = False
        self.sent: i64 = 0

    def ready(self, link: Link, batches: Batches) -> None:
        """``link`` is open, and ``batches`` is what is to be sent there."""
        self.link = link
        self._batches = batches
        self._loop = asyncio.get_running_loop()

    def go(self) -> None:
        """Begin to publish."""
        self.running = True
        self._begun_ns = self.clock.now_ns()
        if not self._rate:
            self._schedule()

    def stop(self) -> None:
        """Publish no more; confirms are still read."""
        self.running = False

    @property
    def is_done(self) -> bool:
        """Whether all that was asked for is sent, and confirmed if it should be."""
        if self._limit == 0 or self.sent < self._limit:
            return False
        return self.window == 0 or self.confirms.answered >= self.sent

    # --- writing ---------------------------------------------------------------------------

    def tick(self) -> None:
        """Time has passed: publish what the rate now allows."""
        self._publish()

    def on_writable(self) -> None:
        """There is room again."""
        self._schedule()

    def on_chunk_end(self) -> None:
        """Confirms came in: the window may have room again."""
        if self.window:
            self.confirms.note_times()
            if not self._scheduled:
                self._publish()

    def _schedule(self) -> None:
        if not self._scheduled and self.running and self._loop is not None:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._publish()

    def _publish(self) -> None:
        """Write one batch, as large as everything allows, and come back if there is more."""
        link = self.link
        batches = self._batches
        if not self.running or link is None or batches is None or link.paused:
            return
        count = self.allowance(batches.full)
        if count <= 0:
            return
        if batches.in_pieces:
            link.write_all(batches.pieces(int(count)))
        else:
            link.write(batches.build(int(count)))
        self.sent += count
        meter = self.meter
        meter.sent += int(count)
        if self.window:
            self.confirms.expect(int(self.sent))
        else:
            meter.last_sent_ns = self.clock.now_ns()
        if not self._rate or count == batches.full:
            self._schedule()

    def allowance(self, most: i64) -> i64:
        """How many messages may be written now."""
        if self.window:
            most = min(most, self.window - (self.sent - self.confirms.answered))
        if self._limit:
            most = min(most, self._limit - self.sent)
        if self._rate:
            most = min(most, self._due())
        if self.gate is not None and most > 0:
            most = min(most, self.gate.room(self))
        return most

    def answered(self, before: i64) -> None:
        """Count what the broker has answered for since there were ``before`` answers."""
        gained = self.confirms.answered - before
        if gained:
            self.meter.confirmed += int(gained)
            self.meter.last_sent_ns = self.clock.now_ns()

    def _due(self) -> i64:
        """How many messages the rate is ahead of what was sent."""
        passed = float(self.clock.now_ns() - self._begun_ns) / 1e9
        owed = int(passed * self._rate + self._phase) - self._forgone - int(self.sent)
        most = max(1, int(self._rate * _CATCH_UP_S))
        if owed > most:
            self._forgone += owed - most
            return most
        return owed
