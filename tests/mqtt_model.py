"""A client of MQTT that does what the specification says, without a socket, over any number of
connections: it keeps its packet identifiers, and sends again what was not answered.

    model = Model("a", version=5)
    model.begin()                       # CONNECT is in model.out
    model.feed(octets)                  # what the broker says; answers are in model.out
    model.publish("topic", b"1", qos=2)
    model.lost()                        # the connection is gone, and what was in model.out

It complains, in ``faults``, of whatever no broker may do.
"""

import random
from dataclasses import dataclass

from tests import mqtt_wire
from tests.mqtt_wire import Cursor, Packet

RECEIVE_MAXIMUM = 65535
FOREVER_S = 0xFFFFFFFF
# An older connection's CONNECT came later.
TAKEN_OVER = 0x8E


@dataclass
class Sent:
    """A message that was published and is not done."""

    topic: str
    body: bytes
    qos: int
    is_released: bool = False


@dataclass
class Got:
    """A message that came, as it is handed to the application."""

    topic: str
    body: bytes
    qos: int
    is_duplicate: bool


class Model:
    """``ids`` is how many packet identifiers it uses: few, so that each is used often.

    ``hands_on_late``: a message of QoS 2 is handed on with PUBREL, not with PUBLISH; the
    specification allows both.
    """

    def __init__(
        self,
        name: str,
        version: int = 4,
        ids: int = 20,
        hands_on_late: bool = False,
        receive_maximum: int = RECEIVE_MAXIMUM,
    ) -> None:
        self.name = name
        self.version = version
        self.ids = ids
        self.hands_on_late = hands_on_late
        self.receive_maximum = receive_maximum
        self.faults: list[str] = []
        # What outlives a connection: unanswered, in the order sent; received and not released.
        self.unanswered: dict[int, Sent] = {}
        self.held: dict[int, Got] = {}
        self.got: list[Got] = []
        self.filters: list[tuple[str, int]] = []
        self.is_subscribed = False
        # How often a message was sent.
        self.times: dict[bytes, int] = {}
        self._last_id = 0
        self._forget_connection()

    def _forget_connection(self) -> None:
        # What is to be sent, each with the identifier that is done with it, if any.
        self.out: list[tuple[bytes, int]] = []
        self.buffer = b""
        self.is_open = False
        # Messages of QoS 1 and 2 that came over this connection and are not answered for.
        self.unsettled: set[int] = set()
        # The answers that must come, in their order, each with the message that it is for.
        self.awaited: dict[str, list[tuple[int, Sent | None]]] = {
            "PUBACK": [],
            "PUBREC": [],
            "PUBCOMP": [],
        }

    def __repr__(self) -> str:
        return f"{self.name} (MQTT {self.version})"

    # --- connections -----------------------------------------------------------------------

    def begin(self) -> None:
        """Open a new connection, to the same session."""
        self._forget_connection()
        props = {"session_expiry": FOREVER_S}
        if self.receive_maximum != RECEIVE_MAXIMUM:
            props["receive_maximum"] = self.receive_maximum
        self._send(mqtt_wire.connect(self.name, self.version, clean=False, props=props))

    def lost(self) -> None:
        """The connection is gone."""
        self._forget_connection()

    def take(self, count: int = 1) -> bytes:
        """The next packets that go out."""
        octets = b""
        for _ in range(min(count, len(self.out))):
            packet, packet_id = self.out.pop(0)
            octets += packet
            self.unsettled.discard(packet_id)
        return octets

    def _send(self, octets: bytes, done: int = 0) -> None:
        self.out.append((octets, done))

    # --- publishing ------------------------------------------------------------------------

    def publish(self, topic: str, body: bytes, qos: int) -> bool:
        """False when no identifier is free."""
        assert self.is_open
        if qos == 0:
            self.times[body] = 1
            self._send(mqtt_wire.publish(topic, body, self.version))
            return True
        if len(self.unanswered) >= self.ids:
            return False
        packet_id = self._last_id % self.ids + 1
        while packet_id in self.unanswered:
            packet_id = packet_id % self.ids + 1
        self._last_id = packet_id
        self.unanswered[packet_id] = Sent(topic, body, qos)
        self._send_publish(packet_id, False)
        return True

    def _send_publish(self, packet_id: int, dup: bool) -> None:
        sent = self.unanswered[packet_id]
        self.times[sent.body] = self.times.get(sent.body, 0) + 1
        self.awaited["PUBACK" if sent.qos == 1 else "PUBREC"].append((packet_id, sent))
        octets = mqtt_wire.publish(
            sent.topic, sent.body, self.version, qos=sent.qos, packet_id=packet_id, dup=dup
        )
        self._send(octets)

    def _send_pubrel(self, packet_id: int) -> None:
        self.awaited["PUBCOMP"].append((packet_id, self.unanswered.get(packet_id)))
        self._send(mqtt_wire.ack("PUBREL", packet_id))

    def send_again(self, rng: random.Random) -> None:
        """As clients may do before MQTT 5, even though the connection is well."""
        assert self.version < 5
        if self.unanswered:
            packet_id = rng.choice(list(self.unanswered))
            if self.unanswered[packet_id].is_released:
                self._send_pubrel(packet_id)
            else:
                self._send_publish(packet_id, True)

    def subscribe(self) -> None:
        """To all of ``filters``."""
        filters: list[tuple[str | bytes, int]] = [*self.filters]
        self._send(mqtt_wire.subscribe(filters, 60_000, self.version))

    # --- what comes ------------------------------------------------------------------------

    def feed(self, octets: bytes) -> None:
        """Handle octets, cut anywhere."""
        self.buffer += octets
        while True:
            data = self.buffer
            end = 1
            while end < len(data) and data[end] >= 128:
                end += 1
            if end >= len(data):
                return
            cursor = Cursor(data[1:])
            size = cursor.variable()
            if len(cursor.data) < size:
                return
            rest = cursor.take(size)
            self.buffer = cursor.data
            kind = mqtt_wire.TYPES[data[0] >> 4]
            self._on_packet(mqtt_wire.decode(kind, data[0] & 15, rest, self.version))

    def _on_packet(self, packet: Packet) -> None:
        kind = packet.kind
        packet_id = packet.packet_id or 0
        if kind == "DISCONNECT" and packet.reason == TAKEN_OVER:
            self.is_open = False
            return
        if (packet.reason or 0) >= 0x80 and kind != "PUBCOMP":
            self._fault(f"told {packet}")
        if kind == "CONNACK":
            self._on_connack(packet.is_session_present)
        elif kind == "PUBLISH":
            self._on_publish(packet, packet_id)
        elif kind == "PUBREL":
            self._on_pubrel(packet_id)
        elif kind in self.awaited:
            self._on_answer(kind, packet_id)
        elif kind == "SUBACK":
            self.is_subscribed = True
            if packet.codes != [qos for _, qos in self.filters]:
                self._fault(f"subscribed to {self.filters}: {packet.codes}")
        else:
            self._fault(f"told {packet}")

    def _fault(self, text: str) -> None:
        self.faults.append(f"{self}: {text}")

    def _on_connack(self, is_present: bool) -> None:
        self.is_open = True
        if is_present:
            for packet_id, sent in self.unanswered.items():
                if sent.is_released:
                    self._send_pubrel(packet_id)
                else:
                    self._send_publish(packet_id, True)
            return
        # The broker knows nothing of us: what it has released is done, the rest is new to it.
        if self.is_subscribed:
            self._fault("its session is gone")
        self.held.clear()
        for packet_id, sent in list(self.unanswered.items()):
            if sent.is_released:
                del self.unanswered[packet_id]
            else:
                self._send_publish(packet_id, False)

    def _on_publish(self, packet: Packet, packet_id: int) -> None:
        got = Got(packet.topic, packet.body, packet.qos, packet.is_duplicate)
        if packet.qos == 0:
            if packet.is_duplicate:
                self._fault(f"QoS 0 with DUP: {packet}")
            self.got.append(got)
            return
        if packet_id in self.unsettled:
            self._fault(f"the identifier of {packet} is in use over this connection")
        self.unsettled.add(packet_id)
        if len(self.unsettled) > self.receive_maximum:
            self._fault(f"more came than {self.receive_maximum}")
        if packet.qos == 1:
            self.got.append(got)
            self._send(mqtt_wire.ack("PUBACK", packet_id), packet_id)
            return
        known = self.held.get(packet_id)
        if known is None:
            self.held[packet_id] = got
            if not self.hands_on_late:
                self.got.append(got)
        elif not packet.is_duplicate:
            self._fault(f"{packet} comes again without DUP")
        elif (known.topic, known.body) != (packet.topic, packet.body):
            self._fault(f"the identifier of {packet} is that of {known}")
        self._send(mqtt_wire.ack("PUBREC", packet_id))

    def _on_pubrel(self, packet_id: int) -> None:
        got = self.held.pop(packet_id, None)
        if got is not None and self.hands_on_late:
            self.got.append(got)
        self._send(mqtt_wire.ack("PUBCOMP", packet_id), packet_id)

    def _on_answer(self, kind: str, packet_id: int) -> None:
        awaited = self.awaited[kind]
        if not awaited or awaited[0][0] != packet_id:
            self._fault(f"{kind} {packet_id} is out of order: {awaited}")
            return
        _, sent = awaited.pop(0)
        # A message that was sent twice is answered for twice.
        is_new = sent is not None and self.unanswered.get(packet_id) is sent
        if kind == "PUBREC":
            if is_new and sent is not None:
                sent.is_released = True
            self._send_pubrel(packet_id)
        elif is_new:
            del self.unanswered[packet_id]
