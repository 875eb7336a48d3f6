"""From a client's PUBLISH to messages in queues, and the answers: PUBACK, PUBREC, PUBCOMP.

::

    QoS 1   PUBLISH ──▶  (the message is safe)  ◀── PUBACK
    QoS 2   PUBLISH ──▶  (the message is safe)  ◀── PUBREC   PUBREL ──▶  ◀── PUBCOMP

Hot.  A topic is recognised by its octets, and what it resolves to is kept until the topology or
the user's rights change.  A packet identifier of QoS 2 is remembered from PUBLISH to PUBREL, over
any number of connections, so that its message is taken in once.
Source: MQTT 5.0, sections 3.3, 4.3 and 4.6.  Differs from RabbitMQ, where QoS 2 is as 1.
"""

from typing import Final, final

from leveret.auth.rights import Pending
from leveret.broker.message import Message
from leveret.broker.node import Node
from leveret.broker.properties import Properties
from leveret.broker.queue import Queue
from leveret.errors import AccessRefused, BrokerError, NotFound
from leveret.mqtt.aliases import AliasesIn
from leveret.mqtt.codes import (
    NO_MATCHING_SUBSCRIBERS,
    NOT_AUTHORIZED,
    PACKET_IDENTIFIER_NOT_FOUND,
    PROTOCOL_ERROR,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    QUOTA_EXCEEDED,
    RETAIN_NOT_SUPPORTED,
    SUCCESS,
    UNSPECIFIED_ERROR,
    VERSION_5,
    MqttFault,
)
from leveret.mqtt.convert import Incoming, Plain
from leveret.mqtt.filters import routing_key
from leveret.mqtt.packets import Publish, ack, topic_name
from leveret.mqtt.properties import TOPIC_ALIAS, read_packet_properties
from leveret.mqtt.reasons import Reasons
from leveret.mqtt.received import UNKNOWN, Received
from leveret.mqtt.retained import retained_of
from leveret.mqtt.state import Client
from leveret.mqtt.sys_topics import is_sys
from leveret.octets import write_u16
from leveret.session import LEVEL
from leveret.sessions.output import Output
from leveret.sessions.promises import Promiser, Promises
from leveret.sessions.publisher import Publisher
from leveret.sessions.routes import Route, Routes
from leveret.sessions.waiting import AlarmWait

# What properties say is remembered for so many, if they are not large.
_MAX_KNOWN: Final = 64
_MAX_OCTETS: Final = 512
# So many answers may be owed; a client that has more publishes on their way waits.
_MAX_OWED: Final = 65535
_PLAIN: Final = Plain()
_NO_QUEUES: Final[list[Queue]] = []
# An answer that is owed: its packet identifier, and above that its type and reason.
_KIND_SHIFT: Final = 16
_REASON_SHIFT: Final = 20
# The size of an answer with a reason code, and no words.
_ACK_OCTETS: Final = 5


@final
class Publishing(Promiser):
    """Publishes for one connection."""

    def __init__(
        self,
        node: Node,
        client: Client,
        output: Output,
        publisher: Publisher,
        received: Received,
        version: int,
    ) -> None:
        super().__init__()
        self._received: Final = received
        self._node: Final = node
        self._alarms: Final = node.alarms
        self._client: Final = client
        self._output: Final = output
        self._publisher: Final = publisher
        self._version: Final = version
        self._exchange: Final = node.settings.mqtt_exchange
        self._retained: Final = retained_of(node)
        # Only with MQTT 5 were clients told that there is no store.
        has_none = node.settings.mqtt_retained_store == "none"
        self._refuses_retained: Final = has_none and version == VERSION_5
        self._promises: Final = Promises(client.vhost.ledger, self)
        self._routes: Final = Routes()
        self._last_topic = b""
        self._last_route: Route | None = None
        self._aliases: AliasesIn | None = None
        self._known: dict[bytes, Incoming] = {}
        self._reasons = Reasons(False, 0)
        # Why publishes were refused whose answers are owed.
        self._texts: Final[dict[int, str]] = {}

    def agree(self, reasons: Reasons) -> None:
        """How much is said to the client in words."""
        self._reasons = reasons

    # --- what comes ------------------------------------------------------------------------

    def on_publish(self, publish: Publish) -> None:
        """Take a message in.  Raises MqttFault, Pending.  Hot."""
        if self._alarms.is_set:
            raise Pending(AlarmWait(self._alarms))
        if publish.properties:
            self._take_properties(publish)
            return
        route = self._last_route
        topic = publish.topic
        # To compare with the last one is faster than to hash it, and most have only one.
        if route is None or topic != self._last_topic:
            route = self._route(topic)
        properties = _PLAIN.properties(int(publish.qos), publish.is_retained)
        self._publish(publish, route, properties)

    def _route(self, topic: bytes) -> Route:
        """The route of messages to ``topic``.  Raises MqttFault."""
        route = self._routes.find(topic)
        if route is None:
            name = topic_name(topic)
            if name == "":
                raise MqttFault(PROTOCOL_ERROR, "PUBLISH without a topic")
            route = Route(self._exchange, routing_key(name), False, self._client.number)
            self._routes.remember(topic, route)
        self._last_topic = topic
        self._last_route = route
        return route

    def _take_properties(self, publish: Publish) -> None:
        octets = publish.properties
        incoming = self._known.get(octets)
        if incoming is None:
            incoming = Incoming(read_packet_properties(octets, PUBLISH))
            if len(octets) <= _MAX_OCTETS:
                if len(self._known) >= _MAX_KNOWN:
                    self._known.clear()
                self._known[octets] = incoming
        packet = incoming.packet
        topic = publish.topic
        if packet.has(TOPIC_ALIAS):
            aliases = self._aliases
            if aliases is None:
                aliases = AliasesIn(self._node.settings.mqtt_topic_alias_maximum)
                self._aliases = aliases
            topic = aliases.topic(packet.number(TOPIC_ALIAS, 0), topic)
        now_s = self._node.clock.unix_s()
        properties = incoming.properties(int(publish.qos), publish.is_retained, now_s)
        self._publish(publish, self._route(topic), properties)

    def _publish(self, publish: Publish, route: Route, properties: Properties) -> None:
        qos = publish.qos
        packet_id = int(publish.packet_id)
        if qos == 2 and packet_id in self._client.incoming:
            self._answer_again(packet_id)
            return
        if publish.is_retained and self._refuses_retained:
            raise MqttFault(RETAIN_NOT_SUPPORTED, "nothing is retained here (mqtt_retained_store)")
        publisher = self._publisher
        try:
            if not publisher.is_current(route):
                self._resolve(route)
            if qos == 2:
                self._received.prepare()
            message = publisher.send(route, properties, publish.body, qos > 0)
        except BrokerError as refusal:
            self._refuse(refusal, int(qos), packet_id)
            return
        if publish.is_retained:
            self._retain(message)
        if qos > 0:
            self._answer(int(qos), packet_id)

    def _resolve(self, route: Route) -> None:
        """Look up where messages of ``route`` go.  Raises refusals, Pending."""
        if is_sys(route.origin.routing_key):
            raise AccessRefused("$SYS topics are the broker's own: nobody else publishes to them")
        self._publisher.resolve(route)

    def _retain(self, message: Message) -> None:
        """Keep ``message`` for those who subscribe later."""
        vhost = self._client.vhost
        if not self._retained.store.put(vhost, message):
            topic = message.origin.routing_key
            self._node.notices.warn(f"no room to retain the message of topic '{topic}'")

    def on_pubrel(self, packet_id: int) -> None:
        """The client lets go of an identifier of QoS 2."""
        owed = self._received.release(packet_id)
        if owed == UNKNOWN:
            # Perhaps it was released over an earlier connection, and the disk has that not yet.
            self._owe(PUBCOMP, packet_id, PACKET_IDENTIFIER_NOT_FOUND, self._unsafe, _NO_QUEUES)
        else:
            self._owe(PUBCOMP, packet_id, SUCCESS, owed, _NO_QUEUES)

    # --- answers ---------------------------------------------------------------------------

    def _answer(self, qos: int, packet_id: int) -> None:
        """Answer for the message sent last, once it is safe."""
        publisher = self._publisher
        kind = PUBACK if qos == 1 else PUBREC
        if not publisher.is_accepted:
            # Before MQTT 5 there are no words for it; the client may try again.
            if self._version == VERSION_5:
                why = "a queue refused the message"
                self._owe_refusal(kind, packet_id, QUOTA_EXCEEDED, publisher.owed, why)
            return
        owed = publisher.owed
        queues = publisher.routing.queues
        if qos == 2:
            owed = self._received.take(packet_id, owed)
            # That the message was consumed is not enough: its identifier must be safe.
            queues = _NO_QUEUES
        is_routed = self._version != VERSION_5 or publisher.is_routed
        reason = SUCCESS if is_routed else NO_MATCHING_SUBSCRIBERS
        self._owe(kind, packet_id, reason, owed, queues)

    def _owe(self, kind: int, packet_id: int, reason: int, owed: int, queues: list[Queue]) -> None:
        if owed == 0 and len(self._promises) == 0:
            self._write(kind, packet_id, reason)
            self._output.ring()
            return
        self._promises.add(_token(kind, packet_id, reason), owed, queues)

    def _owe_refusal(self, kind: int, packet_id: int, reason: int, owed: int, why: str) -> None:
        if self._version == VERSION_5:
            self._texts[_token(kind, packet_id, reason)] = why
        self._owe(kind, packet_id, reason, owed, _NO_QUEUES)

    def _answer_again(self, packet_id: int) -> None:
        """A message that is known comes again: answer again, but not before it is safe."""
        ledger = self._client.vhost.ledger
        is_safe = ledger is None or self._client.incoming[packet_id] <= ledger.journal.safe
        owed = 0 if is_safe else self._unsafe
        self._owe(PUBREC, packet_id, SUCCESS, owed, _NO_QUEUES)

    @property
    def _unsafe(self) -> int:
        """The batch that must be on the disk for all that was written so far to be, 0 for none."""
        ledger = self._client.vhost.ledger
        if ledger is None or ledger.journal.owed <= ledger.journal.safe:
            return 0
        return ledger.journal.owed

    def keep_promise(self, token: int) -> None:
        """Give an answer that was owed."""
        kind = token >> _KIND_SHIFT & 15
        self._write(kind, token & 0xFFFF, token >> _REASON_SHIFT)

    def _write(self, kind: int, packet_id: int, reason: int) -> None:
        out = self._output.writer
        if reason == SUCCESS or self._version != VERSION_5:
            out.append(kind << 4)
            out.append(2)
            write_u16(out, packet_id)
        else:
            why = b""
            if self._texts:
                text = self._texts.pop(_token(kind, packet_id, reason), "")
                why = self._reasons.of(text, _ACK_OCTETS)
            out.write(ack(kind, packet_id, reason, why))

    def promises_kept(self) -> None:
        """Answers were given though no input came: send them."""
        self._output.ring()

    @property
    def owes_much(self) -> bool:
        """Whether so many answers are owed that the client has to wait."""
        return len(self._promises) >= _MAX_OWED

    # --- refusals --------------------------------------------------------------------------

    def _refuse(self, refusal: BrokerError, qos: int, packet_id: int) -> None:
        """The client may not publish this.  Raises MqttFault where that ends the connection.

        Behaviour: RabbitMQ 4.3, "MQTT Plugin", "disconnect_on_unauthorized".
        """
        is_unauthorized = isinstance(refusal, (AccessRefused, NotFound))
        reason = NOT_AUTHORIZED if is_unauthorized else UNSPECIFIED_ERROR
        if self._node.settings.mqtt_disconnect_on_unauthorized:
            raise MqttFault(reason, refusal.detail)
        if qos > 0:
            kind = PUBACK if qos == 1 else PUBREC
            self._owe_refusal(kind, packet_id, reason, 0, refusal.detail)

    # --- the connection itself -------------------------------------------------------------

    def lead(self) -> int:
        """Whether what was published last piles up where it goes to."""
        return self._last_route.lead() if self._last_route is not None else LEVEL

    def end(self) -> None:
        """The connection is gone."""
        self._promises.end()
        self._received.end()
        self._publisher.end()


def _token(kind: int, packet_id: int, reason: int) -> int:
    """What an answer is called while it is owed."""
    return packet_id | kind << _KIND_SHIFT | reason << _REASON_SHIFT
