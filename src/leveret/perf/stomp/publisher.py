"""A STOMP publisher, with receipts or without."""

from typing import Final, final

from mypy_extensions import i64

from leveret.perf.batches import Batches, Target, filler, stamped_octets
from leveret.perf.meter import Meter
from leveret.perf.publisher import Publisher
from leveret.perf.stomp import wire
from leveret.perf.stomp.connection import Connection
from leveret.perf.stomp.settings import StompSettings
from leveret.ports import Clock

_RECEIPT: Final = b"RECEIPT\nreceipt-id:"


def prepare(target: Target, settings: StompSettings, more: list[tuple[str, str]]) -> None:
    """Lay out a message: ``head``, which ends before the digits of a receipt's number where one is
    asked for, then ``neck``, then time and number as far as they fit, then ``tail``."""
    size = settings.size
    if settings.persistent:
        more = [*more, ("persistent", "true")]
    start = wire.send_start(wire.escaped(target.key), size, more)
    target.head = start + (b"receipt:" if settings.receipts else b"\n")
    target.neck = b"\n\n"
    target.tail = filler(size)[stamped_octets(size) :] + b"\0"


@final
class Receipted(Batches):
    """Messages with receipts that are numbered from 1."""

    def __init__(self, targets: list[Target], size: int, clock: Clock) -> None:
        super().__init__(targets, size, True, clock)
        self._last: i64 = 0

    def write_start(self, target: Target, now: i64) -> None:
        """Everything of the next message that is not its tail."""
        self._last += 1
        self.out.write(target.head)
        wire.write_number(self.out, self._last)
        self.out.write(target.neck)
        self.write_stamps(target, now)


@final
class StompPublisher(Publisher):
    """The role of a sending connection.

    The first message to each destination carries ``declaring``: the headers that make the queue
    what the subscribers take it for.
    """

    def __init__(
        self,
        settings: StompSettings,
        targets: list[Target],
        phase: float,
        meter: Meter,
        clock: Clock,
    ) -> None:
        super().__init__(settings, targets, phase, meter, clock)
        self._settings: Final = settings
        self._has_declared = False

    def start(self, connection: Connection, declaring: list[tuple[str, str]]) -> None:
        """Get ready to send."""
        settings = self._settings
        for target in self.targets:
            prepare(target, settings, declaring)
        if settings.receipts:
            batches: Batches = Receipted(self.targets, settings.size, self.clock)
        else:
            stamp = settings.stamp or bool(declaring)  # constant batches would declare each time
            batches = Batches(self.targets, settings.size, stamp, self.clock)
        self._has_declared = not declaring
        self.ready(connection, batches)

    def allowance(self, most: i64) -> i64:
        """No more than the first messages, as long as those are not sent."""
        if not self._has_declared:
            left = len(self.targets) - self.sent
            if left > 0:
                return super().allowance(min(most, left))
            for target in self.targets:
                prepare(target, self._settings, [])
            self._has_declared = True
        return super().allowance(most)

    def scan(self, data: bytes, at: i64) -> i64:
        """Read receipts from ``at`` on."""
        if not self.window:
            return at
        before = self.confirms.answered
        while True:
            start = wire.skip_line_ends(data, at)
            if not data.startswith(_RECEIPT, start):
                break
            body = wire.find_body(data, start)
            if body == 0 or body >= len(data):
                break
            number = wire.read_number(data, start + len(_RECEIPT))
            if number < 0 or data[body] != 0:
                break
            self.confirms.answer(number, False)
            at = body + 1
        self.answered(before)
        return at
