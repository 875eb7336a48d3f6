"""Exchange types beyond the four, the firehose and events, with pika against Leveret only.

RabbitMQ has these as plugins; tests/differential compares with those that Debian's brings along.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ChannelClosedByBroker

import leveret

YEAR_MS = 365 * 24 * 3600 * 1000


@pytest.fixture
def broker() -> Iterator[leveret.Broker]:
    with leveret.Broker(settings={"event_exchange": True}) as broker:
        yield broker


@pytest.fixture
def channel(broker: leveret.Broker) -> Iterator[BlockingChannel]:
    connection = BlockingConnection(pika.URLParameters(broker.url))
    yield connection.channel()
    if connection.is_open:
        connection.close()


def delayed(delay_ms: int) -> pika.BasicProperties:
    return pika.BasicProperties(headers={"x-delay": delay_ms})


def take(channel: BlockingChannel, queue: str, count: int) -> list[Any]:
    """``count`` deliveries, waited for as long as it takes."""
    got = []
    for method, properties, body in channel.consume(queue, auto_ack=True, inactivity_timeout=20):
        assert method is not None, f"{len(got)} of {count} came"
        got.append((method, properties, body))
        if len(got) == count:
            break
    channel.cancel()
    return got


def declare_delayed(channel: BlockingChannel, kind: str = "direct") -> None:
    arguments = {"x-delayed-type": kind}
    channel.exchange_declare("later", "x-delayed-message", durable=True, arguments=arguments)
    channel.queue_declare("q", durable=True)
    channel.queue_bind("q", "later", "k")


def test_delayed_messages_come_in_the_order_of_their_times(channel: BlockingChannel) -> None:
    declare_delayed(channel)
    channel.confirm_delivery()
    # Far enough from each other for a slow machine to publish all before the first is due.
    for delay_ms in (1800, 600, 1200, 0):
        # Mandatory, and nothing comes back: a delayed message is not unroutable.
        channel.basic_publish("later", "k", b"%d" % delay_ms, delayed(delay_ms), mandatory=True)
    got = take(channel, "q", 4)
    assert [body for _, _, body in got] == [b"0", b"600", b"1200", b"1800"]
    assert [p.headers["x-delay"] for _, p, _ in got] == [0, -600, -1200, -1800]


def test_long_delays_neither_come_early_nor_stop_the_others(
    broker: leveret.Broker, channel: BlockingChannel
) -> None:
    declare_delayed(channel)
    channel.confirm_delivery()
    for delay_ms in (1 << 31, 1 << 32, (1 << 32) + 100, YEAR_MS, 1 << 62):
        channel.basic_publish("later", "k", b"%d" % delay_ms, delayed(delay_ms))
    channel.basic_publish("later", "k", b"soon", delayed(100))
    ((_, _, body),) = take(channel, "q", 1)
    assert body == b"soon"
    exchange: Any = broker.call(lambda node: node.vhosts["/"].exchange("later"))
    assert broker.call(lambda node: exchange.held_count) == 5
    channel.exchange_delete("later")
    assert broker.call(lambda node: exchange.held_count) == 0


def test_a_delayed_exchange_needs_to_know_its_type(channel: BlockingChannel) -> None:
    with pytest.raises(ChannelClosedByBroker, match="'x-delayed-type' must be an existing"):
        channel.exchange_declare("later", "x-delayed-message")


def test_a_consistent_hash_shares_messages(channel: BlockingChannel) -> None:
    channel.exchange_declare("hash", "x-consistent-hash")
    for name, weight in (("one", "1"), ("three", "3")):
        channel.queue_declare(name, durable=True)
        channel.queue_bind(name, "hash", weight)
    channel.confirm_delivery()
    for number in range(400):
        channel.basic_publish("hash", f"customer-{number}", b"", mandatory=True)
    counts = Counter(
        {
            name: channel.queue_declare(name, passive=True).method.message_count
            for name in ("one", "three")
        }
    )
    assert counts.total() == 400
    assert 60 < counts["one"] < 140


def test_a_history_is_replayed_to_a_consumer_that_waits(channel: BlockingChannel) -> None:
    channel.exchange_declare("past", "x-recent-history", arguments={"x-recent-history-length": 2})
    for body in (b"1", b"2", b"3"):
        channel.basic_publish("past", "", body)
    channel.queue_declare("q", durable=True)
    got: list[bytes] = []

    def on_message(channel: BlockingChannel, method: Any, properties: Any, body: bytes) -> None:
        got.append(body)
        if len(got) == 2:
            channel.stop_consuming()

    channel.basic_consume("q", on_message, auto_ack=True)
    channel.queue_bind("q", "past")
    channel.start_consuming()
    assert got == [b"2", b"3"]


def test_the_firehose_tells_who_published_what(
    broker: leveret.Broker, channel: BlockingChannel
) -> None:
    channel.queue_declare("watch", durable=True)
    channel.queue_bind("watch", "amq.rabbitmq.trace", "publish.#")
    broker.call(lambda node: node.vhosts["/"].trace(True))
    channel.basic_publish("amq.fanout", "k", b"body", pika.BasicProperties(app_id="a"))
    ((method, properties, body),) = take(channel, "watch", 1)
    assert (method.routing_key, body) == ("publish.amq.fanout", b"body")
    assert properties.headers["routing_keys"] == ["k"]
    assert properties.headers["properties"] == {"app_id": "a"}
    assert properties.headers["user"] == "guest"


def test_events_are_messages(channel: BlockingChannel) -> None:
    channel.queue_declare("watch", durable=True)
    channel.queue_bind("watch", "amq.rabbitmq.event", "queue.*")
    channel.queue_declare("new", durable=True)
    channel.queue_delete("new")
    got = take(channel, "watch", 2)
    assert [method.routing_key for method, _, _ in got] == ["queue.created", "queue.deleted"]
    assert {properties.headers["name"] for _, properties, _ in got} == {"new"}
