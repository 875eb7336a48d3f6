"""The keys that tokens are signed with: out of a file, or from the address of a JWKS.

Needs the package joserfc.
"""

import http.client
import json
import threading
import urllib.parse
from pathlib import Path
from typing import Any, Final, final

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from leveret.auth.rights import Inquiry, Waiter
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.identity.pool import Errand, Pool
from leveret.notices import Notices
from leveret.ports import Clock

_TIMEOUT_S: Final = 5.0
_MAX_OCTETS: Final = 1_000_000
# A token with a key that nobody knows must not make us ask again and again.
_LEAST_NS: Final = 10_000_000_000
# joserfc keeps a registry that is filled as it is used.
_READING: Final = threading.Lock()


def read_keys(octets: bytes) -> KeySet:
    """The keys in a JWKS, one JWK, or PEM.  Raises ValueError."""
    text = octets.decode("utf-8", "replace").strip()
    try:
        with _READING:
            if not text.startswith("{"):
                return KeySet([JWKRegistry.import_key(text, "RSA" if _is_rsa(text) else "EC")])
            table: Any = json.loads(text)
            if "keys" in table:
                return KeySet.import_key_set(table)
            return KeySet([JWKRegistry.import_key(table)])
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"it holds no keys that can be read: {error}") from error


def _is_rsa(text: str) -> bool:
    """Whether a key as PEM is one of RSA; the other kind is of elliptic curves."""
    try:
        JWKRegistry.import_key(text, "RSA")
    except (JoseError, ValueError, TypeError):
        return False
    return True


def fetch(url: str) -> bytes:
    """What the web has at ``url``.  Blocks.  Raises OSError, HTTPException, ValueError."""
    parts = urllib.parse.urlsplit(url)
    if parts.hostname is None:
        raise ValueError(f"{url!r} is no address")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT_S)
    try:
        target = parts.path or "/"
        connection.request("GET", f"{target}?{parts.query}" if parts.query else target)
        response = connection.getresponse()
        if response.status != 200:
            raise http.client.HTTPException(f"its status was {response.status}")
        return response.read(_MAX_OCTETS)
    finally:
        connection.close()


@final
class Keys:
    """The keys at hand.  Raises ConfigError for settings that lead to none."""

    def __init__(self, settings: Settings, clock: Clock, notices: Notices, pool: Pool) -> None:
        self.url: Final = settings.auth_oauth2_jwks_uri
        self._clock: Final = clock
        self._notices: Final = notices
        self._pool: Final = pool
        self._asked_ns = -_LEAST_NS
        self._fetching: Fetch | None = None
        self.known: KeySet | None = None
        path = settings.auth_oauth2_key_file
        if path:
            try:
                self.known = read_keys(Path(path).read_bytes())
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                raise _wrong(settings, f"cannot be used: {why}") from error
        elif not self.url:
            raise _wrong(settings, "is empty, and so is auth_oauth2_jwks_uri: name one of them")

    def knows(self, key_id: str) -> bool:
        """Whether a key of this id is at hand; without an id the only key will do."""
        if self.known is None:
            return False
        if not key_id:
            return len(self.known.keys) == 1
        return any(key.kid == key_id for key in self.known.keys) or len(self.known.keys) == 1

    def inquiry(self) -> Inquiry | None:
        """How to learn of newer keys; None where there is nowhere to ask, or it was just asked."""
        if not self.url:
            return None
        if self._fetching is None:
            now = self._clock.now_ns()
            if now - self._asked_ns < _LEAST_NS:
                return None
            self._asked_ns = now
            self._fetching = Fetch(self, self._pool)
        return self._fetching

    def take(self, fetched: "Fetch") -> None:
        """Use what was fetched; what there was stays if that is no good."""
        self._fetching = None
        if fetched.keys is not None:
            self.known = fetched.keys
        else:
            self._notices.warn(f"the keys at {self.url} could not be had: {fetched.failure}")


@final
class Fetch(Errand, Inquiry):
    """Gets the keys anew, once for everybody who waits."""

    def __init__(self, keys: Keys, pool: Pool) -> None:
        self._keys: Final = keys
        self._pool: Final = pool
        self._waiters: Final[list[Waiter]] = []
        self.keys: KeySet | None = None
        self.failure = "too much is under way"

    def begin(self, waiter: Waiter) -> None:
        """Ask, unless that is done already."""
        self._waiters.append(waiter)
        if len(self._waiters) == 1:
            self._pool.ask(self)

    def run(self) -> None:
        """Fetch, in a thread."""
        try:
            self.keys = read_keys(fetch(self._keys.url))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.failure = str(error) or type(error).__name__

    def done(self) -> None:
        """Use the keys and let everybody go on."""
        self._keys.take(self)
        for waiter in self._waiters:
            waiter.go_on()


def _wrong(settings: Settings, why: str) -> ConfigError:
    origin = settings.origin["auth_oauth2_key_file"]
    return ConfigError(
        f"auth_oauth2_key_file = {settings.auth_oauth2_key_file!r} ({origin}) {why}.", origin
    )
