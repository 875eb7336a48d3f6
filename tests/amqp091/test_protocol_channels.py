"""Channels: opening, faults and their scope, and frames that come after the end."""

from typing import Any

import pytest
from tests.wire import BODY, CONTENT, HEARTBEAT, METHOD, Wire, encode_header, frame, method

import leveret

PUBLISH = method(1, "basic.publish", routing_key="q")


@pytest.fixture
def wire(broker: leveret.Broker) -> Any:
    with Wire(port=broker.port) as wire:
        wire.open(channels=(1, 2))
        yield wire


def test_a_refused_request_closes_its_channel_only(wire: Wire) -> None:
    refusal = wire.call("queue.declare", queue="missing", passive=True)
    assert (refusal.name, refusal.reply_code) == ("channel.close", 404)
    assert refusal.reply_text == "NOT_FOUND - no queue 'missing' in vhost '/'"
    assert (refusal.class_id, refusal.method_id) == (50, 10)
    assert wire.call("basic.qos", 2).name == "basic.qos-ok"


def test_a_closed_channel_can_be_opened_again(wire: Wire) -> None:
    wire.call("queue.declare", queue="missing", passive=True)
    wire.send("channel.close-ok")
    assert wire.call("channel.open").name == "channel.open-ok"
    assert wire.call("queue.declare", queue="q").name == "queue.declare-ok"


def test_frames_on_a_channel_that_waits_for_close_ok_are_swallowed(wire: Wire) -> None:
    wire.call("queue.declare", 2, queue="q")
    wire.publish("missing", "q", b"x" * 300_000)
    wire.expect("channel.close")
    wire.publish("", "q", b"swallowed")
    wire.send("basic.ack", delivery_tag=9)
    wire.send("queue.delete", queue="q")
    assert wire.call("queue.declare", 2, queue="q").message_count == 0
    wire.send("channel.close-ok")
    assert wire.call("channel.open").name == "channel.open-ok"


def test_a_channel_is_not_opened_again_before_its_close_was_answered(wire: Wire) -> None:
    wire.call("queue.declare", queue="missing", passive=True)
    wire.send("channel.open")
    close = wire.expect("connection.close")
    assert (close.reply_code, close.class_id, close.method_id) == (504, 20, 10)
    assert close.reply_text == "CHANNEL_ERROR - second 'channel.open' seen"


def test_a_client_and_the_broker_may_close_a_channel_at_once(wire: Wire) -> None:
    wire.send("queue.declare", queue="missing", passive=True)
    wire.send("channel.close", reply_code=200)
    wire.expect("channel.close")
    wire.expect("channel.close-ok")
    wire.send("channel.close-ok")
    assert wire.call("channel.open").name == "channel.open-ok"


HARD_FAULTS = {
    "second open": (method(1, "channel.open"), 504, "second 'channel.open' seen"),
    "not open": (method(7, "basic.qos"), 504, "expected 'channel.open'"),
    "on channel 0": (method(0, "basic.qos"), 504, "unexpected method in connection state running"),
    "a server's method": (method(1, "queue.declare-ok"), 503, "unimplemented method"),
    "immediate": (
        method(1, "basic.publish", immediate=True) + frame(CONTENT, 1, encode_header(0, {})),
        540,
        "immediate=true",
    ),
    "prefetch size": (method(1, "basic.qos", prefetch_size=3), 540, "prefetch_size!=0 (3)"),
    "flow off": (method(1, "channel.flow"), 540, "active=false"),
    "recover": (method(1, "basic.recover"), 540, "requeue=false"),
    "header without method": (
        frame(CONTENT, 1, encode_header(0, {})),
        505,
        "expected method frame, got non method frame instead",
    ),
    "body without header": (
        PUBLISH + frame(BODY, 1, b"x"),
        505,
        "expected content header for class 60, got non content header frame instead",
    ),
    "method without body": (
        PUBLISH + frame(CONTENT, 1, encode_header(3, {})) + method(1, "basic.qos"),
        505,
        "expected content body, got non content body frame instead",
    ),
    "body too long": (
        PUBLISH + frame(CONTENT, 1, encode_header(3, {})) + frame(BODY, 1, b"four"),
        501,
        "",
    ),
    "heartbeat on a channel": (frame(HEARTBEAT, 1, b""), 505, ""),
    "bad end": (frame(METHOD, 1, b"\0\0\0\0", end=0), 501, "invalid_frame_end_marker"),
    "unknown kind": (frame(77, 1, b""), 501, "unknown_frame"),
    "too large": (frame(METHOD, 1, b"x" * 200_000), 501, "{frame_too_large,200000,131064}"),
    "truncated": (frame(METHOD, 1, b"\0\x32\0\x0a\0"), 501, ""),
}


@pytest.mark.parametrize("fault", HARD_FAULTS)
def test_a_fault_of_the_protocol_closes_the_connection(wire: Wire, fault: str) -> None:
    octets, code, words = HARD_FAULTS[fault]
    wire.send_octets(octets)
    refusal = wire.expect("connection.close")
    assert refusal.channel == 0
    assert refusal.reply_code == code
    assert words in refusal.reply_text
    wire.send("connection.close-ok", 0)
    assert wire.read() is None


def test_nothing_is_done_after_a_fault(broker: leveret.Broker, wire: Wire) -> None:
    wire.send_octets(
        method(1, "basic.qos", prefetch_size=3) + method(1, "queue.declare", queue="q")
    )
    wire.expect("connection.close")
    with Wire(port=broker.port) as other:
        other.open()
        assert other.call("queue.declare", queue="q", passive=True).reply_code == 404


def test_a_consumer_tag_used_twice_closes_the_connection(wire: Wire) -> None:
    wire.call("queue.declare", queue="q")
    wire.call("basic.consume", queue="q", consumer_tag="t")
    refusal = wire.call("basic.consume", queue="q", consumer_tag="t")
    assert (refusal.name, refusal.reply_code) == ("connection.close", 530)
    assert refusal.reply_text == "NOT_ALLOWED - attempt to reuse consumer tag 't'"


def test_where_the_chunks_are_cut_makes_no_difference(wire: Wire) -> None:
    wire.call("queue.declare", queue="q")
    octets = PUBLISH + frame(CONTENT, 1, encode_header(6, {"headers": {"a": 1}}))
    octets += frame(BODY, 1, b"abc") + frame(BODY, 1, b"") + frame(BODY, 1, b"def")
    for size in (1, 2, 7, 8, 9, 50):
        for at in range(0, len(octets), size):
            wire.send_octets(octets[at : at + size])
        got = wire.call("basic.get", queue="q", no_ack=True)
        assert (got.body, got.properties) == (b"abcdef", {"headers": {"a": 1}})


@pytest.mark.parametrize("size", [0, 1, 4088, 4089, 8184, 8185, 100_000, 3_000_000])
def test_a_body_is_cut_at_the_consumers_frame_size(broker: leveret.Broker, size: int) -> None:
    with Wire(port=broker.port) as wire:
        wire.open(tune={"frame_max": 8192})
        wire.call("queue.declare", queue="q")
        wire.publish("", "q", bytes(range(256)) * (size // 256) + b"z" * (size % 256))
        got = wire.call("basic.get", queue="q", no_ack=True)
        assert len(got.body) == size
        whole, rest = divmod(size, 8184)
        assert got.frames == [8184] * whole + ([rest] if rest else [])


def test_contents_of_two_channels_may_be_interleaved(wire: Wire) -> None:
    wire.call("queue.declare", queue="q")
    for channel in (1, 2):
        wire.send_octets(method(channel, "basic.publish", routing_key="q"))
    for channel in (1, 2):
        wire.send_octets(frame(CONTENT, channel, encode_header(2, {})))
    for channel in (2, 1):
        wire.send_octets(frame(BODY, channel, b"%d!" % channel))
    got = [wire.call("basic.get", queue="q", no_ack=True).body for _ in range(2)]
    assert got == [b"2!", b"1!"]


def test_a_message_over_the_limit_is_refused_and_the_connection_lives() -> None:
    with (
        leveret.Broker(settings={"max_message_size": 1000}) as broker,
        Wire(port=broker.port) as wire,
    ):
        wire.open(channels=(1, 2))
        wire.publish("", "q", b"x" * 1001)
        refusal = wire.expect("channel.close")
        assert refusal.reply_code == 406
        assert refusal.reply_text == (
            "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000"
        )
        assert wire.call("basic.qos", 2).name == "basic.qos-ok"
