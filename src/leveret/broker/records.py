"""What is written of messages, and of what becomes of them: in the journal, in chunks and in
checkpoints alike.

::

    entry      u8 marks  [i64 due, ms since 1970]  [u32 deliveries  u32 handovers]
               u8 + exchange  u8 + routing key  u32 + properties  u32 + body  [u32 + more]

    published  u8 1  u16 count  count * (u32 queue  i64 offset  i64 due, 0 for never)  entry
    settled    u8 2  u32 queue  u32 count  count * (i64 first offset  u32 how many)
    handed out u8 3  u32 queue  i64 offset: of its line, everything before it
    purged     u8 4  u32 queue  i64 offset: of its line, everything waiting before it
    gone       u8 5  u32 queue
    came back  u8 6  u32 queue  i64 offset  u32 deliveries  u32 handovers

Properties are the octets of AMQP 0-9-1.  ``more`` is a field table: what the broker knows of a
message beyond its properties.  An entry that is marked as transient is one that a start passes
over: not every message with delivery mode 1, for some queues keep those too.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from leveret.broker.deaths import DeadMessage, Death
from leveret.broker.message import BlindMessage, Message, Origin
from leveret.broker.properties import NO_PROPERTIES, Properties, read_properties
from leveret.octets import read_i64, read_u32, write_i64, write_u32
from leveret.tables import ARRAY, INT64, LONGSTR, TABLE, Field, Table, read_table, table_octets

PUBLISHED: Final = 1
SETTLED: Final = 2
HANDED_OUT: Final = 3
PURGED: Final = 4
GONE: Final = 5
CAME_BACK: Final = 6

REDELIVERED: Final = 1
HAS_DUE: Final = 2
HAS_COUNTS: Final = 4
HAS_MORE: Final = 8
IS_TRANSIENT: Final = 16

# Of the offsets of a queue, the upper bits name the line and the lower ones count.
LINE_SHIFT: Final = 48
_NOWHERE: Final = Origin("", "")


@final
@mypyc_attr(acyclic=True)
class Entry:
    """A message as it was read: with the time it expires, 0 for never, and how often it was out.

    ``deliveries`` and ``handovers`` are what quorum queues count.
    """

    def __init__(
        self, message: Message, marks: int, due_ms: int, deliveries: int, handovers: int
    ) -> None:
        self.message: Final = message
        self.is_redelivered: Final = marks & REDELIVERED != 0
        self.is_transient: Final = marks & IS_TRANSIENT != 0
        self.due_ms: Final = due_ms
        self.deliveries: Final = deliveries
        self.handovers: Final = handovers


def write_entry(out: BytesWriter, message: Message, marks: int, due_ms: int) -> None:
    """Append ``message``, whose deliveries are not counted.

    ``marks``: REDELIVERED, IS_TRANSIENT, both or none.
    """
    _write(out, message, marks, due_ms, 0, 0)


def write_counted_entry(
    out: BytesWriter, message: Message, due_ms: int, deliveries: int, handovers: int
) -> None:
    """Append ``message``, which was out before."""
    _write(out, message, REDELIVERED | HAS_COUNTS, due_ms, deliveries, handovers)


def _write(
    out: BytesWriter, message: Message, marks: int, due_ms: int, deliveries: int, handovers: int
) -> None:
    more = _more(message)
    properties = message.properties
    if due_ms != 0:
        marks |= HAS_DUE
    if more:
        marks |= HAS_MORE
    out.append(marks)
    if due_ms != 0:
        write_i64(out, due_ms)
    if marks & HAS_COUNTS:
        write_u32(out, deliveries)
        write_u32(out, handovers)
    out.write(message.origin.octets)
    write_u32(out, len(properties.octets))
    out.write(properties.octets)
    write_u32(out, len(message.body))
    out.write(message.body)
    if more:
        write_u32(out, len(more))
        out.write(more)


def _more(message: Message) -> bytes:
    """What else there is of ``message``; empty for nearly all."""
    if not isinstance(message, BlindMessage):
        return b""
    table: Table = {"blind": _words(message.blind_keys)}
    if isinstance(message, DeadMessage):
        table["deaths"] = Field(ARRAY, [_written_death(death) for death in message.deaths])
        table["first"] = _written_death(message.first)
    return table_octets(table)


def _words(words: list[str]) -> Field:
    return Field(ARRAY, [Field(LONGSTR, word) for word in words])


def _written_death(death: Death) -> Field:
    table: Table = {
        "queue": Field(LONGSTR, death.queue),
        "reason": Field(LONGSTR, death.reason),
        "count": Field(INT64, death.count),
        "time": Field(INT64, death.unix_s),
        "exchange": Field(LONGSTR, death.exchange),
        "keys": _words(death.keys),
    }
    if death.expiration is not None:
        table["expiration"] = Field(LONGSTR, death.expiration)
    return Field(TABLE, table)


@final
class EntryReader:
    """Reads entries one after the other out of ``data``, beginning at ``at``.

    Messages that follow one another mostly have the same origin and properties: they share them.
    """

    def __init__(self, data: bytes, at: int) -> None:
        self._data: Final = data
        self.at = at
        self._origin: Origin = _NOWHERE
        self._properties: Properties = NO_PROPERTIES

    def read(self) -> Entry:
        """The next entry.  Raises IndexError, ValueError."""
        data = self._data
        at: i64 = self.at
        marks = int(data[at])
        at += 1
        due_ms = 0
        deliveries = 0
        handovers = 0
        if marks & HAS_DUE:
            due_ms = int(read_i64(data, at))
            at += 8
        if marks & HAS_COUNTS:
            deliveries = int(read_u32(data, at))
            handovers = int(read_u32(data, at + 4))
            at += 8
        at = self._read_origin(at)
        size = read_u32(data, at)
        at += 4
        octets = self._slice(at, size)
        if octets != self._properties.octets:
            self._properties = read_properties(octets)
        at += size
        size = read_u32(data, at)
        at += 4
        body = self._slice(at, size)
        at += size
        message: Message
        if marks & HAS_MORE:
            size = read_u32(data, at)
            message = _with_more(self._origin, self._properties, body, read_table(data, at + 4)[0])
            at += 4 + size
        else:
            message = Message(self._origin, self._properties, body)
        self.at = int(at)
        return Entry(message, marks, due_ms, deliveries, handovers)

    def _slice(self, at: i64, size: i64) -> bytes:
        if at + size > len(self._data):
            raise IndexError(int(at + size))
        return self._data[at : at + size]

    def _read_origin(self, at: i64) -> i64:
        data = self._data
        middle = at + 1 + i64(data[at])
        end = middle + 1 + i64(data[middle])
        if end > len(data):
            raise IndexError(int(end))
        if data[at:end] != self._origin.octets:
            exchange = data[at + 1 : middle].decode("utf-8", "surrogateescape")
            key = data[middle + 1 : end].decode("utf-8", "surrogateescape")
            self._origin = Origin(exchange, key)
        return end


def _with_more(origin: Origin, properties: Properties, body: bytes, more: Table) -> Message:
    blind_keys = _read_words(more["blind"])
    first = more.get("first")
    if first is None:
        return BlindMessage(origin, properties, body, blind_keys)
    deaths = more["deaths"].value
    assert isinstance(deaths, list)
    history = [_read_death(death) for death in deaths]
    return DeadMessage(origin, properties, body, blind_keys, history, _read_death(first))


def _read_words(field: Field) -> list[str]:
    assert isinstance(field.value, list)
    return [str(word.value) for word in field.value]


def _read_death(field: Field) -> Death:
    table = field.value
    assert isinstance(table, dict)
    count = table["count"].value
    unix_s = table["time"].value
    assert isinstance(count, int)
    assert isinstance(unix_s, int)
    expiration = table.get("expiration")
    return Death(
        str(table["queue"].value),
        str(table["reason"].value),
        count,
        unix_s,
        str(table["exchange"].value),
        _read_words(table["keys"]),
        str(expiration.value) if expiration is not None else None,
    )


# --- what becomes of messages ----------------------------------------------------------------


def write_settled(out: BytesWriter, queue: int, offsets: list[int]) -> None:
    """Append that the messages with ``offsets``, which this sorts, are done."""
    offsets.sort()
    firsts: list[int] = []
    counts: list[int] = []
    expected = -1
    for offset in offsets:
        if offset == expected:
            counts[-1] += 1
        else:
            firsts.append(offset)
            counts.append(1)
        expected = offset + 1
    out.append(SETTLED)
    write_u32(out, queue)
    write_u32(out, len(firsts))
    for index in range(len(firsts)):
        write_i64(out, firsts[index])
        write_u32(out, counts[index])


def write_mark(out: BytesWriter, kind: int, queue: int, offset: int) -> None:
    """Append a record of ``kind`` HANDED_OUT or PURGED."""
    out.append(kind)
    write_u32(out, queue)
    write_i64(out, offset)


def write_gone(out: BytesWriter, queue: int) -> None:
    """Append that the queue was deleted."""
    out.append(GONE)
    write_u32(out, queue)


def write_came_back(
    out: BytesWriter, queue: int, offset: int, deliveries: int, handovers: int
) -> None:
    """Append how often a message that came back had been out."""
    out.append(CAME_BACK)
    write_u32(out, queue)
    write_i64(out, offset)
    write_u32(out, deliveries)
    write_u32(out, handovers)
