"""Remote procedure call, the client: have a number taken apart by the server.

python 6_rpc_client.py [number]
"""

import os
import sys
import uuid

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
NUMBER = sys.argv[1] if len(sys.argv) > 1 else "360"
PATIENCE_S = 10

connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
replies = channel.queue_declare("", exclusive=True).method.queue
mark = str(uuid.uuid4())
channel.basic_publish(
    exchange="",
    routing_key="factors",
    # An expired question is not asked: nobody waits for its answer any more.
    properties=pika.BasicProperties(
        reply_to=replies, correlation_id=mark, expiration=str(PATIENCE_S * 1000)
    ),
    body=NUMBER.encode(),
)

answer = None
for delivery, properties, body in channel.consume(replies, inactivity_timeout=PATIENCE_S):
    if delivery is None:  # silence for PATIENCE_S
        break
    channel.basic_ack(delivery.delivery_tag)
    if properties.correlation_id == mark:
        answer = body.decode()
        break
connection.close()
if answer is None:
    sys.exit(f"no answer in {PATIENCE_S} s: is 6_rpc_server running?")
print(f"{NUMBER} = {answer}")
