"""From queues to a client: QoS 0, 1 and 2, packet identifiers, and what is sent again.

::

    QoS 1   PUBLISH ──▶  ◀── PUBACK
    QoS 2   PUBLISH ──▶  ◀── PUBREC  ──▶ PUBREL  ◀── PUBCOMP

A message is settled, and gone from its queue, with PUBACK or PUBCOMP: many clients hand on a
message of QoS 2 only when PUBREL has come.  What a connection leaves behind stays with the
`Client`, unacknowledged, and is sent again over the next, in the same order and with the same
identifiers.  After a restart of the broker the queue has it again, and again it gets the same; and
the queue knows for which of them PUBREC has come.
Source: MQTT 5.0, sections 4.3, 4.4 and 4.9.
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.broker.consumer import Consumer
from leveret.broker.facts import consumer_facts
from leveret.broker.message import Message
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.vhost import VHost
from leveret.mqtt.aliases import AliasesOut
from leveret.mqtt.codes import (
    FAILURE,
    PACKET_IDENTIFIER_NOT_FOUND,
    PUBREL,
    VERSION_5,
)
from leveret.mqtt.encoder import Encoder, encoder_of
from leveret.mqtt.packets import ack, publish_flags, publish_size, write_publish
from leveret.mqtt.properties import TOPIC_ALIAS, PropertyWriter
from leveret.mqtt.state import AWAIT_PUBACK, AWAIT_PUBCOMP, AWAIT_PUBREC, Client, Flight
from leveret.mqtt.subscriptions import STRANGE, Subscriptions, Verdict
from leveret.mqtt.view import MqttView
from leveret.sessions.output import COPY_OCTETS, Output
from leveret.sessions.promises import Promiser, Promises
from leveret.sessions.reading import Reading

# The sender of a message that was retained, and is sent because somebody has subscribed.
RETAINED: Final = -1
_NO_QUEUES: Final[list[Queue]] = []


@final
class Delivery(Promiser):
    """Sends one connection what its queues hand out.

    ``out_count`` are the messages of QoS 1 and 2 that were sent over this connection and are not
    done: at most ``_window``.  ``_resend`` is what an earlier connection has left, the first last.
    Invariant: while ``_resend`` is not empty, nothing new of QoS 1 or 2 is sent.
    """

    def __init__(
        self, node: Node, client: Client, output: Output, view: MqttView, version: int
    ) -> None:
        super().__init__()
        self._client: Final = client
        self._vhost: Final[VHost] = client.vhost
        # The PUBRELs that are owed.
        self._promises: Final = Promises(client.vhost.ledger, self)
        self.output: Final = output
        self._view: Final = view
        self._version: Final = version
        self._encoder: Final[Encoder] = encoder_of(node)
        self.subscriptions: Final = Subscriptions()
        self.reading: Final = Reading(client.vhost, view)
        self._window = 65535
        self._size_max = 0
        self._aliases: AliasesOut | None = None
        self.out_count = 0
        self._resend: list[Flight] = []
        self.consumers: Final[list[SessionConsumer]] = []
        # Somebody deleted a queue that was read from.
        self.has_lost = False
        # Queues to be asked once the input at hand is handled.
        self._to_dispatch: list[Queue] = []

    def agree(self, window: int, size_max: int, alias_maximum: int) -> None:
        """What the client takes: so many messages at once, packets so large, so many aliases."""
        self._window = window
        self._size_max = size_max
        if alias_maximum > 0:
            self._aliases = AliasesOut(alias_maximum)

    # --- consumers -------------------------------------------------------------------------

    def consume(self, queue: Queue, is_acked: bool, verdict: Verdict | None = None) -> None:
        """Read from ``queue``: all that comes is sent as ``verdict`` says, if that is given.

        Raises AccessRefused when somebody else has it for itself.
        """
        consumer = SessionConsumer(queue, is_acked, self, verdict)
        consumer.channel = self._view
        consumer.prefetch_count = self._window if is_acked else 0
        consumer.tally = self.reading.tally(queue)
        self._vhost.consume(queue, consumer)
        self.consumers.append(consumer)
        self._tell("consumer.created", consumer)
        self.dispatch_later(queue)

    def reads(self, queue: Queue) -> bool:
        """Whether ``queue`` is read from."""
        return queue in [consumer.queue for consumer in self.consumers]

    def cancel(self, queue: Queue) -> None:
        """Read from ``queue`` no more."""
        for consumer in self.consumers[:]:
            if consumer.queue is queue:
                self.consumers.remove(consumer)
                self._vhost.cancel(queue, consumer)
                self._tell("consumer.deleted", consumer)

    def forget(self, consumer: "SessionConsumer") -> None:
        """Its queue is gone, though the session is not."""
        if consumer in self.consumers:
            self.consumers.remove(consumer)
            self.has_lost = True
            self._tell("consumer.deleted", consumer)

    def end(self) -> None:
        """The connection is gone: what is on its way stays with the client."""
        consumers = self.consumers[:]
        self.consumers.clear()
        for consumer in consumers:
            self._vhost.cancel(consumer.queue, consumer)
            self._tell("consumer.deleted", consumer)
        self._to_dispatch = []
        self._resend = []
        self._promises.end()
        self.reading.end()

    def _tell(self, event: str, consumer: "SessionConsumer") -> None:
        events = self._vhost.events
        if not events.is_heard:
            return
        facts: dict[str, object] = {
            "consumer_tag": consumer.tag,
            "channel": self._view.name,
            "vhost": self._vhost.name,
            "queue": consumer.queue.name,
            "user_who_performed_action": self._view.user,
        }
        if event == "consumer.created":
            facts |= consumer_facts(consumer, consumer.prefetch_count)
        events.tell(event, facts)

    def dispatch_later(self, queue: Queue) -> None:
        """There may be something to send from ``queue``."""
        self._to_dispatch.append(queue)

    def dispatch(self) -> None:
        """Send what there is, as far as there is room."""
        while self._to_dispatch:
            queues = self._to_dispatch
            self._to_dispatch = []
            for queue in queues:
                queue.dispatch()

    def room_again(self) -> None:
        """The socket takes more."""
        if self._resend:
            self._send_again()
        self._wake()

    def _wake(self) -> None:
        """Consumers may have room again."""
        for consumer in self.consumers:
            if consumer.is_parked:
                consumer.queue.unpark(consumer)
                self._to_dispatch.append(consumer.queue)

    def has_window(self) -> bool:
        """Whether one more message of QoS 1 or 2 may be sent.  Hot."""
        return self.out_count < self._window and not self._resend

    # --- new messages ----------------------------------------------------------------------

    def send_plain(self, message: Message) -> bool:
        """Send ``message`` with QoS 0, as everybody gets it.  False if it is to be looked at."""
        encoder = self._encoder
        if self._version == VERSION_5:
            if self._aliases is not None:
                return False
            octets = encoder.packet_5(message)
            if 0 < self._size_max < len(octets):
                return True
        else:
            octets = encoder.packet(message)
        if message.origin.sender < 0:
            return False
        if encoder.topic(message.origin) and encoder.is_reserved:
            return False
        output = self.output
        if len(octets) <= COPY_OCTETS:
            output.writer.write(octets)
        else:
            output.write_part(octets)
        output.ring()
        return True

    def verdict(self, message: Message) -> Verdict:
        """How ``message``, which one of the session's own queues has, is to be sent."""
        origin = message.origin
        return self.subscriptions.verdict(origin.routing_key, origin.sender == self._client.number)

    def send_unacked(self, message: Message, verdict: Verdict) -> None:
        """Send ``message`` with QoS 0, if it fits."""
        outgoing = self._encoder.outgoing(message.properties)
        is_retained = message.origin.sender == RETAINED or (
            verdict.is_retain_as_published and outgoing.is_retained
        )
        self._write(publish_flags(0, is_retained, False), 0, message, verdict)

    def send_acked(
        self, consumer: "SessionConsumer", message: Message, offset: int, redelivered: bool
    ) -> None:
        """Send ``message`` with the QoS it has, or less, and settle what needs no answer."""
        verdict = consumer.verdict
        if verdict is None:
            verdict = self.verdict(message)
        qos = min(self._encoder.outgoing(message.properties).qos, verdict.qos)
        if not verdict.is_wanted or qos == 0:
            if verdict.is_wanted and not self._is_elsewhere(consumer, message, verdict):
                self.send_unacked(message, verdict)
            consumer.queue.settle(offset)
            consumer.tally.ack += 1
            return
        client = self._client
        packet_id = client.packet_id(offset)
        flight = Flight(packet_id, qos, consumer.queue, message, offset, verdict)
        flight.is_shared = consumer.verdict is not None
        if redelivered and qos == 2 and consumer.queue.is_marked(offset):
            flight.awaits = AWAIT_PUBCOMP
            self._owe_pubrel(packet_id)
        elif not self._send_flight(flight, redelivered):
            # Too large for the client: as good as delivered.
            consumer.queue.settle(offset)
            return
        consumer.queue.unacked_octets += len(message.body)
        client.flights[packet_id] = flight
        self.out_count += 1
        consumer.unacked_count += 1

    def _is_elsewhere(
        self, consumer: "SessionConsumer", message: Message, verdict: Verdict
    ) -> bool:
        """Whether a message of the queue for QoS 1 is for subscriptions with QoS 0 only.

        Those have it from the other queue.  It is here for a wildcard that does not match it: or
        for a subscription that was replaced meanwhile, and then it is not there.
        """
        if consumer.verdict is not None or verdict.qos > 0:
            return False
        return message.origin.routing_key.startswith("$")

    def _send_flight(self, flight: Flight, is_duplicate: bool) -> bool:
        message = flight.message
        verdict = flight.verdict
        is_retained = message.origin.sender == RETAINED or (
            verdict.is_retain_as_published
            and self._encoder.outgoing(message.properties).is_retained
        )
        first = publish_flags(flight.qos, is_retained, is_duplicate)
        return self._write(first, flight.packet_id, message, verdict)

    def _write(self, first: int, packet_id: int, message: Message, verdict: Verdict) -> bool:
        """Add a PUBLISH.  False when it is larger than the client takes."""
        topic = self._encoder.topic(message.origin)
        properties: bytes | None = None
        if self._version == VERSION_5:
            properties = self._encoder.properties(message)
            if verdict.identifiers:
                properties += verdict.identifiers
            if self._aliases is not None:
                alias = self._aliases.alias(topic)
                if alias > 0:
                    writer = PropertyWriter()
                    writer.number(TOPIC_ALIAS, alias)
                    properties += writer.octets()
                    if not self._aliases.is_new:
                        topic = b""
        body = message.body
        if 0 < self._size_max < publish_size(topic, packet_id, properties, len(body)):
            if self._aliases is not None and topic:
                # The client has not been told of it.
                self._aliases.forget(topic)
            return False
        if len(body) <= COPY_OCTETS:
            write_publish(self.output.writer, first, topic, packet_id, properties, body)
        else:
            out = BytesWriter()
            write_publish(out, first, topic, packet_id, properties, body)
            self.output.write_part(out.getvalue())
        self.output.ring()
        return True

    def trace(self, message: Message, queue: Queue, redelivered: bool) -> None:
        """Tell the firehose, if it listens."""
        if self._vhost.is_traced:
            view = self._view
            self._vhost.firehose.tap_out(
                message, queue.name, redelivered, view.name, view.number, view.user
            )

    # --- what was left ---------------------------------------------------------------------

    def resume(self) -> None:
        """Send again what an earlier connection has left, as far as the client takes it now."""
        self._resend = list(self._client.flights.values())
        self._resend.reverse()
        for flight in self._resend:
            flight.is_out = False
            for consumer in self.consumers:
                if flight.queue is consumer.queue and not flight.is_settled:
                    consumer.unacked_count += 1
        self._send_again()

    def _send_again(self) -> None:
        flights = self._resend
        while flights and self.out_count < self._window and self.output.has_room():
            flight = flights.pop()
            if self._client.flights.get(flight.packet_id) is not flight:
                # The client has answered for it before it came again.
                continue
            if flight.awaits == AWAIT_PUBCOMP:
                self._owe_pubrel(flight.packet_id)
            elif not self._send_flight(flight, True):
                del self._client.flights[flight.packet_id]
                self._settle(flight)
                continue
            flight.is_out = True
            self.out_count += 1
        if not flights:
            self._wake()

    # --- answers ---------------------------------------------------------------------------

    def on_puback(self, packet_id: int) -> None:
        """The client has a message of QoS 1.  Hot."""
        flight = self._client.flights.get(packet_id)
        if flight is not None and flight.awaits == AWAIT_PUBACK:
            self._settle(flight)
            self._done(flight)

    def on_pubrec(self, packet_id: int, reason: int) -> None:
        """The client has a message of QoS 2, or does not want it."""
        flight = self._client.flights.get(packet_id)
        if flight is None or flight.awaits == AWAIT_PUBACK:
            if reason < FAILURE:
                self._send_pubrel(packet_id, PACKET_IDENTIFIER_NOT_FOUND)
            return
        if reason >= FAILURE:
            self._settle(flight)
            self._done(flight)
            return
        if flight.awaits == AWAIT_PUBREC:
            flight.awaits = AWAIT_PUBCOMP
            if not flight.is_shared:
                flight.queue.mark(flight.offset)
        self._owe_pubrel(packet_id)

    def _owe_pubrel(self, packet_id: int) -> None:
        """Send PUBREL once it is on the disk that the client has the message.

        Else the message would come again after a crash, and the client not know it any more.
        """
        owed = 0
        ledger = self._vhost.ledger
        if ledger is not None and ledger.journal.owed > ledger.journal.safe:
            owed = ledger.journal.owed
        self._promises.add(packet_id, owed, _NO_QUEUES)
        self.output.ring()

    def keep_promise(self, token: int) -> None:
        """Send a PUBREL that was owed."""
        self.output.writer.write(ack(PUBREL, token))

    def promises_kept(self) -> None:
        """PUBRELs were added though no input came: send them."""
        self.output.ring()

    def _send_pubrel(self, packet_id: int, reason: int) -> None:
        self.output.send_octets(ack(PUBREL, packet_id, reason, b"", self._version))

    def on_pubcomp(self, packet_id: int) -> None:
        """The client has let go of an identifier."""
        flight = self._client.flights.get(packet_id)
        if flight is not None and flight.awaits == AWAIT_PUBCOMP:
            self._settle(flight)
            self._done(flight)

    def _settle(self, flight: Flight) -> None:
        queue = flight.queue
        flight.settle()
        for consumer in self.consumers:
            if consumer.queue is queue:
                consumer.unacked_count -= 1
                consumer.tally.ack += 1

    def _done(self, flight: Flight) -> None:
        """Its identifier is free again, and there is room for another."""
        del self._client.flights[flight.packet_id]
        if flight.is_out:
            self.out_count -= 1
        if self._resend:
            self._send_again()
        else:
            self._wake()


@final
class SessionConsumer(Consumer):
    """Reads one queue of a session; ``verdict`` says how to send what comes, if it is known."""

    def __init__(
        self, queue: Queue, is_acked: bool, delivery: Delivery, verdict: Verdict | None
    ) -> None:
        super().__init__("mqtt", not is_acked, False, 0, {})
        self.queue: Final = queue
        self.verdict: Final = verdict
        self._delivery: Final = delivery
        self._output: Final = delivery.output
        self._subscriptions: Final = delivery.subscriptions

    def has_room(self) -> bool:
        """Whether the socket, and the client's receive maximum, allow one more."""
        if not self._output.has_room():
            return False
        return self.no_ack or self._delivery.has_window()

    def is_stuck(self) -> bool:
        """Whether the client does not read what it was sent."""
        return self._output.is_paused

    def deliver(self, message: Message, offset: int, redelivered: bool) -> None:
        """Send one message."""
        delivery = self._delivery
        if redelivered:
            self.tally.redeliver += 1
        if not self.no_ack:
            self.tally.deliver += 1
            delivery.send_acked(self, message, offset, redelivered)
        else:
            self.tally.deliver_no_ack += 1
            is_plain = self.verdict is None and self._subscriptions.is_plain
            if not is_plain or not delivery.send_plain(message):
                self._deliver_unacked(message)
        delivery.trace(message, self.queue, redelivered)

    def _deliver_unacked(self, message: Message) -> None:
        verdict = self.verdict
        if verdict is None:
            verdict = self._delivery.verdict(message)
            if verdict.qos > 0 and verdict is not STRANGE:
                # The other queue has it too, for a subscription with a higher QoS.
                return
        if verdict.is_wanted:
            self._delivery.send_unacked(message, verdict)

    def cancelled(self) -> None:
        """The queue is gone."""
        self._delivery.forget(self)
