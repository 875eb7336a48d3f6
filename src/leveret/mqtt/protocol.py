"""MQTT as a listener speaks it: versions 3.1, 3.1.1 and 5.0."""

from typing import Final, final

from leveret.broker.node import Node
from leveret.mqtt.session import MqttSession
from leveret.session import Bell, Peer, Protocol, Session


@final
class Mqtt(Protocol):
    """Opens a session for each connection.

    ``carrier`` is what goes before the protocol's name in lists: "Web " for a WebSocket.
    """

    def __init__(self, node: Node, carrier: str = "") -> None:
        self._node: Final = node
        self._carrier: Final = carrier

    def open(self, bell: Bell, peer: Peer) -> Session:
        """The session for a new connection from ``peer``."""
        return MqttSession(self._node, bell, peer, self._carrier)
