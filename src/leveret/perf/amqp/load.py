"""A run's clients over AMQP 0-9-1, its queues and its exchange."""

from typing import Final, final

from leveret.perf.address import AMQP
from leveret.perf.amqp.connection import Connection
from leveret.perf.amqp.consumer import AmqpConsumer
from leveret.perf.amqp.deliveries import Deliveries
from leveret.perf.amqp.publisher import AmqpPublisher
from leveret.perf.amqp.settings import FANOUT, AmqpSettings
from leveret.perf.amqp.topology import Topology
from leveret.perf.batches import Target
from leveret.perf.ledger import Ledger
from leveret.perf.link import Role, connect
from leveret.perf.load import Load
from leveret.ports import Clock

_GOODBYE_S: Final = 1.0


@final
class AmqpLoad(Load):
    """The clients of a run, besides a connection that declares and deletes."""

    def __init__(self, settings: AmqpSettings, clock: Clock) -> None:
        super().__init__(settings, AMQP, clock)
        self._settings: Final = settings
        self._topology: Final = Topology(settings)
        self._control: Connection | None = None

    @property
    def product(self) -> str:
        """What the broker's greeting says."""
        return self._control.product if self._control is not None else ""

    @property
    def outlives_the_run(self) -> bool:
        """Whether the queues or the exchange are not ours to delete."""
        return self._topology.outlives_the_run

    async def prepare(self) -> None:
        """Declare and bind everything."""
        control = await self._connect(Role())
        self._control = control
        if self._settings.publishers + self._settings.consumers:
            await self._topology.declare(control)

    async def clean_up(self) -> None:
        """Delete what was made up."""
        control = self._control
        if control is not None and not control.failure:
            await self._topology.delete(control)

    async def leave(self) -> None:
        """Close the connection that declared."""
        if self._control is not None:
            await self._control.close(_GOODBYE_S)

    async def open_publisher(self, number: int, phase: float) -> None:
        """A connection with a channel that may be in confirm mode."""
        targets = self._topology.targets(number)
        publisher = AmqpPublisher(self._settings, targets, phase, self.meter, self.clock)
        self.publishers.append(publisher)
        connection = await self._open(publisher)
        self.publishing.append(connection)
        await publisher.start(connection)

    async def open_consumer(self, place: int, ledger: Ledger | None) -> None:
        """A connection that consumes from one queue."""
        settings = self._settings
        deliveries = Deliveries(
            self.meter, self.clock, settings.ack_every, settings.is_stamped, ledger
        )
        consumer = AmqpConsumer(settings, self._topology.queues[place], deliveries)
        self.consumers.append(consumer)
        await consumer.start(await self._open(consumer))

    async def open_idle(self, number: int) -> None:
        """A connection with a channel."""
        await self._open(Role())

    async def _open(self, role: Role) -> Connection:
        connection = await self._connect(role)
        self.links.append(connection)
        return connection

    async def _connect(self, role: Role) -> Connection:
        connection = Connection(self.address, role, self.watch)
        await connect(connection)
        return connection

    def goes_to(self, target: Target, place: int) -> bool:
        """With the pattern ``fanout``, everything goes everywhere."""
        return self._settings.pattern == FANOUT or super().goes_to(target, place)
