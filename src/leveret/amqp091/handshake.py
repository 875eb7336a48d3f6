"""From the protocol header to connection.open: version, login, tuning, vhost.

::

    client                      broker
    AMQP 0 0 9 1            ->
                            <-  connection.start
    connection.start-ok     ->  (login)
                            <-  connection.tune
    connection.tune-ok      ->
    connection.open         ->
                            <-  connection.open-ok

Behaviour: RabbitMQ 4.3, "Connections", and its refusals' texts.
"""

import platform
from typing import Final, final

from leveret.amqp091.arguments import Arguments, MethodFrame
from leveret.amqp091.context import Context
from leveret.amqp091.outbox import Outbox
from leveret.amqp091.replies import AmqpFault
from leveret.amqp091.spec import (
    ACCESS_REFUSED,
    CHANNEL_ERROR,
    COMMAND_INVALID,
    CONNECTION_OPEN,
    CONNECTION_OPEN_OK,
    CONNECTION_START,
    CONNECTION_START_OK,
    CONNECTION_TUNE,
    CONNECTION_TUNE_OK,
    LABEL,
    NOT_ALLOWED,
    SYNTAX_ERROR,
)
from leveret.auth.access import Access
from leveret.auth.backends import Attempt
from leveret.auth.users import User
from leveret.broker.connections import Link
from leveret.broker.node import Node
from leveret.broker.vhost import VHost
from leveret.session import Peer, Session
from leveret.sessions.entry import Entry
from leveret.tables import BOOL, LONGSTR, TABLE, Field, Table, table_of
from leveret.version import VERSION

_CAPABILITIES: Final = (
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
)
PROTOCOL: Final = "AMQP 0-9-1"
# Clients choose their behaviour by product and version.  Celery's workers raise their prefetch
# while they run, for tasks with an ETA: they can only with RabbitMQ from 3.3 to 3.13, whose global
# prefetch counts for the whole channel, as it does here.
_PRODUCT: Final = "RabbitMQ"
_VERSION: Final = "3.13.7"


class LoginRefused(AmqpFault):
    """The login failed, for a ``reason`` that only the log is told.

    A client that does not understand the refusal is cut off instead.
    """

    def __init__(self, mechanism: str, reason: str) -> None:
        super().__init__(
            ACCESS_REFUSED,
            f"Login was refused using authentication mechanism {mechanism}. "
            "For details see the broker logfile.",
        )
        self.reason: Final = reason


@final
class Handshake:
    """The opening of one connection.  ``is_open`` once connection.open was accepted.

    ``frame_max``, ``channel_max`` and ``heartbeat_s`` are what was agreed on.
    """

    def __init__(self, node: Node, peer: Peer, outbox: Outbox) -> None:
        self._node: Final = node
        self._peer: Final = peer
        self._outbox: Final = outbox
        self._awaited = CONNECTION_START_OK
        self._mechanisms: Final = node.sasl.offered(peer)
        # Kept while the login waits for a decision from outside.
        self._attempt: Attempt | None = None
        self._entry: Final = Entry(node, peer, PROTOCOL, LABEL)
        self.client_properties: Table = {}
        self.frame_max = node.settings.frame_max
        self.channel_max = node.settings.channel_max
        self.heartbeat_s = 0
        self.is_open = False

    def start(self) -> None:
        """Offer the connection: called once the protocol header came."""
        capabilities: dict[str, object] = dict.fromkeys(_CAPABILITIES, True)
        properties: dict[str, object] = {
            "capabilities": capabilities,
            "cluster_name": self._node.global_parameters.values.get("cluster_name"),
            "copyright": "The Leveret authors",
            "information": "Leveret, a broker that behaves like the product and version named here",
            "platform": f"Python {platform.python_version()}",
            "product": _PRODUCT,
            "version": _VERSION,
            "leveret": VERSION,
        }
        frame = MethodFrame(CONNECTION_START).octet(0).octet(9).table(table_of(properties))
        offered = " ".join(self._mechanisms).encode()
        self._outbox.send(0, frame.longstr(offered).longstr(b"en_US"))

    @property
    def client(self) -> str:
        """What the client says it is, with a space in front, for the log; may be empty."""
        words = [self._property(name) for name in ("connection_name", "product", "version")]
        said = " ".join([word for word in words if word])[:120]
        return f" by {said}" if said else ""

    def _property(self, name: str) -> str:
        field = self.client_properties.get(name)
        return str(field.value) if field is not None and field.kind == LONGSTR else ""

    @property
    def user(self) -> User | None:
        """Who has logged in; None before."""
        return self._entry.user

    @property
    def access(self) -> Access | None:
        """What the user may do in the vhost; None before that was entered."""
        return self._entry.access

    @property
    def vhost(self) -> VHost | None:
        """What was entered; None before."""
        return self._entry.vhost

    def has_capability(self, name: str) -> bool:
        """Whether the client said that it understands ``name``."""
        capabilities = self.client_properties.get("capabilities")
        if capabilities is None or capabilities.kind != TABLE:
            return False
        assert isinstance(capabilities.value, dict)
        field = capabilities.value.get(name)
        return isinstance(field, Field) and field.kind == BOOL and field.value is True

    def on_method(self, method: int, arguments: Arguments) -> None:
        """Take the next step.  Raises AmqpFault; LoginRefused when the login is wrong."""
        if method != self._awaited:
            raise AmqpFault(CHANNEL_ERROR, "unexpected method in connection state opening")
        if method == CONNECTION_START_OK:
            self._on_start_ok(arguments)
        elif method == CONNECTION_TUNE_OK:
            self._on_tune_ok(arguments)
        else:
            self._on_open(arguments)

    def _on_start_ok(self, arguments: Arguments) -> None:
        self.client_properties = arguments.table()
        mechanism = arguments.shortstr()
        response = arguments.longstr()
        arguments.shortstr()
        arguments.end()
        if self._attempt is None:
            self._attempt = self._begin(mechanism, response)
        self._finish(self._attempt)
        self._attempt = None
        settings = self._node.settings
        frame = MethodFrame(CONNECTION_TUNE).short(settings.channel_max)
        self._outbox.send(0, frame.long(settings.frame_max).short(settings.heartbeat_s))
        self._awaited = CONNECTION_TUNE_OK

    def _begin(self, mechanism: str, response: bytes) -> Attempt:
        """The login that the client asks for.  Raises AmqpFault when it is not to be understood."""
        if mechanism not in self._mechanisms:
            raise AmqpFault(COMMAND_INVALID, f"unknown authentication mechanism '{mechanism}'")
        credentials = self._node.sasl.read(mechanism, response, self._peer)
        if credentials is None:
            raise AmqpFault(SYNTAX_ERROR, f"the {mechanism} response is malformed")
        return Attempt(credentials, mechanism, self._peer)

    def _finish(self, attempt: Attempt) -> None:
        """Log in as the back ends allow it.  Raises LoginRefused, Pending."""
        failure = self._entry.log_in(attempt)
        if failure is not None:
            raise LoginRefused(attempt.mechanism, failure.reason)

    def _on_tune_ok(self, arguments: Arguments) -> None:
        settings = self._node.settings
        channel_max = arguments.short()
        frame_max = arguments.long()
        self.heartbeat_s = arguments.short()
        arguments.end()
        _check_limit("channel_max", channel_max, settings.channel_max, 1)
        _check_limit("frame_max", frame_max, settings.frame_max, settings.min_frame_max)
        self.channel_max = channel_max
        self.frame_max = frame_max
        self._awaited = CONNECTION_OPEN

    def _on_open(self, arguments: Arguments) -> None:
        name = arguments.shortstr()
        arguments.shortstr()
        arguments.octet()
        arguments.end()
        self._entry.enter(name)
        self.is_open = True
        self._outbox.send(0, MethodFrame(CONNECTION_OPEN_OK).shortstr(""))

    # --- once it is open -------------------------------------------------------------------

    def context(self, outbox: Outbox, owner_id: int) -> Context:
        """What the channels of the connection that was opened share."""
        assert self.vhost is not None
        assert self.access is not None
        settings = self._node.settings
        context = Context(
            self.vhost,
            self.access,
            outbox,
            owner_id,
            settings.max_message_size,
            self.has_capability("consumer_cancel_notify"),
            settings.consumer_max_per_channel,
        )
        context.wants_blocked = self.has_capability("connection.blocked")
        return context

    def link(self, connection_id: int, session: Session) -> Link:
        """How the node knows the connection that was opened."""
        link = self._entry.link(connection_id, session)
        link.client_properties = self.client_properties
        link.frame_max = self.frame_max
        link.channel_max = self.channel_max
        link.heartbeat_s = self.heartbeat_s
        return link

    def renew(self, secret: bytes) -> None:
        """Take new credentials for the same user.  Raises NotAllowed, Pending."""
        self._entry.renew(secret)


def _check_limit(name: str, value: int, high: int, low: int) -> None:
    """Refuse what a tune-ok asks for beyond the server's limits."""
    if value == 0 and high != 0:
        raise AmqpFault(
            NOT_ALLOWED,
            f"negotiated {name} = 0 (no limit) is higher than the maximum allowed value ({high})",
        )
    if value > high:
        raise AmqpFault(
            NOT_ALLOWED,
            f"negotiated {name} = {value} is higher than the maximum allowed value ({high})",
        )
    if value < low:
        raise AmqpFault(
            NOT_ALLOWED,
            f"negotiated {name} = {value} is lower than the minimum allowed value ({low})",
        )
