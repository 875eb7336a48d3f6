"""leveret.amqp091.session: bytes and time in, bytes out; no socket, no real clock."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands
from tests import wire
from tests.fakes import LOCAL, FakeClock, Talk, frames, handshake, new_node, publish

from leveret.broker.node import Node
from leveret.session import Peer
from leveret.sessions.output import FULL_OCTETS


def clock(talk: Talk) -> FakeClock:
    assert isinstance(talk.node.clock, FakeClock)
    return talk.node.clock


def ticked(talk: Talk, seconds: float) -> list[Any]:
    """What the session says once ``seconds`` have passed."""
    clock(talk).pass_s(seconds)
    talk.session.tick()
    return talk.read()


# --- cuts -----------------------------------------------------------------------------------------

GET = wire.method(1, "basic.get", queue="q")
CONVERSATION = (
    handshake()
    + wire.method(1, "channel.open")
    + wire.method(2, "channel.open")
    + wire.method(1, "queue.declare", queue="q")
    + wire.method(1, "queue.bind", queue="q", exchange="amq.topic", routing_key="a.#")
    + publish("q", b"one", {"headers": {"n": 1}})
    + wire.frame(wire.HEARTBEAT, 0, b"")
    + publish("a.b", b"x" * 5000, exchange="amq.topic", channel=2)
    + publish("nobody", b"back", mandatory=True)
    + GET * 3
    + wire.method(1, "basic.nack", delivery_tag=2, multiple=True, requeue=True)
    + wire.method(2, "basic.get", queue="none")
    + publish("q", b"swallowed", channel=2)
    + wire.method(2, "channel.close-ok")
    + GET
    + wire.method(1, "tx.select")
    + publish("q", b"later")
    + wire.method(1, "basic.ack", delivery_tag=4 - 1)
    + wire.method(1, "tx.commit")
    + GET
    + wire.method(2, "channel.open")
    + wire.method(2, "queue.delete", queue="q")
    + wire.method(0, "connection.close", reply_code=200)
)


def said(cuts: list[int]) -> bytes:
    """All output for CONVERSATION cut at ``cuts``."""
    talk = Talk(new_node())
    out = b""
    for start, end in pairwise([0, *sorted(cuts), len(CONVERSATION)]):
        talk.feed(CONVERSATION[start:end])
        out += talk.drain()
    assert talk.session.closed
    return out


WHOLE = said([])


def test_the_conversation_goes_as_it_should() -> None:
    names = [getattr(content, "name", type(content).__name__) for _, content in frames(WHOLE)]
    assert names.count("Basic.GetOk") == 4
    assert names.count("Basic.Return") == 1
    assert names[-3:] == ["Channel.OpenOk", "Queue.DeleteOk", "Connection.CloseOk"]


@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_where_the_chunks_are_cut_makes_no_difference(cuts: list[int]) -> None:
    assert said(cuts) == WHOLE


def test_octet_by_octet_is_no_different() -> None:
    assert said(list(range(len(CONVERSATION)))) == WHOLE


def consumed(cuts: list[int]) -> tuple[list[tuple[str, int]], int, int]:
    """Deliveries, highest confirm and messages left, of a conversation that pushes and confirms."""
    talk = Talk(new_node()).open()
    octets = (
        wire.method(1, "queue.declare", queue="q")
        + wire.method(1, "confirm.select")
        + wire.method(1, "basic.qos", prefetch_count=4)
        + wire.method(1, "basic.consume", queue="q", consumer_tag="t")
        + publish("q", b"abc") * 4
        + wire.method(1, "basic.ack", delivery_tag=2, multiple=True)
        + publish("q", b"def") * 4
    )
    out = b""
    for start, end in pairwise([0, *sorted(cuts), len(octets)]):
        talk.feed(octets[start:end])
        out += talk.drain()
    got = [content for _, content in frames(out)]
    deliveries = [
        (d.consumer_tag, d.delivery_tag) for d in got if isinstance(d, commands.Basic.Deliver)
    ]
    acks = [a.delivery_tag for a in got if isinstance(a, commands.Basic.Ack)]
    assert acks == sorted(acks)
    return deliveries, acks[-1], talk.node.vhosts["/"].queues["q"].ready_count


@given(st.lists(st.integers(0, 400), max_size=30))
@settings(max_examples=60, deadline=None)
def test_cuts_make_no_difference_to_what_is_delivered_and_confirmed(cuts: list[int]) -> None:
    assert consumed(cuts) == ([("t", n) for n in range(1, 7)], 8, 2)


# --- time -----------------------------------------------------------------------------------------


def test_heartbeats_are_sent_when_nothing_else_is() -> None:
    talk = Talk(new_node()).open(heartbeat=10)
    beats = 0
    for _ in range(30):
        talk.feed(wire.frame(wire.HEARTBEAT, 0, b""))
        beats += len(ticked(talk, 1))
    assert 5 <= beats <= 8
    assert not talk.session.closed


def test_a_peer_that_is_silent_for_two_intervals_is_cut_off_without_a_word() -> None:
    talk = Talk(new_node()).open(heartbeat=10)
    ticked(talk, 1)
    for _ in range(20):
        ticked(talk, 1)
        assert not talk.session.closed
    assert [type(f).__name__ for f in ticked(talk, 1)] == []
    assert talk.session.closed


def test_a_part_of_a_frame_is_a_sign_of_life() -> None:
    talk = Talk(new_node()).open(heartbeat=2)
    for octet in publish("q", b"x" * 20):
        talk.feed(bytes([octet]))
        ticked(talk, 1)
    assert not talk.session.closed


def test_without_heartbeats_silence_is_fine() -> None:
    talk = Talk(new_node()).open(heartbeat=0)
    assert ticked(talk, 1_000_000) == []
    assert not talk.session.closed


@pytest.mark.parametrize("size", [0, 4, 8, 100, len(handshake()) - 1])
def test_a_handshake_that_takes_too_long_is_cut_off(size: int) -> None:
    talk = Talk(new_node(handshake_timeout_ms=5000))
    talk.feed(handshake()[:size])
    talk.drain()
    ticked(talk, 4.9)
    assert not talk.session.closed
    ticked(talk, 0.2)
    assert talk.session.closed


def test_a_finished_handshake_has_no_deadline() -> None:
    talk = Talk(new_node(handshake_timeout_ms=5000)).open()
    ticked(talk, 6)
    assert not talk.session.closed


def test_a_client_that_does_not_answer_the_close_is_cut_off_in_time() -> None:
    talk = Talk(new_node()).open()
    talk.session.shut("maintenance")
    (goodbye,) = talk.read()
    assert (goodbye.reply_code, goodbye.reply_text) == (320, "CONNECTION_FORCED - maintenance")
    ticked(talk, 9)
    assert not talk.session.closed
    ticked(talk, 2)
    assert talk.session.closed


def test_a_client_that_answers_the_close_is_let_go() -> None:
    talk = Talk(new_node()).open()
    talk.session.shut("maintenance")
    talk.drain()
    talk.feed(publish("q", b"too late") + wire.method(1, "basic.qos"))
    assert talk.read() == []
    talk.send("connection.close-ok", 0)
    assert talk.session.closed


def test_shutting_before_the_handshake_just_closes() -> None:
    talk = Talk(new_node())
    talk.session.shut("maintenance")
    assert talk.session.closed
    assert talk.bell.rings == 1


def test_a_client_that_sends_garbage_has_a_moment_to_read_why() -> None:
    talk = Talk(new_node()).open()
    talk.feed(wire.frame(wire.METHOD, 1, b"\0\0\0\0", end=0))
    (closed,) = talk.read()
    assert closed.reply_code == 501
    talk.feed(b"more garbage" * 1000)
    assert talk.read() == []
    ticked(talk, 2.9)
    assert not talk.session.closed
    ticked(talk, 0.2)
    assert talk.session.closed


# --- back-pressure --------------------------------------------------------------------------------


def stocked(node: Node, count: int, size: int) -> Talk:
    """A talk whose node has a queue q with messages in it."""
    talk = Talk(node).open()
    talk.call("queue.declare", queue="q")
    for _ in range(count):
        talk.feed(publish("q", b"x" * size))
    assert talk.read() == []
    return talk


def ready(talk: Talk) -> int:
    return talk.node.vhosts["/"].queues["q"].ready_count


@pytest.mark.parametrize("size", [10, 1000, 20_000])
def test_one_flush_has_a_bounded_bite(size: int) -> None:
    talk = stocked(new_node(), 2_000_000 // (size + 80), size)
    talk.send("basic.consume", queue="q", no_ack=True)
    parts = []
    while part := talk.take():
        parts.append(len(part))
    assert max(parts) < FULL_OCTETS + size + 200
    assert min(parts[:-1]) >= FULL_OCTETS
    assert ready(talk) == 0


def test_a_paused_session_delivers_nothing_and_a_resumed_one_goes_on() -> None:
    talk = stocked(new_node(), 1000, 1000)
    talk.session.pause()
    talk.send("basic.consume", queue="q", no_ack=True)
    assert [f.name for f in talk.read()] == ["Basic.ConsumeOk"]
    for _ in range(100):
        talk.feed(publish("q", b"more"))
    assert talk.drain() == b""
    assert ready(talk) == 1100
    talk.session.resume()
    assert len([f for f in talk.read() if isinstance(f, commands.Basic.Deliver)]) == 1100


def test_a_paused_session_still_answers() -> None:
    talk = stocked(new_node(), 1, 10)
    talk.session.pause()
    assert talk.call("basic.qos").name == "Basic.QosOk"
    assert talk.call("queue.declare", queue="q", passive=True).message_count == 1


def test_one_that_never_reads_stops_getting_and_the_others_go_on() -> None:
    node = new_node()
    feeder = stocked(node, 0, 0)
    stuck, lively = Talk(node).open(), Talk(node).open()
    for talk, tag in ((stuck, "stuck"), (lively, "lively")):
        talk.call("basic.consume", queue="q", consumer_tag=tag, no_ack=True)
    got = 0
    for _ in range(2000):
        feeder.feed(publish("q", b"x" * 1000))
        got += len([f for f in lively.read() if isinstance(f, commands.Basic.Deliver)])
    held = b"".join(stuck.session.take_output())
    assert FULL_OCTETS <= len(held) < FULL_OCTETS + 1200
    kept = len([f for _, f in frames(held) if isinstance(f, commands.Basic.Deliver)])
    assert got + kept == 2000
    assert ready(feeder) == 0


def test_what_waits_goes_to_the_one_that_reads_again() -> None:
    node = new_node()
    feeder = stocked(node, 0, 0)
    reader = Talk(node).open()
    reader.call("basic.consume", queue="q", no_ack=True)
    reader.session.pause()
    for _ in range(500):
        feeder.feed(publish("q", b"x" * 1000))
    assert ready(feeder) == 500
    reader.session.resume()
    assert len([f for f in reader.read() if isinstance(f, commands.Basic.Deliver)]) == 500


def test_replies_to_one_chunk_are_bounded_too() -> None:
    # Asking and giving back: 38 octets in, a whole message out, as often as a chunk holds.
    talk = stocked(new_node(), 1, 100_000)
    chunk = b""
    while len(chunk) < FULL_OCTETS:
        tag = len(chunk) // 38 + 1
        chunk += wire.method(1, "basic.get", queue="q")
        chunk += wire.method(1, "basic.nack", delivery_tag=tag, requeue=True)
    talk.feed(chunk)
    assert sum(len(part) for part in talk.session.take_output()) < 64 * 1024 * 1024


# --- ends -----------------------------------------------------------------------------------------


def test_a_lost_session_gives_everything_back() -> None:
    node = new_node()
    feeder = stocked(node, 3, 10)
    lost = Talk(node).open(1, 2)
    lost.call("queue.declare", queue="mine", exclusive=True)
    lost.send("basic.consume", 2, queue="q")
    lost.send("queue.declare", queue="auto", auto_delete=True)
    lost.send("basic.consume", queue="auto")
    lost.drain()
    assert ready(feeder) == 0
    lost.session.lost()
    assert ready(feeder) == 3
    assert sorted(node.vhosts["/"].queues) == ["q"]
    assert node.vhosts["/"].queues["q"].consumer_count == 0
    assert lost.session.closed
    lost.feed(publish("q"))
    assert ready(feeder) == 3


def test_publishes_before_a_lost_connection_count_and_half_ones_do_not() -> None:
    node = new_node()
    feeder = stocked(node, 0, 0)
    lost = Talk(node).open()
    octets = publish("q", b"whole") + publish("q", b"half")
    lost.feed(octets[:-2])
    lost.session.lost()
    assert ready(feeder) == 1


def test_confirms_are_told_before_the_close() -> None:
    talk = Talk(new_node()).open()
    talk.call("confirm.select")
    talk.feed(publish("x") + publish("y") + wire.method(1, "channel.close", reply_code=200))
    assert [f.name for f in talk.read()] == ["Basic.Ack", "Channel.CloseOk"]


def test_another_protocol_is_answered_and_closed() -> None:
    talk = Talk(new_node())
    talk.feed(b"GET / HTTP/1.1\r\n")
    assert talk.drain() == wire.HEADER
    assert talk.session.closed


def test_guest_may_not_come_from_elsewhere() -> None:
    far = Peer("192.0.2.1", 1, "192.0.2.2", 5672)
    for peer, names in ((LOCAL, "Connection.OpenOk"), (far, "Connection.Close")):
        talk = Talk(new_node(), peer)
        talk.feed(handshake())
        assert talk.read()[-1].name == names


def amqplain(login: str, password: str) -> bytes:
    response = wire.encode_table({"LOGIN": login, "PASSWORD": password})[4:]
    properties = {"capabilities": {"authentication_failure_close": True}}
    return wire.HEADER + wire.method(
        0,
        "connection.start-ok",
        client_properties=properties,
        mechanism="AMQPLAIN",
        response=response,
        locale="en_US",
    )


@pytest.mark.parametrize(
    ("login", "password"), [("guest", "\udcff"), ("\udcff", "guest"), ("guest", "")]
)
def test_a_login_that_is_no_utf_8_is_a_wrong_login(login: str, password: str) -> None:
    talk = Talk(new_node())
    talk.feed(amqplain(login, password))
    assert talk.read()[-1].reply_code == 403


NO_UTF_8 = "\udcff"


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        ("queue.declare", {"queue": "n", "arguments": {"x-queue-type": NO_UTF_8}}, 406),
        ("queue.declare", {"queue": "n", "arguments": {"x-overflow": NO_UTF_8}}, 406),
        ("queue.declare", {"queue": "n", "arguments": {"x-message-ttl": NO_UTF_8}}, 406),
        ("exchange.declare", {"exchange": "amq.direct", "type": "magic"}, 406),
        ("queue.declare", {"queue": "q", "arguments": {"x-dead-letter-exchange": NO_UTF_8}}, 406),
        (
            "queue.bind",
            {"queue": "q", "exchange": "amq.headers", "arguments": {"x-match": NO_UTF_8}},
            406,
        ),
        ("basic.consume", {"queue": "q", "arguments": {"x-priority": NO_UTF_8}}, 406),
    ],
)
def test_arguments_that_are_no_utf_8_are_refused_like_others(
    name: str, values: dict[str, Any], code: int
) -> None:
    talk = Talk(new_node()).open()
    talk.call("queue.declare", queue="q")
    closed = talk.call(name, **values)
    assert (closed.name, closed.reply_code) == ("Channel.Close", code)
