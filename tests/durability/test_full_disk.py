"""A disk that the broker itself filled to the last octet, and that only consumers empty."""

import errno
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.wire import Silence, Wire

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


@pytest.mark.timeout(300)
def test_what_is_declared_on_a_full_disk_is_confirmed_when_there_is_room(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"disk_free_limit": 0}
    with leveret.Broker(data_dir=folder, settings=settings) as broker:
        with Wire(port=broker.port, timeout=60) as wire:
            wire.open(properties=CLIENT)
            other_files = folder / "of-other-programs"
            use_up(other_files)
            count = declare_until_held(wire)
            assert broker.call(lambda node: node.alarms.resources) == [DISK]
            assert "The catalog cannot be written" in caplog.text
            with Wire(port=broker.port, timeout=60) as other:
                other.open()
                # What needs no room goes on.
                assert other.call("basic.get", queue="q0", no_ack=True).name == "basic.get-empty"
            other_files.unlink()
            wire.expect("queue.declare-ok")
            wire.call("queue.declare", queue="last", durable=True)
        deadline = time.monotonic() + 60
        while broker.call(lambda node: node.alarms.resources):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with leveret.Broker(data_dir=folder, settings=settings) as broker:
        there = broker.call(lambda node: sorted(node.vhosts["/"].queues))
        assert there == sorted([*(f"q{number}" for number in range(count)), "last"])


def use_up(path: Path) -> None:
    """Fill the disk to the last octet."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC


def declare_until_held(wire: Wire) -> int:
    """Declare queues until no answer comes.  How many were asked for; the last waits."""
    for number in range(MOST):
        note = {"x-note": "n" * 50_000}
        wire.send("queue.declare", queue=f"q{number}", durable=True, arguments=note)
        # What is left of the room set aside is found by trying again each second.
        try:
            wire.expect("queue.declare-ok", timeout=5)
        except Silence:
            return number + 1
    raise AssertionError("the disk took everything")
