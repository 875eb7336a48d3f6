"""What clients make of a broker that runs low: pika, aio-pika and py-amqp."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import aio_pika
import amqp
import pika
import pytest
from pika.adapters.blocking_connection import BlockingConnection
from pika.exceptions import ConnectionBlockedTimeout

Alarm = Callable[[bool], None]
PATIENCE_S = 30


class Pika:
    """A connection of pika that writes down when it is blocked, and why."""

    def __init__(self, url: str, **options: Any) -> None:
        parameters = pika.URLParameters(url)
        for name, value in options.items():
            setattr(parameters, name, value)
        self.connection = BlockingConnection(parameters)
        self.told: list[str] = []
        self.connection.add_on_connection_blocked_callback(
            lambda _, frame: self.told.append(frame.method.reason)
        )
        self.connection.add_on_connection_unblocked_callback(lambda _, __: self.told.append("on"))
        self.channel = self.connection.channel()

    def until_told(self, count: int) -> None:
        """Let pika read until it was told so many things."""
        for _ in range(PATIENCE_S * 10):
            if len(self.told) >= count:
                return
            self.connection.process_data_events(0.1)
        raise AssertionError(self.told)


def test_pika_is_told_and_publishes_all_the_same(broker: Any, name: str, low_memory: Alarm) -> None:
    publisher, consumer = Pika(broker.url), Pika(broker.url)
    consumer.channel.queue_declare(name)
    publisher.channel.basic_publish("", name, b"0")
    # Answered once the broker has read that: the alarm comes another way, and must not be first.
    publisher.channel.basic_qos()
    low_memory(True)
    publisher.channel.basic_publish("", name, b"1")
    publisher.until_told(1)
    publisher.channel.basic_publish("", name, b"2")
    # Who only consumes is not held.
    for method, _, body in consumer.channel.consume(name, inactivity_timeout=PATIENCE_S):
        assert body == b"0"
        consumer.channel.basic_ack(method.delivery_tag)
        break
    assert consumer.told == []
    low_memory(False)
    publisher.until_told(2)
    assert publisher.told == ["low on memory", "on"]
    bodies = []
    for method, _, body in consumer.channel.consume(name, inactivity_timeout=PATIENCE_S):
        bodies.append(body)
        consumer.channel.basic_ack(method.delivery_tag)
        if len(bodies) == 2:
            break
    assert bodies == [b"1", b"2"]
    consumer.channel.cancel()
    consumer.channel.queue_delete(name)
    publisher.connection.close()
    consumer.connection.close()


def test_a_publish_of_pika_with_confirms_ends_when_the_alarm_does(
    broker: Any, name: str, low_memory: Alarm
) -> None:
    publisher = Pika(broker.url)
    publisher.channel.queue_declare(name, exclusive=True)
    publisher.channel.confirm_delivery()
    low_memory(True)
    ending = threading.Timer(1.0, low_memory, (False,))
    ending.start()
    publisher.channel.basic_publish("", name, b"waits for its confirm")
    ending.join()
    publisher.until_told(2)
    assert publisher.told == ["low on memory", "on"]
    assert publisher.channel.basic_get(name, auto_ack=True)[2] == b"waits for its confirm"
    publisher.connection.close()


def test_pika_gives_up_after_the_time_it_was_given(
    broker: Any, name: str, low_memory: Alarm
) -> None:
    publisher = Pika(broker.url, blocked_connection_timeout=1)
    publisher.channel.queue_declare(name, exclusive=True)
    publisher.channel.confirm_delivery()
    low_memory(True)
    with pytest.raises(ConnectionBlockedTimeout):
        publisher.channel.basic_publish("", name, b"never confirmed")


def test_aio_pika_waits(broker: Any, name: str, low_memory: Alarm) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            queue = await channel.declare_queue(name, exclusive=True)
            await asyncio.to_thread(low_memory, True)
            publishes = [
                asyncio.create_task(
                    channel.default_exchange.publish(aio_pika.Message(b"%d" % number), name)
                )
                for number in range(20)
            ]
            done, _ = await asyncio.wait(publishes, timeout=1)
            assert not done
            await asyncio.to_thread(low_memory, False)
            await asyncio.gather(*publishes)
            bodies = [(await queue.get(no_ack=True)).body for _ in range(20)]
            assert bodies == [b"%d" % number for number in range(20)]

    asyncio.run(asyncio.wait_for(story(), PATIENCE_S))


def test_py_amqp_is_told(broker: Any, name: str, low_memory: Alarm) -> None:
    told: list[str] = []
    connection = amqp.Connection(
        host=f"{broker.host}:{broker.port}",
        on_blocked=told.append,
        on_unblocked=lambda: told.append("on"),
    )
    with connection:
        channel = connection.channel()
        low_memory(True)
        channel.basic_publish(amqp.Message("1"), routing_key=name)
        connection.drain_events(timeout=PATIENCE_S)
        low_memory(False)
        connection.drain_events(timeout=PATIENCE_S)
    assert told == ["connection blocked, see broker logs", "on"]
