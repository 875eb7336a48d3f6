"""pika, BlockingConnection: the client of the Python tutorials."""

from collections.abc import Iterator
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    UnroutableError,
)

PERSISTENT = pika.BasicProperties(delivery_mode=2)


@pytest.fixture
def connection(broker: Any) -> Iterator[BlockingConnection]:
    opened = BlockingConnection(pika.URLParameters(broker.url))
    yield opened
    if opened.is_open:
        opened.close()


@pytest.fixture
def channel(connection: BlockingConnection) -> BlockingChannel:
    return connection.channel()


@pytest.fixture
def queue(channel: BlockingChannel, name: str) -> str:
    """A queue of the connection's own."""
    channel.queue_declare(name, exclusive=True)
    return name


def bodies(channel: BlockingChannel, queue: str) -> list[bytes]:
    """All that waits in the queue, taken out of it."""
    taken = []
    while True:
        got, _, body = channel.basic_get(queue, auto_ack=True)
        if got is None:
            return taken
        taken.append(body)


def test_the_broker_names_itself_and_its_abilities(connection: BlockingConnection) -> None:
    assert connection.publisher_confirms_supported
    assert connection.exchange_exchange_bindings_supported
    assert connection.basic_nack_supported
    assert connection.consumer_cancel_notify_supported


def test_a_wrong_password_is_refused(broker: Any) -> None:
    wrong = pika.PlainCredentials("guest", "wrong")
    with pytest.raises(ProbableAuthenticationError, match="ACCESS_REFUSED"):
        BlockingConnection(pika.ConnectionParameters(broker.host, broker.port, "/", wrong))


def test_an_unknown_vhost_is_refused(broker: Any) -> None:
    with pytest.raises(ProbableAccessDeniedError, match="NOT_ALLOWED - vhost nowhere not found"):
        BlockingConnection(pika.ConnectionParameters(broker.host, broker.port, "nowhere"))


def test_declare_counts_what_waits(channel: BlockingChannel, name: str) -> None:
    declared = channel.queue_declare(name, durable=True)
    assert (declared.method.queue, declared.method.message_count) == (name, 0)
    channel.confirm_delivery()
    channel.basic_publish("", name, b"one", PERSISTENT)
    channel.basic_publish("", name, b"two", PERSISTENT)
    assert channel.queue_declare(name, passive=True).method.message_count == 2
    assert channel.queue_purge(name).method.message_count == 2
    channel.basic_publish("", name, b"three", PERSISTENT)
    assert channel.queue_delete(name).method.message_count == 1


def test_the_broker_names_a_queue(channel: BlockingChannel) -> None:
    queue = channel.queue_declare("", exclusive=True).method.queue
    assert queue.startswith("amq.gen-")
    assert channel.queue_declare(queue, passive=True).method.queue == queue


def test_a_message_keeps_its_properties(channel: BlockingChannel, queue: str) -> None:
    sent = pika.BasicProperties(
        content_type="text/plain",
        content_encoding="utf-8",
        headers={"word": "ü", "number": -5, "big": 2**40, "yes": True, "list": [1, {"a": None}]},
        delivery_mode=2,
        priority=3,
        correlation_id="c",
        reply_to="r",
        expiration="60000",
        message_id="m",
        timestamp=1700000000,
        type="t",
        user_id="guest",
        app_id="a",
    )
    channel.basic_publish("", queue, b"\x00\xce", sent)
    got, properties, body = channel.basic_get(queue, auto_ack=True)
    assert got is not None
    assert (got.exchange, got.routing_key, body) == ("", queue, b"\x00\xce")
    assert properties == sent


@pytest.mark.parametrize("size", [0, 1, 131_063, 131_064, 131_065, 1_000_000])
def test_a_body_of_any_size_comes_through(channel: BlockingChannel, queue: str, size: int) -> None:
    body = bytes(at % 251 for at in range(size))
    channel.basic_publish("", queue, body)
    assert bodies(channel, queue) == [body]


def test_confirmed_messages_are_there(channel: BlockingChannel, queue: str) -> None:
    channel.confirm_delivery()
    for number in range(50):
        channel.basic_publish("", queue, b"%d" % number, PERSISTENT)
    assert bodies(channel, queue) == [b"%d" % number for number in range(50)]


def test_prefetch_bounds_what_is_not_acknowledged(channel: BlockingChannel, queue: str) -> None:
    for number in range(5):
        channel.basic_publish("", queue, b"%d" % number)
    channel.basic_qos(prefetch_count=2)
    consumed = channel.consume(queue, inactivity_timeout=10)
    first, _, body = next(consumed)
    assert body == b"0"
    # Two are out, three wait: the broker sends no third before one of the two is settled.
    assert channel.queue_declare(queue, passive=True).method.message_count == 3
    channel.basic_ack(first.delivery_tag)
    rest = []
    for method, _, body in consumed:
        rest.append(body)
        channel.basic_ack(method.delivery_tag)
        if len(rest) == 4:
            break
    assert rest == [b"1", b"2", b"3", b"4"]
    assert channel.cancel() == 0


def test_one_ack_settles_all_before_it(channel: BlockingChannel, queue: str) -> None:
    for number in range(4):
        channel.basic_publish("", queue, b"%d" % number)
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in range(4)]
    channel.basic_ack(tags[2], multiple=True)
    channel.close()


def test_a_rejected_message_comes_again_at_its_place(channel: BlockingChannel, queue: str) -> None:
    for body in (b"a", b"b", b"c"):
        channel.basic_publish("", queue, body)
    first = channel.basic_get(queue)[0]
    second = channel.basic_get(queue)[0]
    assert not first.redelivered
    channel.basic_reject(first.delivery_tag, requeue=True)
    channel.basic_nack(second.delivery_tag, requeue=True)
    again, _, body = channel.basic_get(queue)
    assert (again.redelivered, body, again.message_count) == (True, b"a", 2)
    channel.basic_reject(again.delivery_tag, requeue=False)
    again, _, body = channel.basic_get(queue)
    assert (again.redelivered, body) == (True, b"b")
    channel.basic_nack(again.delivery_tag, requeue=False)
    last, _, body = channel.basic_get(queue)
    assert (last.redelivered, body) == (False, b"c")


def test_what_a_channel_held_goes_back_when_it_closes(
    connection: BlockingConnection, channel: BlockingChannel, queue: str
) -> None:
    channel.basic_publish("", queue, b"kept")
    channel.basic_get(queue)
    channel.close()
    got, _, body = connection.channel().basic_get(queue)
    assert (got.redelivered, body) == (True, b"kept")


def test_an_empty_queue_gives_nothing(channel: BlockingChannel, queue: str) -> None:
    assert channel.basic_get(queue) == (None, None, None)


def test_recover_requeues(channel: BlockingChannel, queue: str) -> None:
    channel.basic_publish("", queue, b"x")
    channel.basic_get(queue)
    channel.basic_recover(requeue=True)
    assert channel.basic_get(queue)[0].redelivered


def answer_shouting(
    channel: BlockingChannel, delivery: Any, properties: pika.BasicProperties, body: bytes
) -> None:
    mark = pika.BasicProperties(correlation_id=properties.correlation_id)
    channel.basic_publish("", properties.reply_to, body.upper(), mark)
    channel.basic_ack(delivery.delivery_tag)


@pytest.mark.parametrize("reply_to", ["a queue", "amq.rabbitmq.reply-to"])
def test_a_question_is_answered(channel: BlockingChannel, queue: str, reply_to: str) -> None:
    if reply_to == "a queue":
        reply_to = channel.queue_declare("", exclusive=True).method.queue
    answers: list[tuple[str, bytes]] = []
    channel.basic_consume(
        reply_to, lambda _c, _d, p, body: answers.append((p.correlation_id, body)), auto_ack=True
    )
    channel.basic_consume(queue, answer_shouting)
    asked = pika.BasicProperties(reply_to=reply_to, correlation_id="7")
    channel.basic_publish("", queue, b"what?", asked)
    while not answers:
        channel.connection.process_data_events(time_limit=10)
    assert answers == [("7", b"WHAT?")]


def test_direct_reply_to_without_a_consumer_is_refused(channel: BlockingChannel) -> None:
    asked = pika.BasicProperties(reply_to="amq.rabbitmq.reply-to")
    channel.basic_publish("", "anything", b"what?", asked)
    with pytest.raises(ChannelClosedByBroker, match="fast reply consumer does not exist"):
        channel.queue_declare("", exclusive=True)


TOPICS = [
    ("a.b.c", True),
    ("a.x.c", True),
    ("a.c", False),
    ("x", False),
    ("tail", True),
    ("tail.a.b", True),
    ("", False),
]


def test_topic_patterns_choose(channel: BlockingChannel, queue: str, name: str) -> None:
    channel.exchange_declare(name, "topic", auto_delete=True)
    channel.queue_bind(queue, name, "a.*.c")
    channel.queue_bind(queue, name, "tail.#")
    for key, _ in TOPICS:
        channel.basic_publish(name, key, key.encode())
    assert bodies(channel, queue) == [key.encode() for key, fits in TOPICS if fits]


@pytest.mark.parametrize(
    ("match", "headers", "fits"),
    [
        ("all", {"kind": "pdf", "pages": 3}, True),
        ("all", {"kind": "pdf", "pages": 4}, False),
        ("all", {"kind": "pdf"}, False),
        ("any", {"kind": "pdf"}, True),
        ("any", {"kind": "doc", "pages": 4}, False),
        ("any", {}, False),
    ],
)
def test_headers_choose(
    channel: BlockingChannel,
    queue: str,
    name: str,
    match: str,
    headers: dict[str, Any],
    fits: bool,
) -> None:
    channel.exchange_declare(name, "headers", auto_delete=True)
    channel.queue_bind(queue, name, "", {"x-match": match, "kind": "pdf", "pages": 3})
    channel.basic_publish(name, "", b"x", pika.BasicProperties(headers=headers))
    assert bodies(channel, queue) == ([b"x"] if fits else [])


def test_exchanges_feed_exchanges_until_unbound(
    channel: BlockingChannel, queue: str, name: str
) -> None:
    channel.exchange_declare(f"{name}.from", "direct", auto_delete=True)
    channel.exchange_declare(f"{name}.to", "fanout", auto_delete=True)
    channel.exchange_bind(f"{name}.to", f"{name}.from", "key")
    channel.queue_bind(queue, f"{name}.to")
    channel.basic_publish(f"{name}.from", "key", b"through")
    channel.basic_publish(f"{name}.from", "other", b"lost")
    channel.exchange_unbind(f"{name}.to", f"{name}.from", "key")
    assert bodies(channel, queue) == [b"through"]


def test_a_mandatory_message_comes_back(channel: BlockingChannel, name: str) -> None:
    channel.confirm_delivery()
    with pytest.raises(UnroutableError) as refused:
        channel.basic_publish("", name, b"lost?", PERSISTENT, mandatory=True)
    (returned,) = refused.value.messages
    assert (returned.method.reply_code, returned.method.reply_text) == (312, "NO_ROUTE")
    assert (returned.method.exchange, returned.method.routing_key) == ("", name)
    assert (returned.body, returned.properties.delivery_mode) == (b"lost?", 2)


def test_a_consumer_learns_that_its_queue_is_gone(channel: BlockingChannel, queue: str) -> None:
    cancelled: list[Any] = []
    channel.add_on_cancel_callback(cancelled.append)
    tag = channel.basic_consume(queue, answer_shouting)
    channel.queue_delete(queue)
    while not cancelled:
        channel.connection.process_data_events(time_limit=10)
    assert cancelled[0].method.consumer_tag == tag
    assert channel.is_open


def test_a_transaction_is_all_or_nothing(channel: BlockingChannel, queue: str) -> None:
    channel.tx_select()
    channel.basic_publish("", queue, b"undone")
    channel.tx_rollback()
    channel.basic_publish("", queue, b"done")
    assert bodies(channel, queue) == []
    channel.tx_commit()
    got = channel.basic_get(queue)[0]
    channel.basic_ack(got.delivery_tag)
    channel.tx_rollback()  # undoes the ack, too
    channel.basic_nack(got.delivery_tag, requeue=True)
    channel.tx_commit()
    assert bodies(channel, queue) == [b"done"]


def test_heartbeats_come_and_keep_the_connection(broker: Any) -> None:
    parameters = pika.URLParameters(broker.url)
    parameters.heartbeat = 1
    with BlockingConnection(parameters) as connection:
        channel = connection.channel()
        # What comes while nobody asks for anything can only be heartbeats of eight octets.
        heard = connection._impl.bytes_received
        while connection._impl.bytes_received < heard + 3 * 8:
            connection.process_data_events(time_limit=0.2)
        assert (connection._impl.bytes_received - heard) % 8 == 0
        assert channel.queue_declare("", exclusive=True).method.queue


def test_the_lower_of_two_heartbeats_holds(broker: Any) -> None:
    offers: list[int] = []

    def choose(_connection: Any, offered: int) -> int:
        offers.append(offered)
        return 5

    parameters = pika.URLParameters(broker.url)
    parameters.heartbeat = choose
    BlockingConnection(parameters).close()
    assert offers == [60]


def test_after_a_channel_error_the_connection_goes_on(
    connection: BlockingConnection, channel: BlockingChannel, name: str
) -> None:
    with pytest.raises(ChannelClosedByBroker) as refused:
        channel.queue_declare(name, passive=True)
    assert refused.value.reply_code == 404
    assert refused.value.reply_text == f"NOT_FOUND - no queue '{name}' in vhost '/'"
    assert channel.is_closed
    other = connection.channel()
    other.queue_declare(name, exclusive=True)
    with pytest.raises(ChannelClosedByBroker) as refused:
        other.queue_declare(name, exclusive=True, auto_delete=True)
    assert refused.value.reply_code == 406
    assert refused.value.reply_text == (
        f"PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '{name}' in vhost '/': "
        "received 'true' but current is 'false'"
    )
    assert connection.channel().queue_delete(name).method.message_count == 0


def test_another_connections_exclusive_queue_is_locked(broker: Any, queue: str) -> None:
    with (
        BlockingConnection(pika.URLParameters(broker.url)) as other,
        pytest.raises(ChannelClosedByBroker, match="RESOURCE_LOCKED") as refused,
    ):
        other.channel().queue_declare(queue, passive=True)
    assert refused.value.reply_code == 405


def test_a_client_comes_back_after_a_restart(restartable: Any, name: str) -> None:
    parameters = pika.URLParameters(restartable.url)
    connection = BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare("", exclusive=True)
    restartable.stop()
    with pytest.raises(ConnectionClosedByBroker, match="CONNECTION_FORCED") as closed:
        while True:
            connection.process_data_events(time_limit=10)
    assert closed.value.reply_code == 320
    with pytest.raises(AMQPConnectionError):
        BlockingConnection(parameters)
    restartable.start()
    with BlockingConnection(parameters) as again:
        channel = again.channel()
        channel.queue_declare(name, exclusive=True)
        channel.confirm_delivery()
        channel.basic_publish("", name, b"back")
        assert bodies(channel, name) == [b"back"]
