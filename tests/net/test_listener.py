"""leveret.net.listener"""

import asyncio
import errno
import socket

from tests.fakes import new_node
from tests.wire import HEADER

from leveret.amqp091.protocol import Amqp091
from leveret.net.listener import Listener
from leveret.notices import Notices
from leveret.ports import Clock


def listener(port: int = 0, host: str = "127.0.0.1") -> Listener:
    clock = Clock()
    speaks = Amqp091(new_node())
    return Listener("AMQP 0-9-1", speaks, host, port, clock, Notices(clock))


async def accepted(by: Listener) -> None:
    """Return once ``by`` has seen its first connection."""
    async with asyncio.timeout(5):
        while by.connection_count == 0:  # noqa: ASYNC110 a listener has no event for it
            await asyncio.sleep(0)


def test_it_listens_on_a_free_port_and_knows_which() -> None:
    async def scenario() -> None:
        one = listener()
        await one.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(HEADER)
        assert (await reader.readexactly(1)) == b"\x01"
        assert one.connection_count == 1
        writer.close()
        await writer.wait_closed()
        await one.close()
        assert one.connection_count == 0

    asyncio.run(scenario())


def test_closing_cuts_off_whoever_is_there_and_frees_the_port() -> None:
    async def scenario() -> None:
        one = listener()
        await one.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        await accepted(one)
        await one.close()
        assert one.connection_count == 0
        assert (await reader.read()) == b""
        writer.close()
        again = listener(one.port)
        await again.open()
        assert again.port == one.port
        await again.close()

    asyncio.run(scenario())


def test_a_listener_that_stopped_accepting_keeps_its_connections() -> None:
    async def scenario() -> None:
        one = listener()
        await one.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        await accepted(one)
        one.stop_accepting()
        with socket.socket() as refused:
            result = await asyncio.to_thread(refused.connect_ex, ("127.0.0.1", one.port))
        assert result == errno.ECONNREFUSED
        writer.write(HEADER)
        assert (await reader.readexactly(1)) == b"\x01"
        writer.close()
        await one.close()

    asyncio.run(scenario())


def test_a_port_that_is_taken_is_an_os_error() -> None:
    async def scenario() -> str:
        one = listener()
        await one.open()
        other = listener(one.port)
        try:
            await other.open()
        except OSError as error:
            return type(error).__name__
        finally:
            await other.close()
            await one.close()
        return "nothing"

    assert asyncio.run(scenario()) == "OSError"
