"""The whole broker, wired: the only module that knows all others.

Makes every object and hands it down.  Owns no thread and no loop: it runs in the caller's.
"""

import asyncio
from typing import Final, final

from leveret.amqp091.protocol import Amqp091
from leveret.broker.node import Node
from leveret.config.settings import Settings
from leveret.net.alarm import LoopAlarm
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
        self._alarm: LoopAlarm | None = None
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

    def _be_quiet(self) -> None:
        """Let the timetable ring no more."""
        self.node.timetable.alarm = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _connection_count(self) -> int:
        return sum([listener.connection_count for listener in self.listeners])

    async def start(self) -> None:
        """Open every listener."""
        self._alarm = LoopAlarm(asyncio.get_running_loop(), self.node)
        self.node.timetable.alarm = self._alarm
        try:
            for listener in self.listeners:
                await listener.open()
        except BaseException:
            self._be_quiet()
            for listener in self.listeners:
                await listener.close()
            raise

    async def stop(self, reason: str, farewell_s: float = FAREWELL_S) -> None:
        """Stop listening and close connections with ``reason``.

        Clients have ``farewell_s`` seconds to answer; then they are cut off.
        """
        if self._connection_count() > 0:
            self.node.notices.inform(f"closing {self._connection_count()} connections: {reason}")
        for listener in self.listeners:
            listener.stop_accepting()
            listener.shut(reason)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + farewell_s
        while loop.time() < deadline and self._connection_count() > 0:  # noqa: ASYNC110 rare
            await asyncio.sleep(_POLL_S)
        self._be_quiet()
        for listener in self.listeners:
            await listener.close()
