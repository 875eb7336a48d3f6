"""A raw MQTT client for tests: every octet and packet is in the test's hand.

It shares no code with the broker, so that a mistake in the broker's codec cannot hide here.  A
blocking socket, no thread, no retry: `send` writes now, `read` waits for one packet and returns
None when the broker closed the connection.

    with MqttWire(port=port, version=5) as wire:
        assert wire.connect("a").reason == 0
        assert wire.subscribe("a/#", qos=1) == [1]
        wire.publish("a/b", b"hello", qos=1, packet_id=7)
        packet = wire.read("PUBLISH")                 # -> Packet, topic, body, properties
"""

import socket
import struct
import time
from typing import Any, Final, Self

TYPES: Final = (
    *("RESERVED", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"),
    *("SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT"),
    "AUTH",
)

# Identifier and how its value travels: b octet, h 16 and l 32 bits, v variable, s string,
# x binary, p pair of strings.
PROPERTIES: Final[dict[str, tuple[int, str]]] = {
    "payload_format": (1, "b"),
    "message_expiry": (2, "l"),
    "content_type": (3, "s"),
    "response_topic": (8, "s"),
    "correlation_data": (9, "x"),
    "subscription_identifier": (11, "v"),
    "session_expiry": (17, "l"),
    "assigned_client_identifier": (18, "s"),
    "server_keep_alive": (19, "h"),
    "authentication_method": (21, "s"),
    "authentication_data": (22, "x"),
    "request_problem_information": (23, "b"),
    "will_delay": (24, "l"),
    "request_response_information": (25, "b"),
    "response_information": (26, "s"),
    "server_reference": (28, "s"),
    "reason_string": (31, "s"),
    "receive_maximum": (33, "h"),
    "topic_alias_maximum": (34, "h"),
    "topic_alias": (35, "h"),
    "maximum_qos": (36, "b"),
    "retain_available": (37, "b"),
    "user": (38, "p"),
    "maximum_packet_size": (39, "l"),
    "wildcard_subscription_available": (40, "b"),
    "subscription_identifiers_available": (41, "b"),
    "shared_subscription_available": (42, "b"),
}
_NAMES: Final = {number: (name, kind) for name, (number, kind) in PROPERTIES.items()}
# These may be there more than once; their value is always a list here.
MANY: Final = ("user", "subscription_identifier")

# --- encoding --------------------------------------------------------------------------------


def variable(value: int) -> bytes:
    octets = b""
    while True:
        value, low = divmod(value, 128)
        octets += bytes([low | (128 if value else 0)])
        if not value:
            return octets


def string(value: str | bytes) -> bytes:
    octets = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return struct.pack(">H", len(octets)) + octets


def one_property(name: str, value: Any) -> bytes:
    number, kind = PROPERTIES[name]
    octets = bytes([number])
    if kind == "b":
        return octets + bytes([value])
    if kind in "hl":
        return octets + struct.pack(">H" if kind == "h" else ">I", value)
    if kind == "v":
        return octets + variable(value)
    if kind == "p":
        return octets + string(value[0]) + string(value[1])
    return octets + string(value)


def properties(values: dict[str, Any] | None) -> bytes:
    """With their length before them.  A list is one property for each of its values."""
    octets = b""
    for name, value in (values or {}).items():
        for each in value if isinstance(value, list) else [value]:
            octets += one_property(name, each)
    return variable(len(octets)) + octets


def packet(kind: str, flags: int, rest: bytes) -> bytes:
    return bytes([TYPES.index(kind) << 4 | flags]) + variable(len(rest)) + rest


def connect(client_id: str | bytes, version: int = 4, **given: Any) -> bytes:
    """Knows clean, keep_alive, user, password, props, and a will: will=(topic, body),
    will_qos, will_retain, will_props."""
    will = given.get("will")
    flags = 2 if given.get("clean", True) else 0
    name: bytes = b"MQIsdp" if version == 3 else b"MQTT"
    rest = b""
    if version == 5:
        rest += properties(given.get("props"))
    rest += string(client_id)
    if will is not None:
        flags |= 4 | given.get("will_qos", 0) << 3 | (32 if given.get("will_retain") else 0)
        if version == 5:
            rest += properties(given.get("will_props"))
        rest += string(will[0]) + string(will[1])
    for bit, key in ((128, "user"), (64, "password")):
        if given.get(key) is not None:
            flags |= bit
            rest += string(given[key])
    head = string(name) + bytes([version, flags]) + struct.pack(">H", given.get("keep_alive", 0))
    return packet("CONNECT", 0, head + rest)


def publish(topic: str | bytes, body: bytes = b"", version: int = 4, **given: Any) -> bytes:
    """Knows qos, packet_id, retain, dup and props."""
    qos = given.get("qos", 0)
    flags = qos << 1 | (1 if given.get("retain") else 0) | (8 if given.get("dup") else 0)
    rest = string(topic)
    if qos:
        rest += struct.pack(">H", given.get("packet_id", 1))
    if version == 5:
        rest += properties(given.get("props"))
    return packet("PUBLISH", flags, rest + body)


def ack(kind: str, packet_id: int, reason: int | None = None, props: Any = None) -> bytes:
    rest = struct.pack(">H", packet_id)
    if reason is not None:
        rest += bytes([reason])
    if props is not None:
        rest += properties(props)
    return packet(kind, 2 if kind == "PUBREL" else 0, rest)


def subscribe(
    filters: list[tuple[str | bytes, int]], packet_id: int = 1, version: int = 4, props: Any = None
) -> bytes:
    """Each filter with its octet of options."""
    rest = struct.pack(">H", packet_id) + (properties(props) if version == 5 else b"")
    for topic_filter, options in filters:
        rest += string(topic_filter) + bytes([options])
    return packet("SUBSCRIBE", 2, rest)


def unsubscribe(
    filters: list[str], packet_id: int = 1, version: int = 4, props: Any = None
) -> bytes:
    rest = struct.pack(">H", packet_id) + (properties(props) if version == 5 else b"")
    return packet("UNSUBSCRIBE", 2, rest + b"".join(string(each) for each in filters))


def disconnect(reason: int | None = None, props: Any = None) -> bytes:
    rest = b"" if reason is None else bytes([reason])
    return packet("DISCONNECT", 0, rest + (properties(props) if props is not None else b""))


# --- decoding --------------------------------------------------------------------------------


class Packet:
    """One packet from the broker.  What its type does not have is None, False, "" or empty."""

    def __init__(self, kind: str, flags: int, rest: bytes) -> None:
        self.kind = kind
        self.flags = flags
        self.rest = rest
        self.packet_id: int | None = None
        self.reason: int | None = None
        self.codes: list[int] = []
        self.props: dict[str, Any] = {}
        self.is_session_present = False
        self.topic = ""
        self.body = b""
        self.qos = flags >> 1 & 3
        self.is_retained = flags & 1 == 1
        self.is_duplicate = flags & 8 == 8

    def __repr__(self) -> str:
        said = {k: v for k, v in vars(self).items() if v and k not in ("kind", "rest", "flags")}
        return f"{self.kind} {said}"


class Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, size: int) -> bytes:
        assert len(self.data) >= size, "the broker's packet ends before its last field"
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def octet(self) -> int:
        return self.take(1)[0]

    def short(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def variable(self) -> int:
        value, place = 0, 1
        while True:
            octet = self.octet()
            value += (octet & 127) * place
            place *= 128
            if octet < 128:
                return value

    def string(self) -> bytes:
        return self.take(self.short())

    def properties(self) -> dict[str, Any]:
        inner = Cursor(self.take(self.variable()))
        found: dict[str, Any] = {}
        while inner.data:
            name, kind = _NAMES[inner.variable()]
            value: Any
            if kind == "b":
                value = inner.octet()
            elif kind in "hl":
                value = int.from_bytes(inner.take(2 if kind == "h" else 4), "big")
            elif kind == "v":
                value = inner.variable()
            elif kind == "x":
                value = inner.string()
            elif kind == "s":
                value = inner.string().decode()
            else:
                value = (inner.string().decode(), inner.string().decode())
            if name in MANY:
                found.setdefault(name, []).append(value)
            else:
                assert name not in found, f"the broker sent {name} twice"
                found[name] = value
        return found


def decode(kind: str, flags: int, rest: bytes, version: int) -> Packet:
    found, cursor = Packet(kind, flags, rest), Cursor(rest)
    if kind == "CONNACK":
        found.is_session_present = cursor.octet() == 1
        found.reason = cursor.octet()
    elif kind == "PUBLISH":
        found.topic = cursor.string().decode()
        if found.qos:
            found.packet_id = cursor.short()
    elif kind in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP"):
        found.packet_id = cursor.short()
        found.reason = cursor.octet() if cursor.data else 0
    elif kind in ("SUBACK", "UNSUBACK"):
        found.packet_id = cursor.short()
    elif kind in ("DISCONNECT", "AUTH"):
        found.reason = cursor.octet() if cursor.data else 0
    if version == 5 and cursor.data:
        found.props = cursor.properties()
    if kind == "PUBLISH":
        found.body = cursor.data
    elif kind in ("SUBACK", "UNSUBACK"):
        found.codes = list(cursor.data)
    else:
        assert not cursor.data, f"octets to spare in {found}"
    return found


# --- the client ------------------------------------------------------------------------------


class MqttWire:
    """One connection.  ``version`` is the protocol level: 3, 4 or 5."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 1883, version: int = 4, timeout: float = 60.0
    ) -> None:
        self.version = version
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.buffer = b""
        self.ended = False
        # What came while `read` looked for something else.
        self.set_aside: list[Packet] = []
        self._last_id = 1000

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def end_output(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def send(self, octets: bytes) -> None:
        """Write now; that the broker is gone already shows when reading."""
        try:
            self.socket.sendall(octets)
        except OSError:
            pass

    # --- packets out ---

    def connect(self, client_id: str = "", **given: Any) -> Packet:
        """Send CONNECT, return the CONNACK."""
        self.send(connect(client_id, self.version, **given))
        return self.need("CONNACK")

    def publish(self, topic: str, body: bytes = b"", **given: Any) -> None:
        self.send(publish(topic, body, self.version, **given))

    def subscribe(self, *filters: str, qos: int = 0, options: int = 0, props: Any = None) -> Any:
        """Send SUBSCRIBE, return the codes of the SUBACK."""
        packet_id = self.next_id()
        pairs: list[tuple[str | bytes, int]] = [(each, qos | options) for each in filters]
        self.send(subscribe(pairs, packet_id, self.version, props))
        found = self.need("SUBACK")
        assert found.packet_id == packet_id
        return found.codes

    def unsubscribe(self, *filters: str) -> list[int]:
        packet_id = self.next_id()
        self.send(unsubscribe(list(filters), packet_id, self.version))
        found = self.need("UNSUBACK")
        assert found.packet_id == packet_id
        return found.codes

    def ack(self, kind: str, packet_id: int | None, reason: int | None = None) -> None:
        assert packet_id is not None
        self.send(ack(kind, packet_id, reason))

    def ping(self) -> None:
        """When this returns, the broker has handled all that was sent before."""
        self.send(packet("PINGREQ", 0, b""))
        self.need("PINGRESP")

    def disconnect(self, reason: int | None = None, props: Any = None) -> None:
        """Say goodbye and wait until the broker has closed."""
        self.send(disconnect(reason, props))
        while self.read() is not None:
            pass
        self.close()

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    # --- packets in ---

    def read(self, kind: str = "", timeout: float | None = None) -> Packet | None:
        """The next packet, or the next of ``kind``; None when the connection has ended.

        With a ``timeout`` also None when nothing came in that time; ``ended`` tells them apart.
        """
        for index, waiting in enumerate(self.set_aside):
            if not kind or waiting.kind == kind:
                return self.set_aside.pop(index)
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            found = self._parse()
            if found is None:
                if not self._receive(deadline):
                    assert timeout is not None or self.ended, f"no {kind or 'packet'} came in time"
                    return None
            elif not kind or found.kind == kind:
                return found
            else:
                self.set_aside.append(found)

    def need(self, kind: str) -> Packet:
        """The next packet of ``kind``, which must come; others are set aside."""
        found = self.read(kind)
        assert found is not None, f"closed while waiting for {kind}; before it: {self.set_aside}"
        return found

    def message(self) -> Packet:
        """The next PUBLISH, acknowledged as its QoS asks for."""
        found = self.need("PUBLISH")
        if found.qos == 1:
            self.ack("PUBACK", found.packet_id)
        elif found.qos == 2:
            self.ack("PUBREC", found.packet_id)
            assert self.need("PUBREL").packet_id == found.packet_id
            self.ack("PUBCOMP", found.packet_id)
        return found

    def messages_before_pong(self) -> list[Packet]:
        """What was on its way before the answer to a ping: nothing more is due from before it."""
        self.ping()
        found = [each for each in self.set_aside if each.kind == "PUBLISH"]
        self.set_aside = [each for each in self.set_aside if each.kind != "PUBLISH"]
        return found

    def _parse(self) -> Packet | None:
        data = self.buffer
        for size in range(2, 6):
            if len(data) < size:
                return None
            if data[size - 1] < 128:
                break
        length = Cursor(data[1:]).variable()
        if len(data) < size + length:
            return None
        self.buffer = data[size + length :]
        kind, flags = TYPES[data[0] >> 4], data[0] & 15
        return decode(kind, flags, data[size : size + length], self.version)

    def _receive(self, deadline: float) -> bool:
        if self.ended:
            return False
        self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            chunk = self.socket.recv(65536)
        except TimeoutError:
            return False
        except ConnectionError:
            chunk = b""
        self.ended = not chunk
        self.buffer += chunk
        return bool(chunk)
