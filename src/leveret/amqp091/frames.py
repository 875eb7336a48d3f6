"""AMQP 0-9-1 frames: octets to frames.  No I/O, no state beyond one partial frame.

::

    octet     short       long         size octets   octet
    +------+  +---------+  +---------+  +----------+  +-----+
    | type |  | channel |  |  size   |  | payload  |  | end |
    +------+  +---------+  +---------+  +----------+  +-----+

Source: AMQP 0-9-1 specification, section 4.2.3.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.amqp091.replies import FrameFault
from leveret.amqp091.spec import FRAME_END, FRAME_OVERHEAD
from leveret.octets import read_u16, read_u32
from leveret.terms import frame as frame_term

_HEAD: Final = 7


@final
class FrameReader:
    """Fed with chunks, cut anywhere; gives one frame after the other, and may stop in between.

    After ``advance`` has said yes, the frame is ``kind`` on channel ``number``, and its payload is
    ``data[start:end]``.

    A frame that is cut off is joined once, when the rest of it is there; the others stay where
    they are.  Invariant: ``_later`` holds octets only while ``data`` is such a joined frame.
    """

    def __init__(self, payload_max: int) -> None:
        self.payload_max: i64 = payload_max
        self.data = b""
        self.kind: i64 = 0
        self.number: i64 = 0
        self.start: i64 = 0
        self.end: i64 = 0
        self._at: i64 = 0
        self._cut: list[bytes] = []
        self._cut_size: i64 = 0
        self._needed: i64 = 0
        self._later = b""
        self._later_at: i64 = 0

    def feed(self, chunk: bytes) -> None:
        """Take in more octets."""
        if self._cut:
            self._later = chunk
            self._later_at = 0
            self._complete()
            return
        if self._at < len(self.data) or self._later:
            # Somebody stopped in the middle of the last chunk.
            chunk = self.data[self._at :] + self._later[self._later_at :] + chunk
            self._later = b""
        self.data = chunk
        self._at = 0

    def clear(self) -> None:
        """Forget everything: nothing more will be read."""
        self.data = b""
        self._at = 0
        self._cut = []
        self._later = b""

    def advance(self) -> bool:
        """Go to the next frame; False when there is no whole one.  Raises FrameFault.

        A frame counts as read once this has returned, whatever becomes of it.
        """
        data = self.data
        at = self._at
        if at == len(data) and self._later:
            data = self._later
            at = self._later_at
            self.data = data
            self._later = b""
        rest: i64 = len(data) - at
        if rest < _HEAD:
            self._keep(at, _HEAD)
            return False
        size = read_u32(data, at + 3)
        if size > self.payload_max:
            self._refuse_size(int(data[at]), int(size))
        start = at + _HEAD
        end = start + size
        if end >= len(data):
            self._keep(at, size + FRAME_OVERHEAD)
            return False
        if data[end] != FRAME_END:
            why = f"{{invalid_frame_end_marker,{data[end]}}}"
            raise FrameFault(f"{frame_term(int(data[at]), data[start:end])}: {why}")
        self.kind = i64(data[at])
        self.number = read_u16(data, at + 1)
        self.start = start
        self.end = end
        self._at = end + 1
        return True

    def _keep(self, at: i64, needed: i64) -> None:
        """Remember the frame that is cut off at the end of the data."""
        rest: i64 = len(self.data) - at
        if rest > 0:
            self._cut = [self.data[at:]]
            self._cut_size = rest
            self._needed = needed
        self.data = b""
        self._at = 0

    def _complete(self) -> None:
        """Join the cut frame with what ``_later`` has of it, if that is all of it."""
        while self._cut:
            taken = self._later[self._later_at : self._later_at + self._needed - self._cut_size]
            self._later_at += len(taken)
            self._cut.append(taken)
            self._cut_size += len(taken)
            if self._cut_size < self._needed:
                self._later = b""
                return
            joined = b"".join(self._cut)
            if self._needed > _HEAD:
                self._present(joined)
                return
            size = read_u32(joined, 3)
            if size > self.payload_max:
                # Not to be waited for: advance will refuse it.
                self._present(joined)
                return
            self._cut = [joined]
            self._needed = size + FRAME_OVERHEAD

    def _present(self, joined: bytes) -> None:
        self._cut = []
        self.data = joined
        self._at = 0

    def _refuse_size(self, kind: int, size: int) -> None:
        most = self.payload_max - FRAME_OVERHEAD
        raise FrameFault(f"{frame_term(kind, b'')}: {{frame_too_large,{size},{most}}}")
