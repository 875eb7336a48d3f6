"""Messages as PUBLISH packets, encoded once for all the clients that get the same octets.

Hot: a message of QoS 0 to a hundred subscribers is encoded once, whatever their connections.
Invariant: what is kept belongs to the message, origin or properties that it was made for.
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.broker.message import NOTHING, Message, Origin
from leveret.broker.node import Node
from leveret.broker.properties import NO_PROPERTIES, Properties
from leveret.mqtt.convert import Outgoing
from leveret.mqtt.filters import topic_of
from leveret.mqtt.packets import publish_flags, write_publish
from leveret.mqtt.properties import MESSAGE_EXPIRY, PropertyWriter
from leveret.ports import Clock

# Under what the node keeps it.
_NAME: Final = "mqtt encoder"
# What properties say to MQTT clients is remembered for so many, if they are not large.
_MAX_OUTGOING: Final = 256
_MAX_OCTETS: Final = 512
_QOS_0: Final = publish_flags(0, False, False)


@final
class Encoder:
    """That of one node; what it remembers of the last message is what the next will need."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._message: Message = NOTHING
        self._octets = b""
        self._message_5: Message = NOTHING
        self._octets_5 = b""
        self._origin: Origin = NOTHING.origin
        self._topic = b""
        # Whether the topic that was asked for last begins with a dollar.
        self.is_reserved = False
        self._properties: Properties = NO_PROPERTIES
        self._outgoing = Outgoing(NO_PROPERTIES)
        self._known: dict[bytes, Outgoing] = {}

    def topic(self, origin: Origin) -> bytes:
        """The topic of messages from ``origin``."""
        if origin is not self._origin:
            self._topic = topic_of(origin.routing_key)
            self.is_reserved = self._topic.startswith(b"$")
            self._origin = origin
        return self._topic

    def outgoing(self, properties: Properties) -> Outgoing:
        """What ``properties`` say to MQTT clients."""
        if properties is not self._properties:
            self._outgoing = self._find(properties)
            self._properties = properties
        return self._outgoing

    def _find(self, properties: Properties) -> Outgoing:
        octets = properties.octets
        found = self._known.get(octets)
        if found is None:
            found = Outgoing(properties)
            if len(octets) <= _MAX_OCTETS:
                if len(self._known) >= _MAX_OUTGOING:
                    self._known.clear()
                self._known[octets] = found
        return found

    def packet(self, message: Message) -> bytes:
        """The whole packet, QoS 0, not retained, for clients before MQTT 5."""
        if message is not self._message:
            out = BytesWriter()
            write_publish(out, _QOS_0, self.topic(message.origin), 0, None, message.body)
            self._octets = out.getvalue()
            self._message = message
        return self._octets

    def packet_5(self, message: Message) -> bytes:
        """The same for clients of MQTT 5."""
        if message is self._message_5:
            return self._octets_5
        properties = self.properties(message)
        out = BytesWriter()
        write_publish(out, _QOS_0, self.topic(message.origin), 0, properties, message.body)
        octets = out.getvalue()
        if not self.outgoing(message.properties).has_expiry:
            self._octets_5 = octets
            self._message_5 = message
        return octets

    def properties(self, message: Message) -> bytes:
        """The properties of ``message`` for MQTT 5, with the time it has left."""
        outgoing = self.outgoing(message.properties)
        if not outgoing.has_expiry:
            return outgoing.octets
        writer = PropertyWriter()
        writer.number(MESSAGE_EXPIRY, outgoing.expiry(self._clock.unix_s()))
        return outgoing.octets + writer.octets()


def encoder_of(node: Node) -> Encoder:
    """The encoder that all connections of ``node`` share."""
    found = node.belongings.get(_NAME)
    if isinstance(found, Encoder):
        return found
    made = Encoder(node.clock)
    node.belongings[_NAME] = made
    return made
