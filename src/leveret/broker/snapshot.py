"""What a checkpoint holds of each durable queue, written and read.

::

    queue      u8 16  u32 queue
    line       u8 17  i64 offset of the first message never handed out
    fresh      u8 18  u32 count  count * (i64 offset  i64 due  entry)
    chunks     u8 19  i64 next offset  u32 count  count * (u32 file  i64 at  u32 size
                      i64 first  u32 messages  i64 octets  u32 durable messages  i64 octets)
    line end   u8 21  i64 offset of the next message
    marked     u8 22  u32 count  count * (i64 offset  u32 deliveries  u32 handovers)
    out        u8 20  u32 count  count * (i64 offset  i64 due  entry)

In this order; of one line, the fresh ones before the chunks are its head, those after its tail.
Messages that the queue does not keep are left out.  Marked are those of the lines that were
handed out before.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.broker.backlog import Backlog, Waiting
from leveret.broker.dates import date_ms
from leveret.broker.lined import LinedQueue
from leveret.broker.record import Holder
from leveret.broker.records import write_counted_entry, write_entry
from leveret.octets import read_i64, read_u32, write_i64, write_u32
from leveret.store.chunks import Chunk, Contents

QUEUE: Final = 16
LINE: Final = 17
FRESH: Final = 18
CHUNKS: Final = 19
OUT: Final = 20
LINE_END: Final = 21
MARKED: Final = 22

MARK_OCTETS: Final = 16

CHUNK_OCTETS: Final = 48


def write_line(out: BytesWriter, line: Backlog, keeps_all: bool, skew_ms: int) -> None:
    """Append ``line``'s fresh messages that are kept.  ``skew_ms`` makes a date of a time."""
    out.append(LINE)
    write_i64(out, line.front)
    _write_fresh(out, line.head(), keeps_all, skew_ms)
    middle = line.middle
    if middle is not None and middle.count > 0:
        chunks = middle.chunks.waiting()
        out.append(CHUNKS)
        write_i64(out, line.next_offset - line.tail_slots)
        write_u32(out, len(chunks))
        write_chunks(out, chunks)
    _write_fresh(out, line.tail(), keeps_all, skew_ms)
    out.append(LINE_END)
    write_i64(out, line.next_offset)


def _write_fresh(out: BytesWriter, waiting: list[Waiting], keeps_all: bool, skew_ms: int) -> None:
    lasting = _lasting(waiting, keeps_all)
    if not lasting:
        return
    out.append(FRESH)
    write_u32(out, len(lasting))
    for each in lasting:
        write_i64(out, each.offset)
        write_i64(out, date_ms(each.due_ns, skew_ms))
        write_entry(out, each.message, 0, 0)


def _lasting(waiting: list[Waiting], keeps_all: bool) -> list[Waiting]:
    """Those that outlive the process."""
    if keeps_all:
        return waiting
    return [each for each in waiting if each.message.properties.is_persistent]


def write_chunks(out: BytesWriter, chunks: list[Chunk]) -> None:
    """Append where each chunk is and what it holds."""
    for chunk in chunks:
        contents = chunk.contents
        write_u32(out, chunk.sequence)
        write_i64(out, chunk.at)
        write_u32(out, chunk.size)
        write_i64(out, contents.first)
        write_u32(out, contents.count)
        write_i64(out, contents.octets)
        write_u32(out, contents.durable_count)
        write_i64(out, contents.durable_octets)


def read_chunks(data: bytes, at: i64, count: int) -> list[Chunk]:
    """The ``count`` chunks that begin at ``at``."""
    chunks: list[Chunk] = []
    for _ in range(count):
        contents = Contents(
            int(read_i64(data, at + 16)),
            int(read_u32(data, at + 24)),
            int(read_i64(data, at + 28)),
            int(read_u32(data, at + 36)),
            int(read_i64(data, at + 40)),
        )
        sequence = int(read_u32(data, at))
        place = int(read_i64(data, at + 4))
        chunks.append(Chunk(sequence, place, int(read_u32(data, at + 12)), contents, True))
        at += CHUNK_OCTETS
    return chunks


def write_state(out: BytesWriter, queue: LinedQueue, number: int, skew_ms: int) -> None:
    """Append all that outlives the process of ``queue``.  ``skew_ms`` makes a date of a time."""
    assert queue.record is not None
    keeps_all = queue.record.keeps_all
    out.append(QUEUE)
    write_u32(out, number)
    for line in queue.lines():
        write_line(out, line, keeps_all, skew_ms)
    _write_marked(out, queue)
    lasting = _lasting(queue.out(), keeps_all)
    if not lasting:
        return
    out.append(OUT)
    write_u32(out, len(lasting))
    for each in lasting:
        failed, acquired = queue.attempts_of(each.offset)
        write_i64(out, each.offset)
        write_i64(out, date_ms(each.due_ns, skew_ms))
        write_counted_entry(out, each.message, 0, failed, acquired)


def write_held(out: BytesWriter, holder: Holder, number: int, skew_ms: int) -> None:
    """Append all that outlives the process of an exchange that holds messages."""
    out.append(QUEUE)
    write_u32(out, number)
    _write_fresh(out, holder.held_messages(), False, skew_ms)
    out.append(LINE_END)
    write_i64(out, holder.next_offset)


def _write_marked(out: BytesWriter, queue: LinedQueue) -> None:
    marked = queue.waiting_attempts()
    if not marked:
        return
    out.append(MARKED)
    write_u32(out, len(marked))
    for offset in marked:
        failed, acquired = queue.attempts_of(offset)
        write_i64(out, offset)
        write_u32(out, failed)
        write_u32(out, acquired)
