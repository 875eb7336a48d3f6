"""From an address and a body to messages in queues, for the protocols that have no exchanges.

Data plane.  AMQP 0-9-1 has its own way, which knows frames, transactions and returns.
"""

from typing import Final, final

from leveret.auth.access import Access
from leveret.broker.actor import TOPIC
from leveret.broker.claims import check_claims, copies
from leveret.broker.exchange import Exchange
from leveret.broker.message import BlindMessage, Message
from leveret.broker.properties import NO_PROPERTIES, Properties, with_headers
from leveret.broker.routing import NOWHERE, Routing
from leveret.broker.tallies import ChannelView, Flow, PublishTally
from leveret.broker.vhost import REPLY_TO, VHost
from leveret.errors import AccessRefused, PreconditionFailed
from leveret.sessions.routes import Route

# Tallies of exchanges that are gone are swept out when there are so many.
_MANY_TALLIES: Final = 64
_NO_KEYS: Final[list[str]] = []


@final
class Publisher:
    """Publishes for one connection.

    What became of the last message: ``is_accepted`` is false when a queue refused it, ``routing``
    says where it went, ``owed`` is the batch of the journal that it is in, 0 for none.
    ``name`` and ``view.number`` are what the firehose is told.
    """

    def __init__(self, vhost: VHost, access: Access, view: ChannelView, name: str) -> None:
        self._vhost: Final = vhost
        self._access: Final = access
        self._view: Final = view
        self._name: Final = name
        self.is_accepted = True
        self.routing: Routing = NOWHERE
        self.owed = 0
        self._used: list[Route] = []
        self._tallies: Final[dict[Exchange, PublishTally]] = {}
        self._most_tallies = _MANY_TALLIES
        self._flow: Final[Flow] = vhost.past.flow(view.protocol)
        self._sizes: Final = self._flow.sizes

    @property
    def is_routed(self) -> bool:
        """Whether the last message went anywhere."""
        return bool(self.routing.queues) or self.routing.is_held

    # --- routing ---------------------------------------------------------------------------

    def is_current(self, route: Route) -> bool:
        """Whether neither the topology nor the user's rights changed since it was resolved.  Hot.

        If they have, ``resolve`` it before the next ``send``.
        """
        vhost = self._vhost
        epoch = vhost.queue_epoch if route.is_by_name else vhost.epoch
        return route.vhost_epoch == epoch and route.user_epoch == self._access.user.epoch

    def resolve(self, route: Route) -> None:
        """Look everything up anew.  Raises NotFound, AccessRefused, Pending."""
        vhost = self._vhost
        access = self._access
        origin = route.origin
        access.write("exchange", origin.exchange)
        exchange = vhost.exchange(origin.exchange)
        if exchange.is_internal:
            what = vhost.describe("exchange", origin.exchange)
            raise AccessRefused(f"cannot publish to internal {what}")
        if exchange.kind == TOPIC:
            access.write_topic(origin.exchange, origin.routing_key)
        routing = vhost.route(exchange, [origin.routing_key], NO_PROPERTIES)
        # What went along the old one is counted by that.
        self.collect()
        route.tally = self._tally(exchange)
        route.routing = routing
        # The firehose must hear of each message.
        route.is_static = routing.is_static and not vhost.is_traced
        route.vhost_epoch = vhost.queue_epoch if route.is_by_name else vhost.epoch
        route.user_epoch = access.user.epoch

    def _find_routing(self, route: Route, message: Message, extra_keys: list[str]) -> Routing:
        vhost = self._vhost
        if route.is_static and not extra_keys and self.is_current(route):
            return route.routing
        exchange = vhost.exchanges.get(route.origin.exchange)
        if exchange is None:
            return NOWHERE
        if extra_keys and exchange.kind == TOPIC:
            for key in extra_keys:
                self._access.write_topic(exchange.name, key)
        keys = [route.origin.routing_key, *extra_keys]
        routing = vhost.route(exchange, keys, message.properties)
        if vhost.is_traced:
            user = self._access.user.name
            queues = routing.queues
            vhost.firehose.tap_in(message, keys, queues, self._name, self._view.number, user)
        return routing

    # --- messages --------------------------------------------------------------------------

    def send(
        self, route: Route, properties: Properties, body: bytes, is_confirmed: bool
    ) -> Message:
        """Publish, and give what was published; ``route`` is current.  Hot.

        ``is_confirmed``: the client will be told what became of it.  Raises refusals, and Pending,
        before anything is done.
        """
        if properties.needs_care or self._vhost.interceptors is not None:
            return self._send_with_care(route, properties, body, is_confirmed)
        message = Message(route.origin, properties, body)
        self._send(route, message, _NO_KEYS, is_confirmed)
        return message

    def _send_with_care(
        self, route: Route, properties: Properties, body: bytes, is_confirmed: bool
    ) -> Message:
        check_claims(properties, self._access.user)
        if properties.reply_to == REPLY_TO:
            raise PreconditionFailed("fast reply consumer does not exist")
        interceptors = self._vhost.interceptors
        if interceptors is not None:
            properties = interceptors.intercept(properties)
        headers = properties.headers()
        extra_keys = copies(headers, "CC")
        if "BCC" not in headers:
            message = Message(route.origin, properties, body)
        else:
            blind_keys = copies(headers, "BCC")
            del headers["BCC"]
            extra_keys = extra_keys + blind_keys
            message = BlindMessage(
                route.origin, with_headers(properties, headers), body, blind_keys
            )
        self._send(route, message, extra_keys, is_confirmed)
        return message

    def _send(
        self, route: Route, message: Message, extra_keys: list[str], is_confirmed: bool
    ) -> None:
        routing = self._find_routing(route, message, extra_keys)
        if routing is route.routing:
            if route.uses == 0:
                self._used.append(route)
            route.uses += 1
        else:
            self._count(route, routing, 1)
        self._sizes.note(len(message.body))
        self.routing = routing
        self._enqueue(message, routing)
        tally = route.tally
        if is_confirmed and tally is not None:
            tally.received_confirm += 1
            if self.is_accepted:
                tally.confirmed += 1

    def _enqueue(self, message: Message, routing: Routing) -> None:
        """Put ``message`` where ``routing`` says."""
        is_accepted = True
        for queue in routing.queues:
            if not queue.publish(message):
                is_accepted = False
        self.is_accepted = is_accepted
        self.owed = 0
        ledger = self._vhost.ledger
        if ledger is not None and (message.properties.is_persistent or routing.keeps_all):
            self.owed = ledger.published(message, routing.queues)
        if not routing.is_plain:
            for keeper in routing.keepers:
                keeper.keep(message, routing.keys)
            if ledger is not None and routing.is_held:
                owed = ledger.journal.owed
                # Nothing is where a transient message is held, and all before is safe.
                if owed > ledger.journal.safe:
                    self.owed = owed

    # --- statistics ------------------------------------------------------------------------

    @property
    def tallies(self) -> list[PublishTally]:
        """What was published to which exchange; call ``collect`` before."""
        return list(self._tallies.values())

    def collect(self) -> None:
        """Write what went along the routes into the tallies."""
        used = self._used
        if used:
            self._used = []
            for route in used:
                count = int(route.uses)
                route.uses = 0
                self._count(route, route.routing, count)

    def _count(self, route: Route, routing: Routing, count: int) -> None:
        """``count`` messages of ``route`` went along ``routing``."""
        tally = route.tally
        if tally is None:
            return
        tally.published += count
        tally.routed += count * len(routing.queues)
        for queue in routing.queues:
            queue.note_inflow(tally.exchange, count)
        if not routing.queues and not routing.is_held:
            if route.is_mandatory:
                tally.returned += count
            else:
                tally.dropped += count

    def _tally(self, exchange: Exchange) -> PublishTally:
        """What this connection publishes to ``exchange`` is counted here."""
        tally = self._tallies.get(exchange)
        if tally is None:
            if len(self._tallies) >= self._most_tallies:
                self._forget_tallies(True)
                self._most_tallies = max(2 * len(self._tallies), _MANY_TALLIES)
            tally = PublishTally(exchange.name, self._view)
            self._tallies[exchange] = tally
            exchange.publishers.join(tally)
        return tally

    def _forget_tallies(self, only_old: bool) -> None:
        """The connection is gone, or these exchanges are: what was counted stays with others."""
        exchanges = self._vhost.exchanges
        for exchange, tally in list(self._tallies.items()):
            if only_old and exchanges.get(exchange.name) is exchange:
                continue
            del self._tallies[exchange]
            exchange.publishers.leave(tally)
            self._flow.publishes.add(tally)

    def end(self) -> None:
        """The connection is gone."""
        self.collect()
        self._forget_tallies(False)
