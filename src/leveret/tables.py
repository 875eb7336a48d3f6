"""AMQP field tables: the typed arguments and headers that travel with methods and messages.

::

    table   long size, then fields: short string name, octet kind, value
    array   long size, then values: octet kind, value

A value keeps its wire type, because RabbitMQ names it in refusals and because what came in as a
64-bit integer must go out as one.  Knows no method, no queue.
Source: AMQP 0-9-1 specification, section 4.2.5, with RabbitMQ's list of kinds (its errata, 3).
"""

from typing import Final, TypeAlias, final

from librt.strings import BytesWriter, read_f32_be, read_f64_be, write_f32_be, write_f64_be
from mypy_extensions import i64

from leveret.octets import (
    read_i64,
    read_u16,
    read_u32,
    read_u64,
    write_i64,
    write_u16,
    write_u32,
    write_u64,
)

MAX_DEPTH: Final = 32

LONGSTR: Final = 0x53  # S
INT32: Final = 0x49  # I
UINT32: Final = 0x69  # i
DECIMAL: Final = 0x44  # D
TIMESTAMP: Final = 0x54  # T
TABLE: Final = 0x46  # F
ARRAY: Final = 0x41  # A
INT8: Final = 0x62  # b
UINT8: Final = 0x42  # B
DOUBLE: Final = 0x64  # d
FLOAT: Final = 0x66  # f
INT64: Final = 0x6C  # l
LONGLONG: Final = 0x4C  # L, read as signed like l
INT16: Final = 0x73  # s
UINT16: Final = 0x75  # u
BOOL: Final = 0x74  # t
BINARY: Final = 0x78  # x
VOID: Final = 0x56  # V

# The names that RabbitMQ's refusals use.
KIND_NAMES: Final[dict[int, str]] = {
    LONGSTR: "longstr",
    INT32: "signedint",
    UINT32: "unsignedint",
    DECIMAL: "decimal",
    TIMESTAMP: "timestamp",
    TABLE: "table",
    ARRAY: "array",
    INT8: "byte",
    UINT8: "unsignedbyte",
    DOUBLE: "double",
    FLOAT: "float",
    INT64: "long",
    LONGLONG: "long",
    INT16: "short",
    UINT16: "unsignedshort",
    BOOL: "bool",
    BINARY: "binary",
    VOID: "void",
}
INTEGERS: Final = frozenset({INT8, UINT8, INT16, UINT16, INT32, UINT32, INT64, LONGLONG, TIMESTAMP})
_REALS: Final = frozenset({FLOAT, DOUBLE})
_TEXTS: Final = frozenset({LONGSTR, BINARY})


class TableError(ValueError):
    """The octets are not a field table, or it is nested deeper than MAX_DEPTH."""


@final
class Field:
    """One value with its wire type.  Immutable.

    ``value`` is a str (longstr), int (integers, timestamp in seconds), float, bool, bytes
    (binary), (scale, unscaled) of a decimal, a Table, a list of Field (array), or None (void).
    """

    def __init__(self, kind: int, value: object) -> None:
        self.kind: Final = kind
        self.value: Final = value

    @property
    def kind_name(self) -> str:
        """RabbitMQ's name of the wire type, for refusals."""
        return KIND_NAMES[self.kind]

    def same_as(self, other: "Field") -> bool:
        """Whether both mean the same, for redeclaring and for matching headers.

        Integers and reals by value whatever their width, though 1 is not 1.0; text and binary by
        their octets; what is nested in tables and arrays by its wire form.
        Behaviour: RabbitMQ 3.10, compared.
        """
        for alike in (INTEGERS, _REALS):
            if self.kind in alike and other.kind in alike:
                return self.value == other.value
        if self.kind in _TEXTS and other.kind in _TEXTS:
            return _octets_of(self.value) == _octets_of(other.value)
        if self.kind != other.kind:
            return False
        return table_octets({"": self}) == table_octets({"": other})

    def __repr__(self) -> str:
        return f"Field({chr(self.kind)}, {self.value!r})"


Table: TypeAlias = dict[str, Field]


def _octets_of(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    assert isinstance(value, str)
    return value.encode("utf-8", "surrogateescape")


def plain(field: Field) -> object:
    """The value without wire types: tables as dicts, arrays as lists."""
    value = field.value
    if field.kind == TABLE:
        assert isinstance(value, dict)
        return {name: plain(inner) for name, inner in value.items()}
    if field.kind == ARRAY:
        assert isinstance(value, list)
        return [plain(inner) for inner in value]
    return value


def field_of(value: object) -> Field:
    """The field that a Python value most naturally is.  Raises TableError when there is none."""
    if value is None:
        return Field(VOID, None)
    if isinstance(value, bool):
        return Field(BOOL, value)
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise TableError(f"integer {value} does not fit 64 bits")
        return Field(INT32 if -(1 << 31) <= value < 1 << 31 else INT64, value)
    if isinstance(value, float):
        return Field(DOUBLE, value)
    if isinstance(value, str):
        return Field(LONGSTR, value)
    if isinstance(value, bytes):
        return Field(BINARY, value)
    if isinstance(value, dict):
        return Field(TABLE, table_of(value))
    if isinstance(value, list | tuple):
        return Field(ARRAY, [field_of(inner) for inner in value])
    raise TableError(f"a {type(value).__name__} has no place in a field table")


def table_of(values: dict[str, object]) -> Table:
    """``values`` as a table, each value with its most natural wire type."""
    return {str(name): field_of(value) for name, value in values.items()}


# --- reading ---------------------------------------------------------------------------------


def read_table(data: bytes, at: i64) -> tuple[Table, i64]:
    """The table at ``at`` and the position after it.  Raises TableError."""
    try:
        return _read_table(data, at, 1)
    except IndexError:
        raise TableError("the table ends before its last field") from None


def _span(data: bytes, at: i64) -> i64:
    """The end of the sized block at ``at``, which must lie inside ``data``."""
    end = at + 4 + read_u32(data, at)
    if end > len(data):
        raise TableError("a size inside the table points past its end")
    return end


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _read_table(data: bytes, at: i64, depth: i64) -> tuple[Table, i64]:
    if depth > MAX_DEPTH:
        raise TableError(f"tables nested deeper than {MAX_DEPTH}")
    end = _span(data, at)
    at += 4
    table: Table = {}
    while at < end:
        name_end = at + 1 + i64(data[at])
        name = _text(data[at + 1 : name_end])
        field, at = _read_field(data, name_end, depth)
        table[name] = field
    if at != end:
        raise TableError("a field is longer than its table")
    return table, end


def _read_array(data: bytes, at: i64, depth: i64) -> tuple[list[Field], i64]:
    if depth > MAX_DEPTH:
        raise TableError(f"arrays nested deeper than {MAX_DEPTH}")
    end = _span(data, at)
    at += 4
    fields: list[Field] = []
    while at < end:
        field, at = _read_field(data, at, depth)
        fields.append(field)
    if at != end:
        raise TableError("a value is longer than its array")
    return fields, end


def _read_field(data: bytes, at: i64, depth: i64) -> tuple[Field, i64]:
    kind = int(data[at])
    at += 1
    if kind == LONGSTR:
        end = _span(data, at)
        return Field(kind, _text(data[at + 4 : end])), end
    if kind == TABLE:
        table, end = _read_table(data, at, depth + 1)
        return Field(kind, table), end
    if kind == ARRAY:
        fields, end = _read_array(data, at, depth + 1)
        return Field(kind, fields), end
    if kind == BINARY:
        end = _span(data, at)
        return Field(kind, data[at + 4 : end]), end
    return _read_scalar(data, at, kind)


def _read_scalar(data: bytes, at: i64, kind: int) -> tuple[Field, i64]:
    if kind == INT32:
        value = int(read_u32(data, at))
        return Field(kind, value - (1 << 32) if value >= 1 << 31 else value), at + 4
    if kind == BOOL:
        return Field(kind, data[at] != 0), at + 1
    if kind == INT64 or kind == LONGLONG:
        return Field(kind, int(read_i64(data, at))), at + 8
    if kind == VOID:
        return Field(kind, None), at
    if kind == TIMESTAMP:
        return Field(kind, read_u64(data, at)), at + 8
    if kind == DOUBLE:
        return Field(kind, read_f64_be(data, at)), at + 8
    if kind == FLOAT:
        return Field(kind, read_f32_be(data, at)), at + 4
    if kind == UINT32:
        return Field(kind, int(read_u32(data, at))), at + 4
    return _read_small(data, at, kind)


def _read_small(data: bytes, at: i64, kind: int) -> tuple[Field, i64]:
    if kind == INT8:
        value = int(data[at])
        return Field(kind, value - 256 if value > 127 else value), at + 1
    if kind == UINT8:
        return Field(kind, int(data[at])), at + 1
    if kind == INT16:
        value = int(read_u16(data, at))
        return Field(kind, value - 65536 if value > 32767 else value), at + 2
    if kind == UINT16:
        return Field(kind, int(read_u16(data, at))), at + 2
    if kind == DECIMAL:
        return Field(kind, (int(data[at]), int(read_u32(data, at + 1)))), at + 5
    raise TableError(f"no field has the type octet {kind}")


# --- checking --------------------------------------------------------------------------------


def skip_table(data: bytes, at: i64) -> i64:
    """The position after the table at ``at``, checked but not decoded.  Raises TableError."""
    try:
        return _skip_fields(data, at, 1, True)
    except IndexError:
        raise TableError("the table ends before its last field") from None


def _skip_fields(data: bytes, at: i64, depth: i64, is_table: bool) -> i64:
    """Past a table, or past an array, whose values have no names."""
    if depth > MAX_DEPTH:
        raise TableError(f"tables nested deeper than {MAX_DEPTH}")
    end = _span(data, at)
    at += 4
    while at < end:
        if is_table:
            at += 1 + i64(data[at])
        kind = int(data[at])
        at += 1
        if kind == LONGSTR or kind == BINARY:
            at = _span(data, at)
        elif kind == TABLE or kind == ARRAY:
            at = _skip_fields(data, at, depth + 1, kind == TABLE)
        else:
            at += _scalar_size(kind)
    if at != end:
        raise TableError("a field is longer than its table")
    return end


def _scalar_size(kind: int) -> i64:
    if kind in (INT32, UINT32, FLOAT):
        return 4
    if kind in (INT64, LONGLONG, TIMESTAMP, DOUBLE):
        return 8
    if kind in (BOOL, INT8, UINT8):
        return 1
    if kind in (INT16, UINT16):
        return 2
    if kind == VOID:
        return 0
    if kind == DECIMAL:
        return 5
    raise TableError(f"no field has the type octet {kind}")


# --- writing ---------------------------------------------------------------------------------


def table_octets(table: Table) -> bytes:
    """``table`` as it travels, its size in front.  Raises TableError for what cannot."""
    out = BytesWriter()
    for name, field in table.items():
        octets = name.encode("utf-8", "surrogateescape")
        if len(octets) > 255:
            raise TableError("a field name has at most 255 octets")
        out.append(len(octets))
        out.write(octets)
        _write_field(out, field)
    return _sized(out.getvalue())


def _sized(octets: bytes) -> bytes:
    out = BytesWriter()
    write_u32(out, len(octets))
    out.write(octets)
    return out.getvalue()


def _write_field(out: BytesWriter, field: Field) -> None:
    kind = field.kind
    value = field.value
    out.append(kind)
    if kind == LONGSTR:
        assert isinstance(value, str)
        out.write(_sized(value.encode("utf-8", "surrogateescape")))
    elif kind == TABLE:
        assert isinstance(value, dict)
        out.write(table_octets(value))
    elif kind == ARRAY:
        assert isinstance(value, list)
        inner = BytesWriter()
        for each in value:
            assert isinstance(each, Field)
            _write_field(inner, each)
        out.write(_sized(inner.getvalue()))
    elif kind == BINARY:
        assert isinstance(value, bytes)
        out.write(_sized(value))
    elif kind == DECIMAL:
        assert isinstance(value, tuple)
        out.append(value[0])
        write_u32(out, value[1])
    elif isinstance(value, bool):
        out.append(1 if value else 0)
    elif isinstance(value, int):
        _write_integer(out, kind, value)
    elif isinstance(value, float):
        _write_real(out, kind, value)
    else:
        assert kind == VOID


def _write_integer(out: BytesWriter, kind: int, value: int) -> None:
    if kind == INT32 or kind == UINT32:
        write_u32(out, value & 0xFFFFFFFF)
    elif kind == INT64 or kind == LONGLONG:
        write_i64(out, value)
    elif kind == TIMESTAMP:
        write_u64(out, value)
    elif kind == INT16 or kind == UINT16:
        write_u16(out, value & 0xFFFF)
    else:
        out.append(value & 0xFF)


def _write_real(out: BytesWriter, kind: int, value: float) -> None:
    if kind == DOUBLE:
        write_f64_be(out, value)
    else:
        write_f32_be(out, value)
