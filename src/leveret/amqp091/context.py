"""What the channels of one open connection share."""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.amqp091.confirms import Confirms
from leveret.amqp091.outbox import Outbox
from leveret.auth.access import Access
from leveret.broker.message import Message
from leveret.broker.queue import Queue
from leveret.broker.record import Pledge
from leveret.broker.vhost import VHost
from leveret.config.kinds import UNLIMITED
from leveret.errors import BrokerError
from leveret.sessions.holds import HoldWaiter
from leveret.store.journal import Waiter


@mypyc_attr(allow_interpreted_subclasses=True)
class Channels(ABC):
    """What a connection does with its channels when nothing came from the client."""

    @abstractmethod
    def close(self, number: int, refusal: BrokerError) -> None:
        """Close the channel; ``refusal`` says why."""

    @abstractmethod
    def retime(self, number: int) -> None:
        """Its consumers may have another time to acknowledge than before."""

    @abstractmethod
    def notice(self, text: str) -> None:
        """Warn whoever reads the log."""


@final
class Context:
    """The vhost and user a connection was opened with, where output goes, and what is left to do.

    ``owner_id`` is the connection, for exclusive queues.  ``wants_cancel``: the client
    understands basic.cancel from the broker.  ``max_consumers`` is of each channel.  ``finish``
    does once per chunk of input what would be wasteful once per frame.
    """

    def __init__(
        self,
        vhost: VHost,
        access: Access,
        outbox: Outbox,
        owner_id: int,
        max_message_size: int,
        wants_cancel: bool,
        max_consumers: int = UNLIMITED,
    ) -> None:
        self.vhost: Final = vhost
        self.access: Final = access
        self.outbox: Final = outbox
        self.owner_id: Final = owner_id
        self.max_message_size: Final = max_message_size
        self.wants_cancel: Final = wants_cancel
        self.max_consumers: Final = max_consumers
        # The client understands connection.blocked.
        self.wants_blocked = False
        self.channels: Channels | None = None
        # How people tell this connection from others.
        self.name = ""
        # The connection is closed: nobody is left to be told anything.
        self.is_over = False
        self._to_dispatch: list[Queue] = []
        self._to_confirm: list[Confirms] = []

    def dispatch_later(self, queue: Queue) -> None:
        """A consumer of ``queue`` has room again, or messages came back to it."""
        self._to_dispatch.append(queue)

    def confirm_later(self, confirms: Confirms) -> None:
        """``confirms`` has something to tell."""
        if not confirms.is_listed:
            confirms.is_listed = True
            self._to_confirm.append(confirms)

    def confirm_when_synced(self, confirms: Confirms, owed: int, is_patient: bool) -> None:
        """``confirms`` has something to tell once batch ``owed`` of the journal is on the disk.

        ``is_patient``: it is likely to be told of it before that anyway.
        """
        ledger = self.vhost.ledger
        assert ledger is not None
        ledger.journal.wait(owed, ConfirmWaiter(self, confirms), is_patient)

    def linger(self, queue: Queue) -> None:
        """What was just published to ``queue`` is likely to be done before it must be written."""
        ledger = self.vhost.ledger
        assert ledger is not None and queue.record is not None
        ledger.let_linger(queue.record)

    def hurry(self, owed: int) -> None:
        """Somebody waits for batch ``owed`` of the journal, and only the disk will do."""
        ledger = self.vhost.ledger
        assert ledger is not None
        ledger.journal.hurry(owed)

    def confirm_when_done(self, confirms: Confirms, queue: Queue) -> bool:
        """``confirms`` may tell of its last publish, which went to ``queue``, once it is done.

        Whether a consumer has it, so that this may be soon.  Behaviour: RabbitMQ 4.3, "Publisher
        confirms": a message that was consumed and acknowledged is confirmed before it is on the
        disk.
        """
        record = queue.record
        if record is None:
            return False
        return record.pledge(ConfirmPledge(self, confirms, confirms.last_tag))

    def hold_until_safe(self) -> None:
        """Send nothing to the client before all that happened in this turn is on the disk."""
        ledger = self.vhost.ledger
        if ledger is not None:
            self.outbox.hold()
            ledger.journal.wait(ledger.journal.number, HoldWaiter(self.outbox))

    def trace_publish(
        self, channel: int, message: Message, keys: list[str], queues: list[Queue]
    ) -> None:
        """Tell the firehose of a publish."""
        user = self.access.user.name
        self.vhost.firehose.tap_in(message, keys, queues, self.name, channel, user)

    def trace_delivery(
        self, channel: int, message: Message, queue: Queue, redelivered: bool
    ) -> None:
        """Tell the firehose of a delivery."""
        user = self.access.user.name
        firehose = self.vhost.firehose
        firehose.tap_out(message, queue.name, redelivered, self.name, channel, user)

    def close_channel(self, number: int, refusal: BrokerError) -> None:
        """Close a channel for something the client did not do."""
        if self.channels is not None:
            self.channels.close(number, refusal)

    def notice(self, text: str) -> None:
        """Warn whoever reads the log of something about this connection."""
        if self.channels is not None:
            self.channels.notice(text)

    def retime_channel(self, number: int) -> None:
        """The consumers of a channel may have another time to acknowledge than before."""
        if self.channels is not None:
            self.channels.retime(number)

    def finish(self) -> None:
        """Dispatch and confirm what came up while a chunk of input was handled."""
        if self._to_dispatch:
            queues = self._to_dispatch
            self._to_dispatch = []
            for queue in queues:
                queue.dispatch()
        if self.vhost.dying:
            self.vhost.hold_funerals()
        self.send_confirms()

    def tell_synced(self, confirms: Confirms, number: int) -> None:
        """Every batch up to ``number`` is on the disk: tell the publisher."""
        if self.is_over or confirms.is_over:
            return
        confirms.on_synced(number)
        self.confirm_later(confirms)
        self.send_confirms()

    def tell_done(self, confirms: Confirms, tag: int) -> None:
        """What was published with ``tag`` was consumed and acknowledged: tell the publisher."""
        if not self.is_over and not confirms.is_over and confirms.on_done(tag):
            self.confirm_later(confirms)
            self.send_confirms()

    def send_confirms(self) -> None:
        """Tell publishers what became of their messages."""
        if self._to_confirm:
            waiting = self._to_confirm
            self._to_confirm = []
            for confirms in waiting:
                confirms.is_listed = False
                self.outbox.send_octets(confirms.take_frames())


@final
class ConfirmWaiter(Waiter):
    """Tells a publisher when its messages are on the disk."""

    def __init__(self, context: Context, confirms: Confirms) -> None:
        self._context: Final = context
        self._confirms: Final = confirms

    def on_synced(self, number: int) -> None:
        """Tell it."""
        self._context.tell_synced(self._confirms, number)

    def still_waits(self) -> bool:
        """Whether there is something to tell."""
        return not self._confirms.is_over and self._confirms.is_waiting


@final
class ConfirmPledge(Pledge):
    """Tells a publisher that a message was consumed before it was on the disk."""

    def __init__(self, context: Context, confirms: Confirms, tag: int) -> None:
        self._context: Final = context
        self._confirms: Final = confirms
        self._tag: Final = tag

    def on_done(self) -> None:
        """Tell it."""
        self._context.tell_done(self._confirms, self._tag)
