"""An MQTT subscriber: takes what comes and answers as its quality of service wants it."""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.octets import read_u16, write_u16
from leveret.perf.consumer import Arrivals, Consumer
from leveret.perf.faults import BrokerFault
from leveret.perf.mqtt import wire
from leveret.perf.mqtt.connection import Connection
from leveret.perf.mqtt.settings import MqttSettings

GROUP: Final = "$share/leveret/"


@final
class Subscriber(Consumer):
    """The role of a connection that subscribes to one topic."""

    def __init__(self, settings: MqttSettings, topic: str, arrivals: Arrivals) -> None:
        self._topic: Final = GROUP + topic if settings.shared else topic
        self._qos: Final = settings.granted_qos
        self._arrivals: Final = arrivals
        self._has_properties: Final = settings.level == 5
        self._replies: Final = BytesWriter()
        self._connection: Connection | None = None
        self.granted = 0
        self.fault = ""

    async def start(self, connection: Connection) -> None:
        """Subscribe.  Raises BrokerFault."""
        self._connection = connection
        asked = wire.subscribe(connection.level, self._topic, self._qos)
        doing = f"subscribing to {self._topic!r}"
        answer = await connection.request(asked, wire.SUBACK, doing)
        self.granted = int(answer[-1])
        if self.granted >= wire.REFUSED:
            why = wire.reason(connection.level, self.granted, {})
            raise BrokerFault(f"the broker refused {doing}: {why}")

    def scan(self, data: bytes, at: i64) -> i64:
        """Read whole messages from ``at`` on, and the PUBRELs between them."""
        length = i64(len(data))
        while length - at >= 4:
            first = i64(data[at])
            if first & 0xF0 != wire.PUBLISH and first != wire.PUBREL:
                break
            size = i64(data[at + 1])
            start = at + 2
            if size > 127:
                size, start = wire.read_size(data, at + 1)
            end = start + size
            if start == 0 or size < 0 or end > length:
                break
            if first == wire.PUBREL:
                self._reply(wire.PUBCOMP, read_u16(data, start))
            elif not self._read_message(data, first & 6, start, end):
                self.fault = "the broker sent a message that is shorter than its own header"
                return length
            at = end
        return at

    def _read_message(self, data: bytes, qos: i64, start: i64, end: i64) -> bool:
        """Take in the PUBLISH in ``data[start:end]``; False when it is malformed."""
        body = start + 2 + read_u16(data, start)
        if qos:
            if body + 2 > end:
                return False
            self._reply(wire.PUBACK if qos == 2 else wire.PUBREC, read_u16(data, body))
            body += 2
        if self._has_properties:
            if body >= end:
                return False
            size, body = wire.read_size(data, body)
            if body == 0 or size < 0:
                return False
            body += size
        if body > end:
            return False
        self._arrivals.take(data, body, end)
        return True

    def _reply(self, kind: int, identifier: i64) -> None:
        self._replies.append(kind)
        self._replies.append(2)
        write_u16(self._replies, identifier)

    def on_chunk_end(self) -> None:
        """Count a chunk, and write its answers in one go."""
        self._arrivals.settle()
        connection = self._connection
        if connection is None:
            return
        if self.fault:
            connection.fail(self.fault)
        if len(self._replies):
            connection.write(self._replies.getvalue())
            self._replies.truncate(0)
