"""Queues whose messages wait in lines, one line for each priority: what their types share.

Invariant: while messages wait, no consumer whose turn may come has room.  So a new message can be
handed on at once only when none waits, and whoever gives a consumer room again must unpark it and
dispatch.
Behaviour: RabbitMQ 4.3, "Queues", "Consumer priorities", "Time-to-Live and Expiration", "Queue
Length Limit".
"""

from abc import abstractmethod
from typing import Final

from leveret.broker.backlog import UNBOUNDED, Backlog, Waiting
from leveret.broker.consumer import Consumer
from leveret.broker.deaths import EXPIRED, MAXLEN, REJECTED
from leveret.broker.message import Message
from leveret.broker.purse import Purse
from leveret.broker.queue import Dying, Keeper, Queue
from leveret.broker.records import LINE_SHIFT
from leveret.broker.ring import Ring
from leveret.broker.rules import DROP_HEAD, QUORUM, REJECT_PUBLISH_DLX, Rules
from leveret.broker.tallies import DELETED, PURGED, REFUSED
from leveret.broker.wishes import QueueWish

# Offsets of one priority's messages start here, so that they are unique in the queue.
_OFFSETS_PER_PRIORITY: Final = 1 << LINE_SHIFT
MS_NS: Final = 1_000_000


class LinedQueue(Queue):
    """First in, first out inside each priority, 0 to ``max_priority``.

    Subclasses say which priority a message has, and where one that comes back goes.
    Without a ``keeper`` nothing expires and nobody hears of dead letters.
    """

    def __init__(
        self,
        wish: QueueWish,
        kind: str,
        keeper: Keeper | None,
        ring: Ring,
        usual_priority: int,
        max_priority: int,
    ) -> None:
        super().__init__(wish, kind)
        self._keeper: Final = keeper
        if keeper is not None and wish.is_durable and wish.owner_id == 0:
            self.record = keeper.open_record(wish)
            if self.record is not None:
                # Behaviour: RabbitMQ 4.3, "Quorum Queues": every message there is persistent.
                self.record.keeps_all = kind == QUORUM
        self._max_priority: Final = max_priority
        self._share_octets = UNBOUNDED
        self._purse: Purse | None = None
        # The line of messages that name no priority.
        self._plain: Final = self._new_line(usual_priority)
        # Of a queue with priorities: the lines of those seen so far, and which of them have
        # messages, as bits.
        self._lines: Final[dict[int, Backlog]] = {usual_priority: self._plain}
        self._usual_priority: Final = usual_priority
        self._usual_bit: Final = 1 << usual_priority
        self._occupied = 0
        self._ring: Final = ring
        self._ready = 0
        # Of the bodies that wait; counted only where there is a limit to it.
        self._ready_octets = 0
        self._has_rules = self.rules.has_limits or self.rules.ttl_ms >= 0
        # Whether a message here may have a time to expire; and when those handed out do, by offset.
        self._has_due = False
        self._out_due: Final[dict[int, int]] = {}
        self._used_ns = 0
        # What is out and marked, by offset; there if there ever was any.
        self._marks: dict[int, None] | None = None
        self.touch()

    @property
    def ready_count(self) -> int:
        """How many messages wait."""
        return self._ready

    @property
    def consumer_count(self) -> int:
        """How many consumers there are."""
        return len(self._ring.consumers)

    @property
    def consumers(self) -> list[Consumer]:
        """All of them, in the order in which they came."""
        return list(self._ring.consumers)

    @property
    def active_consumer(self) -> Consumer | None:
        """The one that has all the turns, where there is to be such a one."""
        return self._ring.active

    @property
    def has_ready_consumer(self) -> bool:
        """Whether somebody would get a message that came in now."""
        return self._ring.has_ready

    @property
    def published_count(self) -> int:
        """How many messages were ever taken in, since the process started."""
        return sum([line.taken_in for line in self._lines.values()])

    @property
    def ready_octets(self) -> int:
        """The size of all bodies that wait."""
        return sum([line.octets() for line in self._lines.values()])

    # --- what the types differ in ----------------------------------------------------------

    @abstractmethod
    def _priority(self, message: Message) -> int:
        """The line that ``message`` belongs to."""

    @abstractmethod
    def _redelivered(self, waiting: Waiting, no_ack: bool) -> Message:
        """What is sent of a message that came back before; for good with ``no_ack``."""

    # --- in and out ------------------------------------------------------------------------

    def publish(self, message: Message) -> bool:
        """Hand ``message`` to a consumer with room, else let it wait.

        False when the queue is full and its rules are to refuse.
        """
        is_plain = not self._has_rules and message.properties.expiration is None
        line = self._plain if self._max_priority == 0 else self._line(message)
        if self._ready == 0:
            consumer = self._ring.next()
            if consumer is not None:
                offset = line.pass_by()
                if not consumer.no_ack:
                    self.unacked_count += 1
                    due_ns = 0 if is_plain else self._due_of(message)
                    if due_ns != 0:
                        self._remember_due(offset, due_ns)
                    if self.record is not None:
                        self.record.keep(offset, due_ns)
                        self.record.handed_out(message, offset)
                elif self.record is not None:
                    self.record.keep_not()
                consumer.deliver(message, offset, False)
                return True
        if not is_plain:
            return self._publish_by_rules(message, line)
        line.push(message)
        if self.record is not None:
            self.record.keep(line.next_offset - 1, 0)
        self._ready += 1
        if self._max_priority > 0:
            self._occupied |= 1 << self._priority(message)
        return True

    def _publish_by_rules(self, message: Message, line: Backlog) -> bool:
        rules = self.rules
        if rules.overflow != DROP_HEAD and self._is_over(1, len(message.body)):
            if self.record is not None:
                self.record.keep_not()
            if rules.overflow == REJECT_PUBLISH_DLX:
                self._bury(message, MAXLEN)
            elif self._keeper is not None:
                self._keeper.note_dropped(REFUSED, 1)
            return False
        due_ns = self._due_of(message)
        line.push(message, due_ns)
        if self.record is not None:
            self.record.keep(line.next_offset - 1, due_ns)
        self._ready += 1
        if rules.max_octets >= 0:
            self._ready_octets += len(message.body)
        self._occupied |= 1 << self._priority(message)
        self._drop_excess()
        if due_ns != 0:
            self._has_due = True
            self._appoint_for(line)
        return True

    def get(self, no_ack: bool) -> Waiting | None:
        """Hand out the next message to somebody who asked; None when nothing waits."""
        self.touch()
        if self._has_due:
            self._expire()
        if self._ready == 0:
            return None
        waiting = self._pop()
        if self._has_due:
            # Who asks is told how many are left, and those behind it may have expired long ago.
            self._expire()
        if not no_ack:
            self.unacked_count += 1
            self._remember_due(waiting.offset, waiting.due_ns)
        if self.record is not None:
            self.record.taken(waiting.message, waiting.offset, no_ack)
        if not waiting.redelivered:
            return waiting
        return Waiting(self._redelivered(waiting, no_ack), waiting.offset, True, waiting.due_ns)

    def settle(self, offset: int) -> None:
        """The message handed out with ``offset`` is done."""
        self.unacked_count -= 1
        if self._out_due:
            self._out_due.pop(offset, None)
        if self._marks is not None:
            self._marks.pop(offset, None)
        if self.record is not None:
            self.record.settled(offset)

    def discard(self, message: Message, offset: int) -> None:
        """The message handed out with ``offset`` was rejected: it is a dead letter."""
        if self.record is not None:
            self.record.forget_pledge(offset)
        self.settle(offset)
        if not self.is_gone:
            self._bury(message, REJECTED, offset)

    def _is_over(self, more: int, octets: int) -> bool:
        """Whether ``more`` messages with bodies of ``octets`` would break a limit."""
        return self.rules.is_over(self._ready + more, self._ready_octets + octets)

    def _drop_excess(self) -> None:
        """Drop the oldest until no limit is broken."""
        while self._ready > 0 and self.rules.is_over(self._ready, self._ready_octets):
            self._bury_waiting(self._pop(), MAXLEN)

    def purge(self) -> int:
        """Drop every message that waits.  Returns how many."""
        for line in self._lines.values():
            if self.record is not None and not self.is_gone:
                for waiting in line.returned():
                    self.record.dropped(waiting.message, waiting.offset)
                self.record.purged(line.next_offset)
            line.clear()
        count = self._ready
        self._ready = 0
        self._ready_octets = 0
        self._occupied = 0
        if self._keeper is not None:
            self._keeper.note_dropped(DELETED if self.is_gone else PURGED, count)
        return count

    def dispatch(self) -> None:
        """Deliver what waits while a consumer has room."""
        if self._has_due:
            self._expire()
        while self._ready > 0:
            consumer = self._ring.next()
            if consumer is None:
                return
            waiting = self._pop()
            self.dispatched_count += 1
            if not consumer.no_ack:
                self.unacked_count += 1
                if waiting.due_ns != 0:
                    self._remember_due(waiting.offset, waiting.due_ns)
            if self.record is not None:
                self.record.taken(waiting.message, waiting.offset, consumer.no_ack)
            message = waiting.message
            if waiting.redelivered:
                message = self._redelivered(waiting, consumer.no_ack)
            consumer.deliver(message, waiting.offset, waiting.redelivered)

    # --- consumers -------------------------------------------------------------------------

    def unpark(self, consumer: Consumer) -> None:
        """``consumer`` may have room again.  Does not dispatch."""
        self._ring.unpark(consumer)

    def add_consumer(self, consumer: Consumer) -> None:
        """Let ``consumer`` take part.  Does not dispatch."""
        self._ring.add(consumer)

    def remove_consumer(self, consumer: Consumer) -> bool:
        """Let ``consumer`` go.  False when it was not here."""
        self.touch()
        return self._ring.remove(consumer)

    def close(self) -> None:
        """The queue is deleted: forget the messages and tell the consumers."""
        self.is_gone = True
        if self._keeper is not None:
            self._keeper.call_off(self)
        self.purge()
        for consumer in list(self._ring.consumers):
            self._ring.remove(consumer)
            consumer.cancelled()

    # --- rules -----------------------------------------------------------------------------

    def on_new_rules(self, before: Rules) -> None:
        """Drop what is too many now; what waits keeps the time it was given.

        Behaviour: RabbitMQ 4.3, "Policies": a time to live counts for what is published later, an
        expiry from now on.
        """
        rules = self.rules
        self._has_rules = rules.has_limits or rules.ttl_ms >= 0
        self._ready_octets = self._count_octets() if rules.max_octets >= 0 else 0
        if rules.overflow == DROP_HEAD:
            self._drop_excess()
        self.touch()
        if rules.consumer_timeout_ms != before.consumer_timeout_ms:
            for consumer in list(self._ring.consumers):
                consumer.retimed()

    def _count_octets(self) -> int:
        return sum([line.octets() for line in self._lines.values()])

    def _bury(self, message: Message, reason: str, offset: int = -1) -> None:
        """``message`` died; ``offset`` is where it was, -1 if it never was in the queue."""
        if self._keeper is None:
            return
        self._keeper.note_dead(self, reason)
        if self.rules.dead_letter_exchange is not None:
            self._keeper.bury(Dying(self, message, reason, False, self._mourned(message, offset)))

    def _mourned(self, message: Message, offset: int) -> int:
        """The offset of a message that is done only when it is buried, else -1."""
        if self.record is None or offset < 0 or not self.record.keeps(message):
            return -1
        self.record.not_yet_done(message, offset)
        return offset

    def _bury_waiting(self, waiting: Waiting, reason: str) -> None:
        """What waited is dropped: a dead letter."""
        if self.record is not None:
            self.record.dropped(waiting.message, waiting.offset)
        self._bury(waiting.message, reason, waiting.offset)

    def buried(self, dying: Dying, is_taken: bool) -> None:
        """Whatever became of it, it is gone from here."""
        if self.record is not None and dying.offset >= 0:
            self.record.settled(dying.offset)

    # --- time ------------------------------------------------------------------------------

    def touch(self) -> None:
        """Somebody used the queue: it is not to expire yet."""
        if self._keeper is not None and self.rules.expires_ms > 0:
            self._used_ns = self._keeper.now_ns()
            self._keeper.appoint(self, self._used_ns + self.rules.expires_ms * MS_NS)

    def on_time(self, now_ns: int) -> None:
        """Let go of what has expired, and of the queue itself when nobody uses it."""
        keeper = self._keeper
        if keeper is None or self.is_gone:
            return
        if self._has_due:
            self._expire()
        # The last consumer to leave makes the next appointment.
        if self.rules.expires_ms <= 0 or self.consumer_count > 0:
            return
        due_ns = self._used_ns + self.rules.expires_ms * MS_NS
        if due_ns <= now_ns:
            keeper.abandon(self)
        else:
            keeper.appoint(self, due_ns)

    def _due_of(self, message: Message) -> int:
        """When ``message``, coming in now, expires; 0 for never."""
        ttl_ms = self.rules.ttl_ms
        expiration = message.properties.expiration
        if expiration is not None:
            own_ms = int(expiration)
            ttl_ms = own_ms if ttl_ms < 0 else min(ttl_ms, own_ms)
        if ttl_ms < 0 or self._keeper is None:
            return 0
        return self._keeper.now_ns() + ttl_ms * MS_NS

    def _remember_due(self, offset: int, due_ns: int) -> None:
        if due_ns != 0:
            self._has_due = True
            self._out_due[offset] = due_ns

    def _appoint_for(self, line: Backlog) -> None:
        """Be called when the head of ``line`` expires."""
        due_ns = line.head_due_ns()
        if due_ns != 0 and self._keeper is not None:
            self._keeper.appoint(self, due_ns)

    def _expire(self) -> None:
        """Drop what has expired at the head of each line."""
        assert self._keeper is not None
        now_ns = self._keeper.now_ns()
        for priority, line in self._lines.items():
            while 0 < line.head_due_ns() <= now_ns:
                self._bury_waiting(self._taken(priority, line), EXPIRED)
            self._appoint_for(line)
        if self._ready == 0 and not self._out_due:
            self._has_due = False

    # --- lines -----------------------------------------------------------------------------

    def _line(self, message: Message) -> Backlog:
        if self._max_priority == 0:
            return self._plain
        priority = self._priority(message)
        if priority == self._usual_priority:
            return self._plain
        return self.line(priority)

    def line(self, priority: int) -> Backlog:
        """The line of messages with ``priority``, made if need be."""
        line = self._lines.get(priority)
        if line is None:
            line = self._new_line(priority)
            self._lines[priority] = line
        return line

    def _new_line(self, priority: int) -> Backlog:
        first = priority * _OFFSETS_PER_PRIORITY
        if self.record is None:
            return Backlog(first)
        line = Backlog(first, self.record.middle(priority))
        line.share_octets = self._share_octets
        line.purse = self._purse
        return line

    def set_share(self, octets: int, purse: Purse | None = None) -> None:
        """Let each line take this much memory, and what ``purse`` gives, before it spills."""
        self._share_octets = octets
        self._purse = purse
        for line in self._lines.values():
            line.share_octets = octets
            line.purse = purse

    def lines(self) -> list[Backlog]:
        """All lines."""
        return list(self._lines.values())

    def peek(self, first: int, count: int, most_octets: int) -> list[Waiting]:
        """What waits from the ``first`` place on, in the order in which it would be handed out."""
        found: list[Waiting] = []
        for priority in sorted(self._lines, reverse=True):
            line = self._lines[priority]
            wanted = min(count - len(found), len(line) - first)
            if wanted > 0:
                part = line.peek(first, wanted, most_octets)
                found.extend(part)
                if len(part) < wanted or len(found) >= count:
                    break
            first = max(first - len(line), 0)
        return found

    # --- restarts --------------------------------------------------------------------------

    def out(self) -> list[Waiting]:
        """What was handed out and is not done, or came back, as it would be handed out again."""
        found: list[Waiting] = []
        for line in self._lines.values():
            found.extend(line.returned())
        if self.record is not None:
            for offset, message in self.record.out.items():
                found.append(Waiting(message, offset, True, self._out_due.get(offset, 0)))
        return found

    def attempts_of(self, offset: int) -> tuple[int, int]:
        """How often the message with ``offset`` failed and was handed out, if that is counted."""
        return (0, 0)

    def waiting_attempts(self) -> list[int]:
        """The offsets of what waits as if it were new, but was handed out before."""
        return []

    def was_out(self, offset: int, failed: int, acquired: int) -> None:
        """After a restart: one of those waits with ``offset``."""

    @abstractmethod
    def come_back(self, waiting: Waiting, failed: int, acquired: int) -> None:
        """After a restart: what was handed out before waits again."""

    def revived(self) -> None:
        """After a restart: everything is where it was; count it."""
        for priority, line in self._lines.items():
            line.begin_counting()
            count = len(line)
            self._ready += count
            if count > 0:
                self._occupied |= 1 << priority
            self._has_due = self._has_due or line.has_due
        if self.rules.max_octets >= 0:
            self._ready_octets = self._count_octets()
        if self._has_due:
            self._expire()
        if self.rules.overflow == DROP_HEAD:
            self._drop_excess()

    def _pop(self) -> Waiting:
        if self._max_priority == 0 or self._occupied == self._usual_bit:
            return self._taken(self._usual_priority, self._plain)
        highest = self._occupied.bit_length() - 1
        return self._taken(highest, self._lines[highest])

    def _taken(self, priority: int, line: Backlog) -> Waiting:
        waiting = line.pop()
        self._ready -= 1
        if line.lost_count > 0:
            self._ready -= line.lost_count
            line.lost_count = 0
        if self.rules.max_octets >= 0:
            self._ready_octets -= len(waiting.message.body)
        if self._max_priority > 0 and len(line) == 0:
            self._occupied &= ~(1 << priority)
        if self._has_due:
            # The next may have less time left than this one had.
            self._appoint_for(line)
        return waiting
