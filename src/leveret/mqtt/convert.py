"""What a message says of itself, from MQTT to AMQP and back.

A message is kept as AMQP 0-9-1 has it; the table of what becomes of what is in
``docs/reference/mqtt.md``.  What AMQP has no place for is in headers whose names begin with
``x-``, so that between two clients of MQTT 5 nothing is lost.
Behaviour: RabbitMQ 4.3, "Protocol conversions"; more is kept here.
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.broker import properties as amqp
from leveret.broker.arguments import MAX_MILLISECONDS
from leveret.broker.properties import (
    PERSISTENT,
    TRANSIENT,
    Properties,
    property_octets,
    read_properties,
)
from leveret.mqtt.codes import PUBLISH, MqttFault
from leveret.mqtt.fields import TEXT_MAX
from leveret.mqtt.filters import topic_of
from leveret.mqtt.properties import (
    CONTENT_TYPE,
    CORRELATION_DATA,
    MESSAGE_EXPIRY,
    PAYLOAD_FORMAT,
    RESPONSE_TOPIC,
    PacketProperties,
    PropertyWriter,
    read_packet_properties,
)
from leveret.octets import write_u16
from leveret.tables import (
    ARRAY,
    BINARY,
    BOOL,
    DECIMAL,
    DOUBLE,
    FLOAT,
    LONGSTR,
    TABLE,
    TIMESTAMP,
    UINT8,
    VOID,
    Field,
    Table,
    TableError,
    table_octets,
)

REPLY_TO_TOPIC: Final = "x-reply-to-topic"
CORRELATION: Final = "x-correlation-id"
# Ours: RabbitMQ has no place for these.
LONG_CONTENT_TYPE: Final = "x-mqtt-content-type"
PUBLISH_QOS: Final = "x-mqtt-publish-qos"
RETAIN: Final = "x-mqtt-retain"
EXPIRES: Final = "x-mqtt-expires"
USER_PROPERTIES: Final = "x-mqtt-user-properties"

_OURS: Final = frozenset(
    {
        *(REPLY_TO_TOPIC, CORRELATION, LONG_CONTENT_TYPE),
        *(PUBLISH_QOS, RETAIN, EXPIRES, USER_PROPERTIES),
    }
)
# Headers that would send a message elsewhere, too.
_COPIES: Final = frozenset({"CC", "BCC"})
_SHORT_MAX: Final = 255


# --- from MQTT -------------------------------------------------------------------------------


@final
class Plain:
    """The properties of messages that say nothing but their QoS and whether they are retained."""

    def __init__(self) -> None:
        self._made: Final = [
            _made(qos, is_retained, {}, b"") for is_retained in (False, True) for qos in (0, 1, 2)
        ]

    def properties(self, qos: int, is_retained: bool) -> Properties:
        """Those of a message before MQTT 5, or without properties.  Hot."""
        return self._made[qos + 3 if is_retained else qos]


def amqp_properties(
    packet: PacketProperties, qos: int, is_retained: bool, now_s: int
) -> Properties:
    """The AMQP properties of a PUBLISH or will that has those of ``packet``.

    ``now_s`` is the Unix time: what expires, expires so many seconds after it.
    """
    headers: Table = {}
    given = BytesWriter()
    flags = _write_content(given, packet, headers)
    _add_user_properties(headers, packet)
    topic = packet.text(RESPONSE_TOPIC)
    if topic is not None:
        headers[REPLY_TO_TOPIC] = Field(LONGSTR, topic.replace("/", "."))
    correlation = packet.binary(CORRELATION_DATA)
    after = BytesWriter()
    if correlation is not None:
        if _is_short_text(correlation):
            flags |= amqp.CORRELATION_ID
            _write_short(after, correlation)
        else:
            text = correlation.decode("utf-8", "surrogateescape")
            headers[CORRELATION] = Field(LONGSTR, text)
    if packet.has(MESSAGE_EXPIRY):
        seconds = packet.number(MESSAGE_EXPIRY, 0)
        headers[EXPIRES] = Field(TIMESTAMP, now_s + seconds)
        if seconds * 1000 <= MAX_MILLISECONDS:
            flags |= amqp.EXPIRATION
            _write_short(after, b"%d" % (seconds * 1000))
    return _assembled(flags, given.getvalue(), _marked(headers, qos, is_retained), qos, after)


@final
class Incoming:
    """The properties of a PUBLISH, which the next one may have, too: made once for each QoS."""

    def __init__(self, packet: PacketProperties) -> None:
        self.packet: Final = packet
        self._made: list[Properties | None] = [None] * 6
        self._expires: Final = packet.has(MESSAGE_EXPIRY)
        self._made_s = -1

    def properties(self, qos: int, is_retained: bool, now_s: int) -> Properties:
        """See ``amqp_properties``.  Hot."""
        if self._expires and now_s != self._made_s:
            self._made = [None] * 6
            self._made_s = now_s
        index = qos + 3 if is_retained else qos
        found = self._made[index]
        if found is None:
            found = amqp_properties(self.packet, qos, is_retained, now_s)
            self._made[index] = found
        return found


def _write_content(out: BytesWriter, packet: PacketProperties, headers: Table) -> int:
    """Content type and encoding; the flags of what was written."""
    flags = 0
    content_type = packet.binary(CONTENT_TYPE)
    if content_type is not None:
        if len(content_type) <= _SHORT_MAX:
            flags |= amqp.CONTENT_TYPE
            _write_short(out, content_type)
        else:
            headers[LONG_CONTENT_TYPE] = Field(LONGSTR, content_type.decode())
    if packet.number(PAYLOAD_FORMAT, 0) == 1:
        flags |= amqp.CONTENT_ENCODING
        _write_short(out, b"utf-8")
    return flags


def _add_user_properties(headers: Table, packet: PacketProperties) -> None:
    """Each is a header; one with a name that came before makes that header an array.

    With names twice, too long for AMQP, or with a meaning there, they are kept as they came, too.
    """
    is_lossy = False
    for name, value in packet.user:
        if name in _OURS or name in _COPIES or len(name.encode()) > _SHORT_MAX:
            is_lossy = True
            continue
        before = headers.get(name)
        if before is None:
            headers[name] = Field(LONGSTR, value)
            continue
        is_lossy = True
        if before.kind == ARRAY:
            assert isinstance(before.value, list)
            before.value.append(Field(LONGSTR, value))
        else:
            headers[name] = Field(ARRAY, [before, Field(LONGSTR, value)])
    if is_lossy:
        writer = PropertyWriter()
        for name, value in packet.user:
            writer.user(name, value)
        headers[USER_PROPERTIES] = Field(BINARY, writer.octets())


def _marked(headers: Table, qos: int, is_retained: bool) -> Table:
    """``headers`` with what AMQP has no property for."""
    if qos == 2:
        headers[PUBLISH_QOS] = Field(UINT8, qos)
    if is_retained:
        headers[RETAIN] = Field(BOOL, True)
    return headers


def _made(qos: int, is_retained: bool, headers: Table, first: bytes) -> Properties:
    return _assembled(0, first, _marked(headers, qos, is_retained), qos, BytesWriter())


def _assembled(
    flags: int, first: bytes, headers: Table, qos: int, after: BytesWriter
) -> Properties:
    out = BytesWriter()
    flags |= amqp.DELIVERY_MODE | (amqp.HEADERS if headers else 0)
    write_u16(out, flags)
    out.write(first)
    if headers:
        out.write(table_octets(headers))
    out.append(PERSISTENT if qos > 0 else TRANSIENT)
    out.write(after.getvalue())
    return read_properties(out.getvalue())


def _write_short(out: BytesWriter, octets: bytes) -> None:
    out.append(len(octets))
    out.write(octets)


def _is_short_text(octets: bytes) -> bool:
    """Whether an AMQP client can take ``octets`` for a short string."""
    if len(octets) > _SHORT_MAX or b"\0" in octets:
        return False
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- to MQTT ---------------------------------------------------------------------------------


def publish_qos(properties: Properties) -> int:
    """The QoS that a message was published with; a persistent one of AMQP counts as 1."""
    if not properties.is_persistent:
        return 0
    if properties.headers_at == 0:
        return 1
    field = _headers(properties).get(PUBLISH_QOS)
    return 2 if field is not None and field.value == 2 else 1


def is_retained(properties: Properties) -> bool:
    """Whether the message was published as one to be retained."""
    if properties.headers_at == 0:
        return False
    field = _headers(properties).get(RETAIN)
    return field is not None and field.value is True


@final
class Outgoing:
    """What a message says to MQTT clients.

    ``octets`` are its properties for MQTT 5, but for those that are the client's: the time it has
    left, see ``expiry``, a topic alias, the identifiers of subscriptions.
    """

    def __init__(self, properties: Properties) -> None:
        headers = _headers(properties)
        self.qos: Final = publish_qos(properties)
        self.is_retained: Final = is_retained(properties)
        writer = PropertyWriter()
        _write_properties(writer, properties, headers)
        _write_user_properties(writer, headers)
        self.octets: Final = writer.octets()
        # When it expires by Unix time; without that, after how long it does at most; or -1.
        self._expires_s: Final = _whole(headers.get(EXPIRES))
        self._expiration_s: Final = _expiration_s(properties)

    @property
    def has_expiry(self) -> bool:
        """Whether it expires."""
        return self._expires_s >= 0 or self._expiration_s >= 0

    def expiry(self, now_s: int) -> int:
        """The seconds it has left, -1 if it does not expire."""
        if self._expires_s >= 0:
            left = max(0, self._expires_s - now_s)
            return min(left, self._expiration_s) if self._expiration_s >= 0 else left
        return self._expiration_s


def _write_properties(writer: PropertyWriter, properties: Properties, headers: Table) -> None:
    if _short(properties, amqp.CONTENT_ENCODING).lower() == b"utf-8":
        writer.number(PAYLOAD_FORMAT, 1)
    content_type = _short(properties, amqp.CONTENT_TYPE) or _octets(headers.get(LONG_CONTENT_TYPE))
    if content_type and _is_text(content_type):
        writer.binary(CONTENT_TYPE, content_type)
    topic = headers.get(REPLY_TO_TOPIC)
    if topic is not None and topic.kind == LONGSTR and topic.value:
        octets = topic_of(str(topic.value))
        if len(octets) <= TEXT_MAX:
            writer.binary(RESPONSE_TOPIC, octets)
    correlation = property_octets(properties, amqp.CORRELATION_ID)
    if correlation:
        writer.binary(CORRELATION_DATA, correlation[1:])
    elif CORRELATION in headers:
        octets = _octets(headers[CORRELATION])
        if len(octets) <= TEXT_MAX:
            writer.binary(CORRELATION_DATA, octets)


def _write_user_properties(writer: PropertyWriter, headers: Table) -> None:
    """The headers that a user property can say, or what was kept of a client's own."""
    kept = headers.get(USER_PROPERTIES)
    if kept is not None and isinstance(kept.value, bytes):
        try:
            for name, value in read_packet_properties(kept.value, PUBLISH).user:
                writer.user(name, value)
            return
        except MqttFault:  # some publisher of AMQP calls a header so
            pass
    for name, field in headers.items():
        if name in _OURS or not _is_text(name.encode("utf-8", "surrogateescape")):
            continue
        if field.kind == ARRAY:
            assert isinstance(field.value, list)
            values: list[Field] = field.value
        else:
            values = [field]
        for each in values:
            text = _as_text(each)
            if text is not None:
                writer.user(name, text)


def _as_text(field: Field) -> str | None:
    """What ``field`` is in a user property; None where RabbitMQ leaves it out, too."""
    if field.kind in (TABLE, ARRAY, BINARY, DECIMAL):
        return None
    if field.kind == VOID:
        return ""
    if field.kind == BOOL:
        return "true" if field.value is True else "false"
    if field.kind in (DOUBLE, FLOAT):
        return str(field.value)
    text = str(field.value)
    return text if _is_text(text.encode("utf-8", "surrogateescape")) else None


def _is_text(octets: bytes) -> bool:
    """Whether MQTT's strings may be ``octets``."""
    if len(octets) > TEXT_MAX or b"\0" in octets:
        return False
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _short(properties: Properties, flag: int) -> bytes:
    return property_octets(properties, flag)[1:]


def _octets(field: Field | None) -> bytes:
    if field is None or not isinstance(field.value, str):
        return b""
    return field.value.encode("utf-8", "surrogateescape")


def _whole(field: Field | None) -> int:
    if field is None or isinstance(field.value, bool) or not isinstance(field.value, int):
        return -1
    return max(0, field.value)


def _expiration_s(properties: Properties) -> int:
    expiration = properties.expiration
    if expiration is None or not expiration.isdecimal():
        return -1
    return min(int(expiration) // 1000, 0xFFFFFFFF)


def _headers(properties: Properties) -> Table:
    try:
        return properties.headers()
    except TableError:  # not what this broker let in
        return {}


def expiry_time(properties: Properties) -> int:
    """When a message of an MQTT client expires, as Unix time; -1 if it does not."""
    if properties.headers_at == 0 or properties.expiration is None:
        return -1
    return _whole(_headers(properties).get(EXPIRES))
