"""The classic queue, in memory.

Invariant: while messages wait, every consumer is parked or without room.  So a new message can
be handed on at once only when none waits, and whoever gives a consumer room again must unpark it
and dispatch.
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
        self._lines: Final = [Backlog(n * _OFFSETS_PER_PRIORITY) for n in range(max_priority + 1)]
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
        if self._max_priority == 0 and len(waiting) > 1:
            self._lines[0].put_all_back(waiting)
            return
        for each in waiting:
            self._line(each.message).put_back(each.message, each.offset)

    def purge(self) -> int:
        """Drop every message that waits.  Returns how many."""
        for line in self._lines:
            line.clear()
        count = self._ready
        self._ready = 0
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

    def _line(self, message: Message) -> Backlog:
        if self._max_priority == 0:
            return self._lines[0]
        return self._lines[min(message.properties.priority, self._max_priority)]

    def _pop(self) -> Waiting:
        self._ready -= 1
        if self._max_priority == 0:
            return self._lines[0].pop()
        for line in reversed(self._lines):
            if len(line) > 0:
                return line.pop()
        raise AssertionError("the count of ready messages is wrong")
