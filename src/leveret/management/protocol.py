"""HTTP on one connection: uvicorn's protocol, in the broker's own loop, with bounds.

uvicorn has none for headers, for the time that a request takes to arrive, for the time that an
answer takes to be read, and for what it tells the log about wrong requests.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, final
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

_HEAD_OCTETS: Final = 65_536
# Whoever sends nonsense is told so; the log, where anybody could fill it with that, is not.
_LOG: Final = logging.getLogger("leveret.http")
_LOG.setLevel(logging.ERROR)


def _bare(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()


_MANY: Final = _bare("503 Service Unavailable")
_LARGE: Final = _bare("431 Request Header Fields Too Large")
_SLOW: Final = _bare("408 Request Timeout")
_SENTENCE: Final = b"WebSockets are at /ws/amqp, /ws/mqtt and /ws/stomp, and not here.\n"
_NO_SOCKET: Final = _bare("404 Not Found").replace(b"length: 0", b"length: %d" % len(_SENTENCE))


@final
class WebProtocol(HttpToolsProtocol):
    """One connection.  ``timeout_s`` is for a request to arrive, and for an answer to be taken."""

    def __init__(
        self, config: Config, state: ServerState, timeout_s: float, most_connections: int
    ) -> None:
        super().__init__(config, state, {})
        self.logger = _LOG
        self._timeout_s: Final = timeout_s
        self._most: Final = most_connections
        self._head_octets = 0
        self._is_in_head = False
        self._is_in_body = False
        # Who takes over connections that are asked to become WebSockets, if anybody does.
        self.upgrade: Callable[[str, Any, bytes], bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody came."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            self._end_with(_MANY)
            return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._forget_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        if self.transport.is_closing():
            return
        self._head_octets += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._is_in_head:
            self._head_octets = 0
        elif self._head_octets > _HEAD_OCTETS:
            self._end_with(_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._is_in_head = True
        self._start_timer()

    def on_headers_complete(self) -> None:
        """All is known but the body."""
        self._is_in_head = False
        self._is_in_body = True
        self._forget_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All is known."""
        self._is_in_body = False
        self._forget_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is given: nobody waits for what is still to come of the body."""
        super().on_response_complete()
        if self._is_in_body and self.cycle.response_complete and not self.transport.is_closing():
            self._start_timer()

    def _should_upgrade(self) -> bool:
        return self.upgrade is not None and self._get_upgrade() == b"websocket"

    def handle_websocket_upgrade(self) -> None:
        """What was a connection for HTTP is to carry another protocol."""
        cycle: Any = self.cycle
        if self.upgrade is None or (cycle is not None and not cycle.response_complete):
            self.transport.close()
            return
        self.connections.discard(self)
        self._forget_timers()
        request = [self.scope["method"].encode(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            request += [name, b": ", value, b"\r\n"]
        request.append(b"\r\n")
        path = unquote(self.url.partition(b"?")[0].decode("latin-1"))
        if not self.upgrade(path, self.transport, b"".join(request)):
            self._end_with(_NO_SOCKET + _SENTENCE)

    def pause_writing(self) -> None:
        """The answer is not read fast enough."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(self._timeout_s, self._cut_off)

    def resume_writing(self) -> None:
        """It is read again."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._timeout_s, self._too_slow)

    def _too_slow(self) -> None:
        self._timer = None
        # Browsers open connections on suspicion, which never ask for anything.
        self._end_with(_SLOW if self._is_in_head else b"")

    def _cut_off(self) -> None:
        self._stall = None
        self.transport.abort()

    def _end_with(self, answer: bytes) -> None:
        # Behind an answer that is under way, this would be taken for a part of it.
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(answer)
        self.transport.close()

    def _forget_timers(self) -> None:
        self._forget_timer()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
