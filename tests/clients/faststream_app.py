"""The application of test_frameworks.py: FastStream with its RabbitMQ broker."""

import asyncio
import os

from faststream import FastStream
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue

broker = RabbitBroker(os.environ["AMQP_URL"])
app = FastStream(broker)
logs = RabbitExchange("faststream.logs", type=ExchangeType.TOPIC, auto_delete=True)


@broker.subscriber("faststream.names")
@broker.publisher("faststream.greetings")
async def greet(name: str) -> str:
    return f"hello {name}"


@broker.subscriber("faststream.greetings")
async def show(greeting: str) -> None:
    print(greeting, flush=True)


@broker.subscriber(RabbitQueue("faststream.errors", routing_key="*.error", auto_delete=True), logs)
async def alarm(line: str) -> None:
    print(f"alarm: {line}", flush=True)


@broker.subscriber("faststream.double")
async def double(number: int) -> int:
    return 2 * number


if __name__ == "__main__":
    asyncio.run(app.run())
