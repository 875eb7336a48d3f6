"""The journal: what happens to durable messages, in order, before anybody is told that it did.

::

    journal/00000001.log  00000002.log  ...     each: the head of the file, then batches

One turn of the loop collects one batch; it is written before the sockets are, so that a crash of
the process forgets nothing that a client was promised.  Syncing happens beside the loop, one at a
time: what is written meanwhile shares the next.  Who must know that something is on the disk
waits for the number of its batch.  Those who may soon need it no more let the disk wait a moment,
and what nobody waits for waits longer: most of it is synced together.

Knows no queue and no message: a batch is octets.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import mypyc_attr

from leveret.ports import Disk, File
from leveret.store.batches import frame_batch
from leveret.store.reserve import is_full
from leveret.store.troubles import Troubles
from leveret.store.worker import Job, Worker

# A file is this, then batches.  The last octet is the version of the format.
FILE_HEAD: Final = b"LEVERET journal\x01"
SUFFIX: Final = ".log"
NO_LIMIT: Final = 1 << 62
# Nobody collects more than this while nobody is in a hurry.
_MAX_PATIENT_OCTETS: Final = 64 * 1024
# So many moments may pass before what nobody waits for is synced, unless it is as much as this.
_MAX_MOMENTS: Final = 50
_MAX_UNSYNCED_OCTETS: Final = 4 * 1024 * 1024


@mypyc_attr(allow_interpreted_subclasses=True)
class Waiter(ABC):
    """Whoever waits for batches to be on the disk."""

    @abstractmethod
    def on_synced(self, number: int) -> None:
        """Every batch up to ``number`` is on the disk."""

    def still_waits(self) -> bool:
        """Whether it is still to be told: one that is patient may have been told otherwise."""
        return True


@mypyc_attr(allow_interpreted_subclasses=True)
class Collector(ABC):
    """Whoever collects batches, and may keep one for a moment."""

    @abstractmethod
    def flush(self) -> None:
        """Have what was collected written."""


@final
class Sync(Job):
    """Sync ``files``, of which all but the last are full, for the batches up to ``number``."""

    def __init__(self, journal: "Journal", files: list[File], number: int) -> None:
        self._journal: Final = journal
        self.files: Final = files
        self.number: Final = number

    def perform(self) -> None:
        """Sync them, the oldest first."""
        for file in self.files:
            file.sync()

    def done(self, error: OSError | None) -> None:
        """Tell the journal."""
        self._journal.on_sync_done(self, error)


@final
class Reminder(Job):
    """A moment has passed: sync what nobody was in a hurry for."""

    def __init__(self, journal: "Journal") -> None:
        self._journal: Final = journal

    def perform(self) -> None:
        """There is nothing to do beside the loop."""

    def done(self, error: OSError | None) -> None:
        """Tell the journal."""
        self._journal.on_reminded()


@final
class Segment:
    """One file of the journal, written or being written.  ``last`` is its last batch so far."""

    def __init__(self, sequence: int, path: str, file: File) -> None:
        self.sequence: Final = sequence
        self.path: Final = path
        self.file: Final = file
        self.octets = len(FILE_HEAD)


@final
class Journal:
    """Batches into files.

    ``out`` takes the records of the batch being collected, whose number is ``number``.
    ``synced`` is the last batch on the disk.  ``is_failing`` while the disk takes nothing, and
    ``is_full`` when that is for want of room.

    Invariant: ``_kept`` holds the framed batches ``synced + 1`` to ``number - 1``, the first
    ``_written_count`` of which are in the file.
    """

    def __init__(
        self, disk: Disk, folder: str, worker: Worker, troubles: Troubles, first_sequence: int
    ) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self._worker: Final = worker
        self._troubles: Final = troubles
        self.out = BytesWriter()
        # How much of it was written by those who are in no hurry.
        self.patient_octets = 0
        self.collector: Collector | None = None
        self.number = 1
        self.synced = 0
        # Nobody is told of batches after this one: they rely on something that is not safe yet.
        self.limit = NO_LIMIT
        self.is_failing = False
        self.is_full = False
        self.sequence = first_sequence
        self._segment: Segment | None = None
        # Full ones that are not synced yet, and those of no use any more, to be closed.
        self._full: Final[list[File]] = []
        self._retired: Final[list[File]] = []
        self._kept: list[bytes] = []
        self._written_count = 0
        self._is_syncing = False
        self._waiting: list[tuple[int, Waiter]] = []
        # The last batch that somebody waits for who cannot do without it.
        self._urgent = 0
        self._reminder: Final = Reminder(self)
        self._is_reminded = False
        # How many passed, and how much was written, since the last sync began.
        self._moments = 0
        self._unsynced_octets = 0
        # The last batch that was there at the last of them.
        self._noted = 0

    def begin(self, number: int) -> None:
        """Start a first file; batches count from ``number``.  Raises OSError."""
        self.number = number
        self.synced = number - 1
        self._segment = self._new_segment()

    # --- collecting and writing ------------------------------------------------------------

    @property
    def segment_octets(self) -> int:
        """How large the file being written is."""
        return self._segment.octets if self._segment is not None else 0

    @property
    def owed(self) -> int:
        """The number of the batch that must be on the disk for all that was collected to be."""
        return self.number if len(self.out) > 0 else self.number - 1

    def wait(self, number: int, waiter: Waiter, is_patient: bool = False) -> None:
        """Tell ``waiter`` when batch ``number``, which is not yet, is on the disk.

        It may be the one being collected; if that stays empty, the one before will do.
        Numbers do not descend from call to call.  ``is_patient``: what it waits for may well
        happen before, so that a moment more does not matter.
        """
        assert number > self.safe
        self._waiting.append((number, waiter))
        if not is_patient:
            self.hurry(number)

    def hurry(self, number: int) -> None:
        """Somebody who waits for batch ``number`` cannot do without it."""
        self._urgent = max(self._urgent, number)

    def end_turn(self) -> None:
        """Write the batch that was collected, if there is any, and see that it is synced."""
        if len(self.out) > 0:
            payload = self.out.getvalue()
            self.out = BytesWriter()
            self.patient_octets = 0
            self._kept.append(frame_batch(self.number, self.synced, payload))
            self.number += 1
            if not self.is_failing:
                self._write()
        elif self._waiting and self._waiting[-1][0] == self.number:
            last = self.number - 1
            self._waiting = [(min(number, last), waiter) for number, waiter in self._waiting]
            self._urgent = min(self._urgent, last)
            self._tell()
        self._see_to_sync()

    def _write(self) -> None:
        segment = self._segment
        assert segment is not None
        while self._written_count < len(self._kept):
            framed = self._kept[self._written_count]
            try:
                segment.file.append(framed)
            except OSError as error:
                self._undo(segment)
                self._fail(error)
                return
            segment.octets += len(framed)
            self._unsynced_octets += len(framed)
            self._written_count += 1

    def _undo(self, segment: Segment) -> None:
        """Take back the half of a batch that a full disk took."""
        try:
            segment.file.truncate(segment.octets)
        except OSError:
            # The next batch must not follow half of one.
            self._abandon()

    # --- files -----------------------------------------------------------------------------

    def path(self, sequence: int) -> str:
        """Where the file with this number is."""
        return f"{self._folder}/{sequence:08d}{SUFFIX}"

    def _new_segment(self) -> Segment:
        path = self.path(self.sequence)
        file = self._disk.create(path)
        try:
            file.append(FILE_HEAD)
            self._disk.sync_folder(self._folder)
        except OSError:
            file.close()
            raise
        return Segment(self.sequence, path, file)

    def roll(self) -> int:
        """Go on in a new file, and return its sequence.  Raises OSError, and goes on in the old."""
        assert len(self.out) == 0 and not self.is_failing
        old = self._segment
        self.sequence += 1
        try:
            self._segment = self._new_segment()
        except OSError:
            self.sequence -= 1
            raise
        if old is not None:
            self._full.append(old.file)
        return self.sequence

    # --- syncing ---------------------------------------------------------------------------

    @property
    def may_linger(self) -> bool:
        """Whether nobody minds if the batch being collected is written a moment later."""
        octets = len(self.out)
        if octets == 0 or octets != self.patient_octets or octets > _MAX_PATIENT_OCTETS:
            return False
        return self._urgent < self.number and not self.is_failing

    def remind(self) -> None:
        """Have everything written and synced in a moment."""
        if not self._is_reminded:
            self._is_reminded = True
            self._worker.remind(self._reminder)

    def on_reminded(self) -> None:
        """A moment has passed."""
        self._is_reminded = False
        if self.collector is not None:
            self.collector.flush()
        self._moments += 1
        is_due = self._moments >= _MAX_MOMENTS or self._unsynced_octets > _MAX_UNSYNCED_OCTETS
        if is_due or self._is_awaited():
            self._sync()
        elif self._written_count > 0:
            self.remind()

    def _is_awaited(self) -> bool:
        """Whether anybody has waited for a whole moment; who does no more is forgotten."""
        self._waiting = [each for each in self._waiting if each[1].still_waits()]
        noted, self._noted = self._noted, self.number - 1
        return bool(self._waiting) and self._waiting[0][0] <= noted

    def _see_to_sync(self) -> None:
        """Sync what was written, at once if somebody is in a hurry."""
        if self._is_syncing or self._written_count == 0:
            return
        if self._urgent > self.synced:
            self._sync()
        else:
            self.remind()

    def _sync(self) -> None:
        if self._is_syncing or self._written_count == 0 or self._segment is None:
            return
        self._is_syncing = True
        self._moments = 0
        self._unsynced_octets = 0
        files = [*self._full, self._segment.file]
        self._worker.submit(Sync(self, files, self.synced + self._written_count))

    def on_sync_done(self, sync: Sync, error: OSError | None) -> None:
        """Tell those who waited, and begin the next if more was written meanwhile."""
        self._is_syncing = False
        if error is not None:
            self._abandon()
            self._fail(error)
        else:
            count = sync.number - self.synced
            del self._kept[:count]
            # Fewer when the file was abandoned meanwhile: all that is kept is to be written again.
            self._written_count = max(self._written_count - count, 0)
            self.synced = sync.number
            for file in sync.files[:-1]:
                if file in self._full:
                    self._full.remove(file)
                    self._retired.append(file)
            self._tell()
        for file in self._retired:
            file.close()
        self._retired.clear()
        self._see_to_sync()

    @property
    def safe(self) -> int:
        """The last batch that may be relied on."""
        return min(self.synced, self.limit)

    def set_limit(self, number: int) -> None:
        """Tell nobody of batches after ``number``, until another limit is set."""
        self.limit = number
        self._tell()

    def _tell(self) -> None:
        """Tell those whose batch is safe."""
        waiting = self._waiting
        safe = self.safe
        at = 0
        while at < len(waiting) and waiting[at][0] <= safe:
            at += 1
        if at == 0:
            return
        self._waiting = waiting[at:]
        for _, waiter in waiting[:at]:
            waiter.on_synced(safe)

    def close(self) -> None:
        """Close every file.  Only when no sync is under way; nothing can be written any more."""
        self._abandon()
        for file in self._retired:
            file.close()
        self._retired.clear()

    # --- failing ---------------------------------------------------------------------------

    def _abandon(self) -> None:
        """Nobody knows what of the files is on the disk: write again elsewhere what was not."""
        self._retired.extend(self._full)
        self._full.clear()
        if self._segment is not None:
            self._retired.append(self._segment.file)
        self._segment = None
        self._written_count = 0

    def _fail(self, error: OSError) -> None:
        self.is_full = is_full(error)
        if not self.is_failing:
            self.is_failing = True
            self._troubles.on_disk_failed(error)

    def retry(self) -> None:
        """Try again what failed.  Call it now and then while ``is_failing``."""
        if not self.is_failing or self._is_syncing:
            return
        if self._segment is None:
            self.sequence += 1
            try:
                self._segment = self._new_segment()
            except OSError as error:
                self.is_full = is_full(error)
                self.sequence -= 1
                return
        self._write()
        if self._written_count < len(self._kept):
            return
        self.is_failing = False
        self.is_full = False
        self._sync()
        self._troubles.on_disk_works()
