"""A disk that the broker itself filled to the last octet, and that only consumers empty."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.wire import Wire

import leveret
from leveret.broker.alarms import DISK
from leveret.store.reserve import NAME

DISK_OCTETS = 16 * 1024 * 1024
BODY = bytes(30_000)
# More than the disk takes.
MOST = 1000
CLIENT = {"capabilities": {"connection.blocked": True}}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """On a small disk of its own, for which one must be root."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "none", str(place)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs mount")
    if made.returncode != 0:
        pytest.skip(f"no small disk can be made here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_consumers_empty_a_full_disk(folder: Path, kind: str) -> None:
    sizes: dict[str, Any] = {"disk_free_limit": 0, "queue_memory": 1_000_000}
    with leveret.Broker(data_dir=folder, settings=sizes) as broker:
        with Wire(port=broker.port, timeout=60) as publisher:
            publisher.open(properties=CLIENT)
            publisher.call("confirm.select")
            publisher.call("queue.declare", queue="q", durable=True, arguments=typed(kind))
            count = fill(publisher)
            assert broker.call(lambda node: node.alarms.resources) == [DISK]
            with Wire(port=broker.port, timeout=60) as consumer:
                consumer.open()
                consumer.call("basic.qos", prefetch_count=20)
                consumer.call("basic.consume", queue="q")
                # The last one is in the broker's hand, until what came before has made room.
                for number in range(count):
                    got = consumer.expect("basic.deliver")
                    assert got.body == b"%06d" % number + BODY
                    consumer.send("basic.ack", delivery_tag=got.delivery_tag)
                publisher.expect("connection.unblocked")
                publisher.expect("basic.ack")
                consumer.call("basic.qos", prefetch_count=20)
            publisher.publish("", "q", b"one more", {"delivery_mode": 2})
            publisher.expect("basic.ack")
        assert (folder / NAME).exists()
    with leveret.Broker(data_dir=folder, settings=sizes) as broker:
        with Wire(port=broker.port, timeout=60) as consumer:
            consumer.open()
            assert consumer.call("basic.get", queue="q", no_ack=True).body == b"one more"
            assert consumer.call("basic.get", queue="q", no_ack=True).name == "basic.get-empty"
        assert broker.call(lambda node: node.alarms.resources) == []


def typed(kind: str) -> dict[str, str]:
    return {"x-queue-type": kind}


def fill(wire: Wire) -> int:
    """Publish until the disk is full, and the next message is held.  How many there are then."""
    for number in range(MOST):
        wire.publish("", "q", b"%06d" % number + BODY, {"delivery_mode": 2})
        told = wire.read()
        assert told is not None
        if told.name == "connection.blocked":
            return number + 1
        assert (told.name, told.delivery_tag) == ("basic.ack", number + 1)
    raise AssertionError("the disk took everything")
