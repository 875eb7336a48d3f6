"""The whole broker, wired: the only module that knows all others.

Makes every object and hands it down.  Owns no thread and no loop: it runs in the caller's.
"""

import asyncio
import importlib
import time
from typing import Any, Final, final

from leveret.broker.gauges import Gauges
from leveret.broker.node import Node
from leveret.broker.storage import Storage
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.identity.wiring import connect
from leveret.listeners import (
    make_carried,
    make_listeners,
    make_web,
    needs_tls,
    place_of,
    web_place_of,
)
from leveret.net.alarm import LoopAlarm
from leveret.net.listener import Listener
from leveret.net.tls import ServerTls
from leveret.net.turns import Turns
from leveret.net.web import WebListener, WebTls, management_tls_places
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
        self._tls: Final = ServerTls(settings) if needs_tls(settings) else None
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
            self.listeners: Final = make_listeners(self.node, self._tls)
            self.web: Final = make_web(self.node, self._web_tls, self.wake)
            # What comes to the port of HTTP and speaks another protocol then.
            carried = make_carried(self.node)
            self._carried: Final = list(dict.fromkeys(carried.values()))
            for web in self.web:
                web.carried = carried
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

    def _tell_places(self) -> None:
        """Let the node know where it listens."""
        places = self.node.places
        places.clear()
        places += [place_of(listener, self._tls) for listener in self.listeners]
        places += [web_place_of(web, self._web_tls) for web in self.web]

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
        return sum([one.connection_count for one in self._every()])

    def _every(self) -> list[Listener]:
        return [*self.listeners, *self._carried]

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
            for listener in self._every():
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
        for listener in self._every():
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
        for listener in self._every():
            await listener.close()
