"""Hello world, the sender: put one greeting into a queue.

python 1_hello_send.py [greeting]
"""

import os
import sys

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
GREETING = " ".join(sys.argv[1:]) or "Hello, hare!"

connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()

# Whoever comes first makes the queue; for the second one, declaring it again changes nothing.
channel.queue_declare("greetings", durable=True)

# The exchange without a name hands a message to the queue whose name is the routing key.
channel.basic_publish(exchange="", routing_key="greetings", body=GREETING.encode())
print(f"sent: {GREETING}")
connection.close()
