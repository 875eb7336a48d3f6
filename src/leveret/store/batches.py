"""Batches: what a turn of the loop writes at once, framed so that damage is found.

::

    u32 magic   u32 size   u32 crc   u64 number   u64 synced   payload
    +---------+----------+---------+------------+------------+------------------+
    | "LVRB"  |          |         |            |            | size octets      |
    +---------+----------+---------+------------+------------+------------------+

``number`` ascends by one from batch to batch, also from file to file.  ``synced`` is the number
of the last batch that was known to be on the disk when this one was written.  The checksum covers
everything after it.

A crash of the machine may lose any of the batches that were not synced, also one in the middle:
nobody was told that they are safe, so reading ends before the first that is missing.  That is a
*torn tail*.  If a later batch says that the missing one was synced, then something that was
promised is gone: that is *damage*.
"""

import zlib
from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.octets import read_i64, read_u32, write_i64, write_u32

MAGIC: Final = b"LVRB"
HEAD_OCTETS: Final = 28
# Nobody writes larger ones: a size beyond this is no size.
MAX_BATCH_OCTETS: Final = 1 << 30


@final
class Batch:
    """One batch as it was read; the next begins at ``end``."""

    def __init__(self, number: int, synced: int, payload: bytes, end: int) -> None:
        self.number: Final = number
        self.synced: Final = synced
        self.payload: Final = payload
        self.end: Final = end


def frame_batch(number: int, synced: int, payload: bytes) -> bytes:
    """The octets of one batch."""
    checked = BytesWriter()
    write_i64(checked, number)
    write_i64(checked, synced)
    checked.write(payload)
    return framed(MAGIC, len(payload), checked.getvalue())


def framed(magic: bytes, size: int, checked: bytes) -> bytes:
    """``magic``, the ``size`` of the payload, the checksum of what follows, and that."""
    out = BytesWriter()
    out.write(magic)
    write_u32(out, size)
    write_u32(out, zlib.crc32(checked))
    out.write(checked)
    return out.getvalue()


def read_batch(data: bytes, at: i64) -> Batch | None:
    """The batch that begins at ``at``; None when none does, or it is not whole."""
    if len(data) - at < HEAD_OCTETS or data[at : at + 4] != MAGIC:
        return None
    size = read_u32(data, at + 4)
    end = at + HEAD_OCTETS + size
    if end > len(data):
        return None
    if zlib.crc32(data[at + 12 : end]) != read_u32(data, at + 8):
        return None
    number = int(read_i64(data, at + 12))
    synced = int(read_i64(data, at + 20))
    return Batch(number, synced, data[at + HEAD_OCTETS : end], int(end))


def find_batch(data: bytes, at: int) -> int:
    """Where the next whole batch at or after ``at`` begins; -1 when there is none."""
    found = data.find(MAGIC, at)
    while found >= 0:
        if read_batch(data, found) is not None:
            return found
        found = data.find(MAGIC, found + 1)
    return -1
