"""Publisher confirms, the shop: go on only when the broker has taken charge of the order.

python 7_confirms_publish.py [how many]
"""

import os
import sys

import pika
from pika.exceptions import NackError, UnroutableError

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 3
PERSISTENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)

connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare("orders", durable=True)
channel.confirm_delivery()  # from here on basic_publish waits for the broker's word


def place(order, queue):
    try:
        # Mandatory: a message that fits no queue is an error, not silence.
        channel.basic_publish("", queue, order.encode(), PERSISTENT, mandatory=True)
        print(f"safe: {order}")
    except UnroutableError:
        print(f"came back: {order}")
    except NackError:
        print(f"refused, try again later: {order}")


for number in range(1, COUNT + 1):
    place(f"order {number}", "orders")
place("order for nobody", "no-such-queue")
connection.close()
