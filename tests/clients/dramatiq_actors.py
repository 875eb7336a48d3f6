"""The actors of test_frameworks.py, for a worker of dramatiq with its RabbitMQ broker."""

import os
import sys

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import CurrentMessage

broker = RabbitmqBroker(url=os.environ["AMQP_URL"], confirm_delivery=True)
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)


@dramatiq.actor
def greet(name: str) -> None:
    # One write: the threads share the line otherwise.
    sys.stdout.write(f"hello {name}\n")


@dramatiq.actor(max_retries=5, min_backoff=10, max_backoff=20)
def third_time_lucky() -> None:
    message = CurrentMessage.get_current_message()
    assert message is not None
    retries = message.options.get("retries", 0)
    if retries < 2:
        raise ValueError("not yet")
    print(f"lucky after {retries}")


@dramatiq.actor(max_retries=0)
def hopeless() -> None:
    raise ValueError("never")
