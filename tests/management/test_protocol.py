"""One HTTP connection and its bounds, without a socket."""

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from leveret.management.protocol import WebProtocol


class FakeTransport:
    """Writes down what is done to it."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False
        self.ended = asyncio.Event()

    def write(self, octets: bytes) -> None:
        self.written += octets

    def close(self) -> None:
        self.is_closed = True
        self.ended.set()

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str) -> None:
        return None

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done", "more_body": False})


async def begin(timeout_s: float = 60, most: int = 10) -> tuple[WebProtocol, FakeTransport]:
    config = Config(app, http=WebProtocol, ws="none", lifespan="off", log_config=None)
    protocol = WebProtocol(config, ServerState(), timeout_s, most)
    transport = FakeTransport()
    protocol.connection_made(transport)
    return protocol, transport


def test_nonsense_is_refused_and_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> bytes:
        protocol, transport = await begin()
        protocol.data_received(b"nonsense\r\n\r\n")
        return transport.written

    with caplog.at_level(logging.DEBUG):
        assert asyncio.run(story()).startswith(b"HTTP/1.1 400 ")
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_who_does_not_read_is_cut_off() -> None:
    async def story() -> None:
        protocol, transport = await begin(timeout_s=0.05)
        protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        protocol.pause_writing()
        await asyncio.wait_for(transport.ended.wait(), 60)
        assert transport.is_closed
        protocol.connection_lost(None)

    asyncio.run(story())


def test_who_reads_again_is_not() -> None:
    async def story() -> None:
        protocol, transport = await begin(timeout_s=60)
        protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        protocol.pause_writing()
        protocol.resume_writing()
        assert protocol._stall is None
        assert not transport.is_closed
        protocol.connection_lost(None)

    asyncio.run(story())


def test_a_head_may_come_in_pieces_but_not_be_endless() -> None:
    async def story() -> None:
        protocol, transport = await begin()
        protocol.data_received(b"GET / HTTP/1.1\r\n")
        for _ in range(60):
            protocol.data_received(b"x: " + b"y" * 1000 + b"\r\n")
        assert not transport.is_closed
        for _ in range(10):
            protocol.data_received(b"x: " + b"y" * 1000 + b"\r\n")
        assert transport.written.startswith(b"HTTP/1.1 431 ")
        assert transport.is_closed
        protocol.connection_lost(None)

    asyncio.run(story())


def test_bodies_do_not_count_as_heads() -> None:
    async def story() -> None:
        protocol, transport = await begin()
        size = 1_000_000
        protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(10):
            protocol.data_received(b"b" * (size // 10))
        assert not transport.is_closed
        protocol.connection_lost(None)

    asyncio.run(story())


def test_a_body_that_nobody_asked_for_may_not_take_for_ever() -> None:
    """The answer was given when the head had come."""

    async def story() -> None:
        protocol, transport = await begin(timeout_s=0.05)
        protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n")
        for _ in range(6000):
            if transport.is_closed:
                break
            protocol.data_received(b"1")
            await asyncio.sleep(0.01)
        assert transport.is_closed
        assert transport.written.startswith(b"HTTP/1.1 200 ")
        protocol.connection_lost(None)

    asyncio.run(story())


def test_a_body_that_comes_after_the_answer_leaves_the_connection_as_it_was() -> None:
    async def story() -> None:
        protocol, transport = await begin()
        protocol.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n1")
        for _ in range(100):
            await asyncio.sleep(0)
        assert b"done" in transport.written
        assert protocol._timer is not None
        protocol.data_received(b"2")
        assert protocol._timer is None
        assert not transport.is_closed
        protocol.connection_lost(None)

    asyncio.run(story())


def test_nothing_remains_of_a_connection_that_is_gone() -> None:
    async def story() -> None:
        protocol, _ = await begin()
        protocol.data_received(b"GET / HT")
        protocol.pause_writing()
        protocol.connection_lost(None)
        assert (protocol._timer, protocol._stall) == (None, None)
        assert not protocol.connections

    asyncio.run(story())
