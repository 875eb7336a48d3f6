"""What the journal is told of durable queues, and when it is told.

Messages are written when they are published, once for all their queues.  What becomes of them is
written once per turn of the loop: which were handed out, so that a restart marks them as
redelivered, and which are done.  The turn's batch is in the file before the turn's deliveries are
in the sockets: a crash of the process forgets nothing that a client has seen.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import mypyc_attr

from leveret.broker.backlog import Waiting
from leveret.broker.dates import date_ms, skew_ms
from leveret.broker.message import Message
from leveret.broker.middle import Middle
from leveret.broker.records import (
    HANDED_OUT,
    LINE_SHIFT,
    PUBLISHED,
    PURGED,
    write_came_back,
    write_counted_entry,
    write_entry,
    write_gone,
    write_mark,
    write_settled,
)
from leveret.octets import write_i64, write_u16, write_u32
from leveret.ports import Clock, Disk
from leveret.store.chunks import Chunks
from leveret.store.journal import Collector, Journal
from leveret.store.troubles import Troubles


@mypyc_attr(allow_interpreted_subclasses=True)
class Holder(ABC):
    """An exchange that holds messages back for a time, and must not forget them."""

    @abstractmethod
    def held_messages(self) -> list[Waiting]:
        """What it holds, by ascending offset, with the time each is due."""

    @property
    @abstractmethod
    def next_offset(self) -> int:
        """The offset that the next message gets."""

    @abstractmethod
    def hold_again(self, offset: int, message: Message, due_ns: int) -> None:
        """After a restart: hold ``message`` as before."""


# Of one queue: more are not consumed faster than the disk takes them.
_MAX_PLEDGES: Final = 64
# To look at more of them takes longer than to write.
_FEW_RECORDS: Final = 8


class Pledge(ABC):
    """What the publisher of a message was not told yet."""

    @abstractmethod
    def on_done(self) -> None:
        """The message is done: nobody needs it on the disk any more."""


@final
class QueueRecord:
    """What is still to be written of one durable queue.

    ``number`` is the queue's, never used again.  ``out`` are the messages it keeps that were
    handed out and are not done, by offset.  ``kept_offset`` is where the message published last
    waits or went, -1 when it need not be written; ``kept_due_ns`` when it expires.
    ``keeps_all``: the queue keeps transient messages like persistent ones.
    """

    def __init__(self, book: "Book", number: int) -> None:
        self._book: Final = book
        self.number: Final = number
        self.keeps_all = False
        self.out: Final[dict[int, Message]] = {}
        self.kept_offset = -1
        self.kept_due_ns = 0
        self._settled: list[int] = []
        # Of those in ``out``, the few whose publishers may hear of it before the next sync.
        self._pledges: Final[dict[int, Pledge]] = {}
        # Of each line: up to where messages were handed out, and up to where that is written.
        self._fronts: Final[dict[int, int]] = {}
        self._written: Final[dict[int, int]] = {}
        self._is_listed = False
        # Of the messages in the batch that is being collected: those that were handed out at once
        # and are likely to be done at once.  And how often anything was handed out since it began.
        self._quick: Final[set[int]] = set()
        self._handed_count = 0

    def _list(self) -> None:
        if not self._is_listed:
            self._is_listed = True
            self._book.listed.append(self)

    def keeps(self, message: Message) -> bool:
        """Whether ``message`` is to outlive the process in this queue."""
        return self.keeps_all or message.properties.is_persistent

    def keep(self, offset: int, due_ns: int) -> None:
        """The message that is being published is at ``offset``, until ``due_ns`` if not 0."""
        self.kept_offset = offset
        self.kept_due_ns = due_ns

    def keep_not(self) -> None:
        """The message that is being published need not be written for this queue."""
        self.kept_offset = -1

    def middle(self, line: int) -> Middle:
        """Where a line of the queue spills to."""
        return self._book.middle(self.number, line, self.keeps_all)

    def taken(self, message: Message, offset: int, no_ack: bool) -> None:
        """``message`` waits no longer: it is with a consumer, or done with ``no_ack``."""
        if no_ack:
            self.dropped(message, offset)
        else:
            self.handed_out(message, offset)

    def handed_out(self, message: Message, offset: int) -> None:
        """``message`` is with a consumer that will say what became of it."""
        if self.keeps(message):
            self.out[offset] = message
            self._handed_count += 1
            line = offset >> LINE_SHIFT
            # Not one that came back: those before the front were handed out anyway.
            if offset >= self._fronts.get(line, 0):
                self._fronts[line] = offset + 1
            self._list()

    def settled(self, offset: int) -> None:
        """What was handed out with ``offset`` is done."""
        if self.out.pop(offset, None) is not None:
            self._settled.append(offset)
            self._list()
            if self._pledges:
                pledge = self._pledges.pop(offset, None)
                if pledge is not None:
                    pledge.on_done()

    def pledge(self, pledge: Pledge) -> bool:
        """Tell ``pledge`` when the message that was just published is done, if it may be soon.

        Whether it may: a consumer has it already, and is to acknowledge it.
        """
        if self.kept_offset not in self.out:
            return False
        if len(self._pledges) >= _MAX_PLEDGES:
            # Old ones: the disk was faster than the consumers.
            self._pledges.clear()
        self._pledges[self.kept_offset] = pledge
        return True

    def be_quick(self) -> None:
        """The message that was just published is likely to be done before it must be written."""
        self._quick.add(self.kept_offset)

    @property
    def may_linger(self) -> bool:
        """Whether all that is to be written concerns messages that are not written either.

        A crash of the process then forgets them as if they had never come, and breaks no promise.
        """
        return self._handed_count <= len(self._quick) and self._quick.issuperset(self._settled)

    def forget_pledge(self, offset: int) -> None:
        """The message at ``offset`` is not simply done: its publisher has to wait for the disk."""
        self._pledges.pop(offset, None)

    def dropped(self, message: Message, offset: int) -> None:
        """What waited is done: taken for good, expired, or too much."""
        if self.keeps(message):
            self._settled.append(offset)
            self._list()

    def not_yet_done(self, message: Message, offset: int) -> None:
        """What was said to be done just now is done only when it is buried."""
        assert self._settled[-1] == offset
        self._settled.pop()
        self.out[offset] = message

    def came_back(self, offset: int, deliveries: int, handovers: int) -> None:
        """What was handed out waits again; the counts are a quorum queue's."""
        self._pledges.pop(offset, None)
        if self.out.pop(offset, None) is not None and handovers > 0:
            write_came_back(self._book.out(), self.number, offset, deliveries, handovers)

    def counted(self, offset: int, deliveries: int, handovers: int) -> None:
        """What was handed out, and stays so, has these counts now."""
        if offset in self.out:
            write_came_back(self._book.out(), self.number, offset, deliveries, handovers)

    def moved(
        self,
        message: Message,
        offset: int,
        new_offset: int,
        due_ns: int,
        deliveries: int,
        handovers: int,
    ) -> None:
        """What came back with ``offset`` waits at ``new_offset`` now; the counts stay."""
        if self.keeps(message):
            out = self._begin(new_offset, due_ns)
            write_counted_entry(out, message, 0, deliveries, handovers)
            self.dropped(message, offset)

    def stored(self, message: Message, offset: int, due_ns: int) -> None:
        """``message``, one that is kept, waits at ``offset``, and in no other queue."""
        write_entry(self._begin(offset, due_ns), message, 0, 0)

    def _begin(self, offset: int, due_ns: int) -> BytesWriter:
        """Begin the record of a message of this queue alone; its entry is to follow."""
        out = self._book.out()
        out.append(PUBLISHED)
        write_u16(out, 1)
        write_u32(out, self.number)
        write_i64(out, offset)
        write_i64(out, self._book.date_ms(due_ns))
        return out

    def purged(self, offset: int) -> None:
        """Everything fresh of a line before ``offset`` is done."""
        # What happened before must be read before.
        self.write(self._book.out())
        write_mark(self._book.out(), PURGED, self.number, offset)

    def gone(self) -> None:
        """The queue was deleted."""
        self._settled = []
        self.out.clear()
        self._pledges.clear()
        self._fronts.clear()
        self._quick.clear()
        write_gone(self._book.out(), self.number)

    def write(self, out: BytesWriter) -> None:
        """Write what became of messages since the last time."""
        self._is_listed = False
        self._handed_count = 0
        self._quick.clear()
        for line, front in self._fronts.items():
            if self._written.get(line, 0) < front:
                self._written[line] = front
                write_mark(out, HANDED_OUT, self.number, front)
        self._fronts.clear()
        if self._settled:
            write_settled(out, self.number, self._settled)
            self._settled = []


@final
class Book(Collector):
    """The journal, the records of all durable queues, and where their lines spill to."""

    def __init__(
        self, disk: Disk, folder: str, journal: Journal, clock: Clock, troubles: Troubles
    ) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self.journal: Final = journal
        journal.collector = self
        self._clock: Final = clock
        self._troubles: Final = troubles
        self.listed: list[QueueRecord] = []
        self.records: Final[dict[int, QueueRecord]] = {}
        self.last_number = 0

    def out(self) -> BytesWriter:
        """Where the records of this turn go."""
        return self.journal.out

    def open_queue(self, number: int = 0) -> QueueRecord:
        """The record of a queue: of a new one, or of the one that has ``number`` already."""
        if number == 0:
            number = self.last_number + 1
        self.last_number = max(self.last_number, number)
        record = QueueRecord(self, number)
        self.records[number] = record
        return record

    def close_queue(self, record: QueueRecord) -> None:
        """The queue was deleted."""
        record.gone()
        del self.records[record.number]

    def middle(self, number: int, line: int, keeps_all: bool) -> Middle:
        """Where a line of a queue spills to; ``keeps_all``: its transient messages are kept too."""
        chunks = Chunks(self._disk, f"{self._folder}/queues/{number}-{line}")
        return Middle(chunks, self._clock, self._troubles, keeps_all)

    def date_ms(self, due_ns: int) -> int:
        """A time of the clock as milliseconds since 1970; 0 stays 0."""
        return date_ms(due_ns, skew_ms(self._clock)) if due_ns != 0 else 0

    def end_turn(self, may_linger: bool = False) -> None:
        """Write what happened in this turn of the loop.  Called before any socket is written.

        With ``may_linger`` it may be written a moment later, if that breaks no promise.
        """
        if may_linger and self.journal.may_linger and self._may_linger():
            self.journal.remind()
        else:
            self.flush()

    def _may_linger(self) -> bool:
        if len(self.listed) > _FEW_RECORDS:
            return False
        return all(record.may_linger for record in self.listed)

    def flush(self) -> None:
        """Write all that happened so far."""
        if self.listed:
            listed = self.listed
            self.listed = []
            for record in listed:
                record.write(self.journal.out)
        self.journal.end_turn()
