"""leveret.broker.records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from leveret.broker.deaths import DeadMessage, bury
from leveret.broker.message import BlindMessage, Message, Origin
from leveret.broker.properties import read_properties
from leveret.broker.records import (
    IS_TRANSIENT,
    REDELIVERED,
    EntryReader,
    write_counted_entry,
    write_entry,
    write_settled,
)
from leveret.octets import read_i64, read_u32

PERSISTENT = read_properties(b"\x10\x00\x02")
TRANSIENT = read_properties(b"\x00\x00")


def written(message: Message, redelivered: bool = False, due_ms: int = 0) -> bytes:
    out = BytesWriter()
    write_entry(out, message, REDELIVERED if redelivered else 0, due_ms)
    return out.getvalue()


@given(st.text(max_size=60), st.text(max_size=60), st.binary(max_size=300), st.booleans())
def test_what_is_written_is_read_back(exchange: str, key: str, body: bytes, mark: bool) -> None:
    message = Message(Origin(exchange, key), PERSISTENT, body)
    data = written(message, mark, 5 if mark else 0)
    reader = EntryReader(data, 0)
    entry = reader.read()
    assert reader.at == len(data)
    assert entry.message.origin.octets == message.origin.octets
    assert entry.message.properties.octets == PERSISTENT.octets
    assert entry.message.body == body
    assert entry.is_redelivered is mark
    assert entry.due_ms == (5 if mark else 0)
    assert not entry.is_transient


def test_counts_are_kept() -> None:
    out = BytesWriter()
    write_counted_entry(out, Message(Origin("", "q"), TRANSIENT, b"x"), 0, 3, 4)
    entry = EntryReader(out.getvalue(), 0).read()
    assert (entry.deliveries, entry.handovers) == (3, 4)
    assert entry.is_redelivered
    # Whether a start passes over it is not for its properties to say.
    assert not entry.is_transient


def test_what_a_start_passes_over_is_marked() -> None:
    out = BytesWriter()
    write_entry(out, Message(Origin("", "q"), TRANSIENT, b"x"), IS_TRANSIENT, 0)
    assert EntryReader(out.getvalue(), 0).read().is_transient


def test_neighbours_share_origin_and_properties() -> None:
    data = b"".join(written(Message(Origin("x", "k"), PERSISTENT, b"%d" % n)) for n in range(2))
    reader = EntryReader(data, 0)
    first, second = reader.read().message, reader.read().message
    assert first.origin is second.origin
    assert first.properties is second.properties
    assert (first.body, second.body) == (b"0", b"1")


def test_a_dead_message_keeps_its_history() -> None:
    message: Message = BlindMessage(Origin("x", "k"), PERSISTENT, b"body", ["hidden"])
    for queue in ("a", "b", "a"):
        message = bury(message, queue, "rejected", 1234, Origin("dlx", "dead"))
    read = EntryReader(written(message), 0).read().message
    assert isinstance(read, DeadMessage)
    assert isinstance(message, DeadMessage)
    assert read.blind_keys == ["hidden"]
    assert read.first.queue == "a"
    again = bury(read, "b", "rejected", 99, Origin("dlx", "dead"))
    expected = bury(message, "b", "rejected", 99, Origin("dlx", "dead"))
    assert again.properties.octets == expected.properties.octets


@given(st.sets(st.integers(0, 60)))
def test_settled_offsets_are_written_as_ranges(offsets: set[int]) -> None:
    out = BytesWriter()
    write_settled(out, 7, list(offsets))
    data = out.getvalue()
    assert (data[0], read_u32(data, 1)) == (2, 7)
    got: list[int] = []
    for index in range(read_u32(data, 5)):
        first = read_i64(data, 9 + 12 * index)
        got.extend(range(first, first + read_u32(data, 17 + 12 * index)))
    assert got == sorted(offsets)


@given(st.binary(max_size=80), st.integers(0, 80))
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes, cut: int) -> None:
    data = written(BlindMessage(Origin("x", "k"), PERSISTENT, b"body", ["hidden"]))
    for bad in (garbage, data[:cut] + garbage):
        reader = EntryReader(bad, 0)
        try:
            reader.read()
        except (ValueError, IndexError, KeyError, AssertionError):
            continue
        assert reader.at <= len(bad)


def test_an_entry_that_is_cut_off_is_refused() -> None:
    data = written(Message(Origin("x", "k"), PERSISTENT, b"body"))
    for cut in range(len(data)):
        with pytest.raises(IndexError):
            EntryReader(data[:cut], 0).read()
