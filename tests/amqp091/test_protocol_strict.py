"""compat = "4.3-strict": what RabbitMQ 4.3 took away is refused, on a real socket."""

from collections.abc import Iterator

import pytest
from tests.wire import Wire

import leveret


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with leveret.Broker(settings={"compat": "4.3-strict"}) as broker:
        yield broker.port


@pytest.fixture
def wire(port: int) -> Iterator[Wire]:
    with Wire(port=port) as made:
        made.open()
        yield made


def test_a_transient_shared_queue_closes_the_connection(wire: Wire) -> None:
    reply = wire.call("queue.declare", queue="transient")
    assert (reply.name, reply.reply_code) == ("connection.close", 541)
    assert reply.reply_text.startswith(
        "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated."
    )
    assert 'compat = "rabbitmq"' in reply.reply_text
    assert (reply.class_id, reply.method_id) == (50, 10)


def test_it_was_not_made(wire: Wire, port: int) -> None:
    with Wire(port=port) as other:
        other.open()
        other.call("queue.declare", queue="not-made")
    reply = wire.call("queue.declare", queue="not-made", passive=True)
    assert (reply.name, reply.reply_code) == ("channel.close", 404)


def test_queues_that_are_exclusive_or_durable_are_fine(wire: Wire) -> None:
    assert wire.call("queue.declare", queue="", exclusive=True).name == "queue.declare-ok"
    assert wire.call("queue.declare", queue="lasting", durable=True).name == "queue.declare-ok"
    wire.call("queue.delete", queue="lasting")


def test_a_global_prefetch_is_one_for_each_consumer(wire: Wire) -> None:
    queue = wire.call("queue.declare", queue="", exclusive=True).queue
    assert wire.call("basic.qos", prefetch_count=1, **{"global": True}).name == "basic.qos-ok"
    wire.call("basic.consume", queue=queue, consumer_tag="1")
    wire.call("basic.consume", queue=queue, consumer_tag="2")
    for body in (b"a", b"b", b"c"):
        wire.publish("", queue, body)
    tags = sorted(wire.expect("basic.deliver").consumer_tag for _ in range(2))
    assert tags == ["1", "2"]


def test_a_global_prefetch_is_no_obstacle_to_a_quorum_queue(wire: Wire) -> None:
    quorum = {"x-queue-type": "quorum"}
    wire.call("queue.declare", queue="quorum", durable=True, arguments=quorum)
    wire.call("basic.qos", prefetch_count=1, **{"global": True})
    assert wire.call("basic.consume", queue="quorum").name == "basic.consume-ok"
    wire.call("queue.delete", queue="quorum")


def test_a_classic_queue_takes_no_consumer_timeout(wire: Wire) -> None:
    given = {"x-consumer-timeout": 1000}
    reply = wire.call("queue.declare", queue="timeout", durable=True, arguments=given)
    assert (reply.name, reply.reply_code) == ("channel.close", 406)
    assert reply.reply_text == (
        "PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' for queue 'timeout' in vhost '/'"
        " of queue type rabbit_classic_queue"
    )
