"""A protocol that is loaded when its first client comes: until then a listener is only a socket."""

import importlib
from collections.abc import Callable
from typing import Any, Final, final

from leveret.session import Bell, Peer, Protocol, Session


@final
class LateProtocol(Protocol):
    """Stands for the class ``name`` of ``module``, which is made with ``arguments``."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self._module: Final = module
        self._name: Final = name
        self._arguments: Final = arguments
        self._protocol: Protocol | None = None

    def open(self, bell: Bell, peer: Peer) -> Session:
        """The session for a new connection from ``peer``."""
        if self._protocol is None:
            module: Any = importlib.import_module(self._module)
            make: Callable[..., Any] = getattr(module, self._name)
            self._protocol = make(*self._arguments)
        return self._protocol.open(bell, peer)
