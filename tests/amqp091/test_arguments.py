"""leveret.amqp091.arguments"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire
from tests.fakes import frames

from leveret.amqp091.arguments import Arguments, MethodFrame
from leveret.amqp091.replies import AmqpFault, FrameFault
from leveret.amqp091.spec import FRAME_ERROR, SYNTAX_ERROR
from leveret.tables import plain, table_of

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LETTERS: dict[str, st.SearchStrategy[Any]] = {
    "o": st.integers(0, 255),
    "h": st.integers(0, 0xFFFF),
    "l": st.integers(0, 0xFFFFFFFF),
    "L": st.integers(0, (1 << 64) - 1),
    "s": WORDS,
    "S": st.binary(max_size=300),
    "t": st.dictionaries(WORDS, WORDS | st.booleans(), max_size=3),
}
ARGUMENTS = st.lists(
    st.sampled_from(sorted(LETTERS)).flatmap(
        lambda letter: st.tuples(st.just(letter), LETTERS[letter])
    ),
    max_size=6,
)


def read(arguments: Arguments, letter: str) -> Any:
    readers = {
        "o": arguments.octet,
        "h": arguments.short,
        "l": arguments.long,
        "L": arguments.longlong,
        "s": arguments.shortstr,
        "S": arguments.longstr,
        "t": lambda: {name: plain(field) for name, field in arguments.table().items()},
    }
    return readers[letter]()


def write(frame: MethodFrame, letter: str, value: Any) -> MethodFrame:
    writers = {
        "o": frame.octet,
        "h": frame.short,
        "l": frame.long,
        "L": frame.longlong,
        "s": frame.shortstr,
        "S": frame.longstr,
        "t": lambda values: frame.table(table_of(values)),
    }
    return writers[letter](value)


def encoded(arguments: list[tuple[str, Any]]) -> bytes:
    fields = [(letter, str(n)) for n, (letter, _) in enumerate(arguments)]
    values = {str(n): value for n, (_, value) in enumerate(arguments)}
    return b"\x00\x32\x00\x0a" + wire.encode_fields(fields, values)


@given(ARGUMENTS)
def test_what_another_codec_wrote_is_read(arguments: list[tuple[str, Any]]) -> None:
    reader = Arguments(encoded(arguments))
    assert [(letter, read(reader, letter)) for letter, _ in arguments] == arguments
    reader.end()


@given(ARGUMENTS, st.integers(0, 0xFFFF))
def test_what_is_written_is_what_another_codec_writes(
    arguments: list[tuple[str, Any]], channel: int
) -> None:
    frame = MethodFrame(50 << 16 | 10)
    for letter, value in arguments:
        assert write(frame, letter, value) is frame
    assert frame.octets(channel) == wire.frame(wire.METHOD, channel, encoded(arguments))


@given(ARGUMENTS.filter(bool), st.data())
def test_a_payload_cut_short_is_a_fault(
    arguments: list[tuple[str, Any]], data: st.DataObject
) -> None:
    payload = encoded(arguments)
    reader = Arguments(payload[: data.draw(st.integers(4, len(payload) - 1))])
    with pytest.raises(AmqpFault) as fault:
        [read(reader, letter) for letter, _ in arguments]
    assert fault.value.code in (FRAME_ERROR, SYNTAX_ERROR)


def test_octets_left_over_are_a_fault() -> None:
    reader = Arguments(b"\0\0\0\0\x05more")
    reader.octet()
    with pytest.raises(AmqpFault, match="cannot decode"):
        reader.end()


def test_a_short_string_must_be_utf_8_unless_any_octets_will_do() -> None:
    with pytest.raises(FrameFault, match="Malformed UTF-8 in shortstr"):
        Arguments(b"\0\0\0\0\x01\xff").shortstr()
    assert Arguments(b"\0\0\0\0\x01\xff").shortstr_of_any_octets() == "\udcff"


def test_a_malformed_table_is_a_syntax_error() -> None:
    with pytest.raises(AmqpFault) as fault:
        Arguments(b"\0\0\0\0" + wire.long(b"\x01nZ")).table()
    assert fault.value.code == SYNTAX_ERROR


def test_arguments_encoded_already_are_taken_as_they_are() -> None:
    octets = MethodFrame(60 << 16 | 50).short(312).shortstr("NO_ROUTE").raw(b"\x01e\x01k").octets(3)
    ((channel, returned),) = frames(octets)
    assert (channel, returned.exchange, returned.routing_key) == (3, "e", "k")
