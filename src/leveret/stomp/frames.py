"""STOMP frames: octets to blocks and bodies.  No I/O, no state beyond one partial frame.

::

    *(LF | CR LF | NUL)          between frames: heart-beats, and what clients add
    command EOL                  +
    *(name ":" value EOL)        | the block
    EOL                          +
    body                         as long as content-length says, or up to the first NUL
    NUL

A block is handed on as it came: the same octets mean the same, so whoever sees them again need not
read them again.  Only SEND has a content-length that counts, as in RabbitMQ: some clients send a
wrong one with other frames.

Source: STOMP 1.2, "STOMP Frames"; 1.0 and 1.1 are alike.  CR LF is read as LF in all of them.
"""

from typing import Final, final

from mypy_extensions import i64

# Command and headers of one frame, whatever size frames may have.
BLOCK_MAX: Final = 65_536

_SEND: Final = (b"SEND\n", b"SEND\r\n")
_SMALL: Final = 256
_MANY: Final = 256
_NUL: Final = 0
_LF: Final = 10
_CR: Final = 13
_LENGTH: Final = b"\ncontent-length:"
# No size that is allowed has more digits.
_MOST_DIGITS: Final = 10


class FrameFault(Exception):
    """The octets are no frame, or too large a one.  ``detail`` is shown to the client."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail: Final = detail


@final
class FrameReader:
    """Feed it octets; then ``advance`` as long as it says true.

    ``block`` and ``body`` are those of the frame it stands at; ``is_send`` says whether it is a
    SEND.  ``frame_max`` is the most octets that a frame may have.  Where less than a frame is there
    the pieces are kept as they came, and put together once: many small pieces of a large frame cost
    no more than a few large ones.
    """

    def __init__(self, frame_max: int) -> None:
        self.frame_max = frame_max
        self.block = b""
        self.body = b""
        self.is_send = False
        self._data = b""
        self._at: i64 = 0
        # Of a frame whose end is not there yet: what came of its body, in pieces.
        self._is_in_body = False
        self._parts: list[bytes] = []
        self._parts_size: i64 = 0
        # How many of the last pieces are small.
        self._small_count = 0
        # How many octets the body has; -1 where it ends with the first NUL.
        self._body_size: i64 = -1
        # Clients that end their lines with CR LF do so with all of them.
        self._has_cr = False

    def feed(self, chunk: bytes) -> None:
        """Take the next octets."""
        if self._is_in_body:
            if self._data:
                # The frame before this one was handled, and more of this one comes now.
                chunk = self._data[self._at :] + chunk
            self._data = chunk
            self._at = 0
            return
        self._data = self._data[self._at :] + chunk if self._at < len(self._data) else chunk
        self._at = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing came that was not handed on."""
        return not self._is_in_body and self._at == len(self._data)

    def clear(self) -> None:
        """Forget what came."""
        self._data = b""
        self._at = 0
        self._parts = []
        self._is_in_body = False
        self.is_send = False

    def advance(self) -> bool:
        """Go to the next frame; False when the rest of it is still to come.  Raises FrameFault."""
        if self._is_in_body:
            return self._body_goes_on()
        data = self._data
        at = self._at
        size: i64 = len(data)
        while at < size and (data[at] == _LF or data[at] == _NUL or data[at] == _CR):
            at += 1
        self._at = at
        if at == size:
            self._data = b""
            self._at = 0
            return False
        if self.is_send:
            # Most of what a client sends has the same headers as what it sent before: the block
            # and what follows from it are known.
            end = at + len(self.block)
            if data[at:end] == self.block:
                return self._body_from(data, end)
        end = self._block_end(data, at)
        if end < 0:
            if size - at > min(BLOCK_MAX, self.frame_max):
                raise FrameFault(f"the headers of a frame have more than {BLOCK_MAX} octets")
            return False
        block = data[at:end]
        self.block = block
        self.is_send = block.startswith(_SEND)
        self._body_size = -1
        if self.is_send:
            self._body_size = _content_length(block)
            if self._body_size > self.frame_max:
                raise self._too_large()
        return self._body_from(data, end)

    def _block_end(self, data: bytes, at: i64) -> i64:
        """The position after the first empty line from ``at`` on; -1 where there is none yet."""
        until = at + BLOCK_MAX
        first, second = (b"\n\r\n", b"\n\n") if self._has_cr else (b"\n\n", b"\n\r\n")
        end: i64 = data.find(first, at, until)
        if end >= 0:
            # One of the other kind may overlap with it, but must begin before.
            until = end + 2
        other: i64 = data.find(second, at, until)
        if other >= 0:
            self._has_cr = not self._has_cr
            return other + len(second)
        if end < 0:
            return -1
        return end + len(first)

    def _body_from(self, data: bytes, start: i64) -> bool:
        """The body begins at ``start``: take it if all of it is there."""
        size = self._body_size
        end = start + size if size >= 0 else i64(data.find(b"\0", start))
        if end < 0 or end >= len(data):
            self._is_in_body = True
            self._parts = []
            self._parts_size = 0
            self._small_count = 0
            self._keep(data[start:])
            return False
        self._end_at(data, start, end)
        return True

    def _end_at(self, data: bytes, start: i64, end: i64) -> None:
        if data[end] != _NUL:
            raise FrameFault("no NUL octet where the content-length says that the body ends")
        if end - start > self.frame_max:
            raise self._too_large()
        self.body = data[start:end]
        self._at = end + 1
        if self._at == len(data):
            self._data = b""
            self._at = 0

    def _body_goes_on(self) -> bool:
        """More of a body came, or not even that."""
        data = self._data
        if not data:
            return False
        size = self._body_size
        end = size - self._parts_size if size >= 0 else i64(data.find(b"\0"))
        if end < 0 or end >= len(data):
            self._keep(data)
            return False
        before = self._parts
        self._parts = []
        self._is_in_body = False
        self._end_at(data, 0, end)
        before.append(self.body)
        self.body = b"".join(before)
        if len(self.body) > self.frame_max:
            raise self._too_large()
        return True

    def _keep(self, part: bytes) -> None:
        self._data = b""
        self._at = 0
        if part:
            self._parts.append(part)
            self._parts_size += len(part)
            self._small_count = self._small_count + 1 if len(part) < _SMALL else 0
            if self._small_count >= _MANY:
                # Each piece takes more than its octets: a body in crumbs must not take tenfold.
                whole = b"".join(self._parts[-_MANY:])
                del self._parts[-_MANY:]
                self._parts.append(whole)
                self._small_count = 0
        if self._parts_size > i64(self.frame_max) + 1:
            raise self._too_large()

    def _too_large(self) -> FrameFault:
        return FrameFault(
            f"a frame has more than {self.frame_max} octets (stomp_max_frame_size, or "
            "stomp_max_frame_size_unauthenticated before the login)"
        )


def _content_length(block: bytes) -> i64:
    """The size of the body; -1 where the block does not say.  Raises FrameFault."""
    at: i64 = block.find(_LENGTH)
    if at < 0:
        return -1
    at += len(_LENGTH)
    digits = block[at : block.find(b"\n", at)].strip()
    if not digits.isdigit() or len(digits) > _MOST_DIGITS:
        raise FrameFault("content-length is not a number of octets")
    return int(digits)
