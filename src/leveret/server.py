"""The whole broker, wired: the only module that knows all others.

Makes every object and hands it down.  Owns no thread and no loop: it runs in the caller's.
"""

import asyncio
import importlib
import time
from typing import Any, Final, final

from leveret.amqp091.protocol import Amqp091
from leveret.broker.gauges import Gauges
from leveret.broker.node import Node
from leveret.broker.place import Place
from leveret.broker.storage import Storage
from leveret.config.addresses import NOWHERE, split_address
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.identity.wiring import connect
from leveret.net.alarm import LoopAlarm
from leveret.net.door import Entrance
from leveret.net.listener import Listener
from leveret.net.proxy import Trusted
from leveret.net.sockets import sockets_of
from leveret.net.tls import ServerTls
from leveret.net.turns import Turns
from leveret.net.web import (
    MANAGEMENT,
    METRICS,
    WebListener,
    WebTls,
    management_places,
    management_tls_places,
    metrics_places,
)
from leveret.ports import Clock, Memory, Random
from leveret.vault import Vault

# How long clients get to answer connection.close before they are cut off.
FAREWELL_S: Final = 1.0
_POLL_S: Final = 0.01
# Loaded only where it is wanted.
_DEFINITIONS: Final = "leveret.definition_files"


@final
class Server:
    """One node with its listeners.

    Raises ConfigError for a certificate or definitions that are not good, and VaultError for a
    data folder.  ``start`` raises OSError when a port cannot be had, that of ``failed``, and leaves
    nothing open.
    """

    def __init__(self, settings: Settings, is_lasting: bool = False) -> None:
        self._alarm: LoopAlarm | None = None
        self._tls: Final = ServerTls(settings) if tls_places(settings) else None
        self._web_tls: Final = WebTls(settings) if management_tls_places(settings) else None
        clock = Clock()
        self._vault: Final = Vault(settings, clock) if is_lasting else None
        self._storage: Storage | None = None
        try:
            self.node = self._new_node(settings, clock)
            self._gauges: Final = Gauges(self.node, Memory())
            if self._vault is not None:
                self._vault.be_watched(self._gauges)
            self._identity: Final = connect(self.node)
            if settings.load_definitions:
                importer: Any = importlib.import_module(_DEFINITIONS)
                importer.load_definitions(self.node, settings)
            self.listeners: Final = self._listeners(settings)
            self.web: Final = self._web(settings)
        except BaseException:
            if self._vault is not None:
                self._vault.abandon()
            raise
        self.failed: Listener | WebListener | None = None

    def _new_node(self, settings: Settings, clock: Clock) -> Node:
        vault = self._vault
        if vault is None:
            return Node(settings, clock, Random())
        node = Node(settings, clock, Random(), vault.shelf, vault.is_first_start)
        self._storage = vault.fill(node)
        return node

    def _listeners(self, settings: Settings) -> list[Listener]:
        speaks = Amqp091(self.node)
        sockets = sockets_of(settings)
        trusted = Trusted(settings.proxy_protocol_sources) if settings.proxy_protocol else None
        plain = Entrance(None, trusted, settings.handshake_timeout_ms)
        clock, notices = self.node.clock, self.node.notices
        listeners = [
            Listener("AMQP 0-9-1", speaks, host, port, clock, notices, plain)
            for host, port in plain_places(settings)
        ]
        if self._tls is not None:
            sealed = Entrance(self._tls, trusted, settings.tls_handshake_timeout_ms)
            listeners += [
                Listener("AMQP 0-9-1 over TLS", speaks, host, port, clock, notices, sealed)
                for host, port in tls_places(settings)
            ]
        for listener in listeners:
            listener.sockets = sockets
        return listeners

    def _web(self, settings: Settings) -> list[WebListener]:
        node, wake = self.node, self.wake
        web = [
            WebListener("HTTP API", MANAGEMENT, node, host, port, None, wake)
            for host, port in management_places(settings)
        ]
        if self._web_tls is not None:
            context = self._web_tls.context
            web += [
                WebListener("HTTP API over TLS", MANAGEMENT, node, host, port, context, wake)
                for host, port in management_tls_places(settings)
            ]
        web += [
            WebListener("metrics", METRICS, node, host, port, None, wake)
            for host, port in metrics_places(settings)
        ]
        return web

    def _tell_places(self) -> None:
        """Let the node know where it listens."""
        places = self.node.places
        places.clear()
        for listener in self.listeners:
            if listener.is_tls and self._tls is not None:
                expires = self._tls.expires
                places.append(Place("amqp/ssl", listener.host, listener.port, expires))
            else:
                places.append(Place("amqp", listener.host, listener.port))
        for web in self.web:
            if web.is_tls and self._web_tls is not None:
                places.append(Place("https", web.host, web.port, self._web_tls.expires))
            else:
                protocol = "http" if web.is_api else "http/prometheus"
                places.append(Place(protocol, web.host, web.port))

    def reload_tls(self) -> bool:
        """Read the certificate files anew, for connections to come.

        Whether that was done: files that are not good are told to the log, and the old ones stay.
        """
        expires: list[str] = []
        try:
            if self._tls is not None:
                self._tls.reload()
                expires.append(self._tls.expires)
            if self._web_tls is not None:
                self._web_tls.reload()
                expires.append(self._web_tls.expires)
        except ConfigError as error:
            self.node.notices.warn(f"The old certificate stays: {error}")
            return False
        if not expires:
            return False
        self._tell_places()
        self.node.notices.inform(
            "The TLS certificate was read anew, for new connections:"
            f" it is good until {min(expires)}"
        )
        self._warn_of_expiry(min(expires))
        return True

    def _warn_of_expiry(self, expires: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.node.clock.unix_s()))
        if expires and expires < now:
            self.node.notices.warn(
                f"The TLS certificate expired at {expires}: clients that check it will not come"
            )

    def wake(self) -> None:
        """Something happened that no client did: write it down."""
        if self._alarm is not None and self._alarm.turns is not None:
            self._alarm.turns.wake()

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
        loop = asyncio.get_running_loop()
        self._alarm = LoopAlarm(loop, self.node)
        self.node.timetable.alarm = self._alarm
        self._gauges.begin()
        if self._vault is not None and self._storage is not None:
            self._vault.begin(loop)
            turns = Turns(loop, self._storage, self.node.notices)
            self._alarm.turns = turns
            for listener in self.listeners:
                listener.turns = turns
            # What came back from the disk made appointments before there was an alarm.
            self.node.keep_time()
        try:
            for listener in self.listeners:
                self.failed = listener
                await listener.open()
            for web in self.web:
                self.failed = web
                await web.open()
            self.failed = None
            self._tell_places()
            if self._tls is not None:
                self._warn_of_expiry(self._tls.expires)
            if self._web_tls is not None:
                self._warn_of_expiry(self._web_tls.expires)
        except BaseException:
            self._be_quiet()
            await self._close_listeners()
            if self._vault is not None:
                await self._vault.stop()
            raise

    async def stop(self, reason: str, farewell_s: float = FAREWELL_S) -> None:
        """Stop listening and close connections with ``reason``.

        Clients have ``farewell_s`` seconds to answer; then they are cut off.
        """
        if self._connection_count() > 0:
            self.node.notices.inform(f"closing {self._connection_count()} connections: {reason}")
        for web in self.web:
            web.stop_accepting()
        for listener in self.listeners:
            listener.stop_accepting()
            listener.shut(reason)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + farewell_s
        while loop.time() < deadline and self._connection_count() > 0:  # noqa: ASYNC110 rare
            await asyncio.sleep(_POLL_S)
        self._be_quiet()
        await self._close_listeners()
        self._identity.close()
        if self._vault is not None:
            await self._vault.stop()

    async def _close_listeners(self) -> None:
        for web in self.web:
            await web.close()
        for listener in self.listeners:
            await listener.close()


def plain_places(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of every listener without TLS.  Raises ConfigError if there are none at all."""
    if not settings.listen:
        return [(settings.host, settings.port)]
    if settings.listen != [NOWHERE]:
        return [split_address(text) for text in settings.listen]
    if not tls_places(settings):
        raise ConfigError(
            f"listen = ['none'] ({settings.origin['listen']}) leaves nothing to listen on; set"
            " tls_certfile and tls_keyfile, too.",
            settings.origin["listen"],
        )
    return []


def tls_places(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of every listener with TLS."""
    if settings.tls_listen == [NOWHERE]:
        return []
    if settings.tls_listen:
        return [split_address(text) for text in settings.tls_listen]
    return [(settings.host, settings.tls_port)] if settings.tls_certfile else []
