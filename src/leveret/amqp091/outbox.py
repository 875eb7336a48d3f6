"""What a connection is about to send: frames of all its channels, in order.  No I/O."""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.amqp091.arguments import MethodFrame
from leveret.amqp091.spec import CLASS_BASIC, FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_OVERHEAD
from leveret.octets import write_u16, write_u32, write_u64
from leveret.session import Bell, Session

# Deliveries of one turn of the loop stop here, so that no consumer delays the others.
FULL_OCTETS: Final = 256 * 1024
# Replies stop here: what causes more of them is not handled until the peer has read these.
OVERFLOW_OCTETS: Final = 1024 * 1024
# A body this large is sent from where it lies; a smaller one is cheaper to copy.
_COPY_OCTETS: Final = 8192
# A buffer that grew beyond this is not kept: thousands of idle connections would keep theirs.
_KEEP_OCTETS: Final = 4096


@final
class Outbox:
    """Collects output and rings once for it.

    Deliveries stop when it has no room; whoever handles input stops when it is overflowing.

    ``writer`` is open to those who write frames themselves, for speed; they call ``ring`` after.
    """

    def __init__(self, session: Session, bell: Bell, frame_max: int) -> None:
        self._session: Final = session
        self._bell: Final = bell
        self.writer = BytesWriter()
        self._parts: list[bytes] = []
        self._parts_size = 0
        self.body_max = frame_max - FRAME_OVERHEAD
        self.is_paused = False
        # What is not kept waiting with the rest; whole frames, of channel 0.
        self._urgent: list[bytes] = []
        # For how many things the output waits to be on the disk.
        self._hold_count = 0

    def has_room(self) -> bool:
        """Whether deliveries may be added."""
        return not self.is_paused and len(self.writer) + self._parts_size < FULL_OCTETS

    def is_overflowing(self) -> bool:
        """Whether there is so much that nothing may be done that would add to it."""
        return len(self.writer) + self._parts_size > OVERFLOW_OCTETS

    def agree(self, frame_max: int) -> None:
        """The size of frames was agreed on."""
        self.body_max = frame_max - FRAME_OVERHEAD

    def ring(self) -> None:
        """Say that there is something to send."""
        session = self._session
        if not session.rung:
            self._bell.ring(session)

    def hold(self) -> None:
        """Send nothing until ``let_go`` is called as often."""
        self._hold_count += 1
        self._session.is_held = True

    def let_go(self) -> None:
        """One thing less to wait for."""
        self._hold_count -= 1
        if self._hold_count == 0:
            self._session.is_held = False
            self.ring()

    def send(self, channel: int, frame: MethodFrame) -> None:
        """Add one method frame."""
        self.send_octets(frame.octets(channel))

    def send_octets(self, octets: bytes) -> None:
        """Add frames that are encoded already."""
        self.writer.write(octets)
        self.ring()

    def send_urgent(self, octets: bytes) -> None:
        """Add frames of channel 0 that overtake all others, even those that are held.

        Saying the same once more before it is sent adds nothing: it may be a heartbeat.
        """
        if not self._urgent or self._urgent[-1] != octets:
            self._urgent.append(octets)
            self.ring()

    def send_content(self, channel: int, properties: bytes, body: bytes) -> None:
        """Add the header and body frames that follow a method."""
        write_content_header(self.writer, channel, properties, len(body))
        self.write_body(channel, body)
        self.ring()

    def write_body(self, channel: int, body: bytes) -> None:
        """Add ``body`` in as many frames as the agreed size of frames asks for."""
        at: i64 = 0
        size: i64 = len(body)
        step: i64 = self.body_max
        while at < size:
            end = min(at + step, size)
            self._frame_head(channel, end - at)
            part = body if end - at == size else body[at:end]
            if end - at > _COPY_OCTETS:
                self._cut()
                self._parts.append(part)
                self._parts_size += len(part)
            else:
                self.writer.write(part)
            self.writer.append(FRAME_END)
            at = end

    def _frame_head(self, channel: int, size: i64) -> None:
        self.writer.append(FRAME_BODY)
        write_u16(self.writer, channel)
        write_u32(self.writer, size)

    def _cut(self) -> None:
        octets = self.writer.getvalue()
        self._parts.append(octets)
        self._parts_size += len(octets)
        self.writer.truncate(0)

    def take_urgent(self) -> list[bytes]:
        """What was added by ``send_urgent``."""
        urgent = self._urgent
        if urgent:
            self._urgent = []
        return urgent

    def take(self) -> list[bytes]:
        """Everything collected, in order, but first of all what is urgent."""
        parts = self._parts
        if len(self.writer) > 0:
            parts.append(self.writer.getvalue())
            if len(self.writer) > _KEEP_OCTETS:
                self.writer = BytesWriter()
            else:
                self.writer.truncate(0)
        if parts:
            self._parts = []
            self._parts_size = 0
        if self._urgent:
            return self.take_urgent() + parts
        return parts


def write_content_header(out: BytesWriter, channel: int, properties: bytes, size: int) -> None:
    """The header frame of a message, its basic properties given as octets with their flags."""
    out.append(FRAME_HEADER)
    write_u16(out, channel)
    write_u32(out, 12 + len(properties))
    write_u32(out, CLASS_BASIC << 16)  # and weight 0
    write_u64(out, size)
    out.write(properties)
    out.append(FRAME_END)
