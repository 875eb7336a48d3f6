"""The classic queue, in memory.

Invariant: while messages wait, no consumer whose turn may come has room.  So a new message can be
handed on at once only when none waits, and whoever gives a consumer room again must unpark it and
dispatch.
Behaviour: RabbitMQ 4.3, "Queues", "Priority queues", "Consumer priorities".
"""

from typing import Final, final

from leveret.broker.arguments import is_single_active
from leveret.broker.backlog import Backlog, Waiting
from leveret.broker.consumer import Consumer
from leveret.broker.message import Message
from leveret.broker.queue import Queue
from leveret.broker.ring import Ring
from leveret.errors import AccessRefused
from leveret.tables import Table

# Offsets of one priority's messages start here, so that they are unique in the queue.
_OFFSETS_PER_PRIORITY: Final = 1 << 48


@final
class ClassicQueue(Queue):
    """First in, first out inside each priority, 0 to ``max_priority``."""

    def __init__(
        self,
        name: str,
        is_durable: bool,
        is_auto_delete: bool,
        owner_id: int,
        arguments: Table,
        max_priority: int,
    ) -> None:
        super().__init__(name, is_durable, is_auto_delete, owner_id, arguments)
        self._max_priority: Final = max_priority
        self._plain: Final = Backlog(0)
        # Of a priority queue: the lines of the priorities seen so far, and which of them have
        # messages, as bits.
        self._lines: Final[dict[int, Backlog]] = {0: self._plain}
        self._occupied = 0
        self._ring: Final = Ring(is_single_active(arguments))
        self._ready = 0

    @property
    def ready_count(self) -> int:
        """How many messages wait."""
        return self._ready

    @property
    def consumer_count(self) -> int:
        """How many consumers there are."""
        return len(self._ring.consumers)

    def publish(self, message: Message) -> bool:
        """Hand ``message`` to a consumer with room, else let it wait.  Never refuses."""
        line = self._line(message)
        if self._ready == 0:
            consumer = self._ring.next()
            if consumer is not None:
                if not consumer.no_ack:
                    self.unacked_count += 1
                consumer.deliver(message, line.pass_by(), False)
                return True
        line.push(message)
        self._ready += 1
        if self._max_priority > 0:
            self._occupied |= 1 << self._priority(message)
        return True

    def get(self, no_ack: bool) -> Waiting | None:
        """Hand out the next message to somebody who asked; None when nothing waits."""
        if self._ready == 0:
            return None
        if not no_ack:
            self.unacked_count += 1
        return self._pop()

    def settle(self, offset: int) -> None:
        """The message handed out with ``offset`` is done."""
        self.unacked_count -= 1

    def discard(self, message: Message, offset: int) -> None:
        """The message handed out with ``offset`` was rejected and does not come back."""
        self.unacked_count -= 1

    def put_back(self, waiting: list[Waiting]) -> None:
        """Messages handed out come back to their old places.  Does not dispatch."""
        self.unacked_count -= len(waiting)
        if self.is_gone:
            return
        self._ready += len(waiting)
        for each in waiting:
            self._line(each.message).put_back(each)
            self._occupied |= 1 << self._priority(each.message)

    def purge(self) -> int:
        """Drop every message that waits.  Returns how many."""
        for line in self._lines.values():
            line.clear()
        count = self._ready
        self._ready = 0
        self._occupied = 0
        return count

    def dispatch(self) -> None:
        """Deliver what waits while a consumer has room."""
        while self._ready > 0:
            consumer = self._ring.next()
            if consumer is None:
                return
            if not consumer.no_ack:
                self.unacked_count += 1
            waiting = self._pop()
            consumer.deliver(waiting.message, waiting.offset, waiting.redelivered)

    def unpark(self, consumer: Consumer) -> None:
        """``consumer`` may have room again.  Does not dispatch."""
        self._ring.unpark(consumer)

    def add_consumer(self, consumer: Consumer) -> None:
        """Let ``consumer`` take part.  Raises AccessRefused when one wants the queue for itself."""
        present = next(iter(self._ring.consumers), None)
        if consumer.is_exclusive and (present is not None or self._ring.is_single):
            raise AccessRefused("in exclusive use")
        if present is not None and present.is_exclusive:
            raise AccessRefused("in exclusive use")
        self._ring.add(consumer)

    def remove_consumer(self, consumer: Consumer) -> bool:
        """Let ``consumer`` go.  False when it was not here."""
        return self._ring.remove(consumer)

    def close(self) -> None:
        """The queue is deleted: forget the messages and tell the consumers."""
        self.is_gone = True
        self.purge()
        for consumer in list(self._ring.consumers):
            self._ring.remove(consumer)
            consumer.cancelled()

    def _priority(self, message: Message) -> int:
        return min(message.properties.priority, self._max_priority)

    def _line(self, message: Message) -> Backlog:
        if self._max_priority == 0:
            return self._plain
        priority = self._priority(message)
        line = self._lines.get(priority)
        if line is None:
            line = Backlog(priority * _OFFSETS_PER_PRIORITY)
            self._lines[priority] = line
        return line

    def _pop(self) -> Waiting:
        self._ready -= 1
        if self._max_priority == 0:
            return self._plain.pop()
        highest = self._occupied.bit_length() - 1
        line = self._lines[highest]
        waiting = line.pop()
        if len(line) == 0:
            self._occupied ^= 1 << highest
        return waiting
