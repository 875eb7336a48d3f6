"""Work queues, the client: hand over a job that takes some seconds.

python 2_work_send.py [job] [seconds]
"""

import os
import sys

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
JOB = sys.argv[1] if len(sys.argv) > 1 else "shrink cat.png"
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 1

connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare("jobs", durable=True)

# A durable queue survives a restart of the broker, and so do the persistent messages in it.
job = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent, headers={"seconds": SECONDS})
channel.basic_publish(exchange="", routing_key="jobs", body=JOB.encode(), properties=job)
print(f"handed over: {JOB}")
connection.close()
