"""The part of a long queue that is on the disk only: chunks of messages, read back in order.

::

    queues/<id>-<line>/00000001.seg  00000002.seg ...     each: the head of the file, then chunks

    u32 magic   u32 size   u32 crc   i64 first offset   u32 count   payload
    +---------+----------+---------+------------------+-----------+-----------------+
    | "LVRC"  |          |         |                  |           | size octets     |
    +---------+----------+---------+------------------+-----------+-----------------+

A chunk is written once and read once.  A file whose chunks were all read is of no use to the
process, but may be to the next start: it is removed when a checkpoint no longer names it.

Knows no queue and no message: a payload is octets.
"""

import zlib
from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import mypyc_attr

from leveret.octets import read_i64, read_u32, write_i64, write_u32
from leveret.ports import Disk, File
from leveret.store.batches import framed
from leveret.store.reading import Damage

MAGIC: Final = b"LVRC"
HEAD_OCTETS: Final = 24
# A file is this, then chunks.  The last octet is the version of the format.
FILE_HEAD: Final = b"LEVERET segment\x01"
SUFFIX: Final = ".seg"
# The next file begins when one has this many octets.
FILE_OCTETS: Final = 16 * 1024 * 1024


@final
@mypyc_attr(acyclic=True)
class Contents:
    """What a chunk holds: ``count`` messages from offset ``first`` on, with ``octets`` in bodies.

    ``durable_count`` of them, with ``durable_octets``, outlive the process.
    """

    def __init__(
        self, first: int, count: int, octets: int, durable_count: int, durable_octets: int
    ) -> None:
        self.first: Final = first
        self.count: Final = count
        self.octets: Final = octets
        self.durable_count: Final = durable_count
        self.durable_octets: Final = durable_octets


@final
@mypyc_attr(acyclic=True)
class Chunk:
    """Where ``contents`` are; ``size`` includes the head.

    ``is_old``: an earlier process wrote it.
    """

    def __init__(self, sequence: int, at: int, size: int, contents: Contents, is_old: bool) -> None:
        self.sequence: Final = sequence
        self.at: Final = at
        self.size: Final = size
        self.contents: Final = contents
        self.is_old: Final = is_old

    @property
    def count(self) -> int:
        """How many messages there are to be had."""
        return self.contents.durable_count if self.is_old else self.contents.count

    @property
    def octets(self) -> int:
        """The size of their bodies."""
        return self.contents.durable_octets if self.is_old else self.contents.octets


@final
class SegmentFile:
    """One file of chunks; ``unread`` counts those that are still to be read."""

    def __init__(self, sequence: int, file: File, octets: int) -> None:
        self.sequence: Final = sequence
        self.file: Final = file
        self.octets = octets
        self.synced = 0
        self.unread = 0


@final
class Chunks:
    """The chunks of one line, in order.

    Invariant: ``_files`` holds every file that ``_chunks`` names, and those that are read but not
    yet ``forgotten``.
    """

    def __init__(self, disk: Disk, folder: str) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self._chunks: list[Chunk] = []
        self._head = 0
        self._files: Final[dict[int, SegmentFile]] = {}
        self._last_sequence = 0

    def __len__(self) -> int:
        return len(self._chunks) - self._head

    @property
    def has_files(self) -> bool:
        """Whether anything of it is on the disk."""
        return bool(self._files)

    def next(self) -> Chunk:
        """The one that is read next.  Only when there is one."""
        return self._chunks[self._head]

    def waiting(self) -> list[Chunk]:
        """The chunks that are still to be read."""
        return self._chunks[self._head :]

    # --- writing ---------------------------------------------------------------------------

    def write(self, payload: bytes, contents: Contents) -> None:
        """Append a chunk.  Raises OSError, and then nothing has changed."""
        file = self._file_to_write()
        framed = frame_chunk(payload, contents.first, contents.count)
        try:
            file.file.append(framed)
        except OSError:
            file.file.truncate(file.octets)
            raise
        chunk = Chunk(file.sequence, file.octets, len(framed), contents, False)
        file.octets += len(framed)
        file.unread += 1
        self._chunks.append(chunk)

    def _file_to_write(self) -> SegmentFile:
        file = self._files.get(self._last_sequence)
        if file is not None and file.octets < FILE_OCTETS:
            return file
        if self._last_sequence == 0:
            self._disk.make_folder(self._folder)
        sequence = self._last_sequence + 1
        made = self._disk.create(self._path(sequence))
        try:
            made.append(FILE_HEAD)
        except OSError:
            made.close()
            raise
        self._last_sequence = sequence
        file = SegmentFile(sequence, made, len(FILE_HEAD))
        self._files[sequence] = file
        return file

    def _path(self, sequence: int) -> str:
        return f"{self._folder}/{sequence:08d}{SUFFIX}"

    # --- reading ---------------------------------------------------------------------------

    def read(self) -> bytes:
        """The payload of the next chunk, which is passed over also if it cannot be read.

        Only when there is one.  Raises Damage, OSError.
        """
        chunk = self._chunks[self._head]
        self._head += 1
        if self._head == len(self._chunks):
            self._chunks = []
            self._head = 0
        else:
            self._fetch_ahead()
        # What cannot be read counts as unread, so that the file stays for whoever repairs it.
        payload = self.payload(chunk)
        self._files[chunk.sequence].unread -= 1
        return payload

    def payload(self, chunk: Chunk) -> bytes:
        """The payload of ``chunk``, which stays unread.  Raises Damage, OSError."""
        data = self._files[chunk.sequence].file.read(chunk.at, chunk.size)
        payload = _checked(data, chunk)
        if payload is None:
            raise Damage(self._path(chunk.sequence), chunk.at, "a chunk of messages is not whole")
        return payload

    def _fetch_ahead(self) -> None:
        ahead = self._chunks[self._head]
        self._files[ahead.sequence].file.will_read(ahead.at, ahead.size)

    def clear(self) -> None:
        """All that is still to be read is wanted no longer."""
        self._chunks = []
        self._head = 0
        for file in self._files.values():
            file.unread = 0

    # --- checkpoints -----------------------------------------------------------------------

    def unsynced(self) -> list[SegmentFile]:
        """The files that a checkpoint naming them must sync before."""
        return [file for file in self._files.values() if file.synced < file.octets]

    def spent(self) -> list[SegmentFile]:
        """The files that no checkpoint made from now on names."""
        return [file for file in self._files.values() if file.unread == 0]

    def forget(self, files: list[SegmentFile]) -> None:
        """Remove ``files``: no checkpoint names them any more.  Raises OSError."""
        for file in files:
            if self._files.get(file.sequence) is not file or file.unread > 0:
                continue
            del self._files[file.sequence]
            file.file.close()
            self._disk.remove(self._path(file.sequence))

    def restore(self, chunks: list[Chunk]) -> None:
        """Take up what a checkpoint names; other files are removed.  Raises Damage, OSError."""
        self._disk.make_folder(self._folder)
        for chunk in chunks:
            file = self._files.get(chunk.sequence)
            if file is None:
                file = self._reopen(chunk)
            file.unread += 1
            file.octets = max(file.octets, chunk.at + chunk.size)
        self._chunks = list(chunks)
        for file in self._files.values():
            size = file.file.size()
            if size < file.octets:
                missing = file.octets - size
                raise Damage(self._path(file.sequence), size, f"{missing} octets are missing")
            # What a crash left after the last chunk belongs to none.
            file.file.truncate(file.octets)
            file.synced = file.octets
        self._remove_others()

    def _reopen(self, chunk: Chunk) -> SegmentFile:
        path = self._path(chunk.sequence)
        try:
            opened = self._disk.open(path)
        except FileNotFoundError:
            raise Damage(path, chunk.at, "the file is missing") from None
        file = SegmentFile(chunk.sequence, opened, 0)
        self._files[chunk.sequence] = file
        self._last_sequence = max(self._last_sequence, chunk.sequence)
        return file

    def _remove_others(self) -> None:
        for name in self._disk.names(self._folder):
            number = name.removesuffix(SUFFIX)
            if name.endswith(SUFFIX) and number.isdigit() and int(number) not in self._files:
                self._disk.remove(f"{self._folder}/{name}")

    def close(self) -> None:
        """Close every file; nothing can be read or written any more."""
        for file in self._files.values():
            file.file.close()
        self._files.clear()

    def destroy(self) -> None:
        """The queue is gone, and so is all of this.  Raises OSError."""
        self.clear()
        self.forget(list(self._files.values()))
        if self._last_sequence > 0:
            # Of an earlier process, which crashed before a checkpoint named them.
            self._remove_others()
            self._disk.remove_folder(self._folder)


def frame_chunk(payload: bytes, first: int, count: int) -> bytes:
    """The octets of one chunk."""
    checked = BytesWriter()
    write_i64(checked, first)
    write_u32(checked, count)
    checked.write(payload)
    return framed(MAGIC, len(payload), checked.getvalue())


def _checked(data: bytes, chunk: Chunk) -> bytes | None:
    """The payload of what was read for ``chunk``; None when it is not what was written."""
    if len(data) != chunk.size or data[:4] != MAGIC:
        return None
    if read_u32(data, 4) != chunk.size - HEAD_OCTETS:
        return None
    if zlib.crc32(data[12:]) != read_u32(data, 8) or read_i64(data, 12) != chunk.contents.first:
        return None
    return data[HEAD_OCTETS:]
