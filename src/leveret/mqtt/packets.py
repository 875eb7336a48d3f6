"""MQTT's packets: what a client sends, decoded; what the server sends, encoded.  No I/O.

Each ``read_…`` takes the packet that a PacketReader is at, checks all that MQTT says about its
octets and raises MqttFault; what a packet means, and whether it may come now, is the session's.
``version`` is the protocol level: 3 (MQTT 3.1), 4 (3.1.1) or 5.
Source: MQTT 5.0, 3.1.1 and 3.1, chapter 3 of each.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64, mypyc_attr

from leveret.mqtt.codes import (
    AUTH,
    CONNACK,
    CONNECT,
    DISCONNECT,
    MALFORMED_PACKET,
    NORMAL_DISCONNECTION,
    PACKET_NAMES,
    PINGRESP,
    PROTOCOL_ERROR,
    PUBLISH,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    SUCCESS,
    UNSUBACK,
    UNSUBSCRIBE,
    UNSUPPORTED_PROTOCOL_VERSION,
    VERSION_5,
    VERSION_31,
    MqttFault,
    connack_code,
)
from leveret.mqtt.fields import Fields, utf8, variable_size, write_variable
from leveret.mqtt.properties import (
    NO_PACKET_PROPERTIES,
    WILL,
    PacketProperties,
    read_packet_properties,
)
from leveret.mqtt.reader import PacketReader
from leveret.octets import read_u16, write_u16

PINGRESP_OCTETS: Final = bytes((PINGRESP << 4, 0))

# The name of the protocol and its level that CONNECT begins with.
_VERSIONS: Final[dict[tuple[bytes, int], int]] = {
    (b"MQIsdp", 3): 3,
    (b"MQTT", 4): 4,
    (b"MQTT", 5): 5,
}


@final
class Will:
    """What the server publishes for a client that is gone without a word."""

    def __init__(self, topic: str, qos: int, is_retained: bool) -> None:
        self.topic: Final = topic
        self.qos: Final = qos
        self.is_retained: Final = is_retained
        self.payload = b""
        self.properties = NO_PACKET_PROPERTIES


@final
class Connect:
    """A CONNECT.  Before MQTT 5, ``is_clean`` is the flag "clean session"."""

    def __init__(self, version: int, is_clean: bool, keep_alive_s: int) -> None:
        self.version: Final = version
        self.is_clean: Final = is_clean
        self.keep_alive_s: Final = keep_alive_s
        self.client_id = ""
        self.user_name: str | None = None
        self.password: bytes | None = None
        self.will: Will | None = None
        self.properties: PacketProperties = NO_PACKET_PROPERTIES


@final
class Wish:
    """One filter of a SUBSCRIBE, with its options."""

    def __init__(self, topic_filter: str, options: int) -> None:
        self.filter: Final = topic_filter
        self.options: Final = options

    @property
    def qos(self) -> int:
        """The most that messages may have."""
        return self.options & 3

    @property
    def is_no_local(self) -> bool:
        """Whether the client's own messages are not for it."""
        return self.options & 4 != 0

    @property
    def is_retain_as_published(self) -> bool:
        """Whether messages keep their retain flag."""
        return self.options & 8 != 0

    @property
    def retain_handling(self) -> int:
        """Whether retained messages are sent now: 0 always, 1 if the filter is new, 2 never."""
        return self.options >> 4 & 3


@final
class Subscribe:
    """A SUBSCRIBE."""

    def __init__(self, packet_id: int, properties: PacketProperties) -> None:
        self.packet_id: Final = packet_id
        self.properties: Final = properties
        self.wishes: list[Wish] = []


@final
class Unsubscribe:
    """An UNSUBSCRIBE."""

    def __init__(self, packet_id: int, properties: PacketProperties) -> None:
        self.packet_id: Final = packet_id
        self.properties: Final = properties
        self.filters: list[str] = []


@final
class Ack:
    """A PUBACK, PUBREC, PUBREL or PUBCOMP."""

    def __init__(self, packet_id: int, reason: int, properties: PacketProperties) -> None:
        self.packet_id: Final = packet_id
        self.reason: Final = reason
        self.properties: Final = properties


@final
class Farewell:
    """A DISCONNECT, or an AUTH: a reason and properties."""

    def __init__(self, reason: int, properties: PacketProperties) -> None:
        self.reason: Final = reason
        self.properties: Final = properties


@final
@mypyc_attr(acyclic=True)
class Publish:
    """A PUBLISH, split where it lies and used again for the next.  Hot.

    Only what says where the parts are is checked.  ``topic`` and ``properties`` (without their
    length) are octets, for whoever knows the same ones already need not look at them: others call
    ``topic_name`` and ``read_packet_properties``.  ``packet_id`` is 0 for QoS 0.
    """

    def __init__(self) -> None:
        self.topic = b""
        self.packet_id: i64 = 0
        self.properties = b""
        self.body = b""
        self.qos: i64 = 0
        self.is_retained = False
        self.is_duplicate = False

    def split(self, reader: PacketReader, version: int) -> None:
        """Take the packet that ``reader`` is at.  Raises MqttFault."""
        data = reader.data
        at = reader.start
        end = reader.end
        flags = reader.flags
        qos = flags >> 1 & 3
        if end - at < 2:
            raise MqttFault(MALFORMED_PACKET, "PUBLISH without a topic")
        after: i64 = at + 2 + read_u16(data, at)
        if after + (2 if qos > 0 else 0) > end:
            raise MqttFault(MALFORMED_PACKET, "PUBLISH ends before its payload")
        self.topic = data[at + 2 : after]
        self.packet_id = 0
        if qos > 0:
            self.packet_id = read_u16(data, after)
            after += 2
            if qos == 3 or self.packet_id == 0:
                raise MqttFault(MALFORMED_PACKET, "PUBLISH with QoS 3, or packet identifier 0")
        elif flags & 8:
            raise MqttFault(MALFORMED_PACKET, "PUBLISH of QoS 0 says that it is a duplicate")
        if version == VERSION_5:
            after = self._split_properties(data, after, end)
        self.body = data[after:end]
        self.qos = qos
        self.is_retained = flags & 1 != 0
        self.is_duplicate = flags & 8 != 0

    def _split_properties(self, data: bytes, at: i64, end: i64) -> i64:
        if at < end and data[at] == 0:
            self.properties = b""
            return at + 1
        fields = Fields(data, at, end)
        self.properties = fields.sized()
        return fields.at


def topic_name(octets: bytes) -> str:
    """The topic of a PUBLISH or a will, checked: UTF-8, no wildcards.  Raises MqttFault.

    An empty one is for the session to judge: with MQTT 5 there may be an alias.
    """
    topic = utf8(octets)
    if "+" in topic or "#" in topic:
        raise MqttFault(MALFORMED_PACKET, "a topic to publish to has no wildcards")
    return topic


def check_flags(reader: PacketReader, version: int) -> None:
    """Raises MqttFault if the packet's flags are not those that its type must have.

    Not for PUBLISH, which has flags of its own.
    """
    kind = reader.kind
    must: i64 = 2 if kind == SUBSCRIBE or kind == UNSUBSCRIBE or kind == PUBREL else 0
    flags = reader.flags
    if version == VERSION_31:
        # They may come again there, and say so.
        flags &= ~8
    if flags != must:
        raise MqttFault(MALFORMED_PACKET, f"{PACKET_NAMES[kind]} with flags {flags}")


# --- reading ---------------------------------------------------------------------------------


def read_connect(reader: PacketReader) -> Connect:
    """The CONNECT.  Raises MqttFault, whose reason says so when the version is not ours."""
    fields = Fields(reader.data, reader.start, reader.end)
    name = fields.binary()
    level = fields.octet()
    version = _VERSIONS.get((name, level))
    if version is None:
        if name != b"MQTT" and name != b"MQIsdp":
            raise MqttFault(PROTOCOL_ERROR, "CONNECT does not name MQTT as its protocol")
        raise MqttFault(UNSUPPORTED_PROTOCOL_VERSION, f"there is no MQTT of level {level} here")
    check_flags(reader, version)
    flags = fields.octet()
    if flags & 1:
        raise MqttFault(MALFORMED_PACKET, "CONNECT has a reserved flag")
    connect = Connect(version, flags & 2 != 0, fields.two())
    if version == VERSION_5:
        connect.properties = read_packet_properties(fields.sized(), CONNECT)
    connect.client_id = fields.text()
    connect.will = _read_will(fields, flags, version)
    if flags & 0x80:
        connect.user_name = fields.text()
    if flags & 0x40:
        if version != VERSION_5 and not flags & 0x80:
            raise MqttFault(MALFORMED_PACKET, "CONNECT has a password and no user name")
        connect.password = fields.binary()
    fields.finish("CONNECT")
    return connect


def _read_will(fields: Fields, flags: int, version: int) -> Will | None:
    qos = flags >> 3 & 3
    if not flags & 4:
        if flags & 0x38:
            raise MqttFault(MALFORMED_PACKET, "CONNECT has a flag of a will, but no will")
        return None
    if qos == 3:
        raise MqttFault(MALFORMED_PACKET, "CONNECT has a will of QoS 3")
    properties = NO_PACKET_PROPERTIES
    if version == VERSION_5:
        properties = read_packet_properties(fields.sized(), WILL)
    topic = topic_name(fields.binary())
    if topic == "":
        raise MqttFault(MALFORMED_PACKET, "a will without a topic")
    will = Will(topic, qos, flags & 0x20 != 0)
    will.properties = properties
    will.payload = fields.binary()
    return will


def read_packet_id(fields: Fields, packet: int) -> int:
    """A packet identifier, which is never 0.  Raises MqttFault."""
    packet_id = fields.two()
    if packet_id == 0:
        raise MqttFault(PROTOCOL_ERROR, f"{PACKET_NAMES[packet]} with packet identifier 0")
    return packet_id


def read_ack(reader: PacketReader, version: int) -> Ack:
    """The PUBACK, PUBREC, PUBREL or PUBCOMP.  Raises MqttFault."""
    check_flags(reader, version)
    kind = int(reader.kind)
    fields = Fields(reader.data, reader.start, reader.end)
    packet_id = read_packet_id(fields, kind)
    reason = SUCCESS
    properties = NO_PACKET_PROPERTIES
    if version == VERSION_5 and fields.has_more:
        reason = fields.octet()
        if fields.has_more:
            properties = read_packet_properties(fields.sized(), kind)
    fields.finish(PACKET_NAMES[kind])
    return Ack(packet_id, reason, properties)


def plain_ack_id(reader: PacketReader) -> int:
    """The identifier of a PUBACK … that says nothing else, 0 when ``read_ack`` must look.  Hot."""
    at = reader.start
    if reader.end - at != 2 or reader.flags != (2 if reader.kind == PUBREL else 0):
        return 0
    return int(read_u16(reader.data, at))


def read_subscribe(reader: PacketReader, version: int) -> Subscribe:
    """The SUBSCRIBE; whether its filters make sense is not looked at.  Raises MqttFault."""
    check_flags(reader, version)
    fields = Fields(reader.data, reader.start, reader.end)
    packet_id = read_packet_id(fields, SUBSCRIBE)
    subscribe = Subscribe(packet_id, _properties(fields, SUBSCRIBE, version))
    while fields.has_more:
        topic_filter = fields.text()
        options = fields.octet()
        if options & 3 == 3 or options & (0xC0 if version == VERSION_5 else 0xFC):
            raise MqttFault(MALFORMED_PACKET, f"SUBSCRIBE with options {options}")
        if options & 0x30 == 0x30:
            raise MqttFault(PROTOCOL_ERROR, "SUBSCRIBE with retain handling 3")
        subscribe.wishes.append(Wish(topic_filter, options))
    if not subscribe.wishes:
        raise MqttFault(PROTOCOL_ERROR, "SUBSCRIBE without a filter")
    return subscribe


def read_unsubscribe(reader: PacketReader, version: int) -> Unsubscribe:
    """The UNSUBSCRIBE.  Raises MqttFault."""
    check_flags(reader, version)
    fields = Fields(reader.data, reader.start, reader.end)
    packet_id = read_packet_id(fields, UNSUBSCRIBE)
    unsubscribe = Unsubscribe(packet_id, _properties(fields, UNSUBSCRIBE, version))
    while fields.has_more:
        unsubscribe.filters.append(fields.text())
    if not unsubscribe.filters:
        raise MqttFault(PROTOCOL_ERROR, "UNSUBSCRIBE without a filter")
    return unsubscribe


def _properties(fields: Fields, packet: int, version: int) -> PacketProperties:
    if version != VERSION_5:
        return NO_PACKET_PROPERTIES
    return read_packet_properties(fields.sized(), packet)


def read_disconnect(reader: PacketReader, version: int) -> Farewell:
    """The DISCONNECT.  Raises MqttFault."""
    return _read_farewell(reader, version, DISCONNECT)


def read_auth(reader: PacketReader) -> Farewell:
    """The AUTH, which only MQTT 5 has.  Raises MqttFault."""
    return _read_farewell(reader, VERSION_5, AUTH)


def _read_farewell(reader: PacketReader, version: int, packet: int) -> Farewell:
    check_flags(reader, version)
    fields = Fields(reader.data, reader.start, reader.end)
    reason = NORMAL_DISCONNECTION
    properties = NO_PACKET_PROPERTIES
    if version == VERSION_5 and fields.has_more:
        reason = fields.octet()
        if fields.has_more:
            properties = read_packet_properties(fields.sized(), packet)
    fields.finish(PACKET_NAMES[packet])
    return Farewell(reason, properties)


def check_ping(reader: PacketReader, version: int) -> None:
    """Raises MqttFault unless the packet is an empty one: PINGREQ."""
    check_flags(reader, version)
    Fields(reader.data, reader.start, reader.end).finish("PINGREQ")


# --- writing ---------------------------------------------------------------------------------


def connack(version: int, is_session_present: bool, reason: int, properties: bytes = b"") -> bytes:
    """A CONNACK.  ``reason`` is MQTT 5's, and translated for clients of a version before.

    ``properties`` here and below: without their length; not for versions before 5.
    """
    present = 1 if is_session_present and reason == SUCCESS else 0
    if version != VERSION_5:
        return bytes((CONNACK << 4, 2, present, connack_code(reason)))
    out = BytesWriter()
    _write_head(out, CONNACK << 4, 2 + variable_size(len(properties)) + len(properties))
    out.append(present)
    out.append(reason)
    _write_properties(out, properties)
    return out.getvalue()


def ack(
    kind: int, packet_id: int, reason: int = SUCCESS, properties: bytes = b"", version: int = 5
) -> bytes:
    """A PUBACK, PUBREC, PUBREL or PUBCOMP.  Before MQTT 5 it cannot say a reason."""
    out = BytesWriter()
    out.append(kind << 4 | 2 if kind == PUBREL else kind << 4)
    if version != VERSION_5 or (reason == SUCCESS and not properties):
        out.append(2)
        write_u16(out, packet_id)
    elif not properties:
        out.append(3)
        write_u16(out, packet_id)
        out.append(reason)
    else:
        size: i64 = len(properties)
        write_variable(out, 3 + variable_size(size) + size)
        write_u16(out, packet_id)
        out.append(reason)
        _write_properties(out, properties)
    return out.getvalue()


def suback(version: int, packet_id: int, codes: list[int], properties: bytes = b"") -> bytes:
    """A SUBACK: ``codes`` are what was granted to each filter, or why not.

    Before MQTT 5 all that is refused is one code, and in MQTT 3.1 there is none.
    """
    if version != VERSION_5:
        codes = [code if code < 0x80 else 0x80 for code in codes]
    return _codes(SUBACK, version, packet_id, codes, properties)


def unsuback(version: int, packet_id: int, codes: list[int], properties: bytes = b"") -> bytes:
    """An UNSUBACK.  Before MQTT 5 it says nothing."""
    return _codes(UNSUBACK, version, packet_id, codes if version == VERSION_5 else [], properties)


def _codes(kind: int, version: int, packet_id: int, codes: list[int], properties: bytes) -> bytes:
    size: i64 = 2 + len(codes)
    if version == VERSION_5:
        size += variable_size(len(properties)) + len(properties)
    out = BytesWriter()
    _write_head(out, kind << 4, size)
    write_u16(out, packet_id)
    if version == VERSION_5:
        _write_properties(out, properties)
    out.write(bytes(codes))
    return out.getvalue()


def disconnect(reason: int, properties: bytes = b"") -> bytes:
    """A DISCONNECT, which a server sends only with MQTT 5."""
    out = BytesWriter()
    _write_head(out, DISCONNECT << 4, 1 + variable_size(len(properties)) + len(properties))
    out.append(reason)
    _write_properties(out, properties)
    return out.getvalue()


def publish_flags(qos: int, is_retained: bool, is_duplicate: bool) -> int:
    """The first octet of a PUBLISH."""
    return PUBLISH << 4 | (8 if is_duplicate else 0) | qos << 1 | (1 if is_retained else 0)


def publish_size(topic: bytes, packet_id: int, properties: bytes | None, body_size: int) -> int:
    """The size of the whole packet that ``write_publish`` makes."""
    rest = _publish_rest(topic, packet_id, properties, body_size)
    return int(1 + variable_size(rest) + rest)


def _publish_rest(topic: bytes, packet_id: i64, properties: bytes | None, body_size: i64) -> i64:
    rest: i64 = 2 + len(topic) + body_size
    if packet_id != 0:
        rest += 2
    if properties is not None:
        rest += variable_size(len(properties)) + len(properties)
    return rest


def write_publish(
    out: BytesWriter,
    first: int,
    topic: bytes,
    packet_id: int,
    properties: bytes | None,
    body: bytes,
) -> None:
    """Append a PUBLISH.  ``first`` is of ``publish_flags``; ``packet_id`` is 0 with QoS 0.

    ``properties`` is None before MQTT 5.  Hot.
    """
    _write_head(out, first, _publish_rest(topic, packet_id, properties, len(body)))
    write_u16(out, len(topic))
    out.write(topic)
    if packet_id != 0:
        write_u16(out, packet_id)
    if properties is not None:
        _write_properties(out, properties)
    out.write(body)


def _write_head(out: BytesWriter, first: int, size: i64) -> None:
    out.append(first)
    if size < 128:
        out.append(int(size))
    else:
        write_variable(out, size)


def _write_properties(out: BytesWriter, properties: bytes) -> None:
    size: i64 = len(properties)
    write_variable(out, size)
    out.write(properties)
