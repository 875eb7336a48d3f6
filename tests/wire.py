"""A raw AMQP 0-9-1 client for tests: every octet, frame and method is in the test's hand.

It shares no code with the broker, so that a mistake in the broker's codec cannot hide here.  A
blocking socket, no thread, no retry: `send` writes now, `read` waits for one method (with its
content) and returns None when the broker closed the connection.

    with Wire(port=port) as wire:
        wire.open()                                    # handshake as guest, channel 1
        wire.call("queue.declare", queue="q")          # -> Method queue.declare-ok
        wire.publish("", "q", b"hello", {"delivery_mode": 2})
        assert wire.call("basic.get", queue="q", no_ack=True).body == b"hello"

Table values may be plain Python or `Typed("l", 5)`, which fixes the wire type.  What is read back
in tables is always plain Python, unless the client was made with ``typed=True``.
"""

import socket
import struct
import time
from typing import Any, Final, Self

HEADER: Final = b"AMQP\x00\x00\x09\x01"
END: Final = 0xCE
METHOD, CONTENT, BODY, HEARTBEAT = 1, 2, 3, 8

# Field letters: o octet, h 16, l 32, L 64 bits, s short string, S long string, t table, b bit.
_SPEC: Final = """
10.10 connection.start o:version_major o:version_minor t:server_properties S:mechanisms S:locales
10.11 connection.start-ok t:client_properties s:mechanism S:response s:locale
10.20 connection.secure S:challenge
10.21 connection.secure-ok S:response
10.30 connection.tune h:channel_max l:frame_max h:heartbeat
10.31 connection.tune-ok h:channel_max l:frame_max h:heartbeat
10.40 connection.open s:virtual_host s:capabilities b:insist
10.41 connection.open-ok s:known_hosts
10.50 connection.close h:reply_code s:reply_text h:class_id h:method_id
10.51 connection.close-ok
10.60 connection.blocked s:reason
10.61 connection.unblocked
10.70 connection.update-secret S:new_secret s:reason
10.71 connection.update-secret-ok
20.10 channel.open s:out_of_band
20.11 channel.open-ok S:channel_id
20.20 channel.flow b:active
20.21 channel.flow-ok b:active
20.40 channel.close h:reply_code s:reply_text h:class_id h:method_id
20.41 channel.close-ok
30.10 access.request s:realm b:exclusive b:passive b:active b:write b:read
30.11 access.request-ok h:ticket
40.10 exchange.declare h:ticket s:exchange s:type b:passive b:durable b:auto_delete b:internal b:nowait t:arguments
40.11 exchange.declare-ok
40.20 exchange.delete h:ticket s:exchange b:if_unused b:nowait
40.21 exchange.delete-ok
40.30 exchange.bind h:ticket s:destination s:source s:routing_key b:nowait t:arguments
40.31 exchange.bind-ok
40.40 exchange.unbind h:ticket s:destination s:source s:routing_key b:nowait t:arguments
40.51 exchange.unbind-ok
50.10 queue.declare h:ticket s:queue b:passive b:durable b:exclusive b:auto_delete b:nowait t:arguments
50.11 queue.declare-ok s:queue l:message_count l:consumer_count
50.20 queue.bind h:ticket s:queue s:exchange s:routing_key b:nowait t:arguments
50.21 queue.bind-ok
50.30 queue.purge h:ticket s:queue b:nowait
50.31 queue.purge-ok l:message_count
50.40 queue.delete h:ticket s:queue b:if_unused b:if_empty b:nowait
50.41 queue.delete-ok l:message_count
50.50 queue.unbind h:ticket s:queue s:exchange s:routing_key t:arguments
50.51 queue.unbind-ok
60.10 basic.qos l:prefetch_size h:prefetch_count b:global
60.11 basic.qos-ok
60.20 basic.consume h:ticket s:queue s:consumer_tag b:no_local b:no_ack b:exclusive b:nowait t:arguments
60.21 basic.consume-ok s:consumer_tag
60.30 basic.cancel s:consumer_tag b:nowait
60.31 basic.cancel-ok s:consumer_tag
60.40 basic.publish h:ticket s:exchange s:routing_key b:mandatory b:immediate
60.50 basic.return h:reply_code s:reply_text s:exchange s:routing_key
60.60 basic.deliver s:consumer_tag L:delivery_tag b:redelivered s:exchange s:routing_key
60.70 basic.get h:ticket s:queue b:no_ack
60.71 basic.get-ok L:delivery_tag b:redelivered s:exchange s:routing_key l:message_count
60.72 basic.get-empty s:cluster_id
60.80 basic.ack L:delivery_tag b:multiple
60.90 basic.reject L:delivery_tag b:requeue
60.100 basic.recover-async b:requeue
60.110 basic.recover b:requeue
60.111 basic.recover-ok
60.120 basic.nack L:delivery_tag b:multiple b:requeue
85.10 confirm.select b:nowait
85.11 confirm.select-ok
90.10 tx.select
90.11 tx.select-ok
90.20 tx.commit
90.21 tx.commit-ok
90.30 tx.rollback
90.31 tx.rollback-ok
"""  # noqa: E501

PROPERTIES: Final = (
    ("content_type", "s"),
    ("content_encoding", "s"),
    ("headers", "t"),
    ("delivery_mode", "o"),
    ("priority", "o"),
    ("correlation_id", "s"),
    ("reply_to", "s"),
    ("expiration", "s"),
    ("message_id", "s"),
    ("timestamp", "L"),
    ("type", "s"),
    ("user_id", "s"),
    ("app_id", "s"),
    ("cluster_id", "s"),
)

Fields = list[tuple[str, str]]


def _parse_spec() -> dict[str, tuple[int, int, Fields]]:
    spec: dict[str, tuple[int, int, Fields]] = {}
    for line in _SPEC.strip().splitlines():
        number, name, *fields = line.split()
        class_id, method_id = number.split(".")
        pairs = [(text[0], text[2:]) for text in fields]
        spec[name] = (int(class_id), int(method_id), pairs)
    return spec


SPEC: Final = _parse_spec()
NAMES: Final = {(class_id, method_id): name for name, (class_id, method_id, _) in SPEC.items()}
WITH_CONTENT: Final = {"basic.deliver", "basic.return", "basic.get-ok"}
# What the broker sends of its own accord: `call` looks past it for the reply.
UNASKED: Final = {"basic.deliver", "basic.return", "basic.ack", "basic.nack", "basic.cancel"}


class Typed:
    """A table value with its wire type; ``value`` as plain Python (array: list, table: dict)."""

    def __init__(self, kind: str, value: Any = None) -> None:
        self.kind = kind
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Typed) and (self.kind, self.value) == (other.kind, other.value)

    def __hash__(self) -> int:
        return hash(self.kind)

    def __repr__(self) -> str:
        return f"{self.kind}:{self.value!r}"


_PACKED: Final = {"b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q"}
_PACKED |= {"L": ">q", "f": ">f", "d": ">d", "T": ">Q", "t": ">?"}


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def short(text: str | bytes) -> bytes:
    """A short string."""
    octets = _octets(text)
    return bytes([len(octets)]) + octets


def long(text: str | bytes) -> bytes:
    """A long string."""
    octets = _octets(text)
    return struct.pack(">I", len(octets)) + octets


def typed(value: Any) -> Typed:
    """``value`` with the wire type that suits it."""
    if isinstance(value, Typed):
        return value
    if value is None or isinstance(value, bool | float | str | bytes | dict | list):
        kinds = {"NoneType": "V", "bool": "t", "float": "d", "str": "S", "bytes": "x"}
        return Typed((kinds | {"dict": "F", "list": "A"})[type(value).__name__], value)
    return Typed("I" if -(1 << 31) <= value < 1 << 31 else "l", value)


def encode_value(value: Any) -> bytes:
    """A table value: kind octet and content."""
    field = typed(value)
    kind, content = field.kind, field.value
    if kind in _PACKED:
        octets = struct.pack(_PACKED[kind], content)
    elif kind == "V":
        octets = b""
    elif kind == "D":
        octets = struct.pack(">BI", *content)
    elif kind == "F":
        octets = encode_table(content)
    elif kind == "A":
        octets = long(b"".join(encode_value(each) for each in content))
    else:
        octets = long(content)
    return kind.encode("latin-1") + octets


def encode_table(table: dict[str, Any] | bytes) -> bytes:
    """A table with its size; octets are taken for a table that was encoded by hand."""
    if isinstance(table, bytes):
        return table
    return long(b"".join(short(name) + encode_value(value) for name, value in table.items()))


class Reader:
    """Reads fields from ``data`` one after the other."""

    def __init__(self, data: bytes, *, keep_types: bool = False) -> None:
        self.data = data
        self.at = 0
        self.keep_types = keep_types

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise AssertionError(f"the broker sent a truncated payload: {self.data!r}")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, size_form: str) -> str:
        return self.take(self.number(size_form)).decode("utf-8", "surrogateescape")

    def table(self) -> dict[str, Any]:
        end = self.number(">I") + self.at
        table = {}
        while self.at < end:
            name = self.text(">B")
            table[name] = self.value()
        return table

    def value(self) -> Any:
        kind = chr(self.take(1)[0])
        value: Any = None
        if kind in _PACKED:
            value = self.number(_PACKED[kind])
        elif kind == "S":
            value = self.text(">I")
        elif kind == "x":
            value = self.take(self.number(">I"))
        elif kind == "D":
            value = (self.number(">B"), self.number(">I"))
        elif kind == "F":
            value = self.table()
        elif kind == "A":
            end = self.number(">I") + self.at
            value = []
            while self.at < end:
                value.append(self.value())
        elif kind != "V":
            raise AssertionError(f"the broker sent a table value of kind {kind!r}")
        return Typed(kind, value) if self.keep_types else value

    def field(self, letter: str) -> Any:
        if letter == "t":
            return self.table()
        if letter in "sS":
            return self.text(">B" if letter == "s" else ">I")
        return self.number({"o": ">B", "h": ">H", "l": ">I", "L": ">Q"}[letter])


def encode_fields(fields: Fields, values: dict[str, Any]) -> bytes:
    """The arguments of a method; what is not given is empty, zero or false."""
    unknown = set(values) - {name for _, name in fields}
    assert not unknown, f"no such field: {unknown}"
    out = b""
    bits = ""
    for letter, name in fields:
        if letter == "b":
            bits = str(int(bool(values.get(name)))) + bits
            continue
        if bits:
            out, bits = out + bytes([int(bits, 2)]), ""
        out += _encode_field(letter, values.get(name))
    return out + (bytes([int(bits, 2)]) if bits else b"")


def _encode_field(letter: str, value: Any) -> bytes:
    if letter == "t":
        return encode_table(value or {})
    if letter in "sS":
        return (short if letter == "s" else long)(value or "")
    return struct.pack({"o": ">B", "h": ">H", "l": ">I", "L": ">Q"}[letter], value or 0)


def encode_method(name: str, **values: Any) -> bytes:
    """The payload of a method frame.  The field `global` may be written `global_`."""
    class_id, method_id, fields = SPEC[name]
    values = {key.rstrip("_"): value for key, value in values.items()}
    return struct.pack(">HH", class_id, method_id) + encode_fields(fields, values)


def encode_header(size: int, properties: dict[str, Any], class_id: int = 60) -> bytes:
    """The payload of a content header frame."""
    flags, octets = 0, b""
    for index, (name, letter) in enumerate(PROPERTIES):
        if name in properties:
            flags |= 1 << (15 - index)
            octets += _encode_field(letter, properties[name])
    assert set(properties) <= {name for name, _ in PROPERTIES}
    return struct.pack(">HHQH", class_id, 0, size, flags) + octets


def frame(kind: int, channel: int, payload: bytes, end: int = END) -> bytes:
    """A frame as it travels."""
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + bytes([end])


def method(channel: int, name: str, **values: Any) -> bytes:
    """A method frame as it travels."""
    return frame(METHOD, channel, encode_method(name, **values))


class Frame:
    """One frame that the broker sent."""

    def __init__(self, kind: int, channel: int, payload: bytes) -> None:
        self.kind = kind
        self.channel = channel
        self.payload = payload

    def __repr__(self) -> str:
        return f"Frame({self.kind}, {self.channel}, {self.payload!r})"


class Method:
    """One method that the broker sent, with its content if it has one.

    Fields are attributes: ``reply.message_count``; so are ``channel``, ``name``, ``properties``,
    ``body`` and ``frames`` (the sizes of its body frames).
    """

    def __init__(self, channel: int, name: str, fields: dict[str, Any]) -> None:
        self.channel = channel
        self.name = name
        self.fields = fields
        self.properties: dict[str, Any] = {}
        self.body = b""
        self.frames: list[int] = []

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["fields"][name.rstrip("_")]
        except KeyError:
            raise AttributeError(f"{self!r} has no field {name}") from None

    def __repr__(self) -> str:
        fields = " ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"{self.channel} {self.name} {fields}".rstrip()


class Silence(AssertionError):
    """The broker sent nothing in time."""


class Wire:
    """One connection.  See the module's docstring."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 5672,
        *,
        timeout: float = 5.0,
        typed: bool = False,
    ) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.keep_types = typed
        self.frame_max = 131072
        self.buffer = b""
        self.ended = False
        self.start: Method | None = None
        self.tune: Method | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    # --- writing -----------------------------------------------------------------------------

    def send_octets(self, octets: bytes) -> None:
        """Write octets as they are.  A connection that the broker closed swallows them."""
        try:
            self.socket.sendall(octets)
        except (ConnectionError, TimeoutError):
            pass

    def send_frame(self, kind: int, channel: int, payload: bytes, end: int = END) -> None:
        self.send_octets(frame(kind, channel, payload, end))

    def send(self, name: str, channel: int = 1, **values: Any) -> None:
        """Send a method and wait for nothing."""
        self.send_octets(method(channel, name, **values))

    def publish(
        self,
        exchange: str,
        routing_key: str,
        body: bytes = b"",
        properties: dict[str, Any] | None = None,
        channel: int = 1,
        **flags: Any,
    ) -> None:
        """Send basic.publish with its content, the body cut at the frame size."""
        values = {"exchange": exchange, "routing_key": routing_key, **flags}
        octets = method(channel, "basic.publish", **values)
        octets += frame(CONTENT, channel, encode_header(len(body), properties or {}))
        step = self.frame_max - 8
        for at in range(0, len(body), step):
            octets += frame(BODY, channel, body[at : at + step])
        self.send_octets(octets)

    # --- reading -----------------------------------------------------------------------------

    def read_octets(self, size: int, timeout: float | None = None) -> bytes | None:
        """Exactly ``size`` octets; None when the connection ends before.  Raises Silence."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while len(self.buffer) < size and not self.ended:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                chunk = self.socket.recv(1 << 18)
            except TimeoutError:
                raise Silence(f"nothing came; so far {self.buffer!r}") from None
            except ConnectionError:
                chunk = b""
            finally:
                self.socket.settimeout(self.timeout)
            self.buffer += chunk
            self.ended = not chunk
        if len(self.buffer) < size:
            return None
        octets, self.buffer = self.buffer[:size], self.buffer[size:]
        return octets

    def read_frame(self, timeout: float | None = None) -> Frame | None:
        """The next frame; None when the connection ended.  Raises Silence."""
        head = self.read_octets(7, timeout)
        if head is None:
            return None
        kind, channel, size = struct.unpack(">BHI", head)
        rest = self.read_octets(size + 1)
        if rest is None:
            return None
        assert rest[-1] == END, f"the broker sent a bad end octet: {head + rest!r}"
        return Frame(kind, channel, rest[:-1])

    def read(self, timeout: float | None = None) -> Method | None:
        """The next method with its content, past heartbeats; None when the connection ended."""
        got = self.read_frame(timeout)
        while got is not None and got.kind == HEARTBEAT:
            got = self.read_frame(timeout)
        if got is None:
            return None
        assert got.kind == METHOD, f"expected a method, got {got!r}"
        reader = Reader(got.payload, keep_types=self.keep_types)
        name = NAMES[(reader.number(">H"), reader.number(">H"))]
        reply = Method(got.channel, name, self._fields(reader, SPEC[name][2]))
        assert reader.at == len(got.payload), f"octets left over in {got!r}"
        if name in WITH_CONTENT:
            self._read_content(reply)
        return reply

    def _fields(self, reader: Reader, fields: Fields) -> dict[str, Any]:
        values: dict[str, Any] = {}
        bit, octet = 8, 0
        for letter, name in fields:
            if letter != "b":
                bit, values[name] = 8, reader.field(letter)
                continue
            if bit == 8:
                bit, octet = 0, reader.number(">B")
            values[name] = bool(octet & 1 << bit)
            bit += 1
        return values

    def _read_content(self, reply: Method) -> None:
        head = self.read_frame()
        assert head is not None and head.kind == CONTENT and head.channel == reply.channel, head
        reader = Reader(head.payload, keep_types=self.keep_types)
        class_id, weight, size, flags = (reader.number(form) for form in (">H", ">H", ">Q", ">H"))
        assert (class_id, weight) == (60, 0), head
        for index, (name, letter) in enumerate(PROPERTIES):
            if flags & 1 << (15 - index):
                reply.properties[name] = reader.field(letter)
        assert reader.at == len(head.payload), f"octets left over in {head!r}"
        while len(reply.body) < size:
            part = self.read_frame()
            assert part is not None and part.kind == BODY and part.channel == reply.channel, part
            reply.frames.append(len(part.payload))
            reply.body += part.payload
        assert len(reply.body) == size

    def read_all(self, idle: float = 0.2) -> list[Method]:
        """Every method until nothing came for ``idle`` seconds or the connection ended."""
        got = []
        while True:
            try:
                one = self.read(idle)
            except Silence:
                return got
            if one is None:
                return got
            got.append(one)

    def call(self, name: str, channel: int = 1, **values: Any) -> Method:
        """Send a method and return its reply (or the close), past deliveries and confirms."""
        self.send(name, channel, **values)
        while True:
            reply = self.read()
            assert reply is not None, f"the connection ended after {name}"
            if reply.name not in UNASKED:
                return reply

    def expect(self, name: str, timeout: float | None = None) -> Method:
        """The next method, which must be ``name``."""
        got = self.read(timeout)
        assert got is not None and got.name == name, f"expected {name}, got {got!r}"
        return got

    # --- the usual beginnings and ends -------------------------------------------------------

    def open(
        self,
        user: str = "guest",
        password: str = "guest",
        vhost: str = "/",
        *,
        properties: dict[str, Any] | None = None,
        tune: dict[str, int] | None = None,
        channels: tuple[int, ...] = (1,),
    ) -> Method:
        """Do the handshake and open ``channels``; returns open-ok, or whatever came instead."""
        self.send_octets(HEADER)
        self.start = self.expect("connection.start")
        if properties is None:
            names = ("consumer_cancel_notify", "authentication_failure_close", "basic.nack")
            properties = {"capabilities": dict.fromkeys(names, True)}
        response = f"\0{user}\0{password}"
        start_ok = {"client_properties": properties, "mechanism": "PLAIN", "locale": "en_US"}
        reply = self.call("connection.start-ok", 0, response=response, **start_ok)
        if reply.name != "connection.tune":
            return reply
        self.tune = reply
        values = {"channel_max": reply.channel_max, "frame_max": reply.frame_max, "heartbeat": 0}
        values |= tune or {}
        self.frame_max = values["frame_max"]
        self.send("connection.tune-ok", 0, **values)
        reply = self.call("connection.open", 0, virtual_host=vhost)
        for channel in channels if reply.name == "connection.open-ok" else ():
            opened = self.call("channel.open", channel)
            assert opened.name == "channel.open-ok", opened
        return reply

    def close(self) -> None:
        """Say goodbye and wait for the answer."""
        self.send("connection.close", 0, reply_code=200, reply_text="Goodbye")
        try:
            while (got := self.read()) is not None and got.name != "connection.close-ok":
                pass
        finally:
            self.drop()

    def end_output(self) -> None:
        """Tell the broker that nothing more will be sent; reading goes on."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def drop(self) -> None:
        """Close the socket without a word."""
        self.ended = True
        self.socket.close()
