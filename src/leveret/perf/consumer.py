"""What consumers of all protocols share: how what arrives is counted, timed and looked at."""

from typing import Final, final

from librt.strings import read_i64_be
from mypy_extensions import i64

from leveret.perf.gate import Gate
from leveret.perf.ledger import Ledger
from leveret.perf.link import Role
from leveret.perf.meter import Meter
from leveret.perf.settings import Settings
from leveret.ports import Clock


class Consumer(Role):
    """The role of a consuming connection."""

    def finish(self) -> None:
        """Acknowledge what is left: the run is over."""


@final
class Arrivals:
    """The bodies that one consumer takes in, a chunk at a time.

    Bodies of one batch carry one time, so the histogram is told once for each run of them.
    """

    def __init__(
        self,
        settings: Settings,
        meter: Meter,
        clock: Clock,
        ledger: Ledger | None,
        gate: Gate | None,
    ) -> None:
        self._meter: Final = meter
        self._clock: Final = clock
        self._stamped: Final = settings.is_stamped
        self._ledger: Final = ledger
        self._gate: Final = gate
        self._stamp: i64 = 0
        self._run: i64 = 0  # bodies that were sent at ``_stamp``
        self._count: i64 = 0
        self._octets: i64 = 0

    def take(self, data: bytes, start: i64, end: i64) -> None:
        """Note the body in ``data[start:end]``."""
        self._count += 1
        self._octets += end - start
        if self._stamped and end - start >= 8:
            sent_at = read_i64_be(data, start)
            if sent_at == self._stamp:
                self._run += 1
            else:
                self._record()
                self._stamp = sent_at
                self._run = 1
        if self._ledger is not None:
            self._ledger.check(data, start, end)

    def settle(self) -> None:
        """A chunk is read: let the meter know what was in it."""
        if self._count == 0:
            return
        self._record()
        meter = self._meter
        meter.received += int(self._count)
        meter.received_octets += int(self._octets)
        meter.last_received_ns = self._clock.now_ns()
        self._count = 0
        self._octets = 0
        if self._gate is not None:
            self._gate.note_arrivals()

    def _record(self) -> None:
        if self._run:
            self._meter.latency.record(self._clock.now_ns() - self._stamp, self._run)
            self._run = 0
