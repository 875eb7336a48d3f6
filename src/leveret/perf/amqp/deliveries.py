"""Reads deliveries in bulk: finds each message's time and number without taking the body out.

Whole messages of one body frame, the common case, are walked over with a few reads each; whatever
is cut by the end of a chunk, or has several body frames or none, goes through a small state machine
that lets a large body pass without keeping it.
Invariant: ``scan`` never leaves a frame of a delivery for anybody else to read.
"""

from typing import Final, final

from librt.strings import BytesWriter, read_i32_be, read_i64_be
from mypy_extensions import i64

from leveret.octets import read_u32, write_i64
from leveret.perf.amqp import wire
from leveret.perf.ledger import Ledger
from leveret.perf.meter import Meter
from leveret.ports import Clock

_BETWEEN: Final = 0  # messages
_HEADER: Final = 1  # the header frame is next
_BODY: Final = 2  # body frames are next, or the rest of one

_ACK_HEAD: Final = wire.frame(wire.METHOD, 1, b"\x00\x3c\x00\x50" + bytes(9))[:11]
_ACK_ONE: Final = b"\x00\xce"
_ACK_MULTIPLE: Final = b"\x01\xce"


def whole_message(data: bytes, at: i64) -> tuple[i64, i64]:
    """Where the body of the delivery at ``at`` starts and where its body frame ends; 0 and 0 when
    that is no delivery, or not all here, or not in one body frame."""
    length = i64(len(data))
    if length - at < wire.FRAME_HEAD + 4 or read_i32_be(data, at + 7) != wire.BASIC_DELIVER:
        return 0, 0
    head = at + wire.FRAME_EXTRA + read_u32(data, at + 3)
    if data[at] != wire.METHOD or length - head < 30:  # header frame and head of the body frame
        return 0, 0
    size = read_i64_be(data, head + 11)
    body = head + wire.FRAME_EXTRA + read_u32(data, head + 3)
    if size <= 0 or length - body - wire.FRAME_EXTRA < size:
        return 0, 0
    if data[body] != wire.BODY or read_u32(data, body + 3) != size:
        return 0, 0
    end = body + wire.FRAME_EXTRA + size
    if data[end - 1] != wire.END:
        return 0, 0
    return body + wire.FRAME_HEAD, end


@final
class Deliveries:
    """The reader of one consumer.  ``acks`` collects what to write back."""

    def __init__(
        self, meter: Meter, clock: Clock, ack_every: int, stamped: bool, ledger: Ledger | None
    ) -> None:
        self._meter: Final = meter
        self._clock: Final = clock
        self._ack_every: Final = ack_every
        self._stamped: Final = stamped
        self._ledger: Final = ledger
        self.acks: Final = BytesWriter()
        self.fault = ""
        self._unacked: i64 = 0
        self._now: i64 = 0
        self._state: i64 = _BETWEEN
        self._tag: i64 = 0  # of the last delivery
        self._size: i64 = 0  # of the body under way
        self._left: i64 = 0  # octets of it in frames not yet begun
        self._skip: i64 = 0  # octets of the frame under way to let pass, its end included
        self._parts: list[bytes] = []  # of the body under way, when it is to be checked

    def scan(self, data: bytes, at: i64) -> i64:
        """Read deliveries from ``at`` on; the position of the first octet that is not yet read."""
        self._now = self._clock.now_ns()
        while True:
            if self._state == _BETWEEN:
                at = self._scan_whole(data, at)
                at = self._begin(data, at)
                if self._state == _BETWEEN:
                    return at
            at = self._resume(data, at)
            if self._state != _BETWEEN:
                return at

    def take_acks(self, rest: bool) -> bytes:
        """What to write back now; with ``rest`` also for messages that no ack was due for."""
        if rest and self._ack_every and self._unacked:
            self._ack(self._tag, _ACK_MULTIPLE)
        if len(self.acks) == 0:
            return b""
        octets = self.acks.getvalue()
        self.acks.truncate(0)
        return octets

    def _scan_whole(self, data: bytes, at: i64) -> i64:
        """Read messages that are here as a whole, each in one body frame."""
        stamp: i64 = 0
        run: i64 = 0  # messages that were sent at ``stamp``
        count: i64 = 0
        octets: i64 = 0
        attentive = self._ledger is not None or self._ack_every > 0
        while True:
            start, end = whole_message(data, at)
            if end == 0:
                break
            if self._stamped and end - start > 8:
                sent_at = read_i64_be(data, start)
                if sent_at != stamp:
                    self._record(stamp, run)
                    stamp = sent_at
                    run = 0
                run += 1
            if attentive:
                self._tag = read_i64_be(data, at + 12 + data[at + 11])
                self._attend(data, start, end - 1)
            count += 1
            octets += end - 1 - start
            at = end
        self._record(stamp, run)
        self._count(count, octets)
        return at

    def _attend(self, data: bytes, start: i64, end: i64) -> None:
        """Check and acknowledge the message whose body is ``data[start:end]``."""
        if self._ledger is not None:
            self._ledger.check(data, start, end)
        if self._ack_every:
            self._ack_when_due()

    def _begin(self, data: bytes, at: i64) -> i64:
        """Take the method frame of a delivery, if it is here."""
        if len(data) - at < wire.FRAME_HEAD + 4 or data[at] != wire.METHOD:
            return at
        if read_i32_be(data, at + 7) != wire.BASIC_DELIVER:
            return at
        end = at + wire.FRAME_EXTRA + read_u32(data, at + 3)
        if end > len(data):
            return at
        self._tag = read_i64_be(data, at + 12 + data[at + 11])
        self._state = _HEADER
        return end

    def _resume(self, data: bytes, at: i64) -> i64:
        """Go on with the message under way as far as ``data`` goes."""
        if self._state == _HEADER:
            if len(data) - at < wire.FRAME_HEAD or data[at] != wire.HEADER:
                return at
            end = at + wire.FRAME_EXTRA + read_u32(data, at + 3)
            if end > len(data):
                return at
            self._size = read_i64_be(data, at + 11)
            self._left = self._size
            self._state = _BODY
            at = end
        while self._left > 0 or self._skip > 0:
            was = at
            at = self._pass_over(data, at) if self._skip > 0 else self._read_body(data, at)
            if at == was:
                return at
        self._finish()
        return at

    def _pass_over(self, data: bytes, at: i64) -> i64:
        step = min(self._skip, i64(len(data)) - at)
        self._skip -= step
        return at + step

    def _read_body(self, data: bytes, at: i64) -> i64:
        """Begin a body frame: its head, and the time when it is the first."""
        here = i64(len(data)) - at
        if here < wire.FRAME_HEAD or data[at] != wire.BODY:
            return at
        part = read_u32(data, at + 3)
        if part > self._left:
            self.fault = "the broker sent more body than its header announced"
            return at
        if self._ledger is not None:
            if here < part + wire.FRAME_EXTRA:
                return at
            self._parts.append(data[at + wire.FRAME_HEAD : at + wire.FRAME_HEAD + part])
        if self._left == self._size and self._stamped and self._size >= 8:
            if part >= 8:
                if here < wire.FRAME_HEAD + 8:
                    return at
                self._record(read_i64_be(data, at + wire.FRAME_HEAD), 1)
        self._left -= part
        self._skip = part + 1
        return at + wire.FRAME_HEAD

    def _finish(self) -> None:
        """The message under way is complete."""
        self._state = _BETWEEN
        if self._ledger is not None:
            body = b"".join(self._parts)
            self._parts = []
            self._ledger.check(body, 0, len(body))
        if self._ack_every:
            self._ack_when_due()
        self._count(1, self._size)

    def _count(self, messages: i64, octets: i64) -> None:
        if messages:
            meter = self._meter
            meter.received += int(messages)
            meter.received_octets += int(octets)
            meter.last_received_ns = int(self._now)

    def _record(self, sent_at: i64, times: i64) -> None:
        if times:
            self._meter.latency.record(self._now - sent_at, times)

    def _ack_when_due(self) -> None:
        self._unacked += 1
        if self._unacked >= self._ack_every:
            self._ack(self._tag, _ACK_MULTIPLE if self._ack_every > 1 else _ACK_ONE)

    def _ack(self, tag: i64, end: bytes) -> None:
        self.acks.write(_ACK_HEAD)
        write_i64(self.acks, tag)
        self.acks.write(end)
        self._unacked = 0
