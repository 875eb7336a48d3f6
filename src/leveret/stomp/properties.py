"""Headers of SEND to AMQP properties, and AMQP properties to headers of MESSAGE.

::

    content-type content-encoding correlation-id reply-to expiration type user-id app-id   texts
    amqp-message-id                                     message-id
    persistent:true                                     delivery-mode 2
    priority timestamp                                  numbers
    all others                                          headers

Behaviour: RabbitMQ 4.3, "STOMP Plugin", "Message Properties".
Differs from RabbitMQ: what only the broker is told (receipt, transaction, content-length) does not
become a header; headers that are booleans, reals or other integers become text, too; a message
that is not persistent has no header that says so, where RabbitMQ writes ``persistent:1``.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.broker.properties import (
    APP_ID,
    CONTENT_ENCODING,
    CONTENT_TYPE,
    CORRELATION_ID,
    DELIVERY_MODE,
    EXPIRATION,
    HEADERS,
    MESSAGE_ID,
    NO_PROPERTIES,
    PERSISTENT,
    PRIORITY,
    REPLY_TO,
    TIMESTAMP,
    TYPE,
    USER_ID,
    Properties,
    PropertiesError,
    read_properties,
    read_short,
)
from leveret.octets import read_u16, read_u32, read_u64, write_u16, write_u64
from leveret.stomp.destinations import shown_reply_to
from leveret.stomp.faults import PROCESSING, StompFault
from leveret.stomp.headers import Frame, header_line
from leveret.tables import (
    BINARY,
    BOOL,
    DOUBLE,
    FLOAT,
    INTEGERS,
    LONGSTR,
    Field,
    Table,
    TableError,
    table_octets,
)

_BEFORE: Final = ((CONTENT_TYPE, "content-type"), (CONTENT_ENCODING, "content-encoding"))
_AMID: Final = (
    (CORRELATION_ID, "correlation-id"),
    (REPLY_TO, "reply-to"),
    (EXPIRATION, "expiration"),
    (MESSAGE_ID, "amqp-message-id"),
)
_AFTER: Final = ((TYPE, "type"), (USER_ID, "user-id"), (APP_ID, "app-id"))
_PROPERTIES: Final = frozenset(
    [
        *[name for _, name in _BEFORE + _AMID + _AFTER],
        *("persistent", "priority", "timestamp"),
    ]
)
# What a frame tells the broker; not a part of the message.
_OF_THE_FRAME: Final = frozenset(["destination", "receipt", "transaction", "content-length"])
# What MESSAGE says itself: a header of the message must not say otherwise.
_OF_MESSAGE: Final = frozenset(
    [
        *("destination", "subscription", "message-id", "redelivered", "ack"),
        "content-length",
    ]
)
_MAX_TIMESTAMP: Final = (1 << 64) - 1


# --- from SEND -------------------------------------------------------------------------------


def properties_of(frame: Frame, reply_to: str | None) -> Properties:
    """What a SEND says of its message; ``reply_to`` is where answers go.  Raises StompFault."""
    headers = frame.headers
    flags = 0
    rest = BytesWriter()
    for flag, name in _BEFORE:
        flags |= _put_text(rest, flag, name, headers.get(name))
    flags |= _put_table(rest, headers)
    if frame.flag("persistent"):
        rest.append(PERSISTENT)
        flags |= DELIVERY_MODE
    flags |= _put_priority(rest, frame.number("priority"))
    for flag, name in _AMID:
        value = reply_to if flag == REPLY_TO else headers.get(name)
        flags |= _put_text(rest, flag, name, value)
    flags |= _put_timestamp(rest, frame.number("timestamp"))
    for flag, name in _AFTER:
        flags |= _put_text(rest, flag, name, headers.get(name))
    if flags == 0:
        return NO_PROPERTIES
    out = BytesWriter()
    write_u16(out, flags)
    out.write(rest.getvalue())
    try:
        return read_properties(out.getvalue())
    except PropertiesError as error:
        raise StompFault("Invalid header", str(error)) from None


def _put_text(out: BytesWriter, flag: int, name: str, value: str | None) -> int:
    if value is None:
        return 0
    octets = value.encode("utf-8", "surrogateescape")
    if len(octets) > 255:
        raise StompFault("Invalid header", f"the header '{name}' has more than 255 octets")
    out.append(len(octets))
    out.write(octets)
    return flag


def _put_table(out: BytesWriter, headers: dict[str, str]) -> int:
    table: Table = {}
    for name, value in headers.items():
        if name not in _PROPERTIES and name not in _OF_THE_FRAME:
            table[name] = Field(LONGSTR, value)
    if not table:
        return 0
    try:
        out.write(table_octets(table))
    except TableError as error:
        raise StompFault("Invalid header", str(error)) from None
    return HEADERS


def _put_priority(out: BytesWriter, value: int | None) -> int:
    if value is None:
        return 0
    if not 0 <= value <= 255:
        raise StompFault(PROCESSING, "the header 'priority' is not from 0 to 255")
    out.append(value)
    return PRIORITY


def _put_timestamp(out: BytesWriter, value: int | None) -> int:
    if value is None:
        return 0
    if not 0 <= value <= _MAX_TIMESTAMP:
        raise StompFault(PROCESSING, "the header 'timestamp' is not a time in seconds")
    write_u64(out, value)
    return TIMESTAMP


# --- to MESSAGE ------------------------------------------------------------------------------


def header_lines(properties: Properties, version: int) -> bytes:
    """What MESSAGE says of the message's ``properties``."""
    octets = properties.octets
    flags = int(read_u16(octets, 0))
    if flags == 0:
        return b""
    shown = _user_headers(properties)
    at: i64 = 2
    at = _take_texts(shown, octets, flags, at, _BEFORE)
    if flags & HEADERS:
        at += 4 + read_u32(octets, at)
    if flags & DELIVERY_MODE:
        if octets[at] == PERSISTENT:
            shown["persistent"] = "true"
        at += 1
    if flags & PRIORITY:
        shown["priority"] = str(octets[at])
        at += 1
    at = _take_texts(shown, octets, flags, at, _AMID)
    if flags & TIMESTAMP:
        shown["timestamp"] = str(read_u64(octets, at))
        at += 8
    _take_texts(shown, octets, flags, at, _AFTER)
    if flags & REPLY_TO:
        shown["reply-to"] = shown_reply_to(shown["reply-to"])
    lines = [header_line(name, value, version) for name, value in shown.items()]
    return "".join(lines).encode("utf-8", "surrogateescape")


def _take_texts(
    shown: dict[str, str], octets: bytes, flags: int, at: i64, names: tuple[tuple[int, str], ...]
) -> i64:
    for flag, name in names:
        if flags & flag:
            shown[name] = read_short(octets, at)
            at += 1 + i64(octets[at])
    return at


def _user_headers(properties: Properties) -> dict[str, str]:
    shown: dict[str, str] = {}
    try:
        headers = properties.headers()
    except TableError:
        # Nobody checked it when it came, which does not happen: better without than not at all.
        return shown
    for name, field in headers.items():
        text = _shown(field)
        if text is not None and name not in _OF_MESSAGE:
            shown[name] = text
    return shown


def _shown(field: Field) -> str | None:
    """A header's value as text; None for what has none, as tables and arrays."""
    value = field.value
    if field.kind == LONGSTR:
        assert isinstance(value, str)
        return value
    if field.kind == BOOL:
        return "true" if value else "false"
    if field.kind in INTEGERS or field.kind == DOUBLE or field.kind == FLOAT:
        return str(value)
    if field.kind == BINARY:
        assert isinstance(value, bytes)
        return value.decode("utf-8", "surrogateescape")
    return None
