"""Faults of frames and methods, channels, and what happens to frames after a close.

Not here: a channel.close-ok that nobody asked for.  RabbitMQ ignores it or closes the connection,
whichever of its processes is quicker.
"""

from typing import Any

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage
from tests.wire import (
    BODY,
    CONTENT,
    HEARTBEAT,
    METHOD,
    encode_header,
    encode_method,
    encode_table,
    encode_value,
    frame,
    long,
    method,
    short,
)


def _fault(c: Stage, octets: bytes, **options: Any) -> Peer:
    """Send octets on a connection of its own and record what comes of it."""
    p = c.peer(**options)
    p.send_octets(octets)
    p.take()
    return p


def scenario_frame_bad_end(c: Stage) -> Trace:
    _fault(c, frame(METHOD, 1, encode_method("basic.qos"), end=0xCD))
    _fault(c, frame(METHOD, 0, encode_method("connection.close"), end=0))
    _fault(c, frame(HEARTBEAT, 0, b"", end=0))
    return c.trace


def scenario_frame_unknown_type(c: Stage) -> Trace:
    for kind in (0, 4, 7, 9, 255):
        _fault(c, frame(kind, 1, b""))
    return c.trace


def scenario_frame_unknown_type_on_channel_0(c: Stage) -> Trace:
    _fault(c, frame(5, 0, b"abc"))
    _fault(c, frame(CONTENT, 0, encode_header(0, {})))
    _fault(c, frame(BODY, 0, b"abc"))
    return c.trace


def scenario_frame_too_large(c: Stage) -> Trace:
    _fault(c, frame(BODY, 1, b"x" * 131065))
    _fault(c, frame(METHOD, 1, b"x" * 200000))
    _fault(c, frame(BODY, 1, b"x" * 8185), tune={"frame_max": 8192})
    return c.trace


def scenario_frame_of_the_largest_size(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.publish("", q, b"x" * 131064)
    p.get(q)
    return c.trace


def scenario_heartbeat_on_a_channel(c: Stage) -> Trace:
    _fault(c, frame(HEARTBEAT, 1, b""))
    _fault(c, frame(HEARTBEAT, 7, b""))
    return c.trace


def scenario_heartbeat_with_payload(c: Stage) -> Trace:
    p = c.peer()
    p.send_frame(HEARTBEAT, 0, b"abc")
    p.settle()
    return c.trace


def scenario_heartbeats_are_harmless(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.send_octets(method(1, "basic.publish", routing_key=q) + frame(HEARTBEAT, 0, b""))
    p.send_octets(frame(CONTENT, 1, encode_header(1, {})) + frame(HEARTBEAT, 0, b""))
    p.send_octets(frame(BODY, 1, b"x"))
    p.get(q)
    return c.trace


def scenario_content_header_without_method(c: Stage) -> Trace:
    _fault(c, frame(CONTENT, 1, encode_header(0, {})))
    return c.trace


def scenario_content_body_without_method(c: Stage) -> Trace:
    _fault(c, frame(BODY, 1, b"abc"))
    return c.trace


def scenario_content_body_without_header(c: Stage) -> Trace:
    _fault(c, method(1, "basic.publish") + frame(BODY, 1, b"abc"))
    return c.trace


def scenario_content_method_instead_of_header(c: Stage) -> Trace:
    _fault(c, method(1, "basic.publish") + method(1, "basic.qos"))
    return c.trace


def scenario_content_method_instead_of_body(c: Stage) -> Trace:
    octets = method(1, "basic.publish") + frame(CONTENT, 1, encode_header(3, {}))
    _fault(c, octets + method(1, "basic.qos"))
    return c.trace


def scenario_content_header_twice(c: Stage) -> Trace:
    header = frame(CONTENT, 1, encode_header(3, {}))
    _fault(c, method(1, "basic.publish") + header + header)
    return c.trace


def scenario_content_body_too_long(c: Stage) -> Trace:
    octets = method(1, "basic.publish") + frame(CONTENT, 1, encode_header(3, {}))
    _fault(c, octets + frame(BODY, 1, b"abcd") + _probe())
    _fault(c, octets + frame(BODY, 1, b"ab") + frame(BODY, 1, b"cd") + _probe())
    return c.trace


def scenario_content_body_after_an_empty_one(c: Stage) -> Trace:
    octets = method(1, "basic.publish") + frame(CONTENT, 1, encode_header(0, {}))
    _fault(c, octets + frame(BODY, 1, b"x"))
    return c.trace


def scenario_content_header_of_another_class(c: Stage) -> Trace:
    for class_id in (50, 0, 61):
        _fault(
            c,
            method(1, "basic.publish") + frame(CONTENT, 1, encode_header(0, {}, class_id=class_id)),
        )
    return c.trace


def scenario_content_header_with_weight(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    header = encode_header(0, {})
    octets = method(1, "basic.publish", routing_key=q)
    p.send_octets(octets + frame(CONTENT, 1, header[:2] + b"\x00\x01" + header[4:]))
    p.settle()
    return c.trace


def scenario_content_header_truncated(c: Stage) -> Trace:
    header = encode_header(0, {"content_type": "text/plain", "headers": {"a": 1}})
    for size in (0, 5, 13, 20, len(header) - 1):
        _fault(c, method(1, "basic.publish") + frame(CONTENT, 1, header[:size]))
    return c.trace


def scenario_content_header_with_octets_left_over(c: Stage) -> Trace:
    header = encode_header(0, {"content_type": "text/plain"})
    _fault(c, method(1, "basic.publish") + frame(CONTENT, 1, header + b"more") + _probe())
    return c.trace


def scenario_content_header_with_unknown_flags(c: Stage) -> Trace:
    header = encode_header(0, {})
    for flags in (b"\x00\x02", b"\x00\x01\x00\x00"):
        _fault(c, method(1, "basic.publish") + frame(CONTENT, 1, header[:12] + flags) + _probe())
    return c.trace


def scenario_content_headers_malformed(c: Stage) -> Trace:
    start = encode_header(0, {})[:12] + b"\x20\x00"
    for table in (
        b"\x00\x00\x00\x05\x01aI\x00\x00",
        b"\x00\x00\x00\x03\x01a?",
        b"\xff\xff\xff\xff",
    ):
        _fault(c, method(1, "basic.publish") + frame(CONTENT, 1, start + table) + _probe())
    return c.trace


def _probe() -> bytes:
    return method(1, "basic.qos")


def scenario_content_of_enormous_size(c: Stage) -> Trace:
    octets = method(1, "basic.publish") + frame(CONTENT, 1, encode_header((1 << 64) - 1, {}))
    _fault(c, octets + _probe())
    return c.trace


def scenario_content_of_1_gib(c: Stage) -> Trace:
    octets = method(1, "basic.publish") + frame(CONTENT, 1, encode_header(1 << 30, {}))
    _fault(c, octets + _probe())
    return c.trace


def scenario_method_unknown(c: Stage) -> Trace:
    for ids in (b"\x00\x3c\x00\x63", b"\x00\x63\x00\x0a", b"\x00\x00\x00\x00"):
        _fault(c, frame(METHOD, 1, ids))
    return c.trace


def scenario_method_unknown_on_channel_0(c: Stage) -> Trace:
    _fault(c, frame(METHOD, 0, b"\x00\x0a\x00\x63"))
    _fault(c, frame(METHOD, 0, b"\x00\x63\x00\x0a"))
    return c.trace


def scenario_method_of_a_server(c: Stage) -> Trace:
    for name in ("queue.declare-ok", "tx.select-ok"):
        _fault(c, method(1, name))
    for name in ("basic.deliver", "basic.return", "basic.get-ok"):
        _fault(c, method(1, name) + frame(CONTENT, 1, encode_header(0, {})))
    return c.trace


def scenario_method_of_a_server_more(c: Stage) -> Trace:
    for name in ("channel.open-ok", "confirm.select-ok", "basic.qos-ok"):
        _fault(c, method(1, name))
    return c.trace


def scenario_method_basic_cancel_ok(c: Stage) -> Trace:
    _fault(c, method(1, "basic.cancel-ok", consumer_tag="t") + _probe())
    return c.trace


def scenario_method_channel_flow_ok(c: Stage) -> Trace:
    _fault(c, method(1, "channel.flow-ok", active=True) + _probe())
    _fault(c, method(1, "channel.flow-ok") + _probe())
    return c.trace


def scenario_method_of_channel_on_channel_0(c: Stage) -> Trace:
    _fault(c, method(0, "basic.qos"))
    _fault(c, method(0, "queue.declare"))
    _fault(c, method(0, "channel.open"))
    _fault(c, method(0, "channel.close"))
    return c.trace


def scenario_method_of_connection_on_a_channel(c: Stage) -> Trace:
    _fault(c, method(1, "connection.close"))
    _fault(c, method(1, "connection.open"))
    _fault(c, method(9, "connection.close"))
    return c.trace


def scenario_method_of_connection_in_wrong_state(c: Stage) -> Trace:
    _fault(c, method(0, "connection.start-ok"))
    _fault(c, method(0, "connection.tune-ok"))
    _fault(c, method(0, "connection.secure-ok"))
    return c.trace


def scenario_method_of_server_connection(c: Stage) -> Trace:
    _fault(c, method(0, "connection.open-ok"))
    _fault(c, method(0, "connection.blocked"))
    _fault(c, method(0, "connection.start"))
    return c.trace


def scenario_method_connection_close_ok_unasked(c: Stage) -> Trace:
    p = c.peer()
    p.send("connection.close-ok", 0)
    p.take()
    return c.trace


def scenario_method_on_unopened_channel(c: Stage) -> Trace:
    _fault(c, method(5, "basic.qos"))
    _fault(c, method(5, "channel.close"))
    _fault(c, method(5, "queue.declare", nowait=True))
    _fault(c, method(5, "basic.publish") + frame(CONTENT, 5, encode_header(0, {})))
    return c.trace


def scenario_content_on_unopened_channel(c: Stage) -> Trace:
    _fault(c, frame(CONTENT, 5, encode_header(0, {})))
    _fault(c, frame(BODY, 5, b"abc"))
    return c.trace


def scenario_method_on_a_closed_channel(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    p.call("channel.close", 2)
    p.send("basic.qos", 2)
    p.take()
    return c.trace


def scenario_channel_open_twice(c: Stage) -> Trace:
    p = c.peer()
    p.call("channel.open", 1)
    return c.trace


def scenario_channel_reopened(c: Stage) -> Trace:
    p = c.peer()
    for _ in range(3):
        p.call("channel.close", 1, reply_code=200)
        p.call("channel.open", 1)
    p.call("confirm.select")
    p.call("channel.close", 1)
    p.call("channel.open", 1)
    p.call("tx.select")
    return c.trace


def scenario_channel_closing_swallows_frames(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p)
    p.call("queue.declare", 1, queue=c.q("missing"), passive=True)
    p.send("queue.declare", 1, queue=c.q("never"))
    p.send("basic.ack", 1, delivery_tag=99)
    p.publish("", q, b"swallowed")
    p.settle(2)
    p.get(q, 2)
    p.send("channel.close-ok", 1)
    p.call("channel.open", 1)
    p.call("queue.declare", 1, queue=c.q("never"), passive=True)
    return c.trace


def scenario_channel_closing_answers_close(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    p.call("queue.declare", 1, queue=c.q("missing"), passive=True)
    p.send("channel.close", 1, reply_code=200)
    p.take()
    p.send("channel.close-ok", 1)
    p.call("channel.open", 1)
    return c.trace


def scenario_channel_open_while_closing(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    p.call("queue.declare", 1, queue=c.q("missing"), passive=True)
    p.send("channel.open", 1)
    p.take()
    return c.trace


def scenario_channel_closed_in_the_middle_of_content(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    octets = method(1, "basic.publish") + frame(CONTENT, 1, encode_header(9, {}))
    p.send_octets(octets + method(1, "channel.close"))
    p.take()
    return c.trace


def scenario_channel_flow(c: Stage) -> Trace:
    p = c.peer()
    p.call("channel.flow", active=True)
    p.call("channel.flow", active=False)
    return c.trace


def scenario_access_request(c: Stage) -> Trace:
    p = c.peer()
    p.call("access.request", realm="/data", active=True, read=True)
    p.call("queue.declare", queue=c.q(), ticket=1)
    p.call("queue.declare", queue=c.q(), ticket=77)
    return c.trace


def scenario_method_payload_truncated(c: Stage) -> Trace:
    payload = encode_method("queue.declare", queue="name", arguments={"a": 1})
    for size in (0, 2, 4, 6, 9, 11, 12, 14, len(payload) - 1):
        _fault(c, frame(METHOD, 1, payload[:size]))
    return c.trace


def scenario_method_payload_with_octets_left_over(c: Stage) -> Trace:
    _fault(c, frame(METHOD, 1, encode_method("basic.qos") + b"x"))
    _fault(c, frame(METHOD, 1, encode_method("queue.declare", queue="n", passive=True) + b"more"))
    return c.trace


def scenario_method_payload_of_several_frames(c: Stage) -> Trace:
    payload = encode_method("queue.declare", queue="n")
    _fault(c, frame(METHOD, 1, payload[:8]) + frame(METHOD, 1, payload[8:]))
    return c.trace


def _declare_with(c: Stage, table: bytes) -> None:
    payload = encode_method("queue.declare", queue=c.q(), passive=True)[:-4]
    _fault(c, frame(METHOD, 1, payload + table))


def scenario_arguments_malformed(c: Stage) -> Trace:
    tables = {
        "size beyond the frame": b"\x00\x00\x01\x00",
        "size of 4 GiB": b"\xff\xff\xff\xff",
        "size too small": b"\x00\x00\x00\x03\x01aI\x00\x00\x00\x05",
        "unknown kind": long(b"\x01a?\x00"),
        "value beyond the table": long(b"\x01al\x00\x00"),
        "text beyond the table": long(b"\x01aS\x00\x00\x00\xff"),
        "name beyond the table": long(b"\xffab"),
        "inner table beyond the outer": long(b"\x01aF\x00\x00\x00\x50"),
        "array cut inside a value": long(b"\x01aA\x00\x00\x00\x02I\x00"),
    }
    for name, table in tables.items():
        c.note(name)
        _declare_with(c, table)
    return c.trace


def scenario_arguments_nested(c: Stage) -> Trace:
    for depth in (2, 20):
        value: Any = 1
        for _ in range(depth):
            value = {"a": value}
        _declare_with(c, encode_table({"a": value}))
        value = 1
        for _ in range(depth):
            value = [value]
        _declare_with(c, encode_table({"a": value}))
    return c.trace


def scenario_arguments_nested_deeply(c: Stage) -> Trace:
    value: Any = 1
    for _ in range(100):
        value = {"a": value}
    _declare_with(c, encode_table({"a": value}))
    return c.trace


def scenario_arguments_of_empty_names(c: Stage) -> Trace:
    _declare_with(c, encode_table({"": 1}))
    _declare_with(c, long(short("a") + encode_value(1) + short("a") + encode_value(2)))
    return c.trace


def scenario_bit_field_with_other_bits(c: Stage) -> Trace:
    payload = encode_method("queue.declare", queue=c.q())
    _fault(c, frame(METHOD, 1, payload[:-5] + b"\xe1" + payload[-4:]))
    return c.trace


def scenario_text_is_not_utf8(c: Stage) -> Trace:
    c.attempt("queue.declare", queue=b"\xff\xfe", passive=True)
    c.attempt("queue.declare", queue=b"caf\xe9", passive=True)
    c.attempt("exchange.declare", exchange=b"\xff", type="direct", passive=True)
    c.attempt_publish("", b"\xff\xfe", b"x")  # type: ignore[arg-type]
    c.attempt_publish("amq.topic", b"\xff.\xfe", b"x")  # type: ignore[arg-type]
    return c.trace


def scenario_text_with_nul(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, "a\0b")
    p.publish("", q, b"x")
    p.get(q)
    return c.trace


def scenario_consumer_tag_is_not_utf8(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.call("basic.consume", queue=q, consumer_tag=b"\xff\xfe")
    return c.trace


def scenario_header_text_is_not_utf8(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    headers = long(b"\x02\xff\xfeS" + long(b"\xff\xfe"))
    p.publish("", q, b"\xff\xfe", {"headers": headers, "correlation_id": b"\xff\xfe"})
    p.empty(q)
    return c.trace


def scenario_many_channels(c: Stage) -> Trace:
    p = c.peer(channels=())
    p.recording = False
    p.send_octets(b"".join(method(number, "channel.open") for number in range(1, 301)))
    opened = [got.channel for got in (p.read() for _ in range(300)) if got is not None]
    c.note(str(sorted(opened) == list(range(1, 301))))
    p.recording = True
    p.settle(300)
    return c.trace
