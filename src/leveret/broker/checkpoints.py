"""Checkpoints of all durable queues, so that the journal never grows long, and starting from one.

::

    roll the journal ─▶ take queue after queue, a little each turn ─▶ sync beside the loop
                                                                 ─▶ remove what is of no use now

A checkpoint holds what is in memory of the durable queues, and names the chunks that are on the
disk.  It stands for every file of the journal before the one that was begun with it.
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.broker.dates import skew_ms
from leveret.broker.lined import LinedQueue
from leveret.broker.record import Book, Holder
from leveret.broker.revival import Revival
from leveret.broker.snapshot import write_held, write_state
from leveret.octets import read_i64, write_i64
from leveret.ports import Clock, Disk
from leveret.store.checkpoint import PREFIX, Checkpoint, read_checkpoint, sequences
from leveret.store.chunks import Chunks, SegmentFile
from leveret.store.journal import SUFFIX
from leveret.store.reading import Damage, JournalReading
from leveret.store.reading import sequences as journal_sequences
from leveret.store.worker import Worker

# How much of a checkpoint is written in one turn of the loop.
_SLICE_OCTETS: Final = 256 * 1024
_RETRY_NS: Final = 5_000_000_000
_STALE_NS: Final = 60_000_000_000


@final
class Spent:
    """Files of chunks that the checkpoint being made does not name."""

    def __init__(self, chunks: Chunks, files: list[SegmentFile]) -> None:
        self.chunks: Final = chunks
        self.files: Final = files


@final
class Checkpoints:
    """Makes one whenever the journal's file has ``journal_octets``.

    ``queues`` are the durable ones, by number.  ``has_more``: it wants another turn soon.
    ``has_failed``: the last one came to nothing.
    """

    def __init__(
        self,
        disk: Disk,
        folder: str,
        book: Book,
        worker: Worker,
        clock: Clock,
        journal_octets: int,
    ) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self._book: Final = book
        self._worker: Final = worker
        self._clock: Final = clock
        self._journal_octets: Final = journal_octets
        self.queues: Final[dict[int, LinedQueue]] = {}
        self.holders: Final[dict[int, Holder]] = {}
        self._current: Checkpoint | None = None
        self._is_finished = False
        self.has_failed = False
        self._pending: list[int] = []
        self._segments: list[SegmentFile] = []
        self._spent: list[Spent] = []
        self._not_before_ns = 0
        # The journal's batch when the last one was begun, and when the next is due at the latest.
        self._number = book.journal.number
        self._stale_ns = clock.now_ns() + _STALE_NS
        # The chunks of queues that are gone, by the number that the next checkpoint has: one that
        # is on the disk may still name them.
        self._graves: list[tuple[int, Chunks]] = []
        # The first part, until it is written.
        self._head = BytesWriter()

    @property
    def has_more(self) -> bool:
        """Whether a checkpoint is to be written on."""
        return self._current is not None and not self._is_finished

    @property
    def is_idle(self) -> bool:
        """Whether none is being made."""
        return self._current is None

    # --- making one ------------------------------------------------------------------------

    def end_turn(self) -> None:
        """Write what happened in this turn, and a little of a checkpoint if one is due."""
        self._book.end_turn(self._current is None)
        current = self._current
        if current is None:
            if self._is_due():
                self.begin()
        elif not self._is_finished:
            try:
                self._take_some(current)
            except OSError:
                self._give_up(current)
        elif current.is_done:
            self._conclude(current)

    def _is_due(self) -> bool:
        """Whether the journal is long, or has grown at all for a minute: it takes room, too."""
        journal = self._book.journal
        if journal.segment_octets >= self._journal_octets:
            return True
        has_grown = journal.number != self._number or self.has_failed
        return has_grown and self._clock.now_ns() >= self._stale_ns

    def begin(self) -> None:
        """Begin a checkpoint, unless one is being made or the disk fails."""
        journal = self._book.journal
        if self._current is not None or journal.is_failing:
            return
        if self._clock.now_ns() < self._not_before_ns:
            return
        try:
            self._book.flush()
            checkpoint = Checkpoint(self._disk, self._folder, journal.sequence + 1)
            self._roll(checkpoint)
        except OSError:
            self.has_failed = True
            self._not_before_ns = self._clock.now_ns() + _RETRY_NS
            return
        self._number = journal.number
        self._stale_ns = self._clock.now_ns() + _STALE_NS
        self._current = checkpoint
        self._is_finished = False
        self._pending = [*self.queues, *self.holders]
        self._segments = []
        self._spent = []
        self._head = BytesWriter()
        write_i64(self._head, journal.number - 1)
        write_i64(self._head, self._book.last_number)

    def _roll(self, checkpoint: Checkpoint) -> None:
        """Have the journal go on in a new file.  Raises OSError."""
        try:
            self._book.journal.roll()
        except OSError:
            checkpoint.abandon()
            raise

    def _take_some(self, checkpoint: Checkpoint) -> None:
        if len(self._head) > 0:
            checkpoint.add(self._head.getvalue())
            self._head = BytesWriter()
        out = BytesWriter()
        skew = skew_ms(self._clock)
        while self._pending and len(out) < _SLICE_OCTETS:
            number = self._pending.pop()
            queue = self.queues.get(number)
            if queue is not None:
                write_state(out, queue, number, skew)
                self._note_files(queue)
            holder = self.holders.get(number)
            if holder is not None:
                write_held(out, holder, number, skew)
        if len(out) > 0:
            checkpoint.add(out.getvalue())
        if not self._pending:
            checkpoint.finish(self._segments)
            self._is_finished = True
            self._worker.submit(checkpoint)

    def _note_files(self, queue: LinedQueue) -> None:
        for line in queue.lines():
            if line.middle is not None:
                chunks = line.middle.chunks
                self._segments.extend(chunks.unsynced())
                self._spent.append(Spent(chunks, chunks.spent()))

    def _give_up(self, checkpoint: Checkpoint) -> None:
        checkpoint.abandon()
        self.has_failed = True
        self._current = None
        self._not_before_ns = self._clock.now_ns() + _RETRY_NS

    def _conclude(self, checkpoint: Checkpoint) -> None:
        self._current = None
        self.has_failed = checkpoint.error is not None
        if self.has_failed:
            self._not_before_ns = self._clock.now_ns() + _RETRY_NS
            return
        try:
            checkpoint.remove_older()
            self._remove_journal(checkpoint.sequence)
            for spent in self._spent:
                spent.chunks.forget(spent.files)
            self._empty_graves(checkpoint.sequence)
        except OSError:
            # What is not removed now is removed with the next one.
            self._not_before_ns = self._clock.now_ns() + _RETRY_NS
        self._spent = []

    def bury(self, queue: LinedQueue) -> None:
        """``queue`` was deleted: remove its files when no checkpoint names them."""
        if queue.record is None:
            return
        self.queues.pop(queue.record.number, None)
        first = self._book.journal.sequence + 1
        for line in queue.lines():
            if line.middle is not None and line.middle.chunks.has_files:
                self._graves.append((first, line.middle.chunks))

    def close(self) -> None:
        """Close every file of every queue."""
        if self._current is not None and not self._is_finished:
            self._current.abandon()
        for queue in self.queues.values():
            for line in queue.lines():
                if line.middle is not None:
                    line.middle.chunks.close()
        for _, chunks in self._graves:
            chunks.close()

    def _empty_graves(self, sequence: int) -> None:
        kept = [grave for grave in self._graves if grave[0] > sequence]
        for first, chunks in self._graves:
            if first <= sequence:
                chunks.destroy()
        self._graves = kept

    def _remove_journal(self, before: int) -> None:
        folder = f"{self._folder}/journal"
        for sequence in journal_sequences(self._disk.names(folder)):
            if sequence < before:
                self._disk.remove(f"{folder}/{sequence:08d}{SUFFIX}")

    # --- starting from one -----------------------------------------------------------------

    def recover(self) -> JournalReading:
        """Bring what was in the queues back.  ``queues`` are the ones that there are.

        Raises Damage, OSError.
        """
        revival = Revival(self.queues, self.holders, skew_ms(self._clock))
        found = sequences(self._disk.names(self._folder))
        sequence = found[-1] if found else 1
        last_batch = 0
        if found:
            last_batch = self._read_checkpoint(revival, sequence)
        folder = f"{self._folder}/journal"
        if found and sequence not in journal_sequences(self._disk.names(folder)):
            # It was there before the checkpoint was.
            raise Damage(f"{folder}/{sequence:08d}{SUFFIX}", 0, "the file is missing")
        reading = JournalReading(self._disk, folder, revival, last_batch)
        last = reading.read_all(sequence)
        revival.finish()
        self._book.journal.sequence = max(last, sequence) + 1
        self._book.journal.begin(reading.last_number + 1)
        self._remove_ownerless()
        return reading

    def _remove_ownerless(self) -> None:
        """Remove the files of queues whose deletion a crash interrupted."""
        home = f"{self._folder}/queues"
        for name in self._disk.names(home):
            number = name.split("-")[0]
            if number.isdigit() and int(number) not in self.queues:
                for inside in self._disk.names(f"{home}/{name}"):
                    self._disk.remove(f"{home}/{name}/{inside}")
                self._disk.remove_folder(f"{home}/{name}")

    def _read_checkpoint(self, revival: Revival, sequence: int) -> int:
        """Bring back what it holds.  The last batch of the journal that it stands for."""
        parts = read_checkpoint(self._disk, self._folder, sequence)
        try:
            last_batch = int(read_i64(parts[0], 0))
            self._book.last_number = max(self._book.last_number, int(read_i64(parts[0], 8)))
            for part in parts[1:]:
                revival.read_part(part)
        except (ValueError, IndexError) as error:
            path = f"{self._folder}/{PREFIX}{sequence:08d}"
            raise Damage(path, 0, f"it makes no sense: {error}") from None
        return last_batch
