"""What to say to frames that have no place here, and to peers that speak something else."""

from mypy_extensions import i64

from leveret.amqp091.replies import AmqpFault, FrameFault
from leveret.amqp091.spec import (
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    UNEXPECTED_FRAME,
)
from leveret.terms import frame as frame_term


def looks_like(header: bytes) -> str:
    """What the first octets of a stranger look like, for the log."""
    if header.startswith(b"\x16\x03"):
        return ", but as TLS, which this port does not speak"
    if header.split(b" ")[0] in (b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE"):
        return ", but as HTTP"
    if header.startswith(b"AMQP"):
        return f", but as AMQP {'-'.join([str(octet) for octet in header[4:]])}"
    if header.startswith((b"PROXY ", b"\r\n\r\n\x00\r\nQ")):
        return (
            ", but with a PROXY header: proxy_protocol is false, or its address is not in"
            " proxy_protocol_sources"
        )
    if header[:1] == b"\x10" and b"\x00\x04MQ" in header:
        return ", but as MQTT"
    if header.startswith((b"CONNECT\n", b"STOMP\n")):
        return ", but as STOMP"
    return ""


def strange(kind: i64, payload: bytes) -> AmqpFault:
    """The refusal of a frame that has no place on its channel."""
    if kind in (FRAME_METHOD, FRAME_HEADER, FRAME_BODY, FRAME_HEARTBEAT):
        return AmqpFault(UNEXPECTED_FRAME, frame_term(int(kind), payload), 0)
    return unknown(kind, payload)


def unknown(kind: i64, payload: bytes) -> FrameFault:
    """The refusal of a frame of no known kind or form."""
    return FrameFault(f"{frame_term(int(kind), payload)}: unknown_frame")
