"""Dead letters: from the queue they died in to the exchange that its rules name.

Knows no vhost and no protocol: it is given where to look for exchanges and how to route.
Behaviour: RabbitMQ 4.3, "Dead Letter Exchanges".
"""

from collections import deque
from typing import Final, final

from leveret.broker.deaths import bury, is_cycle, keys_of
from leveret.broker.exchange import Exchange
from leveret.broker.ledger import Ledger
from leveret.broker.message import Message, Origin, blind_keys_of
from leveret.broker.queue import Dying, Queue
from leveret.broker.routing import Router, Routing
from leveret.broker.timetable import Appointee, Timetable
from leveret.ports import Clock

# A million may die at one moment: between so many of them everybody else has a turn.
AT_ONCE: Final = 1000


@final
class Undertaker(Appointee):
    """Dead letters wait in ``dying`` until whoever caused them is done: they may cause others.

    Invariant: it has an appointment while there are some that a funeral was too short for.
    """

    def __init__(
        self,
        exchanges: dict[str, Exchange],
        router: Router,
        clock: Clock,
        timetable: Timetable,
    ) -> None:
        super().__init__()
        self._exchanges: Final = exchanges
        self._router: Final = router
        self._clock: Final = clock
        self._timetable: Final = timetable
        self.dying: Final[deque[Dying]] = deque()
        # Where dead letters are written down; None where nothing is.
        self.ledger: Ledger | None = None

    def take(self, dying: Dying) -> None:
        """Send a message on to its queue's exchange for dead letters, with the next funeral."""
        self.dying.append(dying)

    def hold_funerals(self) -> None:
        """Publish the dead letters there are, and those that this causes in turn.

        If they are too many for one go, the rest has its turn soon.
        """
        for _ in range(AT_ONCE):
            if not self.dying:
                return
            dying = self.dying.popleft()
            is_taken = self._publish(dying)
            if dying.is_kept or dying.offset >= 0:
                dying.queue.buried(dying, is_taken)
        if self.dying:
            self._timetable.appoint(self, self._clock.now_ns())

    def on_time(self, now_ns: int) -> None:
        """Nothing to do: whoever keeps the time holds funerals afterwards."""

    def close(self) -> None:
        """The vhost is deleted: forget them all."""
        self.dying.clear()
        self._timetable.cancel(self)

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
        taking: list[Queue] = []
        refusals = 0
        for queue in routing.queues:
            if queue.name in takers or is_cycle(message, queue.name):
                continue
            if queue.publish(message):
                takers.append(queue.name)
                taking.append(queue)
            else:
                refusals += 1
        if self.ledger is not None:
            self.ledger.published(message, taking)
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
