"""A queue that keeps nothing: for one reader, of messages that may be lost.

What comes is handed out at once.  What its reader cannot take in this turn of the loop waits; once
the reader's client does not read at all, and more wait than the limit says, more are dropped.
Nothing of it is ever written to the disk, and nothing comes back to it.
Behaviour: RabbitMQ 4.3, "MQTT QoS 0 queue type", "mqtt.mailbox_soft_limit".
"""

from collections import deque
from typing import Final, final

from mypy_extensions import i64

from leveret.broker.backlog import Waiting
from leveret.broker.consumer import Consumer
from leveret.broker.message import Message
from leveret.broker.queue import Dying, Keeper, Queue
from leveret.broker.rules import MAILBOX, Rules
from leveret.broker.tallies import DELETED, PURGED
from leveret.broker.wishes import QueueWish
from leveret.errors import AccessRefused, NotSupported

# Why messages are dropped.
OVERFLOW: Final = "mailbox_overflow"
# A reader that reads is given time, but not for more than this.
_MOST: Final = 100_000


@final
class MailboxQueue(Queue):
    """``limit`` is how many may wait for a client that does not read, 0 for any number.

    Invariant: nothing waits while the reader has room, unless it is about to be asked.
    """

    def __init__(self, wish: QueueWish, keeper: Keeper, limit: int) -> None:
        super().__init__(wish, MAILBOX)
        self._keeper: Final = keeper
        self._limit: Final = limit if limit > 0 else _MOST
        self._reader: Consumer | None = None
        self._waiting: Final[deque[Message]] = deque()
        self._taken_in: i64 = 0

    def on_new_rules(self, before: Rules) -> None:
        """No rule is for what is not kept."""

    def publish(self, message: Message) -> bool:
        """Hand ``message`` out, let it wait for the next turn, or drop it.  Never refuses."""
        self._taken_in += 1
        reader = self._reader
        if reader is None:
            self._keeper.note_dropped(OVERFLOW, 1)
            return True
        if not self._waiting and reader.has_room():
            reader.deliver(message, 0, False)
            return True
        reader.is_parked = True
        count = len(self._waiting)
        if count >= _MOST or (count >= self._limit and reader.is_stuck()):
            self._keeper.note_dropped(OVERFLOW, 1)
        else:
            self._waiting.append(message)
        return True

    def dispatch(self) -> None:
        """Deliver what waits while the reader has room."""
        reader = self._reader
        waiting = self._waiting
        while waiting and reader is not None and reader.has_room():
            self.dispatched_count += 1
            reader.deliver(waiting.popleft(), 0, False)
        if waiting and reader is not None:
            reader.is_parked = True

    def unpark(self, consumer: Consumer) -> None:
        """The reader may have room again.  Does not dispatch."""
        consumer.is_parked = False

    def get(self, no_ack: bool) -> Waiting | None:
        """Nobody is handed anything."""
        return None

    def check_get(self, what: str) -> None:
        """Refuse whoever asks."""
        raise NotSupported(f"basic.get is not supported by {what}, a queue for MQTT QoS 0")

    def settle(self, offset: int) -> None:
        """Nothing is out."""

    def discard(self, message: Message, offset: int) -> None:
        """Nothing is out."""

    def put_back(self, waiting: list[Waiting], is_failure: bool) -> None:
        """Nothing comes back."""

    def purge(self) -> int:
        """Drop every message that waits.  Returns how many."""
        count = len(self._waiting)
        self._waiting.clear()
        self._keeper.note_dropped(DELETED if self.is_gone else PURGED, count)
        return count

    def add_consumer(self, consumer: Consumer) -> None:
        """Let ``consumer`` be the reader.  Raises AccessRefused when there is one."""
        if self._reader is not None:
            raise AccessRefused("in exclusive use")
        self._reader = consumer

    def remove_consumer(self, consumer: Consumer) -> bool:
        """Let ``consumer`` go.  False when it was not here."""
        if self._reader is not consumer:
            return False
        self._reader = None
        return True

    def buried(self, dying: Dying, is_taken: bool) -> None:
        """Nothing dies here."""

    def touch(self) -> None:
        """It does not expire."""

    def on_time(self, now_ns: int) -> None:
        """It does not expire."""

    def close(self) -> None:
        """The queue is deleted."""
        self.is_gone = True
        self.purge()
        reader = self._reader
        self._reader = None
        if reader is not None:
            reader.cancelled()

    @property
    def ready_count(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    @property
    def consumer_count(self) -> int:
        """One, or none."""
        return 0 if self._reader is None else 1

    @property
    def consumers(self) -> list[Consumer]:
        """The reader, if there is one."""
        return [] if self._reader is None else [self._reader]

    @property
    def has_ready_consumer(self) -> bool:
        """Whether the reader would get a message that came in now."""
        return self._reader is not None and not self._reader.is_parked

    @property
    def published_count(self) -> int:
        """How many messages ever came."""
        return int(self._taken_in)

    @property
    def ready_octets(self) -> int:
        """The size of all bodies that wait."""
        return sum([len(message.body) for message in self._waiting])
