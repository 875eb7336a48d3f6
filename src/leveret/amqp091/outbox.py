"""What a connection is about to send: frames of all its channels, in order.  No I/O."""

from typing import final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.amqp091.arguments import MethodFrame
from leveret.amqp091.spec import CLASS_BASIC, FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_OVERHEAD
from leveret.octets import write_u16, write_u32, write_u64
from leveret.session import Bell, Session
from leveret.sessions.output import COPY_OCTETS, Output


@final
class Outbox(Output):
    """The output of one connection; a body is cut into frames as the agreed size asks for."""

    def __init__(self, session: Session, bell: Bell, frame_max: int) -> None:
        super().__init__(session, bell)
        self.body_max = frame_max - FRAME_OVERHEAD

    def agree(self, frame_max: int) -> None:
        """The size of frames was agreed on."""
        self.body_max = frame_max - FRAME_OVERHEAD

    def send(self, channel: int, frame: MethodFrame) -> None:
        """Add one method frame."""
        self.send_octets(frame.octets(channel))

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
            if end - at > COPY_OCTETS:
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


def write_content_header(out: BytesWriter, channel: int, properties: bytes, size: int) -> None:
    """The header frame of a message, its basic properties given as octets with their flags."""
    out.append(FRAME_HEADER)
    write_u16(out, channel)
    write_u32(out, 12 + len(properties))
    write_u32(out, CLASS_BASIC << 16)  # and weight 0
    write_u64(out, size)
    out.write(properties)
    out.append(FRAME_END)
