"""One STOMP connection.  For now it only says goodbye."""

from typing import Final, final

from leveret.broker.node import Node
from leveret.session import Bell, Peer, Session


@final
class StompSession(Session):
    """Answers whatever comes with an ERROR frame, and closes."""

    def __init__(self, node: Node, bell: Bell, peer: Peer) -> None:
        super().__init__()
        self._node: Final = node
        self._bell: Final = bell
        self._peer: Final = peer
        self._output: list[bytes] = []

    def receive(self, chunk: bytes) -> None:
        """Handle octets from the peer."""
        if not self.closed:
            self._output.append(b"ERROR\nmessage:Not ready\n\n\0\n")
            self.closed = True
            self._bell.ring(self)

    def tick(self) -> None:
        """Nothing is due."""

    def take_output(self) -> list[bytes]:
        """What to send now."""
        parts = self._output
        self._output = []
        return parts

    def flushed(self) -> None:
        """Nothing waits for room."""

    def pause(self) -> None:
        """Nothing is delivered."""

    def resume(self) -> None:
        """Nothing is delivered."""

    def shut(self, reason: str) -> None:
        """Close the connection."""
        self.closed = True
        if not self.rung:
            self._bell.ring(self)

    def lost(self) -> None:
        """Nothing was held."""
        self.closed = True
