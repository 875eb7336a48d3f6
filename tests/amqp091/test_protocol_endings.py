"""What a channel that was closed does not say any more, on a real socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes import publish
from tests.wire import Wire, method

import leveret


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A client with a durable queue ``q``, and two channels that want confirms."""
    with leveret.Broker(data_dir=tmp_path) as broker, Wire(port=broker.port) as wire:
        wire.timeout = 30
        wire.open(channels=(1, 2))
        wire.call("queue.declare", queue="q", durable=True)
        for channel in (1, 2):
            wire.call("confirm.select", channel=channel)
        yield wire


def durable(channel: int = 1) -> bytes:
    """A message that is confirmed when it is on the disk, which takes longer than a turn."""
    return publish("q", b"m", {"delivery_mode": 2}, channel=channel)


@pytest.mark.parametrize(
    ("ending", "answer"),
    [
        (method(1, "channel.close"), "channel.close-ok"),
        (method(1, "queue.declare", queue="none", passive=True), "channel.close"),
    ],
    ids=["by the client", "by the broker"],
)
def test_a_channel_that_is_closed_confirms_no_more(wire: Wire, ending: bytes, answer: str) -> None:
    wire.send_octets(durable() * 3 + ending)
    assert wire.expect(answer).channel == 1
    # This is on the disk later, so what is told of the others would come before.
    wire.send_octets(durable(2))
    ack = wire.expect("basic.ack")
    assert (ack.channel, ack.delivery_tag) == (2, 1)


def test_a_channel_that_is_opened_again_is_not_told_of_what_the_old_one_published(
    wire: Wire,
) -> None:
    again = method(1, "channel.close") + method(1, "channel.open") + method(1, "confirm.select")
    wire.send_octets(durable() * 3 + again)
    for name in ("channel.close-ok", "channel.open-ok", "confirm.select-ok"):
        wire.expect(name)
    wire.send_octets(durable())
    ack = wire.expect("basic.ack")
    assert (ack.channel, ack.delivery_tag) == (1, 1)
