"""Acknowledgements that take too long: the same refusal as RabbitMQ's, and the message back."""

import time
from collections.abc import Iterator

import pytest
from tests.oracle import Oracle, missing
from tests.wire import Method, Wire

import leveret

TIMEOUT_MS = 1000
SETTINGS = (f"consumer_timeout = {TIMEOUT_MS}",)


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    """RabbitMQ, which is told not to wait a minute between two looks, and Leveret."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    settings = {"consumer_timeout_ms": TIMEOUT_MS}
    with Oracle(settings=SETTINGS) as oracle, leveret.Broker(settings=settings) as broker:
        oracle.evaluate("application:set_env(rabbit, channel_tick_interval, 200)")
        yield [oracle.port, broker.port]


def _closed(wire: Wire) -> Method:
    """What the broker says in the end."""
    got = wire.read(60)
    while got is not None and got.name == "basic.deliver":
        got = wire.read(60)
    assert got is not None
    return got


def _got(wire: Wire, queue: str) -> Method:
    """The message, which RabbitMQ's quorum queues have back a little later."""
    deadline = time.monotonic() + 30
    got = wire.call("basic.get", queue=queue, no_ack=True)
    while got.name == "basic.get-empty" and time.monotonic() < deadline:
        time.sleep(0.02)
        got = wire.call("basic.get", queue=queue, no_ack=True)
    return got


def _after(port: int, kind: str, is_asked_for: bool) -> tuple[str, bytes, bool]:
    """The close of a channel, and the message as the next one gets it."""
    with Wire(port=port) as wire:
        # Who understands basic.cancel gets that from 4.3 on.
        wire.open(properties={})
        queue = f"timeouts.{kind}.{is_asked_for}"
        wire.call("queue.declare", queue=queue, durable=True, arguments={"x-queue-type": kind})
        wire.call("confirm.select")
        wire.publish("", queue, b"m")
        wire.expect("basic.ack")
        if is_asked_for:
            wire.call("basic.get", queue=queue)
        else:
            wire.call("basic.consume", queue=queue)
        close = _closed(wire)
        wire.send("channel.close-ok")
        wire.call("channel.open")
        again = _got(wire, queue)
        wire.call("queue.delete", queue=queue)
        return repr(close), again.body, again.redelivered


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["classic", "quorum"])
@pytest.mark.parametrize("is_asked_for", [True, False], ids=["get", "consume"])
def test_the_channel_is_closed_as_rabbitmq_closes_it(
    ports: list[int], kind: str, is_asked_for: bool
) -> None:
    theirs, ours = (_after(port, kind, is_asked_for) for port in ports)
    assert ours == theirs
    assert f"Timeout value used: {TIMEOUT_MS} ms" in ours[0]
