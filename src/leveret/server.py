"""The whole broker, wired: the only module that knows all others.

Makes every object and hands it down.  Owns no thread and no loop: it runs in the caller's.
"""

import asyncio
from typing import Final, final

from leveret.amqp091.protocol import Amqp091
from leveret.broker.node import Node
from leveret.config import Settings
from leveret.net.listener import Listener
from leveret.ports import Clock, Random

# How long clients get to answer connection.close before they are cut off.
FAREWELL_S: Final = 1.0
_POLL_S: Final = 0.01


@final
class Server:
    """One node with its listeners.

    ``start`` raises OSError when a port cannot be had, and leaves nothing open.
    """

    def __init__(self, settings: Settings) -> None:
        clock = Clock()
        self.node: Final = Node(settings, clock, Random())
        self.listeners: Final = [
            Listener(
                "AMQP 0-9-1",
                Amqp091(self.node),
                settings.host,
                settings.port,
                clock,
                self.node.notices,
            )
        ]

    def _connection_count(self) -> int:
        return sum([listener.connection_count for listener in self.listeners])

    async def start(self) -> None:
        """Open every listener."""
        try:
            for listener in self.listeners:
                await listener.open()
        except BaseException:
            for listener in self.listeners:
                await listener.close()
            raise

    async def stop(self, reason: str) -> None:
        """Stop listening, close connections with ``reason`` and wait for it, at most a second."""
        for listener in self.listeners:
            listener.stop_accepting()
            listener.shut(reason)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FAREWELL_S
        while loop.time() < deadline and self._connection_count() > 0:  # noqa: ASYNC110 rare
            await asyncio.sleep(_POLL_S)
        for listener in self.listeners:
            await listener.close()
