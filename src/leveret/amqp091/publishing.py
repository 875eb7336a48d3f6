"""From basic.publish and its content frames to messages in queues, for one channel.

Hot.  A publish is recognised by the raw octets of its method: the same octets mean the same
exchange, key and flags, so what they resolve to is kept in a Route until the topology or the
user's rights change.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.amqp091.arguments import Arguments, MethodFrame
from leveret.amqp091.blocking import Block
from leveret.amqp091.confirms import Confirms
from leveret.amqp091.context import Context
from leveret.amqp091.replies import AmqpFault, ContentFault, FrameFault
from leveret.amqp091.spec import (
    BASIC_RETURN,
    CLASS_BASIC,
    FRAME_HEADER,
    LABEL,
    NO_ROUTE,
    SYNTAX_ERROR,
)
from leveret.auth.rights import Pending
from leveret.broker.actor import TOPIC
from leveret.broker.claims import check_claims, copies
from leveret.broker.exchange import Exchange
from leveret.broker.message import BlindMessage, Message
from leveret.broker.properties import (
    NO_PROPERTIES,
    Properties,
    PropertiesError,
    read_properties,
    with_headers,
    with_reply_to,
)
from leveret.broker.routing import NOWHERE, Routing
from leveret.broker.tallies import ChannelView, Flow, PublishTally
from leveret.broker.vhost import REPLY_TO
from leveret.config.network import MAX_MESSAGE_SIZE_CAP
from leveret.errors import AccessRefused, NotSupported, PreconditionFailed
from leveret.octets import read_i64, read_u16, read_u32, read_u64
from leveret.session import LEVEL
from leveret.sessions.routes import MAX_ROUTES, Route
from leveret.tables import Table, TableError
from leveret.terms import frame

# Larger properties are not remembered: a route must stay small.
_MAX_REMEMBERED: Final = 512
# Tallies of exchanges that are gone are swept out when there are so many.
_MANY_TALLIES: Final = 64
_NO_KEYS: Final[list[str]] = []
_BASIC_WEIGHT_0: Final = CLASS_BASIC << 16


@final
class Held:
    """A publish that waits for tx.commit; where it goes was found out when it came."""

    def __init__(self, message: Message, routing: Routing, route: Route) -> None:
        self.message: Final = message
        self.routing: Final = routing
        self.route: Final = route


@final
class Undecided:
    """A whole message that waits for a decision about its further routing keys."""

    def __init__(self, route: Route, properties: Properties, body: bytes) -> None:
        self.route: Final = route
        self.properties: Final = properties
        self.body: Final = body


@final
class Publishing:
    """Assembles messages out of frames and routes them.

    Invariant: ``_route`` is there exactly while content is expected; ``_properties`` exactly
    while a body is.
    """

    def __init__(self, channel: int, context: Context, view: ChannelView | None = None) -> None:
        self._channel: Final = channel
        self._context: Final = context
        self._alarms: Final = context.vhost.alarms
        # Two generations: when the younger is full the older is forgotten, so what is in use stays.
        self._routes: dict[bytes, Route] = {}
        self._old_routes: dict[bytes, Route] = {}
        self._view: Final = view
        self._route: Route | None = None
        self._last_route: Route | None = None
        self._last_payload = b""
        self._properties: Properties | None = None
        self._undecided: Undecided | None = None
        self._parts: list[bytes] = []
        self._body_size: i64 = 0
        self._received: i64 = 0
        self.confirms: Confirms | None = None
        # The batch of the journal that the message sent last is in; 0 for none.
        self._owed = 0
        # The publishes of an open transaction; None when the channel is not transactional.
        self.held: list[Held] | None = None
        # The address that replies to this channel go to; "" when nobody consumes them.
        self.reply_address = ""
        # Routes with uses, and what was published to which exchange; there may be old ones.
        self._used: list[Route] = []
        self._tallies: Final[dict[Exchange, PublishTally]] = {}
        self._most_tallies = _MANY_TALLIES
        self._flow: Final[Flow] = context.vhost.past.flow(LABEL)
        self._sizes: Final = self._flow.sizes

    @property
    def expects_content(self) -> bool:
        """Whether the next frame must be a header or body."""
        return self._route is not None

    # --- frames ----------------------------------------------------------------------------

    def on_method(self, payload: bytes) -> None:
        """Begin a publish.  ``payload`` is the whole method.  Raises refusals, and Pending."""
        if self._alarms.is_set:
            raise Pending(Block(self._context))
        route = self._last_route
        # To compare with the last one is faster than to hash it, and most publishers have only one.
        if route is None or payload != self._last_payload:
            route = self._routes.get(payload)
            if route is None:
                route = self._find_route(payload)
        if not self._is_current(route):
            self._resolve(route)
        self._route = route
        self._last_route = route
        self._last_payload = payload

    def lead(self) -> int:
        """Whether what was published last piles up where it goes to."""
        return self._last_route.lead() if self._last_route is not None else LEVEL

    def on_header(self, data: bytes, at: i64, end: i64) -> None:
        """Take the content header in ``data[at:end]``.  Raises AmqpFault."""
        route = self._route
        if route is None or self._properties is not None:
            if not self._completed_again():
                raise self.unexpected()
            return
        if end - at < 14:
            raise FrameFault(f"{frame(FRAME_HEADER, data[at:end])}: unknown_frame")
        if read_u32(data, at) != _BASIC_WEIGHT_0:
            raise ContentFault(_other_header(data, at), True)
        size = read_i64(data, at + 4)
        if size < 0 or size > MAX_MESSAGE_SIZE_CAP:
            raise FrameFault(f"no message may have {read_u64(data, at + 4)} octets")
        octets = data[at + 12 : end]
        properties = route.properties
        if octets != properties.octets:
            properties = _read(octets)
            if self._context.vhost.interceptors is not None:
                properties.needs_care = True
            if len(octets) <= _MAX_REMEMBERED:
                route.properties = properties
        self._body_size = size
        self._received = 0
        if size == 0:
            self._complete(route, properties, b"")
            return
        self._properties = properties

    def on_body(self, data: bytes, at: i64, end: i64) -> None:
        """Take the piece of the body in ``data[at:end]``.  Raises AmqpFault."""
        route = self._route
        properties = self._properties
        if route is None or properties is None:
            if not self._completed_again():
                raise self.unexpected()
            return
        size = end - at
        if size == self._body_size and self._received == 0:
            self._complete(route, properties, data[at:end])
            return
        self._received += size
        if self._received > self._body_size:
            raise FrameFault("the body is longer than its header says")
        if self._body_size <= self._context.max_message_size:
            if size > 0:
                self._parts.append(data[at:end])
        if self._received == self._body_size:
            body = b"".join(self._parts)
            self._parts = []
            self._complete(route, properties, body)

    def unexpected(self) -> ContentFault:
        """The refusal of a frame that is not the one expected."""
        if self._route is None:
            return ContentFault("expected method frame, got non method frame instead", False)
        if self._properties is not None:
            what = "expected content body, got non content body frame instead"
        else:
            what = "expected content header for class 60, got non content header frame instead"
        return ContentFault(what, True)

    # --- routing ---------------------------------------------------------------------------

    def _find_route(self, payload: bytes) -> Route:
        """The route of a publish that the younger generation does not know."""
        route = self._old_routes.get(payload)
        if route is not None:
            self._remember(payload, route)
            return route
        arguments = Arguments(payload)
        arguments.short()
        exchange = arguments.shortstr_of_any_octets()
        routing_key = arguments.shortstr_of_any_octets()
        bits = arguments.octet()
        arguments.end()
        if bits & 2:
            raise NotSupported("immediate=true")
        route = Route(exchange, routing_key, bits & 1 == 1)
        self._remember(payload, route)
        return route

    def _remember(self, payload: bytes, route: Route) -> None:
        if len(self._routes) >= MAX_ROUTES:
            self.collect()
            self._old_routes = self._routes
            self._routes = {}
        self._routes[payload] = route

    def _is_current(self, route: Route) -> bool:
        """Whether neither the topology nor the user's rights changed since it was resolved."""
        context = self._context
        vhost = context.vhost
        # By name, only the coming and going of queues counts; elsewhere only that of bindings.
        epoch = vhost.queue_epoch if route.is_by_name else vhost.epoch
        return route.vhost_epoch == epoch and route.user_epoch == context.access.user.epoch

    def _resolve(self, route: Route) -> None:
        """Look everything up anew.  Raises NotFound, AccessRefused."""
        context = self._context
        name = route.origin.exchange
        context.access.write("exchange", name)
        exchange = context.vhost.exchange(name)
        if exchange.is_internal:
            what = context.vhost.describe("exchange", name)
            raise AccessRefused(f"cannot publish to internal {what}")
        if exchange.kind == TOPIC:
            context.access.write_topic(name, route.origin.routing_key)
        routing = context.vhost.route(exchange, [route.origin.routing_key], NO_PROPERTIES)
        vhost = context.vhost
        # What went along the old one is counted by that.
        self.collect()
        route.tally = self._tally(exchange)
        route.routing = routing
        if vhost.interceptors is not None and route.properties is NO_PROPERTIES:
            # No message is without care then, not even one without properties.
            route.properties = read_properties(NO_PROPERTIES.octets)
            route.properties.needs_care = True
        # The firehose must hear of each message.
        route.is_static = routing.is_static and not vhost.is_traced
        route.vhost_epoch = vhost.queue_epoch if route.is_by_name else vhost.epoch
        route.user_epoch = context.access.user.epoch

    def _routing(self, route: Route, message: Message, extra_keys: list[str]) -> Routing:
        context = self._context
        if route.is_static and not extra_keys and self._is_current(route):
            return route.routing
        exchange = context.vhost.exchanges.get(route.origin.exchange)
        if exchange is None:
            return NOWHERE
        if extra_keys and exchange.kind == TOPIC:
            for key in extra_keys:
                context.access.write_topic(exchange.name, key)
        keys = [route.origin.routing_key, *extra_keys]
        routing = context.vhost.route(exchange, keys, message.properties)
        if context.vhost.is_traced:
            context.trace_publish(self._channel, message, keys, routing.queues)
        return routing

    # --- whole messages --------------------------------------------------------------------

    def _complete(self, route: Route, properties: Properties, body: bytes) -> None:
        self._route = None
        self._properties = None
        if self._body_size > self._context.max_message_size:
            raise PreconditionFailed(
                f"message size {self._body_size} is larger than configured max size "
                f"{self._context.max_message_size}"
            )
        if properties.needs_care:
            try:
                self._complete_with_care(route, properties, body)
            except Pending:
                self._undecided = Undecided(route, properties, body)
                raise
        else:
            self._send(route, Message(route.origin, properties, body), _NO_KEYS)

    def _completed_again(self) -> bool:
        """Go on with the message that waited for a decision, if its last frame comes again."""
        undecided = self._undecided
        if undecided is None:
            return False
        self._undecided = None
        self._complete(undecided.route, undecided.properties, undecided.body)
        return True

    def _complete_with_care(self, route: Route, properties: Properties, body: bytes) -> None:
        check_claims(properties, self._context.access.user)
        if properties.reply_to == REPLY_TO:
            if not self.reply_address:
                raise PreconditionFailed("fast reply consumer does not exist")
            properties = with_reply_to(properties, self.reply_address)
        interceptors = self._context.vhost.interceptors
        if interceptors is not None:
            properties = interceptors.intercept(properties)
        headers = _headers(properties)
        extra_keys = copies(headers, "CC")
        if "BCC" not in headers:
            self._send(route, Message(route.origin, properties, body), extra_keys)
            return
        blind_keys = copies(headers, "BCC")
        del headers["BCC"]
        message = BlindMessage(route.origin, with_headers(properties, headers), body, blind_keys)
        self._send(route, message, extra_keys + blind_keys)

    def _send(self, route: Route, message: Message, extra_keys: list[str]) -> None:
        routing = self._routing(route, message, extra_keys)
        if self.held is not None:
            self.held.append(Held(message, routing, route))
            return
        if routing is route.routing:
            if route.uses == 0:
                self._used.append(route)
            route.uses += 1
        else:
            self._count(route, routing, 1)
        self._sizes.note(len(message.body))
        is_accepted = self._enqueue(message, routing, route.is_mandatory)
        if self.confirms is not None:
            self._confirm(self.confirms, route, routing, is_accepted)

    def _confirm(
        self, confirms: Confirms, route: Route, routing: Routing, is_accepted: bool
    ) -> None:
        """See that the publisher hears of the message that was just sent."""
        if not is_accepted and route.tally is not None:
            # It was counted as one that will be confirmed.
            route.tally.confirmed -= 1
        is_new = confirms.settle(is_accepted, self._owed)
        if self._owed == 0:
            self._context.confirm_later(confirms)
            return
        is_soon = False
        if len(routing.queues) == 1 and confirms.is_short:
            is_soon = self._context.confirm_when_done(confirms, routing.queues[0])
        is_patient = is_soon and confirms.is_told_early
        if is_patient:
            self._context.linger(routing.queues[0])
        if is_new:
            self._context.confirm_when_synced(confirms, self._owed, is_patient)
        elif not is_patient:
            self._context.hurry(self._owed)

    def _enqueue(self, message: Message, routing: Routing, is_mandatory: bool) -> bool:
        """Put ``message`` where ``routing`` says.  False when a queue refused it."""
        is_accepted = True
        for queue in routing.queues:
            if not queue.publish(message):
                is_accepted = False
        self._owed = 0
        ledger = self._context.vhost.ledger
        if ledger is not None and (message.properties.is_persistent or routing.keeps_all):
            self._owed = ledger.published(message, routing.queues)
        if not routing.is_plain:
            for keeper in routing.keepers:
                keeper.keep(message, routing.keys)
            if ledger is not None and routing.is_held:
                owed = ledger.journal.owed
                # Nothing is where a transient message is held, and all before is safe.
                if owed > ledger.journal.safe:
                    self._owed = owed
            if is_mandatory and not routing.queues and not routing.is_held:
                self._return(message)
        return is_accepted

    def _return(self, message: Message) -> None:
        frame = MethodFrame(BASIC_RETURN).short(NO_ROUTE).shortstr("NO_ROUTE")
        outbox = self._context.outbox
        outbox.send(self._channel, frame.raw(message.origin.octets))
        outbox.send_content(self._channel, message.properties.octets, message.body)

    def commit(self) -> None:
        """Send the publishes of the open transaction and begin the next."""
        held = self.held
        assert held is not None
        self.held = []
        for publish in held:
            self._count(publish.route, publish.routing, 1)
            self._sizes.note(len(publish.message.body))
            self._enqueue(publish.message, publish.routing, publish.route.is_mandatory)

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
        if self.confirms is not None:
            tally.received_confirm += count
            tally.confirmed += count
        for queue in routing.queues:
            queue.note_inflow(tally.exchange, count)
        if not routing.queues and not routing.is_held:
            if route.is_mandatory:
                tally.returned += count
            else:
                tally.dropped += count

    def _tally(self, exchange: Exchange) -> PublishTally:
        """What this channel publishes to ``exchange`` is counted here."""
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
        """The channel is gone, or these exchanges are: what was counted stays with the others."""
        exchanges = self._context.vhost.exchanges
        for exchange, tally in list(self._tallies.items()):
            if only_old and exchanges.get(exchange.name) is exchange:
                continue
            del self._tallies[exchange]
            exchange.publishers.leave(tally)
            self._flow.publishes.add(tally)

    def end(self) -> None:
        """The channel is gone."""
        if self.confirms is not None:
            self.confirms.is_over = True
        self.collect()
        self._forget_tallies(False)
        for routes in (self._routes, self._old_routes):
            for route in routes.values():
                route.tally = None


def _read(octets: bytes) -> Properties:
    try:
        return read_properties(octets)
    except PropertiesError as error:
        raise AmqpFault(SYNTAX_ERROR, str(error)) from None


def _headers(properties: Properties) -> Table:
    try:
        return properties.headers()
    except TableError as error:
        raise AmqpFault(SYNTAX_ERROR, str(error)) from None


def _other_header(data: bytes, at: i64) -> str:
    """What a content header of another class, or with a weight, is refused with."""
    number = read_u16(data, at)
    got = "non content header frame" if number == CLASS_BASIC else f"one for class {number}"
    return f"expected content header for class 60, got {got} instead"
