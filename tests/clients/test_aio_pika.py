"""aio-pika, the client of asyncio programs: its plain and its robust connection."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import aio_pika
import pytest
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import (
    AMQPConnectionError,
    ChannelNotFoundEntity,
    DeliveryError,
    QueueEmpty,
)

PATIENCE_S = 30


def run(story: Coroutine[Any, Any, None]) -> None:
    """Run one test's coroutine to its end."""
    asyncio.run(asyncio.wait_for(story, PATIENCE_S))


def test_publish_and_consume_with_prefetch_and_acks(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            await channel.set_qos(prefetch_count=2)
            queue = await channel.declare_queue(name, exclusive=True)
            for number in range(6):
                message = Message(b"%d" % number, delivery_mode=DeliveryMode.PERSISTENT)
                await channel.default_exchange.publish(message, name)
            inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            tag = await queue.consume(inbox.put)
            first, second = await inbox.get(), await inbox.get()
            declared = await channel.declare_queue(name, passive=True)
            assert declared.declaration_result.message_count == 4
            await second.ack(multiple=True)
            rest = [await inbox.get(), await inbox.get()]
            await queue.cancel(tag)
            assert [m.body for m in (first, second, *rest)] == [b"0", b"1", b"2", b"3"]
            assert (first.delivery_mode, first.redelivered) == (2, False)

    run(story())


def test_many_confirms_are_awaited_at_once(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            await channel.declare_queue(name, exclusive=True)
            publish = channel.default_exchange.publish
            await asyncio.gather(*(publish(Message(b"x"), name) for _ in range(500)))
            queue = await channel.declare_queue(name, passive=True)
            assert queue.declaration_result.message_count == 500

    run(story())


def test_a_rejected_message_is_redelivered(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, exclusive=True)
            await channel.default_exchange.publish(Message(b"x"), name)
            message = await queue.get()
            await message.reject(requeue=True)
            message = await queue.get()
            assert message.redelivered
            await message.nack(requeue=True)
            message = await queue.get()
            await message.reject()
            with pytest.raises(QueueEmpty):
                await queue.get()

    run(story())


def test_an_iterator_consumes_until_it_is_left(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, exclusive=True)
            for number in range(5):
                await channel.default_exchange.publish(Message(b"%d" % number), name)
            seen = []
            async with queue.iterator() as messages:
                async for message in messages:
                    async with message.process():
                        seen.append(message.body)
                    if len(seen) == 3:
                        break
            assert seen == [b"0", b"1", b"2"]
            # What the iterator had been sent ahead went back to the queue.
            assert (await queue.get(no_ack=True)).body == b"3"

    run(story())


def test_the_rpc_pattern_of_the_library(broker: Any) -> None:
    async def multiply(*, x: int, y: int) -> int:
        return x * y

    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel()
            rpc = await aio_pika.patterns.RPC.create(channel)
            await rpc.register("multiply", multiply, auto_delete=True)
            answers = await asyncio.gather(*(rpc.proxy.multiply(x=n, y=3) for n in range(10)))
            assert answers == [n * 3 for n in range(10)]
            await rpc.close()

    run(story())


def test_a_question_is_answered_directly(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel()
            questions = await channel.declare_queue(name, exclusive=True)
            direct = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
            answers: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            await direct.consume(answers.put, no_ack=True)

            async def answer(question: AbstractIncomingMessage) -> None:
                reply = Message(question.body.upper(), correlation_id=question.correlation_id)
                assert question.reply_to is not None
                await channel.default_exchange.publish(reply, question.reply_to)

            await questions.consume(answer, no_ack=True)
            asked = Message(b"what?", reply_to="amq.rabbitmq.reply-to", correlation_id="q")
            await channel.default_exchange.publish(asked, name)
            got = await answers.get()
            assert (got.correlation_id, got.body) == ("q", b"WHAT?")

    run(story())


def test_topics_and_headers_choose(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, exclusive=True)
            topics = await channel.declare_exchange(
                f"{name}.t", ExchangeType.TOPIC, auto_delete=True
            )
            headers = await channel.declare_exchange(
                f"{name}.h", ExchangeType.HEADERS, auto_delete=True
            )
            await queue.bind(topics, "a.#")
            await queue.bind(headers, "", arguments={"x-match": "any", "n": 1, "m": 2})
            await topics.publish(Message(b"topic"), "a.b.c")
            await headers.publish(Message(b"header", headers={"m": 2}), "")
            await topics.publish(Message(b"no"), "b")
            await headers.publish(Message(b"no", headers={"m": 1}), "")
            got = [await queue.get(no_ack=True), await queue.get(no_ack=True)]
            assert [message.body for message in got] == [b"topic", b"header"]
            assert await queue.get(fail=False) is None

    run(story())


def test_a_mandatory_message_comes_back(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel(on_return_raises=True)
            with pytest.raises(DeliveryError, match="NO_ROUTE"):
                await channel.default_exchange.publish(Message(b"lost?"), name, mandatory=True)
            await channel.declare_queue(name, exclusive=True)
            await channel.default_exchange.publish(Message(b"found"), name, mandatory=True)

    run(story())


def test_a_consumer_learns_that_its_queue_is_gone(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, exclusive=True)
            cancelled: asyncio.Queue[str] = asyncio.Queue()
            below = await channel.get_underlay_channel()
            below.on_consumer_cancel_callbacks.add(
                lambda frame: cancelled.put_nowait(frame.consumer_tag)
            )
            tag = await queue.consume(asyncio.Queue[AbstractIncomingMessage]().put)
            await channel.queue_delete(name)
            assert await cancelled.get() == tag

    run(story())


def test_a_transaction_is_all_or_nothing(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel(publisher_confirms=False)
            queue = await channel.declare_queue(name, exclusive=True)
            transaction = channel.transaction()
            await transaction.select()
            await channel.default_exchange.publish(Message(b"undone"), name)
            await transaction.rollback()
            await channel.default_exchange.publish(Message(b"done"), name)
            await transaction.commit()
            assert (await queue.get(no_ack=True)).body == b"done"
            assert await queue.get(fail=False) is None

    run(story())


def test_a_channel_error_leaves_the_connection_open(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel()
            with pytest.raises(ChannelNotFoundEntity, match=f"no queue '{name}' in vhost '/'"):
                await channel.declare_queue(name, passive=True)
            again = await connection.channel()
            await again.declare_queue(name, exclusive=True)

    run(story())


def test_heartbeats_keep_an_idle_connection(broker: Any, name: str) -> None:
    async def story() -> None:
        async with await aio_pika.connect(f"{broker.url}?heartbeat=1") as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, exclusive=True)
            inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            await queue.consume(inbox.put, no_ack=True)
            # Two intervals of silence and more: either side would have given the other up by then.
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(inbox.get(), 2.5)
            await channel.default_exchange.publish(Message(b"alive"), name)
            assert (await inbox.get()).body == b"alive"

    run(story())


def test_a_robust_connection_comes_back_by_itself(restartable: Any, name: str) -> None:
    async def story() -> None:
        url = f"{restartable.url}?reconnect_interval=0.05&fail_fast=0"
        connection = await aio_pika.connect_robust(url)
        lost, back = asyncio.Event(), asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        connection.reconnect_callbacks.add(lambda *_: back.set())
        channel = await connection.channel()
        queue = await channel.declare_queue(name, exclusive=True)
        inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await queue.consume(inbox.put, no_ack=True)
        await asyncio.to_thread(restartable.stop)
        await lost.wait()
        with pytest.raises(AMQPConnectionError):
            await aio_pika.connect(restartable.url)
        await asyncio.to_thread(restartable.start)
        await back.wait()
        await channel.ready()
        # The queue and its consumer were made again without our doing.
        await channel.default_exchange.publish(Message(b"back"), name)
        assert (await inbox.get()).body == b"back"
        await connection.close()

    run(story())


def test_a_robust_connection_restores_its_topology(restartable: Any, name: str) -> None:
    async def story() -> None:
        url = f"{restartable.url}?reconnect_interval=0.05&fail_fast=0"
        connection = await aio_pika.connect_robust(url)
        back = asyncio.Event()
        connection.reconnect_callbacks.add(lambda *_: back.set())
        topics, jobs = await connection.channel(), await connection.channel()
        await jobs.set_qos(prefetch_count=1)
        source = await topics.declare_exchange(f"{name}.x", "topic", auto_delete=True)
        relay = await topics.declare_exchange(f"{name}.y", "fanout", auto_delete=True)
        await relay.bind(source, "jobs.#")
        news = await topics.declare_queue(f"{name}.news", exclusive=True)
        await news.bind(source, "news.*")
        work = await jobs.declare_queue(f"{name}.work", auto_delete=True)
        await work.bind(relay)
        heard: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        given: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await news.consume(heard.put, no_ack=True)
        tag = await work.consume(given.put)
        await asyncio.to_thread(restartable.stop)
        await asyncio.to_thread(restartable.start)
        await back.wait()
        await topics.ready()
        await jobs.ready()
        for number in range(3):
            await source.publish(Message(b"job %d" % number), f"jobs.{number}")
            await source.publish(Message(b"news %d" % number), f"news.{number}")
        for number in range(3):
            assert (await heard.get()).body == b"news %d" % number
            job = await given.get()
            # Prefetch is one again: the next job comes only now.
            assert given.empty()
            assert (job.body, job.consumer_tag) == (b"job %d" % number, tag)
            await job.ack()
        await connection.close()

    run(story())
