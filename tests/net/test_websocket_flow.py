"""WebSockets over real sockets, on both event loops: AMQP at the port of the HTTP API."""

import http.client
import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.certificates import Certificates
from tests.fakes import publish
from tests.net.test_tls_flow import LOOPS, Running
from tests.websocket_wire import WebWire
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

import leveret
from leveret.broker.alarms import MEMORY
from leveret.broker.node import Node

Start = Callable[..., Running]
PONG = Opcode.PONG


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts brokers, and stops them after the test."""
    running = []

    def begin(settings: dict[str, object] | None = None) -> Running:
        running.append(Running(request.param, {"management_listen": []} | (settings or {})))
        return running[-1]

    yield begin
    for each in running:
        each.stop()


def url_of(broker: leveret.Broker, path: str = "/ws/amqp") -> str:
    return f"ws://127.0.0.1:{broker.management_port}{path}"


def opened(running: Running, **options: Any) -> WebWire:
    wire = WebWire(url_of(running.broker), **options)
    wire.open()
    return wire


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 100_000, 3_000_000])
def test_messages_of_every_size_come_back(start: Start, size: int) -> None:
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    with opened(start()) as wire:
        wire.call("queue.declare", queue="q")
        wire.publish("", "q", body)
        assert wire.call("basic.get", queue="q", no_ack=True).body == body


def test_many_small_ones_come_in_order_in_few_messages(start: Start) -> None:
    with opened(start()) as wire:
        wire.call("queue.declare", queue="q")
        wire.call("basic.consume", queue="q", no_ack=True)
        wire.send_octets(b"".join([publish("q", b"%d" % number) for number in range(5000)]))
        got = [wire.expect("basic.deliver").body for _ in range(5000)]
    assert got == [b"%d" % number for number in range(5000)]


def test_a_stream_may_be_cut_anywhere_into_messages_and_fragments(start: Start) -> None:
    with opened(start()) as wire:
        wire.call("queue.declare", queue="q")
        stream = b"".join([publish("q", b"%d" % number) for number in range(50)])
        for at in range(0, len(stream), 7):
            piece = stream[at : at + 7]
            wire.pipe.web.send([piece[:2], piece[2:3], piece[3:]])
        wire.call("basic.qos")
        assert wire.call("queue.declare", queue="q", passive=True).message_count == 50


@pytest.mark.parametrize(("path", "subprotocol"), [("/", "amqp"), ("/", ""), ("/ws/amqp", "")])
def test_clients_of_amqp_find_it_at_the_root_too(start: Start, path: str, subprotocol: str) -> None:
    with WebWire(url_of(start().broker, path), subprotocol) as wire:
        assert wire.open().name == "connection.open-ok"


def test_below_a_prefix_it_is_below_the_prefix(start: Start) -> None:
    running = start({"management_path_prefix": "/mq"})
    broker = running.broker
    with WebWire(url_of(broker, "/mq/ws/amqp")) as wire:
        assert wire.open().name == "connection.open-ok"
    assert refused(url_of(broker)) == 404


def tls_of_the_first(node: Node) -> str | None:
    link = next(iter(node.connections.by_id.values()))
    return link.peer.tls.protocol if link.peer.tls is not None else None


def refused(url: str, subprotocol: str = "amqp", **options: Any) -> int:
    """The status of a refusal."""
    with pytest.raises(InvalidStatus) as caught:
        WebWire(url, subprotocol, **options)
    return int(caught.value.response.status_code)


def test_where_there_is_none_that_is_said(start: Start) -> None:
    running = start()
    broker = running.broker
    with pytest.raises(InvalidStatus) as caught:
        WebWire(url_of(broker, "/api/overview"))
    assert caught.value.response.status_code == 404
    assert b"WebSockets are at /ws/amqp, /ws/mqtt and /ws/stomp" in caught.value.response.body
    assert refused(url_of(broker), "mqtt") == 400


def test_they_can_be_switched_off(start: Start) -> None:
    running = start({"management_websockets": False})
    broker = running.broker
    assert refused(url_of(broker)) == 404
    # The page and the API are there all the same.
    with urllib.request.urlopen(broker.management_url, timeout=60) as answer:
        assert answer.status == 200


def test_pages_of_other_hosts_may_not_come(start: Start) -> None:
    running = start()
    broker = running.broker
    headers = {"Origin": "https://other.example"}
    assert refused(url_of(broker), additional_headers=headers) == 403
    own = {"Origin": f"http://127.0.0.1:{broker.management_port}"}
    with WebWire(url_of(broker), additional_headers=own) as wire:
        assert wire.open().name == "connection.open-ok"


def test_a_browser_that_has_asked_for_a_page_may_go_on_as_a_websocket(start: Start) -> None:
    running = start()
    broker = running.broker
    there = http.client.HTTPConnection("127.0.0.1", broker.management_port, timeout=60)
    there.request("GET", "/")
    assert there.getresponse().read().startswith(b"<!doctype html>")
    there.putrequest("GET", "/ws/amqp")
    for name, value in {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }.items():
        there.putheader(name, value)
    there.endheaders()
    assert there.getresponse().status == 101
    there.close()


def test_it_is_a_connection_like_others_with_its_octets_counted(start: Start) -> None:
    running = start()
    broker = running.broker
    with opened(running) as wire:
        wire.call("queue.declare", queue="q")
        request = urllib.request.Request(f"{broker.management_url}/api/connections")
        request.add_header("Authorization", "Basic Z3Vlc3Q6Z3Vlc3Q=")
        with urllib.request.urlopen(request, timeout=60) as answer:
            (one,) = json.load(answer)
    assert one["protocol"] == "AMQP 0-9-1"
    assert one["port"] == broker.management_port
    assert one["recv_oct"] > 0


def test_who_does_not_read_holds_only_himself(start: Start) -> None:
    running = start()
    body = b"x" * 65536
    with opened(running) as slow, opened(running) as wire:
        # The library stops reading when nobody takes what has come.
        slow.call("queue.declare", queue="q")
        slow.send("basic.consume", queue="q", consumer_tag="c", no_ack=True)
        for _ in range(500):
            wire.publish("", "q", body)
        wire.call("basic.qos")
        wire.call("queue.declare", queue="other")
        wire.publish("", "other", b"y")
        assert wire.call("basic.get", queue="other", no_ack=True).body == b"y"
        slow.expect("basic.consume-ok")
        for _ in range(500):
            assert slow.expect("basic.deliver").body == body


def test_an_alarm_holds_publishers_back(start: Start) -> None:
    running = start()
    with opened(running) as wire:
        wire.call("queue.declare", queue="q")
        running.call(lambda node: node.alarms.set("test", MEMORY))
        wire.publish("", "q", b"held")
        wire.send("basic.qos")
        running.call(lambda node: node.alarms.clear("test"))
        wire.expect("basic.qos-ok")
        assert wire.call("basic.get", queue="q", no_ack=True).body == b"held"


def test_a_goodbye_of_the_client_ends_the_session(start: Start) -> None:
    running = start()
    with opened(running) as wire:
        wire.call("queue.declare", queue="mine", exclusive=True)
        wire.pipe.web.close(1000)
        assert wire.pipe.web.close_code == 1000
    with opened(running) as wire:
        for _ in range(1000):  # exclusive: it goes when its connection does
            reply = wire.call("queue.declare", queue="mine", exclusive=True)
            if reply.name == "queue.declare-ok":
                break
            wire.call("channel.open")
        assert reply.name == "queue.declare-ok"


def test_a_polite_end_of_the_protocol_is_one_of_the_socket_too(start: Start) -> None:
    with opened(start()) as wire:
        wire.close()
        with pytest.raises(ConnectionClosed):
            wire.pipe.web.recv(60)
        assert wire.pipe.web.close_code == 1000


def test_text_ends_it(start: Start) -> None:
    with opened(start()) as wire:
        wire.pipe.web.send("text")
        with pytest.raises(ConnectionClosed):
            while True:
                wire.pipe.web.recv(60)
        assert (wire.pipe.web.close_code, wire.pipe.web.close_reason) == (
            1003,
            "AMQP 0-9-1 is binary",
        )


@pytest.mark.parametrize("size", [20_000, 50_000_000])
def test_a_message_beyond_the_limit_ends_it(start: Start, size: int) -> None:
    with opened(start({"web_max_message_size": 10_000})) as wire:
        # Why is heard though the rest of the message is still on its way.
        with pytest.raises(ConnectionClosed):
            wire.pipe.web.send(bytes(size))
            while True:
                wire.pipe.web.recv(60)
        assert wire.pipe.web.close_code == 1009


def test_a_flood_before_the_login_ends_it(start: Start) -> None:
    with WebWire(url_of(start().broker)) as wire, pytest.raises(ConnectionClosed):
        wire.pipe.web.send(b"AMQP\x00\x00\x09\x01")
        while True:  # a frame of the WebSocket's that goes on and on
            wire.pipe.web.send([bytes(65_536)] * 16)


def test_who_gives_no_sign_of_life_is_ended(start: Start) -> None:
    running = start({"web_idle_timeout_ms": 3000})
    with opened(running, ping_interval=None) as wire:
        protocol: Any = wire.pipe.web.protocol
        send_frame = protocol.send_frame
        protocol.send_frame = lambda one: send_frame(one) if one.opcode != PONG else None
        with pytest.raises(ConnectionClosed):
            while True:
                wire.pipe.web.recv(60)
        assert wire.pipe.web.close_code == 1011


def test_over_https_it_is_sealed(start: Start, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    running = start(
        {
            "management_tls_certfile": certificates.cert,
            "management_tls_keyfile": certificates.key,
            "management_tls_listen": ["127.0.0.1:0"],
        }
    )
    broker = running.broker
    port = broker.settings.management_tls_port
    with WebWire(f"wss://localhost:{port}/ws/amqp", context=certificates.context()) as wire:
        wire.open()
        wire.call("queue.declare", queue="q")
        wire.publish("", "q", b"x" * 1_000_000)
        assert wire.call("basic.get", queue="q", no_ack=True).body == b"x" * 1_000_000
        tls = running.call(tls_of_the_first)
    assert tls is not None and tls.startswith("TLS")


def test_a_broker_that_stops_says_that_it_goes(start: Start) -> None:
    running = start()
    with opened(running) as wire:
        ending = threading.Thread(target=running.stop)
        ending.start()
        wire.expect("connection.close")
        with pytest.raises(ConnectionClosed):
            wire.pipe.web.recv(60)
        ending.join(60)
    assert not ending.is_alive()


@pytest.mark.parametrize("name", ["mqtt", "stomp"])
def test_ports_of_their_own_are_sealed_with_the_brokers_certificate(
    tmp_path: Path, name: str
) -> None:
    certificates = Certificates(tmp_path)
    settings = certificates.settings | {"proxy_protocol_sources": ["192.0.2.1"]}
    with leveret.Broker(websockets=True, settings=settings) as broker:
        port = getattr(broker.settings, f"web_{name}_tls_port")
        url = f"wss://localhost:{port}/ws"
        subprotocol = "mqtt" if name == "mqtt" else "v12.stomp"
        with WebWire(url, subprotocol, certificates.context()) as wire:
            assert wire.pipe.web.subprotocol == subprotocol
        # Without TLS nobody gets further than the door.
        with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
            plain.sendall(b"GET /ws HTTP/1.1\r\n\r\n")
            assert not plain.recv(100).startswith(b"HTTP/1.1 101")


def test_a_proxy_says_where_a_browser_is() -> None:
    settings: dict[str, object] = {"web_stomp_proxy_protocol": True, "loopback_users": []}
    with leveret.Broker(websockets=True, settings=settings) as broker:
        where = ("127.0.0.1", broker.web_stomp_port)
        with socket.create_connection(where, timeout=60) as browser:
            browser.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 80\r\n")
            browser.sendall(
                b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            login = b"CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0"
            octets = b""
            while not octets.endswith(b"\r\n\r\n"):
                octets += browser.recv(4096)
            browser.sendall(Frame(Opcode.TEXT, login).serialize(mask=True))
            while b"CONNECTED\n" not in octets:
                octets += browser.recv(4096)
            names = broker.call(lambda node: [one.name for one in node.connections.by_id.values()])
    assert names == ["192.0.2.7:40000 -> 192.0.2.1:80"]


@settings(max_examples=60)
@given(octets=st.binary(max_size=400), is_masked=st.booleans())
def test_random_octets_disturb_nobody_else(
    shared: leveret.Broker, octets: bytes, is_masked: bool
) -> None:
    with WebWire(url_of(shared)) as wire:
        wire.open()
        other = WebWire(url_of(shared))
        frame = Frame(Opcode.BINARY, octets).serialize(mask=True) if is_masked else octets
        other.pipe.web.socket.sendall(frame)
        wire.call("queue.declare", queue="q")
        wire.publish("", "q", octets)
        assert wire.call("basic.get", queue="q", no_ack=True).body == octets
        other.pipe.web.socket.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[leveret.Broker]:
    with leveret.Broker(management=True) as broker:
        yield broker
