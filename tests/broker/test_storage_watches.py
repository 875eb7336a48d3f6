"""leveret.broker.storage: what the log and the node's alarms are told of a disk that fails."""

import asyncio
import errno
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeClock, new_node
from tests.wire import Wire

from leveret.broker.alarms import DISK
from leveret.broker.storage import DiskWatch
from leveret.config.settings import Settings
from leveret.notices import Notices
from leveret.server import Server

# Whoever else runs tests here may have their ports.
NO_OTHERS: dict[str, object] = {
    f"{name}_listen": ["none"]
    for name in ("management", "prometheus", "mqtt", "stomp", "web_mqtt", "web_stomp")
}

FULL = OSError(errno.ENOSPC, "No space left on device")
CLIENT = {"capabilities": {"connection.blocked": True}}


def test_a_journal_that_cannot_be_written_is_an_alarm_until_it_can(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "leveret")
    node = new_node()
    watch = DiskWatch(node.notices, node.clock)
    watch.on_disk_failed(FULL)
    watch.on_disk_works()
    watch.alarms = node.alarms
    watch.on_disk_failed(FULL)
    assert node.alarms.reason == "low on disk"
    watch.on_disk_works()
    assert node.alarms.resources == []
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2
    assert "No space left on device" in caplog.records[0].getMessage()


def test_a_queue_that_stays_in_memory_is_told_of_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    watch = DiskWatch(Notices(clock), clock)
    for _ in range(300):
        watch.on_unwritten(FULL)
        clock.pass_s(0.1)
    assert len(caplog.records) == 3
    watch.on_unreadable(FULL, 7)
    assert caplog.records[-1].getMessage().startswith("7 messages of a long queue")


async def until(fact: Callable[[], bool]) -> None:
    """Wait until it is so."""
    for _ in range(1000):
        if fact():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never was so")


def test_a_disk_that_is_nearly_full_holds_publishers_and_is_tidied(tmp_path: Path) -> None:
    async def story() -> None:
        settings = Settings(host="127.0.0.1", port=0, data_dir=str(tmp_path), **NO_OTHERS)
        server = Server(settings, True)
        await server.start()
        try:
            await asyncio.to_thread(publish_and_consume, server.listeners[0].port)
            (first,) = journal(tmp_path)
            server.node.alarms.set("test", DISK)
            # What was consumed is removed, though the journal is short.
            await until(lambda: first not in journal(tmp_path))
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(wait_for_the_end, server, loop)
        finally:
            await server.stop("the test is over", 0.1)

    def publish_and_consume(port: int) -> None:
        with Wire(port=port) as wire:
            wire.open()
            wire.call("queue.declare", queue="q", durable=True)
            wire.call("confirm.select")
            wire.publish("", "q", b"x" * 1000, {"delivery_mode": 2})
            wire.expect("basic.ack")
            assert wire.call("basic.get", queue="q", no_ack=True).body == b"x" * 1000
            wire.close()

    def wait_for_the_end(server: Server, loop: Any) -> None:
        with Wire(port=server.listeners[0].port, timeout=20) as wire:
            wire.open(properties=CLIENT)
            wire.call("confirm.select")
            wire.publish("", "q", b"meanwhile", {"delivery_mode": 2})
            assert wire.expect("connection.blocked").reason == "low on disk"
            loop.call_soon_threadsafe(server.node.alarms.clear, "test")
            wire.expect("connection.unblocked")
            wire.expect("basic.ack")
            wire.close()

    asyncio.run(story())


def journal(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "journal").iterdir())
