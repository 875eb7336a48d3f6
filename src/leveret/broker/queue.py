"""What every queue type is.  Knows no protocol; a new queue type is one subclass."""

from abc import ABC, abstractmethod
from typing import Final

from mypy_extensions import mypyc_attr

from leveret.broker.backlog import Waiting
from leveret.broker.consumer import Consumer
from leveret.broker.message import Message
from leveret.broker.policy import Policy
from leveret.broker.rules import Rules
from leveret.broker.timetable import Appointee
from leveret.tables import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class Keeper(ABC):
    """What a queue needs of the vhost that keeps it."""

    @abstractmethod
    def now_ns(self) -> int:
        """The time."""

    @abstractmethod
    def appoint(self, who: Appointee, due_ns: int) -> None:
        """Call ``who`` at ``due_ns`` at the latest."""

    @abstractmethod
    def bury(self, queue: "Queue", message: Message, reason: str) -> None:
        """``message`` died in ``queue``: send it on if the queue's rules say so, but not yet."""

    @abstractmethod
    def abandon(self, queue: "Queue") -> None:
        """Nobody uses ``queue`` any more: delete it."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Queue(Appointee):
    """Messages in, messages out.

    ``owner_id`` is the connection that has an exclusive queue for itself, 0 for none.  A message
    handed out counts as unacknowledged until it is settled or put back, unless it was taken with
    ``no_ack``.
    """

    def __init__(
        self, name: str, is_durable: bool, is_auto_delete: bool, owner_id: int, arguments: Table
    ) -> None:
        super().__init__()
        self.name: Final = name
        self.is_durable: Final = is_durable
        self.is_auto_delete: Final = is_auto_delete
        self.owner_id: Final = owner_id
        self.arguments: Final = arguments
        self.rules: Final = Rules(arguments)
        # The policies that rule the queue, and what they say together: the vhost sets these.
        self.policy: Policy | None = None
        self.operator_policy: Policy | None = None
        self.effective_policy: dict[str, object] = {}
        self.unacked_count = 0
        self.is_gone = False

    def apply(self, definition: dict[str, object]) -> None:
        """Keep to the rules of the policies from now on, beside those of the arguments.

        ``definition`` is what the policies say together; empty when none rules the queue.
        """

    @abstractmethod
    def publish(self, message: Message) -> bool:
        """Take ``message`` in, or hand it out at once.  False when it is refused."""

    @abstractmethod
    def get(self, no_ack: bool) -> Waiting | None:
        """Hand out the next message to somebody who asked; None when nothing waits."""

    @abstractmethod
    def settle(self, offset: int) -> None:
        """The message handed out with ``offset`` is done."""

    @abstractmethod
    def discard(self, message: Message, offset: int) -> None:
        """The message handed out with ``offset`` was rejected and does not come back."""

    @abstractmethod
    def put_back(self, waiting: list[Waiting]) -> None:
        """Messages handed out come back to their old places.  Does not dispatch.

        Each is to be marked as redelivered.
        """

    @abstractmethod
    def purge(self) -> int:
        """Drop every message that waits.  Returns how many."""

    @abstractmethod
    def dispatch(self) -> None:
        """Deliver what waits while a consumer has room."""

    @abstractmethod
    def unpark(self, consumer: Consumer) -> None:
        """``consumer`` may have room again.  Does not dispatch."""

    @abstractmethod
    def add_consumer(self, consumer: Consumer) -> None:
        """Let ``consumer`` take part.  Does not dispatch.  Raises AccessRefused."""

    @abstractmethod
    def remove_consumer(self, consumer: Consumer) -> bool:
        """Let ``consumer`` go.  False when it was not here."""

    @abstractmethod
    def touch(self) -> None:
        """Somebody used the queue: it is not to expire yet."""

    @abstractmethod
    def close(self) -> None:
        """The queue is deleted: forget the messages and tell the consumers."""

    @property
    @abstractmethod
    def ready_count(self) -> int:
        """How many messages wait."""

    @property
    @abstractmethod
    def consumer_count(self) -> int:
        """How many consumers there are."""
