"""The middle of a long line: messages that are on the disk only, until their turn comes.

::

    head, in memory     middle, in chunks on the disk          tail, in memory
    [0 … 999]           [1000 … 4999] [5000 … 8999] …          [… newest]

Knows where neither of the others is.  Times are kept as dates, for a clock's zero may change.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import mypyc_attr

from leveret.broker.dates import date_ms, skew_ms, time_ns
from leveret.broker.message import NOTHING, Message
from leveret.broker.records import IS_TRANSIENT, EntryReader, write_entry
from leveret.octets import read_i64, write_i64
from leveret.ports import Clock
from leveret.store.chunks import Chunk, Chunks, Contents
from leveret.store.reading import Damage
from leveret.store.troubles import Troubles


@final
@mypyc_attr(acyclic=True)
class Loaded:
    """What a chunk held: messages with their offsets and when they expire, 0 for never.

    ``lost`` is how many that were counted could not be read.
    """

    def __init__(
        self, messages: list[Message], offsets: list[int], due: list[int], lost: int
    ) -> None:
        self.messages: Final = messages
        self.offsets: Final = offsets
        # Empty when none expires.
        self.due: Final = due
        self.lost: Final = lost


@final
class Middle:
    """Chunks of messages: ``count`` of them, with ``octets`` in their bodies.

    ``keeps_all``: transient messages are not passed over by the next start.
    """

    def __init__(self, chunks: Chunks, clock: Clock, troubles: Troubles, keeps_all: bool) -> None:
        self.chunks: Final = chunks
        self._clock: Final = clock
        self._troubles: Final = troubles
        self._keeps_all: Final = keeps_all
        self.count = 0
        self.octets = 0

    def write(self, first: int, messages: list[Message], due: list[int]) -> bool:
        """Append messages, offsets ascending by one from ``first``.  False when that fails.

        ``due`` is empty when none of them expires; slots with NOTHING are passed over.
        """
        out = BytesWriter()
        skew = skew_ms(self._clock)
        count = 0
        octets = 0
        durable_count = 0
        durable_octets = 0
        for index in range(len(messages)):
            message = messages[index]
            if message is NOTHING:
                continue
            due_ms = date_ms(due[index], skew) if due else 0
            is_kept = self._keeps_all or message.properties.is_persistent
            write_i64(out, first + index)
            write_entry(out, message, 0 if is_kept else IS_TRANSIENT, due_ms)
            count += 1
            octets += len(message.body)
            if is_kept:
                durable_count += 1
                durable_octets += len(message.body)
        contents = Contents(first, count, octets, durable_count, durable_octets)
        try:
            self.chunks.write(out.getvalue(), contents)
        except OSError as error:
            self._troubles.on_unwritten(error)
            return False
        self.count += count
        self.octets += octets
        return True

    def restore(self, chunks: list[Chunk]) -> None:
        """Take up what a checkpoint names.  Raises Damage, OSError."""
        self.chunks.restore(chunks)
        self.count = sum([chunk.count for chunk in chunks])
        self.octets = sum([chunk.octets for chunk in chunks])

    def read(self) -> Loaded:
        """The next chunk, which is in the middle no longer.  Only when there is one."""
        chunk = self.chunks.next()
        self.count -= chunk.count
        self.octets -= chunk.octets
        try:
            return self._decoded(self.chunks.read(), chunk)
        except (Damage, OSError, ValueError, IndexError) as error:
            self._troubles.on_unreadable(error, chunk.count)
            return Loaded([], [], [], chunk.count)

    def peek(self, first: int, count: int, most_octets: int) -> Loaded:
        """What is there from the ``first`` message on, ``count`` at most; all of it stays.

        It ends early once ``most_octets`` were read, and passes over what cannot be read.
        """
        found = Loaded([], [], [], 0)
        octets = 0
        for chunk in self.chunks.waiting():
            if first >= chunk.count:
                first -= chunk.count
                continue
            if len(found.messages) >= count or octets >= most_octets:
                break
            octets += chunk.size
            try:
                loaded = self._decoded(self.chunks.payload(chunk), chunk)
            except (Damage, OSError, ValueError, IndexError):
                # Whoever reads it to deliver it says so.
                first = 0
                continue
            end = first + count - len(found.messages)
            found.messages.extend(loaded.messages[first:end])
            found.offsets.extend(loaded.offsets[first:end])
            first = 0
        return found

    def _decoded(self, payload: bytes, chunk: Chunk) -> Loaded:
        messages: list[Message] = []
        offsets: list[int] = []
        due: list[int] = []
        skew = skew_ms(self._clock)
        reader = EntryReader(payload, 0)
        for _ in range(chunk.contents.count):
            offset = int(read_i64(payload, reader.at))
            reader.at += 8
            entry = reader.read()
            if entry.is_transient and chunk.is_old:
                continue
            if entry.due_ms != 0 and not due:
                due = [0] * len(messages)
            if due or entry.due_ms != 0:
                due.append(time_ns(entry.due_ms, skew))
            messages.append(entry.message)
            offsets.append(offset)
        return Loaded(messages, offsets, due, chunk.count - len(messages))

    def clear(self) -> None:
        """Forget every message."""
        self.chunks.clear()
        self.count = 0
        self.octets = 0
