"""The queues and the exchange of a run: their names, their declaration, who publishes where."""

import secrets
from typing import Final, final

from leveret.perf.amqp import wire
from leveret.perf.amqp.connection import CHANNEL, Connection
from leveret.perf.amqp.settings import FANOUT, OWN, AmqpSettings
from leveret.perf.batches import Target
from leveret.tables import Table, table_of

_ORPHAN_LIFE_S: Final = 3600  # a made-up queue that nobody deleted goes after so long unused


@final
class Topology:
    """What a run declares before it starts and deletes after it ended."""

    def __init__(self, settings: AmqpSettings) -> None:
        self._settings: Final = settings
        made_up = f"leveret-perf-{secrets.token_hex(4)}"
        self._made_up: Final = made_up
        self.queues: Final = queue_names(settings, made_up)
        self.exchange: Final = settings.exchange or (made_up if settings.needs_exchange else "")

    @property
    def deletes(self) -> bool:
        """Whether the queues are ours to delete: those with a made-up name are."""
        return not self._settings.queue

    @property
    def outlives_the_run(self) -> bool:
        """Whether what was sent can be looked for afterwards."""
        return bool(self._settings.queue or self._settings.exchange)

    def targets(self, publisher: int) -> list[Target]:
        """Where the publisher number ``publisher`` sends, in turn."""
        settings = self._settings
        count = len(self.queues)
        if settings.pattern == OWN:
            return [self._target(publisher % count, publisher)]
        if settings.pattern == FANOUT:
            return [Target(settings.routing_key, publisher, self.exchange)]
        return [self._target(queue, publisher * count + queue) for queue in range(count)]

    def _target(self, queue: int, stream: int) -> Target:
        return Target(self._settings.routing_key or self.queues[queue], stream, self.exchange)

    async def declare(self, control: Connection) -> None:
        """Declare and bind everything.  Raises BrokerFault."""
        settings = self._settings
        if self.exchange and not self.exchange.startswith("amq."):
            kind = settings.exchange_type or ("fanout" if settings.pattern == FANOUT else "direct")
            payload = wire.exchange_declare(self.exchange, kind)
            doing = f"declaring exchange {self.exchange!r}"
            await control.ask(CHANNEL, payload, wire.EXCHANGE_DECLARE_OK, doing)
        arguments = self._arguments()
        for queue in self.queues:
            payload = wire.queue_declare(queue, arguments, settings.existing)
            doing = f"{'looking for' if settings.existing else 'declaring'} queue {queue!r}"
            await control.ask(CHANNEL, payload, wire.QUEUE_DECLARE_OK, doing)
            if self.exchange:
                key = settings.binding_key or settings.routing_key or queue
                payload = wire.queue_bind(queue, self.exchange, key)
                doing = f"binding queue {queue!r} to exchange {self.exchange!r}"
                await control.ask(CHANNEL, payload, wire.QUEUE_BIND_OK, doing)

    def _arguments(self) -> Table:
        arguments = dict(self._settings.arguments)
        if self.deletes and arguments.get("x-queue-type") != "stream":
            life_s = _ORPHAN_LIFE_S + 2 * self._settings.duration
            arguments.setdefault("x-expires", int(life_s * 1000))
        return table_of(arguments)

    async def delete(self, control: Connection) -> None:
        """Delete what was made up.  Raises BrokerFault."""
        if self.deletes:
            for queue in self.queues:
                doing = f"deleting queue {queue!r}"
                payload = wire.queue_delete(queue)
                await control.ask(CHANNEL, payload, wire.QUEUE_DELETE_OK, doing)
        if self.exchange == self._made_up:
            payload = wire.exchange_delete(self.exchange)
            await control.ask(CHANNEL, payload, wire.EXCHANGE_DELETE_OK, "deleting the exchange")


def queue_names(settings: AmqpSettings, made_up: str) -> list[str]:
    """The names of all queues: numbered from 1, unless there is only one."""
    name = settings.queue or made_up
    if settings.queues == 1:
        return [name]
    return [f"{name}-{number}" for number in range(1, settings.queues + 1)]
