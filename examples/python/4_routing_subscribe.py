"""Routing, the control room: print the reports of the severities asked for.

python 4_routing_subscribe.py severity...
"""

import os
import signal
import sys

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
SEVERITIES = sys.argv[1:] or ["info", "warning", "error"]


def on_report(channel, delivery, properties, body):
    print(f"{delivery.routing_key}: {body.decode()}")
    channel.basic_ack(delivery.delivery_tag)


def on_ctrl_c(_signal, _frame):
    # Not here and now, as we may be anywhere: the message in hand is finished first.
    connection.add_callback_threadsafe(channel.stop_consuming)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.exchange_declare("reports", exchange_type="direct", durable=True)
queue = channel.queue_declare("", exclusive=True).method.queue
for severity in SEVERITIES:
    channel.queue_bind(queue, exchange="reports", routing_key=severity)
channel.basic_consume(queue, on_report)
signal.signal(signal.SIGINT, on_ctrl_c)
print(f"watching {', '.join(SEVERITIES)}, Ctrl-C ends")
channel.start_consuming()
connection.close()
print("bye")
