"""A listening port and its connections.  Knows no protocol."""

import asyncio
from typing import Any, Final, final

from leveret.net.connection import Connection, Flusher
from leveret.net.door import Entrance
from leveret.net.sockets import Sockets, bound, hosts
from leveret.net.turns import Turns
from leveret.notices import Notices
from leveret.ports import Clock
from leveret.session import Protocol

TICK_S: Final = 0.5
# A transport that has not reported its end by then will not do so.
_GONE_NS: Final = 1_000_000_000


@final
class Listener:
    """Accepts connections for one protocol.  ``port`` is the real one once it is open.

    ``entrance`` is what connections pass first: TLS, a proxy's header, or nothing.
    """

    def __init__(
        self,
        protocol_name: str,
        protocol: Protocol,
        host: str,
        port: int,
        clock: Clock,
        notices: Notices,
        entrance: Entrance | None = None,
    ) -> None:
        self.protocol: Final = protocol_name
        self.entrance: Final = entrance if entrance is not None else Entrance()
        self.sockets = Sockets()
        self._clock: Final = clock
        self._notices: Final = notices
        self.host: Final = host
        self.port = port
        self._speaks: Final = protocol
        self._connections: Final[dict[Connection, None]] = {}
        # Any: compiled, an asyncio type is insisted on, and uvloop's own are no subclasses.
        self._server: Any = None
        self._flusher: Flusher | None = None
        # What is done before anything is sent; set before it opens.
        self.turns: Turns | None = None
        self._timer: Any = None

    @property
    def is_tls(self) -> bool:
        """Whether clients have to speak TLS."""
        return self.entrance.tls is not None

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def open(self) -> None:
        """Begin to listen.  Raises OSError when the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._begin(loop)
        backlog = self.sockets.backlog
        sock = bound(self.host, self.port)
        if sock is None:
            self._server = await loop.create_server(
                self._accept, hosts(self.host), self.port, backlog=backlog
            )
        else:
            self._server = await loop.create_server(self._accept, sock=sock, backlog=backlog)
        self.sockets.listening(self._server.sockets)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        flusher = Flusher(loop, self._clock, self._notices, self.entrance)
        flusher.turns = self.turns
        flusher.undelays = not self.sockets.nodelay
        flusher.lingers = self.sockets.lingers
        self._flusher = flusher
        self._timer = loop.call_later(TICK_S, self._tick)

    def adopt(self, transport: Any, early: bytes) -> None:
        """Take over a connection that came to another port, and has said ``early`` there.

        For that it need not be open itself.
        """
        if self._flusher is None:
            self._begin(asyncio.get_running_loop())
        self._accept().take_over(transport, early)

    def _accept(self) -> Connection:
        assert self._flusher is not None
        return Connection(self._speaks, self._flusher, self._connections)

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        for connection in list(self._connections):
            connection.tick()
        if self.turns is not None:
            self.turns.wake()

    def stop_accepting(self) -> None:
        """Close the port; connections that are open stay."""
        if self._server is not None:
            self._server.close()

    def shut(self, reason: str) -> None:
        """Ask every client to go, telling it why."""
        for connection in list(self._connections):
            connection.shut(reason)

    async def close(self) -> None:
        """Cut off whoever is still there, and leave nothing behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self._connections):
            connection.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        await self._gone()

    async def _gone(self) -> None:
        """Wait until every transport has reported its end, with the next turns of the loop."""
        deadline = self._clock.now_ns() + _GONE_NS
        while self._connections and self._clock.now_ns() < deadline:  # noqa: ASYNC110 soon over
            await asyncio.sleep(0)
