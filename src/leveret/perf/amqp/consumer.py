"""A consumer: takes what comes and acknowledges as it was told."""

from typing import Final, final

from mypy_extensions import i64

from leveret.perf.amqp import wire
from leveret.perf.amqp.connection import CHANNEL, Connection
from leveret.perf.amqp.deliveries import Deliveries
from leveret.perf.amqp.settings import AmqpSettings
from leveret.perf.consumer import Consumer


@final
class AmqpConsumer(Consumer):
    """The role of a consuming connection, on one queue."""

    def __init__(self, settings: AmqpSettings, queue: str, deliveries: Deliveries) -> None:
        self.queue: Final = queue
        self._settings: Final = settings
        self._deliveries: Final = deliveries
        self._connection: Connection | None = None

    async def start(self, connection: Connection) -> None:
        """Set the prefetch and begin to consume.  Raises BrokerFault."""
        settings = self._settings
        self._connection = connection
        if settings.prefetch:
            payload = wire.basic_qos(settings.prefetch)
            await connection.ask(CHANNEL, payload, wire.BASIC_QOS_OK, "setting the prefetch")
        payload = wire.basic_consume(self.queue, "leveret", settings.ack_every == 0)
        doing = f"consuming from queue {self.queue!r}"
        await connection.ask(CHANNEL, payload, wire.BASIC_CONSUME_OK, doing)

    def finish(self) -> None:
        """Acknowledge what is left."""
        if self._connection is not None:
            self._connection.write(self._deliveries.take_acks(True))

    def scan(self, data: bytes, at: i64) -> i64:
        """Read deliveries from ``at`` on."""
        return self._deliveries.scan(data, at)

    def on_chunk_end(self) -> None:
        """Write the acknowledgements of a chunk in one go."""
        connection = self._connection
        if connection is None:
            return
        if self._deliveries.fault:
            connection.fail(self._deliveries.fault)
        acks = self._deliveries.take_acks(False)
        if acks:
            connection.write(acks)

    def on_unit(self, kind: int, octets: bytes) -> None:
        """The queue may go while we consume."""
        if kind == wire.BASIC_CANCEL and self._connection is not None:
            self._connection.fail(
                f"the broker cancelled the consumer of queue {self.queue!r}: is it deleted?"
            )
