"""Work queues, a worker: do one job after the other.  Start as many as you like.

python 2_work_worker.py
"""

import os
import signal
import time

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")


def on_job(channel, delivery, properties, body):
    again = " (again)" if delivery.redelivered else ""
    print(f"begins: {body.decode()}{again}")
    time.sleep(properties.headers["seconds"])  # stands in for the real work
    print(f"done: {body.decode()}")
    channel.basic_ack(delivery.delivery_tag)


def on_ctrl_c(_signal, _frame):
    # Not here and now, as we may be anywhere: the job in hand is finished first.
    connection.add_callback_threadsafe(channel.stop_consuming)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare("jobs", durable=True)

# One job at a time: a worker that is busy gets no second one while its colleague is idle.
channel.basic_qos(prefetch_count=1)
channel.basic_consume("jobs", on_job)
signal.signal(signal.SIGINT, on_ctrl_c)
print("waiting for jobs, Ctrl-C ends")
channel.start_consuming()
connection.close()
print("bye")
