"""STOMP as a listener speaks it."""

from typing import Final, final

from leveret.broker.node import Node
from leveret.session import Bell, Peer, Protocol, Session
from leveret.stomp.session import StompSession


@final
class Stomp(Protocol):
    """Opens a session for each connection."""

    def __init__(self, node: Node) -> None:
        self._node: Final = node

    def open(self, bell: Bell, peer: Peer) -> Session:
        """The session for a new connection from ``peer``."""
        return StompSession(self._node, bell, peer)
