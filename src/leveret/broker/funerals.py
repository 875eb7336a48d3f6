"""Dead letters: from the queue they died in to the exchange that its rules name.

Knows no vhost and no protocol: it is given where to look for exchanges and how to route.
Behaviour: RabbitMQ 4.3, "Dead Letter Exchanges".
"""

from typing import Final, final

from leveret.broker.deaths import bury, is_cycle, keys_of
from leveret.broker.exchange import Exchange
from leveret.broker.message import Message, Origin, blind_keys_of
from leveret.broker.queue import Dying
from leveret.broker.routing import Router, Routing
from leveret.ports import Clock


@final
class Undertaker:
    """Dead letters wait in ``dying`` until whoever caused them is done: they may cause others."""

    def __init__(self, exchanges: dict[str, Exchange], router: Router, clock: Clock) -> None:
        self._exchanges: Final = exchanges
        self._router: Final = router
        self._clock: Final = clock
        self.dying: list[Dying] = []

    def take(self, dying: Dying) -> None:
        """Send a message on to its queue's exchange for dead letters, with the next funeral."""
        self.dying.append(dying)

    def hold_funerals(self) -> None:
        """Publish the dead letters there are, and those that this causes in turn."""
        while self.dying:
            dying = self.dying
            self.dying = []
            for each in dying:
                is_taken = self._publish(each)
                if each.is_kept:
                    each.queue.buried(each, is_taken)

    def _publish(self, dying: Dying) -> bool:
        """Whether there is a queue for the message, and each that it leads to has it now."""
        rules = dying.queue.rules
        # A policy may have taken the rule back since the message died.
        if rules.dead_letter_exchange is None:
            return False
        exchange = self._exchanges.get(rules.dead_letter_exchange)
        if exchange is None:
            return False
        was = dying.message.origin.routing_key
        key = was if rules.dead_letter_key is None else rules.dead_letter_key
        origin = Origin(exchange.name, key)
        name = dying.queue.name
        message = bury(dying.message, name, dying.reason, self._clock.unix_s(), origin)
        keys = [key]
        if rules.dead_letter_key is None:
            keys = keys_of(dying.message) + blind_keys_of(dying.message)
        routing = self._router.route(exchange, keys, message.properties)
        takers = dying.takers
        refusals = 0
        for queue in routing.queues:
            if queue.name in takers or is_cycle(message, queue.name):
                continue
            if queue.publish(message):
                takers.append(queue.name)
            else:
                refusals += 1
        if routing.keepers:
            return _keep(message, routing, takers) and refusals == 0
        return refusals == 0 and len(takers) > 0


def _keep(message: Message, routing: Routing, takers: list[str]) -> bool:
    """Give ``message`` to the exchanges that keep it.  Whether anybody has it for good then."""
    for keeper in routing.keepers:
        # No queue is called like that: line feeds are taken out of their names.
        name = "\n" + keeper.name
        if name not in takers:
            takers.append(name)
            keeper.keep(message, routing.keys)
    return routing.is_held or any(not name.startswith("\n") for name in takers)
