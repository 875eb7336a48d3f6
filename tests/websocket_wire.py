"""``tests.wire`` in a WebSocket: the same octets, carried."""

import ssl
from typing import Any

from tests.wire import Wire
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class WebSocketPipe:
    """Looks like a socket to who sends and receives octets."""

    def __init__(
        self, url: str, subprotocol: str = "", context: ssl.SSLContext | None = None, **options: Any
    ) -> None:
        names: Any = [subprotocol] if subprotocol else None
        self.web = connect(
            url,
            subprotocols=names,
            ssl=context,
            max_size=None,
            compression=None,
            proxy=None,
            open_timeout=60,
            legacy=True,
            **options,
        )
        self.timeout: float | None = None
        self.rest = b""

    def settimeout(self, timeout: float | None) -> None:
        self.timeout = timeout

    def sendall(self, octets: bytes) -> None:
        try:
            self.web.send(octets)
        except ConnectionClosed:
            raise ConnectionResetError from None

    def recv(self, size: int) -> bytes:
        if not self.rest:
            try:
                data = self.web.recv(self.timeout)
            except ConnectionClosed:
                return b""
            self.rest = data.encode() if isinstance(data, str) else data
        chunk, self.rest = self.rest[:size], self.rest[size:]
        return chunk

    def shutdown(self, how: int) -> None:
        self.web.close()

    def close(self) -> None:
        self.web.close()


class WebWire(Wire):
    """AMQP in a WebSocket."""

    def __init__(
        self,
        url: str,
        subprotocol: str = "amqp",
        context: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        host, _, port = url.partition("://")[2].partition("/")[0].rpartition(":")
        super().__init__(host=host, port=int(port), timeout=20)
        self.socket.close()
        pipe: Any = WebSocketPipe(url, subprotocol, context, **options)
        self.pipe: WebSocketPipe = pipe
        self.socket = pipe
