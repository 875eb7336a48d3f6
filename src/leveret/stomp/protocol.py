"""STOMP as a listener speaks it."""

from typing import Final, final

from leveret.broker.node import Node
from leveret.session import Bell, Peer, Protocol, Session
from leveret.stomp.session import StompSession


@final
class Stomp(Protocol):
    """Opens a session for each connection.

    ``carrier`` is what goes before the protocol's name in lists: "Web " for a WebSocket.
    """

    def __init__(self, node: Node, carrier: str = "") -> None:
        self._node: Final = node
        self._carrier: Final = carrier

    def open(self, bell: Bell, peer: Peer) -> Session:
        """The session for a new connection from ``peer``."""
        return StompSession(self._node, bell, peer, self._carrier)
