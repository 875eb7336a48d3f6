"""Quorum queues as clients see them, where RabbitMQ 3.10 cannot be asked: 4.x, on a real socket."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.wire import Method, Wire

import leveret

QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with leveret.Broker() as broker:
        yield broker.port


@pytest.fixture
def wire(port: int) -> Iterator[Wire]:
    with Wire(port=port) as made:
        made.open()
        yield made


@pytest.fixture
def queue(wire: Wire, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name
    given = {**QUORUM, **getattr(request, "param", {})}
    wire.call("queue.declare", queue=name, durable=True, arguments=given)
    yield name
    wire.call("queue.delete", queue=name)


def counts(got: Method) -> tuple[Any, Any]:
    headers = got.properties.get("headers", {})
    return headers.get("x-delivery-count"), headers.get("x-acquired-count")


def test_a_rejection_is_a_failure_and_a_nack_is_none(wire: Wire, queue: str) -> None:
    wire.publish("", queue, b"m")
    seen = []
    for answer in ("basic.nack", "basic.reject", "basic.nack", "basic.reject"):
        got = wire.call("basic.get", queue=queue)
        seen.append(counts(got))
        wire.send(answer, delivery_tag=got.delivery_tag, requeue=True)
    assert seen == [(None, None), (0, 1), (1, 2), (1, 3)]


def test_recovering_is_no_failure(wire: Wire, queue: str) -> None:
    wire.publish("", queue, b"m")
    wire.call("basic.get", queue=queue)
    wire.call("basic.recover", requeue=True)
    assert counts(wire.call("basic.get", queue=queue, no_ack=True)) == (0, 1)


def test_a_channel_or_connection_that_ends_has_failed(wire: Wire, queue: str, port: int) -> None:
    wire.publish("", queue, b"m")
    other = Wire(port=port)
    other.open()
    other.call("basic.get", queue=queue)
    other.call("channel.close")
    other.call("channel.open")
    other.call("basic.get", queue=queue)
    other.call("connection.close", 0)
    other.drop()
    assert counts(wire.call("basic.get", queue=queue, no_ack=True)) == (2, 2)


@pytest.mark.parametrize("queue", [{"x-delivery-limit": 1}], indirect=True)
def test_a_transaction_counts_at_its_commit(wire: Wire, queue: str) -> None:
    wire.publish("", queue, b"m")
    got = wire.call("basic.get", queue=queue)
    wire.call("tx.select")
    wire.send("basic.reject", delivery_tag=got.delivery_tag, requeue=True)
    wire.call("tx.rollback")
    wire.send("basic.reject", delivery_tag=got.delivery_tag, requeue=True)
    wire.call("tx.commit")
    assert counts(wire.call("basic.get", queue=queue, no_ack=True)) == (1, 1)


def test_strict_priorities(wire: Wire, queue: str) -> None:
    for priority in (0, 5, 31, 9):
        wire.publish("", queue, b"%d" % priority, {"priority": priority})
    wire.publish("", queue, b"none")
    got = [wire.call("basic.get", queue=queue, no_ack=True).body for _ in range(5)]
    assert got == [b"31", b"9", b"5", b"none", b"0"]


def test_a_dead_letter_is_not_lost_when_its_queue_is_full(wire: Wire) -> None:
    limit = {"x-max-length": 1, "x-overflow": "reject-publish"}
    wire.call("queue.declare", queue="grave", durable=True, arguments=limit)
    careful = {
        **QUORUM,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "grave",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    wire.call("queue.declare", queue="careful", durable=True, arguments=careful)
    for body in (b"first", b"second"):
        wire.publish("", "careful", body)
    for _ in range(2):
        got = wire.call("basic.get", queue="careful")
        wire.send("basic.reject", delivery_tag=got.delivery_tag, requeue=False)
    assert wire.call("basic.consume", queue="grave", no_ack=True).name == "basic.consume-ok"
    # The second one comes once it is sent again, some seconds later.
    assert [wire.expect("basic.deliver", 15).body for _ in range(2)] == [b"first", b"second"]
    for name in ("careful", "grave"):
        wire.call("queue.delete", queue=name)
