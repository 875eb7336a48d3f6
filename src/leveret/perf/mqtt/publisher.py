"""An MQTT publisher of any quality of service: its packets and their answers."""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.octets import read_u16, write_u16
from leveret.perf.batches import Batches, Target, filler, stamped_octets
from leveret.perf.link import Link
from leveret.perf.meter import Meter
from leveret.perf.mqtt import wire
from leveret.perf.mqtt.connection import Connection
from leveret.perf.mqtt.settings import MOST_INFLIGHT, MqttSettings
from leveret.perf.publisher import Publisher
from leveret.ports import Clock


def prepare(target: Target, settings: MqttSettings) -> None:
    """Lay out a message: ``head`` up to the topic, then maybe a packet identifier, then ``neck``
    with no properties, then time and number as far as they fit, then ``tail``."""
    qos, size = settings.publish_qos, settings.size
    neck = b"\0" if settings.level == 5 else b""
    flags = qos << 1 | (1 if settings.retain else 0)
    more = (2 if qos else 0) + len(neck) + size
    target.head = wire.publish_start(target.key, flags, more)
    if qos:
        target.neck = neck
    else:
        target.head += neck
    target.tail = filler(size)[stamped_octets(size) :]


@final
class Packets(Batches):
    """Messages with packet identifiers, from 1 to 65535 and from 1 again."""

    def __init__(self, targets: list[Target], size: int, clock: Clock) -> None:
        super().__init__(targets, size, True, clock)
        self._last: i64 = 0

    def write_start(self, target: Target, now: i64) -> None:
        """Everything of the next message that is not its tail."""
        self._last = self._last + 1 if self._last < MOST_INFLIGHT else 1
        self.out.write(target.head)
        write_u16(self.out, self._last)
        self.out.write(target.neck)
        self.write_stamps(target, now)


@final
class MqttPublisher(Publisher):
    """The role of a publishing connection.  ``_replies`` is what a chunk wants answered."""

    def __init__(
        self,
        settings: MqttSettings,
        targets: list[Target],
        phase: float,
        meter: Meter,
        clock: Clock,
    ) -> None:
        super().__init__(settings, targets, phase, meter, clock)
        self._settings: Final = settings
        self._replies: Final = BytesWriter()

    def start(self, connection: Connection) -> None:
        """Get ready to publish."""
        settings = self._settings
        for target in self.targets:
            prepare(target, settings)
        self.window = min(self.window, connection.receive_maximum)
        if settings.publish_qos:
            batches: Batches = Packets(self.targets, settings.size, self.clock)
        else:
            batches = Batches(self.targets, settings.size, settings.stamp, self.clock)
        self.ready(connection, batches)

    def allowance(self, most: i64) -> i64:
        """No identifier is used again while it waits for its answer."""
        if self.window:
            most = min(most, MOST_INFLIGHT - (self.sent - self.confirms.low))
        return super().allowance(most)

    def scan(self, data: bytes, at: i64) -> i64:
        """Read answers from ``at`` on."""
        if not self.window:
            return at
        before = self.confirms.answered
        while True:
            end = self._read_answer(data, at)
            if end == at:
                break
            at = end
        self.answered(before)
        return at

    def _read_answer(self, data: bytes, at: i64) -> i64:
        """Read one answer; the position after it, ``at`` when there is none."""
        if len(data) - at < 4:
            return at
        kind = i64(data[at])
        end = at + 2 + i64(data[at + 1])  # an answer of more than 127 octets is read as a unit
        if (kind & 0xF0) - wire.PUBACK > 0x30 or kind < wire.PUBACK or data[at + 1] > 127:
            return at
        if end > len(data) or kind == wire.PUBREL:
            return at
        code = int(data[at + 4]) if end - at > 4 else 0
        self._take_answer(kind, read_u16(data, at + 2), code)
        return end

    def on_unit(self, kind: int, octets: bytes) -> None:
        """An answer with many properties."""
        if self.window and kind in (wire.PUBACK, wire.PUBREC, wire.PUBCOMP) and len(octets) > 2:
            before = self.confirms.answered
            self._take_answer(kind, read_u16(octets, 0), int(octets[2]))
            self.answered(before)

    def _take_answer(self, kind: i64, identifier: i64, code: int) -> None:
        if kind == wire.PUBREC and code < wire.REFUSED:
            self._replies.append(wire.PUBREL)
            self._replies.append(2)
            write_u16(self._replies, identifier)
            return
        if code >= wire.REFUSED:
            self.meter.nacked += 1
        elif code == wire.NOBODY_SUBSCRIBES:
            self.meter.returned += 1
        self.confirms.answer(self._number_of(identifier), False)

    def _number_of(self, identifier: i64) -> i64:
        """Which message an identifier means: one of the 65535 after those answered for."""
        low = self.confirms.low
        ahead = (identifier - 1 - low % MOST_INFLIGHT) % MOST_INFLIGHT
        return low + 1 + ahead

    def on_chunk_end(self) -> None:
        """Write what answers want in one go, then publish more."""
        link: Link | None = self.link
        if link is not None and len(self._replies):
            link.write(self._replies.getvalue())
            self._replies.truncate(0)
        super().on_chunk_end()
