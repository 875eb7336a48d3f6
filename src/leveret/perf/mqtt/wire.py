"""MQTT as a load generator needs it: packets of a client, and the few that it reads.

::

    octet           1 to 4 octets     size octets
    +------+-----+  +-------------+  +--------------------------+
    | type |flags|  |    size     |  | header, payload          |
    +------+-----+  +-------------+  +--------------------------+
      4 bits 4 bits   7 bits each, least first; the top bit: more follow

Shares nothing with the broker's own codec, so that a fault there cannot hide behind a twin here.
Source: MQTT 3.1.1 and 5.0, section 2.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.octets import read_u16, write_u16, write_u32

CONNECT: Final = 0x10
CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
PUBREC: Final = 0x50
PUBREL: Final = 0x62
PUBCOMP: Final = 0x70
SUBSCRIBE: Final = 0x82
SUBACK: Final = 0x90
PINGREQ: Final = 0xC0
PINGRESP: Final = 0xD0
DISCONNECT: Final = 0xE0

REFUSED: Final = 0x80  # reason codes from here on
NOBODY_SUBSCRIBES: Final = 0x10
_RECEIVE_MAXIMUM: Final = 0x21
_REASON_STRING: Final = 0x1F
_SESSION_EXPIRY: Final = 0x11

# What CONNACK's octet means in MQTT 3; MQTT 5's reasons are below.
_RETURNS: Final[dict[int, str]] = {
    1: "unacceptable protocol version",
    2: "identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}
_REASONS: Final[dict[int, str]] = {
    0x81: "malformed packet",
    0x82: "protocol error",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8D: "keep alive timeout",
    0x8E: "session taken over",
    0x8F: "topic filter invalid",
    0x90: "topic name invalid",
    0x93: "receive maximum exceeded",
    0x95: "packet too large",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x9A: "retain not supported",
    0x9B: "quality of service not supported",
    0x9E: "shared subscriptions not supported",
}

# The sizes of MQTT 5's properties by how they begin: octets, or one of these.
_TEXT: Final = -1  # two octets of length, then so many
_PAIR: Final = -2  # two of those
_VARIABLE: Final = -3  # like a packet's size
_SIZES: Final[dict[int, int]] = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4),
    **dict.fromkeys((0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F), _TEXT),
    0x26: _PAIR,
    0x0B: _VARIABLE,
}


def write_size(out: BytesWriter, size: i64) -> None:
    """Append ``size`` in one to four octets."""
    while size > 127:
        out.append(int(size & 127 | 128))
        size >>= 7
    out.append(int(size))


def read_size(data: bytes, at: i64) -> tuple[i64, i64]:
    """The size at ``at`` and the position after it; that is 0 when it is not all here.

    A size of more than four octets is read as -1.
    """
    size: i64 = 0
    shift: i64 = 0
    length = i64(len(data))
    while at < length:
        octet = i64(data[at])
        size |= (octet & 127) << shift
        at += 1
        if octet < 128:
            return size, at
        shift += 7
        if shift > 21:
            return -1, at
    return 0, 0


def write_text(out: BytesWriter, text: str) -> None:
    """Append ``text`` with its length before it."""
    octets = text.encode()
    write_u16(out, len(octets))
    out.write(octets)


def packet(kind: i64, content: bytes) -> bytes:
    """One whole packet."""
    out = BytesWriter()
    out.append(kind)
    write_size(out, len(content))
    out.write(content)
    return out.getvalue()


def connect(level: int, client_id: str, login: tuple[str, str], keeps: bool, alive_s: int) -> bytes:
    """CONNECT; an empty user in ``login`` means nobody, ``keeps`` a session that outlives us."""
    user, password = login
    out = BytesWriter()
    write_text(out, "MQIsdp" if level == 3 else "MQTT")
    out.append(level)
    out.append((0xC0 if user else 0) | (0 if keeps else 0x02))
    write_u16(out, alive_s)
    if level == 5:
        out.append(5 if keeps else 0)
        if keeps:
            out.append(_SESSION_EXPIRY)
            write_u32(out, 3600)
    write_text(out, client_id)
    if user:
        write_text(out, user)
        write_text(out, password)
    return packet(CONNECT, out.getvalue())


def subscribe(level: int, topic: str, qos: int) -> bytes:
    """SUBSCRIBE to one filter, as packet 1."""
    out = BytesWriter()
    write_u16(out, 1)
    if level == 5:
        out.append(0)
    write_text(out, topic)
    out.append(qos)
    return packet(SUBSCRIBE, out.getvalue())


def publish_start(topic: str, flags: i64, more: int) -> bytes:
    """A PUBLISH up to the topic's end, when ``more`` octets follow."""
    out = BytesWriter()
    out.append(PUBLISH | flags)
    write_size(out, 2 + len(topic.encode()) + more)
    write_text(out, topic)
    return out.getvalue()


def read_properties(data: bytes, at: i64) -> dict[int, bytes]:
    """The properties whose size stands at ``at``, by their number; {} when they are malformed."""
    found: dict[int, bytes] = {}
    size, at = read_size(data, at)
    end = at + size
    if at == 0 or size < 0 or end > len(data):
        return found
    while at < end:
        number = int(data[at])
        after = _after(data, at + 1, _SIZES.get(number, 0))
        if after == 0 or after > end:
            return {}
        found[number] = data[at + 1 : after]
        at = after
    return found


def _after(data: bytes, at: i64, size: int) -> i64:
    """The position after the property value at ``at``; 0 when there is none."""
    if size > 0:
        return at + size
    if size == _VARIABLE:
        return read_size(data, at)[1]
    for _ in range(-size):  # none of an unknown property
        if at + 2 > len(data):
            return 0
        at += 2 + read_u16(data, at)
    return at if size else 0


def receive_maximum(properties: dict[int, bytes]) -> int:
    """How many unanswered messages the broker takes; 65535 when it does not say."""
    octets = properties.get(_RECEIVE_MAXIMUM, b"\xff\xff")
    return int(read_u16(octets, 0))


def reason(level: int, code: int, properties: dict[int, bytes]) -> str:
    """What ``code`` means, with what the broker says about it."""
    known = _REASONS if level == 5 else _RETURNS
    text = known.get(code, f"code {code}")
    said = properties.get(_REASON_STRING, b"")[2:].decode("utf-8", "replace")
    return f"{text} ({said})" if said else text
