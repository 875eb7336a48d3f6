"""Big-endian integers over librt: the unsigned readers and writers that librt does not have.

The only module that narrows integers.  Knows no protocol.
"""

from typing import Final

from librt.strings import (
    BytesWriter,
    read_i16_be,
    read_i32_be,
    read_i64_be,
    write_i16_be,
    write_i32_be,
    write_i64_be,
)
from mypy_extensions import i16, i32, i64

_WRAP_16: Final = 1 << 16
_SIGN_16: Final = 1 << 15
_WRAP_32: Final = 1 << 32
_SIGN_32: Final = 1 << 31
_WRAP_64: Final = 1 << 64
_SIGN_64: Final = 1 << 63
_ZERO: Final = 48
_LONG: Final = 10**18  # from here on a number turned round may not fit into 64 bits


def read_u16(data: bytes, at: i64) -> i64:
    """The two octets at ``at`` as 0..65535.  Raises IndexError past the end."""
    return i64(read_i16_be(data, at)) & 0xFFFF


def read_u32(data: bytes, at: i64) -> i64:
    """The four octets at ``at`` as 0..2**32-1.  Raises IndexError past the end."""
    return i64(read_i32_be(data, at)) & 0xFFFFFFFF


def read_i64(data: bytes, at: i64) -> i64:
    """The eight octets at ``at``, signed.  Raises IndexError past the end."""
    return read_i64_be(data, at)


def read_u64(data: bytes, at: i64) -> int:
    """The eight octets at ``at`` as 0..2**64-1.  Raises IndexError past the end."""
    value = int(read_i64_be(data, at))
    return value + _WRAP_64 if value < 0 else value


def write_u16(out: BytesWriter, value: i64) -> None:
    """Append ``value``, 0..65535, as two octets."""
    # Compiled, i16() of an i64 truncates; interpreted, it is a plain int and the write raises.
    write_i16_be(out, i16(value - _WRAP_16 if value >= _SIGN_16 else value))


def write_u32(out: BytesWriter, value: i64) -> None:
    """Append ``value``, 0..2**32-1, as four octets."""
    write_i32_be(out, i32(value - _WRAP_32 if value >= _SIGN_32 else value))


def write_i64(out: BytesWriter, value: i64) -> None:
    """Append ``value``, a signed 64-bit integer, as eight octets."""
    write_i64_be(out, value)


def write_u64(out: BytesWriter, value: int) -> None:
    """Append ``value``, 0..2**64-1, as eight octets."""
    write_i64_be(out, value - _WRAP_64 if value >= _SIGN_64 else value)


def write_decimal(out: BytesWriter, value: i64) -> None:
    """Append ``value``, 0 or more, in decimal digits."""
    if value >= _LONG:
        out.write(str(value).encode())
        return
    # By constants, division is a multiplication: so turn the digits round, and take them off again.
    turned: i64 = 0
    count: i64 = 1
    while value >= 10:
        turned = turned * 10 + value % 10
        value //= 10
        count += 1
    turned = turned * 10 + value
    while count > 0:
        out.append(int(_ZERO + turned % 10))  # an int, as the compiler calls slowly for an i64
        turned //= 10
        count -= 1
