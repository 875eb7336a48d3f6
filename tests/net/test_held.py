"""Connections that are held while something runs low, over real sockets, on both event loops."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import Certificates, TlsWire
from tests.fakes import publish
from tests.net.test_tls_flow import LOOPS, Running
from tests.wire import Method, Silence, Wire, method

from leveret import Broker
from leveret.broker.alarms import MEMORY
from leveret.broker.node import Node

CLIENT = {"capabilities": {"connection.blocked": True, "authentication_failure_close": True}}
COUNT = 3000
BODY = b"x" * 4096


class Story:
    """A broker, its certificates, and whoever sets its alarm."""

    def __init__(self, running: Running, certificates: Certificates) -> None:
        self.running = running
        self.certificates = certificates
        self.broker: Broker = running.broker

    def call(self, action: Callable[[Node], Any]) -> Any:
        """What ``action`` makes of the node, in the broker's own thread."""
        return self.running.call(action)

    def low(self) -> None:
        self.call(lambda node: node.alarms.set("test", MEMORY))

    def enough(self) -> None:
        self.call(lambda node: node.alarms.clear("test"))

    def held_count(self) -> int:
        count: int = self.call(lambda node: node.alarms.held_count)
        return count

    def open(self, is_tls: bool = False, heartbeat: int = 0) -> Wire:
        if is_tls:
            wire: Wire = TlsWire(self.broker.tls_port, self.certificates.context())
        else:
            wire = Wire(port=self.broker.port)
        wire.timeout = 20
        wire.open(properties=CLIENT, tune={"heartbeat": heartbeat})
        return wire


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Story]:
    certificates = Certificates(tmp_path)
    running = Running(request.param, certificates.settings)
    yield Story(running, certificates)
    running.stop()


def until(fact: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def blocked(wire: Wire) -> Method:
    got = wire.expect("connection.blocked")
    assert got.reason == "low on memory"
    return got


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_a_flood_that_is_held_comes_whole_and_in_order(story: Story, is_tls: bool) -> None:
    with story.open(is_tls) as flood, story.open(is_tls) as other:
        other.call("queue.declare", queue="q")
        flood.call("confirm.select")
        parts = [publish("q", b"%06d" % n + BODY) for n in range(COUNT)]
        flood.send_octets(b"".join(parts[:100]))
        until(lambda: other.call("queue.declare", queue="q").message_count > 0)
        story.low()
        sender = threading.Thread(target=flood.send_octets, args=(b"".join(parts[100:]),))
        sender.start()
        until(lambda: story.held_count() == 1)
        before = other.call("queue.declare", queue="q").message_count
        time.sleep(0.3)
        assert other.call("queue.declare", queue="q").message_count == before < COUNT
        story.enough()
        sender.join()
        names, confirmed = [], 0
        while confirmed < COUNT:
            got = flood.read()
            assert got is not None
            names.append(got.name)
            confirmed = max(confirmed, got.fields.get("delivery_tag", 0))
        assert [name for name in names if name != "basic.ack"] == [
            *("connection.blocked", "connection.unblocked")
        ]
        other.call("basic.consume", queue="q", no_ack=True)
        bodies = [other.expect("basic.deliver").body[:6] for _ in range(COUNT)]
        assert bodies == [b"%06d" % n for n in range(COUNT)]


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_deliveries_and_heartbeats_reach_who_is_held(story: Story, is_tls: bool) -> None:
    with story.open(is_tls, 1) as held, story.open(is_tls) as other:
        other.call("queue.declare", queue="q")
        other.publish("", "q", b"once more")
        assert other.call("basic.get", queue="q").name == "basic.get-ok"
        held.call("basic.consume", queue="q")
        story.low()
        held.publish("", "nowhere", b"")
        blocked(held)
        other.send("basic.reject", delivery_tag=1, requeue=True)
        assert held.expect("basic.deliver").body == b"once more"
        kinds = set()
        for _ in range(8):
            frame = held.read_frame(2)
            assert frame is not None
            kinds.add(frame.kind)
        assert kinds == {8}
        story.enough()
        held.expect("connection.unblocked")


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_a_held_client_that_reads_nothing_gets_all_of_it_later(story: Story, is_tls: bool) -> None:
    with story.open(is_tls) as slow, story.open(is_tls) as other:
        other.call("queue.declare", queue="q")
        for _ in range(400):
            other.publish("", "q", BODY * 16)
        other.call("basic.qos")
        slow.send("basic.consume", queue="q", no_ack=True)
        until(lambda: other.call("queue.declare", queue="q").message_count < 400)
        story.low()
        slow.send_octets(publish("q", b"last") + method(1, "basic.qos"))
        until(lambda: story.held_count() == 1)
        story.enough()
        names: list[str] = []
        while names.count("basic.deliver") < 401 or "basic.qos-ok" not in names:
            got = slow.read()
            assert got is not None
            names.append(got.name)
        assert names.index("connection.blocked") < names.index("connection.unblocked")
        assert names.count("basic.deliver") == 401


def test_a_held_connection_hears_that_the_broker_stops(story: Story) -> None:
    with story.open() as held, story.open(is_tls=True) as sealed:
        story.low()
        for wire in (held, sealed):
            wire.publish("", "nowhere", b"x" * 100_000)
            blocked(wire)
        story.running.stop()
        for wire in (held, sealed):
            assert wire.expect("connection.close").reply_code == 320


def test_a_held_connection_that_the_broker_closes_is_gone(story: Story) -> None:
    with story.open() as held:
        story.low()
        held.publish("", "nowhere", b"x" * 100_000)
        blocked(held)
        story.call(lambda node: node.connections.user_deleted("guest"))
        assert held.expect("connection.close").reply_code == 320
        assert story.held_count() == 0
        held.send("connection.close-ok", 0)
        assert held.read() is None


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_a_held_client_that_leaves_is_noticed_by_its_heartbeats(story: Story, is_tls: bool) -> None:
    held = story.open(is_tls, 1)
    story.low()
    held.publish("", "nowhere", b"")
    blocked(held)
    held.drop()
    until(lambda: story.held_count() == 0)
    until(lambda: bool(story.call(lambda node: len(node.connections.by_id) == 0)))


def test_newcomers_are_let_in_and_served_until_they_publish(story: Story) -> None:
    story.low()
    with story.open() as wire:
        assert wire.call("queue.declare", queue="q").name == "queue.declare-ok"
        wire.publish("", "q", b"1")
        blocked(wire)
        wire.send("queue.declare", queue="q")
        with pytest.raises(Silence):
            wire.read(0.3)
        story.enough()
        wire.expect("connection.unblocked")
        assert wire.expect("queue.declare-ok").message_count == 1
