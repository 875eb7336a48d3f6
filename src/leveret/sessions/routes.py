"""Where the publishes of one address go, remembered until the topology or the rights change."""

from typing import Final, final

from mypy_extensions import i64

from leveret.broker.message import Origin
from leveret.broker.properties import NO_PROPERTIES, Properties
from leveret.broker.routing import NOWHERE, Routing
from leveret.broker.tallies import PublishTally

# A publisher with ever new routing keys must not make the broker remember them all.
MAX_ROUTES: Final = 512


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
        self.dispatched: i64 = 0


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
