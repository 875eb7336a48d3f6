"""Where the publishes of one address go, remembered until the topology or the rights change."""

from typing import Final, final

from mypy_extensions import i64

from leveret.broker.message import Origin
from leveret.broker.properties import NO_PROPERTIES, Properties
from leveret.broker.routing import NOWHERE, Routing
from leveret.broker.tallies import PublishTally
from leveret.session import AHEAD, FAR_AHEAD, LEVEL

# A publisher with ever new routing keys must not make the broker remember them all.
MAX_ROUTES: Final = 512
# A publisher is ahead of the consumers when this many wait: more than one turn of the loop leaves;
# and far ahead when so many do that they would soon go to the disk.
_MANY: Final = 10_000
_VERY_MANY: Final = 50_000


@final
class Route:
    """What one address resolves to.

    ``routing`` holds while both epochs are current and it ``is_static``.  ``properties`` are those
    of the last message: most messages of a publisher have the same.  ``uses`` counts the messages
    that went along ``routing`` and are not in the ``tally`` yet.
    """

    def __init__(
        self, exchange: str, routing_key: str, is_mandatory: bool, sender: int = 0
    ) -> None:
        self.origin: Final = Origin(exchange, routing_key, sender)
        self.is_mandatory: Final = is_mandatory
        self.is_by_name: Final = exchange == ""
        self.vhost_epoch = -1
        self.user_epoch = -1
        self.is_static = False
        self.routing: Routing = NOWHERE
        self.tally: PublishTally | None = None
        self.uses: i64 = 0
        self.properties: Properties = NO_PROPERTIES
        # How often its first queue had handed out what waited, when that was looked at last.
        self._dispatched: i64 = 0

    def lead(self) -> int:
        """Whether what is published along it piles up where it goes to.

        Far ahead is only who is ahead of consumers that took something since the last call: for
        those who take their time it would be of no use to wait.
        """
        if not self.routing.queues:
            return LEVEL
        queue = self.routing.queues[0]
        waiting = queue.ready_count
        if waiting <= _MANY:
            return LEVEL
        dispatched = self._dispatched
        self._dispatched = queue.dispatched_count
        if waiting <= _VERY_MANY or dispatched == queue.dispatched_count:
            return AHEAD
        return FAR_AHEAD


@final
class Routes:
    """Routes by whatever octets name an address.

    Two generations: when the younger is full the older is forgotten, so what is in use stays.
    """

    def __init__(self) -> None:
        self._young: dict[bytes, Route] = {}
        self._old: dict[bytes, Route] = {}

    def find(self, octets: bytes) -> Route | None:
        """The route that was remembered for ``octets``.  Hot."""
        route = self._young.get(octets)
        if route is None and self._old:
            route = self._old.get(octets)
            if route is not None:
                self.remember(octets, route)
        return route

    def remember(self, octets: bytes, route: Route) -> None:
        """``route`` is that of ``octets``."""
        if len(self._young) >= MAX_ROUTES:
            self._old = self._young
            self._young = {}
        self._young[octets] = route

    def clear(self) -> None:
        """Forget them all."""
        self._young = {}
        self._old = {}
