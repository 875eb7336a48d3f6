"""MQTT packets: octets to packets, cut anywhere.  No I/O, no state beyond one partial packet.

::

    octet              1 to 4 octets      remaining length octets
    +------+-------+   +--------------+   +-----------------------------+
    | type | flags |   |  remaining   |   | variable header and payload |
    +------+-------+   |    length    |   +-----------------------------+
                       +--------------+

What is in a packet, ``packets`` knows.
Source: MQTT 5.0, sections 2.1 and 1.5.5; the same in all versions.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.mqtt.codes import MALFORMED_PACKET, PACKET_NAMES, PACKET_TOO_LARGE, MqttFault

# The most that four octets of seven bits can say.
REMAINING_MAX: Final = 268_435_455
# No packet has a longer fixed header than that.
_HEAD_MAX: Final = 5


@final
class PacketReader:
    """Fed with chunks, cut anywhere; gives one packet after the other, and may stop in between.

    After ``advance`` has said yes, the packet is of ``kind``, with ``flags`` (the low four bits of
    its first octet), and what follows its length is ``data[start:end]``.

    ``size_max`` bounds a whole packet, its first octets included, and may change at any time.  The
    pieces of a packet that comes slowly are joined once.  Invariant: while ``_pieces`` holds some,
    ``data`` has nothing unread.
    """

    def __init__(self, size_max: int) -> None:
        self.size_max: i64 = size_max
        self.data = b""
        self.kind: i64 = 0
        self.flags: i64 = 0
        self.start: i64 = 0
        self.end: i64 = 0
        self._at: i64 = 0
        self._pieces: list[bytes] = []
        self._pieces_size: i64 = 0
        self._needed: i64 = 0

    @property
    def buffered(self) -> int:
        """The octets that wait here, read or not."""
        return len(self.data) + int(self._pieces_size)

    @property
    def size(self) -> int:
        """The size of the present packet without its first octets."""
        return int(self.end - self.start)

    def feed(self, chunk: bytes) -> None:
        """Take in more octets."""
        if self._pieces:
            self._pieces.append(chunk)
            self._pieces_size += len(chunk)
            if self._pieces_size < self._needed:
                return
            chunk = b"".join(self._pieces)
            self._pieces = []
            self._pieces_size = 0
        elif self._at < len(self.data):
            # Somebody stopped in the middle of the last chunk.
            chunk = self.data[self._at :] + chunk
        self.data = chunk
        self._at = 0

    def stand_at(self, kind: i64, flags: i64, payload: bytes) -> None:
        """Be at a packet that was read before."""
        self.kind = kind
        self.flags = flags
        self.data = payload
        self.start = 0
        self.end = len(payload)

    def clear(self) -> None:
        """Forget everything: nothing more will be read."""
        self.data = b""
        self._at = 0
        self._pieces = []
        self._pieces_size = 0

    def advance(self) -> bool:
        """Go to the next packet; False when there is no whole one.  Raises MqttFault."""
        data = self.data
        at = self._at
        rest: i64 = len(data) - at
        if rest < 2:
            self._keep(at, 2)
            return False
        size: i64 = i64(data[at + 1])
        start = at + 2
        if size >= 128:
            size &= 127
            shift: i64 = 7
            while True:
                if start >= len(data):
                    self._keep(at, start - at + 1)
                    return False
                octet: i64 = i64(data[start])
                start += 1
                size |= (octet & 127) << shift
                if octet < 128:
                    break
                shift += 7
                if shift > 21:
                    raise MqttFault(MALFORMED_PACKET, "the length of a packet has 5 octets")
        end = start + size
        if end - at > self.size_max:
            self._refuse_size(i64(data[at]) >> 4, int(end - at))
        if end > len(data):
            self._keep(at, end - at)
            return False
        first: i64 = i64(data[at])
        self.kind = first >> 4
        self.flags = first & 15
        self.start = start
        self.end = end
        self._at = end
        return True

    def _keep(self, at: i64, needed: i64) -> None:
        """Remember the packet that is cut off at the end of the data."""
        rest: i64 = len(self.data) - at
        if rest > 0:
            self._pieces = [self.data[at:] if at > 0 else self.data]
            self._pieces_size = rest
            self._needed = needed
        self.data = b""
        self._at = 0

    def _refuse_size(self, kind: i64, size: int) -> None:
        name = PACKET_NAMES[int(kind)]
        what = f"{name} has {size} octets, at most {self.size_max} are taken"
        raise MqttFault(PACKET_TOO_LARGE, what)
