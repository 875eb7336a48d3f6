"""Handshakes and their faults: header, login, tuning, vhost, and the end of connections."""

from typing import Any

from tests.differential.peer import Peer, Trace
from tests.differential.scenarios.publishing import EVERY_TYPE
from tests.differential.stage import Stage
from tests.wire import (
    HEADER,
    METHOD,
    Silence,
    encode_method,
    encode_table,
    frame,
    long,
    method,
    short,
)

CLOSES_ON_FAILURE = {"capabilities": {"authentication_failure_close": True}}


def _answer(p: Peer, size: int = 8) -> None:
    """Note up to ``size`` octets of an answer, and whether the connection ended after it."""
    try:
        p.note(f"answers {p.read_octets(size)!r}")
        p.note(f"then {p.read_octets(1)!r}")
    except Silence:
        p.note("silence")


def _started(c: Stage, label: str = "") -> Peer:
    p = c.raw(label)
    p.recording = False
    p.send_octets(HEADER)
    p.expect("connection.start")
    p.recording = True
    return p


def _start_ok(mechanism: str, response: str | bytes, properties: dict[str, Any]) -> bytes:
    values = {"mechanism": mechanism, "response": response, "client_properties": properties}
    return method(0, "connection.start-ok", locale="en_US", **values)


def _all_at_once(c: Stage, starts: list[bytes]) -> Trace:
    """Answer connection.start in every way given.  RabbitMQ waits 3 s before it closes."""
    peers = [_started(c) for _ in starts]
    for peer, start in zip(peers, starts, strict=True):
        peer.send_octets(start)
    for peer in peers:
        peer.take()
    return c.trace


def _tuned(c: Stage) -> Peer:
    p = _started(c)
    p.recording = False
    p.send_octets(_start_ok("PLAIN", "\0guest\0guest", CLOSES_ON_FAILURE))
    p.expect("connection.tune")
    p.recording = True
    return p


def scenario_header_of_something_else(c: Stage) -> Trace:
    for header in (b"HTTP/1.1", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01"):
        p = c.raw()
        p.send_octets(header)
        _answer(p)
    return c.trace


def scenario_header_of_another_revision(c: Stage) -> Trace:
    for header in (b"AMQP\x00\x00\x09\x02", b"AMQP\x00\x00\x0a\x00", b"AMQP\x00\x01\x00\x00"):
        p = c.raw()
        p.send_octets(header)
        _answer(p)
    return c.trace


def scenario_header_of_other_protocols(c: Stage) -> Trace:
    for header in (b"AMQP\x02\x01\x00\x00", b"AMQP\xff\xff\xff\xff", b"AMQPAMQP"):
        p = c.raw()
        p.send_octets(header)
        _answer(p)
    return c.trace


def scenario_header_of_version_0_9(c: Stage) -> Trace:
    p = c.raw()
    p.send_octets(b"AMQP\x01\x01\x00\x09")
    p.recording = False
    c.note(p.expect("connection.start").name)
    return c.trace


def scenario_header_of_version_0_8(c: Stage) -> Trace:
    p = c.raw()
    p.send_octets(b"AMQP\x01\x01\x08\x00")
    p.recording = False
    c.note(repr(p.read_octets(4)))
    return c.trace


def scenario_header_in_pieces(c: Stage) -> Trace:
    p = c.raw()
    for at in range(8):
        p.send_octets(HEADER[at : at + 1])
    p.recording = False
    c.note(p.expect("connection.start").name)
    return c.trace


def scenario_start_fields(c: Stage) -> Trace:
    p = c.raw()
    p.send_octets(HEADER)
    p.recording = False
    start = p.expect("connection.start")
    c.note(f"version {start.version_major} {start.version_minor} locales {start.locales}")
    c.note(f"mechanisms {sorted(start.mechanisms.split())}")
    kinds = sorted(f"{name}:{value.kind}" for name, value in start.server_properties.items())
    c.note(f"server properties {kinds}")
    capabilities = start.server_properties["capabilities"].value
    for name in sorted(capabilities):
        c.note(f"capability {name} {capabilities[name]!r}")
    return c.trace


def scenario_tune_defaults(c: Stage) -> Trace:
    p = _started(c)
    p.send_octets(_start_ok("PLAIN", "\0guest\0guest", {}))
    p.take()
    return c.trace


def scenario_login_amqplain(c: Stage) -> Trace:
    table = encode_table({"LOGIN": "guest", "PASSWORD": "guest"})[4:]
    p = _started(c)
    p.send_octets(_start_ok("AMQPLAIN", table, CLOSES_ON_FAILURE))
    p.take()
    table = encode_table({"LOGIN": "guest", "PASSWORD": "wrong"})[4:]
    p = _started(c)
    p.send_octets(_start_ok("AMQPLAIN", table, CLOSES_ON_FAILURE))
    p.take()
    return c.trace


def scenario_login_amqplain_malformed(c: Stage) -> Trace:
    wrong = (encode_table({"LOGIN": "guest"})[4:], b"", b"nonsense")
    return _all_at_once(c, [_start_ok("AMQPLAIN", octets, CLOSES_ON_FAILURE) for octets in wrong])


def scenario_login_wrong_password(c: Stage) -> Trace:
    for response in ("\0guest\0wrong", "\0nobody\0guest", "\0guest\0", "\0\0"):
        p = _started(c)
        p.send_octets(_start_ok("PLAIN", response, CLOSES_ON_FAILURE))
        p.take()
    return c.trace


def scenario_login_wrong_password_without_the_capability(c: Stage) -> Trace:
    p = _started(c)
    p.send_octets(_start_ok("PLAIN", "\0guest\0wrong", {}))
    p.take()
    return c.trace


def scenario_login_plain_malformed(c: Stage) -> Trace:
    wrong = ("", "guest", "guest\0guest", "\0guest", "x\0guest\0guest", "\0guest\0guest\0")
    return _all_at_once(c, [_start_ok("PLAIN", text, CLOSES_ON_FAILURE) for text in wrong])


def scenario_login_unknown_mechanism(c: Stage) -> Trace:
    wrong = ("NONSENSE", "EXTERNAL", "", "plain")
    starts = [_start_ok(mechanism, "\0guest\0guest", CLOSES_ON_FAILURE) for mechanism in wrong]
    return _all_at_once(c, starts)


def scenario_login_capabilities_of_wrong_type(c: Stage) -> Trace:
    for properties in ({"capabilities": "text"}, {"capabilities": {"basic.nack": "text"}}):
        p = _started(c)
        p.send_octets(_start_ok("PLAIN", "\0guest\0guest", properties))
        p.take()
    return c.trace


def scenario_login_other_locale(c: Stage) -> Trace:
    p = _started(c)
    values = {"mechanism": "PLAIN", "response": "\0guest\0guest", "locale": "xx_XX"}
    p.call("connection.start-ok", 0, **values)
    return c.trace


def _tune_ok(c: Stage, *wanted: tuple[int, int, int]) -> Trace:
    """Answer connection.tune with (channel_max, frame_max, heartbeat) in every way given."""
    peers = [_tuned(c) for _ in wanted]
    for peer, (channel_max, frame_max, heartbeat) in zip(peers, wanted, strict=True):
        values = {"channel_max": channel_max, "frame_max": frame_max, "heartbeat": heartbeat}
        peer.send("connection.tune-ok", 0, **values)
        peer.send("connection.open", 0, virtual_host="/")
    for peer in peers:
        peer.take()
    return c.trace


def scenario_tune_channel_max(c: Stage) -> Trace:
    return _tune_ok(c, *((wanted, 131072, 0) for wanted in (1, 2047, 2048, 65535, 0)))


def scenario_tune_frame_max_too_high(c: Stage) -> Trace:
    return _tune_ok(c, *((2047, wanted, 0) for wanted in (131073, 0, 4294967295)))


def scenario_tune_frame_max_too_low(c: Stage) -> Trace:
    return _tune_ok(c, *((2047, wanted, 0) for wanted in (8192, 1, 4095)))


def scenario_tune_frame_max_of_4096(c: Stage) -> Trace:
    return _tune_ok(c, (2047, 4096, 0))


def scenario_tune_heartbeat(c: Stage) -> Trace:
    return _tune_ok(c, (2047, 131072, 600), (2047, 131072, 65535))


def scenario_channel_beyond_the_maximum(c: Stage) -> Trace:
    p = c.peer(tune={"channel_max": 2})
    p.call("channel.open", 2)
    p.call("channel.open", 3)
    return c.trace


def scenario_channel_beyond_the_servers_maximum(c: Stage) -> Trace:
    p = c.peer()
    p.call("channel.open", 2047)
    p.call("channel.open", 2048)
    return c.trace


def scenario_vhost_unknown(c: Stage) -> Trace:
    for vhost in ("missing", "", "/missing"):
        p = _tuned(c)
        p.send("connection.tune-ok", 0, channel_max=2047, frame_max=131072)
        p.call("connection.open", 0, virtual_host=vhost)
    return c.trace


def scenario_frame_before_header(c: Stage) -> Trace:
    p = c.raw()
    p.send_octets(method(0, "connection.open", virtual_host="/"))
    _answer(p)
    return c.trace


def scenario_open_before_start_ok(c: Stage) -> Trace:
    p = _started(c)
    p.send("connection.open", 0, virtual_host="/")
    p.take()
    return c.trace


def scenario_open_before_tune_ok(c: Stage) -> Trace:
    p = _tuned(c)
    p.send("connection.open", 0, virtual_host="/")
    p.take()
    return c.trace


def scenario_channel_before_open(c: Stage) -> Trace:
    p = _tuned(c)
    p.send("connection.tune-ok", 0, channel_max=2047, frame_max=131072)
    p.send("channel.open", 1)
    p.take()
    return c.trace


def scenario_start_ok_twice(c: Stage) -> Trace:
    p = _tuned(c)
    p.send_octets(_start_ok("PLAIN", "\0guest\0guest", CLOSES_ON_FAILURE))
    p.take()
    return c.trace


def scenario_open_twice(c: Stage) -> Trace:
    p = c.peer()
    p.send("connection.open", 0, virtual_host="/")
    p.take()
    return c.trace


def scenario_close_during_the_handshake(c: Stage) -> Trace:
    p = _tuned(c)
    p.send("connection.close", 0, reply_code=200, reply_text="enough")
    p.take(2)
    return c.trace


def scenario_start_ok_on_a_channel(c: Stage) -> Trace:
    p = _started(c)
    octets = _start_ok("PLAIN", "\0guest\0guest", CLOSES_ON_FAILURE)
    p.send_octets(octets[:1] + b"\x00\x05" + octets[3:])
    p.take()
    return c.trace


def scenario_start_ok_malformed(c: Stage) -> Trace:
    start_ok = encode_method("connection.start-ok", mechanism="PLAIN")
    wrong = (start_ok[:-2], start_ok[:4] + b"\xff\xff\xff\xff", start_ok + b"more")
    return _all_at_once(c, [frame(METHOD, 0, payload) for payload in wrong])


def scenario_start_ok_of_a_long_table(c: Stage) -> Trace:
    p = _started(c)
    properties = {"product": "x" * 3000, **CLOSES_ON_FAILURE}
    p.send_octets(_start_ok("PLAIN", "\0guest\0guest", properties))
    p.take()
    return c.trace


def scenario_start_ok_too_large(c: Stage) -> Trace:
    p = _started(c)
    properties = {"product": "x" * 20000, **CLOSES_ON_FAILURE}
    p.send_octets(_start_ok("PLAIN", "\0guest\0guest", properties))
    p.take()
    return c.trace


def scenario_handshake_pipelined(c: Stage) -> Trace:
    p = c.raw()
    p.recording = False
    octets = HEADER + _start_ok("PLAIN", "\0guest\0guest", CLOSES_ON_FAILURE)
    octets += method(0, "connection.tune-ok", channel_max=10, frame_max=8192)
    octets += method(0, "connection.open", virtual_host="/") + method(1, "channel.open")
    p.send_octets(octets)
    c.note(str([one.name for one in (p.read() for _ in range(4)) if one is not None]))
    return c.trace


def scenario_connection_close(c: Stage) -> Trace:
    p = c.peer()
    p.call("connection.close", 0, reply_code=200, reply_text="Goodbye")
    return c.trace


def scenario_connection_close_then_more(c: Stage) -> Trace:
    p = c.peer()
    q = c.q()
    p.send_octets(
        method(0, "connection.close", reply_code=320, reply_text="x")
        + method(1, "queue.declare", queue=q)
    )
    p.take()
    c.attempt("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_connection_close_with_open_channels(c: Stage) -> Trace:
    p, other = c.peer(channels=(1, 2, 3)), c.peer()
    q = c.queue(p)
    p.subscribe(q, "t", 2)
    other.publish("", q, b"x")
    p.take()
    p.call("connection.close", 0)
    other.empty(q)
    other.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_update_secret(c: Stage) -> Trace:
    p = c.peer()
    p.call("connection.update-secret", 0, new_secret="other", reason="because")
    p.settle()
    return c.trace


def scenario_frames_after_a_connection_error(c: Stage) -> Trace:
    p = c.peer()
    q = c.q()
    p.send("basic.qos", prefetch_size=1)
    p.send("queue.declare", queue=q)
    p.publish("", q, b"x")
    p.take()
    p.send("connection.close-ok", 0)
    p.take()
    c.attempt("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_connection_close_from_both_sides(c: Stage) -> Trace:
    p = c.peer()
    p.send("basic.qos", prefetch_size=1)
    p.take()
    p.send("connection.close", 0, reply_code=200, reply_text="too")
    p.take()
    return c.trace


def scenario_client_property_of_every_type(c: Stage) -> Trace:
    p = c.peer(properties=EVERY_TYPE)
    p.settle()
    return c.trace


def scenario_amqplain_with_table_octets(c: Stage) -> Trace:
    octets = short("PASSWORD") + b"S" + long("guest") + short("LOGIN") + b"S" + long("guest")
    p = _started(c)
    p.send_octets(frame(METHOD, 0, _start_ok("AMQPLAIN", octets, {})[7:-1]))
    p.take()
    return c.trace
