"""A STOMP subscriber: takes what comes and acknowledges as it was told."""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.perf.consumer import Arrivals, Consumer
from leveret.perf.stomp import wire
from leveret.perf.stomp.connection import Connection
from leveret.perf.stomp.settings import AUTO, StompSettings

_ACK_HEADS: Final[dict[str, bytes]] = {
    "1.0": b"ACK\nmessage-id:",
    "1.1": b"ACK\nsubscription:0\nmessage-id:",
    "1.2": b"ACK\nid:",
}
_ACK_END: Final = b"\n\n\0"
_MESSAGE: Final = b"MESSAGE\n"


@final
class Subscriber(Consumer):
    """The role of a connection with one subscription."""

    def __init__(self, settings: StompSettings, destination: str, arrivals: Arrivals) -> None:
        self._settings: Final = settings
        self._destination: Final = destination
        self._arrivals: Final = arrivals
        self._ack_every: Final[i64] = 0 if settings.ack == AUTO else settings.ack_every
        self._ack_head: Final = _ACK_HEADS[settings.protocol]
        self._id_name: Final = b"\nack:" if settings.protocol == "1.2" else b"\nmessage-id:"
        self._acks: Final = BytesWriter()
        self._unacked: i64 = 0
        self._last_id = b""
        self._connection: Connection | None = None
        self.fault = ""

    async def start(self, connection: Connection, more: list[tuple[str, str]]) -> None:
        """Subscribe, with ``more`` headers.  Raises BrokerFault."""
        settings = self._settings
        self._connection = connection
        headers = [
            ("id", "0"),
            ("destination", wire.escaped(self._destination)),
            ("ack", settings.ack),
            ("prefetch-count", str(settings.prefetch) if settings.prefetch else ""),
            *more,
        ]
        await connection.ask("SUBSCRIBE", headers, f"subscribing to {self._destination!r}")

    def scan(self, data: bytes, at: i64) -> i64:
        """Read whole messages from ``at`` on."""
        while True:
            start = wire.skip_line_ends(data, at)
            if not data.startswith(_MESSAGE, start):
                return at
            body = wire.find_body(data, start)
            if body == 0:
                return at
            end, _ = wire.find_end(data, start, body)
            if end == 0:
                return at
            if data[end] != 0:
                self.fault = "the broker sent a message without NUL where its content-length says"
                return len(data)
            self._arrivals.take(data, body, end)
            if self._ack_every:
                self._note_id(data, start, body)
            at = end + 1

    def _note_id(self, data: bytes, start: i64, body: i64) -> None:
        """Acknowledge the message with this head, when it is due."""
        found = i64(data.find(self._id_name, start, body))
        if found < 0:
            self.fault = "the broker sent a message that nobody can acknowledge: it has no id"
            return
        found += len(self._id_name)
        self._last_id = data[found : i64(data.find(b"\n", found, body))]
        self._unacked += 1
        if self._unacked >= self._ack_every:
            self._ack()

    def _ack(self) -> None:
        self._acks.write(self._ack_head)
        self._acks.write(self._last_id)
        self._acks.write(_ACK_END)
        self._unacked = 0

    def on_chunk_end(self) -> None:
        """Count a chunk, and write its acknowledgements in one go."""
        self._arrivals.settle()
        connection = self._connection
        if connection is None:
            return
        if self.fault:
            connection.fail(self.fault)
        if len(self._acks):
            connection.write(self._acks.getvalue())
            self._acks.truncate(0)

    def finish(self) -> None:
        """Acknowledge what is left."""
        if self._unacked:
            self._ack()
        self.on_chunk_end()
