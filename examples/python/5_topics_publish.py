"""Topics, the press agency: send a story under "continent.country.subject".

python 5_topics_publish.py [topic] [story]
"""

import os
import sys

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")
TOPIC = sys.argv[1] if len(sys.argv) > 1 else "europe.norway.sports"
STORY = " ".join(sys.argv[2:]) or "The ski season has begun."

connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.exchange_declare("news", exchange_type="topic", durable=True)
channel.basic_publish(exchange="news", routing_key=TOPIC, body=STORY.encode())
print(f"wired {TOPIC}: {STORY}")
connection.close()
