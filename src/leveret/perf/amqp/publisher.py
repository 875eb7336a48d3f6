"""An AMQP publisher: what it sends, and what confirms, refusals and returns look like."""

from typing import Final, final

from librt.strings import read_i32_be, read_i64_be
from mypy_extensions import i64

from leveret.perf.amqp import wire
from leveret.perf.amqp.connection import CHANNEL, Connection
from leveret.perf.amqp.settings import AmqpSettings
from leveret.perf.batches import Batches, Target, filler, stamped_octets
from leveret.perf.meter import Meter
from leveret.perf.publisher import Publisher
from leveret.ports import Clock

_ACK_SIZE: Final = 21  # octets of a frame with basic.ack


def prepare(target: Target, settings: AmqpSettings, frame_max: int) -> None:
    """Lay out a message: ``head``, then time and number as far as they fit, then ``tail``."""
    size = settings.size
    frames = wire.publish_frames(
        target.exchange, target.key, settings.mandatory, settings.persistent, size
    )
    body = wire.body_frames(filler(size), frame_max)
    target.head = frames + body[: wire.FRAME_HEAD] if size else frames
    target.tail = body[wire.FRAME_HEAD + stamped_octets(size) :] if size else b""


@final
class AmqpPublisher(Publisher):
    """The role of a publishing connection, with or without publisher confirms."""

    def __init__(
        self,
        settings: AmqpSettings,
        targets: list[Target],
        phase: float,
        meter: Meter,
        clock: Clock,
    ) -> None:
        super().__init__(settings, targets, phase, meter, clock)
        self._settings: Final = settings

    async def start(self, connection: Connection) -> None:
        """Set the channel up.  Raises BrokerFault."""
        settings = self._settings
        if settings.confirm:
            payload = wire.confirm_select()
            await connection.ask(
                CHANNEL, payload, wire.CONFIRM_SELECT_OK, "asking for publisher confirms"
            )
        for target in self.targets:
            prepare(target, settings, connection.frame_max)
        self.ready(connection, Batches(self.targets, settings.size, settings.stamp, self.clock))

    def scan(self, data: bytes, at: i64) -> i64:
        """Read acknowledgements from ``at`` on."""
        before = self.confirms.answered
        while len(data) - at >= _ACK_SIZE and data[at] == wire.METHOD:
            if read_i32_be(data, at + 7) != wire.BASIC_ACK:
                break
            self.confirms.answer(read_i64_be(data, at + 11), data[at + 19] != 0)
            at += _ACK_SIZE
        self.answered(before)
        return at

    def on_unit(self, kind: int, octets: bytes) -> None:
        """Count refusals and returns."""
        if kind == wire.BASIC_NACK:
            before = self.confirms.answered
            self.confirms.answer(read_i64_be(octets, 4), octets[12] & 1 != 0)
            self.meter.nacked += int(self.confirms.answered - before)
        elif kind == wire.BASIC_RETURN:
            self.meter.returned += 1
