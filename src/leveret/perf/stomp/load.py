"""A run's clients over STOMP and their destinations."""

import secrets
from typing import Final, final

from leveret.perf.address import STOMP
from leveret.perf.batches import Target
from leveret.perf.consumer import Arrivals
from leveret.perf.ledger import Ledger
from leveret.perf.link import Role, connect
from leveret.perf.load import Load
from leveret.perf.stomp.connection import Connection
from leveret.perf.stomp.publisher import StompPublisher
from leveret.perf.stomp.settings import StompSettings
from leveret.perf.stomp.subscriber import Subscriber
from leveret.ports import Clock

_GOODBYE_S: Final = 1.0
# A made-up queue goes with its last subscriber.  Brokers that do not know the header ignore it.
_PASSING: Final = [("auto-delete", "true")]


@final
class StompLoad(Load):
    """The clients of a run.  STOMP cannot delete: a made-up queue is declared to go by itself."""

    def __init__(self, settings: StompSettings, clock: Clock) -> None:
        super().__init__(settings, STOMP, clock)
        self._settings: Final = settings
        made_up = f"leveret-perf-{secrets.token_hex(4)}"
        self.destinations: Final = destination_names(settings, made_up)
        passes = not settings.destination and not settings.topic
        self._declaring: Final[list[tuple[str, str]]] = _PASSING if passes else []
        self._control: Connection | None = None

    @property
    def product(self) -> str:
        """What CONNECTED says."""
        return self._control.product if self._control is not None else ""

    @property
    def outlives_the_run(self) -> bool:
        """Whether the destination is not made up."""
        return bool(self._settings.destination)

    @property
    def shares_ledgers(self) -> bool:
        """The subscribers of a queue share its messages."""
        return not self._settings.copies

    async def prepare(self) -> None:
        """See that the broker lets us in."""
        self._control = await self._connect(Role())

    async def clean_up(self) -> None:
        """Subscribe to made-up queues that nobody did subscribe to: now they can go."""
        control = self._control
        if control is None or control.failure or not self._declaring or self.consumers:
            return
        if not self.meter.sent:
            return
        for number, destination in enumerate(self.destinations):
            headers = [("id", str(number)), ("destination", destination), ("ack", "client")]
            headers += [("prefetch-count", "1"), *self._declaring]
            await control.ask("SUBSCRIBE", headers, f"deleting {destination!r}")

    async def leave(self) -> None:
        """Close the first connection."""
        if self._control is not None:
            await self._control.close(_GOODBYE_S)

    async def open_publisher(self, number: int, phase: float) -> None:
        """A connection that sends."""
        targets = self._targets(number)
        publisher = StompPublisher(self._settings, targets, phase, self.meter, self.clock)
        publisher.gate = self.gate
        self.publishers.append(publisher)
        connection = await self._open(publisher)
        self.publishing.append(connection)
        publisher.start(connection, self._declaring)

    def _targets(self, number: int) -> list[Target]:
        names = self.destinations
        count = len(names)
        if self._settings.in_turn:
            return [Target(name, number * count + n) for n, name in enumerate(names)]
        return [Target(names[number % count], number)]

    async def open_consumer(self, place: int, ledger: Ledger | None) -> None:
        """A connection that subscribes to one destination."""
        arrivals = Arrivals(self._settings, self.meter, self.clock, ledger, self.gate)
        subscriber = Subscriber(self._settings, self.destinations[place], arrivals)
        self.consumers.append(subscriber)
        await subscriber.start(await self._open(subscriber), self._declaring)

    async def open_idle(self, number: int) -> None:
        """A connection that does nothing."""
        await self._open(Role())

    async def _open(self, role: Role) -> Connection:
        connection = await self._connect(role)
        self.links.append(connection)
        return connection

    async def _connect(self, role: Role) -> Connection:
        connection = Connection(self.address, role, self.watch, self._settings.protocol)
        await connect(connection)
        return connection


def destination_names(settings: StompSettings, made_up: str) -> list[str]:
    """The names of all destinations: numbered from 1, unless there is only one."""
    kind = "topic" if settings.topic else "queue"
    name = settings.destination or f"/{kind}/{made_up}"
    if settings.destinations == 1:
        return [name]
    return [f"{name}-{number}" for number in range(1, settings.destinations + 1)]
