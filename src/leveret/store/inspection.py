"""Looking at files without believing or changing them: what is whole, and every damage.

The broker itself stops at the first damage; whoever checks or repairs goes on behind it.  Knows no
queue and no message.
"""

import zlib
from typing import Final, final

from leveret.octets import read_i64, read_u32
from leveret.ports import Disk
from leveret.store import checkpoint, chunks, journal
from leveret.store.batches import Batch, find_batch, read_batch


@final
class Fault:
    """Something that cannot be read: ``octets`` of the file ``path`` from ``at`` on.

    ``is_torn``: nobody was promised that it is there, a crash leaves such a thing.
    """

    def __init__(self, path: str, at: int, octets: int, what: str, is_torn: bool = False) -> None:
        self.path: Final = path
        self.at: Final = at
        self.octets: Final = octets
        self.what: Final = what
        self.is_torn = is_torn

    def sentence(self) -> str:
        """For people."""
        return f"{self.path}, octet {self.at}: {self.what}"


@final
class Found:
    """A batch that is whole, and where it begins."""

    def __init__(self, path: str, at: int, batch: Batch) -> None:
        self.path: Final = path
        self.at: Final = at
        self.batch: Final = batch


def contents(disk: Disk, path: str) -> bytes | None:
    """All of a file; None when there is none.  Raises OSError."""
    try:
        file = disk.open(path)
    except FileNotFoundError:
        return None
    try:
        return file.read(0, file.size())
    finally:
        file.close()


@final
class BatchScan:
    """Every batch of one file that begins with ``head``, and what lies between them."""

    def __init__(self, path: str, data: bytes, head: bytes) -> None:
        self.found: Final[list[Found]] = []
        self.faults: Final[list[Fault]] = []
        at = len(head)
        if not data.startswith(head):
            at = max(find_batch(data, 0), 0)
            self.faults.append(Fault(path, 0, at, "it does not begin as such a file does"))
        while at < len(data):
            batch = read_batch(data, at)
            if batch is None:
                after = find_batch(data, at + 1)
                size = (after if after >= 0 else len(data)) - at
                self.faults.append(Fault(path, at, size, f"{size} octets make no sense"))
                at += size
                continue
            self.found.append(Found(path, at, batch))
            at = batch.end


@final
class CheckpointScan:
    """The parts of a checkpoint that are whole, by their numbers, the first being 1."""

    def __init__(self, disk: Disk, folder: str, sequence: int) -> None:
        self.path: Final = f"{folder}/{checkpoint.PREFIX}{sequence:08d}"
        self.sequence: Final = sequence
        data = contents(disk, self.path)
        assert data is not None
        self.octets: Final = len(data)
        scan = BatchScan(self.path, data, checkpoint.FILE_HEAD)
        self.faults: Final = scan.faults
        self.parts: Final[dict[int, Found]] = {}
        self.is_complete = False
        for found in scan.found:
            if found.batch.payload:
                self.parts[found.batch.number] = found
            else:
                self.is_complete = True
                self._expect(found.batch.number - 1)
        if not self.is_complete:
            self.faults.append(Fault(self.path, len(data), 0, "its end is missing"))

    def _expect(self, count: int) -> None:
        missing = [number for number in range(1, count + 1) if number not in self.parts]
        if missing and not self.faults:
            self.faults.append(Fault(self.path, 0, 0, f"part {missing[0]} is missing"))


@final
class JournalScan:
    """The batches of all files from ``first_sequence`` on, each once, in order."""

    def __init__(self, disk: Disk, folder: str, first_sequence: int, last_batch: int) -> None:
        self.found: Final[list[Found]] = []
        self.faults: Final[list[Fault]] = []
        self.octets = 0
        self.last_sequence = first_sequence - 1
        # Damage as long as a later batch says that what is missing was synced.
        self._open: list[Fault] = []
        self._last = last_batch
        for name in disk.names(folder):
            number = name.removesuffix(journal.SUFFIX)
            if not name.endswith(journal.SUFFIX) or not number.isdigit():
                continue
            if int(number) >= first_sequence:
                self.last_sequence = int(number)
                self._scan(f"{folder}/{name}", contents(disk, f"{folder}/{name}") or b"")
        for fault in self._open:
            fault.is_torn = True
            self.faults.append(fault)

    def _scan(self, path: str, data: bytes) -> None:
        self.octets += len(data)
        scan = BatchScan(path, data, journal.FILE_HEAD)
        faults = list(scan.faults)
        for found in scan.found:
            while faults and faults[0].at < found.at:
                self._open.append(faults.pop(0))
            self._take(found)
        self._open.extend(faults)

    def _take(self, found: Found) -> None:
        batch = found.batch
        # What failed to be written was written again later, under the same number.
        if batch.number <= self._last:
            return
        missing = batch.number - self._last - 1
        if missing > 0:
            self._judge(found, missing)
        else:
            # What lies before was written again, or nobody was ever told of it.
            for fault in self._open:
                fault.is_torn = True
            self.faults.extend(self._open)
        self._open = []
        self._last = batch.number
        self.found.append(found)

    def _judge(self, found: Found, missing: int) -> None:
        """Batches are missing before ``found``: is that damage, or what a crash left?"""
        is_torn = found.batch.synced <= self._last
        first = self._last + 1
        text = f"batch {first} is missing" if missing == 1 else f"{missing} batches are missing"
        if not self._open:
            self._open.append(Fault(found.path, found.at, 0, text))
        for fault in self._open:
            fault.is_torn = is_torn
            self.faults.append(fault)


@final
class FoundChunk:
    """A chunk that is whole: its payload, and where it is."""

    def __init__(self, at: int, size: int, first: int, count: int, payload: bytes) -> None:
        self.at: Final = at
        self.size: Final = size
        self.first: Final = first
        self.count: Final = count
        self.payload: Final = payload


def read_chunk(data: bytes, at: int) -> FoundChunk | None:
    """The chunk that begins at ``at``; None when none does, or it is not whole."""
    if len(data) - at < chunks.HEAD_OCTETS or data[at : at + 4] != chunks.MAGIC:
        return None
    end = at + chunks.HEAD_OCTETS + int(read_u32(data, at + 4))
    if end > len(data) or zlib.crc32(data[at + 12 : end]) != read_u32(data, at + 8):
        return None
    first = int(read_i64(data, at + 12))
    count = int(read_u32(data, at + 20))
    return FoundChunk(at, end - at, first, count, data[at + chunks.HEAD_OCTETS : end])


def find_chunks(data: bytes) -> list[FoundChunk]:
    """Every whole chunk of a file."""
    found: list[FoundChunk] = []
    at = data.find(chunks.MAGIC)
    while at >= 0:
        chunk = read_chunk(data, at)
        if chunk is not None:
            found.append(chunk)
        at = data.find(chunks.MAGIC, at + chunk.size if chunk is not None else at + 1)
    return found
