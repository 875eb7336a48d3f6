"""TLS and PROXY over real sockets, on both event loops: nobody waits for anybody."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.certificates import Certificates, TlsWire
from tests.fakes import publish
from tests.wire import HEADER, Wire

import leveret
from leveret.broker.node import Node

LOOPS: list[Callable[[], Any]] = [asyncio.new_event_loop, uvloop.new_event_loop]
BODY = b"x" * 65536
KERNEL_OCTETS = 12 * 1024 * 1024
PROXY = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 5672\r\n"


class Running:
    """A broker in a thread of its own, with an event loop of the test's choice."""

    def __init__(self, new_loop: Callable[[], Any], settings: dict[str, object]) -> None:
        self.broker = leveret.Broker(settings=settings)
        self._new_loop = new_loop
        self._is_ready = threading.Event()
        self._end: Any = None
        self._loop: Any = None
        self._thread = threading.Thread(target=self._live)
        self._thread.start()
        assert self._is_ready.wait(10)

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=self._new_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with self.broker:
            self._is_ready.set()
            await self._end.wait()

    def call(self, action: Callable[[Node], Any]) -> Any:
        """What ``action`` makes of the node, in the broker's own thread."""

        async def perform() -> Any:
            return self.broker.call(action)

        return asyncio.run_coroutine_threadsafe(perform(), self._loop).result(10)

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., leveret.Broker]]:
    """Starts brokers, and stops them after the test."""
    running = []

    def begin(settings: dict[str, object]) -> leveret.Broker:
        running.append(Running(request.param, settings))
        return running[-1].broker

    yield begin
    for each in running:
        each.stop()


Start = Callable[[dict[str, object]], leveret.Broker]


def opened(broker: leveret.Broker, certificates: Certificates, first: bytes = b"") -> TlsWire:
    wire = TlsWire(broker.tls_port, certificates.context(), first)
    wire.open()
    return wire


def fill(wire: Wire, count: int) -> None:
    wire.call("queue.declare", queue="q")
    for number in range(count):
        wire.publish("", "q", b"%06d" % number + BODY)
    wire.call("basic.qos")


def waiting(wire: Wire) -> int:
    """How many messages wait, once the count has come to rest."""
    count, before = -1, -2
    while count != before:
        time.sleep(0.1)
        before = count
        count = wire.call("queue.declare", queue="q", passive=True).message_count
    return count


@pytest.mark.parametrize("size", [0, 1, 16384, 100_000, 3_000_000])
def test_messages_of_every_size_come_back(
    start: Start, certificates: Certificates, size: int
) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    with opened(start(certificates.settings), certificates) as wire:
        wire.call("queue.declare", queue="q")
        wire.publish("", "q", body[:size])
        assert wire.call("basic.get", queue="q", no_ack=True).body == body[:size]


def test_many_small_ones_come_in_order(start: Start, certificates: Certificates) -> None:
    with opened(start(certificates.settings), certificates) as wire:
        wire.call("queue.declare", queue="q")
        wire.call("basic.consume", queue="q", no_ack=True)
        wire.send_octets(b"".join([publish("q", b"%d" % number) for number in range(5000)]))
        got = [wire.expect("basic.deliver").body for _ in range(5000)]
        assert got == [b"%d" % number for number in range(5000)]


def test_a_consumer_that_never_reads_gets_no_more_than_fits_the_sockets(
    start: Start, certificates: Certificates
) -> None:
    broker = start(certificates.settings)
    with opened(broker, certificates) as stuck, opened(broker, certificates) as other:
        fill(other, 400)
        stuck.send("basic.consume", queue="q", no_ack=True)
        left = waiting(other)
        assert (400 - left) * len(BODY) < KERNEL_OCTETS + 1024 * 1024
        got = [stuck.read() for _ in range(1 + 400)]
        assert [one.body[:6] for one in got[1:] if one] == [b"%06d" % n for n in range(400)]


def test_others_are_served_while_one_floods(start: Start, certificates: Certificates) -> None:
    broker = start(certificates.settings)
    octets = publish("nowhere", b"x" * 16) * 10_000
    enough = threading.Event()

    def flow(flood: Wire) -> None:
        while not enough.is_set():
            flood.send_octets(octets)

    with opened(broker, certificates) as flood, opened(broker, certificates) as other:
        sender = threading.Thread(target=flow, args=(flood,))
        sender.start()
        waits = []
        for _ in range(40):
            begin = time.monotonic()
            assert other.call("basic.qos").name == "basic.qos-ok"
            waits.append(time.monotonic() - begin)
        enough.set()
        sender.join()
        assert sorted(waits)[20] < 0.2
        assert flood.call("basic.qos").name == "basic.qos-ok"


def test_a_goodbye_ends_in_tls_too(start: Start, certificates: Certificates) -> None:
    wire = opened(start(certificates.settings), certificates)
    with wire:
        wire.send("connection.close", 0, reply_code=200)
        assert wire.expect("connection.close-ok")
        # A connection that is merely cut off would raise here.
        wire.socket.settimeout(10)
        assert isinstance(wire.socket, ssl.SSLSocket)
        wire.socket.suppress_ragged_eofs = False
        assert wire.socket.recv(1) == b""


def test_who_is_silent_or_does_not_speak_tls_is_dropped_and_hurts_nobody(
    start: Start, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    broker = start(certificates.settings | {"tls_handshake_timeout_ms": 300})
    address = ("127.0.0.1", broker.tls_port)
    with (
        opened(broker, certificates) as other,
        socket.create_connection(address, 10) as silent,
        socket.create_connection(address, 10) as plain,
        socket.create_connection(address, 10) as half,
    ):
        plain.sendall(HEADER)
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        # A reset is an end, too.
        for one in (plain, silent, half):
            try:
                while one.recv(100):
                    pass
            except ConnectionResetError:
                pass
        assert other.call("basic.qos").name == "basic.qos-ok"
    with socket.create_connection(address, 10) as checker:
        checker.shutdown(socket.SHUT_WR)
        assert checker.recv(1) == b""
    told = sorted([r.getMessage().partition("not let in: ")[2] for r in caplog.records])
    assert [line for line in told if line] == [
        "it speaks AMQP without TLS to a port for TLS",
        "no TLS handshake within the time for it",
        "no TLS handshake within the time for it",
    ]


def test_tls_to_the_plain_port_is_told_what_this_port_speaks(
    start: Start, certificates: Certificates
) -> None:
    broker = start(certificates.settings)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        TlsWire(broker.port, certificates.context())
    with opened(broker, certificates) as other:
        assert other.call("basic.qos").name == "basic.qos-ok"


def test_new_certificates_are_for_new_connections(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "leveret")

    def serial() -> str:
        with opened(broker, certificates) as wire:
            assert isinstance(wire.socket, ssl.SSLSocket)
            shown = wire.socket.getpeercert()
            assert shown is not None
            return str(shown["serialNumber"])

    with (
        leveret.Broker(settings=certificates.settings) as broker,
        opened(broker, certificates) as old,
    ):
        first = serial()
        certificates.issue("localhost", "127.0.0.1", name="broker")
        assert serial() == first
        assert broker.reload_tls()
        second = serial()
        assert second != first
        Path(certificates.key).write_text("half")
        assert not broker.reload_tls()
        assert serial() == second
        assert old.call("basic.qos").name == "basic.qos-ok"
    lines = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("The TLS certificate was read anew, for new con") for line in lines)
    assert not any("expired" in line for line in lines)
    (refusal,) = [line for line in lines if line.startswith("The old certificate stays: ")]
    assert "tls_keyfile" in refusal and "holds no private key" in refusal


def test_there_is_nothing_to_read_anew_without_tls() -> None:
    with leveret.Broker() as broker:
        assert not broker.reload_tls()
        with pytest.raises(RuntimeError, match="no port for TLS: set tls_certfile"):
            print(broker.tls_url)


def reply_code(wire: Wire) -> int:
    """0 when the login as guest succeeds; else why it does not."""
    reply = wire.open()
    return int(reply.reply_code) if reply.name == "connection.close" else 0


@pytest.mark.parametrize("with_tls", [False, True])
def test_behind_a_proxy_guest_is_as_far_away_as_the_client(
    start: Start, certificates: Certificates, with_tls: bool, caplog: pytest.LogCaptureFixture
) -> None:
    broker = start(certificates.settings | {"proxy_protocol": True})

    def connected(first: bytes) -> Wire:
        if with_tls:
            return TlsWire(broker.tls_port, certificates.context(), first)
        wire = Wire(port=broker.port, timeout=10)
        wire.send_octets(first)
        return wire

    with connected(PROXY) as wire:
        assert reply_code(wire) == 403
    with connected(b"PROXY TCP6 ::1 ::1 1 2\r\n") as wire:
        assert reply_code(wire) == 0
        wire.publish("", "nowhere", b"x" * 100_000)
        assert wire.call("basic.qos").name == "basic.qos-ok"
    with connected(b"PROXY UNKNOWN\r\n") as wire:
        assert reply_code(wire) == 403
    with connected(b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00") as wire:
        assert reply_code(wire) == 0
    names = [record.getMessage() for record in caplog.records]
    assert any("192.0.2.7:40000 -> 192.0.2.1:5672" in name for name in names)


def test_a_header_and_the_first_octets_may_come_together(start: Start) -> None:
    broker = start({"proxy_protocol": True})
    with Wire(port=broker.port) as wire:
        wire.send_octets(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + HEADER)
        assert wire.expect("connection.start")


def test_only_trusted_proxies_are_listened_to(start: Start) -> None:
    broker = start({"proxy_protocol": True, "proxy_protocol_sources": ["192.0.2.0/24"]})
    with Wire(port=broker.port) as wire:
        assert reply_code(wire) == 0
    with Wire(port=broker.port) as wire:
        wire.send_octets(PROXY)
        assert wire.read_octets(8) == b"AMQP\x00\x00\x09\x01"
