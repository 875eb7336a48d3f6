"""Publisher confirms, the warehouse: pack the orders.

python 7_confirms_receive.py
"""

import os
import signal

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")


def on_order(channel, delivery, properties, body):
    print(f"packed: {body.decode()}")
    channel.basic_ack(delivery.delivery_tag)


def on_ctrl_c(_signal, _frame):
    # Not here and now, as we may be anywhere: the message in hand is finished first.
    connection.add_callback_threadsafe(channel.stop_consuming)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare("orders", durable=True)
channel.basic_qos(prefetch_count=10)
channel.basic_consume("orders", on_order)
signal.signal(signal.SIGINT, on_ctrl_c)
print("waiting for orders, Ctrl-C ends")
channel.start_consuming()
connection.close()
print("bye")
