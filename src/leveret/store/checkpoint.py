"""Checkpoints: all that must be known to start from a certain file of the journal on.

::

    checkpoint-00000007      the head of the file, then batches numbered from 1, the last one empty

It is written under another name and renamed when it is whole and synced: so the newest that there
is counts, and the journal's files before its number are of no use.

Knows no queue and no message: a part is octets.
"""

import contextlib
from typing import Final, final

from leveret.ports import Disk, File
from leveret.store.batches import frame_batch, read_batch
from leveret.store.chunks import SegmentFile
from leveret.store.reading import Damage
from leveret.store.worker import Job

# A file is this, then batches.  The last octet is the version of the format.
FILE_HEAD: Final = b"LEVERET checkpt\x01"
PREFIX: Final = "checkpoint-"
_UNFINISHED: Final = "checkpoint.new"


@final
class Checkpoint(Job):
    """One checkpoint being written: parts first, then ``perform`` beside the loop.

    ``segments`` are the files it names; they are synced before it counts.
    """

    def __init__(self, disk: Disk, folder: str, sequence: int) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self.sequence: Final = sequence
        self.segments: Final[list[SegmentFile]] = []
        self._sizes: Final[list[int]] = []
        self._count = 0
        self._file: Final[File] = disk.create(f"{folder}/{_UNFINISHED}")
        try:
            self._file.append(FILE_HEAD)
        except OSError:
            self.abandon()
            raise
        self.is_done = False
        self.error: OSError | None = None

    def add(self, part: bytes) -> None:
        """Append a part.  Raises OSError."""
        assert part
        self._append(part)

    def _append(self, part: bytes) -> None:
        self._count += 1
        self._file.append(frame_batch(self._count, 0, part))

    def finish(self, segments: list[SegmentFile]) -> None:
        """No part is missing; it names ``segments`` as they are now.  Raises OSError."""
        self._append(b"")
        self.segments.extend(segments)
        self._sizes.extend([segment.octets for segment in segments])

    def perform(self) -> None:
        """Sync what it names, then itself, then let it count."""
        for segment in self.segments:
            segment.file.sync()
        self._file.sync()
        self._disk.rename(
            f"{self._folder}/{_UNFINISHED}", f"{self._folder}/{PREFIX}{self.sequence:08d}"
        )
        self._disk.sync_folder(self._folder)

    def done(self, error: OSError | None) -> None:
        """Remember how it went."""
        self._file.close()
        self.error = error
        self.is_done = True
        if error is not None:
            self._remove()
        else:
            for segment, octets in zip(self.segments, self._sizes, strict=True):
                segment.synced = max(segment.synced, octets)

    def abandon(self) -> None:
        """It will not be finished."""
        self._file.close()
        self._remove()

    def _remove(self) -> None:
        """Give back the room that it takes, unless it has its name already."""
        with contextlib.suppress(OSError):
            self._disk.remove(f"{self._folder}/{_UNFINISHED}")

    def remove_older(self) -> None:
        """Remove the checkpoints that this one replaces.  Raises OSError."""
        for sequence in sequences(self._disk.names(self._folder)):
            if sequence < self.sequence:
                self._disk.remove(f"{self._folder}/{PREFIX}{sequence:08d}")


def sequences(names: list[str]) -> list[int]:
    """The numbers of the checkpoints among ``names``, ascending."""
    found = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
    return sorted([int(number) for number in found if number.isdigit()])


def read_checkpoint(disk: Disk, folder: str, sequence: int) -> list[bytes]:
    """The parts of a checkpoint.  Raises Damage, OSError."""
    path = f"{folder}/{PREFIX}{sequence:08d}"
    file = disk.open(path)
    try:
        data = file.read(0, file.size())
    finally:
        file.close()
    if not data.startswith(FILE_HEAD):
        raise Damage(path, 0, "it does not begin as a checkpoint of this version does")
    parts: list[bytes] = []
    at = len(FILE_HEAD)
    while True:
        batch = read_batch(data, at)
        if batch is None or batch.number != len(parts) + 1:
            raise Damage(path, at, f"part {len(parts) + 1} is not whole")
        if not batch.payload:
            return parts
        parts.append(batch.payload)
        at = batch.end
