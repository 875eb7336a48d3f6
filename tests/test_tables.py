"""leveret.tables"""

import datetime
import math
import struct
from typing import Any

import pamqp.decode
import pamqp.encode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire

from leveret.tables import (
    BOOL,
    DOUBLE,
    INT8,
    INT32,
    INT64,
    KIND_NAMES,
    LONGSTR,
    MAX_DEPTH,
    TIMESTAMP,
    UINT8,
    UINT16,
    VOID,
    Field,
    TableError,
    field_of,
    plain,
    read_table,
    skip_table,
    table_octets,
    table_of,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def number(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(
        -(1 << (bits - 1)) if signed else 0, (1 << (bits - 1 if signed else bits)) - 1
    )


SCALARS: st.SearchStrategy[wire.Typed] = st.one_of(
    st.builds(wire.Typed, st.just("S"), TEXT),
    st.builds(wire.Typed, st.just("x"), st.binary(max_size=20)),
    st.builds(wire.Typed, st.just("t"), st.booleans()),
    st.builds(wire.Typed, st.just("b"), number(8, signed=True)),
    st.builds(wire.Typed, st.just("B"), number(8, signed=False)),
    st.builds(wire.Typed, st.just("s"), number(16, signed=True)),
    st.builds(wire.Typed, st.just("u"), number(16, signed=False)),
    st.builds(wire.Typed, st.just("I"), number(32, signed=True)),
    st.builds(wire.Typed, st.just("i"), number(32, signed=False)),
    st.builds(wire.Typed, st.sampled_from("lL"), number(64, signed=True)),
    st.builds(wire.Typed, st.just("T"), number(64, signed=False)),
    st.builds(wire.Typed, st.just("d"), st.floats(allow_nan=False)),
    st.builds(wire.Typed, st.just("f"), st.floats(width=32, allow_nan=False)),
    st.builds(wire.Typed, st.just("D"), st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1))),
    st.just(wire.Typed("V")),
)
VALUES: st.SearchStrategy[wire.Typed] = st.recursive(
    SCALARS,
    lambda inner: (
        st.builds(wire.Typed, st.just("A"), st.lists(inner, max_size=4))
        | st.builds(wire.Typed, st.just("F"), st.dictionaries(NAMES, inner, max_size=4))
    ),
    max_leaves=12,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=5)


def typed(field: Field) -> wire.Typed:
    """A field in the words of the tests' own codec."""
    value: Any = field.value
    if isinstance(value, dict):
        value = {name: typed(inner) for name, inner in value.items()}
    elif isinstance(value, list):
        value = [typed(inner) for inner in value]
    return wire.Typed(chr(field.kind), value)


@given(TABLES, st.binary(max_size=3), st.binary(max_size=3))
def test_what_another_codec_wrote_is_read(
    table: dict[str, wire.Typed], before: bytes, after: bytes
) -> None:
    octets = wire.encode_table(table)
    got, end = read_table(before + octets + after, len(before))
    assert {name: typed(field) for name, field in got.items()} == table
    assert end == len(before) + len(octets)


@given(TABLES)
def test_what_is_read_is_written_back_octet_by_octet(table: dict[str, wire.Typed]) -> None:
    octets = wire.encode_table(table)
    assert table_octets(read_table(octets, 0)[0]) == octets


@given(TABLES, st.data())
def test_a_table_cut_short_is_refused(table: dict[str, wire.Typed], data: st.DataObject) -> None:
    octets = wire.encode_table(table)
    cut = octets[: data.draw(st.integers(0, len(octets) - 1))]
    with pytest.raises(TableError):
        read_table(cut, 0)
    with pytest.raises(TableError):
        skip_table(cut, 0)


def outcome(read: Any, octets: bytes) -> int:
    """Where the table ends, or -1 when it is refused."""
    try:
        end = read(octets, 0)
    except TableError:
        return -1
    return int(end if isinstance(end, int) else end[1])


@given(st.binary(max_size=60))
def test_skipping_agrees_with_reading_on_any_octets(octets: bytes) -> None:
    assert outcome(skip_table, octets) == outcome(read_table, octets)


@given(TABLES, st.integers(0, 10_000), st.integers(0, 255))
def test_skipping_agrees_with_reading_on_damaged_tables(
    table: dict[str, wire.Typed], where: int, octet: int
) -> None:
    octets = bytearray(wire.encode_table(table))
    octets[where % len(octets)] = octet
    assert outcome(skip_table, bytes(octets)) == outcome(read_table, bytes(octets))


def nested(depth: int, kind: bytes) -> bytes:
    octets = b""
    for _ in range(depth - 1):
        name = b"" if kind == b"A" else b"\x01n"
        octets = name + kind + struct.pack(">I", len(octets)) + octets
    # The outermost is a table whatever the kind: an array in it needs a name.
    octets = b"\x01n" + octets if kind == b"A" and octets else octets
    return struct.pack(">I", len(octets)) + octets


@pytest.mark.parametrize("kind", [b"F", b"A"])
def test_nesting_is_read_down_to_the_limit(kind: bytes) -> None:
    octets = nested(MAX_DEPTH, kind)
    table, end = read_table(octets, 0)
    assert end == skip_table(octets, 0) == len(octets)
    assert table_octets(table) == octets


@pytest.mark.parametrize("kind", [b"F", b"A"])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 10_000])
def test_nesting_beyond_the_limit_is_refused(kind: bytes, depth: int) -> None:
    octets = nested(depth, kind)
    with pytest.raises(TableError):
        read_table(octets, 0)
    with pytest.raises(TableError):
        skip_table(octets, 0)


def test_octets_that_are_no_utf_8_survive() -> None:
    octets = wire.encode_table({"name\udcff": "text\udcfe"})
    table, _ = read_table(octets, 0)
    assert table_octets(table) == octets


@pytest.mark.parametrize("octet", [0, 1, ord("z"), 255])
def test_an_unknown_kind_is_refused(octet: int) -> None:
    octets = b"\x00\x00\x00\x03\x01n" + bytes([octet])
    with pytest.raises(TableError, match=f"octet {octet}"):
        read_table(octets, 0)


def test_a_field_that_reaches_out_of_its_table_is_refused() -> None:
    octets = b"\x00\x00\x00\x04\x01nI\x00\x00\x00\x00\x00"
    with pytest.raises(TableError):
        read_table(octets, 0)


def test_a_name_of_more_than_255_octets_cannot_be_written() -> None:
    with pytest.raises(TableError):
        table_octets({"é" * 128: Field(VOID, None)})


ODDS = {
    "none": None,
    "yes": True,
    "small": 5,
    "large": 1 << 40,
    "half": 0.5,
    "text": "é",
    "octets": b"\0",
    "list": [1, "a", [None]],
    "inner": {"deep": {"er": False}},
}


def test_python_values_become_fields_and_come_back() -> None:
    table = table_of(dict(ODDS))
    assert {name: plain(field) for name, field in table.items()} == ODDS
    kinds = {name: chr(field.kind) for name, field in table.items()}
    assert kinds == {
        "none": "V",
        "yes": "t",
        "small": "I",
        "large": "l",
        "half": "d",
        "text": "S",
        "octets": "x",
        "list": "A",
        "inner": "F",
    }


@pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1, object(), {1}])
def test_what_has_no_place_in_a_table_is_refused(value: object) -> None:
    with pytest.raises(TableError):
        field_of(value)


def test_pamqp_reads_what_is_written() -> None:
    values: dict[str, object] = {
        "t": True,
        "I": -5,
        "l": 1 << 40,
        "d": 0.25,
        "S": "text",
        "V": None,
        "A": [1, "b"],
        "F": {"x": 1},
    }
    octets = table_octets(table_of(values))
    assert pamqp.decode.field_table(octets) == (len(octets), values)


def test_what_pamqp_writes_is_read() -> None:
    moment = datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)
    octets = pamqp.encode.field_table(
        {"t": False, "n": 7, "S": "text", "T": moment, "A": ["a"], "F": {"f": 1.5}}
    )
    table, end = read_table(octets, 0)
    assert end == len(octets)
    assert {name: plain(field) for name, field in table.items()} == {
        "t": False,
        "n": 7,
        "S": "text",
        "T": int(moment.timestamp()),
        "A": ["a"],
        "F": {"f": 1.5},
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Field(INT8, 5), Field(INT64, 5), True),
        (Field(UINT8, 5), Field(UINT16, 6), False),
        (Field(TIMESTAMP, 5), Field(INT32, 5), True),
        (Field(INT32, 1), Field(DOUBLE, 1.0), False),
        (Field(INT32, 1), Field(BOOL, True), False),
        (Field(LONGSTR, "1"), Field(INT32, 1), False),
        (Field(LONGSTR, "a"), Field(LONGSTR, "a"), True),
        (Field(VOID, None), Field(VOID, None), True),
        (field_of([1, {"a": 2}]), field_of([1, {"a": 2}]), True),
        (field_of([1, {"a": 2}]), field_of([1, {"a": 3}]), False),
    ],
)
def test_fields_are_the_same_when_they_mean_the_same(one: Field, other: Field, same: bool) -> None:
    assert one.same_as(other) is same
    assert other.same_as(one) is same


def test_every_kind_has_a_name_and_shows_itself() -> None:
    assert {Field(kind, None).kind_name for kind in KIND_NAMES} == set(KIND_NAMES.values())
    assert repr(Field(LONGSTR, "a")) == "Field(S, 'a')"


def test_a_nan_is_read_and_written() -> None:
    octets = wire.encode_table({"d": math.nan, "f": wire.Typed("f", math.nan)})
    assert table_octets(read_table(octets, 0)[0]) == octets
