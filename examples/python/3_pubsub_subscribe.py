"""Publish/subscribe, a listener: print each bulletin that is broadcast while it listens.

python 3_pubsub_subscribe.py
"""

import os
import signal

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")


def on_bulletin(channel, delivery, properties, body):
    print(f"heard: {body.decode()}")
    channel.basic_ack(delivery.delivery_tag)


def on_ctrl_c(_signal, _frame):
    # Not here and now, as we may be anywhere: the message in hand is finished first.
    connection.add_callback_threadsafe(channel.stop_consuming)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.exchange_declare("weather", exchange_type="fanout", durable=True)

# A queue of our own: the broker picks its name and removes it when this connection ends.
queue = channel.queue_declare("", exclusive=True).method.queue
channel.queue_bind(queue, exchange="weather")
channel.basic_consume(queue, on_bulletin)
signal.signal(signal.SIGINT, on_ctrl_c)
print("listening to the weather, Ctrl-C ends")
channel.start_consuming()
connection.close()
print("bye")
