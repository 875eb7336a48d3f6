"""The door through which queues deliver: one subscription, whatever its protocol."""

from abc import ABC, abstractmethod
from typing import Final

from mypy_extensions import mypyc_attr

from leveret.broker.message import Message
from leveret.broker.tallies import ChannelView, ReadTally
from leveret.tables import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class Consumer(ABC):
    """One subscription.  Each protocol's session subclasses it; so do tests.

    ``priority``: higher is served first.  With ``no_ack`` a message is done once delivered.
    """

    def __init__(
        self, tag: str, no_ack: bool, is_exclusive: bool, priority: int, arguments: Table
    ) -> None:
        self.tag: Final = tag
        self.no_ack: Final = no_ack
        self.is_exclusive: Final = is_exclusive
        self.priority: Final = priority
        self.arguments: Final = arguments
        # Owned by the queue: true while it is not asked, because it had no room.
        self.is_parked = False
        # Owned by the protocol: how many messages it holds that are not settled.
        self.unacked_count = 0
        # Where its deliveries are counted; the protocol gives it that of its channel.
        self.tally = ReadTally()
        self.channel: ChannelView | None = None
        self.prefetch_count = 0

    @abstractmethod
    def has_room(self) -> bool:
        """Whether one more message may be sent now (prefetch, credit, quota)."""

    @abstractmethod
    def deliver(self, message: Message, offset: int, redelivered: bool) -> None:
        """Send one message.  Called only after ``has_room`` said yes.  Must not block or raise."""

    def is_stuck(self) -> bool:
        """Whether its client does not read what it was sent."""
        return False

    def retimed(self) -> None:
        """The queue may give its consumers another time to acknowledge than before."""
        return

    @abstractmethod
    def cancelled(self) -> None:
        """The queue is gone: tell the client if it wants to know."""
