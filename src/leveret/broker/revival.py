"""After a restart: queues as the last checkpoint knew them, then what the journal tells since.

A checkpoint takes the queues one after the other while they go on living, so the journal tells
some things that it knows already: what is older than a queue's next offset, or is not there, is
passed over.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import i64

from leveret.broker.backlog import Backlog, Waiting
from leveret.broker.dates import time_ns
from leveret.broker.lined import LinedQueue
from leveret.broker.message import Message
from leveret.broker.record import Holder
from leveret.broker.records import (
    CAME_BACK,
    GONE,
    HANDED_OUT,
    LINE_SHIFT,
    PUBLISHED,
    PURGED,
    SETTLED,
    EntryReader,
)
from leveret.broker.snapshot import (
    CHUNK_OCTETS,
    CHUNKS,
    FRESH,
    LINE,
    LINE_END,
    MARKED,
    OUT,
    QUEUE,
    read_chunks,
)
from leveret.octets import read_i64, read_u16, read_u32
from leveret.store.chunks import Chunk
from leveret.store.reading import Reader


@final
class Out:
    """A message that was handed out, or came back."""

    def __init__(self, message: Message, due_ns: int) -> None:
        self.message: Final = message
        self.due_ns: Final = due_ns
        self.failed_count = 0
        self.acquired_count = 0


class Revived(ABC):
    """Something on its way back that messages wait in."""

    @abstractmethod
    def begin(self, offset: int) -> None:
        """The first message of a line that was never handed out has ``offset``."""

    @abstractmethod
    def end(self, offset: int) -> None:
        """What is to come in the line has ``offset`` or more."""

    @abstractmethod
    def fresh(self, offset: int, message: Message, due_ns: int) -> bool:
        """``message`` waits at ``offset``, unless that is known.  Whether it was not."""

    @abstractmethod
    def marked(self, offset: int, failed: int, acquired: int) -> None:
        """What waits at ``offset`` was handed out before."""

    @abstractmethod
    def restore_chunks(self, chunks: list[Chunk], next_offset: int) -> None:
        """Messages wait in ``chunks``, up to ``next_offset``.  Raises Damage, OSError."""

    @abstractmethod
    def out(self, offset: int, out: Out) -> None:
        """A message was handed out."""

    @abstractmethod
    def handed_out(self, offset: int) -> None:
        """So was every fresh one before ``offset``."""

    @abstractmethod
    def settled(self, first: int, count: int) -> None:
        """These are done."""

    @abstractmethod
    def purged(self, offset: int) -> None:
        """Every fresh one before ``offset`` is done."""

    @abstractmethod
    def came_back(self, offset: int, failed: int, acquired: int) -> None:
        """How often a message was out."""

    @abstractmethod
    def finish(self) -> None:
        """Nothing more is told."""


@final
class HolderRevival(Revived):
    """An exchange that holds messages, on its way back."""

    def __init__(self, holder: Holder) -> None:
        self._holder: Final = holder
        self._held: Final[dict[int, Out]] = {}
        self._next_offset = 0

    def begin(self, offset: int) -> None:
        """Exchanges hand nothing out that comes back."""

    def end(self, offset: int) -> None:
        """What is older is known."""
        self._next_offset = max(self._next_offset, offset)

    def fresh(self, offset: int, message: Message, due_ns: int) -> bool:
        """It is held, unless that is known.  Whether it was not."""
        if offset < self._next_offset:
            return False
        self._held[offset] = Out(message, due_ns)
        return True

    def marked(self, offset: int, failed: int, acquired: int) -> None:
        """Exchanges hand nothing out that comes back."""

    def restore_chunks(self, chunks: list[Chunk], next_offset: int) -> None:
        """Exchanges hold everything in memory."""
        raise ValueError("an exchange has no chunks")

    def out(self, offset: int, out: Out) -> None:
        """Exchanges hand nothing out that comes back."""

    def handed_out(self, offset: int) -> None:
        """Exchanges hand nothing out that comes back."""

    def settled(self, first: int, count: int) -> None:
        """These were sent on."""
        for offset in range(first, first + count):
            self._held.pop(offset, None)

    def purged(self, offset: int) -> None:
        """Exchanges are not purged."""

    def came_back(self, offset: int, failed: int, acquired: int) -> None:
        """Nothing comes back to an exchange."""

    def finish(self) -> None:
        """Hold what is left."""
        for offset in sorted(self._held):
            held = self._held[offset]
            self._holder.hold_again(offset, held.message, held.due_ns)


@final
class QueueRevival(Revived):
    """One queue on its way back."""

    def __init__(self, queue: LinedQueue) -> None:
        self._queue: Final = queue
        self._out: Final[dict[int, Out]] = {}
        # Of what waits as if it were new: how often it failed and was handed out.
        self._marked: Final[dict[int, tuple[int, int]]] = {}

    def begin(self, offset: int) -> None:
        """The first message of a line that was never handed out has ``offset``."""
        self.line(offset).begin_restoring(offset)

    def end(self, offset: int) -> None:
        """What is to come in the line has ``offset`` or more."""
        self.line(offset).end_restoring(offset)

    def restore_chunks(self, chunks: list[Chunk], next_offset: int) -> None:
        """Messages wait in ``chunks``, up to ``next_offset``.  Raises Damage, OSError."""
        self.line(chunks[0].contents.first).restore_middle(chunks, next_offset)

    def line(self, offset: int) -> Backlog:
        """The line that ``offset`` belongs to."""
        return self._queue.line(offset >> LINE_SHIFT)

    def fresh(self, offset: int, message: Message, due_ns: int) -> bool:
        """``message`` waits at ``offset``, unless that is known.  Whether it was not."""
        line = self.line(offset)
        if offset < line.next_offset:
            return False
        line.go_on_at(offset)
        line.push(message, due_ns)
        return True

    def out(self, offset: int, out: Out) -> None:
        """A message was handed out."""
        self._out[offset] = out

    def handed_out(self, offset: int) -> None:
        """So was every fresh one before ``offset``."""
        for waiting in self.line(offset - 1).hand_out(offset):
            out = Out(waiting.message, waiting.due_ns)
            self._out[waiting.offset] = out
            if self._marked:
                out.failed_count, out.acquired_count = self._marked.pop(waiting.offset, (0, 0))

    def settled(self, first: int, count: int) -> None:
        """These are done."""
        if self.line(first).front < first + count:
            self.handed_out(first + count)
        for offset in range(first, first + count):
            self._out.pop(offset, None)

    def purged(self, offset: int) -> None:
        """Every fresh one before ``offset`` is done."""
        self.line(offset).drop_fresh(offset)

    def marked(self, offset: int, failed: int, acquired: int) -> None:
        """What waits at ``offset`` was handed out before."""
        self._marked[offset] = (failed, acquired)

    def came_back(self, offset: int, failed: int, acquired: int) -> None:
        """How often a message was out."""
        out = self._out.get(offset)
        if out is not None:
            out.failed_count = failed
            out.acquired_count = acquired

    def finish(self) -> None:
        """Nothing more is told."""
        for offset in sorted(self._out):
            out = self._out[offset]
            waiting = Waiting(out.message, offset, True, out.due_ns)
            self._queue.come_back(waiting, out.failed_count, out.acquired_count)
        for offset, (failed, acquired) in self._marked.items():
            if self.line(offset).holds(offset):
                self._queue.was_out(offset, failed, acquired)
        self._queue.revived()


@final
class Revival(Reader):
    """All queues on their way back, by number.  Those that are not known are passed over.

    ``skew_ms`` is what makes a date of a time of the clock.
    """

    def __init__(
        self, queues: dict[int, LinedQueue], holders: dict[int, Holder], skew_ms: int
    ) -> None:
        self._skew_ms: Final = skew_ms
        self._queues: Final[dict[int, Revived]] = {}
        for number, queue in queues.items():
            self._queues[number] = QueueRevival(queue)
        for number, holder in holders.items():
            self._queues[number] = HolderRevival(holder)
        self._data = b""
        self._at: i64 = 0
        self._current: Revived | None = None

    # --- the checkpoint --------------------------------------------------------------------

    def read_part(self, part: bytes) -> None:
        """Take up a part of the checkpoint.  Raises ValueError, IndexError, Damage, OSError."""
        self._data = part
        self._at = 0
        while self._at < len(part):
            kind = int(part[self._at])
            self._at += 1
            if kind == QUEUE:
                self._current = self._queues.get(self._u32())
            elif kind == LINE or kind == LINE_END:
                self._go_on(kind == LINE)
            elif kind == FRESH:
                self._read_entries(True)
            elif kind == CHUNKS:
                self._read_chunks()
            elif kind == OUT:
                self._read_entries(False)
            elif kind == MARKED:
                self._read_marked()
            else:
                raise ValueError(f"there is no record of kind {kind}")

    def _go_on(self, is_beginning: bool) -> None:
        offset = self._i64()
        if self._current is None:
            return
        if is_beginning:
            self._current.begin(offset)
        else:
            self._current.end(offset)

    def _read_entries(self, is_fresh: bool) -> None:
        count = self._u32()
        reader = EntryReader(self._data, int(self._at))
        for _ in range(count):
            self._at = reader.at
            offset = self._i64()
            due_ns = time_ns(self._i64(), self._skew_ms)
            reader.at = int(self._at)
            entry = reader.read()
            if self._current is None:
                continue
            if is_fresh:
                self._current.fresh(offset, entry.message, due_ns)
            else:
                out = Out(entry.message, due_ns)
                out.failed_count = entry.deliveries
                out.acquired_count = entry.handovers
                self._current.out(offset, out)
        self._at = reader.at

    def _read_marked(self) -> None:
        for _ in range(self._u32()):
            offset, failed, acquired = self._i64(), self._u32(), self._u32()
            if self._current is not None:
                self._current.marked(offset, failed, acquired)

    def _read_chunks(self) -> None:
        next_offset = self._i64()
        count = self._u32()
        chunks = read_chunks(self._data, self._at, count)
        self._at += count * CHUNK_OCTETS
        if self._current is not None and chunks:
            self._current.restore_chunks(chunks, next_offset)

    # --- the journal -----------------------------------------------------------------------

    def on_batch(self, payload: bytes) -> None:
        """Do what one batch tells.  Raises ValueError, IndexError."""
        self._data = payload
        self._at = 0
        while self._at < len(payload):
            kind = int(payload[self._at])
            self._at += 1
            if kind == PUBLISHED:
                self._read_published()
                continue
            self._read_mark(kind, self._queues.get(self._u32()))

    def _read_mark(self, kind: int, queue: Revived | None) -> None:
        if kind == SETTLED:
            self._read_settled(queue)
        elif kind == CAME_BACK:
            offset, failed, acquired = self._i64(), self._u32(), self._u32()
            if queue is not None:
                queue.came_back(offset, failed, acquired)
        elif kind == HANDED_OUT or kind == PURGED:
            offset = self._i64()
            if queue is not None and kind == HANDED_OUT:
                queue.handed_out(offset)
            elif queue is not None:
                queue.purged(offset)
        elif kind != GONE:
            raise ValueError(f"there is no record of kind {kind}")

    def _read_published(self) -> None:
        data = self._data
        count = int(read_u16(data, self._at))
        at = self._at + 2
        reader = EntryReader(data, int(at) + 20 * count)
        entry = reader.read()
        for _ in range(count):
            queue = self._queues.get(int(read_u32(data, at)))
            if queue is not None:
                due_ns = time_ns(int(read_i64(data, at + 12)), self._skew_ms)
                offset = int(read_i64(data, at + 4))
                is_new = queue.fresh(offset, entry.message, due_ns)
                if is_new and entry.is_redelivered:
                    queue.marked(offset, entry.deliveries, entry.handovers)
            at += 20
        self._at = reader.at

    def _read_settled(self, queue: Revived | None) -> None:
        for _ in range(self._u32()):
            first, count = self._i64(), self._u32()
            if queue is not None:
                queue.settled(first, count)

    def finish(self) -> None:
        """Nothing more is told: let the queues live."""
        for queue in self._queues.values():
            queue.finish()

    # --- integers --------------------------------------------------------------------------

    def _u32(self) -> int:
        value = read_u32(self._data, self._at)
        self._at += 4
        return int(value)

    def _i64(self) -> int:
        value = read_i64(self._data, self._at)
        self._at += 8
        return int(value)
