"""Transient messages in queues that keep them, and in others: what a restart of RabbitMQ leaves."""

import time
from pathlib import Path
from typing import Any

import pika
import pytest
from tests.oracle import Oracle, missing

import leveret

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
TRANSIENT = pika.BasicProperties(delivery_mode=1)
COUNT = 20


def channel_at(port: int) -> Any:
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)).channel()


def fill(port: int) -> None:
    channel = channel_at(port)
    channel.confirm_delivery()
    for kind in ("classic", "quorum"):
        channel.queue_declare(kind, durable=True, arguments={"x-queue-type": kind})
        channel.queue_bind(kind, "amq.fanout")
    for number in range(COUNT):
        channel.basic_publish("amq.fanout", "", b"%d" % number, TRANSIENT)
    channel.connection.close()


def left(port: int) -> list[tuple[str, bytes, int]]:
    """What is in the queues, which are empty then."""
    channel = channel_at(port)
    # Until then a leader of the quorum queue may be to be found.
    deadline = time.monotonic() + 60
    while channel.queue_declare("quorum", passive=True).method.message_count < COUNT:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    found = []
    for queue in ("classic", "quorum"):
        while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
            found.append((queue, got[2], got[1].delivery_mode))
    channel.connection.close()
    return found


def test_what_a_restart_leaves_of_transient_messages(tmp_path: Path) -> None:
    with leveret.Broker(data_dir=tmp_path) as broker:
        fill(broker.port)
    with leveret.Broker(data_dir=tmp_path) as broker:
        ours = left(broker.port)
    with Oracle() as oracle:
        fill(oracle.port)
        oracle.ctl("stop_app")
        oracle.ctl("start_app")
        assert ours == left(oracle.port)
    assert ours == [("quorum", b"%d" % number, 1) for number in range(COUNT)]
