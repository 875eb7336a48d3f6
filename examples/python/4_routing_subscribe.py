"""Routing, the control room: print the reports of the severities asked for.

python 4_routing_subscribe.py severity...
"""

import os
import sys

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
SEVERITIES = sys.argv[1:] or ["info", "warning", "error"]


def on_report(channel, delivery, properties, body):
    print(f"{delivery.routing_key}: {body.decode()}")
    channel.basic_ack(delivery.delivery_tag)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.exchange_declare("reports", exchange_type="direct", durable=True)
queue = channel.queue_declare("", exclusive=True).method.queue
for severity in SEVERITIES:
    channel.queue_bind(queue, exchange="reports", routing_key=severity)
channel.basic_consume(queue, on_report)
print(f"watching {', '.join(SEVERITIES)}, Ctrl-C ends")
try:
    channel.start_consuming()
except KeyboardInterrupt:
    channel.stop_consuming()
connection.close()
print("bye")
