"""exchange.* and queue.*: arguments in, rights checked, the vhost asked, the reply sent.

Behaviour: RabbitMQ 4.3, "Access control", for which right each method needs.
"""

from leveret.amqp091.arguments import Arguments, MethodFrame
from leveret.amqp091.channel import Channel
from leveret.amqp091.context import TOPIC
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
from leveret.broker.arguments import check_alternate
from leveret.broker.kinds import check_kind
from leveret.broker.queue import Queue
from leveret.broker.vhost import GENERATED, REPLY_TO
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import AccessRefused
from leveret.tables import LONGSTR, Table


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


def clean_name(name: str) -> str:
    """``name`` as RabbitMQ uses it: without carriage returns and line feeds."""
    if "\r" in name or "\n" in name:
        return name.replace("\r", "").replace("\n", "")
    return name


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
    is_new = name not in context.vhost.queues
    _check_declaration(channel, name, table, is_new)
    return context.vhost.declare_queue(wish, context.owner_id, context.access.user.name)


def _declared_anonymous(channel: Channel, wish: QueueWish) -> Queue:
    """A queue whose name the broker makes up: the user needs the rights on that name, too."""
    context = channel.context
    if not channel.unborn_queue:
        channel.unborn_queue = context.vhost.unused_name(GENERATED)
    name = channel.unborn_queue
    _check_declaration(channel, name, wish.arguments, True)
    channel.unborn_queue = ""
    return context.vhost.declare_anonymous_queue(wish, context.access.user.name, name)


def _check_declaration(channel: Channel, name: str, table: Table, is_new: bool) -> None:
    """The rights that queue.declare needs."""
    access = channel.context.access
    access.configure("queue", name)
    dead_letters = table.get("x-dead-letter-exchange")
    if is_new and dead_letters is not None and dead_letters.kind == LONGSTR:
        access.read("queue", name)
        access.write("exchange", str(dead_letters.value))


def _check_binding(channel: Channel, queue_name: str, source_name: str, key: str) -> None:
    """The rights that queue.bind and unbind need."""
    context = channel.context
    if queue_name in context.vhost.replies or queue_name == REPLY_TO:
        raise AccessRefused("cannot bind or unbind to a volatile (direct reply-to) queue")
    context.access.write("queue", queue_name)
    _check_not_default(source_name)
    _check_source(channel, source_name, key)


def _check_source(channel: Channel, name: str, key: str) -> None:
    """The rights that a binding needs at the exchange that messages come from."""
    context = channel.context
    context.access.read("exchange", name)
    source = context.vhost.exchanges.get(name)
    if source is not None and source.kind == TOPIC:
        context.access.read_topic(name, key)


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
    _check_binding(channel, name, source_name, key)
    vhost = channel.context.vhost
    source = vhost.exchange(source_name)
    queue = vhost.queue(name, channel.context.owner_id)
    vhost.bind(source, queue, None, key, table, channel.context.access.user.name)
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
    _check_binding(channel, name, source_name, key)
    vhost = channel.context.vhost
    source = vhost.exchanges.get(source_name)
    # What is not there is not bound either.
    if source is not None and name in vhost.queues:
        queue = vhost.queue(name, channel.context.owner_id)
        vhost.unbind(source, queue, None, key, table, channel.context.access.user.name)
    _reply(channel, MethodFrame(QUEUE_UNBIND_OK))


def _purge_queue(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = channel.queue_name(clean_name(arguments.shortstr()))
    no_wait = arguments.octet() & 1 == 1
    arguments.end()
    context = channel.context
    context.access.read("queue", name)
    count = context.vhost.queue(name, context.owner_id).purge()
    if not no_wait:
        _reply(channel, MethodFrame(QUEUE_PURGE_OK).long(count))


def _delete_queue(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = channel.queue_name(clean_name(arguments.shortstr()))
    bits = arguments.octet()
    arguments.end()
    context = channel.context
    context.access.configure("queue", name)
    count = 0
    if name in context.vhost.queues:
        queue = context.vhost.queue(name, context.owner_id)
        user = context.access.user.name
        count = context.vhost.delete_queue(queue, bits & 1 != 0, bits & 2 != 0, user)
    if not bits & 4:
        _reply(channel, MethodFrame(QUEUE_DELETE_OK).long(count))


# --- exchanges -------------------------------------------------------------------------------


def _check_not_default(name: str) -> None:
    if name == "":
        raise AccessRefused("operation not permitted on the default exchange")


def _declare_exchange(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = clean_name(arguments.shortstr())
    kind = arguments.shortstr()
    bits = arguments.octet()
    table = arguments.table()
    arguments.end()
    context = channel.context
    _check_not_default(name)
    if bits & 1:
        context.vhost.exchange(name)
        context.access.any("exchange", name)
    else:
        check_kind(kind)
        context.access.configure("exchange", name)
        if name not in context.vhost.exchanges:
            _check_alternate_rights(channel, name, table)
        context.vhost.declare_exchange(
            ExchangeWish(name, kind, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0, table),
            context.access.user.name,
        )
    if not bits & 16:
        _reply(channel, MethodFrame(EXCHANGE_DECLARE_OK))


def _check_alternate_rights(channel: Channel, name: str, table: Table) -> None:
    """Whoever has messages moved on must be allowed to move them."""
    access = channel.context.access
    alternate = check_alternate(channel.context.vhost.describe("exchange", name), table)
    if alternate:
        access.read("exchange", name)
        access.write("exchange", alternate)


def _delete_exchange(channel: Channel, arguments: Arguments) -> None:
    arguments.short()
    name = clean_name(arguments.shortstr())
    bits = arguments.octet()
    arguments.end()
    context = channel.context
    _check_not_default(name)
    context.access.configure("exchange", name)
    context.vhost.check_deletable(name)
    exchange = context.vhost.exchanges.get(name)
    if exchange is not None:
        context.vhost.delete_exchange(exchange, bits & 1 != 0, context.access.user.name)
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
    context = channel.context
    context.access.write("exchange", destination_name)
    _check_not_default(destination_name)
    _check_not_default(source_name)
    _check_source(channel, source_name, key)
    vhost = context.vhost
    user = context.access.user.name
    if is_bind:
        source = vhost.exchange(source_name)
        vhost.bind(source, None, vhost.exchange(destination_name), key, table, user)
    elif source_name in vhost.exchanges and destination_name in vhost.exchanges:
        source = vhost.exchange(source_name)
        vhost.unbind(source, None, vhost.exchange(destination_name), key, table, user)
    if not no_wait:
        _reply(channel, MethodFrame(EXCHANGE_BIND_OK if is_bind else EXCHANGE_UNBIND_OK))
