"""What carries a protocol where there is no plain stream: WebSockets.  Loaded with every listener.

``Upgrade`` is what a listener asks of those who come; the carrier itself is in ``net.websocket``,
which is imported when somebody comes.
"""

import importlib
from abc import ABC, abstractmethod
from typing import Any, Final, final

from mypy_extensions import mypyc_attr

from leveret.config.settings import Settings

_MODULE: Final = "leveret.net.websocket"


@mypyc_attr(allow_interpreted_subclasses=True)
class Carrier(ABC):
    """One connection's.  ``is_open`` once the handshake is done.

    ``is_over`` once the peer has said goodbye or something went wrong, which is then in ``fault``.
    Whatever was called, ``take_output`` must be sent.
    """

    def __init__(self) -> None:
        self.is_open = False
        self.is_over = False
        self.fault = ""
        # Name and password that the handshake told of.
        self.login: tuple[str, str] | None = None
        # The peer expects one message of the protocol in each of the carrier's.
        self.has_messages = False
        # Hand over no more octets at once; 0 for any number.
        self.most_octets = 0
        # The node ends it, and not the protocol.
        self.is_shut = False

    @property
    @abstractmethod
    def has_begun(self) -> bool:
        """Whether the peer has sent anything."""

    @abstractmethod
    def handshake(self, octets: bytes) -> bytes:
        """Go on with the handshake.  What came behind it, once that ``is_open``."""

    @abstractmethod
    def unwrap(self, octets: bytes) -> bytes:
        """What ``octets`` carry."""

    @abstractmethod
    def wrap(self, parts: list[bytes]) -> list[bytes]:
        """What to send, so that it carries ``parts``."""

    @abstractmethod
    def take_output(self) -> bytes:
        """What the carrier itself has to say; mostly nothing."""

    @abstractmethod
    def refuse_more(self) -> None:
        """The peer says too much before it is known who it is: end it."""

    @abstractmethod
    def farewell(self) -> None:
        """Say goodbye in the carrier's way: nothing is carried any more."""

    @abstractmethod
    def tick(self, now_ns: int, is_read: bool) -> None:
        """Act on the passing of time.  Unless it ``is_read`` from, its silence says nothing."""


@final
class Upgrade:
    """What one listener asks of a WebSocket.

    ``path`` is where it must be asked for; empty for anywhere.  The peer must offer one of
    ``subprotocols``; but none at all will do unless it ``must_name`` one.  ``has_messages``: it is
    sent one message of the protocol in each of the WebSocket's, as text if it ``is_text``;
    ``takes_text``: it may send text.  ``is_own``: only pages of this very port may come, and not
    those of every port of this host.
    """

    def __init__(self, settings: Settings, name: str, path: str, subprotocols: list[str]) -> None:
        self.name: Final = name
        self.path = path
        self.subprotocols: Final = subprotocols
        self.must_name = False
        self.has_messages = False
        self.is_text = False
        self.takes_text = False
        self.uses_http_auth = False
        self.is_own = False
        self.origins: Final = settings.web_allowed_origins
        self.max_size: Final = settings.web_max_message_size
        self.idle_ns: Final = settings.web_idle_timeout_ms * 1_000_000
        self.compresses: Final = settings.web_compress

    def carrier(self, now_ns: int) -> Carrier:
        """For a new connection."""
        module: Any = importlib.import_module(_MODULE)
        made: Carrier = module.WebSocket(self, now_ns)
        return made

    def welcomes(self, origin: str, host: str) -> bool:
        """Whether a page of ``origin`` may come to ``host``, which is that of the request.

        Who says nothing of an origin is no browser: it can do whatever it wants anyway.
        """
        if origin == "" or origin in self.origins or "*" in self.origins:
            return True
        theirs = origin.partition("://")[2]
        if self.is_own:
            return theirs == host
        return theirs != "" and _name(theirs) == _name(host)


def _name(host: str) -> str:
    """Without the port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
