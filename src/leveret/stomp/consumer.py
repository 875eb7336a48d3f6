"""One subscription: a message in, a MESSAGE frame out.

Hot: one call of ``deliver`` for each message and subscription.  What comes before the number of a
delivery is the same as long as messages come from the same address; so are the headers behind it
as long as messages have the same properties.

::

    MESSAGE subscription destination message-id:TAG@@SESSION@@   of the origin: ``_head``
    17
    redelivered:false  (ack:TAG@@SESSION@@17)
    content-type ...                                             of the properties: ``_lines``
    content-length:5                                             of these and the size: ``_tail``

    hello NUL LF
"""

from typing import Final, final

from leveret.broker.consumer import Consumer
from leveret.broker.facts import consumer_facts
from leveret.broker.message import Message, Origin
from leveret.broker.properties import NO_PROPERTIES, Properties
from leveret.broker.queue import Queue
from leveret.octets import write_decimal
from leveret.sessions.output import COPY_OCTETS, Output
from leveret.sessions.outstanding import Delivery, Outstanding
from leveret.stomp.channel import StompChannel
from leveret.stomp.destinations import shown_destination
from leveret.stomp.faults import VERSIONS
from leveret.stomp.headers import V1_2, escaped, frame_octets, header_line
from leveret.stomp.properties import header_lines
from leveret.tables import Table

# How the tags of subscriptions begin: those with an id, and those known by their destination.
ID_TAG: Final = "T_"
QUEUE_TAG: Final = "Q_"
SEPARATOR: Final = "@@"

AUTO: Final = 0
# One ACK answers for all messages of the subscription so far.
CLIENT: Final = 1
CLIENT_INDIVIDUAL: Final = 2

_NOWHERE: Final = Origin("", "")


@final
class SubscriptionWish:
    """What a SUBSCRIBE asks for; ``description`` is what errors call it."""

    def __init__(
        self,
        tag: str,
        description: str,
        ack_mode: int,
        prefetch: int,
        priority: int,
        arguments: Table,
    ) -> None:
        self.tag: Final = tag
        self.description: Final = description
        self.ack_mode: Final = ack_mode
        self.prefetch: Final = prefetch
        self.priority: Final = priority
        self.arguments: Final = arguments


@final
class StompConsumer(Consumer):
    """Writes deliveries into the connection's output.

    ``destination`` is what the client subscribed to.
    """

    def __init__(
        self, wish: SubscriptionWish, queue: Queue, channel: StompChannel, destination: str
    ) -> None:
        super().__init__(wish.tag, wish.ack_mode == AUTO, False, wish.priority, wish.arguments)
        self.queue: Final = queue
        self.destination: Final = destination
        self.description: Final = wish.description
        self.is_cumulative: Final = wish.ack_mode == CLIENT
        self.prefetch_count = wish.prefetch
        self.channel = channel
        self.tally = channel.reading.tally(queue)
        self._prefetch: Final = wish.prefetch
        self._owner: Final = channel
        self._output: Final[Output] = channel.output
        self._outstanding: Final[Outstanding] = channel.outstanding
        self._vhost: Final = channel.vhost
        self._version: Final = channel.version
        id_head = escaped(SEPARATOR.join([wish.tag, channel.session_name, ""]), channel.version)
        self._id_head: Final = id_head.encode("utf-8", "surrogateescape")
        shows_ack = wish.ack_mode != AUTO and channel.version == V1_2
        self._ack_head: Final = b"\nack:" + self._id_head if shows_ack else b""
        # How the ACK of a client begins that says no more than it must; "" where that is not known.
        self.ack_prefix: Final = b"ACK\nid:" + self._id_head if shows_ack else b""
        self._origin = _NOWHERE
        self._head = b""
        self._properties: Properties = NO_PROPERTIES
        self._lines = b""
        self._size = -1
        self._tail = b""
        self._is_over = False

    def join(self) -> None:
        """Be known to the connection, by tag."""
        self._owner.consumers[self.tag] = self
        self._owner.watch(self, self.queue)
        if self._vhost.events.is_heard:
            self._tell("consumer.created")

    def leave(self) -> None:
        """The subscription is over.  Does nothing the second time."""
        if self._is_over:
            return
        self._is_over = True
        self._owner.consumers.pop(self.tag, None)
        if self._vhost.events.is_heard:
            self._tell("consumer.deleted")

    def _tell(self, event: str) -> None:
        facts: dict[str, object] = {
            "consumer_tag": self.tag,
            "channel": self._owner.name,
            "vhost": self._vhost.name,
            "queue": self.queue.name,
            "user_who_performed_action": self._owner.access.user.name,
        }
        if event == "consumer.created":
            facts |= consumer_facts(self, self._prefetch)
        self._vhost.events.tell(event, facts)

    def has_room(self) -> bool:
        """Whether prefetch and socket allow one more."""
        if not self._output.has_room():
            return False
        return self.no_ack or self._prefetch == 0 or self.unacked_count < self._prefetch

    def deliver(self, message: Message, offset: int, redelivered: bool) -> None:
        """Send one message."""
        if message.origin is not self._origin:
            self._begin_with(message.origin)
        outstanding = self._outstanding
        tag = outstanding.last_tag + 1
        outstanding.last_tag = tag
        if self.no_ack:
            self.tally.deliver_no_ack += 1
        else:
            self.tally.deliver += 1
            outstanding.add(Delivery(tag, self.queue, self, message, offset))
        if redelivered:
            self.tally.redeliver += 1
        body = message.body
        size = len(body)
        if message.properties is not self._properties:
            self._properties = message.properties
            self._lines = header_lines(message.properties, self._version)
            self._size = -1
        if size != self._size:
            self._size = size
            self._tail = self._lines + _length_line(size)
        out = self._output.writer
        out.write(self._head)
        write_decimal(out, tag)
        if self._ack_head:
            out.write(self._ack_head)
            write_decimal(out, tag)
        out.write(b"\nredelivered:true\n" if redelivered else b"\nredelivered:false\n")
        out.write(self._tail)
        if size > COPY_OCTETS:
            self._output.write_part(body)
            out = self._output.writer
        else:
            out.write(body)
        out.write(b"\0\n")
        self._output.ring()
        if self._vhost.is_traced:
            self._owner.trace_delivery(message, self.queue, redelivered)

    def _begin_with(self, origin: Origin) -> None:
        """Encode what deliveries from ``origin`` begin with."""
        self._origin = origin
        shown = shown_destination(origin.exchange, origin.routing_key)
        text = "MESSAGE\n"
        if self.tag.startswith(ID_TAG):
            text += header_line("subscription", self.tag[len(ID_TAG) :], self._version)
        text += header_line("destination", shown, self._version)
        self._head = (text + "message-id:").encode("utf-8", "surrogateescape") + self._id_head

    def retimed(self) -> None:
        """The queue may give another time to acknowledge than before."""
        self._owner.watch(self, self.queue)

    def cancelled(self) -> None:
        """The queue is gone: tell the client.

        Behaviour: RabbitMQ 4.3: the other subscriptions go on, though there was an ERROR.
        """
        if self._is_over:
            return
        self.leave()
        headers = {"message": "Server cancelled subscription"}
        if self.tag.startswith(ID_TAG):
            headers["subscription"] = self.tag[len(ID_TAG) :]
        else:
            headers["subscription"] = self.destination
        headers["content-type"] = "text/plain"
        headers["version"] = VERSIONS
        detail = (
            "The server has canceled a subscription.\n"
            f'No more messages will be delivered for "{self.description}".\n'
        )
        self._output.send_octets(frame_octets("ERROR", headers, detail, self._version))


def _length_line(size: int) -> bytes:
    """What ends the headers."""
    return b"content-length:" + str(size).encode("ascii") + b"\n\n" if size > 0 else b"\n"
