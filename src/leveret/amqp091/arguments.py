"""A method's arguments, read from and written to octets.  No I/O.

Source: AMQP 0-9-1 specification, section 4.2.5.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.amqp091.replies import AmqpFault, FrameFault
from leveret.amqp091.spec import FRAME_END, FRAME_ERROR, FRAME_METHOD, SYNTAX_ERROR
from leveret.octets import read_u16, read_u32, read_u64, write_u16, write_u32, write_u64
from leveret.tables import Table, TableError, read_table, table_octets
from leveret.terms import binary


@final
class Arguments:
    """Reads one argument after the other from a method frame's payload.

    Every reader raises AmqpFault when the payload is too short.  ``end`` must follow the last.
    """

    def __init__(self, payload: bytes) -> None:
        self._payload: Final = payload
        self._at: i64 = 4

    def octet(self) -> int:
        """One octet; also the one that packs up to eight bits, the first in the lowest."""
        value = self._payload[self._take(1)]
        return int(value)

    def short(self) -> int:
        """0..65535."""
        return int(read_u16(self._payload, self._take(2)))

    def long(self) -> int:
        """0..2**32-1."""
        return int(read_u32(self._payload, self._take(4)))

    def longlong(self) -> int:
        """0..2**64-1."""
        return read_u64(self._payload, self._take(8))

    def shortstr(self) -> str:
        """At most 255 octets of UTF-8."""
        try:
            return self._short_octets().decode()
        except UnicodeDecodeError:
            raise FrameFault("Malformed UTF-8 in shortstr") from None

    def shortstr_of_any_octets(self) -> str:
        """At most 255 octets; those that are no UTF-8 become surrogates.

        Behaviour: RabbitMQ 3.10: exchange and routing key of basic.publish are not checked.
        """
        return self._short_octets().decode("utf-8", "surrogateescape")

    def _short_octets(self) -> bytes:
        size = self._payload[self._take(1)]
        start = self._take(i64(size))
        return self._payload[start : self._at]

    def longstr(self) -> bytes:
        """Octets of any kind."""
        size = read_u32(self._payload, self._take(4))
        start = self._take(size)
        return self._payload[start : self._at]

    def table(self) -> Table:
        """A field table.  Raises AmqpFault when it is malformed or nested too deep."""
        try:
            table, self._at = read_table(self._payload, self._at)
        except TableError as error:
            raise AmqpFault(SYNTAX_ERROR, str(error)) from None
        return table

    def _take(self, count: i64) -> i64:
        at = self._at
        if at + count > len(self._payload):
            raise self._undecodable()
        self._at = at + count
        return at

    def end(self) -> None:
        """There must be no more.  Raises AmqpFault."""
        if self._at != len(self._payload):
            raise self._undecodable()

    def _undecodable(self) -> AmqpFault:
        return AmqpFault(FRAME_ERROR, f"cannot decode {binary(self._payload[4:])}")


@final
class MethodFrame:
    """Builds one method frame, argument by argument; every writer returns the frame itself."""

    def __init__(self, method: int) -> None:
        self._payload: Final = BytesWriter()
        write_u32(self._payload, method)

    def octet(self, value: int) -> "MethodFrame":
        """One octet, 0..255."""
        self._payload.append(value)
        return self

    def short(self, value: int) -> "MethodFrame":
        """0..65535."""
        write_u16(self._payload, value)
        return self

    def long(self, value: int) -> "MethodFrame":
        """0..2**32-1."""
        write_u32(self._payload, value)
        return self

    def longlong(self, value: int) -> "MethodFrame":
        """0..2**64-1."""
        write_u64(self._payload, value)
        return self

    def shortstr(self, value: str) -> "MethodFrame":
        """At most 255 octets of UTF-8."""
        octets = value.encode()
        self._payload.append(len(octets))
        self._payload.write(octets)
        return self

    def longstr(self, value: bytes) -> "MethodFrame":
        """Octets of any kind."""
        write_u32(self._payload, len(value))
        self._payload.write(value)
        return self

    def table(self, value: Table) -> "MethodFrame":
        """A field table."""
        self._payload.write(table_octets(value))
        return self

    def raw(self, octets: bytes) -> "MethodFrame":
        """Arguments that are encoded already."""
        self._payload.write(octets)
        return self

    def octets(self, channel: int) -> bytes:
        """The whole frame for ``channel``."""
        out = BytesWriter()
        out.append(FRAME_METHOD)
        write_u16(out, channel)
        write_u32(out, len(self._payload))
        out.write(self._payload.getvalue())
        out.append(FRAME_END)
        return out.getvalue()
