"""Hello world, the receiver: print each greeting that arrives.

python 1_hello_receive.py
"""

import os
import signal

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")


def on_greeting(channel, delivery, properties, body):
    print(f"received: {body.decode()}")
    # Only now may the broker forget the message: had we died above, another would get it.
    channel.basic_ack(delivery.delivery_tag)


def on_ctrl_c(_signal, _frame):
    # Not here and now, as we may be anywhere: the message in hand is finished first.
    connection.add_callback_threadsafe(channel.stop_consuming)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare("greetings", durable=True)
channel.basic_consume("greetings", on_greeting)
signal.signal(signal.SIGINT, on_ctrl_c)
print("waiting for greetings, Ctrl-C ends")
channel.start_consuming()
connection.close()
print("bye")
