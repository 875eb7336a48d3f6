"""Work queues, a worker: do one job after the other.  Start as many as you like.

python 2_work_worker.py
"""

import os
import time

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")


def on_job(channel, delivery, properties, body):
    again = " (again)" if delivery.redelivered else ""
    print(f"begins: {body.decode()}{again}")
    time.sleep(properties.headers["seconds"])  # stands in for the real work
    print(f"done: {body.decode()}")
    channel.basic_ack(delivery.delivery_tag)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare("jobs", durable=True)

# One job at a time: a worker that is busy gets no second one while its colleague is idle.
channel.basic_qos(prefetch_count=1)
channel.basic_consume("jobs", on_job)
print("waiting for jobs, Ctrl-C ends")
try:
    channel.start_consuming()
except KeyboardInterrupt:
    # A job that was begun and not acknowledged goes back to the queue when we leave.
    channel.stop_consuming()
connection.close()
print("bye")
