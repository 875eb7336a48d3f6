"""The fields that MQTT's packets are made of: integers, strings and binary data, in and out.

Source: MQTT 5.0, section 1.5.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.mqtt.codes import MALFORMED_PACKET, MqttFault
from leveret.octets import read_u16, read_u32, write_u16

TEXT_MAX: Final = 65535


def utf8(octets: bytes) -> str:
    """``octets`` as text.  Raises MqttFault if they are not UTF-8, or hold U+0000.

    No surrogates either.  Source: MQTT 5.0, section 1.5.4.
    """
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise MqttFault(MALFORMED_PACKET, "a string is not UTF-8") from None
    if "\0" in text:
        raise MqttFault(MALFORMED_PACKET, "a string holds U+0000")
    return text


@final
class Fields:
    """Reads one field after the other out of ``data[at:end]``.  Raises MqttFault past the end."""

    def __init__(self, data: bytes, at: i64, end: i64) -> None:
        assert at <= end
        assert end <= len(data)
        self.data: Final = data
        self.at: i64 = at
        self.end: i64 = end

    @property
    def has_more(self) -> bool:
        """Whether there are octets left."""
        return self.at < self.end

    def octet(self) -> int:
        """One octet."""
        return int(self.data[self._take(1)])

    def two(self) -> int:
        """A two byte integer."""
        return int(read_u16(self.data, self._take(2)))

    def four(self) -> int:
        """A four byte integer."""
        return int(read_u32(self.data, self._take(4)))

    def variable(self) -> int:
        """A variable byte integer, which must be as short as can be."""
        value = 0
        shift = 0
        while True:
            octet = self.octet()
            value |= (octet & 127) << shift
            if octet < 128:
                break
            shift += 7
            if shift > 21:
                raise MqttFault(MALFORMED_PACKET, "a variable byte integer has 5 octets")
        if octet == 0 and shift > 0:
            raise MqttFault(MALFORMED_PACKET, "a variable byte integer has octets to spare")
        return value

    def binary(self) -> bytes:
        """Binary data, or the octets of a string."""
        size: i64 = self.two()
        at = self._take(size)
        return self.data[at : at + size]

    def text(self) -> str:
        """A UTF-8 string."""
        return utf8(self.binary())

    def rest(self) -> bytes:
        """All that is left."""
        at = self.at
        self.at = self.end
        return self.data[at : self.end]

    def sized(self) -> bytes:
        """As many octets as a variable byte integer before them says: the properties."""
        size: i64 = self.variable()
        at = self._take(size)
        return self.data[at : at + size]

    def finish(self, packet: str) -> None:
        """Raises MqttFault unless all was read."""
        if self.at != self.end:
            raise MqttFault(MALFORMED_PACKET, f"{packet} has octets to spare")

    def _take(self, size: i64) -> i64:
        """Where the next ``size`` octets begin; they are read now."""
        at = self.at
        if self.end - at < size:
            raise MqttFault(MALFORMED_PACKET, "a packet ends before its last field")
        self.at = at + size
        return at


def write_variable(out: BytesWriter, value: i64) -> None:
    """Append ``value``, 0 to 268435455, as a variable byte integer."""
    while value >= 128:
        out.append(int(value & 127 | 128))
        value >>= 7
    out.append(int(value))


def variable_size(value: i64) -> i64:
    """How many octets ``value`` takes as a variable byte integer."""
    if value < 128:
        return 1
    if value < 16384:
        return 2
    return 3 if value < 2_097_152 else 4


def write_binary(out: BytesWriter, octets: bytes) -> None:
    """Append binary data, or the octets of a string: their size and they themselves."""
    assert len(octets) <= TEXT_MAX
    write_u16(out, len(octets))
    out.write(octets)
