"""kombu over py-amqp: the messaging library of Celery."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import kombu
import pytest
from kombu import Connection, Consumer, Exchange, Producer, Queue
from kombu.pools import connections, producers, reset
from kombu.simple import SimpleQueue

PATIENCE_S = 20


def connect(broker: Any, **options: Any) -> Connection:
    # py-amqp by name: kombu would take another C client for amqp:// if one were installed.
    return Connection(broker.url.replace("amqp://", "pyamqp://"), **options)


@pytest.fixture
def connection(broker: Any) -> Iterator[Connection]:
    with connect(broker) as opened:
        yield opened


def until(connection: Connection, happened: Callable[[], object]) -> None:
    while not happened():
        connection.drain_events(timeout=PATIENCE_S)


def test_objects_of_json_go_through_an_exchange(connection: Connection, name: str) -> None:
    exchange = Exchange(name, "direct", durable=True, auto_delete=True)
    queue = Queue(name, exchange, routing_key="key", durable=True, auto_delete=True)
    seen: list[Any] = []

    def on_message(body: Any, message: kombu.Message) -> None:
        seen.append((body, message.content_type, message.delivery_info["redelivered"]))
        message.ack()

    with Consumer(connection, queue, callbacks=[on_message], prefetch_count=10):
        producer = Producer(connection, exchange, routing_key="key", serializer="json")
        producer.publish({"hello": ["world", 1, None]})
        producer.publish("zipped" * 100, compression="zlib")
        until(connection, lambda: len(seen) == 2)
    assert seen == [
        ({"hello": ["world", 1, None]}, "application/json", False),
        ("zipped" * 100, "application/json", False),
    ]


def test_confirms_are_a_transport_option(broker: Any, name: str) -> None:
    with connect(broker, transport_options={"confirm_publish": True}) as connection:
        queue = Queue(name, exclusive=True)(connection)
        queue.declare()
        producer = Producer(connection)
        for number in range(10):
            producer.publish(number, routing_key=name, delivery_mode="persistent")
        assert queue.queue_declare(passive=True).message_count == 10


def test_a_requeued_message_is_redelivered(connection: Connection, name: str) -> None:
    queue = Queue(name, exclusive=True)(connection)
    queue.declare()
    Producer(connection).publish("x", routing_key=name)
    message = queue.get()
    message.requeue()
    message = queue.get()
    assert message.delivery_info["redelivered"]
    message.reject()
    assert queue.get() is None


def test_it_is_taken_for_a_rabbitmq(connection: Connection) -> None:
    """By the name that it gives: else kombu would ask for the prefetch of another kind."""
    assert connection.connect().server_properties["product"] == "RabbitMQ"
    assert connection.qos_semantics_matches_spec is False


def test_a_consumer_may_change_its_prefetch(connection: Connection, name: str) -> None:
    queue = Queue(name, exclusive=True)(connection)
    queue.declare()
    for number in range(6):
        Producer(connection).publish(number, routing_key=name)
    seen: list[kombu.Message] = []
    # For the whole channel: what is set for consumers holds only for those that come later.
    consumer = Consumer(connection.default_channel, queue, on_message=seen.append)
    consumer.qos(prefetch_count=1, apply_global=True)
    consumer.consume()
    until(connection, lambda: seen)
    assert queue.queue_declare(passive=True).message_count == 5
    consumer.qos(prefetch_count=4, apply_global=True)
    until(connection, lambda: len(seen) == 4)
    assert queue.queue_declare(passive=True).message_count == 2
    for message in seen[:]:
        message.ack()
    until(connection, lambda: len(seen) == 6)
    consumer.cancel()


def test_a_topic_reaches_those_who_asked(connection: Connection, name: str) -> None:
    exchange = Exchange(name, "topic", auto_delete=True)
    seen: list[tuple[str, str]] = []

    def consumer(pattern: str) -> Consumer:
        queue = Queue(f"{name}.{pattern}", exchange, routing_key=pattern, exclusive=True)
        return Consumer(
            connection, queue, no_ack=True, callbacks=[lambda body, _: seen.append((pattern, body))]
        )

    with consumer("a.*"), consumer("#.z"):
        producer = Producer(connection, exchange)
        for key in ("a.b", "a.z", "b.z", "b.b"):
            producer.publish(key, routing_key=key)
        until(connection, lambda: len(seen) == 4)
    assert sorted(seen) == [("#.z", "a.z"), ("#.z", "b.z"), ("a.*", "a.b"), ("a.*", "a.z")]


def test_the_simple_queue(connection: Connection, name: str) -> None:
    with SimpleQueue(connection, name) as queue:
        queue.put({"n": 1})
        message = queue.get(timeout=PATIENCE_S)
        assert message.payload == {"n": 1}
        message.ack()
        with pytest.raises(queue.Empty):
            queue.get_nowait()
    queue.queue.delete()
    queue.queue.exchange.delete()


def test_a_mandatory_message_comes_back(connection: Connection, name: str) -> None:
    returned: list[Any] = []
    producer = Producer(connection, on_return=lambda *what: returned.append(what))
    producer.publish("lost?", routing_key=name, mandatory=True)
    until(connection, lambda: returned)
    assert returned[0][0].reply_code == 312


def test_a_priority_queue_serves_the_urgent_first(connection: Connection, name: str) -> None:
    queue = Queue(name, exclusive=True, max_priority=5)(connection)
    queue.declare()
    for priority in (0, 5, 2, 9, 5):
        Producer(connection).publish(priority, routing_key=name, priority=priority)
    got = [queue.get(no_ack=True).payload for _ in range(5)]
    assert got == [5, 9, 5, 2, 0]


def test_pools_share_connections(broker: Any, name: str) -> None:
    address = connect(broker)
    try:
        for number in range(3):
            with producers[address].acquire(block=True) as producer:
                producer.publish(number, routing_key=name, declare=[Queue(name, durable=True)])
        with connections[address].acquire(block=True) as connection:
            queue = Queue(name, durable=True)(connection)
            assert [queue.get(no_ack=True).payload for _ in range(3)] == [0, 1, 2]
            queue.delete()
    finally:
        reset()


def test_heartbeats_are_checked(broker: Any) -> None:
    with connect(broker, heartbeat=1) as connection:
        connection.connect()
        assert connection.get_heartbeat_interval() == 1
        heard = connection.connection.bytes_recv
        while connection.connection.bytes_recv < heard + 3:
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=0.2)
            connection.heartbeat_check()  # raises when the broker was silent for too long


def test_a_producer_comes_back_after_a_restart(restartable: Any, name: str) -> None:
    # Without confirms what is sent right after the broker's farewell may be lost unnoticed.
    with connect(restartable, transport_options={"confirm_publish": True}) as connection:
        queue = Queue(name, durable=True)
        producer = Producer(connection)
        policy = {"interval_start": 0.05, "interval_step": 0, "max_retries": 200}
        producer.publish("before", routing_key=name, declare=[queue])
        restartable.stop()
        errors: list[Exception] = []

        def on_error(error: Exception, _interval: float) -> None:
            if not errors:
                restartable.start()
            errors.append(error)

        producer.publish(
            "after",
            routing_key=name,
            declare=[queue],
            retry=True,
            retry_policy=policy | {"errback": on_error},
        )
        assert errors
        bound = queue(connection.default_channel)
        found = [got.payload for got in iter(lambda: bound.get(no_ack=True), None)]
        assert found[-1] == "after"
        bound.delete()
