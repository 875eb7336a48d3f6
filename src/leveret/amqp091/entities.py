"""exchange.* and queue.*: arguments in, done for the user by ``Actor``, the reply sent."""

from leveret.amqp091.arguments import Arguments, MethodFrame
from leveret.amqp091.channel import Channel
from leveret.amqp091.spec import (
    EXCHANGE_BIND,
    EXCHANGE_BIND_OK,
    EXCHANGE_DECLARE,
    EXCHANGE_DECLARE_OK,
    EXCHANGE_DELETE,
    EXCHANGE_DELETE_OK,
    EXCHANGE_UNBIND,
    EXCHANGE_UNBIND_OK,
    QUEUE_BIND,
    QUEUE_BIND_OK,
    QUEUE_DECLARE,
    QUEUE_DECLARE_OK,
    QUEUE_DELETE,
    QUEUE_DELETE_OK,
    QUEUE_PURGE,
    QUEUE_PURGE_OK,
    QUEUE_UNBIND,
    QUEUE_UNBIND_OK,
)
from leveret.broker.actor import Actor, check_not_default, clean_name
from leveret.broker.queue import Queue
from leveret.broker.vhost import GENERATED, REPLY_TO
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.tables import Table


def on_entity_method(channel: Channel, method: int, arguments: Arguments) -> bool:
    """Handle ``method`` if it is one of exchange.* or queue.*.  False when it is not."""
    if method == QUEUE_DECLARE:
        _declare_queue(channel, arguments)
    elif method == QUEUE_BIND:
        _bind_queue(channel, arguments)
    elif method == QUEUE_UNBIND:
        _unbind_queue(channel, arguments)
    elif method == QUEUE_PURGE:
        _purge_queue(channel, arguments)
    elif method == QUEUE_DELETE:
        _delete_queue(channel, arguments)
    elif method == EXCHANGE_DECLARE:
        _declare_exchange(channel, arguments)
    elif method == EXCHANGE_DELETE:
        _delete_exchange(channel, arguments)
    elif method == EXCHANGE_BIND or method == EXCHANGE_UNBIND:
        _bind_exchange(channel, arguments, method == EXCHANGE_BIND)
    else:
        return False
    return True


def _actor(channel: Channel) -> Actor:
    context = channel.context
    return Actor(context.vhost, context.access, context.owner_id)


def _reply(channel: Channel, frame: MethodFrame) -> None:
    channel.context.outbox.send(channel.number, frame)


# --- queues ----------------------------------------------------------------------------------


def _declare_queue(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = clean_name(arguments.shortstr())
    bits = arguments.octet()
    table = arguments.table()
    arguments.end()
    if name == REPLY_TO or name in channel.context.vhost.replies:
        # Direct reply-to: there is nothing to declare, and always one who consumes.
        _declared(channel, bits, name, 0, 1)
        return
    if bits & 1:
        queue = _passive_queue(channel, name)
    else:
        queue = _declared_queue(channel, name, bits, table)
    _declared(channel, bits, queue.name, queue.ready_count, queue.consumer_count)


def _declared(channel: Channel, bits: int, name: str, messages: int, consumers: int) -> None:
    channel.last_queue = name
    if not bits & 16:
        frame = MethodFrame(QUEUE_DECLARE_OK).shortstr(name)
        _reply(channel, frame.long(messages).long(consumers))


def _passive_queue(channel: Channel, name: str) -> Queue:
    context = channel.context
    queue = context.vhost.queue(name, context.owner_id)
    context.access.any("queue", name)
    return queue


def _declared_queue(channel: Channel, name: str, bits: int, table: Table) -> Queue:
    context = channel.context
    owner_id = context.owner_id if bits & 4 else 0
    wish = QueueWish(name, bits & 2 != 0, bits & 8 != 0, owner_id, table)
    if name == "":
        return _declared_anonymous(channel, wish)
    return _actor(channel).declare_queue(wish)


def _declared_anonymous(channel: Channel, wish: QueueWish) -> Queue:
    """A queue whose name the broker makes up: the user needs the rights on that name, too."""
    context = channel.context
    if not channel.unborn_queue:
        channel.unborn_queue = context.vhost.unused_name(GENERATED)
    name = channel.unborn_queue
    _actor(channel).check_declaration(name, wish.arguments, True)
    channel.unborn_queue = ""
    return context.vhost.declare_anonymous_queue(wish, context.access.user.name, name)


def _bind_queue(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    given = clean_name(arguments.shortstr())
    source_name = clean_name(arguments.shortstr())
    key = arguments.shortstr()
    no_wait = arguments.octet() & 1 == 1
    table = arguments.table()
    arguments.end()
    name = channel.queue_name(given)
    if given == "" and key == "":
        key = name
    _actor(channel).bind_queue(source_name, name, key, table)
    if not no_wait:
        _reply(channel, MethodFrame(QUEUE_BIND_OK))


def _unbind_queue(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    given = clean_name(arguments.shortstr())
    source_name = clean_name(arguments.shortstr())
    key = arguments.shortstr()
    table = arguments.table()
    arguments.end()
    name = channel.queue_name(given)
    if given == "" and key == "":
        key = name
    _actor(channel).unbind_queue(source_name, name, key, table)
    _reply(channel, MethodFrame(QUEUE_UNBIND_OK))


def _purge_queue(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = channel.queue_name(clean_name(arguments.shortstr()))
    no_wait = arguments.octet() & 1 == 1
    arguments.end()
    count = _actor(channel).purge_queue(name)
    if not no_wait:
        _reply(channel, MethodFrame(QUEUE_PURGE_OK).long(count))


def _delete_queue(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = channel.queue_name(clean_name(arguments.shortstr()))
    bits = arguments.octet()
    arguments.end()
    count = _actor(channel).delete_queue(name, bits & 1 != 0, bits & 2 != 0)
    if not bits & 4:
        _reply(channel, MethodFrame(QUEUE_DELETE_OK).long(count))


# --- exchanges -------------------------------------------------------------------------------


def _declare_exchange(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = clean_name(arguments.shortstr())
    kind = arguments.shortstr()
    bits = arguments.octet()
    table = arguments.table()
    arguments.end()
    check_not_default(name)
    if bits & 1:
        channel.context.vhost.exchange(name)
        channel.context.access.any("exchange", name)
    else:
        wish = ExchangeWish(name, kind, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0, table)
        _actor(channel).declare_exchange(wish)
    if not bits & 16:
        _reply(channel, MethodFrame(EXCHANGE_DECLARE_OK))


def _delete_exchange(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = clean_name(arguments.shortstr())
    bits = arguments.octet()
    arguments.end()
    _actor(channel).delete_exchange(name, bits & 1 != 0)
    if not bits & 2:
        _reply(channel, MethodFrame(EXCHANGE_DELETE_OK))


def _bind_exchange(channel: Channel, arguments: Arguments, is_bind: bool) -> None:
    arguments.short()
    destination_name = clean_name(arguments.shortstr())
    source_name = clean_name(arguments.shortstr())
    key = arguments.shortstr()
    no_wait = arguments.octet() & 1 == 1
    table = arguments.table()
    arguments.end()
    actor = _actor(channel)
    if is_bind:
        actor.bind_exchange(source_name, destination_name, key, table)
    else:
        actor.unbind_exchange(source_name, destination_name, key, table)
    if not no_wait:
        _reply(channel, MethodFrame(EXCHANGE_BIND_OK if is_bind else EXCHANGE_UNBIND_OK))
