"""What is in a message's body, and messages in bulk.

::

    long long   long long                     size - 16 octets
    +---------+ +--------------------------+ +----------------------------------+
    | sent at | | stream << 40 | number    | | 0 1 2 ... 250 0 1 2 ...          |
    +---------+ +--------------------------+ +----------------------------------+

``sent at`` is in nanoseconds of the machine's monotonic clock; a stream is one publisher's messages
to one target, numbered from 0.  Bodies of 8 to 15 octets carry the time only, smaller ones nothing.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.octets import write_i64
from leveret.perf.settings import NUMBERED_SIZE, STAMP_SIZE
from leveret.ports import Clock

BATCH_OCTETS: Final = 131072  # what one publisher writes in one turn of the loop
_LARGE: Final = 16384  # octets that are better not copied into a batch
NUMBER_BITS: Final = 40
NUMBER_MASK: Final = (1 << NUMBER_BITS) - 1
_PATTERN: Final = bytes(range(251))  # a prime, so that a shifted body does not match


def filler(size: int) -> bytes:
    """A body of ``size`` octets, with nothing but the pattern where time and number go."""
    return (_PATTERN * (size // len(_PATTERN) + 1))[:size]


@final
class Target:
    """Where messages go, with the octets of a message that never change.

    ``head``, then what a subclass of ``Batches`` numbers messages with and ``neck``, then time and
    number as far as they fit, then ``tail``.
    """

    def __init__(self, key: str, stream: int, exchange: str = "") -> None:
        self.key: Final = key  # routing key, topic or destination
        self.exchange: Final = exchange  # of AMQP
        self.stream: Final = stream
        self.number: i64 = 0  # of the next message, and so the count of those sent
        self.head = b""
        self.neck = b""
        self.tail = b""


def stamped_octets(size: int) -> int:
    """How many octets at the start of a body are not pattern: 16, 8 or none."""
    if size >= NUMBERED_SIZE:
        return NUMBERED_SIZE
    return STAMP_SIZE if size >= STAMP_SIZE else 0


class Batches:
    """Publishes in bulk, to ``targets`` in turn."""

    extra = 0  # octets of a message besides the head, the stamps and the tail

    def __init__(self, targets: list[Target], size: int, stamp: bool, clock: Clock) -> None:
        assert targets
        self._targets: Final = targets
        self._variable: Final = stamped_octets(size)
        self._clock: Final = clock
        self.out: Final = BytesWriter()
        self._turn = 0
        first = targets[0]
        octets = len(first.head) + self.extra + self._variable + len(first.tail)
        self.full = max(1, BATCH_OCTETS // octets)  # messages
        self.in_pieces: Final = len(targets[0].tail) >= _LARGE
        # Nobody looks at the bodies: the same octets can be sent again and again.
        self._constant = b""
        if not stamp:
            self.full = max(1, self.full // len(targets)) * len(targets)
            self._constant = self._build(self.full, 0)

    def build(self, count: int) -> bytes:
        """The octets of the next ``count`` messages, at most ``full``."""
        assert 0 < count <= self.full
        if self._constant and count == self.full and self._turn == 0:
            for target in self._targets:
                target.number += count // len(self._targets)
            return self._constant
        return self._build(count, self._clock.now_ns())

    def pieces(self, count: int) -> list[bytes]:
        """The same in pieces, the large ones shared and not copied."""
        now = self._clock.now_ns()
        octets: list[bytes] = []
        for _ in range(count):
            target = self._targets[self._turn]
            self.out.truncate(0)
            self.write_start(target, now)
            octets.append(self.out.getvalue())
            octets.append(target.tail)
            target.number += 1
            self._turn = (self._turn + 1) % len(self._targets)
        return octets

    def write_start(self, target: Target, now: i64) -> None:
        """Everything of the next message that is not its tail."""
        self.out.write(target.head)
        self.write_stamps(target, now)

    def write_stamps(self, target: Target, now: i64) -> None:
        """The time and the number with which the next message's body begins."""
        if self._variable:
            write_i64(self.out, now)
            if self._variable == NUMBERED_SIZE:
                write_i64(self.out, target.number | i64(target.stream) << NUMBER_BITS)

    def _build(self, count: i64, now: i64) -> bytes:
        self.out.truncate(0)
        if len(self._targets) == 1:
            self._repeat(self._targets[0], count, now)
        else:
            for _ in range(count):
                self._repeat(self._targets[self._turn], 1, now)
                self._turn += 1
                if self._turn == len(self._targets):
                    self._turn = 0
        return self.out.getvalue()

    def _repeat(self, target: Target, count: i64, now: i64) -> None:
        out = self.out
        tail = target.tail
        for _ in range(count):
            self.write_start(target, now)
            out.write(tail)
            target.number += 1
