"""One channel: consumers, acknowledgements, confirms and transactions (basic, confirm, tx).

Publishing is in ``publishing``, exchange.* and queue.* are in ``entities``.
"""

from typing import Final, final

from leveret.amqp091.arguments import Arguments, MethodFrame
from leveret.amqp091.confirms import Confirms
from leveret.amqp091.consumer import ChannelConsumer, ConsumeWish
from leveret.amqp091.context import Context
from leveret.amqp091.publishing import Publishing
from leveret.amqp091.spec import (
    BASIC_CANCEL_OK,
    BASIC_CONSUME_OK,
    BASIC_GET_EMPTY,
    BASIC_GET_OK,
    BASIC_QOS_OK,
    BASIC_RECOVER_OK,
    CHANNEL_FLOW_OK,
    CONFIRM_SELECT_OK,
    LABEL,
    TX_COMMIT_OK,
    TX_ROLLBACK_OK,
    TX_SELECT_OK,
)
from leveret.broker.backlog import Waiting
from leveret.broker.consumer import Consumer
from leveret.broker.queue import Queue
from leveret.broker.tallies import ChannelView, Holding, PublishTally, ReadTally
from leveret.broker.vhost import REPLY_TO
from leveret.errors import AccessRefused, NotAllowed, NotFound, NotSupported, PreconditionFailed
from leveret.sessions.lapses import Lapse, Lapses, timeout_ms
from leveret.sessions.outstanding import Delivery, Outstanding
from leveret.sessions.reading import Reading
from leveret.tables import INTEGERS, Table
from leveret.terms import text

# What becomes of a delivery, in the order in which a transaction does it.
ACKED: Final = 0
REJECTED: Final = 1
REQUEUED: Final = 2
# Back to its queue like a requeued one, but somebody failed over it.
FAILED: Final = 3
# Of so many deliveries that were out too long a late answer is no fault; of older ones it is.
MAX_LAPSED: Final = 10_000
_ANSWERS: Final = (ACKED, REJECTED, REQUEUED, FAILED)


@final
class Channel(ChannelView):
    """One channel of an open connection.  Methods raise refusals; the session answers them.

    ``is_closing``: the broker has closed it and waits for the client's close-ok.
    """

    def __init__(self, number: int, context: Context) -> None:
        super().__init__(LABEL, number)
        self.context: Final = context
        self.publishing: Final = Publishing(number, context, self)
        self.reading: Final = Reading(context.vhost, self)
        self.is_closing = False
        # What an empty queue name in a later method means.
        self.last_queue = ""
        # The name of a queue to be made, kept while the rights on it are asked for.
        self.unborn_queue = ""
        self._consumers: Final[dict[str, ChannelConsumer]] = {}
        self._outstanding: Final = Outstanding()
        self._reply_queue: Queue | None = None
        # The deliveries that an open transaction has answers for.
        self._held: dict[int, list[Delivery]] = {}
        # The watch over deliveries that may not be out for ever, and the tags of those that were
        # out too long: a late answer to one is no fault.
        self._lapses: Lapses | None = None
        self._lapsed: Final[dict[int, None]] = {}

    # --- names -----------------------------------------------------------------------------

    def queue_name(self, name: str) -> str:
        """``name``, or the last declared queue when it is empty.  Raises NotFound."""
        if name:
            return name
        if not self.last_queue:
            raise NotFound("no previously declared queue")
        return self.last_queue

    def _queue(self, name: str) -> Queue:
        """The queue to read from, once the right is checked."""
        name = self.queue_name(name)
        self.context.access.read("queue", name)
        return self.context.vhost.queue(name, self.context.owner_id)

    def _send(self, frame: MethodFrame) -> None:
        self.context.outbox.send(self.number, frame)

    # --- consuming -------------------------------------------------------------------------

    def on_qos(self, arguments: Arguments) -> None:
        """basic.qos: prefetch for later consumers, or for the whole channel when global."""
        size = arguments.long()
        count = arguments.short()
        is_global = arguments.octet() & 1 == 1
        arguments.end()
        if size != 0:
            raise NotSupported(f"prefetch_size!=0 ({size})")
        if is_global and self.context.vhost.compat.has_global_prefetch:
            self._outstanding.limit = count
            self.global_prefetch_count = count
            self._wake_all()
        else:
            self.prefetch_count = count
        self._send(MethodFrame(BASIC_QOS_OK))

    def on_consume(self, arguments: Arguments) -> None:
        """Begin a subscription.

        Raises NotAllowed, which closes the connection, for a tag in use; NotFound, AccessRefused,
        ResourceLocked; PreconditionFailed for bad arguments.
        """
        arguments.short()
        name = arguments.shortstr()
        tag = arguments.shortstr()
        bits = arguments.octet()
        table = arguments.table()
        arguments.end()
        if tag in self._consumers:
            raise NotAllowed(f"attempt to reuse consumer tag '{tag}'")
        limit = self.context.max_consumers
        if 0 <= limit <= len(self._consumers):
            raise NotAllowed(f"reached maximum ({limit}) of consumers per channel")
        if not tag:
            tag = self.context.vhost.unused_name("amq.ctag-")
        no_ack = bits & 2 != 0
        priority = _priority(self.context.vhost.describe("queue", self.queue_name(name)), table)
        queue = self._reply_source(no_ack) if name == REPLY_TO else self._queue(name)
        if self._outstanding.limit != 0:
            queue.check_global_prefetch(self.context.vhost.describe("queue", queue.name))
        wish = ConsumeWish(tag, no_ack, bits & 4 != 0, priority, table)
        consumer = ChannelConsumer(
            wish, self.number, queue, self.prefetch_count, self._outstanding, self.context
        )
        consumer.channel = self
        consumer.tally = self.reading.tally(queue)
        self.context.vhost.consume(queue, consumer)
        consumer.join(self._consumers)
        if not no_ack:
            self._watch(consumer, queue)
        if not bits & 8:
            self._send(MethodFrame(BASIC_CONSUME_OK).shortstr(tag))
        self.context.dispatch_later(queue)

    def _reply_source(self, no_ack: bool) -> Queue:
        """The volatile queue that stands behind ``amq.rabbitmq.reply-to`` on this channel."""
        if not no_ack:
            raise PreconditionFailed("reply consumer cannot acknowledge")
        if self._reply_queue is not None:
            raise PreconditionFailed("reply consumer already set")
        queue = self.context.vhost.open_reply_queue()
        self._reply_queue = queue
        self.publishing.reply_address = queue.name
        return queue

    def on_cancel(self, arguments: Arguments) -> None:
        """basic.cancel: also fine for a tag that nobody has."""
        tag = arguments.shortstr()
        no_wait = arguments.octet() & 1 == 1
        arguments.end()
        consumer = self._consumers.pop(tag, None)
        if consumer is not None:
            self._end(consumer)
        if not no_wait:
            self._send(MethodFrame(BASIC_CANCEL_OK).shortstr(tag))

    def _end(self, consumer: ChannelConsumer) -> None:
        if consumer.queue is self._reply_queue:
            self.context.vhost.close_reply_queue(consumer.queue)
            self._reply_queue = None
            self.publishing.reply_address = ""
        self.context.vhost.cancel(consumer.queue, consumer)
        consumer.leave()
        # Another may be the active one now.
        self.context.dispatch_later(consumer.queue)

    def cancel_unreadable(self) -> None:
        """Cancel the consumers of queues that the user may not read any more.  Raises Pending."""
        for consumer in list(self._consumers.values()):
            if consumer.queue is self._reply_queue:
                continue
            try:
                self.context.access.read("queue", consumer.queue.name)
            except AccessRefused:
                self._end(consumer)
                consumer.cancelled()

    def on_get(self, arguments: Arguments) -> None:
        """Hand out one message.  Raises NotFound, AccessRefused, ResourceLocked."""
        arguments.short()
        name = arguments.shortstr()
        no_ack = arguments.octet() & 1 == 1
        arguments.end()
        queue = self._queue(name)
        if not queue.is_gettable:
            queue.check_get(self.context.vhost.describe("queue", queue.name))
        waiting = queue.get(no_ack)
        self.reading.got(queue, waiting, no_ack)
        if waiting is None:
            self._send(MethodFrame(BASIC_GET_EMPTY).shortstr(""))
            return
        outstanding = self._outstanding
        outstanding.last_tag += 1
        tag = outstanding.last_tag
        message = waiting.message
        if not no_ack:
            outstanding.add(Delivery(tag, queue, None, message, waiting.offset))
            self._watch(None, queue)
        frame = MethodFrame(BASIC_GET_OK).longlong(tag).octet(1 if waiting.redelivered else 0)
        self._send(frame.raw(message.origin.octets).long(queue.ready_count))
        self.context.outbox.send_content(self.number, message.properties.octets, message.body)
        if self.context.vhost.is_traced:
            self.context.trace_delivery(self.number, message, queue, waiting.redelivered)

    def room_again(self) -> None:
        """The socket takes more: ask the consumers again."""
        self._wake_all()

    def _wake_all(self) -> None:
        for consumer in self._consumers.values():
            self._wake(consumer, consumer.queue)

    def _wake(self, consumer: Consumer | None, queue: Queue) -> None:
        """``consumer`` may have room again."""
        if consumer is not None and consumer.is_parked:
            queue.unpark(consumer)
            self.context.dispatch_later(queue)

    # --- acknowledgements ------------------------------------------------------------------

    def on_ack(self, tag: int, multiple: bool) -> None:
        """Settle one delivery, or all up to ``tag``, 0 meaning all.

        Raises PreconditionFailed for a tag that is not outstanding.  Hot.
        """
        if multiple or self.publishing.held is not None:
            self._answer(tag, multiple, ACKED)
            return
        delivery = self._outstanding.take(tag)
        if delivery is None:
            self._answer(tag, multiple, ACKED)
            return
        delivery.queue.settle(delivery.offset)
        self.reading.acked(delivery)
        if self._outstanding.limit != 0:
            self._wake_all()
        else:
            self._wake(delivery.consumer, delivery.queue)

    def on_nack(self, tag: int, multiple: bool, requeue: bool) -> None:
        """Give back or throw away.

        Raises PreconditionFailed for a tag that is not outstanding.
        """
        self._answer(tag, multiple, REQUEUED if requeue else REJECTED)

    def on_reject(self, tag: int, requeue: bool) -> None:
        """As basic.nack for one delivery, but giving it back says that it failed.

        Raises PreconditionFailed for a tag that is not outstanding.
        """
        self._answer(tag, False, FAILED if requeue else REJECTED)

    def _answer(self, tag: int, multiple: bool, answer: int) -> None:
        """Do to the deliveries what was answered: now, or in a transaction at its commit."""
        deliveries = self._find(tag, multiple)
        if self.publishing.held is None:
            self._settle(deliveries, answer)
            return
        for delivery in deliveries:
            delivery.is_held = True
        self._held.setdefault(answer, []).extend(deliveries)

    def _find(self, tag: int, multiple: bool) -> list[Delivery]:
        if multiple and tag == 0:
            return self._outstanding.find_all()
        if multiple:
            found = self._outstanding.find_through(tag)
            if found is not None:
                return found
        else:
            delivery = self._outstanding.find(tag)
            if delivery is not None:
                return [delivery]
        return self._find_lapsed(tag, multiple)

    def _find_lapsed(self, tag: int, multiple: bool) -> list[Delivery]:
        """What else is answered for with a delivery that was out too long, and is no more."""
        if tag not in self._lapsed:
            raise _unknown(tag)
        if not multiple:
            del self._lapsed[tag]
            return []
        for late in [each for each in self._lapsed if each <= tag]:
            del self._lapsed[late]
        return self._outstanding.find_between(0, tag)

    def _settle(self, deliveries: list[Delivery], answer: int) -> None:
        """These are out no longer; what becomes of them is the ``answer``."""
        self._outstanding.settle(deliveries)
        if answer == REQUEUED or answer == FAILED:
            self._requeue(deliveries, answer == FAILED)
        else:
            for delivery in deliveries:
                if answer == ACKED:
                    delivery.queue.settle(delivery.offset)
                    self.reading.acked(delivery)
                else:
                    delivery.queue.discard(delivery.message, delivery.offset)
        if self._outstanding.limit != 0:
            self._wake_all()
            return
        for delivery in deliveries:
            self._wake(delivery.consumer, delivery.queue)

    def _requeue(self, deliveries: list[Delivery], is_failure: bool) -> None:
        """Give messages back, queue by queue, and let others have them."""
        # By the queue itself: its name may be that of another one by now.
        by_queue: dict[Queue, list[Waiting]] = {}
        for delivery in deliveries:
            waiting = Waiting(delivery.message, delivery.offset, True)
            by_queue.setdefault(delivery.queue, []).append(waiting)
        for queue, back in by_queue.items():
            queue.put_back(back, is_failure)
            self.context.dispatch_later(queue)

    def on_recover(self, arguments: Arguments, is_sync: bool) -> None:
        """basic.recover and recover-async: everything unacknowledged goes back to its queue."""
        requeue = arguments.octet() & 1 == 1
        arguments.end()
        if not requeue:
            raise NotSupported("requeue=false")
        self._settle(self._outstanding.find_all(), REQUEUED)
        if is_sync:
            self._send(MethodFrame(BASIC_RECOVER_OK))

    # --- time to acknowledge -----------------------------------------------------------------

    def retimed(self) -> None:
        """Consumers may have another time to acknowledge than before."""
        for consumer in self._consumers.values():
            if not consumer.no_ack:
                self._watch(consumer, consumer.queue)

    def _watch(self, consumer: ChannelConsumer | None, queue: Queue) -> None:
        """Look after deliveries of ``queue`` if they may not be out for ever."""
        vhost = self.context.vhost
        limit_ms = timeout_ms(vhost, consumer, queue)
        if limit_ms == 0:
            return
        if self._lapses is None:
            self._lapses = Lapses(vhost, self._outstanding)
        self._lapses.expect(limit_ms)
        vhost.appoint(self, vhost.now_ns() + self._lapses.period_ns)

    def on_time(self, now_ns: int) -> None:
        """Take back what has been out too long, and see to it that there will be no more."""
        lapses = self._lapses
        if lapses is None or self.is_closing:
            return
        late = lapses.look(now_ns)
        if late:
            self._lapse(late)
            self.context.finish()
        if self._consumers or len(self._outstanding) > 0:
            self.context.vhost.appoint(self, now_ns + lapses.period_ns)
        else:
            self._lapses = None

    def _lapse(self, late: list[Lapse]) -> None:
        self._settle([each.delivery for each in late], REQUEUED)
        consumers: dict[ChannelConsumer, None] = {}
        for each in late:
            self._lapsed[each.delivery.tag] = None
            if len(self._lapsed) > MAX_LAPSED:
                del self._lapsed[next(iter(self._lapsed))]
            consumer = each.delivery.consumer
            if consumer is None or not self.context.wants_cancel:
                self.context.close_channel(self.number, _too_late(self.number, each.limit_ms))
                return
            assert isinstance(consumer, ChannelConsumer)
            consumers[consumer] = None
        for consumer in consumers:
            if self._consumers.get(consumer.tag) is consumer:
                self.context.notice(
                    f"consumer '{consumer.tag}' of queue '{consumer.queue.name}' is cancelled: its "
                    "acknowledgements take too long (consumer_timeout_ms)"
                )
                self._end(consumer)
                consumer.cancelled()

    # --- confirms and transactions ---------------------------------------------------------

    def on_confirm_select(self, arguments: Arguments) -> None:
        """confirm.select; a second one changes nothing."""
        no_wait = arguments.octet() & 1 == 1
        arguments.end()
        if self.publishing.held is not None:
            raise PreconditionFailed("cannot switch from tx to confirm mode")
        if self.publishing.confirms is None:
            self.publishing.collect()
            self.publishing.confirms = Confirms(self.number)
            self.is_confirming = True
        if not no_wait:
            self._send(MethodFrame(CONFIRM_SELECT_OK))

    def on_tx_select(self) -> None:
        """tx.select; a second one changes nothing."""
        if self.publishing.confirms is not None:
            raise PreconditionFailed("cannot switch from confirm to tx mode")
        if self.publishing.held is None:
            self.publishing.held = []
            self.is_transactional = True
        self._send(MethodFrame(TX_SELECT_OK))

    def on_tx_commit(self) -> None:
        """Let the publishes and acknowledgements of the transaction happen, in this order.

        Raises PreconditionFailed when there is none.
        """
        if self.publishing.held is None:
            raise PreconditionFailed("channel is not transactional")
        self.publishing.commit()
        held = self._held
        self._forget_held()
        for answer in _ANSWERS:
            if answer in held:
                self._settle(held[answer], answer)
        self.context.hold_until_safe()
        self._send(MethodFrame(TX_COMMIT_OK))

    def on_tx_rollback(self) -> None:
        """Forget the publishes and acknowledgements of the open transaction.

        Raises PreconditionFailed when there is none.
        """
        if self.publishing.held is None:
            raise PreconditionFailed("channel is not transactional")
        self.publishing.held = []
        self._forget_held()
        self._send(MethodFrame(TX_ROLLBACK_OK))

    def _forget_held(self) -> None:
        for deliveries in self._held.values():
            for delivery in deliveries:
                delivery.is_held = False
        self._held = {}

    # --- the channel itself ----------------------------------------------------------------

    def on_flow(self, arguments: Arguments) -> None:
        """channel.flow: the client may only switch on what is on."""
        is_active = arguments.octet() & 1 == 1
        arguments.end()
        if not is_active:
            raise NotSupported("active=false")
        self._send(MethodFrame(CHANNEL_FLOW_OK).octet(1))

    def end(self) -> None:
        """The channel is gone: its consumers stop, its messages go back."""
        for consumer in list(self._consumers.values()):
            self._end(consumer)
        self._consumers.clear()
        if self._reply_queue is not None:
            self.context.vhost.close_reply_queue(self._reply_queue)
        self._forget_held()
        self._settle(self._outstanding.find_all(), FAILED)
        self.publishing.end()
        self.reading.end()
        self.context.vhost.call_off(self)

    # --- what lists and statistics see -------------------------------------------------------

    @property
    def name(self) -> str:
        """How people tell channels apart."""
        return f"{self.context.name} ({self.number})"

    @property
    def consumer_count(self) -> int:
        """How many consumers it has."""
        return len(self._consumers)

    @property
    def unacked_count(self) -> int:
        """How many deliveries are not answered for."""
        return len(self._outstanding)

    @property
    def unconfirmed_count(self) -> int:
        """How many publishes are not confirmed yet."""
        confirms = self.publishing.confirms
        return confirms.untold_count if confirms is not None else 0

    @property
    def uncommitted_count(self) -> int:
        """How many publishes wait for the end of their transaction."""
        held = self.publishing.held
        return len(held) if held is not None else 0

    @property
    def uncommitted_acks_count(self) -> int:
        """How many answers to deliveries wait for the end of their transaction."""
        return sum([len(deliveries) for deliveries in self._held.values()])

    def collect(self) -> None:
        """Write what was counted on the way into the tallies."""
        self.publishing.collect()

    def publishes(self) -> list[PublishTally]:
        """What it published, one tally for each exchange."""
        self.publishing.collect()
        return self.publishing.tallies

    def reads(self) -> list[ReadTally]:
        """What it read, one tally for each queue."""
        return self.reading.tallies

    def note_time(self, now_ns: int) -> None:
        """Time passes: remember since when deliveries are out."""
        self._outstanding.note_time(now_ns)

    def holdings(self, queue: object) -> list[Holding]:
        """Its deliveries of ``queue`` that are not answered for, the oldest first."""
        now_ns = self.context.vhost.now_ns()
        found: list[Holding] = []
        for delivery in self._outstanding.out():
            if delivery.queue is queue:
                tag = delivery.consumer.tag if delivery.consumer is not None else ""
                since_ns = self._outstanding.since_ns(delivery.tag, now_ns)
                found.append(Holding(delivery.message, delivery.offset, tag, since_ns))
        return found


def _unknown(tag: int) -> PreconditionFailed:
    return PreconditionFailed(f"unknown delivery tag {tag}")


def _too_late(channel: int, limit_ms: int) -> PreconditionFailed:
    return PreconditionFailed(
        f"delivery acknowledgement on channel {channel} timed out. Timeout value used: {limit_ms} "
        "ms. This timeout value can be configured, see consumers doc guide to learn more"
    )


def _priority(what: str, table: Table) -> int:
    field = table.get("x-priority")
    if field is None:
        return 0
    if field.kind not in INTEGERS:
        why = f"expected integer, got {field.kind_name}"
        raise PreconditionFailed(f"invalid arg 'x-priority' for {what}: {text(why)}")
    assert isinstance(field.value, int)
    return field.value
