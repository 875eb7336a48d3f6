"""Dead letters: from the queue they died in to the exchange that its rules name.

Knows no vhost and no protocol: it is given where to look for exchanges and how to route.
Behaviour: RabbitMQ 4.3, "Dead Letter Exchanges".
"""

from typing import Final, final

from leveret.broker.deaths import bury, is_cycle, keys_of
from leveret.broker.exchange import Exchange
from leveret.broker.message import Message, Origin, blind_keys_of
from leveret.broker.queue import Queue
from leveret.broker.routing import Router
from leveret.ports import Clock


@final
class Dying:
    """A message on its way from ``queue`` to the exchange for dead letters."""

    def __init__(self, queue: Queue, message: Message, reason: str) -> None:
        self.queue: Final = queue
        self.message: Final = message
        self.reason: Final = reason


@final
class Undertaker:
    """Dead letters wait in ``dying`` until whoever caused them is done: they may cause others."""

    def __init__(self, exchanges: dict[str, Exchange], router: Router, clock: Clock) -> None:
        self._exchanges: Final = exchanges
        self._router: Final = router
        self._clock: Final = clock
        self.dying: list[Dying] = []

    def take(self, queue: Queue, message: Message, reason: str) -> None:
        """Send ``message`` on to the queue's exchange for dead letters, with the next funeral."""
        self.dying.append(Dying(queue, message, reason))

    def hold_funerals(self) -> None:
        """Publish the dead letters there are, and those that this causes in turn."""
        while self.dying:
            dying = self.dying
            self.dying = []
            for each in dying:
                self._publish(each)

    def _publish(self, dying: Dying) -> None:
        rules = dying.queue.rules
        # A policy may have taken the rule back since the message died.
        if rules.dead_letter_exchange is None:
            return
        exchange = self._exchanges.get(rules.dead_letter_exchange)
        if exchange is None:
            return
        was = dying.message.origin.routing_key
        key = was if rules.dead_letter_key is None else rules.dead_letter_key
        origin = Origin(exchange.name, key)
        name = dying.queue.name
        message = bury(dying.message, name, dying.reason, self._clock.unix_s(), origin)
        keys = [key]
        if rules.dead_letter_key is None:
            keys = keys_of(dying.message) + blind_keys_of(dying.message)
        routing = self._router.route(exchange, keys, message.properties)
        for queue in routing.queues:
            if not is_cycle(message, queue.name):
                queue.publish(message)
        for keeper in routing.keepers:
            keeper.keep(message, routing.keys)
