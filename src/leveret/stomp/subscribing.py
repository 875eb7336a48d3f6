"""SUBSCRIBE and UNSUBSCRIBE: queues made, bound and read, as their headers ask for.

Behaviour: RabbitMQ 4.3, "STOMP Plugin", "Destinations", "Queue Properties", "Durable Topic
Subscriptions", and its refusals' texts.
Differs from RabbitMQ: on SEND ``persistent`` is the message's affair, not the queue's.
"""

import hashlib
from base64 import urlsafe_b64encode
from typing import Final, final

from leveret.broker.queue import Queue
from leveret.broker.vhost import GENERATED
from leveret.broker.wishes import QueueWish
from leveret.config.kinds import UNLIMITED
from leveret.errors import NotAllowed
from leveret.stomp.channel import StompChannel
from leveret.stomp.consumer import (
    AUTO,
    CLIENT,
    CLIENT_INDIVIDUAL,
    ID_TAG,
    QUEUE_TAG,
    StompConsumer,
    SubscriptionWish,
)
from leveret.stomp.destinations import (
    EXCHANGE,
    QUEUE,
    TEMP_PREFIX,
    TEMP_QUEUE,
    TOPIC,
    Destination,
    check_key,
    read_destination,
)
from leveret.stomp.faults import PROCESSING, StompFault
from leveret.stomp.headers import Frame
from leveret.tables import INT64, LONGSTR, Field, Table

_ACK_MODES: Final = {"auto": AUTO, "client": CLIENT, "client-individual": CLIENT_INDIVIDUAL}
_TEXT_ARGUMENTS: Final = (
    *("x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-age", "x-queue-type"),
)
_NUMBER_ARGUMENTS: Final = (
    *("x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority", "x-message-ttl"),
    *("x-stream-max-segment-size-bytes", "x-stream-filter-size-bytes"),
)
_QUEUE_PREFIX: Final = "stomp-subscription-"
_MAX_PREFETCH: Final = 65535
# A client that names ever new queues must not make the broker remember them all.
_MAX_DECLARED: Final = 4096


@final
class Subscriptions:
    """Those of one connection."""

    def __init__(self, channel: StompChannel) -> None:
        self._channel: Final = channel
        self._by_tag: Final[dict[str, StompConsumer]] = {}
        # The queues that answers come to, by the names the client gave them.
        self._reply_queues: Final[dict[str, Queue]] = {}
        # The name of a queue to be made, kept while the rights on it are asked for.
        self._unborn_name = ""

    # --- SUBSCRIBE -------------------------------------------------------------------------

    def subscribe(self, frame: Frame) -> None:
        """Begin a subscription.  Raises StompFault, refusals, and Pending."""
        _check_id(frame)
        text = destination_of(frame)
        channel = self._channel
        destination = read_destination(text, channel.topics)
        if destination.kind == TEMP_QUEUE:
            raise not_for(text, frame.command)
        wish = _wish_of(frame, text)
        self._forget_gone()
        if wish.tag in self._by_tag:
            raise StompFault(
                "Duplicated subscription identifier",
                f"A subscription identified by '{wish.tag}' already exists.",
            )
        self._check_limit()
        queue = self._source(destination, frame)
        channel.access.read("queue", queue.name)
        self._begin(wish, queue, text)
        self._unborn_name = ""

    def _begin(self, wish: SubscriptionWish, queue: Queue, text: str) -> StompConsumer:
        channel = self._channel
        consumer = StompConsumer(wish, queue, channel, text)
        channel.vhost.consume(queue, consumer)
        self._by_tag[wish.tag] = consumer
        consumer.join()
        channel.dispatch_later(queue)
        return consumer

    def _check_limit(self) -> None:
        limit = self._channel.settings.consumer_max_per_channel
        if limit != UNLIMITED and limit <= len(self._by_tag):
            raise NotAllowed(f"reached maximum ({limit}) of consumers per channel")

    def _forget_gone(self) -> None:
        """Those whose queues were deleted meanwhile."""
        if len(self._by_tag) == len(self._channel.consumers):
            return
        for tag in list(self._by_tag):
            if tag not in self._channel.consumers:
                del self._by_tag[tag]

    # --- queues ----------------------------------------------------------------------------

    def _source(self, destination: Destination, frame: Frame) -> Queue:
        """The queue that a subscription reads, made and bound if need be."""
        channel = self._channel
        if destination.kind == QUEUE:
            self.ensure_queue(destination.name, frame)
            return channel.vhost.queue(destination.name, channel.owner_id)
        if destination.is_queue:
            return channel.actor.readable_queue(destination.name)
        check_key(destination.name)
        # Before a queue is made that nothing leads to.
        channel.vhost.exchange(destination.exchange)
        name = self._name_for(destination, frame)
        wish = _queue_wish(name, destination.kind, frame, channel.owner_id)
        queue = channel.actor.declare_queue(wish)
        channel.actor.bind_queue(destination.exchange, name, destination.name, {})
        return queue

    def ensure_queue(self, name: str, frame: Frame) -> None:
        """Declare the queue of a destination ``/queue``, once for each connection."""
        channel = self._channel
        if name in channel.declared:
            return
        channel.actor.declare_queue(_queue_wish(name, QUEUE, frame, channel.owner_id))
        if len(channel.declared) >= _MAX_DECLARED:
            # Many may be gone by now; those in use are declared once more.
            channel.declared.clear()
        channel.declared[name] = None

    def _name_for(self, destination: Destination, frame: Frame) -> str:
        given = frame.text("x-queue-name")
        if given:
            return given
        if _is_durable(frame, False):
            return durable_name(destination.name, frame.text("id"))
        if not self._unborn_name:
            self._unborn_name = self._channel.vhost.unused_name(_QUEUE_PREFIX)
        return self._unborn_name

    def reply_queue(self, name: str) -> str:
        """The queue for a reply-to of ``/temp-queue/NAME``, made and read from if need be."""
        known = self._reply_queues.get(name)
        if known is not None and not known.is_gone:
            return known.name
        self._forget_gone()
        self._check_limit()
        channel = self._channel
        if not self._unborn_name:
            self._unborn_name = channel.vhost.unused_name(GENERATED)
        chosen = self._unborn_name
        wish = QueueWish("", False, True, channel.owner_id, {})
        channel.actor.check_declaration(chosen, wish.arguments, True)
        channel.access.read("queue", chosen)
        queue = channel.vhost.declare_anonymous_queue(wish, channel.access.user.name, chosen)
        self._unborn_name = ""
        self._reply_queues[name] = queue
        tag = f"{ID_TAG}{TEMP_PREFIX}{name}"
        self._by_tag.pop(tag, None)
        text = f"{TEMP_PREFIX}{name}"
        self._begin(SubscriptionWish(tag, f"id='{text}'", AUTO, 0, 0, {}), queue, text)
        return queue.name

    # --- UNSUBSCRIBE -----------------------------------------------------------------------

    def unsubscribe(self, frame: Frame) -> None:
        """End a subscription.  Raises StompFault, refusals, and Pending."""
        _check_id(frame)
        tag, description = _tag_of(frame)
        self._forget_gone()
        consumer = self._by_tag.get(tag)
        if consumer is None:
            raise StompFault(
                "No subscription found",
                "UNSUBSCRIBE must refer to an existing subscription.\n"
                f'Subscription to "{description}" not found.\n',
            )
        channel = self._channel
        destination = read_destination(consumer.destination, channel.topics)
        queue = consumer.queue
        is_deleted = destination.kind == TOPIC and _is_durable(frame, False)
        if is_deleted:
            channel.access.configure("queue", queue.name)
        del self._by_tag[tag]
        self._end(consumer)
        if is_deleted:
            channel.actor.delete_queue(queue.name, False, False)

    def _end(self, consumer: StompConsumer) -> None:
        channel = self._channel
        consumer.leave()
        channel.vhost.cancel(consumer.queue, consumer)
        # Another may be the active one now.
        channel.dispatch_later(consumer.queue)

    def room_again(self) -> None:
        """The socket takes more: ask all again."""
        for consumer in self._by_tag.values():
            self._channel.wake(consumer, consumer.queue)

    def end(self) -> None:
        """The connection is over."""
        self._forget_gone()
        consumers = list(self._by_tag.values())
        self._by_tag.clear()
        for consumer in consumers:
            self._end(consumer)
        self._reply_queues.clear()


# --- what frames say -------------------------------------------------------------------------


def destination_of(frame: Frame) -> str:
    """The destination.  Raises StompFault when there is none."""
    text = frame.headers.get("destination")
    if text is None:
        raise StompFault(
            "Missing destination", f"\"{frame.command}\" must include a 'destination' header\n"
        )
    return text


def not_for(text: str, command: str) -> StompFault:
    """The refusal of a destination that ``command`` cannot have."""
    detail = f"'{text}' is not a valid destination for '{command}'\n"
    return StompFault("Invalid destination", detail)


def durable_name(destination: str, subscription: str) -> str:
    """The queue of a durable subscription: the same as RabbitMQ's, which hashes an Erlang term."""
    term = b"\x83h\x02" + _erlang_string(destination) + _erlang_string(subscription)
    digest = hashlib.md5(term, usedforsecurity=False).digest()
    return _QUEUE_PREFIX + urlsafe_b64encode(digest).decode().rstrip("=")


def _erlang_string(text: str) -> bytes:
    octets = text.encode("utf-8", "surrogateescape")
    if not octets:
        return b"j"
    return b"k" + len(octets).to_bytes(2, "big") + octets


def _check_id(frame: Frame) -> None:
    if "id" not in frame.headers and _is_durable(frame, False):
        raise StompFault("Missing Header", "Header 'id' is required for durable subscriptions")


def _is_durable(frame: Frame, default: bool) -> bool:
    durable = frame.flag("durable")
    if durable is None and frame.command != "SEND":
        durable = frame.flag("persistent")
    return default if durable is None else durable


def _tag_of(frame: Frame) -> tuple[str, str]:
    """The tag of a subscription and what errors call it.  Raises StompFault."""
    subscription = frame.headers.get("id")
    if subscription is not None:
        if subscription.startswith(TEMP_PREFIX):
            detail = f"{frame.command} 'id' may not start with {TEMP_PREFIX}\n"
            raise StompFault("Invalid id", detail)
        return ID_TAG + subscription, f"id='{subscription}'"
    destination = frame.headers.get("destination")
    if destination is None:
        raise StompFault(
            "Missing destination or id",
            f"{frame.command} must include a 'destination' or 'id' header",
        )
    return QUEUE_TAG + destination, f"destination='{destination}'"


def _wish_of(frame: Frame, destination: str) -> SubscriptionWish:
    tag, description = _tag_of(frame)
    ack_mode = _ACK_MODES.get(frame.text("ack", "auto"))
    if ack_mode is None:
        raise StompFault(
            PROCESSING, "the header 'ack' is none of auto, client and client-individual"
        )
    prefetch = frame.number("prefetch-count")
    if prefetch is None:
        prefetch = 0
    if not 0 <= prefetch <= _MAX_PREFETCH:
        raise StompFault(PROCESSING, "the header 'prefetch-count' is not from 0 to 65535")
    priority = frame.number("x-priority")
    arguments: Table = {}
    if priority is not None:
        if not -(1 << 31) <= priority < 1 << 31:
            raise StompFault(PROCESSING, "the header 'x-priority' is not a 32-bit integer")
        arguments["x-priority"] = Field(INT64, priority)
    return SubscriptionWish(tag, description, ack_mode, prefetch, priority or 0, arguments)


def _queue_wish(name: str, kind: str, frame: Frame, owner_id: int) -> QueueWish:
    """How a frame with a destination of ``kind`` wants the queue ``name``."""
    is_durable = _is_durable(frame, kind == QUEUE)
    auto_delete = frame.flag("auto-delete")
    exclusive = frame.flag("exclusive")
    if not is_durable:
        # Nobody else could know what it is for.
        return QueueWish(name, False, True, owner_id, _arguments_of(frame))
    is_auto_delete = kind in (TOPIC, EXCHANGE) if auto_delete is None else auto_delete
    owner = owner_id if exclusive else 0
    return QueueWish(name, True, is_auto_delete, owner, _arguments_of(frame))


def _arguments_of(frame: Frame) -> Table:
    table: Table = {}
    for name in _TEXT_ARGUMENTS:
        value = frame.headers.get(name)
        if value is not None:
            table[name] = Field(LONGSTR, value.strip())
    for name in _NUMBER_ARGUMENTS:
        number = frame.number(name)
        if number is not None:
            if not -(1 << 63) <= number < 1 << 63:
                raise StompFault(PROCESSING, f"the header '{name}' is too large")
            table[name] = Field(INT64, number)
    return table
