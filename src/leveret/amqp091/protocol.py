"""AMQP 0-9-1 as a listener speaks it."""

from typing import Final, final

from leveret.amqp091.session import AmqpSession
from leveret.broker.node import Node
from leveret.session import Bell, Peer, Protocol, Session


@final
class Amqp091(Protocol):
    """Opens a session for each connection."""

    def __init__(self, node: Node) -> None:
        self._node: Final = node

    def open(self, bell: Bell, peer: Peer) -> Session:
        """The session for a new connection from ``peer``."""
        return AmqpSession(self._node, bell, peer)
