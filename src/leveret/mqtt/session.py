"""One MQTT connection: its states, its faults and its end."""

from typing import Final, final

from leveret.broker.node import Node
from leveret.session import Bell, Peer, Session


@final
class MqttSession(Session):
    """Feed it ``receive`` and ``tick``; send what ``take_output`` gives; stop at ``closed``."""

    def __init__(self, node: Node, bell: Bell, peer: Peer, carrier: str = "") -> None:
        super().__init__()
        self._node: Final = node
        self._bell: Final = bell
        self._peer: Final = peer
        self._carrier: Final = carrier

    def receive(self, chunk: bytes) -> None:
        """Handle octets from the peer."""
        self.closed = True

    def tick(self) -> None:
        """Act on the passing of time."""

    def take_output(self) -> list[bytes]:
        """What to send now."""
        return []

    def flushed(self) -> None:
        """There is room again."""

    def pause(self) -> None:
        """Hold deliveries back."""

    def resume(self) -> None:
        """Deliver again."""

    def shut(self, reason: str) -> None:
        """Close the connection from the broker's side."""
        self.closed = True

    def lost(self) -> None:
        """Give back what the connection held."""
        self.closed = True
