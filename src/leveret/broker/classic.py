"""The classic queue, in memory.

Behaviour: RabbitMQ 4.3, "Classic Queues", "Priority queues", "Single active consumer".
"""

from typing import final

from leveret.broker.arguments import is_single_active, max_priority_of
from leveret.broker.backlog import Waiting
from leveret.broker.consumer import Consumer
from leveret.broker.lined import LinedQueue
from leveret.broker.message import Message
from leveret.broker.queue import Keeper
from leveret.broker.ring import Ring
from leveret.broker.rules import CLASSIC, DROP_HEAD
from leveret.broker.wishes import QueueWish
from leveret.errors import AccessRefused


@final
class ClassicQueue(LinedQueue):
    """Messages have the priority they say, 0 if none; what comes back goes to its old place."""

    def __init__(self, wish: QueueWish, keeper: Keeper | None = None) -> None:
        super().__init__(
            wish,
            CLASSIC,
            keeper,
            Ring(is_single_active(wish.arguments)),
            0,
            max_priority_of(wish.arguments),
        )

    def put_back(self, waiting: list[Waiting], is_failure: bool) -> None:
        """Messages handed out come back to their old places.  Does not dispatch."""
        self.unacked_count -= len(waiting)
        if self.is_gone:
            return
        self._ready += len(waiting)
        for each in waiting:
            if self.record is not None:
                self.record.came_back(each.offset, 0, 0)
            if self._out_due:
                due_ns = self._out_due.pop(each.offset, 0)
                each = Waiting(each.message, each.offset, True, due_ns)
            line = self._line(each.message)
            line.put_back(each)
            if self.rules.max_octets >= 0:
                self._ready_octets += len(each.message.body)
            self._occupied |= 1 << self._priority(each.message)
            if each.due_ns != 0:
                self._appoint_for(line)
        # Coming back is no publishing: only the rule to drop the oldest applies.
        if self.rules.overflow == DROP_HEAD:
            self._drop_excess()

    def add_consumer(self, consumer: Consumer) -> None:
        """Let ``consumer`` take part.  Raises AccessRefused when one wants the queue for itself."""
        present = next(iter(self._ring.consumers), None)
        if consumer.is_exclusive and (present is not None or self._ring.is_single):
            raise AccessRefused("in exclusive use")
        if present is not None and present.is_exclusive:
            raise AccessRefused("in exclusive use")
        self._ring.add(consumer)

    def _priority(self, message: Message) -> int:
        return min(message.properties.priority, self._max_priority)

    def _redelivered(self, waiting: Waiting, no_ack: bool) -> Message:
        return waiting.message

    def mark(self, offset: int) -> None:
        """The client has begun to answer for what was handed out with ``offset``."""
        if self._marks is None:
            self._marks = {}
        self._marks[offset] = None
        if self.record is not None:
            # As a count of handovers, which mean nothing else here.
            self.record.counted(offset, 0, 1)

    def is_marked(self, offset: int) -> bool:
        """Whether it has."""
        return self._marks is not None and offset in self._marks

    def attempts_of(self, offset: int) -> tuple[int, int]:
        """Whether it is marked."""
        return (0, 1) if self.is_marked(offset) else (0, 0)

    def come_back(self, waiting: Waiting, failed: int, acquired: int) -> None:
        """After a restart: back to its old place."""
        self._line(waiting.message).put_back(waiting)
        if acquired > 0:
            if self._marks is None:
                self._marks = {}
            self._marks[waiting.offset] = None
