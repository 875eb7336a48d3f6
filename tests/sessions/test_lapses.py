"""leveret.sessions.lapses: deliveries that are not acknowledged in time."""

from typing import Any

import pytest
from pamqp import commands
from tests.fakes import FakeClock, Talk, handshake, new_node, publish

from leveret.amqp091.channel import MAX_LAPSED
from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.properties import NO_PROPERTIES
from leveret.broker.wishes import QueueWish
from leveret.sessions.lapses import Lapses
from leveret.sessions.outstanding import Delivery, Outstanding

MS = 1_000_000
TEXT = (
    "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: "
    "{} ms. This timeout value can be configured, see consumers doc guide to learn more"
)


def pass_s(node: Node, seconds: float) -> None:
    """Let time pass, and the broker do what is due, a little at a time."""
    clock = node.clock
    assert isinstance(clock, FakeClock)
    for _ in range(int(seconds * 20)):
        clock.pass_s(0.05)
        node.keep_time()


def opened(node: Node, kind: str = "classic", names: tuple[str, ...] = (), **given: Any) -> Talk:
    """A talk of a client with the capabilities ``names``, and a queue q with one message."""
    talk = Talk(node)
    talk.feed(handshake(names=names))
    talk.send("channel.open")
    arguments = {"x-queue-type": kind, **given}
    talk.send("queue.declare", queue="q", durable=True, arguments=arguments)
    assert isinstance(talk.read()[-1], commands.Queue.DeclareOk)
    talk.feed(publish("q", b"m"))
    return talk


def consume(talk: Talk, **values: Any) -> None:
    talk.send("basic.consume", queue="q", consumer_tag="c", **values)
    assert [frame.name for frame in talk.read()[:2]] == ["Basic.ConsumeOk", "Basic.Deliver"]


def closed(talk: Talk) -> str | None:
    """The text of the channel.close that was sent, if one was."""
    found = [frame for frame in talk.read() if isinstance(frame, commands.Channel.Close)]
    for frame in found:
        assert (frame.reply_code, frame.class_id, frame.method_id) == (406, 0, 0)
    return found[0].reply_text if found else None


def ready(node: Node) -> tuple[int, int]:
    queue = node.vhosts["/"].queues["q"]
    return queue.ready_count, queue.unacked_count


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_channel_is_closed_when_an_acknowledgement_takes_too_long(kind: str) -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node, kind)
    consume(talk)
    pass_s(node, 0.9)
    assert (closed(talk), ready(node)) == (None, (0, 1))
    pass_s(node, 0.6)
    assert (closed(talk), ready(node)) == (TEXT.format(1000), (1, 0))


def test_what_is_acknowledged_in_time_has_no_time_to_keep() -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node)
    consume(talk)
    pass_s(node, 0.9)
    talk.send("basic.ack", delivery_tag=1)
    talk.feed(publish("q", b"next"))
    pass_s(node, 0.9)
    assert (closed(talk), ready(node)) == (None, (0, 1))
    pass_s(node, 0.6)
    assert (closed(talk), ready(node)) == (TEXT.format(1000), (1, 0))


def test_who_understands_it_is_cancelled_and_keeps_the_channel(
    caplog: pytest.LogCaptureFixture,
) -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node, names=("consumer_cancel_notify",))
    consume(talk)
    pass_s(node, 1.5)
    (cancel,) = talk.read()
    assert isinstance(cancel, commands.Basic.Cancel)
    assert (cancel.consumer_tag, cancel.nowait) == ("c", True)
    assert ready(node) == (1, 0)
    assert node.vhosts["/"].queues["q"].consumer_count == 0
    assert "consumer 'c' of queue 'q' is cancelled" in caplog.text


def test_a_late_acknowledgement_is_no_fault_once() -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node, names=("consumer_cancel_notify",))
    consume(talk)
    pass_s(node, 1.5)
    talk.read()
    talk.send("basic.ack", delivery_tag=1)
    assert talk.read() == []
    assert ready(node) == (1, 0)
    talk.send("basic.ack", delivery_tag=1)
    (close,) = talk.read()
    assert close.reply_text == "PRECONDITION_FAILED - unknown delivery tag 1"


def test_only_so_many_late_ones_are_remembered() -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node, names=("consumer_cancel_notify",))
    talk.feed(publish("q", b"m") * MAX_LAPSED)
    talk.send("basic.consume", queue="q", consumer_tag="c")
    talk.read()
    pass_s(node, 1.5)
    talk.read()
    assert ready(node) == (MAX_LAPSED + 1, 0)
    talk.send("basic.ack", delivery_tag=2)
    talk.send("basic.ack", delivery_tag=MAX_LAPSED + 1)
    assert talk.read() == []
    talk.send("basic.ack", delivery_tag=1)
    assert talk.read()[0].reply_text == "PRECONDITION_FAILED - unknown delivery tag 1"


def test_a_late_acknowledgement_of_several_settles_those_that_are_out() -> None:
    node = new_node(consumer_timeout_ms=0)
    talk = opened(node, names=("consumer_cancel_notify",))
    talk.feed(publish("q", b"second"))
    talk.send("basic.get", queue="q")
    talk.send("basic.consume", queue="q", consumer_tag="c", arguments={"x-consumer-timeout": 1000})
    talk.read()
    pass_s(node, 1.5)
    assert ready(node) == (1, 1)
    talk.send("basic.ack", delivery_tag=2, multiple=True)
    assert [frame.name for frame in talk.read()] == ["Basic.Cancel"]
    assert ready(node) == (1, 0)


def test_what_was_asked_for_closes_the_channel_of_everybody() -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node, names=("consumer_cancel_notify",))
    talk.send("basic.get", queue="q")
    talk.read()
    pass_s(node, 1.5)
    assert (closed(talk), ready(node)) == (TEXT.format(1000), (1, 0))


@pytest.mark.parametrize(
    ("setting", "of_queue", "of_consumer", "expected"),
    [
        (5000, None, None, 5000),
        (5000, 2000, None, 2000),
        (1000, 2000, None, 2000),
        (5000, 2000, 3000, 3000),
        (0, 2000, None, 2000),
        (0, None, 3000, 3000),
        (1000, 0, None, None),
        (1000, 2000, 0, None),
        (0, None, None, None),
    ],
)
def test_the_consumer_says_it_or_else_the_queue_or_else_the_setting(
    setting: int, of_queue: int | None, of_consumer: int | None, expected: int | None
) -> None:
    node = new_node(consumer_timeout_ms=setting)
    given = {} if of_queue is None else {"x-consumer-timeout": of_queue}
    talk = opened(node, "quorum", **given)
    consume(talk, arguments={} if of_consumer is None else {"x-consumer-timeout": of_consumer})
    pass_s(node, 8)
    assert closed(talk) == (TEXT.format(expected) if expected is not None else None)


def test_without_acknowledgements_there_is_nothing_to_wait_for() -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node)
    consume(talk, no_ack=True)
    pass_s(node, 3)
    assert closed(talk) is None
    assert len(node.timetable) == 0


def test_without_a_time_nobody_looks() -> None:
    node = new_node()
    talk = opened(node)
    consume(talk)
    assert len(node.timetable) == 0


def test_a_policy_gives_those_who_consume_already_a_time() -> None:
    node = new_node()
    talk = opened(node, "quorum")
    consume(talk)
    policies = node.vhosts["/"].policies
    policies.set("p", "^q$", {"consumer-timeout": 1000}, 0, "all")
    pass_s(node, 1.5)
    assert (closed(talk), ready(node)) == (TEXT.format(1000), (1, 0))


def test_coming_back_late_is_no_failure_to_a_quorum_queue() -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node, "quorum", names=("consumer_cancel_notify",), **{"x-delivery-limit": 0})
    consume(talk)
    pass_s(node, 1.5)
    talk.read()
    assert ready(node) == (1, 0)


def test_strictly_classic_queues_wait_for_ever() -> None:
    node = new_node(consumer_timeout_ms=1000, compat="4.3-strict")
    talk = opened(node)
    consume(talk)
    pass_s(node, 3)
    assert closed(talk) is None


def test_an_idle_channel_is_not_looked_at() -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node)
    consume(talk)
    talk.send("basic.ack", delivery_tag=1)
    talk.send("basic.cancel", consumer_tag="c")
    pass_s(node, 1)
    assert len(node.timetable) == 0


def test_a_closed_channel_leaves_no_appointment() -> None:
    node = new_node(consumer_timeout_ms=1000)
    talk = opened(node)
    consume(talk)
    talk.send("channel.close", reply_code=0, reply_text="", class_id=0, method_id=0)
    pass_s(node, 3)
    assert ready(node) == (1, 0)
    assert len(node.timetable) == 0
    assert [frame.name for frame in talk.read()] == ["Channel.CloseOk"]


def test_marks_do_not_pile_up() -> None:
    node = new_node(consumer_timeout_ms=1000)
    outstanding = Outstanding()
    lapses = Lapses(node.vhosts["/"], outstanding)
    lapses.expect(1000)
    for moment in range(1, 1000):
        outstanding.last_tag += 1
        assert lapses.look(moment) == []
    assert lapses.mark_count < 10


@pytest.mark.parametrize("is_held", [False, True])
def test_marks_do_not_pile_up_behind_a_delivery_that_may_be_out_for_ever(is_held: bool) -> None:
    node = new_node()
    vhost = node.vhosts["/"]
    queue = vhost.declare_queue(QueueWish("q", True, False, 0, {}), 0)
    outstanding = Outstanding()
    lapses = Lapses(vhost, outstanding)
    lapses.expect(1000)
    outstanding.last_tag = 1
    kept = Delivery(1, queue, None, Message(Origin("", ""), NO_PROPERTIES, b""), 0)
    kept.is_held = is_held
    outstanding.add(kept)
    for moment in range(1, 1000):
        assert lapses.look(moment * MS) == []
        outstanding.last_tag += 1
    assert lapses.mark_count < 10
    # It is still known since when that one is out.
    kept.is_held = False
    vhost.policies.set("p", "q", {"consumer-timeout": 2000})
    assert lapses.look(2000 * MS) == []
    assert [each.delivery for each in lapses.look(2001 * MS)] == [kept]
