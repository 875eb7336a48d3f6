"""leveret.amqp091.spec and every method that is sent and read, against pamqp."""

from typing import Any

import pamqp.commands
import pamqp.frame
import pamqp.heartbeat
import pytest
from pamqp import commands
from tests import wire
from tests.fakes import Talk, frames, new_node, publish

import leveret.amqp091.spec as spec

GROUPS = ("CONNECTION_", "CHANNEL_", "EXCHANGE_", "QUEUE_", "BASIC_", "CONFIRM_", "TX_")
NUMBERS = {
    name: number
    for name, number in vars(spec).items()
    if name.startswith(GROUPS) and isinstance(number, int) and number > 0xFFFF
}


def named(name: str) -> Any:
    """pamqp's class for QUEUE_DECLARE_OK and its like."""
    group, _, rest = name.partition("_")
    methods = {m.upper(): m for m in vars(getattr(commands, group.title()))}
    return getattr(getattr(commands, group.title()), methods[rest.replace("_", "")])


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_the_number_of_a_method_is_pamqps(name: str) -> None:
    assert NUMBERS[name] == named(name).index


def test_the_heartbeat_is_pamqps() -> None:
    assert pamqp.heartbeat.Heartbeat().marshal() == spec.HEARTBEAT


def test_every_reply_code_has_a_name() -> None:
    codes = {value: name for name, value in vars(spec).items() if name in spec.CODE_NAMES.values()}
    assert codes == dict(spec.CODE_NAMES)


def asked(talk: Talk, method: Any, channel: int = 1) -> list[Any]:
    """What the broker answers to a method that pamqp encoded."""
    talk.feed(pamqp.frame.marshal(method, channel))
    return talk.read()


def fields(answer: Any) -> dict[str, Any]:
    return dict(answer)


B, C, E, Q = commands.Basic, commands.Channel, commands.Exchange, commands.Queue

# In order, on one channel: a request, the name of its answer, and the answer's fields.
CONVERSATION: list[tuple[Any, str, dict[str, Any]]] = [
    (E.Declare(exchange="e", exchange_type="topic", durable=True), "Exchange.DeclareOk", {}),
    (E.Declare(exchange="f", exchange_type="fanout", arguments={"x": 1}), "Exchange.DeclareOk", {}),
    (E.Bind(destination="f", source="e", routing_key="#"), "Exchange.BindOk", {}),
    (
        Q.Declare(queue="q", durable=True, arguments={"x-max-priority": 5}),
        "Queue.DeclareOk",
        {"queue": "q", "message_count": 0, "consumer_count": 0},
    ),
    (Q.Bind(queue="q", exchange="f", routing_key="k", arguments={"a": "b"}), "Queue.BindOk", {}),
    (B.Qos(prefetch_count=3), "Basic.QosOk", {}),
    (B.Consume(queue="q", consumer_tag="t"), "Basic.ConsumeOk", {"consumer_tag": "t"}),
    (Q.Declare(queue="q", passive=True), "Queue.DeclareOk", {"queue": "q", "consumer_count": 1}),
    (B.Recover(requeue=True), "Basic.RecoverOk", {}),
    (B.Cancel(consumer_tag="t"), "Basic.CancelOk", {"consumer_tag": "t"}),
    (B.Get(queue="q"), "Basic.GetEmpty", {}),
    (Q.Purge(queue="q"), "Queue.PurgeOk", {"message_count": 0}),
    (
        Q.Unbind(queue="q", exchange="f", routing_key="k", arguments={"a": "b"}),
        "Queue.UnbindOk",
        {},
    ),
    (Q.Delete(queue="q", if_empty=True), "Queue.DeleteOk", {"message_count": 0}),
    (E.Unbind(destination="f", source="e", routing_key="#"), "Exchange.UnbindOk", {}),
    (E.Delete(exchange="e", if_unused=True), "Exchange.DeleteOk", {}),
    (C.Flow(active=True), "Channel.FlowOk", {"active": True}),
    (commands.Tx.Select(), "Tx.SelectOk", {}),
    (commands.Tx.Commit(), "Tx.CommitOk", {}),
    (commands.Tx.Rollback(), "Tx.RollbackOk", {}),
    (C.Close(reply_code=200, reply_text="", class_id=0, method_id=0), "Channel.CloseOk", {}),
    (C.Open(), "Channel.OpenOk", {}),
    (commands.Confirm.Select(), "Confirm.SelectOk", {}),
]


def test_every_request_is_understood_and_answered_in_kind() -> None:
    talk = Talk(new_node()).open()
    for request, name, values in CONVERSATION:
        answers = asked(talk, request)
        assert [answer.name for answer in answers] == [name]
        assert values.items() <= fields(answers[0]).items()
    assert [a.name for a in asked(talk, commands.Connection.UpdateSecret("s", "r"), 0)] == [
        "Connection.UpdateSecretOk"
    ]


def test_requests_that_want_no_answer_get_none() -> None:
    talk = Talk(new_node()).open()
    for request in (
        E.Declare(exchange="e", exchange_type="direct", nowait=True),
        Q.Declare(queue="q", nowait=True),
        Q.Bind(queue="q", exchange="e", nowait=True),
        B.Consume(queue="q", consumer_tag="t", nowait=True),
        B.Cancel(consumer_tag="t", nowait=True),
        Q.Purge(queue="q", nowait=True),
        Q.Delete(queue="q", nowait=True),
        E.Delete(exchange="e", nowait=True),
        commands.Confirm.Select(nowait=True),
    ):
        assert asked(talk, request) == []
    # pamqp warns of this one: the specification advises against it.
    talk.send("basic.recover-async", requeue=True)
    assert talk.read() == []
    assert not talk.session.closed


def test_the_handshake_is_pamqps() -> None:
    talk = Talk(new_node(heartbeat_s=17, channel_max=99, frame_max=65536))
    talk.feed(wire.HEADER)
    (start,) = talk.read()
    assert (start.version_major, start.version_minor) == (0, 9)
    assert start.mechanisms == "PLAIN AMQPLAIN ANONYMOUS"
    start_ok = commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest", "en_US")
    (tune,) = asked(talk, start_ok, 0)
    assert (tune.channel_max, tune.frame_max, tune.heartbeat) == (99, 65536, 17)
    assert asked(talk, commands.Connection.TuneOk(99, 65536, 17), 0) == []
    (opened,) = asked(talk, commands.Connection.Open("/"), 0)
    assert opened.name == "Connection.OpenOk"
    (closed,) = asked(talk, commands.Connection.Close(200, "bye", 0, 0), 0)
    assert closed.name == "Connection.CloseOk"
    assert talk.session.closed


def test_messages_and_what_is_said_about_them_are_pamqps() -> None:
    talk = Talk(new_node()).open()
    talk.call("queue.declare", queue="q")
    talk.call("confirm.select")
    talk.feed(publish("q", b"body", {"delivery_mode": 2, "headers": {"a": 1}}))
    (ack,) = talk.read()
    assert (ack.name, ack.delivery_tag, ack.multiple) == ("Basic.Ack", 1, False)
    got, header, body = asked(talk, B.Get(queue="q"))
    assert (got.name, got.delivery_tag, got.redelivered) == ("Basic.GetOk", 1, False)
    assert (got.exchange, got.routing_key, got.message_count) == ("", "q", 0)
    assert (header.body_size, header.properties.delivery_mode) == (4, 2)
    assert header.properties.headers == {"a": 1}
    assert body.value == b"body"
    asked(talk, B.Consume(queue="q", consumer_tag="t"))
    deliver, header, body = asked(talk, B.Reject(delivery_tag=1, requeue=True))
    assert (deliver.name, deliver.consumer_tag, deliver.delivery_tag) == ("Basic.Deliver", "t", 2)
    assert (deliver.redelivered, deliver.exchange, deliver.routing_key) == (True, "", "q")
    assert body.value == b"body"
    deliver, _, _ = asked(talk, B.Nack(delivery_tag=2, requeue=True))
    assert deliver.delivery_tag == 3
    assert asked(talk, B.Ack(delivery_tag=0, multiple=True)) == []
    talk.feed(publish("nobody", b"back", mandatory=True))
    returned, _, body, ack = talk.read()
    assert (returned.name, returned.reply_code, returned.reply_text) == (
        "Basic.Return",
        312,
        "NO_ROUTE",
    )
    assert (returned.exchange, returned.routing_key, body.value) == ("", "nobody", b"back")
    assert ack.delivery_tag == 2
    talk.send("queue.delete", queue="q", nowait=True)
    (cancel,) = talk.read()
    assert (cancel.name, cancel.consumer_tag, cancel.nowait) == ("Basic.Cancel", "t", True)


def test_refusals_are_pamqps() -> None:
    talk = Talk(new_node()).open()
    (closed,) = asked(talk, B.Get(queue="none"))
    assert fields(closed) == {
        "reply_code": 404,
        "reply_text": "NOT_FOUND - no queue 'none' in vhost '/'",
        "class_id": 60,
        "method_id": 70,
    }
    assert asked(talk, C.CloseOk()) == []
    (closed,) = asked(talk, Q.Purge(queue="q"))
    assert (closed.name, closed.reply_code, closed.class_id) == ("Connection.Close", 504, 50)
    assert asked(talk, commands.Connection.CloseOk(), 0) == []
    assert talk.session.closed
    assert frames(talk.drain()) == []
