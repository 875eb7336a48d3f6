"""leveret.octets"""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from leveret.octets import (
    read_i64,
    read_u16,
    read_u32,
    read_u64,
    write_decimal,
    write_i64,
    write_u16,
    write_u32,
    write_u64,
)


def edges(low: int, high: int) -> st.SearchStrategy[int]:
    middle = (low + high + 1) // 2
    return st.integers(low, high) | st.sampled_from([low, middle - 1, middle, high])


@given(edges(0, 0xFFFF))
def test_16_bits_are_written_and_read_without_a_sign(value: int) -> None:
    out = BytesWriter()
    write_u16(out, value)
    assert out.getvalue() == struct.pack(">H", value)
    assert read_u16(b"x" + out.getvalue() + b"y", 1) == value


@given(edges(0, 0xFFFFFFFF))
def test_32_bits_are_written_and_read_without_a_sign(value: int) -> None:
    out = BytesWriter()
    write_u32(out, value)
    assert out.getvalue() == struct.pack(">I", value)
    assert read_u32(b"x" + out.getvalue() + b"y", 1) == value


@given(edges(0, (1 << 64) - 1))
def test_64_bits_are_written_and_read_without_a_sign(value: int) -> None:
    out = BytesWriter()
    write_u64(out, value)
    assert out.getvalue() == struct.pack(">Q", value)
    assert read_u64(b"x" + out.getvalue() + b"y", 1) == value


@given(edges(-(1 << 63), (1 << 63) - 1))
def test_64_bits_are_written_and_read_with_a_sign(value: int) -> None:
    out = BytesWriter()
    write_i64(out, value)
    assert out.getvalue() == struct.pack(">q", value)
    assert read_i64(b"x" + out.getvalue() + b"y", 1) == value


@given(edges(0, (1 << 63) - 1) | st.integers(0, 18).map(lambda digits: 10**digits))
def test_decimal_digits_are_those_of_str(value: int) -> None:
    out = BytesWriter()
    write_decimal(out, value)
    assert out.getvalue() == str(value).encode()


@pytest.mark.parametrize(
    ("read", "size"), [(read_u16, 2), (read_u32, 4), (read_i64, 8), (read_u64, 8)]
)
def test_reading_past_the_end_is_an_index_error(
    read: Callable[[bytes, int], int], size: int
) -> None:
    with pytest.raises(IndexError):
        read(bytes(size), 1)
