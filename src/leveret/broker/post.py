"""Messages that the broker itself sends on: delayed ones, old ones replayed, copies, events.

Knows the exchanges of one vhost, and no protocol.
"""

from typing import Final, final

from leveret.broker.exchange import Exchange
from leveret.broker.ledger import Ledger
from leveret.broker.message import Message
from leveret.broker.queue import Queue
from leveret.broker.routing import Router
from leveret.broker.shelf import Shelf
from leveret.broker.timetable import Appointee, Timetable
from leveret.ports import Clock, Random


@final
class Post(Appointee):
    """The post office of a vhost, and what its exchanges may use of the world.

    What one message causes to be sent in the middle of a delivery waits until that is done:
    ``send_later``.
    """

    def __init__(
        self,
        exchanges: dict[str, Exchange],
        router: Router,
        clock: Clock,
        random: Random,
        timetable: Timetable,
    ) -> None:
        super().__init__()
        self._exchanges: Final = exchanges
        self._router: Final = router
        self.clock: Final = clock
        self.random: Final = random
        self.timetable: Final = timetable
        self._waiting: list[Message] = []
        # Where messages are written down; None where nothing is.
        self.ledger: Ledger | None = None
        self.shelf: Shelf | None = None
        # The number of the exchange that is being made again after a restart.
        self.number = 0

    def send(self, exchange: Exchange, keys: list[str], message: Message) -> None:
        """Put ``message`` into the queues that ``exchange`` leads it to, now."""
        routing = self._router.route(exchange, keys, message.properties)
        self.put(message, routing.queues)
        for keeper in routing.keepers:
            keeper.keep(message, routing.keys)

    def put(self, message: Message, queues: list[Queue]) -> None:
        """Put ``message`` into ``queues``."""
        for queue in queues:
            queue.publish(message)
        if self.ledger is not None:
            self.ledger.published(message, queues)

    def send_later(self, message: Message) -> None:
        """Send ``message`` to the exchange of its origin in the loop's next turn."""
        if not self._waiting:
            self.timetable.appoint(self, self.clock.now_ns())
        self._waiting.append(message)

    def on_time(self, now_ns: int) -> None:
        """Send what waits."""
        waiting = self._waiting
        self._waiting = []
        for message in waiting:
            exchange = self._exchanges.get(message.origin.exchange)
            if exchange is not None:
                self.send(exchange, [message.origin.routing_key], message)
