"""One subscription of an AMQP 0-9-1 channel: a message in, three frames out.

The hottest code there is: one call of ``deliver`` for each message and consumer.
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.amqp091.arguments import MethodFrame
from leveret.amqp091.context import Context
from leveret.amqp091.outbox import Outbox, write_content_header
from leveret.amqp091.spec import (
    BASIC_CANCEL,
    BASIC_DELIVER,
    FRAME_BODY,
    FRAME_END,
    FRAME_METHOD,
    FRAME_MIN,
    FRAME_OVERHEAD,
)
from leveret.broker.consumer import Consumer
from leveret.broker.facts import consumer_facts
from leveret.broker.message import Message, Origin
from leveret.broker.properties import NO_PROPERTIES, Properties
from leveret.broker.queue import Queue
from leveret.broker.vhost import REPLY_TO
from leveret.octets import write_i64, write_u16, write_u32
from leveret.sessions.outstanding import Delivery, Outstanding
from leveret.tables import Table

# Bodies up to this size fit into one frame, whatever size of frames was agreed on.
SMALL_BODY: Final = FRAME_MIN - FRAME_OVERHEAD
_NOWHERE: Final = Origin("", "")


@final
class ConsumeWish:
    """What a basic.consume asks for."""

    def __init__(
        self, tag: str, no_ack: bool, is_exclusive: bool, priority: int, arguments: Table
    ) -> None:
        self.tag: Final = tag
        self.no_ack: Final = no_ack
        self.is_exclusive: Final = is_exclusive
        self.priority: Final = priority
        self.arguments: Final = arguments


@final
class ChannelConsumer(Consumer):
    """Writes deliveries into the connection's outbox.

    What comes before the delivery tag is the same as long as messages have the same exchange and
    key: ``_before``.  So is what comes between the tag and the body, if properties and size are
    the same too: ``_after``, kept from the second such message on.
    """

    def __init__(
        self,
        wish: ConsumeWish,
        channel: int,
        queue: Queue,
        prefetch: int,
        outstanding: Outstanding,
        context: Context,
    ) -> None:
        super().__init__(wish.tag, wish.no_ack, wish.is_exclusive, wish.priority, wish.arguments)
        self.queue: Final = queue
        self._registry: dict[str, ChannelConsumer] = {}
        self._channel: Final = channel
        self._prefetch: Final = prefetch
        self.prefetch_count = prefetch
        self._outstanding: Final = outstanding
        self._context: Final = context
        self._vhost: Final = context.vhost
        self._outbox: Final[Outbox] = context.outbox
        self._origin = _NOWHERE
        self._properties: Properties = NO_PROPERTIES
        self._size = -1
        self._before = b""
        self._after = b""
        self._is_over = False

    def join(self, registry: "dict[str, ChannelConsumer]") -> None:
        """Be known to the channel, by tag, until the queue is gone."""
        self._registry = registry
        registry[self.tag] = self
        if self._context.vhost.events.is_heard:
            self._tell("consumer.created")

    def leave(self) -> None:
        """The subscription is over."""
        if not self._is_over and self._context.vhost.events.is_heard:
            self._tell("consumer.deleted")
        self._is_over = True

    def _tell(self, event: str) -> None:
        context = self._context
        name = self.queue.name
        # Those who wait for direct replies are nobody's business.
        if name.startswith(REPLY_TO):
            return
        channel = f"{context.name} ({self._channel})"
        by = context.access.user.name
        vhost = context.vhost
        facts: dict[str, object] = {
            "consumer_tag": self.tag,
            "channel": channel,
            "vhost": vhost.name,
            "queue": name,
            "user_who_performed_action": by,
        }
        if event == "consumer.created":
            facts |= consumer_facts(self, self._prefetch)
        vhost.events.tell(event, facts)

    def has_room(self) -> bool:
        """Whether prefetch, the channel's limit and the socket allow one more."""
        if not self._outbox.has_room():
            return False
        if self.no_ack:
            return True
        if 0 < self._prefetch <= self.unacked_count:
            return False
        outstanding = self._outstanding
        return outstanding.limit == 0 or outstanding.held_count < outstanding.limit

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
        body = message.body
        size = len(body)
        out = self._outbox.writer
        out.write(self._before)
        write_i64(out, tag)
        out.append(1 if redelivered else 0)
        if redelivered:
            self.tally.redeliver += 1
        if message.properties is self._properties and size == self._size:
            if not self._after:
                self._after = self._header(message.properties.octets, size)
            out.write(self._after)
        else:
            self._properties = message.properties
            self._size = size
            self._after = b""
            out.write(self._header(message.properties.octets, size))
        if size > SMALL_BODY:
            self._outbox.write_body(self._channel, body)
        elif size > 0:
            out.write(body)
            out.append(FRAME_END)
        self._outbox.ring()
        if self._vhost.is_traced:
            self._context.trace_delivery(self._channel, message, self.queue, redelivered)

    def retimed(self) -> None:
        """The queue may give another time to acknowledge than before."""
        self._context.retime_channel(self._channel)

    def cancelled(self) -> None:
        """The queue is gone: tell the client if it wants to know."""
        self._registry.pop(self.tag, None)
        self.leave()
        if self._context.wants_cancel:
            frame = MethodFrame(BASIC_CANCEL).shortstr(self.tag).octet(1)
            self._outbox.send(self._channel, frame)

    def _begin_with(self, origin: Origin) -> None:
        """Encode what deliveries from ``origin`` begin with."""
        self._origin = origin
        self._after = b""
        self._size = -1
        tag = self.tag.encode()
        before = BytesWriter()
        before.append(FRAME_METHOD)
        write_u16(before, self._channel)
        write_u32(before, 4 + 1 + len(tag) + 8 + 1 + len(origin.octets))
        write_u32(before, BASIC_DELIVER)
        before.append(len(tag))
        before.write(tag)
        self._before = before.getvalue()

    def _header(self, properties: bytes, size: int) -> bytes:
        """The end of the method, the content header, and the head of a small body's frame."""
        after = BytesWriter()
        after.write(self._origin.octets)
        after.append(FRAME_END)
        write_content_header(after, self._channel, properties, size)
        if 0 < size <= SMALL_BODY:
            after.append(FRAME_BODY)
            write_u16(after, self._channel)
            write_u32(after, size)
        return after.getvalue()
