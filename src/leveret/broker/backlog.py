"""The messages that wait in a queue, in order of their offsets.

::

    returned                              fresh
    came back, each with its old offset   never delivered; offsets ascend by one
    [12, 15]                              [20, 21, 22, ...]

Invariant: every returned offset is smaller than every fresh one, since only what stood at the
head was ever handed out.  Knows no consumer.
"""

from heapq import heappop, heappush
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.message import Message, Origin
from leveret.broker.properties import NO_PROPERTIES

_NOTHING: Final = Message(Origin("", ""), NO_PROPERTIES, b"")
# Handed-out slots at the front are given back once there are this many and they are the half.
_SLACK: Final = 1024


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
class Backlog:
    """One line of messages; a priority queue has one for each priority."""

    def __init__(self, first_offset: int) -> None:
        self._fresh: list[Message] = []
        # When each fresh one expires; empty until the first that does.
        self._due: list[int] = []
        self._head = 0
        self._next_offset = first_offset
        # By offset, and the offsets as a heap: many may come back in any order.
        self._returned: Final[dict[int, Waiting]] = {}
        self._order: Final[list[int]] = []

    def __len__(self) -> int:
        return len(self._fresh) - self._head + len(self._returned)

    @property
    def next_offset(self) -> int:
        """The offset that the next message gets."""
        return self._next_offset

    def holds(self, offset: int) -> bool:
        """Whether the message with this offset waits and was never delivered."""
        return self._next_offset - len(self._fresh) + self._head <= offset < self._next_offset

    def pass_by(self) -> int:
        """The offset of a message that is handed out at once.  Only when nothing waits."""
        offset = self._next_offset
        self._next_offset = offset + 1
        return offset

    def push(self, message: Message, due_ns: int = 0) -> None:
        """Let a new message wait, until ``due_ns`` if that is not 0."""
        if self._due:
            self._due.append(due_ns)
        elif due_ns != 0:
            self._due = [0] * len(self._fresh)
            self._due.append(due_ns)
        self._fresh.append(message)
        self._next_offset += 1

    def head_due_ns(self) -> int:
        """When the next message expires, 0 for never or when there is none."""
        if self._order:
            return self._returned[self._order[0]].due_ns
        return self._due[self._head] if self._due else 0

    def pop(self) -> Waiting:
        """The next message, which no longer waits.  Only when there is one."""
        if self._order:
            return self._returned.pop(heappop(self._order))
        fresh = self._fresh
        head = self._head
        message = fresh[head]
        offset = self._next_offset - len(fresh) + head
        due_ns = self._due[head] if self._due else 0
        fresh[head] = _NOTHING
        head += 1
        if head == len(fresh):
            self._fresh = []
            self._due = []
            head = 0
        elif head >= _SLACK and head * 2 >= len(fresh):
            del fresh[:head]
            if self._due:
                del self._due[:head]
            head = 0
        self._head = head
        return Waiting(message, offset, False, due_ns)

    def put_back(self, waiting: Waiting) -> None:
        """Let a message that was handed out wait again, at its old place."""
        self._returned[waiting.offset] = waiting
        heappush(self._order, waiting.offset)

    def octets(self) -> int:
        """The size of all bodies that wait.  Takes long: for once in a while."""
        fresh = sum([len(message.body) for message in self._fresh[self._head :]])
        return fresh + sum([len(each.message.body) for each in self._returned.values()])

    def clear(self) -> None:
        """Forget every message."""
        self._fresh = []
        self._due = []
        self._head = 0
        self._returned.clear()
        self._order.clear()
