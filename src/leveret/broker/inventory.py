"""What lies in a data folder, and all that is damaged in it: for those who check and repair.

Changes nothing, and goes on behind damage, where the broker itself would refuse to start.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.broker.records import GONE, LINE_SHIFT, PUBLISHED, SETTLED, EntryReader
from leveret.broker.revival import Revival
from leveret.broker.snapshot import (
    CHUNK_OCTETS,
    CHUNKS,
    FRESH,
    LINE,
    LINE_END,
    MARK_OCTETS,
    MARKED,
    OUT,
    QUEUE,
    read_chunks,
)
from leveret.octets import read_i64, read_u16, read_u32
from leveret.ports import Disk
from leveret.store.checkpoint import sequences
from leveret.store.chunks import SUFFIX, Chunk
from leveret.store.inspection import (
    CheckpointScan,
    Fault,
    Found,
    FoundChunk,
    JournalScan,
    contents,
    read_chunk,
)
from leveret.store.journal import SUFFIX as JOURNAL_SUFFIX

# Records of the journal that begin with a queue, and how long they are without their kind.
_MARK_OCTETS: Final = {3: 12, 4: 12, 5: 4, 6: 20}


@final
class Named:
    """The chunks that a checkpoint names of one line, and where in the part it says so."""

    def __init__(self, queue: int, line: int, start: int, end: int, chunks: list[Chunk]) -> None:
        self.queue: Final = queue
        self.line: Final = line
        self.start: Final = start
        self.end: Final = end
        self.chunks: Final = chunks


@final
class PartWalk:
    """The queues of one part of a checkpoint, and their chunks.  Raises ValueError, IndexError."""

    def __init__(self, part: bytes) -> None:
        self.queues: Final[list[int]] = []
        self.named: Final[list[Named]] = []
        at: i64 = 0
        line = 0
        while at < len(part):
            kind = int(part[at])
            start = int(at)
            at += 1
            if kind == QUEUE:
                self.queues.append(int(read_u32(part, at)))
                at += 4
            elif kind == LINE or kind == LINE_END:
                line = int(read_i64(part, at)) >> LINE_SHIFT
                at += 8
            elif kind == MARKED:
                at += 4 + MARK_OCTETS * int(read_u32(part, at))
            elif kind == FRESH or kind == OUT:
                at = _past_entries(part, at)
            else:
                # Of any other kind there is none: its part was read before.
                count = int(read_u32(part, at + 8))
                chunks = read_chunks(part, at + 12, count)
                at += 12 + count * CHUNK_OCTETS
                self.named.append(Named(self.queues[-1], line, start, int(at), chunks))
                assert kind == CHUNKS


def _past_entries(part: bytes, at: i64) -> i64:
    reader = EntryReader(part, int(at) + 4)
    for _ in range(int(read_u32(part, at))):
        reader.at += 16
        reader.read()
    return reader.at


def queues_of(batch: bytes) -> dict[int, bool]:
    """The queues that a batch is about, and whether it says that they are gone."""
    queues: dict[int, bool] = {}
    at: i64 = 0
    while at < len(batch):
        kind = int(batch[at])
        at += 1
        if kind == PUBLISHED:
            count = int(read_u16(batch, at))
            for index in range(count):
                queues.setdefault(int(read_u32(batch, at + 2 + 20 * index)), False)
            reader = EntryReader(batch, int(at) + 2 + 20 * count)
            reader.read()
            at = reader.at
            continue
        number = int(read_u32(batch, at))
        queues[number] = kind == GONE or queues.get(number, False)
        if kind == SETTLED:
            at += 8 + 12 * int(read_u32(batch, at + 4))
        else:
            at += _MARK_OCTETS[kind]
    return queues


@final
class Inventory:
    """All of ``folder`` but its catalog.  Raises OSError.

    ``parts`` and ``batches`` are those that are whole and make sense; ``good`` the chunks that
    the checkpoint names and that are whole, by file and place; ``lost`` those that are not.
    """

    def __init__(self, disk: Disk, folder: str) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self.faults: Final[list[Fault]] = []
        self.parts: Final[list[tuple[bytes, PartWalk]]] = []
        self.batches: Final[list[Found]] = []
        self.lost: Final[list[tuple[Named, Chunk]]] = []
        self.bad_files: Final[list[str]] = []
        self.checkpoint: CheckpointScan | None = None
        self.sequence = 1
        self.last_sequence = 1
        self.last_batch = 0
        self.last_number = 0
        self.octets = {"checkpoint": 0, "journal": 0}
        self._revival: Final = Revival({}, {}, 0)
        self._read_checkpoint()
        self._read_journal()
        for _, walk in self.parts:
            for named in walk.named:
                self._read_chunks(named)

    # --- the checkpoint --------------------------------------------------------------------

    def _read_checkpoint(self) -> None:
        found = sequences(self._disk.names(self._folder))
        if not found:
            return
        scan = CheckpointScan(self._disk, self._folder, found[-1])
        self.checkpoint = scan
        self.sequence = scan.sequence
        self.octets["checkpoint"] = scan.octets
        self.faults.extend(scan.faults)
        head = scan.parts.pop(1, None)
        if head is not None and len(head.batch.payload) == 16:
            self.last_batch = int(read_i64(head.batch.payload, 0))
            self.last_number = int(read_i64(head.batch.payload, 8))
        for number in sorted(scan.parts):
            part = scan.parts[number]
            try:
                self._revival.read_part(part.batch.payload)
                self.parts.append((part.batch.payload, PartWalk(part.batch.payload)))
            except (ValueError, IndexError, KeyError, AssertionError) as error:
                self._nonsense(part, f"part {number}", error)

    def _nonsense(self, found: Found, what: str, error: Exception) -> None:
        size = found.batch.end - found.at
        self.faults.append(Fault(found.path, found.at, size, f"{what} makes no sense: {error}"))

    # --- the journal -----------------------------------------------------------------------

    def _read_journal(self) -> None:
        folder = f"{self._folder}/journal"
        first = f"{folder}/{self.sequence:08d}{JOURNAL_SUFFIX}"
        if self.checkpoint is not None and contents(self._disk, first) is None:
            self.faults.append(Fault(first, 0, 0, "the file is missing"))
        scan = JournalScan(self._disk, folder, self.sequence, self.last_batch)
        self.octets["journal"] = scan.octets
        self.faults.extend(scan.faults)
        self.last_sequence = max(scan.last_sequence, self.sequence)
        for found in scan.found:
            try:
                self._revival.on_batch(found.batch.payload)
                self.batches.append(found)
            except (ValueError, IndexError, KeyError, AssertionError) as error:
                self._nonsense(found, f"batch {found.batch.number}", error)

    # --- chunks ----------------------------------------------------------------------------

    def _read_chunks(self, named: Named) -> None:
        folder = f"{self._folder}/queues/{named.queue}-{named.line}"
        files: dict[int, bytes | None] = {}
        for chunk in named.chunks:
            path = f"{folder}/{chunk.sequence:08d}{SUFFIX}"
            if chunk.sequence not in files:
                files.clear()
                files[chunk.sequence] = contents(self._disk, path)
            data = files[chunk.sequence]
            why = _why_bad(data, chunk)
            if not why:
                continue
            self.lost.append((named, chunk))
            self.faults.append(Fault(path, chunk.at, chunk.size, why))
            if data is not None and path not in self.bad_files:
                self.bad_files.append(path)


def _why_bad(data: bytes | None, chunk: Chunk) -> str:
    """Why ``chunk`` cannot be read; empty when it can."""
    messages = f"{chunk.contents.durable_count} messages"
    if data is None:
        return f"the file is missing, and {messages} with it"
    found = read_chunk(data, chunk.at)
    if found is None or found.first != chunk.contents.first or found.size != chunk.size:
        return f"a chunk of {messages} is not whole"
    return "" if offsets_of(found) else f"a chunk of {messages} makes no sense"


def offsets_of(chunk: FoundChunk) -> list[tuple[int, int, bool]]:
    """Of each message the offset, the size and whether it is transient; nothing if they are bad."""
    found: list[tuple[int, int, bool]] = []
    reader = EntryReader(chunk.payload, 0)
    try:
        for _ in range(chunk.count):
            offset = int(read_i64(chunk.payload, reader.at))
            reader.at += 8
            entry = reader.read()
            found.append((offset, len(entry.message.body), entry.is_transient))
    except (ValueError, IndexError, KeyError, AssertionError):
        return []
    return found
