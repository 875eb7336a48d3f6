"""AMQP 0-9-1 as a load generator needs it: frames and the dozen methods it sends.

::

    octet     short       long         size octets   octet
    +------+  +---------+  +---------+  +----------+  +-----+
    | type |  | channel |  |  size   |  | payload  |  | end |
    +------+  +---------+  +---------+  +----------+  +-----+

Shares nothing with the broker's own codec, so that a fault there cannot hide behind a twin here.
Source: AMQP 0-9-1 specification, section 4.2.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from leveret.octets import read_u16, write_i64, write_u16, write_u32
from leveret.tables import Table, table_octets

PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"

METHOD: Final = 1
HEADER: Final = 2
BODY: Final = 3
HEARTBEAT: Final = 8
END: Final = 0xCE
FRAME_HEAD: Final = 7  # octets before a payload
FRAME_EXTRA: Final = 8  # octets around a payload

CONNECTION_START: Final = 0x000A000A
CONNECTION_START_OK: Final = 0x000A000B
CONNECTION_TUNE: Final = 0x000A001E
CONNECTION_TUNE_OK: Final = 0x000A001F
CONNECTION_OPEN: Final = 0x000A0028
CONNECTION_OPEN_OK: Final = 0x000A0029
CONNECTION_CLOSE: Final = 0x000A0032
CONNECTION_CLOSE_OK: Final = 0x000A0033
CONNECTION_BLOCKED: Final = 0x000A003C
CONNECTION_UNBLOCKED: Final = 0x000A003D
CHANNEL_OPEN: Final = 0x0014000A
CHANNEL_OPEN_OK: Final = 0x0014000B
CHANNEL_CLOSE: Final = 0x00140028
CHANNEL_CLOSE_OK: Final = 0x00140029
EXCHANGE_DECLARE: Final = 0x0028000A
EXCHANGE_DECLARE_OK: Final = 0x0028000B
EXCHANGE_DELETE: Final = 0x00280014
EXCHANGE_DELETE_OK: Final = 0x00280015
QUEUE_DECLARE: Final = 0x0032000A
QUEUE_DECLARE_OK: Final = 0x0032000B
QUEUE_BIND: Final = 0x00320014
QUEUE_BIND_OK: Final = 0x00320015
QUEUE_DELETE: Final = 0x00320028
QUEUE_DELETE_OK: Final = 0x00320029
BASIC_QOS: Final = 0x003C000A
BASIC_QOS_OK: Final = 0x003C000B
BASIC_CONSUME: Final = 0x003C0014
BASIC_CONSUME_OK: Final = 0x003C0015
BASIC_CANCEL: Final = 0x003C001E
BASIC_PUBLISH: Final = 0x003C0028
BASIC_RETURN: Final = 0x003C0032
BASIC_DELIVER: Final = 0x003C003C
BASIC_ACK: Final = 0x003C0050
BASIC_NACK: Final = 0x003C0078
CONFIRM_SELECT: Final = 0x0055000A
CONFIRM_SELECT_OK: Final = 0x0055000B

_NAMES: Final[dict[int, str]] = {
    CONNECTION_START_OK: "connection.start-ok",
    CONNECTION_OPEN: "connection.open",
    CHANNEL_OPEN: "channel.open",
    EXCHANGE_DECLARE: "exchange.declare",
    EXCHANGE_DELETE: "exchange.delete",
    QUEUE_DECLARE: "queue.declare",
    QUEUE_BIND: "queue.bind",
    QUEUE_DELETE: "queue.delete",
    BASIC_QOS: "basic.qos",
    BASIC_CONSUME: "basic.consume",
    BASIC_PUBLISH: "basic.publish",
    BASIC_ACK: "basic.ack",
    CONFIRM_SELECT: "confirm.select",
}


def method_name(method: int) -> str:
    """The name of ``method`` in sentences, or its two numbers."""
    return _NAMES.get(method) or f"method {method >> 16}.{method & 0xFFFF}"


def write_short_text(out: BytesWriter, text: str) -> None:
    """Append ``text`` as a short string; it must fit 255 octets."""
    octets = text.encode()
    assert len(octets) < 256
    out.append(len(octets))
    out.write(octets)


def read_short_text(data: bytes, at: i64) -> tuple[str, i64]:
    """The short string at ``at`` and the position after it."""
    end = at + 1 + i64(data[at])
    return data[at + 1 : end].decode("utf-8", "replace"), end


def frame(kind: i64, channel: i64, payload: bytes) -> bytes:
    """One whole frame."""
    out = BytesWriter()
    out.append(kind)
    write_u16(out, channel)
    write_u32(out, len(payload))
    out.write(payload)
    out.append(END)
    return out.getvalue()


def start_method(method: i64) -> BytesWriter:
    """A method's payload, to be filled with its arguments."""
    out = BytesWriter()
    write_u32(out, method)
    return out


def bare(method: i64) -> bytes:
    """The payload of a method without arguments."""
    return start_method(method).getvalue()


def start_ok(user: str, password: str, properties: Table) -> bytes:
    """``connection.start-ok`` with SASL PLAIN."""
    out = start_method(CONNECTION_START_OK)
    out.write(table_octets(properties))
    write_short_text(out, "PLAIN")
    response = b"\0" + user.encode() + b"\0" + password.encode()
    write_u32(out, len(response))
    out.write(response)
    write_short_text(out, "en_US")
    return out.getvalue()


def tune_ok(channel_max: i64, frame_max: i64) -> bytes:
    """``connection.tune-ok`` without heartbeats."""
    out = start_method(CONNECTION_TUNE_OK)
    write_u16(out, channel_max)
    write_u32(out, frame_max)
    write_u16(out, 0)
    return out.getvalue()


def connection_open(vhost: str) -> bytes:
    """``connection.open``."""
    out = start_method(CONNECTION_OPEN)
    write_short_text(out, vhost)
    out.append(0)
    out.append(0)
    return out.getvalue()


def close(method: i64) -> bytes:
    """``connection.close`` or ``channel.close`` with 200, as it should be."""
    out = start_method(method)
    write_u16(out, 200)
    write_short_text(out, "done")
    write_u32(out, 0)
    return out.getvalue()


def channel_open() -> bytes:
    """``channel.open``."""
    out = start_method(CHANNEL_OPEN)
    out.append(0)
    return out.getvalue()


def exchange_declare(name: str, kind: str) -> bytes:
    """``exchange.declare`` of a durable exchange."""
    out = start_method(EXCHANGE_DECLARE)
    write_u16(out, 0)
    write_short_text(out, name)
    write_short_text(out, kind)
    out.append(0b10)  # durable
    out.write(table_octets({}))
    return out.getvalue()


def exchange_delete(name: str) -> bytes:
    """``exchange.delete``, whoever uses it."""
    out = start_method(EXCHANGE_DELETE)
    write_u16(out, 0)
    write_short_text(out, name)
    out.append(0)
    return out.getvalue()


def queue_declare(name: str, arguments: Table, passive: bool) -> bytes:
    """``queue.declare`` of a durable queue, or passive: only ask whether it is there.

    Durable, because RabbitMQ 4.3 refuses transient queues that several connections share.
    """
    out = start_method(QUEUE_DECLARE)
    write_u16(out, 0)
    write_short_text(out, name)
    out.append(0b1 if passive else 0b10)
    out.write(table_octets(arguments))
    return out.getvalue()


def queue_bind(queue: str, exchange: str, key: str) -> bytes:
    """``queue.bind``."""
    out = start_method(QUEUE_BIND)
    write_u16(out, 0)
    write_short_text(out, queue)
    write_short_text(out, exchange)
    write_short_text(out, key)
    out.append(0)
    out.write(table_octets({}))
    return out.getvalue()


def queue_delete(name: str) -> bytes:
    """``queue.delete``, with all that is in it."""
    out = start_method(QUEUE_DELETE)
    write_u16(out, 0)
    write_short_text(out, name)
    out.append(0)
    return out.getvalue()


def basic_qos(prefetch: i64) -> bytes:
    """``basic.qos`` for each consumer of the channel."""
    out = start_method(BASIC_QOS)
    write_u32(out, 0)
    write_u16(out, prefetch)
    out.append(0)
    return out.getvalue()


def basic_consume(queue: str, tag: str, no_ack: bool) -> bytes:
    """``basic.consume``."""
    out = start_method(BASIC_CONSUME)
    write_u16(out, 0)
    write_short_text(out, queue)
    write_short_text(out, tag)
    out.append(0b10 if no_ack else 0)
    out.write(table_octets({}))
    return out.getvalue()


def confirm_select() -> bytes:
    """``confirm.select``."""
    out = start_method(CONFIRM_SELECT)
    out.append(0)
    return out.getvalue()


def publish_frames(exchange: str, key: str, mandatory: bool, persistent: bool, size: int) -> bytes:
    """The method frame and the header frame of a message of ``size`` octets on channel 1."""
    method = start_method(BASIC_PUBLISH)
    write_u16(method, 0)
    write_short_text(method, exchange)
    write_short_text(method, key)
    method.append(1 if mandatory else 0)
    header = BytesWriter()
    write_u16(header, 60)
    write_u16(header, 0)
    write_i64(header, size)
    write_u16(header, 0x1000 if persistent else 0)  # the flag of delivery-mode
    if persistent:
        header.append(2)
    return frame(METHOD, 1, method.getvalue()) + frame(HEADER, 1, header.getvalue())


def read_close(payload: bytes) -> tuple[int, str, int]:
    """Code, text and the method at fault of a ``connection.close`` or ``channel.close``."""
    code = int(read_u16(payload, 4))
    text, at = read_short_text(payload, 6)
    return code, text, int(read_u16(payload, at)) << 16 | int(read_u16(payload, at + 2))


def body_frames(body: bytes, frame_max: int) -> bytes:
    """The body frames that carry ``body``; none for an empty one."""
    room = frame_max - FRAME_EXTRA
    out = BytesWriter()
    for start in range(0, len(body), room):
        part = body[start : start + room]
        out.append(BODY)
        write_u16(out, 1)
        write_u32(out, len(part))
        out.write(part)
        out.append(END)
    return out.getvalue()
