"""Remote procedure call, the server: answer each number with its prime factors.

python 6_rpc_server.py
"""

import os
import signal

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/%2F")


def factors(number):
    found, divisor = [], 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            found.append(divisor)
            number //= divisor
        else:
            divisor += 1
    return [*found, number]


def on_request(channel, delivery, properties, body):
    try:
        answer = " x ".join(map(str, factors(int(body))))
    except ValueError:
        answer = "not a number"
    print(f"asked for {body.decode()}, answers {answer}")
    # The caller said where it waits, and by which mark it knows the answer again.
    channel.basic_publish(
        exchange="",
        routing_key=properties.reply_to,
        properties=pika.BasicProperties(correlation_id=properties.correlation_id),
        body=answer.encode(),
    )
    channel.basic_ack(delivery.delivery_tag)


def on_ctrl_c(_signal, _frame):
    # Not here and now, as we may be anywhere: the question in hand is finished first.
    connection.add_callback_threadsafe(channel.stop_consuming)


connection = pika.BlockingConnection(pika.URLParameters(URL))
channel = connection.channel()
channel.queue_declare("factors", durable=True)
channel.basic_qos(prefetch_count=1)  # servers share the load: each takes a request when it is free
channel.basic_consume("factors", on_request)
signal.signal(signal.SIGINT, on_ctrl_c)
print("waiting for numbers, Ctrl-C ends")
channel.start_consuming()
connection.close()
print("bye")
