"""MQTT 5 properties: what stands between a packet's variable header and its payload.

::

    length (variable byte integer), then for each: identifier, value

What each identifier's value is, and which packets may carry it, is a table here; so is what makes
a value a protocol error.  Source: MQTT 5.0, section 2.2.2.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.mqtt.codes import (
    AUTH,
    CONNACK,
    CONNECT,
    DISCONNECT,
    MALFORMED_PACKET,
    PACKET_NAMES,
    PROTOCOL_ERROR,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    TOPIC_ALIAS_INVALID,
    UNSUBACK,
    UNSUBSCRIBE,
    MqttFault,
)
from leveret.mqtt.fields import Fields, utf8, write_binary, write_variable
from leveret.octets import write_u16, write_u32

PAYLOAD_FORMAT: Final = 1
MESSAGE_EXPIRY: Final = 2
CONTENT_TYPE: Final = 3
RESPONSE_TOPIC: Final = 8
CORRELATION_DATA: Final = 9
SUBSCRIPTION_IDENTIFIER: Final = 11
SESSION_EXPIRY: Final = 17
ASSIGNED_CLIENT_IDENTIFIER: Final = 18
SERVER_KEEP_ALIVE: Final = 19
AUTHENTICATION_METHOD: Final = 21
AUTHENTICATION_DATA: Final = 22
REQUEST_PROBLEM_INFORMATION: Final = 23
WILL_DELAY: Final = 24
REQUEST_RESPONSE_INFORMATION: Final = 25
RESPONSE_INFORMATION: Final = 26
SERVER_REFERENCE: Final = 28
REASON_STRING: Final = 31
RECEIVE_MAXIMUM: Final = 33
TOPIC_ALIAS_MAXIMUM: Final = 34
TOPIC_ALIAS: Final = 35
MAXIMUM_QOS: Final = 36
RETAIN_AVAILABLE: Final = 37
USER_PROPERTY: Final = 38
MAXIMUM_PACKET_SIZE: Final = 39
WILDCARD_SUBSCRIPTION_AVAILABLE: Final = 40
SUBSCRIPTION_IDENTIFIERS_AVAILABLE: Final = 41
SHARED_SUBSCRIPTION_AVAILABLE: Final = 42

# Not the type of any packet: the properties of a will stand in CONNECT's payload.
WILL: Final = 0

_OCTET: Final = 1
_TWO: Final = 2
_FOUR: Final = 3
_VARIABLE: Final = 4
_BINARY: Final = 5
_TEXT: Final = 6
_PAIR: Final = 7

_ACKS: Final = (PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK)

# Identifier: what its value is, and the packets that may carry it.
_TABLE: Final[dict[int, tuple[int, tuple[int, ...]]]] = {
    PAYLOAD_FORMAT: (_OCTET, (PUBLISH, WILL)),
    MESSAGE_EXPIRY: (_FOUR, (PUBLISH, WILL)),
    CONTENT_TYPE: (_TEXT, (PUBLISH, WILL)),
    RESPONSE_TOPIC: (_TEXT, (PUBLISH, WILL)),
    CORRELATION_DATA: (_BINARY, (PUBLISH, WILL)),
    SUBSCRIPTION_IDENTIFIER: (_VARIABLE, (PUBLISH, SUBSCRIBE)),
    SESSION_EXPIRY: (_FOUR, (CONNECT, CONNACK, DISCONNECT)),
    ASSIGNED_CLIENT_IDENTIFIER: (_TEXT, (CONNACK,)),
    SERVER_KEEP_ALIVE: (_TWO, (CONNACK,)),
    AUTHENTICATION_METHOD: (_TEXT, (CONNECT, CONNACK, AUTH)),
    AUTHENTICATION_DATA: (_BINARY, (CONNECT, CONNACK, AUTH)),
    REQUEST_PROBLEM_INFORMATION: (_OCTET, (CONNECT,)),
    WILL_DELAY: (_FOUR, (WILL,)),
    REQUEST_RESPONSE_INFORMATION: (_OCTET, (CONNECT,)),
    RESPONSE_INFORMATION: (_TEXT, (CONNACK,)),
    SERVER_REFERENCE: (_TEXT, (CONNACK, DISCONNECT)),
    REASON_STRING: (_TEXT, (CONNACK, *_ACKS, DISCONNECT, AUTH)),
    RECEIVE_MAXIMUM: (_TWO, (CONNECT, CONNACK)),
    TOPIC_ALIAS_MAXIMUM: (_TWO, (CONNECT, CONNACK)),
    TOPIC_ALIAS: (_TWO, (PUBLISH,)),
    MAXIMUM_QOS: (_OCTET, (CONNACK,)),
    RETAIN_AVAILABLE: (_OCTET, (CONNACK,)),
    USER_PROPERTY: (
        _PAIR,
        (CONNECT, CONNACK, PUBLISH, WILL, *_ACKS, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, AUTH),
    ),
    MAXIMUM_PACKET_SIZE: (_FOUR, (CONNECT, CONNACK)),
    WILDCARD_SUBSCRIPTION_AVAILABLE: (_OCTET, (CONNACK,)),
    SUBSCRIPTION_IDENTIFIERS_AVAILABLE: (_OCTET, (CONNACK,)),
    SHARED_SUBSCRIPTION_AVAILABLE: (_OCTET, (CONNACK,)),
}

_NOT_ZERO: Final = frozenset({SUBSCRIPTION_IDENTIFIER, RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE})


@final
class PacketProperties:
    """The properties of one packet, checked and decoded.

    ``octets`` is all of them as they came, without their length.
    """

    def __init__(self, octets: bytes) -> None:
        self.octets: Final = octets
        # In the order they came; the same name may be there more than once.
        self.user: list[tuple[str, str]] = []
        self._numbers: dict[int, int] = {}
        self._octets: dict[int, bytes] = {}

    def number(self, identifier: int, default: int) -> int:
        """The integer, or ``default`` when it is not there."""
        return self._numbers.get(identifier, default)

    def text(self, identifier: int) -> str | None:
        """The string, None when it is not there."""
        octets = self._octets.get(identifier)
        return None if octets is None else octets.decode("utf-8")

    def binary(self, identifier: int) -> bytes | None:
        """The binary data, or the octets of a string; None when it is not there."""
        return self._octets.get(identifier)

    def has(self, identifier: int) -> bool:
        """Whether it is there.  Not for user properties."""
        return identifier in self._numbers or identifier in self._octets


NO_PACKET_PROPERTIES: Final = PacketProperties(b"")


def read_packet_properties(octets: bytes, packet: int) -> PacketProperties:
    """Check and decode the properties of a ``packet``, given without their length.

    Raises MqttFault.  ``packet`` is its type, or WILL.
    """
    if not octets:
        return NO_PACKET_PROPERTIES
    found = PacketProperties(octets)
    fields = Fields(octets, 0, len(octets))
    while fields.has_more:
        _read(found, fields, packet)
    if AUTHENTICATION_DATA in found._octets and AUTHENTICATION_METHOD not in found._octets:
        raise MqttFault(PROTOCOL_ERROR, "authentication data without an authentication method")
    return found


def _read(found: PacketProperties, fields: Fields, packet: int) -> None:
    identifier = fields.variable()
    known = _TABLE.get(identifier)
    if known is None or packet not in known[1]:
        name = "a will" if packet == WILL else PACKET_NAMES[packet]
        raise MqttFault(MALFORMED_PACKET, f"{name} has no property {identifier}")
    kind = known[0]
    if kind == _PAIR:
        name = fields.text()
        found.user.append((name, fields.text()))
        return
    if found.has(identifier):
        raise MqttFault(PROTOCOL_ERROR, f"the property {identifier} is there twice")
    if kind == _BINARY:
        found._octets[identifier] = fields.binary()
    elif kind == _TEXT:
        octets = fields.binary()
        _check_text(identifier, utf8(octets))
        found._octets[identifier] = octets
    else:
        number = _number(fields, kind)
        _check_number(identifier, kind, number, packet)
        found._numbers[identifier] = number


def _number(fields: Fields, kind: int) -> int:
    if kind == _OCTET:
        return fields.octet()
    if kind == _TWO:
        return fields.two()
    if kind == _FOUR:
        return fields.four()
    return fields.variable()


def _check_number(identifier: int, kind: int, number: int, packet: int) -> None:
    if kind == _OCTET and number > 1:
        raise MqttFault(PROTOCOL_ERROR, f"the property {identifier} must be 0 or 1")
    if number == 0 and identifier in _NOT_ZERO:
        raise MqttFault(PROTOCOL_ERROR, f"the property {identifier} must not be 0")
    if number == 0 and identifier == TOPIC_ALIAS:
        raise MqttFault(TOPIC_ALIAS_INVALID, "a topic alias must not be 0")
    if identifier == SUBSCRIPTION_IDENTIFIER and packet == PUBLISH:
        # Only the server says which subscriptions a message is for.
        raise MqttFault(PROTOCOL_ERROR, "PUBLISH of a client has a subscription identifier")


def _check_text(identifier: int, text: str) -> None:
    if identifier == RESPONSE_TOPIC and (text == "" or "+" in text or "#" in text):
        raise MqttFault(PROTOCOL_ERROR, "a response topic must be a topic, without wildcards")


@final
class PropertyWriter:
    """Collects the properties of a packet that is to be sent."""

    def __init__(self) -> None:
        self._out: Final = BytesWriter()

    def number(self, identifier: int, value: int) -> None:
        """Add an integer."""
        kind = _TABLE[identifier][0]
        out = self._out
        out.append(identifier)
        if kind == _OCTET:
            out.append(value)
        elif kind == _TWO:
            write_u16(out, value)
        elif kind == _FOUR:
            write_u32(out, value)
        else:
            assert kind == _VARIABLE
            write_variable(out, value)

    def text(self, identifier: int, text: str) -> None:
        """Add a string."""
        self.binary(identifier, text.encode("utf-8"))

    def binary(self, identifier: int, octets: bytes) -> None:
        """Add binary data, or the octets of a string."""
        self._out.append(identifier)
        write_binary(self._out, octets)

    def user(self, name: str, value: str) -> None:
        """Add a user property."""
        self._out.append(USER_PROPERTY)
        write_binary(self._out, name.encode("utf-8"))
        write_binary(self._out, value.encode("utf-8"))

    def octets(self) -> bytes:
        """All of them, without their length."""
        return self._out.getvalue()


def sized(properties: bytes) -> bytes:
    """``properties`` with their length before them, as they travel."""
    size: i64 = len(properties)
    out = BytesWriter()
    write_variable(out, size)
    out.write(properties)
    return out.getvalue()
