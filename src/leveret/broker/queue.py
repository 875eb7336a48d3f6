"""What every queue type is.  Knows no protocol; a new queue type is one subclass."""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from leveret.broker.backlog import Waiting
from leveret.broker.consumer import Consumer
from leveret.broker.message import Message
from leveret.broker.policy import Policy
from leveret.broker.record import QueueRecord
from leveret.broker.rules import Rules
from leveret.broker.tallies import Readers
from leveret.broker.timetable import Appointee
from leveret.broker.wishes import QueueWish

# Of so many exchanges a queue knows how much came from them.
MOST_INFLOWS: Final = 256


@final
class Dying:
    """A message on its way from ``queue`` to the exchange for dead letters.

    ``is_kept``: the queue keeps it until it hears that it is ``buried``, and sends it again if
    not every queue took it; ``takers`` are those that did.  ``offset`` is where it was in the
    queue, if that must know when it is buried, else -1.
    """

    def __init__(
        self,
        queue: "Queue",
        message: Message,
        reason: str,
        is_kept: bool = False,
        offset: int = -1,
    ) -> None:
        self.offset: Final = offset
        self.queue: Final = queue
        self.message: Final = message
        self.reason: Final = reason
        self.is_kept: Final = is_kept
        self.takers: Final[list[str]] = []


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
    def call_off(self, who: Appointee) -> None:
        """Do not call ``who``."""

    @abstractmethod
    def bury(self, dying: Dying) -> None:
        """Send the message on if the queue's rules say so, but not yet."""

    @abstractmethod
    def abandon(self, queue: "Queue") -> None:
        """Nobody uses ``queue`` any more: delete it."""

    def open_record(self, wish: QueueWish) -> QueueRecord | None:
        """Where a queue that is wished for writes what must outlive the process, if anywhere."""
        return None

    def note_dead(self, queue: "Queue", reason: str, count: int = 1) -> None:
        """Count messages that died in ``queue``."""
        return

    def note_dropped(self, reason: str, count: int) -> None:
        """Count messages that nobody reads any more, and that are no dead letters."""
        return


@mypyc_attr(allow_interpreted_subclasses=True)
class Queue(Appointee):
    """Messages in, messages out.

    ``owner_id`` is the connection that has an exclusive queue for itself, 0 for none.  A message
    handed out counts as unacknowledged until it is settled or put back, unless it was taken with
    ``no_ack``.  ``rules`` follow from the arguments and ``effective_policy``.
    """

    def __init__(self, wish: QueueWish, kind: str) -> None:
        super().__init__()
        self.name: Final = wish.name
        self.kind: Final = kind
        self.is_durable: Final = wish.is_durable
        self.is_auto_delete: Final = wish.is_auto_delete
        self.owner_id: Final = wish.owner_id
        self.arguments: Final = wish.arguments
        # The policies that rule the queue, and what they say together: the vhost sets these.
        self.policy: Policy | None = None
        self.operator_policy: Policy | None = None
        self.effective_policy: dict[str, object] = {}
        self.rules = Rules(wish.arguments, self.effective_policy, kind)
        # What the journal is told of it; None where nothing outlives the process.
        self.record: QueueRecord | None = None
        # Whether messages may be asked for; if not, `check_get` says why.
        self.is_gettable = True
        self.unacked_count = 0
        # The size of what is out with clients; counted by whoever keeps their deliveries.
        self.unacked_octets: i64 = 0
        # How many deliveries were of messages that had waited.
        self.dispatched_count: i64 = 0
        self.is_gone = False
        self.readers: Final = Readers()
        # How many copies came from which exchange; made with the first.
        self.inflow: dict[str, int] | None = None

    def apply(self, definition: dict[str, object]) -> None:
        """Keep to the rules of the policies from now on, beside those of the arguments.

        ``definition`` is what the policies say together; empty when none rules the queue.  It may
        cause dead letters: hold their funerals afterwards.
        """
        self.effective_policy = definition
        before = self.rules
        self.rules = Rules(self.arguments, definition, self.kind)
        self.on_new_rules(before)

    @abstractmethod
    def on_new_rules(self, before: Rules) -> None:
        """``rules`` are others than ``before``: do at once what they ask for."""

    @abstractmethod
    def publish(self, message: Message) -> bool:
        """Take ``message`` in, or hand it out at once.  False when it is refused."""

    @abstractmethod
    def get(self, no_ack: bool) -> Waiting | None:
        """Hand out the next message to somebody who asked; None when nothing waits."""

    def peek(self, first: int, count: int, most_octets: int) -> list[Waiting]:
        """What waits from the ``first`` place on, ``count`` at most; nothing is taken or changed.

        It ends early once ``most_octets`` were read from the disk.  Empty for types that keep
        nothing to look at.
        """
        return []

    @abstractmethod
    def settle(self, offset: int) -> None:
        """The message handed out with ``offset`` is done."""

    @abstractmethod
    def discard(self, message: Message, offset: int) -> None:
        """The message handed out with ``offset`` was rejected and does not come back."""

    @abstractmethod
    def put_back(self, waiting: list[Waiting], is_failure: bool) -> None:
        """Messages handed out come back, each marked as redelivered.  Does not dispatch.

        ``is_failure``: the consumer broke down over them, or rejected them.
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
    def buried(self, dying: Dying, is_taken: bool) -> None:
        """What was kept was sent on; ``is_taken``: every queue it leads to has it now."""

    def mark(self, offset: int) -> None:
        """The client has begun to answer for what was handed out with ``offset``.

        Remembered until that is settled, over restarts too, as far as the type can.
        """

    def is_marked(self, offset: int) -> bool:
        """Whether ``mark`` was called for what was handed out with ``offset``."""
        return False

    def check_get(self, what: str) -> None:
        """Refuse to hand messages out to who asks.  ``what`` names the queue."""
        return

    def check_global_prefetch(self, what: str) -> None:
        """Refuse a consumer on a channel with one limit for all, if the type does."""
        return

    def check_delete(self, what: str, if_unused: bool, if_empty: bool) -> None:
        """Refuse the conditions that the type does not know."""
        return

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

    @property
    def consumers(self) -> list[Consumer]:
        """All of them, in the order in which they came."""
        return []

    @property
    def active_consumer(self) -> Consumer | None:
        """The one that has all the turns, where there is to be such a one."""
        return None

    @property
    def has_ready_consumer(self) -> bool:
        """Whether somebody would get a message that came in now."""
        return False

    @property
    def published_count(self) -> int:
        """How many messages were ever taken in, since the process started."""
        return 0

    @property
    def ready_octets(self) -> int:
        """The size of all bodies that wait."""
        return 0

    def note_inflow(self, exchange: str, count: int) -> None:
        """So many messages came from ``exchange``."""
        inflow = self.inflow
        if inflow is None:
            inflow = {}
            self.inflow = inflow
        elif exchange not in inflow and len(inflow) >= MOST_INFLOWS:
            # Ever new exchanges may lead here: the one longest known goes.
            del inflow[next(iter(inflow))]
        inflow[exchange] = inflow.get(exchange, 0) + count
