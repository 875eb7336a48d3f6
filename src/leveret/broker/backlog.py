"""The messages that wait in a queue, in order of their offsets.

::

    returned                              fresh
    came back, each with its old offset   never delivered; offsets ascend
    [12, 15]                              [20, 21, 22, ...] [on the disk ...] [... newest]
                                          head              middle            tail

Where a line may spill and grows too long for its share of memory, the head stays in memory, and
so does the tail until it is worth writing; what is between them is on the disk.

Invariant: every returned offset is smaller than every fresh one, since only what stood at the
head was ever handed out.  Without a middle, and unless it spills, there is no tail; while anything
is fresh the head has the first of it, and ``_head`` points to a message.  Knows no consumer.
"""

from heapq import heappop, heappush, nsmallest
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.message import NOTHING, Message
from leveret.broker.middle import Loaded, Middle
from leveret.broker.purse import Purse, Spender
from leveret.store.chunks import Chunk

# Handed-out slots at the front are given back once there are this many and they are the half.
_SLACK: Final = 1024
# What a waiting message costs in memory beside its body, roughly.
MESSAGE_OCTETS: Final = 128
# The tail is written when it takes this much memory, or the share.
_CHUNK_OCTETS: Final = 64 * 1024
UNBOUNDED: Final = 1 << 60


@final
@mypyc_attr(acyclic=True)
class Waiting:
    """A message with its place in the queue; ``due_ns`` is when it expires, 0 for never."""

    def __init__(self, message: Message, offset: int, redelivered: bool, due_ns: int = 0) -> None:
        self.message: Final = message
        self.offset: Final = offset
        self.redelivered: Final = redelivered
        self.due_ns: Final = due_ns


@final
class Backlog(Spender):
    """One line of messages; a priority queue has one for each priority.

    ``share_octets`` is how much memory the head may take before the line asks ``purse`` for more,
    or spills into ``middle``.
    """

    def __init__(self, first_offset: int, middle: Middle | None = None) -> None:
        self._middle: Final = middle
        self.share_octets = UNBOUNDED
        self.purse: Purse | None = None
        # While a checkpoint is read: the share, which does not count yet.
        self._coming_share = UNBOUNDED
        self._fresh: list[Message] = []
        # When each of the head expires; empty until the first that does.
        self._due: list[int] = []
        self._head = 0
        # The offset of the first slot of the head.
        self._base = first_offset
        # The offset of the first message that came since the process started.
        self._first = first_offset
        self._next_offset = first_offset
        self._fresh_count = 0
        # Messages that waited and could not be read back; whoever counts them resets it.
        self.lost_count = 0
        # Of the head, taken slots included: what it costs in memory.
        self._octets = 0
        # Where new messages go once the line spills.
        self._is_spilling = False
        self._tail: list[Message] = []
        self._tail_due: list[int] = []
        self._tail_octets = 0
        # How long the tail must have grown before it is written again, after that failed.
        self._tail_goal_octets = 0
        # By offset, and the offsets as a heap: many may come back in any order.
        self._returned: Final[dict[int, Waiting]] = {}
        self._returned_octets = 0
        self._order: Final[list[int]] = []

    def __len__(self) -> int:
        return self._fresh_count + len(self._returned)

    def holds(self, offset: int) -> bool:
        """Whether the message with this offset waits and was never delivered."""
        return self.front <= offset < self._next_offset

    def pass_by(self) -> int:
        """The offset of a message that is handed out at once.  Only when nothing waits."""
        offset = self._next_offset
        self._next_offset = offset + 1
        self._base = offset + 1
        return offset

    def push(self, message: Message, due_ns: int = 0) -> None:
        """Let a new message wait, until ``due_ns`` if that is not 0."""
        self._fresh_count += 1
        self._next_offset += 1
        octets = MESSAGE_OCTETS + len(message.body)
        if self._is_spilling:
            self._push_to_tail(message, due_ns, octets)
            return
        if self._due:
            self._due.append(due_ns)
        elif due_ns != 0:
            self._due = [0] * len(self._fresh)
            self._due.append(due_ns)
        self._fresh.append(message)
        self._octets += octets
        if self._octets > self.share_octets and self._middle is not None:
            self._is_spilling = not self._grow()

    def head_due_ns(self) -> int:
        """When the next message expires, 0 for never or when there is none."""
        if self._order:
            return self._returned[self._order[0]].due_ns
        return self._due[self._head] if self._due else 0

    def pop(self) -> Waiting:
        """The next message, which no longer waits.  Only when there is one."""
        if self._order:
            back = self._returned.pop(heappop(self._order))
            self._returned_octets -= len(back.message.body)
            return back
        return self._pop_fresh()

    def _pop_fresh(self) -> Waiting:
        fresh = self._fresh
        head = self._head
        message = fresh[head]
        waiting = Waiting(message, self._base + head, False, self._due[head] if self._due else 0)
        fresh[head] = NOTHING
        self._fresh_count -= 1
        self._octets -= MESSAGE_OCTETS + len(message.body)
        head += 1
        if head == len(fresh):
            self._next_head()
        elif head >= _SLACK and head * 2 >= len(fresh):
            self._give_back(head)
        else:
            self._head = head
            if fresh[head] is NOTHING:
                self._skip()
        return waiting

    def _give_back(self, head: int) -> None:
        del self._fresh[:head]
        if self._due:
            del self._due[:head]
        self._base += head
        self._head = 0
        self._skip()

    def _skip(self) -> None:
        """Pass over slots without a message."""
        fresh = self._fresh
        head = self._head
        while head < len(fresh) and fresh[head] is NOTHING:
            head += 1
        self._head = head
        if head == len(fresh):
            self._next_head()

    def put_back(self, waiting: Waiting) -> None:
        """Let a message that was handed out wait again, at its old place."""
        self._returned[waiting.offset] = waiting
        self._returned_octets += len(waiting.message.body)
        heappush(self._order, waiting.offset)

    def octets(self) -> int:
        """The size of all bodies that wait."""
        # Of what is in memory the cost is known, and that is the same for each beside its body.
        in_memory = self._fresh_count
        known = self._octets + self._tail_octets + self._returned_octets
        if self._middle is not None:
            in_memory -= self._middle.count
            known += self._middle.octets
        return known - MESSAGE_OCTETS * in_memory

    @property
    def memory_count(self) -> int:
        """How many of those that wait are in memory."""
        return len(self) - self._middle.count if self._middle is not None else len(self)

    @property
    def disk_octets(self) -> int:
        """The size of the bodies that are on the disk only."""
        return self._middle.octets if self._middle is not None else 0

    @property
    def memory_octets(self) -> int:
        """About how much memory they take."""
        return self._octets + self._tail_octets + self._returned_octets

    @property
    def taken_in(self) -> int:
        """How many messages came since ``begin_counting``, or ever."""
        return self._next_offset - self._first

    def begin_counting(self) -> None:
        """After a restart: what is here came before."""
        self._first = self._next_offset

    def clear(self) -> None:
        """Forget every message."""
        self._drop_fresh()
        self._returned.clear()
        self._returned_octets = 0
        self._order.clear()

    def _drop_fresh(self) -> None:
        if self.purse is not None:
            self.purse.give_back(self)
            self.share_octets = self.purse.first_octets
        if self._middle is not None:
            self._middle.clear()
        self._begin_tail()
        self._is_spilling = False
        self._octets = 0
        self._fresh_count = 0
        self._set_head([], [], self._next_offset)

    def _set_head(self, messages: list[Message], due: list[int], base: int) -> None:
        self._fresh = messages
        self._due = due
        self._base = base
        self._head = 0

    # --- what a restart needs --------------------------------------------------------------

    @property
    def next_offset(self) -> int:
        """The offset that the next message gets."""
        return self._next_offset

    @property
    def front(self) -> int:
        """The offset of the first message that was never handed out, or of the next."""
        return self._base + self._head if self._fresh_count > 0 else self._next_offset

    @property
    def tail_slots(self) -> int:
        """How many offsets before the next the tail takes up."""
        return len(self._tail)

    @property
    def has_due(self) -> bool:
        """Whether anything in memory expires."""
        if self._due or self._tail_due:
            return True
        return any(each.due_ns != 0 for each in self._returned.values())

    @property
    def middle(self) -> Middle | None:
        """What is on the disk only."""
        return self._middle

    def returned(self) -> list[Waiting]:
        """The messages that came back, in any order."""
        return list(self._returned.values())

    def head(self) -> list[Waiting]:
        """The messages of the head, in order."""
        return _listed(self._fresh, self._due, self._base, self._head)

    def tail(self) -> list[Waiting]:
        """The messages of the tail, in order."""
        return _listed(self._tail, self._tail_due, self._next_offset - len(self._tail), 0)

    def peek(self, first: int, count: int, most_octets: int) -> list[Waiting]:
        """Those from the ``first`` place on, ``count`` at most, which wait as before.

        It ends early once ``most_octets`` were read from the disk.
        """
        found = [self._returned[offset] for offset in self._back(first, count)]
        first = max(first - len(self._returned), 0)
        first = _peeked(self._fresh, self._base, self._head, first, count, found)
        middle = self._middle
        if middle is not None and middle.count > 0 and len(found) < count:
            if first < middle.count:
                wanted = min(count - len(found), middle.count - first)
                loaded = middle.peek(first, wanted, most_octets)
                for index in range(len(loaded.messages)):
                    message = loaded.messages[index]
                    found.append(Waiting(message, loaded.offsets[index], False))
                if len(loaded.messages) < wanted:
                    return found
            first = max(first - middle.count, 0)
        base = self._next_offset - len(self._tail)
        _peeked(self._tail, base, 0, first, count, found)
        return found

    def _back(self, first: int, count: int) -> list[int]:
        """The offsets of those that came back, ``count`` from the ``first`` on, in order."""
        if first == 0 and count == 1:
            # Asked for often: the heap knows.
            return self._order[:1]
        return nsmallest(first + count, self._returned)[first:]

    def go_on_at(self, offset: int) -> None:
        """The next message has ``offset``: those before it that are not here are lost."""
        gap = offset - self._next_offset
        if gap <= 0:
            return
        if self._fresh_count == 0:
            self._set_head([], [], offset)
        elif gap > _SLACK and self._middle is not None:
            # What comes after a long gap begins a tail of its own.
            self._is_spilling = True
            self.write_tail()
        self._next_offset = offset
        if self._fresh_count == 0 or (self._is_spilling and not self._tail):
            return
        slots = self._tail if self._is_spilling else self._fresh
        due = self._tail_due if self._is_spilling else self._due
        slots.extend([NOTHING] * gap)
        if due:
            due.extend([0] * gap)

    def hand_out(self, offset: int) -> list[Waiting]:
        """Take every fresh message before ``offset``."""
        taken: list[Waiting] = []
        while self._fresh_count > 0 and self._base + self._head < offset:
            taken.append(self._pop_fresh())
        return taken

    def take_returned(self, offset: int) -> bool:
        """Take the message that came back with ``offset``.  Whether it was there.

        ``put_in_order`` must be called before anything is popped.
        """
        back = self._returned.pop(offset, None)
        if back is None:
            return False
        self._returned_octets -= len(back.message.body)
        return True

    def put_in_order(self) -> None:
        """Order what came back: some of it was taken out of its turn."""
        self._order.clear()
        for offset in self._returned:
            heappush(self._order, offset)

    def drop_fresh(self, offset: int) -> None:
        """Forget the fresh messages before ``offset``; nothing is older than what comes after."""
        if offset >= self._next_offset:
            self._drop_fresh()
            self.go_on_at(offset)
        else:
            self.hand_out(offset)

    def begin_restoring(self, offset: int) -> None:
        """A checkpoint tells what waits, from ``offset`` on: nothing spills before its chunks."""
        self._coming_share = self.share_octets
        self.share_octets = UNBOUNDED
        self.go_on_at(offset)

    def end_restoring(self, offset: int) -> None:
        """That was all: the next message has ``offset``."""
        self._count_share()
        self.go_on_at(offset)

    def _count_share(self) -> None:
        self.share_octets = self._coming_share
        while self._octets > self.share_octets and self._middle is not None:
            if not self._grow():
                self._is_spilling = True
                break
        self._coming_share = self.share_octets

    def restore_middle(self, chunks: list[Chunk], next_offset: int) -> None:
        """Take up what was on the disk, behind what is the head already.

        ``next_offset`` is the one after the chunks.  Raises Damage, OSError.
        """
        assert self._middle is not None
        self._middle.restore(chunks)
        self._fresh_count += self._middle.count
        self._next_offset = max(self._next_offset, next_offset)
        self._count_share()
        self._is_spilling = self._middle.count > 0
        if not self._fresh:
            self._next_head()

    # --- spilling --------------------------------------------------------------------------

    def _grow(self) -> bool:
        """Have a larger share, if there is one to be had."""
        if self.purse is None:
            return False
        more = self.purse.more(self, self.share_octets)
        self.share_octets += more
        return more > 0

    def let_go(self) -> bool:
        """Whether the first part of the share is enough now; there is no more of it then."""
        assert self.purse is not None
        first_octets = self.purse.first_octets
        if self._octets + self._tail_octets > first_octets:
            return False
        self.share_octets = first_octets
        return True

    def _push_to_tail(self, message: Message, due_ns: int, octets: int) -> None:
        if self._tail_due:
            self._tail_due.append(due_ns)
        elif due_ns != 0:
            self._tail_due = [0] * len(self._tail)
            self._tail_due.append(due_ns)
        self._tail.append(message)
        self._tail_octets += octets
        tail_octets = self._tail_octets
        if tail_octets < self._tail_goal_octets:
            return
        if tail_octets > _CHUNK_OCTETS or tail_octets > self.share_octets:
            self.write_tail()

    def write_tail(self) -> None:
        """Move the tail to the disk.  If that fails it stays, and is tried again once it has grown.

        By an eighth: with each message all of it would be made ready to be written, in vain.
        """
        middle = self._middle
        if middle is None or not self._tail:
            return
        if middle.write(self._next_offset - len(self._tail), self._tail, self._tail_due):
            self._begin_tail()
        else:
            self._tail_goal_octets = self._tail_octets + (self._tail_octets >> 3)

    def _begin_tail(self) -> None:
        self._tail = []
        self._tail_due = []
        self._tail_octets = 0
        self._tail_goal_octets = 0

    def _next_head(self) -> None:
        """The head was used up: what comes after it is the head now."""
        middle = self._middle
        while middle is not None and middle.count > 0:
            loaded = middle.read()
            self._take_up(loaded)
            if self._fresh:
                return
        self._octets = self._tail_octets
        self._set_head(self._tail, self._tail_due, self._next_offset - len(self._tail))
        self._begin_tail()
        self._is_spilling = False

    def _take_up(self, loaded: Loaded) -> None:
        """Make what was loaded the head."""
        self._fresh_count -= loaded.lost
        self.lost_count += loaded.lost
        messages: list[Message] = []
        due: list[int] = []
        octets = 0
        base = loaded.offsets[0] if loaded.offsets else self._next_offset
        for index in range(len(loaded.offsets)):
            # Not every offset need be there.
            while base + len(messages) < loaded.offsets[index]:
                messages.append(NOTHING)
                if loaded.due:
                    due.append(0)
            message = loaded.messages[index]
            messages.append(message)
            octets += MESSAGE_OCTETS + len(message.body)
            if loaded.due:
                due.append(loaded.due[index])
        self._octets = octets
        self._set_head(messages, due, base)


def _peeked(
    messages: list[Message], base: int, at: int, first: int, count: int, found: list[Waiting]
) -> int:
    """Add to ``found`` what is in slots from ``at`` on, but not the ``first`` messages of it.

    How many of those are still to be passed over.
    """
    for index in range(at, len(messages)):
        if len(found) >= count:
            break
        if messages[index] is NOTHING:
            continue
        if first > 0:
            first -= 1
        else:
            found.append(Waiting(messages[index], base + index, False))
    return first


def _listed(messages: list[Message], due: list[int], base: int, first: int) -> list[Waiting]:
    listed: list[Waiting] = []
    for index in range(first, len(messages)):
        if messages[index] is not NOTHING:
            due_ns = due[index] if due else 0
            listed.append(Waiting(messages[index], base + index, False, due_ns))
    return listed
