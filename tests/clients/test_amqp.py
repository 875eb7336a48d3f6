"""py-amqp, the client under kombu and Celery, used by itself."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import amqp
import pytest
from amqp.exceptions import (
    AccessRefused,
    ConnectionForced,
    NotFound,
    PreconditionFailed,
)

PATIENCE_S = 20


def connect(broker: Any, **options: Any) -> amqp.Connection:
    opened = amqp.Connection(f"{broker.host}:{broker.port}", "guest", "guest", **options)
    opened.connect()
    return opened


@pytest.fixture
def connection(broker: Any) -> Iterator[amqp.Connection]:
    with connect(broker) as opened:
        yield opened


@pytest.fixture
def channel(connection: amqp.Connection) -> amqp.Channel:
    return connection.channel()


@pytest.fixture
def queue(channel: amqp.Channel, name: str) -> str:
    channel.queue_declare(name, exclusive=True, auto_delete=False)
    return name


def until(connection: amqp.Connection, happened: Callable[[], object]) -> None:
    while not happened():
        connection.drain_events(timeout=PATIENCE_S)


def bodies(channel: amqp.Channel, queue: str) -> list[str]:
    """All that waits in the queue, taken out of it."""
    return [got.body for got in iter(lambda: channel.basic_get(queue, no_ack=True), None)]


def test_a_wrong_password_is_refused(broker: Any) -> None:
    wrong = amqp.Connection(f"{broker.host}:{broker.port}", "guest", "wrong")
    with pytest.raises(AccessRefused, match="ACCESS_REFUSED"):
        wrong.connect()
    wrong.collect()


@pytest.mark.parametrize("mechanism", ["PLAIN", "AMQPLAIN"])
def test_both_mechanisms_log_in(broker: Any, mechanism: str) -> None:
    with connect(broker, login_method=mechanism) as connection:
        assert mechanism.encode() in connection.mechanisms
        assert connection.channel().queue_declare("", exclusive=True).queue


def test_publish_waits_for_the_confirm(broker: Any, name: str) -> None:
    with connect(broker, confirm_publish=True) as connection:
        channel = connection.channel()
        channel.queue_declare(name, exclusive=True)
        for number in range(20):
            message = amqp.Message(str(number), delivery_mode=2)
            channel.basic_publish_confirm(message, "", name, confirm_timeout=PATIENCE_S)
        assert channel.queue_declare(name, passive=True).message_count == 20


def test_prefetch_bounds_what_is_not_acknowledged(
    connection: amqp.Connection, channel: amqp.Channel, queue: str
) -> None:
    channel.basic_qos(0, 2, False)
    for number in range(4):
        channel.basic_publish(amqp.Message(str(number)), "", queue)
    seen: list[amqp.Message] = []
    tag = channel.basic_consume(queue, callback=seen.append)
    until(connection, lambda: len(seen) == 2)
    assert channel.queue_declare(queue, passive=True).message_count == 2
    seen[1].channel.basic_ack(seen[1].delivery_tag, multiple=True)
    until(connection, lambda: len(seen) == 4)
    channel.basic_cancel(tag)
    assert [message.body for message in seen] == ["0", "1", "2", "3"]


def test_a_rejected_message_is_redelivered(channel: amqp.Channel, queue: str) -> None:
    channel.basic_publish(amqp.Message("x"), "", queue)
    got = channel.basic_get(queue)
    channel.basic_reject(got.delivery_tag, requeue=True)
    got = channel.basic_get(queue)
    assert got.delivery_info["redelivered"]
    channel.basic_reject(got.delivery_tag, requeue=False)
    assert channel.basic_get(queue) is None


def test_headers_of_all_kinds_come_back(channel: amqp.Channel, queue: str) -> None:
    headers = {"s": "ü", "i": -1, "l": 2**40, "f": 1.5, "b": True, "n": None, "a": [1, {"x": "y"}]}
    channel.basic_publish(amqp.Message("x", application_headers=headers), "", queue)
    assert channel.basic_get(queue, no_ack=True).headers == headers


def test_a_question_is_answered_directly(
    connection: amqp.Connection, channel: amqp.Channel, queue: str
) -> None:
    answers: list[amqp.Message] = []
    channel.basic_consume("amq.rabbitmq.reply-to", no_ack=True, callback=answers.append)

    def answer(asked: amqp.Message) -> None:
        reply = amqp.Message(asked.body.upper(), correlation_id=asked.correlation_id)
        asked.channel.basic_publish(reply, "", asked.reply_to)

    channel.basic_consume(queue, no_ack=True, callback=answer)
    asked = amqp.Message("what?", reply_to="amq.rabbitmq.reply-to", correlation_id="q")
    channel.basic_publish(asked, "", queue)
    until(connection, lambda: answers)
    assert (answers[0].body, answers[0].correlation_id) == ("WHAT?", "q")


def test_topics_and_headers_choose(channel: amqp.Channel, queue: str) -> None:
    channel.queue_bind(queue, "amq.topic", f"{queue}.#")
    wanted = {"x-match": "all", "for": queue}
    channel.queue_bind(queue, "amq.headers", "", arguments=wanted)
    channel.basic_publish(amqp.Message("topic"), "amq.topic", f"{queue}.a.b")
    channel.basic_publish(amqp.Message("no"), "amq.topic", "other")
    channel.basic_publish(amqp.Message("header", application_headers=wanted), "amq.headers")
    channel.basic_publish(amqp.Message("no"), "amq.headers")
    assert bodies(channel, queue) == ["topic", "header"]


def test_a_mandatory_message_comes_back(
    connection: amqp.Connection, channel: amqp.Channel, name: str
) -> None:
    returned: list[tuple[Any, ...]] = []
    channel.events["basic_return"].add(lambda *what: returned.append(what))
    channel.basic_publish(amqp.Message("lost?"), "", name, mandatory=True)
    until(connection, lambda: returned)
    exception, exchange, key, message = returned[0]
    assert (exception.reply_code, exchange, key, message.body) == (312, "", name, "lost?")


def test_a_consumer_learns_that_its_queue_is_gone(
    connection: amqp.Connection, channel: amqp.Channel, queue: str
) -> None:
    gone: list[str] = []
    tag = channel.basic_consume(queue, callback=print, on_cancel=gone.append)
    channel.queue_delete(queue)
    until(connection, lambda: gone)
    assert gone == [tag]


def test_a_transaction_is_all_or_nothing(channel: amqp.Channel, queue: str) -> None:
    channel.tx_select()
    channel.basic_publish(amqp.Message("undone"), "", queue)
    channel.tx_rollback()
    channel.basic_publish(amqp.Message("done"), "", queue)
    channel.tx_commit()
    assert bodies(channel, queue) == ["done"]


def test_heartbeats_come(broker: Any) -> None:
    with connect(broker, heartbeat=1) as connection:
        assert connection.heartbeat == 1
        heard = connection.bytes_recv
        while connection.bytes_recv < heard + 3:  # it counts frames, and nothing else comes
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=0.2)
            connection.heartbeat_tick()
        assert connection.channel().queue_declare("", exclusive=True).queue


def test_after_a_channel_error_the_connection_goes_on(
    connection: amqp.Connection, channel: amqp.Channel, name: str
) -> None:
    with pytest.raises(NotFound) as refused:
        channel.queue_declare(name, passive=True)
    assert (refused.value.reply_code, refused.value.method_name) == (404, "Queue.declare")
    other = connection.channel()
    other.exchange_declare(name, "direct", auto_delete=True)
    with pytest.raises(PreconditionFailed, match="inequivalent arg 'type' for exchange"):
        other.exchange_declare(name, "topic", auto_delete=True)
    connection.channel().exchange_delete(name)


def test_a_client_comes_back_after_a_restart(restartable: Any, name: str) -> None:
    connection = connect(restartable)
    restartable.stop()
    # 320 CONNECTION_FORCED, unless the socket is gone before this client has answered that.
    with pytest.raises((ConnectionForced, *amqp.Connection.connection_errors)):
        while True:
            connection.drain_events(timeout=PATIENCE_S)
    connection.collect()
    with pytest.raises(ConnectionRefusedError):
        connect(restartable)
    restartable.start()
    with connect(restartable) as again:
        channel = again.channel()
        channel.queue_declare(name, exclusive=True)
        channel.basic_publish(amqp.Message("back"), "", name)
        assert bodies(channel, name) == ["back"]
