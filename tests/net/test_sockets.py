"""leveret.net.sockets, as a listener uses them"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
import uvloop
from tests.net.test_listener import accepted, listener
from tests.wire import Wire

import leveret
from leveret.config.settings import Settings
from leveret.net.sockets import Sockets, sockets_of

LOOPS: list[Callable[[], Any]] = [asyncio.new_event_loop, uvloop.new_event_loop]


def options(
    new_loop: Callable[[], Any], sockets: Sockets, host: str = "127.0.0.1"
) -> tuple[bool, bool, tuple[int, ...]]:
    """Nodelay, keepalive and linger of a connection that a listener accepted."""

    async def scenario() -> tuple[bool, bool, tuple[int, ...]]:
        one = listener(host=host)
        one.sockets = sockets
        await one.open()
        _, writer = await asyncio.open_connection("127.0.0.1", one.port)
        await accepted(one)
        (connection,) = one._connections
        there: Any = connection
        file = there._transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=socket.dup(file)) as own:
            nodelay = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            keepalive = own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            linger = own.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        writer.close()
        await one.close()
        return bool(nodelay), bool(keepalive), struct.unpack("ii", linger)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(scenario())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
@pytest.mark.parametrize("new_loop", LOOPS)
def test_by_default_small_packets_do_not_wait(new_loop: Callable[[], Any], host: str) -> None:
    assert options(new_loop, Sockets(), host) == (True, False, (0, 0))


@pytest.mark.parametrize("new_loop", LOOPS)
def test_connections_have_what_the_settings_say(new_loop: Callable[[], Any]) -> None:
    settings = Settings(tcp_backlog=7, tcp_nodelay=False, tcp_keepalive=True, tcp_linger_s=3)
    sockets = sockets_of(settings)
    assert sockets.backlog == 7
    assert options(new_loop, sockets) == (False, True, (1, 3))


def test_a_polite_close_is_no_reset_where_nothing_shall_linger() -> None:
    with leveret.Broker(settings={"tcp_linger_s": 0}) as broker, Wire(port=broker.port) as wire:
        wire.open()
        wire.call("connection.close", 0, reply_code=200, reply_text="")
        assert wire.socket.recv(1) == b""  # a reset would raise
