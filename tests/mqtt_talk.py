"""One MQTT session without a socket: octets in, decoded packets out, time in the test's hand."""

from typing import Any

from tests import mqtt_wire
from tests.fakes import LOCAL, FakeBell, FakeClock, new_node
from tests.mqtt_wire import Packet

from leveret.broker.node import Node
from leveret.mqtt.session import MqttSession
from leveret.session import Peer


class MqttTalk:
    """``version`` is the protocol level; ``node`` a new one unless several talks share one."""

    def __init__(self, node: Node | None = None, version: int = 4, peer: Peer = LOCAL) -> None:
        self.node = node if node is not None else new_node()
        self.version = version
        self.bell = FakeBell()
        self.session = MqttSession(self.node, self.bell, peer)

    @property
    def clock(self) -> FakeClock:
        clock = self.node.clock
        assert isinstance(clock, FakeClock)
        return clock

    def feed(self, octets: bytes) -> None:
        self.session.receive(octets)

    def drain(self) -> bytes:
        """Everything the session has to say, in as many flushes as it takes."""
        octets = b""
        while True:
            self.session.rung = False
            if self.session.is_held:
                part = b"".join(self.session.take_urgent())
            else:
                part = b"".join(self.session.take_output())
                if not self.session.closed:
                    self.session.flushed()
            if not part and not self.session.rung:
                return octets
            octets += part

    def read(self) -> list[Packet]:
        """Everything the session has to say."""
        found: list[Packet] = []
        octets = self.drain()
        while octets:
            cursor = mqtt_wire.Cursor(octets[1:])
            rest = cursor.take(cursor.variable())
            kind = mqtt_wire.TYPES[octets[0] >> 4]
            found.append(mqtt_wire.decode(kind, octets[0] & 15, rest, self.version))
            octets = cursor.data
        return found

    def connect(self, client_id: str = "", **given: Any) -> Packet:
        """Send CONNECT; the CONNACK, which is all that comes."""
        self.feed(mqtt_wire.connect(client_id, self.version, **given))
        (found,) = self.read()
        assert found.kind == "CONNACK"
        return found

    def open(self, client_id: str = "", **given: Any) -> "MqttTalk":
        """Send CONNECT, and be let in."""
        assert self.connect(client_id, **given).reason == 0
        return self

    def publish(self, topic: str, body: bytes = b"", **given: Any) -> None:
        self.feed(mqtt_wire.publish(topic, body, self.version, **given))

    def subscribe(self, *filters: str, qos: int = 0) -> list[int]:
        """Send SUBSCRIBE; the codes of the SUBACK."""
        self.feed(mqtt_wire.subscribe([(each, qos) for each in filters], 1, self.version))
        found = self.read()
        assert found[0].kind == "SUBACK", found
        return found[0].codes

    def bodies(self) -> list[bytes]:
        """Those of the messages that came."""
        return [each.body for each in self.read() if each.kind == "PUBLISH"]

    def lose(self) -> None:
        """The peer is gone without a word."""
        self.session.lost()

    def pass_s(self, seconds: float) -> None:
        """Time passes, and what is due is done."""
        self.clock.pass_s(seconds)
        self.node.keep_time()
        self.session.tick()
