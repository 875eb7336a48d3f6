"""The tasks of test_frameworks.py, for a worker of taskiq with its RabbitMQ broker."""

import os

from taskiq_aio_pika import AioPikaBroker, Queue

# A delayed task waits in a queue with a time to live, or in an exchange that holds messages back.
if os.environ["TASKIQ_DELAYS"] == "exchange":
    broker = AioPikaBroker(os.environ["AMQP_URL"], delayed_message_exchange_plugin=True)
else:
    broker = AioPikaBroker(os.environ["AMQP_URL"], delay_queue=Queue(name="taskiq.delay"))


@broker.task
async def greet(name: str) -> None:
    print(f"hello {name}", flush=True)
