"""A port for HTTP.  Cheap: what it takes to answer is imported when the first connection comes.

Knows no path and no page: those are in the module that it is given, which has a function
``make_site`` of the node and of what to call when a request may have changed something.
"""

import asyncio
import importlib
import ssl
import threading
from collections.abc import Callable
from typing import Any, Final, final

from leveret.broker.node import Node
from leveret.config.addresses import NOWHERE, split_address
from leveret.config.settings import Settings
from leveret.net.listener import Listener
from leveret.net.sockets import bound, hosts
from leveret.net.tls import own_facts, server_context

MANAGEMENT: Final = "leveret.management.site"
METRICS: Final = "leveret.management.metrics_site"
# What a connection may have sent before the site is there to read it.
_EARLY_OCTETS: Final = 65_536
# Settings of TLS that HTTPS has for itself; the others are those of AMQP over TLS.
_OWN: Final = ("certfile", "keyfile", "password", "cacertfile", "verify", "fail_if_no_peer_cert")


@final
class Threshold(asyncio.Protocol):
    """The first protocol of a connection: keeps what comes until the site takes it over."""

    def __init__(self, listener: "WebListener") -> None:
        self._listener: Final = listener
        # Any: compiled, an asyncio type is insisted on, and uvloop's own are no subclasses.
        self._transport: Any = None
        self._early: Final[list[bytes]] = []
        self._early_octets = 0

    def connection_made(self, transport: Any) -> None:
        """Somebody came: wait for the site."""
        self._transport = transport
        self._listener.wait_for_site(self)

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self._early.append(data)
        self._early_octets += len(data)
        if self._early_octets > _EARLY_OCTETS:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Too late."""
        self._listener.forget(self)
        self._transport = None

    def hand_over(self, protocol: Any) -> None:
        """``protocol`` takes the connection from here."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.resume_reading()
        for data in self._early:
            protocol.data_received(data)

    def abort(self) -> None:
        """Cut it off."""
        if self._transport is not None:
            self._transport.abort()


@final
class WebListener:
    """Listens, and has the site of ``module`` answer.  ``port`` is the real one once it is open."""

    def __init__(
        self,
        protocol_name: str,
        module: str,
        node: Node,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        wake: Callable[[], None],
    ) -> None:
        self.protocol: Final = protocol_name
        self.host: Final = host
        self.port = port
        self._module: Final = module
        self._node: Final = node
        self._tls: Final = tls
        self._wake: Final = wake
        self._server: Any = None
        self._site: Any = None
        self._waiting: Final[dict[Threshold, None]] = {}
        self._loader: Any = None
        # Who takes over connections that are asked to become WebSockets, by path.
        self.carried: dict[str, Listener] = {}

    @property
    def is_api(self) -> bool:
        """Whether it is that of the HTTP API, and not that of the metrics."""
        return self._module == MANAGEMENT

    @property
    def is_tls(self) -> bool:
        """Whether it is HTTPS."""
        return self._tls is not None

    async def open(self) -> None:
        """Begin to listen.  Raises OSError."""
        loop = asyncio.get_running_loop()
        patience_s: float | None = None
        if self._tls is not None:
            patience_s = self._node.settings.tls_handshake_timeout_ms / 1000
        sock = bound(self.host, self.port)
        if sock is None:
            self._server = await loop.create_server(
                self._accept,
                hosts(self.host),
                self.port,
                ssl=self._tls,
                ssl_handshake_timeout=patience_s,
            )
        else:
            self._server = await loop.create_server(
                self._accept, sock=sock, ssl=self._tls, ssl_handshake_timeout=patience_s
            )
        self.port = int(self._server.sockets[0].getsockname()[1])

    def _accept(self) -> Any:
        return Threshold(self) if self._site is None else self._site.protocol()

    # --- the site --------------------------------------------------------------------------

    def wait_for_site(self, who: Threshold) -> None:
        """Hand ``who`` over when the site is there."""
        self._waiting[who] = None
        if self._site is not None:
            self._open_doors()
        elif self._loader is None:
            # In a thread: the broker goes on meanwhile.
            loop = asyncio.get_running_loop()
            self._loader = threading.Thread(
                target=self._load, args=(loop,), name="leveret-site", daemon=True
            )
            self._loader.start()

    def forget(self, who: Threshold) -> None:
        """``who`` is gone."""
        self._waiting.pop(who, None)

    def _load(self, loop: Any) -> None:
        error: Exception | None = None
        try:
            importlib.import_module(self._module)
        except Exception as failure:
            error = failure
        try:
            loop.call_soon_threadsafe(self._loaded, error)
        except RuntimeError:  # the loop is closed: nobody waits any more
            pass

    def _loaded(self, error: Exception | None) -> None:
        self._loader = None
        try:
            if error is not None:
                raise error
            if self._server is None:
                return
            module: Any = importlib.import_module(self._module)
            self._site = module.make_site(self._node, self._wake)
            if self.is_api:
                self._site.upgrade = self.upgrade
        except Exception:
            self._node.notices.crash("the HTTP API cannot be loaded")
            self._turn_away()
        else:
            self._open_doors()

    def upgrade(self, path: str, transport: Any, request: bytes) -> bool:
        """Give a connection to who speaks the protocol at ``path``; whether anybody does."""
        listener = self.carried.get(path)
        if listener is None:
            return False
        listener.adopt(transport, request)
        return True

    def _open_doors(self) -> None:
        waiting = list(self._waiting)
        self._waiting.clear()
        for who in waiting:
            who.hand_over(self._site.protocol())

    def _turn_away(self) -> None:
        for who in list(self._waiting):
            who.abort()
        self._waiting.clear()

    # --- the end ---------------------------------------------------------------------------

    def stop_accepting(self) -> None:
        """Close the port, and connections that nobody waits at."""
        if self._server is not None:
            self._server.close()
        if self._site is not None:
            self._site.shut()

    async def close(self) -> None:
        """Cut off whoever is still there, and leave nothing behind."""
        server, self._server = self._server, None
        self._turn_away()
        if self._site is not None:
            await self._site.close()
        if server is not None:
            server.close()
            await server.wait_closed()
        if self._loader is not None:
            self._loader.join()
            self._loader = None
        self._site = None


def management_places(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of every listener for HTTP."""
    if settings.management_listen == [NOWHERE]:
        return []
    if settings.management_listen:
        return [split_address(text) for text in settings.management_listen]
    return [(settings.host, settings.management_port)]


def metrics_places(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of every listener for Prometheus."""
    if settings.prometheus_listen == [NOWHERE]:
        return []
    if settings.prometheus_listen:
        return [split_address(text) for text in settings.prometheus_listen]
    return [(settings.host, settings.prometheus_port)]


def management_tls_places(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of every listener for HTTPS."""
    if settings.management_tls_listen == [NOWHERE] or not settings.management_tls_certfile:
        return []
    if settings.management_tls_listen:
        return [split_address(text) for text in settings.management_tls_listen]
    return [(settings.host, settings.management_tls_port)]


@final
class WebTls:
    """The TLS of HTTPS.  Raises ConfigError for files that are not good."""

    def __init__(self, settings: Settings) -> None:
        self._settings: Final = _own_settings(settings)
        self.context: Final = server_context(self._settings)
        self.expires = ""
        self._note_expiry()

    def reload(self) -> None:
        """Read the files anew, for connections to come.  Raises ConfigError, and keeps the old."""
        server_context(self._settings)
        settings = self._settings
        password = settings.tls_password
        # In place: the loop keeps the context that it was given.
        self.context.load_cert_chain(
            settings.tls_certfile, settings.tls_keyfile or None, lambda: password.encode()
        )
        self._note_expiry()

    def _note_expiry(self) -> None:
        self.expires = own_facts(self._settings).validity.rpartition(" ")[2]


def _own_settings(settings: Settings) -> Settings:
    """Settings in which TLS is that of HTTPS."""
    own = Settings(
        tls_depth=settings.tls_depth,
        tls_versions=settings.tls_versions,
        tls_ciphers=settings.tls_ciphers,
    )
    for name in _OWN:
        setattr(own, f"tls_{name}", getattr(settings, f"management_tls_{name}"))
        own.origin[f"tls_{name}"] = settings.origin[f"management_tls_{name}"]
    return own
