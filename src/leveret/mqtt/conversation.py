"""An open MQTT connection: what its packets lead to, from CONNACK to its end.

What is wrong with packets ends it: that is the session's affair.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.auth.rights import Pending
from leveret.broker.actor import Actor
from leveret.broker.connections import Link
from leveret.broker.node import Node
from leveret.errors import BrokerError
from leveret.mqtt.codes import (
    DISCONNECT_WITH_WILL,
    NOT_AUTHORIZED,
    PINGREQ,
    PROTOCOL_ERROR,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    SUCCESS,
    UNSUBSCRIBE,
    V3_SUBSCRIPTION_FAILURE,
    VERSION_5,
    VERSION_31,
    MqttFault,
)
from leveret.mqtt.connect import LABELS, Greeting
from leveret.mqtt.delivery import Delivery
from leveret.mqtt.packets import (
    PINGRESP_OCTETS,
    Farewell,
    Publish,
    check_ping,
    connack,
    plain_ack_id,
    read_ack,
    read_subscribe,
    read_unsubscribe,
    suback,
    unsuback,
)
from leveret.mqtt.properties import (
    SESSION_EXPIRY,
    SUBSCRIPTION_IDENTIFIER,
    TOPIC_ALIAS_MAXIMUM,
)
from leveret.mqtt.publishing import Publishing
from leveret.mqtt.reader import PacketReader
from leveret.mqtt.received import Received
from leveret.mqtt.state import FOREVER_S, Client, Occupant, clients_of
from leveret.mqtt.subscribing import Subscribing, reason_of
from leveret.mqtt.view import MqttView
from leveret.mqtt.wills import LastWill
from leveret.session import Session
from leveret.sessions.output import Output
from leveret.sessions.publisher import Publisher
from leveret.tables import LONGSTR, Field

# What a SUBACK or UNSUBACK has around its codes, at most.
_AROUND_CODES: Final = 8


@final
class Conversation:
    """What one connection does that has entered.

    ``link`` is how the node knows it, once it is ``is_open``.  Making one takes the client over
    from an older connection.
    """

    def __init__(
        self,
        node: Node,
        greeting: Greeting,
        output: Output,
        session: Session,
        occupant: Occupant,
        connection_id: int,
    ) -> None:
        entry = greeting.entry
        assert entry.vhost is not None
        assert entry.access is not None
        vhost = entry.vhost
        access = entry.access
        self._node: Final = node
        self._greeting: Final = greeting
        self._version: Final = greeting.version
        self._output: Final = output
        self._id: Final = connection_id
        self.link: Final[Link] = entry.link(connection_id, session)
        self._describe(self.link)
        self._publish: Final = Publish()
        client = clients_of(node).come(vhost, greeting.client_id, occupant)
        self.client: Final[Client] = client
        self._will = self._last_will()
        user = access.user.name
        view = MqttView(LABELS[greeting.version], self.link.name, user, client)
        self._view: Final = view
        publisher = Publisher(vhost, access, view, self.link.name)
        self._received: Final = Received(node, client, view)
        self._publishing: Final = Publishing(
            node, client, output, publisher, self._received, greeting.version
        )
        self._publishing.agree(greeting.reasons)
        self._delivery: Final = Delivery(node, client, output, view, greeting.version)
        view.look_at(publisher, self._delivery.reading)
        actor = Actor(vhost, access, connection_id)
        self._subscribing: Final = Subscribing(node, client, actor, self._delivery, connection_id)
        self.is_open = False
        self._is_over = False

    def _describe(self, link: Link) -> None:
        greeting = self._greeting
        link.client_properties = {
            "product": Field(LONGSTR, "MQTT client"),
            "client_id": Field(LONGSTR, greeting.client_id),
        }
        link.heartbeat_s = greeting.keep_alive_s

    def _last_will(self) -> LastWill | None:
        greeting = self._greeting
        will = greeting.connect.will
        if will is None:
            return None
        assert greeting.entry.access is not None
        return LastWill(self._node, self.client, greeting.entry.access, will, self.link.name)

    # --- opening ---------------------------------------------------------------------------

    def open(self) -> None:
        """Begin or resume the session, and say so.  Raises MqttFault, Pending: then call again."""
        greeting = self._greeting
        subscribing = self._subscribing
        client = self.client
        expiry_s = client.expiry_s
        try:
            if greeting.connect.is_clean:
                subscribing.begin_anew()
            is_present = subscribing.is_present
            client.expiry_s = greeting.expiry_s
            aliases = greeting.connect.properties.number(TOPIC_ALIAS_MAXIMUM, 0)
            self._delivery.agree(greeting.receive_maximum, greeting.size_max, aliases)
            # Its consumers send nothing before they are asked to, at the end of this chunk.
            subscribing.resume()
            self._received.resume()
        except BrokerError as refusal:
            client.expiry_s = expiry_s
            raise MqttFault(reason_of(refusal), refusal.detail) from None
        except Pending:
            # Who leaves before the answer comes must not have changed the session.
            client.expiry_s = expiry_s
            raise
        octets = connack(greeting.version, is_present, SUCCESS, greeting.answer())
        self._output.send_octets(octets)
        self.link.view = self._view
        self.is_open = True
        self._node.connections.add(self.link)
        self._delivery.resume()

    # --- packets ---------------------------------------------------------------------------

    def on_packet(self, reader: PacketReader) -> None:
        """Handle the packet that ``reader`` is at.  Raises MqttFault, Pending.  Hot."""
        kind = reader.kind
        if kind == PUBLISH:
            self._publish.split(reader, self._version)
            self._publishing.on_publish(self._publish)
        elif kind == PUBACK or kind == PUBREC or kind == PUBREL or kind == PUBCOMP:
            packet_id = plain_ack_id(reader)
            if packet_id != 0:
                self._on_ack(kind, packet_id, SUCCESS)
            else:
                ack = read_ack(reader, self._version)
                self._on_ack(kind, ack.packet_id, ack.reason)
        elif kind == SUBSCRIBE:
            self._on_subscribe(reader)
        elif kind == UNSUBSCRIBE:
            self._on_unsubscribe(reader)
        elif kind == PINGREQ:
            check_ping(reader, self._version)
            if self._output.is_held:
                # It says only that we live: it need not wait for the disk.
                self._output.send_urgent(PINGRESP_OCTETS)
            else:
                self._output.send_octets(PINGRESP_OCTETS)
        else:
            raise MqttFault(PROTOCOL_ERROR, f"a packet of type {kind} has no place here")

    def _on_ack(self, kind: i64, packet_id: int, reason: int) -> None:
        if kind == PUBACK:
            self._delivery.on_puback(packet_id)
        elif kind == PUBREC:
            self._delivery.on_pubrec(packet_id, reason)
        elif kind == PUBCOMP:
            self._delivery.on_pubcomp(packet_id)
        else:
            self._publishing.on_pubrel(packet_id)

    def _on_subscribe(self, reader: PacketReader) -> None:
        packet = read_subscribe(reader, self._version)
        identifier = packet.properties.number(SUBSCRIPTION_IDENTIFIER, 0)
        self._subscribing.why = ""
        codes = [self._subscribing.subscribe(wish, identifier) for wish in packet.wishes]
        if self._version == VERSION_31 and max(codes) >= V3_SUBSCRIPTION_FAILURE:
            # There is no way to say it in this version.
            raise MqttFault(max(codes), self._subscribing.why)
        why = self._why(len(codes))
        self._output.send_octets(suback(self._version, packet.packet_id, codes, why))
        self._subscribing.reminders.send()
        must_go = self._node.settings.mqtt_disconnect_on_unauthorized
        if must_go and NOT_AUTHORIZED in codes:
            raise MqttFault(NOT_AUTHORIZED, self._subscribing.why)

    def _why(self, code_count: int) -> bytes:
        """The property that says why the last of so many filters that was refused was."""
        why = self._subscribing.why
        return self._greeting.reasons.of(why, code_count + _AROUND_CODES) if why else b""

    def _on_unsubscribe(self, reader: PacketReader) -> None:
        packet = read_unsubscribe(reader, self._version)
        self._subscribing.why = ""
        codes = [self._subscribing.unsubscribe(text) for text in packet.filters]
        why = self._why(len(codes))
        self._output.send_octets(unsuback(self._version, packet.packet_id, codes, why))

    def on_disconnect(self, farewell: Farewell) -> None:
        """The client goes.  Raises MqttFault."""
        expiry_s = farewell.properties.number(SESSION_EXPIRY, -1)
        if expiry_s >= 0 and self._version == VERSION_5:
            if expiry_s > 0 and self.client.expiry_s == 0:
                what = "a session that was to end with its connection cannot be kept"
                raise MqttFault(PROTOCOL_ERROR, what)
            limit_s = self._node.settings.mqtt_max_session_expiry_interval_s
            self._subscribing.change_expiry(
                min(expiry_s, limit_s) if limit_s != FOREVER_S else expiry_s
            )
        if farewell.reason != DISCONNECT_WITH_WILL:
            self._will = None

    # --- around the packets ----------------------------------------------------------------

    def finish(self) -> None:
        """Do once per chunk of input what would be wasteful once per packet."""
        self._delivery.dispatch()
        vhost = self.client.vhost
        if vhost.dying:
            vhost.hold_funerals()

    def room_again(self) -> None:
        """The socket takes more."""
        self._delivery.room_again()
        self._subscribing.reminders.send()
        self.finish()

    @property
    def owes_much(self) -> bool:
        """Whether so many answers are owed that the client has to wait."""
        return self._publishing.owes_much

    @property
    def has_lost(self) -> bool:
        """Whether somebody deleted a queue of the session."""
        return self._delivery.has_lost

    def lead(self) -> int:
        """Whether what the client publishes piles up."""
        return self._publishing.lead()

    def end(self) -> None:
        """The connection is over: publish the will, if one is left, and give back all it held."""
        if self._is_over:
            return
        self._is_over = True
        vhost = self.client.vhost
        self._publishing.end()
        # Who was not let in has no say in what becomes of the session.
        self._subscribing.end(self.is_open and self.client.expiry_s == 0)
        self._view.let_go()
        vhost.connection_lost(self._id)
        if self.is_open:
            self._node.connections.remove(self.link)
            self.link.view = None
        if self._will is not None and self.is_open:
            self._will.fall_due()
        clients_of(self._node).leave(self.client, self._node.clock.now_ns())
        self.finish()
