"""The quorum queue on one node: it counts how often a delivery failed, and keeps what died there.

::

    delayed ──▶ returned, in the order they came back ──┐
                priority 31, 30, …  never delivered ────┴──▶ consumers

What came back is delivered before anything else, whatever its priority.  Only what may come back
for ever, having no limit, is put behind the others.
Behaviour: RabbitMQ 4.3, "Quorum Queues".
"""

from heapq import heappop, heappush
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.arguments import is_single_active
from leveret.broker.backlog import Backlog, Waiting
from leveret.broker.deaths import DELIVERY_LIMIT, EXPIRED, MAXLEN
from leveret.broker.lined import MS_NS, LinedQueue
from leveret.broker.message import NOTHING, Message
from leveret.broker.properties import PRIORITY, with_headers
from leveret.broker.queue import Dying, Keeper
from leveret.broker.ring import Ring
from leveret.broker.rules import DROP_HEAD, QUORUM, Rules
from leveret.broker.wishes import QueueWish
from leveret.errors import NotSupported, ResourceLocked
from leveret.octets import read_u16
from leveret.tables import INT64, Field

MAX_PRIORITY: Final = 31
USUAL_PRIORITY: Final = 4
# Dead letters that were not taken are sent again after this time, so many at once.
_BURY_AGAIN_NS: Final = 5_000_000_000
_BURY_AT_ONCE: Final = 32
# Where a count of handovers is written: the client has begun to answer.
_MARK: Final = 1 << 31
# Taken slots at the front are given back once there are this many and they are the half.
_SLACK: Final = 64


@final
@mypyc_attr(acyclic=True)
class Attempts:
    """What became of the deliveries of ``message``, which came back at least once."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.acquired_count = 0
        self.failed_count = 0

    def told(self) -> Message:
        """The message with the counts in its headers, as it is delivered again."""
        headers = self.message.properties.headers()
        headers["x-delivery-count"] = Field(INT64, self.failed_count)
        headers["x-acquired-count"] = Field(INT64, self.acquired_count)
        properties = with_headers(self.message.properties, headers)
        return Message(self.message.origin, properties, self.message.body)


@final
class QuorumQueue(LinedQueue):
    """Durable, shared and named: ``queue_kinds`` sees to that.

    ``delayed_count`` messages came back and are to wait before they are ready again.
    """

    def __init__(self, wish: QueueWish, keeper: Keeper | None = None) -> None:
        ring = Ring(is_single_active(wish.arguments), True)
        super().__init__(wish, QUORUM, keeper, ring, USUAL_PRIORITY, MAX_PRIORITY)
        self.is_gettable = not ring.is_single
        self._attempts: Final[dict[int, Attempts]] = {}
        self._returned: list[Waiting] = []
        self._head = 0
        # By the time they are ready again; a count keeps those of one moment in order.
        self._delayed: Final[list[tuple[int, int, Waiting]]] = []
        self._delays_made = 0
        # Messages that were put behind the others, as if they had come once more.
        self._moved_count = 0
        # Dead letters whose funeral is still to come, and those of them that were sent in vain.
        self._dead_count = 0
        self._dead_octets = 0
        self._unburied: list[Dying] = []
        self._bury_again_ns = 0

    @property
    def delayed_count(self) -> int:
        """How many messages wait to be ready again."""
        return len(self._delayed)

    @property
    def remembered_count(self) -> int:
        """How many messages, out, ready or delayed, came back before."""
        return len(self._attempts)

    @property
    def dead_count(self) -> int:
        """How many dead letters are kept because their queues have not taken them yet."""
        return self._dead_count

    @property
    def dead_octets(self) -> int:
        """The size of their bodies."""
        return self._dead_octets

    @property
    def published_count(self) -> int:
        """How many messages were ever taken in, since the process started."""
        return super().published_count - self._moved_count

    @property
    def ready_octets(self) -> int:
        """The size of all bodies that wait."""
        return self._count_octets()

    # --- what this type refuses ------------------------------------------------------------

    def check_get(self, what: str) -> None:
        """Refuse when one consumer at a time is to be served.  Raises ResourceLocked."""
        if not self.is_gettable:
            raise ResourceLocked(
                f"cannot obtain access to locked {what}. basic.get operations are not supported "
                "by quorum queues with single active consumer"
            )

    def check_global_prefetch(self, what: str) -> None:
        """Refuse always.  Raises NotSupported."""
        raise NotSupported(f"{what} does not support global qos")

    def check_delete(self, what: str, if_unused: bool, if_empty: bool) -> None:
        """Refuse both conditions.  Raises NotSupported."""
        if if_unused or if_empty:
            flag = "if-unused" if if_unused else "if-empty"
            raise NotSupported(
                f"cannot delete {what}. queue.delete operations with {flag} flag set are not "
                "supported by quorum queues"
            )

    # --- settled and back ------------------------------------------------------------------

    def settle(self, offset: int) -> None:
        """The message handed out with ``offset`` is done."""
        super().settle(offset)
        if self._attempts:
            self._attempts.pop(offset, None)

    def discard(self, message: Message, offset: int) -> None:
        """The message handed out with ``offset`` was rejected: a dead letter, without counts."""
        attempts = self._attempts.get(offset)
        super().discard(message if attempts is None else attempts.message, offset)

    def put_back(self, waiting: list[Waiting], is_failure: bool) -> None:
        """Messages handed out come back, in this order, unless they failed too often."""
        self.unacked_count -= len(waiting)
        if self.is_gone:
            return
        for each in waiting:
            self._come_back(each, is_failure)
        if self.rules.overflow == DROP_HEAD:
            self._drop_excess()

    def _come_back(self, waiting: Waiting, is_failure: bool) -> None:
        offset = waiting.offset
        due_ns = self._out_due.pop(offset, 0)
        attempts = self._attempts.get(offset)
        if attempts is None:
            attempts = Attempts(waiting.message)
            self._attempts[offset] = attempts
        attempts.acquired_count += 1
        if is_failure:
            attempts.failed_count += 1
        if self.record is not None:
            self.record.came_back(offset, attempts.failed_count, attempts.acquired_count)
        back = Waiting(attempts.message, offset, True, due_ns)
        if 0 <= self.rules.delivery_limit < attempts.failed_count:
            self._bury_waiting(back, DELIVERY_LIMIT)
            return
        wait_ms = self.rules.retry_ms(is_failure, attempts.failed_count)
        if wait_ms == 0 or self._keeper is None:
            if self.rules.delivery_limit < 0 and not is_failure:
                self._queue_up(back, attempts)
            else:
                self._return(back)
            return
        ready_ns = self._keeper.now_ns() + wait_ms * MS_NS
        self._delays_made += 1
        heappush(self._delayed, (ready_ns, self._delays_made, back))
        self._keeper.appoint(self, ready_ns)

    def _queue_up(self, back: Waiting, attempts: Attempts) -> None:
        """Let a message that may come back for ever wait behind the others, as if it were new."""
        line = self._plain
        del self._attempts[back.offset]
        if self.record is not None:
            self.record.moved(
                back.message,
                back.offset,
                line.next_offset,
                back.due_ns,
                attempts.failed_count,
                attempts.acquired_count,
            )
        self._attempts[line.next_offset] = attempts
        line.push(back.message, back.due_ns)
        self._moved_count += 1
        self._occupied |= self._usual_bit
        self._ready += 1
        if self.rules.max_octets >= 0:
            self._ready_octets += len(back.message.body)
        self._appoint_for(line)

    def _return(self, back: Waiting) -> None:
        self._returned.append(back)
        self._ready += 1
        if self.rules.max_octets >= 0:
            self._ready_octets += len(back.message.body)
        self._appoint_for_returned()

    def _redelivered(self, waiting: Waiting, no_ack: bool) -> Message:
        attempts = self._attempts[waiting.offset]
        if no_ack:
            del self._attempts[waiting.offset]
        return attempts.told()

    def _bury_waiting(self, waiting: Waiting, reason: str) -> None:
        if waiting.redelivered:
            del self._attempts[waiting.offset]
        super()._bury_waiting(waiting, reason)

    # --- lines -----------------------------------------------------------------------------

    def peek(self, first: int, count: int, most_octets: int) -> list[Waiting]:
        """What waits from the ``first`` place on; what came back is first."""
        back = self._returned[self._head :]
        found = back[first : first + count]
        rest = super().peek(max(first - len(back), 0), count - len(found), most_octets)
        for each in rest:
            is_back = each.offset in self._attempts
            found.append(Waiting(each.message, each.offset, True) if is_back else each)
        return found

    def _priority(self, message: Message) -> int:
        properties = message.properties
        if not read_u16(properties.octets, 0) & PRIORITY:
            return USUAL_PRIORITY
        return min(properties.priority, MAX_PRIORITY)

    def _pop(self) -> Waiting:
        return self._take_returned() if self._head < len(self._returned) else super()._pop()

    def _taken(self, priority: int, line: Backlog) -> Waiting:
        waiting = super()._taken(priority, line)
        if self._attempts and waiting.offset in self._attempts:
            self._attempts[waiting.offset].message = waiting.message
            return Waiting(waiting.message, waiting.offset, True, waiting.due_ns)
        return waiting

    def _take_returned(self) -> Waiting:
        returned = self._returned
        waiting = returned[self._head]
        self._head += 1
        if self._head == len(returned):
            self._returned = []
            self._head = 0
        elif self._head >= _SLACK and self._head * 2 >= len(returned):
            del returned[: self._head]
            self._head = 0
        self._ready -= 1
        if self.rules.max_octets >= 0:
            self._ready_octets -= len(waiting.message.body)
        self._appoint_for_returned()
        return waiting

    def purge(self) -> int:
        """Drop every message that waits, and the dead letters.  Returns how many waited."""
        for offset in [each for each in self._attempts if self._plain.holds(each)]:
            del self._attempts[offset]
        for waiting in self._back():
            del self._attempts[waiting.offset]
            if self.record is not None and not self.is_gone:
                self.record.dropped(waiting.message, waiting.offset)
        count = super().purge()
        self._returned = []
        self._head = 0
        self._delayed.clear()
        self._forget_unburied()
        return count

    def _back(self) -> list[Waiting]:
        """What came back, delayed or not."""
        return self._returned[self._head :] + [waiting for _, _, waiting in self._delayed]

    def out(self) -> list[Waiting]:
        """What was handed out and is not done, or came back."""
        return super().out() + self._back()

    def mark(self, offset: int) -> None:
        """The client has begun to answer for what was handed out with ``offset``."""
        if self._marks is None:
            self._marks = {}
        self._marks[offset] = None
        if self.record is not None:
            failed, acquired = self.attempts_of(offset)
            self.record.counted(offset, failed, acquired)

    def is_marked(self, offset: int) -> bool:
        """Whether it has."""
        return self._marks is not None and offset in self._marks

    def attempts_of(self, offset: int) -> tuple[int, int]:
        """How often the message with ``offset`` failed and was handed out; and its mark."""
        attempts = self._attempts.get(offset)
        mark = _MARK if self.is_marked(offset) else 0
        if attempts is None:
            return 0, mark
        return attempts.failed_count, attempts.acquired_count | mark

    def _unmarked(self, offset: int, acquired: int) -> int:
        """After a restart: what a count was, without the mark that may be in it."""
        if acquired & _MARK:
            if self._marks is None:
                self._marks = {}
            self._marks[offset] = None
        return acquired & ~_MARK

    def waiting_attempts(self) -> list[int]:
        """The offsets of what waits in the line again."""
        return [offset for offset in self._attempts if self._plain.holds(offset)]

    def was_out(self, offset: int, failed: int, acquired: int) -> None:
        """After a restart: what waits in the line with ``offset`` was handed out before."""
        # The message is known when its turn comes.
        attempts = Attempts(NOTHING)
        attempts.failed_count = failed
        attempts.acquired_count = max(self._unmarked(offset, acquired), 1)
        self._attempts[offset] = attempts

    def come_back(self, waiting: Waiting, failed: int, acquired: int) -> None:
        """After a restart: in the order of the offsets, with its counts."""
        attempts = Attempts(waiting.message)
        attempts.failed_count = failed
        # Whoever had it when the broker ended did not answer for it.
        attempts.acquired_count = max(self._unmarked(waiting.offset, acquired), 1)
        self._attempts[waiting.offset] = attempts
        self._return(waiting)

    def _count_octets(self) -> int:
        returned = self._returned[self._head :]
        return super()._count_octets() + sum([len(each.message.body) for each in returned])

    # --- time ------------------------------------------------------------------------------

    def on_time(self, now_ns: int) -> None:
        """As every queue; also let delayed messages in, and try again to bury the dead."""
        if self.is_gone or self._keeper is None:
            return
        while self._delayed and self._delayed[0][0] <= now_ns:
            self._return(heappop(self._delayed)[2])
        if self._delayed:
            self._keeper.appoint(self, self._delayed[0][0])
        if self._unburied:
            self._bury_again(now_ns)
        super().on_time(now_ns)
        if self._ready > 0:
            self.dispatch()

    def _appoint_for_returned(self) -> None:
        if self._head < len(self._returned) and self._keeper is not None:
            due_ns = self._returned[self._head].due_ns
            if due_ns != 0:
                self._has_due = True
                self._keeper.appoint(self, due_ns)

    def _expire(self) -> None:
        super()._expire()
        assert self._keeper is not None
        now_ns = self._keeper.now_ns()
        while self._head < len(self._returned) and 0 < self._returned[self._head].due_ns <= now_ns:
            self._bury_waiting(self._take_returned(), EXPIRED)
        self._appoint_for_returned()

    # --- dead letters ----------------------------------------------------------------------

    def _is_over(self, more: int, octets: int) -> bool:
        return super()._is_over(more + self._dead_count, octets + self._dead_octets)

    def _bury(self, message: Message, reason: str, offset: int = -1) -> None:
        if self._keeper is None or not self.rules.is_careful or reason == MAXLEN:
            super()._bury(message, reason, offset)
            return
        self._dead_count += 1
        self._dead_octets += len(message.body)
        self._keeper.note_dead(self, reason)
        self._keeper.bury(Dying(self, message, reason, True, self._mourned(message, offset)))

    def buried(self, dying: Dying, is_taken: bool) -> None:
        """Forget what was taken; send again later what was not."""
        keeper = self._keeper
        if not dying.is_kept:
            super().buried(dying, is_taken)
            return
        if is_taken or self.is_gone or keeper is None or not self.rules.is_careful:
            self._forget_dead(dying)
            if is_taken and self._unburied and keeper is not None:
                # There seems to be room again.
                self._bury_again_ns = keeper.now_ns()
                keeper.appoint(self, self._bury_again_ns)
            return
        if not self._unburied:
            self._bury_again_ns = keeper.now_ns() + _BURY_AGAIN_NS
            keeper.appoint(self, self._bury_again_ns)
        self._unburied.append(dying)

    def _bury_again(self, now_ns: int) -> None:
        assert self._keeper is not None
        if now_ns >= self._bury_again_ns:
            again = self._unburied[:_BURY_AT_ONCE]
            del self._unburied[:_BURY_AT_ONCE]
            self._bury_again_ns = now_ns + _BURY_AGAIN_NS
            for dying in again:
                self._keeper.bury(dying)
        self._keeper.appoint(self, self._bury_again_ns)

    def _forget_dead(self, dying: Dying) -> None:
        self._dead_count -= 1
        self._dead_octets -= len(dying.message.body)
        super().buried(dying, True)

    def _forget_unburied(self) -> None:
        for dying in self._unburied:
            self._forget_dead(dying)
        self._unburied = []

    def on_new_rules(self, before: Rules) -> None:
        """As every queue; and what cannot be kept for its queues any more is forgotten."""
        if not self.rules.is_careful:
            self._forget_unburied()
        super().on_new_rules(before)
