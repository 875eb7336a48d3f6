"""leveret.amqp091.channel and its dispatch: acknowledgements, recovery, transactions, consumers."""

from collections.abc import Callable
from typing import Any

import pytest
from tests import wire
from tests.fakes import Talk, new_node, publish


def opened(count: int = 0, *channels: int) -> Talk:
    """A talk with a queue q that has ``count`` messages, their bodies numbered from 0."""
    talk = Talk(new_node()).open(*channels or (1,))
    talk.call("queue.declare", queue="q")
    talk.feed(b"".join(publish("q", b"%d" % number) for number in range(count)))
    return talk


def got(talk: Talk, channel: int = 1, **values: Any) -> tuple[int, bytes, bool] | None:
    """(delivery tag, body, redelivered) of a basic.get; None when the queue is empty."""
    talk.send("basic.get", channel, queue="q", **values)
    answer, *content = talk.read()
    if answer.name == "Basic.GetEmpty":
        return None
    return answer.delivery_tag, b"".join(p.value for p in content[1:]), answer.redelivered


def counts(talk: Talk) -> tuple[int, int]:
    queue = talk.node.vhosts["/"].queues["q"]
    return queue.ready_count, queue.unacked_count


def left(talk: Talk) -> list[tuple[bytes, bool]]:
    """What waits in q, taken out."""
    taken = []
    while (one := got(talk, no_ack=True)) is not None:
        taken.append(one[1:])
    return taken


def test_one_ack_settles_one_delivery() -> None:
    talk = opened(3)
    for tag in (1, 2, 3):
        assert got(talk) == (tag, b"%d" % (tag - 1), False)
    talk.send("basic.ack", delivery_tag=2)
    assert counts(talk) == (0, 2)


@pytest.mark.parametrize(("tag", "unacked"), [(2, 1), (3, 0), (0, 0)])
def test_a_multiple_ack_settles_all_up_to_it(tag: int, unacked: int) -> None:
    talk = opened(3)
    for _ in range(3):
        got(talk)
    talk.send("basic.ack", delivery_tag=tag, multiple=True)
    assert counts(talk) == (0, unacked)
    assert talk.read() == []


@pytest.mark.parametrize("method", ["basic.ack", "basic.nack", "basic.reject"])
@pytest.mark.parametrize("tag", [0, 2, 99, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_an_unknown_tag_closes_the_channel(method: str, tag: int) -> None:
    talk = opened(1)
    got(talk)
    closed = talk.call(method, delivery_tag=tag)
    assert (closed.name, closed.reply_code) == ("Channel.Close", 406)
    assert closed.reply_text == f"PRECONDITION_FAILED - unknown delivery tag {tag}"
    assert counts(talk) == (1, 0)


def test_acking_twice_is_an_unknown_tag() -> None:
    talk = opened(1)
    got(talk)
    talk.send("basic.ack", delivery_tag=1)
    assert talk.call("basic.ack", delivery_tag=1).reply_code == 406


def test_tags_are_the_channels_own() -> None:
    talk = opened(2, 1, 2)
    assert got(talk, 1) == (1, b"0", False)
    assert got(talk, 2) == (1, b"1", False)
    talk.send("basic.nack", 2, delivery_tag=1, requeue=True)
    talk.send("basic.ack", 1, delivery_tag=1)
    assert left(talk) == [(b"1", True)]


def test_rejected_messages_go_or_return() -> None:
    talk = opened(4)
    for _ in range(4):
        got(talk)
    talk.send("basic.reject", delivery_tag=1, requeue=False)
    talk.send("basic.reject", delivery_tag=2, requeue=True)
    talk.send("basic.nack", delivery_tag=4, multiple=True, requeue=True)
    assert counts(talk) == (3, 0)
    assert left(talk) == [(b"1", True), (b"2", True), (b"3", True)]


@pytest.mark.parametrize(("method", "answers"), [("recover", 1), ("recover-async", 0)])
def test_recovering_puts_everything_back(method: str, answers: int) -> None:
    talk = opened(3)
    got(talk)
    got(talk)
    talk.send("basic." + method, requeue=True)
    assert len(talk.read()) == answers
    assert left(talk) == [(b"0", True), (b"1", True), (b"2", False)]


def test_recovering_without_requeue_is_not_done_here() -> None:
    closed = opened().call("basic.recover", requeue=False)
    assert (closed.name, closed.reply_code) == ("Connection.Close", 540)


def test_a_closed_channel_gives_its_messages_back() -> None:
    talk = opened(2, 1, 2)
    got(talk, 2)
    got(talk, 2)
    assert talk.call("channel.close", 2, reply_code=200).name == "Channel.CloseOk"
    assert counts(talk) == (2, 0)
    assert left(talk) == [(b"0", True), (b"1", True)]


# --- transactions ---------------------------------------------------------------------------------


def test_acks_of_a_transaction_count_at_commit() -> None:
    talk = opened(3)
    talk.call("tx.select")
    for _ in range(3):
        got(talk)
    talk.send("basic.ack", delivery_tag=1)
    talk.send("basic.nack", delivery_tag=2, requeue=False)
    talk.send("basic.reject", delivery_tag=3, requeue=True)
    assert counts(talk) == (0, 3)
    assert talk.call("tx.commit").name == "Tx.CommitOk"
    assert counts(talk) == (1, 0)
    assert left(talk) == [(b"2", True)]


def test_a_rollback_makes_them_outstanding_again() -> None:
    talk = opened(3)
    talk.call("tx.select")
    for _ in range(3):
        got(talk)
    talk.send("basic.ack", delivery_tag=2)
    talk.send("basic.nack", delivery_tag=3, requeue=True)
    assert talk.call("tx.rollback").name == "Tx.RollbackOk"
    assert counts(talk) == (0, 3)
    talk.send("basic.ack", delivery_tag=3, multiple=True)
    talk.call("tx.commit")
    assert counts(talk) == (0, 0)


def test_a_channel_that_ends_in_a_transaction_gives_everything_back() -> None:
    talk = opened(3, 1, 2)
    talk.call("tx.select", 2)
    for _ in range(3):
        got(talk, 2)
    talk.send("basic.ack", 2, delivery_tag=2)
    talk.feed(publish("q", b"never", channel=2))
    talk.call("channel.close", 2, reply_code=200)
    assert counts(talk) == (3, 0)
    assert left(talk) == [(b"0", True), (b"1", True), (b"2", True)]


@pytest.mark.parametrize("method", ["tx.commit", "tx.rollback"])
def test_ending_a_transaction_that_never_began_is_refused(method: str) -> None:
    closed = opened().call(method)
    assert closed.reply_text == "PRECONDITION_FAILED - channel is not transactional"


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("tx.select", "confirm.select", "cannot switch from tx to confirm mode"),
        ("confirm.select", "tx.select", "cannot switch from confirm to tx mode"),
    ],
)
def test_confirms_and_transactions_exclude_each_other(first: str, second: str, text: str) -> None:
    talk = opened()
    talk.call(first)
    assert talk.call(first).name.endswith("SelectOk")
    assert talk.call(second).reply_text == "PRECONDITION_FAILED - " + text


# --- consumers ------------------------------------------------------------------------------------


def test_the_broker_makes_up_a_tag_for_a_consumer_that_has_none() -> None:
    talk = opened()
    tags = {talk.call("basic.consume", queue="q").consumer_tag for _ in range(3)}
    assert len(tags) == 3
    assert all(tag.startswith("amq.ctag-") for tag in tags)


def test_a_cancelled_consumer_gets_nothing_more_and_keeps_what_it_has() -> None:
    talk = opened()
    talk.call("basic.consume", queue="q", consumer_tag="t")
    talk.feed(publish("q"))
    talk.drain()
    assert talk.call("basic.cancel", consumer_tag="t").consumer_tag == "t"
    talk.feed(publish("q"))
    assert talk.read() == []
    assert counts(talk) == (1, 1)
    assert talk.call("basic.cancel", consumer_tag="t").name == "Basic.CancelOk"


def test_a_tag_is_free_again_once_it_is_cancelled() -> None:
    talk = opened()
    for _ in range(3):
        assert talk.call("basic.consume", queue="q", consumer_tag="t").name == "Basic.ConsumeOk"
        talk.call("basic.cancel", consumer_tag="t")


def test_messages_are_shared_fairly_among_channels() -> None:
    talk = opened(0, 1, 2, 3)
    for channel in (1, 2, 3):
        talk.call("basic.consume", channel, queue="q", consumer_tag=str(channel))
    talk.feed(b"".join(publish("q") for _ in range(9)))
    tags = [f.consumer_tag for f in talk.read() if getattr(f, "name", "") == "Basic.Deliver"]
    assert tags == ["1", "2", "3"] * 3


def test_a_consumer_of_higher_priority_is_served_first() -> None:
    talk = opened()
    talk.call("basic.qos", prefetch_count=2)
    for tag, priority in (("low", -5), ("high", 10)):
        arguments = {"x-priority": priority}
        talk.call("basic.consume", queue="q", consumer_tag=tag, arguments=arguments)
    talk.feed(b"".join(publish("q") for _ in range(5)))
    tags = [f.consumer_tag for f in talk.read() if getattr(f, "name", "") == "Basic.Deliver"]
    assert tags == ["high", "high", "low", "low"]


def test_a_message_that_comes_back_goes_to_whoever_has_room() -> None:
    talk = opened(1, 1, 2)
    got(talk)
    talk.call("basic.consume", 2, queue="q", consumer_tag="other")
    talk.send("basic.nack", delivery_tag=1, requeue=True)
    deliver, _, body = talk.read()
    assert (deliver.consumer_tag, deliver.redelivered, body.value) == ("other", True, b"0")


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"queue": "none"}, 404, "no queue 'none' in vhost '/'"),
        ({"queue": ""}, 404, "no previously declared queue"),
        ({"queue": "q", "arguments": {"x-priority": "high"}}, 406, "x-priority"),
    ],
)
def test_a_consumer_that_cannot_be_is_refused(
    values: dict[str, Any], code: int, words: str
) -> None:
    talk = Talk(new_node()).open()
    Talk(talk.node).open().call("queue.declare", queue="q")
    closed = talk.call("basic.consume", **values)
    assert (closed.name, closed.reply_code) == ("Channel.Close", code)
    assert words in closed.reply_text


def test_the_empty_name_means_the_last_declared_queue() -> None:
    talk = opened()
    assert talk.call("basic.consume", queue="", consumer_tag="t").name == "Basic.ConsumeOk"
    assert talk.node.vhosts["/"].queues["q"].consumer_count == 1


def test_prefetch_in_octets_and_stopping_the_flow_are_not_done_here() -> None:
    assert opened().call("basic.qos", prefetch_size=1).reply_code == 540
    assert opened().call("channel.flow", active=False).reply_code == 540


def test_old_clients_get_any_ticket() -> None:
    talk = opened()
    talk.send("access.request", realm="/data")
    assert talk.drain()[7:11] == b"\x00\x1e\x00\x0b"


def test_a_full_consumer_that_was_cancelled_gets_nothing_for_its_acks() -> None:
    talk = opened(3)
    talk.call("basic.qos", prefetch_count=1)
    talk.send("basic.consume", queue="q", consumer_tag="t")
    talk.drain()
    talk.call("basic.cancel", consumer_tag="t")
    talk.send("basic.ack", delivery_tag=1)
    assert talk.read() == []
    assert counts(talk) == (2, 0)


@pytest.mark.parametrize(
    "end",
    [
        lambda talk: talk.feed(wire.method(1, "channel.close", reply_code=200)),
        lambda talk: talk.feed(wire.method(0, "connection.close", reply_code=200)),
        lambda talk: talk.session.lost(),
    ],
    ids=["channel", "connection", "socket"],
)
def test_a_full_consumer_that_is_lost_takes_nothing_with_it(end: Callable[[Talk], None]) -> None:
    talk = opened(3)
    lost = Talk(talk.node).open()
    lost.call("basic.qos", prefetch_count=1)
    lost.send("basic.consume", queue="q", consumer_tag="t")
    lost.drain()
    assert counts(talk) == (2, 1)
    end(lost)
    assert counts(talk) == (3, 0)
    assert left(talk) == [(b"0", True), (b"1", False), (b"2", False)]


@pytest.mark.parametrize(
    ("leave", "inherited"),
    [
        (lambda talk: talk.call("basic.cancel", consumer_tag="first"), [b"2", b"3"]),
        (lambda talk: talk.call("channel.close", reply_code=200), [b"0", b"1"]),
        (lambda talk: talk.session.lost(), [b"0", b"1"]),
    ],
    ids=["cancel", "channel", "socket"],
)
def test_when_the_single_active_consumer_leaves_the_next_one_takes_over(
    leave: Callable[[Talk], None], inherited: list[bytes]
) -> None:
    talk = Talk(new_node()).open()
    active, heir = Talk(talk.node).open(), Talk(talk.node).open()
    arguments = {"x-single-active-consumer": True}
    talk.call("queue.declare", queue="q", arguments=arguments)
    for one, tag in ((active, "first"), (heir, "second")):
        one.call("basic.qos", prefetch_count=2)
        one.call("basic.consume", queue="q", consumer_tag=tag)
    talk.feed(b"".join(publish("q", b"%d" % number) for number in range(5)))
    bodies = [part.value for part in active.read() if hasattr(part, "value")]
    assert (bodies, heir.read()) == ([b"0", b"1"], [])
    leave(active)
    assert [part.value for part in heir.read() if hasattr(part, "value")] == inherited
