"""Publish/subscribe, the station: broadcast a weather bulletin to whoever listens.

python 3_pubsub_publish.py [bulletin]
"""

import os
import sys

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
BULLETIN = " ".join(sys.argv[1:]) or "Sunny, a light breeze from the west."

connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.exchange_declare("weather", exchange_type="fanout", durable=True)

# A fanout exchange copies to every queue bound to it; without listeners the bulletin is lost.
channel.basic_publish(exchange="weather", routing_key="", body=BULLETIN.encode())
print(f"broadcast: {BULLETIN}")
connection.close()
