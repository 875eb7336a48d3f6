"""Routing, the machine: report something under its severity.

python 4_routing_publish.py [severity] [report]
"""

import os
import sys

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
SEVERITY = sys.argv[1] if len(sys.argv) > 1 else "info"
REPORT = " ".join(sys.argv[2:]) or "All belts are running."

connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.exchange_declare("reports", exchange_type="direct", durable=True)

# A direct exchange hands a message to the queues that were bound with exactly its routing key.
channel.basic_publish(exchange="reports", routing_key=SEVERITY, body=REPORT.encode())
print(f"reported {SEVERITY}: {REPORT}")
connection.close()
