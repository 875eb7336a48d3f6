"""Writing anew what a damaged data folder still holds: a checkpoint and a journal without gaps.

Nothing is deleted and nothing is changed in place.  The new files are written under names that
nobody reads; renaming the new checkpoint makes all of it count at once, for the journal's files
before its number are of no use then.
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.broker.inventory import Inventory, Named, PartWalk, offsets_of, queues_of
from leveret.broker.records import LINE_SHIFT
from leveret.broker.snapshot import CHUNKS, LINE, LINE_END, QUEUE, write_chunks
from leveret.octets import write_i64, write_u32
from leveret.ports import Disk
from leveret.store.batches import frame_batch
from leveret.store.checkpoint import FILE_HEAD as CHECKPOINT_HEAD
from leveret.store.checkpoint import PREFIX
from leveret.store.chunks import SUFFIX, Chunk, Contents
from leveret.store.inspection import contents, find_chunks
from leveret.store.journal import FILE_HEAD as JOURNAL_HEAD
from leveret.store.journal import SUFFIX as JOURNAL_SUFFIX

_UNFINISHED: Final = "repaired.new"


@final
class Stray:
    """A line whose chunks are on the disk, while what said so is lost."""

    def __init__(self, queue: int, line: int, chunks: list[Chunk], next_offset: int) -> None:
        self.queue: Final = queue
        self.line: Final = line
        self.chunks: Final = chunks
        self.next_offset: Final = next_offset

    @property
    def count(self) -> int:
        """How many messages there are."""
        return sum([chunk.contents.durable_count for chunk in self.chunks])


@final
class Rescue:
    """Of the folder that ``stock`` is of.  Raises OSError."""

    def __init__(self, disk: Disk, folder: str, stock: Inventory) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self._stock: Final = stock
        self.sequence: Final = stock.last_sequence + 1
        self.known: Final = {number for _, walk in stock.parts for number in walk.queues}
        # Of every queue that anything tells of: whether it was deleted.
        self.told: Final[dict[int, bool]] = dict.fromkeys(self.known, False)
        for found in stock.batches:
            self.told.update(queues_of(found.batch.payload))
        # Whether the checkpoint does not tell of every queue that it told of once.
        self.is_incomplete: Final = self._lacks_parts()
        self.strays: Final = self._find_strays() if self.is_incomplete else []

    def _lacks_parts(self) -> bool:
        scan = self._stock.checkpoint
        if scan is None:
            return bool(self._stock.batches) and self._stock.batches[0].batch.number > 1
        return any(fault.path == scan.path for fault in self._stock.faults)

    def _find_strays(self) -> list[Stray]:
        found: list[Stray] = []
        home = f"{self._folder}/queues"
        for name in self._disk.names(home):
            queue, _, line = name.partition("-")
            if queue.isdigit() and line.isdigit() and int(queue) not in self.known:
                stray = self._stray(f"{home}/{name}", int(queue), int(line))
                if stray.chunks:
                    found.append(stray)
                    self.told.setdefault(stray.queue, False)
        return found

    def _stray(self, folder: str, queue: int, line: int) -> Stray:
        chunks: list[Chunk] = []
        next_offset = line << LINE_SHIFT
        for name in self._disk.names(folder):
            number = name.removesuffix(SUFFIX)
            if not name.endswith(SUFFIX) or not number.isdigit():
                continue
            for found in find_chunks(contents(self._disk, f"{folder}/{name}") or b""):
                inside = offsets_of(found)
                if not inside or found.first < next_offset:
                    continue
                lasting = [octets for _, octets, is_transient in inside if not is_transient]
                facts = Contents(
                    found.first,
                    found.count,
                    sum([octets for _, octets, _ in inside]),
                    len(lasting),
                    sum(lasting),
                )
                chunks.append(Chunk(int(number), found.at, found.size, facts, True))
                next_offset = inside[-1][0] + 1
        return Stray(queue, line, chunks, next_offset)

    # --- writing ---------------------------------------------------------------------------

    def write(self) -> None:
        """Write the new files, and let them count."""
        journal = f"{self._folder}/journal"
        self._write_file(f"{self._folder}/{_UNFINISHED}", CHECKPOINT_HEAD, self._parts())
        batches = [found.batch.payload for found in self._stock.batches]
        self._write_file(f"{journal}/{_UNFINISHED}", JOURNAL_HEAD, batches, self._stock.last_batch)
        self._disk.rename(
            f"{journal}/{_UNFINISHED}", f"{journal}/{self.sequence:08d}{JOURNAL_SUFFIX}"
        )
        self._disk.sync_folder(journal)
        self._disk.rename(
            f"{self._folder}/{_UNFINISHED}", f"{self._folder}/{PREFIX}{self.sequence:08d}"
        )
        self._disk.sync_folder(self._folder)

    def _write_file(self, path: str, head: bytes, payloads: list[bytes], last: int = 0) -> None:
        file = self._disk.create(path)
        try:
            file.append(head)
            for number, payload in enumerate(payloads, last + 1):
                file.append(frame_batch(number, number - 1 if last else 0, payload))
            file.sync()
        finally:
            file.close()

    def _parts(self) -> list[bytes]:
        head = BytesWriter()
        write_i64(head, self._stock.last_batch)
        write_i64(head, max([self._stock.last_number, *self.told]))
        parts = [head.getvalue()]
        for part, walk in self._stock.parts:
            parts.append(self._without_lost(part, walk))
        parts.extend([_stray_part(stray) for stray in self.strays])
        parts.append(b"")
        return parts

    def _without_lost(self, part: bytes, walk: PartWalk) -> bytes:
        """The part as it was, naming only chunks that are whole."""
        lost = {id(chunk) for _, chunk in self._stock.lost}
        out = BytesWriter()
        at = 0
        for named in walk.named:
            good = [chunk for chunk in named.chunks if id(chunk) not in lost]
            if len(good) == len(named.chunks):
                continue
            out.write(part[at : named.start])
            if good:
                _rewrite(out, part, named, good)
            at = named.end
        out.write(part[at:])
        return out.getvalue()


def _rewrite(out: BytesWriter, part: bytes, named: Named, good: list[Chunk]) -> None:
    out.write(part[named.start : named.start + 9])
    write_u32(out, len(good))
    write_chunks(out, good)


def _stray_part(stray: Stray) -> bytes:
    out = BytesWriter()
    out.append(QUEUE)
    write_u32(out, stray.queue)
    out.append(LINE)
    write_i64(out, stray.chunks[0].contents.first)
    out.append(CHUNKS)
    write_i64(out, stray.next_offset)
    write_u32(out, len(stray.chunks))
    write_chunks(out, stray.chunks)
    out.append(LINE_END)
    write_i64(out, stray.next_offset)
    return out.getvalue()
