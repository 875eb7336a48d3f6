"""Basic properties: the octets as they travel, and the few facts the broker reads out of them.

::

    short flags, then in this order what is flagged: content-type, content-encoding, headers,
    delivery-mode, priority, correlation-id, reply-to, expiration, message-id, timestamp, type,
    user-id, app-id, cluster-id

The octets are never built anew on the way from publisher to consumer.  They are the canonical
form: other protocols map to and from it.
Source: AMQP 0-9-1 specification, sections 4.2.6.1 and 1.8.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from leveret.octets import read_u16, read_u32, write_u16
from leveret.tables import Table, TableError, read_table, skip_table, table_octets

CONTENT_TYPE: Final = 1 << 15
CONTENT_ENCODING: Final = 1 << 14
HEADERS: Final = 1 << 13
DELIVERY_MODE: Final = 1 << 12
PRIORITY: Final = 1 << 11
CORRELATION_ID: Final = 1 << 10
REPLY_TO: Final = 1 << 9
EXPIRATION: Final = 1 << 8
MESSAGE_ID: Final = 1 << 7
TIMESTAMP: Final = 1 << 6
TYPE: Final = 1 << 5
USER_ID: Final = 1 << 4
APP_ID: Final = 1 << 3
CLUSTER_ID: Final = 1 << 2

_IN_ORDER: Final = tuple([1 << bit for bit in range(15, 1, -1)])

TRANSIENT: Final = 1
PERSISTENT: Final = 2
_MORE_FLAGS: Final = 1


class PropertiesError(ValueError):
    """The octets are not basic properties."""


@final
@mypyc_attr(acyclic=True)
class Properties:
    """One message's properties.  Immutable; messages with the same octets share one.

    ``octets`` starts with the flag word.  ``headers_at`` is the position of the headers table in
    it, 0 when there is none.  ``needs_care`` is true when the publish must look closer: a
    reply-to, a user-id, an expiration, CC/BCC headers or an unknown delivery mode are there.
    """

    def __init__(self, octets: bytes) -> None:
        self.octets: Final = octets
        self.headers_at: int = 0
        self.priority: int = 0
        self.delivery_mode: int = TRANSIENT
        self.is_persistent: bool = False
        self.needs_care: bool = False
        self.reply_to: str = ""
        self.expiration: str | None = None
        self.user_id: str | None = None

    def headers(self) -> Table:
        """The headers, decoded; empty when there are none.  Raises TableError."""
        if self.headers_at == 0:
            return {}
        return read_table(self.octets, self.headers_at)[0]


NO_PROPERTIES: Final = Properties(b"\0\0")


def read_properties(octets: bytes) -> Properties:
    """Check ``octets``, flags and list, and read the facts.  Raises PropertiesError."""
    properties = Properties(octets)
    try:
        _walk(properties, octets)
    except TableError as error:
        raise PropertiesError(f"the headers are malformed: {error}") from None
    except IndexError:
        raise PropertiesError("the properties end before the last flagged one") from None
    return properties


def _walk(properties: Properties, octets: bytes) -> None:  # noqa: C901 a list of flags
    flags = read_u16(octets, 0)
    if flags & _MORE_FLAGS:
        raise PropertiesError("more flags than basic has properties")
    at: i64 = 2
    if flags & CONTENT_TYPE:
        at += 1 + i64(octets[at])
    if flags & CONTENT_ENCODING:
        at += 1 + i64(octets[at])
    if flags & HEADERS:
        properties.headers_at = int(at)
        at = skip_table(octets, at)
        # A cheap look first: most headers name neither.
        if b"CC" in octets:
            properties.needs_care = True
    if flags & DELIVERY_MODE:
        _see_mode(properties, int(octets[at]))
        at += 1
    if flags & PRIORITY:
        properties.priority = int(octets[at])
        at += 1
    if flags & (CORRELATION_ID | REPLY_TO | EXPIRATION | MESSAGE_ID):
        at = _walk_addresses(properties, octets, flags, at)
    if flags & TIMESTAMP:
        at += 8
    if flags & (TYPE | USER_ID | APP_ID | CLUSTER_ID):
        at = _walk_identities(properties, octets, flags, at)
    if at != len(octets):
        raise PropertiesError("the properties and their flags disagree in size")


def _see_mode(properties: Properties, mode: int) -> None:
    properties.delivery_mode = mode
    properties.is_persistent = mode == PERSISTENT
    if mode not in (TRANSIENT, PERSISTENT):
        properties.needs_care = True


def _walk_addresses(properties: Properties, octets: bytes, flags: i64, at: i64) -> i64:
    if flags & CORRELATION_ID:
        at += 1 + i64(octets[at])
    if flags & REPLY_TO:
        properties.reply_to = read_short(octets, at)
        properties.needs_care = True
        at += 1 + i64(octets[at])
    if flags & EXPIRATION:
        properties.expiration = read_short(octets, at)
        properties.needs_care = True
        at += 1 + i64(octets[at])
    if flags & MESSAGE_ID:
        at += 1 + i64(octets[at])
    return at


def _walk_identities(properties: Properties, octets: bytes, flags: i64, at: i64) -> i64:
    if flags & TYPE:
        at += 1 + i64(octets[at])
    if flags & USER_ID:
        properties.user_id = read_short(octets, at)
        properties.needs_care = True
        at += 1 + i64(octets[at])
    if flags & APP_ID:
        at += 1 + i64(octets[at])
    if flags & CLUSTER_ID:
        at += 1 + i64(octets[at])
    return at


def read_short(octets: bytes, at: i64) -> str:
    """The short string at ``at``, octets that are no UTF-8 as surrogates.  Raises IndexError."""
    end = at + 1 + i64(octets[at])
    if end > len(octets):
        raise IndexError(int(end))
    return octets[at + 1 : end].decode("utf-8", "surrogateescape")


def property_octets(properties: Properties, flag: int) -> bytes:
    """The octets of the property ``flag`` as they travel, sizes included; none if not there."""
    octets = properties.octets
    flags = read_u16(octets, 0)
    if not flags & flag:
        return b""
    at: i64 = 2
    for each in _IN_ORDER:
        end = _end(octets, each, at) if flags & each else at
        if each == flag:
            return octets[at:end]
        at = end
    raise AssertionError("there is no such property")


def with_reply_to(properties: Properties, reply_to: str) -> Properties:
    """A copy of ``properties`` with another reply-to."""
    address = reply_to.encode("utf-8", "surrogateescape")
    return read_properties(_put(properties.octets, REPLY_TO, bytes((len(address),)) + address))


def with_headers(properties: Properties, headers: Table) -> Properties:
    """A copy of ``properties`` with other headers."""
    return read_properties(_put(properties.octets, HEADERS, table_octets(headers)))


def with_property(properties: Properties, flag: int, octets: bytes) -> Properties:
    """A copy of ``properties`` with other ``octets``, as they travel, for the property ``flag``."""
    return read_properties(_put(properties.octets, flag, octets))


def without_expiration(properties: Properties, headers: Table) -> Properties:
    """A copy of ``properties`` with other headers and no expiration."""
    octets = _put(properties.octets, HEADERS, table_octets(headers))
    return read_properties(_put(octets, EXPIRATION, b""))


def _put(octets: bytes, flag: int, value: bytes) -> bytes:
    """``octets`` with ``value`` for the property ``flag``; an empty one takes it out."""
    flags = read_u16(octets, 0)
    at: i64 = 2
    for each in _IN_ORDER:
        end = _end(octets, each, at) if flags & each else at
        if each == flag:
            out = BytesWriter()
            write_u16(out, flags | flag if value else flags & ~flag)
            out.write(octets[2:at])
            out.write(value)
            out.write(octets[end:])
            return out.getvalue()
        at = end
    raise AssertionError("there is no such property")


def _end(octets: bytes, flag: int, at: i64) -> i64:
    """Where the property ``flag``, which begins at ``at``, ends."""
    if flag == HEADERS:
        return at + 4 + read_u32(octets, at)
    if flag == DELIVERY_MODE or flag == PRIORITY:
        return at + 1
    if flag == TIMESTAMP:
        return at + 8
    return at + 1 + i64(octets[at])
