"""Topics, a newspaper: print the stories whose topic fits one of the patterns.

    python 5_topics_subscribe.py pattern...

In a pattern * stands for one word and # for any number of them, none included:
"europe.#" is all about Europe, "*.*.sports" is sports from everywhere.
"""

import os
import signal
import sys

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
PATTERNS = sys.argv[1:] or ["#"]


def on_story(channel, delivery, properties, body):
    print(f"{delivery.routing_key}: {body.decode()}")
    channel.basic_ack(delivery.delivery_tag)


def on_ctrl_c(_signal, _frame):
    # Not here and now, as we may be anywhere: the message in hand is finished first.
    connection.add_callback_threadsafe(channel.stop_consuming)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.exchange_declare("news", exchange_type="topic", durable=True)
queue = channel.queue_declare("", exclusive=True).method.queue
for pattern in PATTERNS:
    # A story that fits two patterns still comes once: it goes to queues, and this is one queue.
    channel.queue_bind(queue, exchange="news", routing_key=pattern)
channel.basic_consume(queue, on_story)
signal.signal(signal.SIGINT, on_ctrl_c)
print(f"reading {', '.join(PATTERNS)}, Ctrl-C ends")
channel.start_consuming()
connection.close()
print("bye")
