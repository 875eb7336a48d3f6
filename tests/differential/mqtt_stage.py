"""What an MQTT scenario plays on: connections that write down all they receive.

As in `stage`, a trace is a list of lines, one for each packet that came.  Packet identifiers that
a broker chooses are numbered anew in the order in which they come; of what CONNACK says of the
broker only what a scenario asks for is kept.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from tests.differential.peer import Trace
from tests.mqtt_wire import MqttWire, Packet
from tests.wire import Wire

IDLE_S: Final = 0.3
_STEP_S: Final = 0.02
_PATIENCE_S: Final = 10.0
_CHOSEN: Final = ("PUBLISH", "PUBREL")


class MqttPlace:
    """A broker to play on; ``amqp_port`` is 0 where it speaks no AMQP."""

    def __init__(self, port: int, amqp_port: int = 0) -> None:
        self.port: Final = port
        self.amqp_port: Final = amqp_port


class MqttPeer(MqttWire):
    """One connection of a scenario; whatever it reads goes into the trace."""

    def __init__(self, port: int, version: int, label: str, trace: Trace, pace: float) -> None:
        super().__init__(port=port, version=version, timeout=5.0 * pace)
        self.label = label
        self.recording = True
        self.told_end = False
        # Which properties of CONNACK are written down.
        self.keeps: tuple[str, ...] = ()
        self._trace = trace
        self._idle = IDLE_S * pace
        self._ids: dict[int | None, int] = {}

    def note(self, text: str) -> None:
        self._trace.append(f"{self.label} {text}")

    def read(self, kind: str = "", timeout: float | None = None) -> Packet | None:
        try:
            got = super().read(kind, timeout)
        except AssertionError:
            self.note(f"no {kind or 'packet'} came")
            raise
        if self.recording:
            if got is not None:
                self.note(self.render(got))
            elif self.ended:
                self.note_end()
        return got

    def note_end(self) -> None:
        if not self.told_end:
            self.told_end = True
            self.note("end of connection")

    def render(self, got: Packet) -> str:
        """A packet as one line."""
        words = [got.kind]
        if got.kind == "CONNACK":
            words.append("present" if got.is_session_present else "new")
        if got.packet_id is not None:
            if got.kind in _CHOSEN:
                words.append(f"#{self._ids.setdefault(got.packet_id, len(self._ids) + 1)}")
            else:
                words.append(str(got.packet_id))
        if got.reason is not None:
            words.append(f"reason={got.reason:#04x}")
        if got.codes:
            words.append(f"codes={[hex(code) for code in got.codes]}")
        if got.kind == "PUBLISH":
            flags = " retained" * got.is_retained + " again" * got.is_duplicate
            body = got.body if len(got.body) < 60 else f"{len(got.body)} octets"
            words.append(f"{got.topic!r} {body!r} qos={got.qos}{flags}")
        kept = {k: v for k, v in got.props.items() if got.kind == "PUBLISH" or k in self.keeps}
        if kept:
            words.append(str(dict(sorted(kept.items()))))
        return " ".join(words)

    def quiet(self) -> list[Packet]:
        """Record whatever comes, acknowledged as its QoS asks for, until nothing does."""
        return self._take_all(True)

    def unanswered(self) -> list[Packet]:
        """The same, and nothing is acknowledged."""
        return self._take_all(False)

    def _take_all(self, is_answering: bool) -> list[Packet]:
        got: list[Packet] = []
        was, self.recording = self.recording, False
        while (one := self.read(timeout=self._idle)) is not None:
            got.append(one)
            if is_answering:
                self._answer(one)
        self.recording = was
        if was:
            # Whether what a client publishes comes back to it before or after the answer is open.
            for each in sorted(got, key=lambda one: one.kind != "PUBLISH"):
                self.note(self.render(each))
            if self.ended:
                self.note_end()
            self.note("quiet")
        return got

    def _answer(self, got: Packet) -> None:
        if got.kind == "PUBLISH" and got.qos:
            self.ack("PUBACK" if got.qos == 1 else "PUBREC", got.packet_id)
        elif got.kind == "PUBREL":
            self.ack("PUBCOMP", got.packet_id)

    def unrecorded(self, action: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Do it without a line in the trace."""
        was, self.recording = self.recording, False
        try:
            return action(*given, **named)
        finally:
            self.recording = was


class MqttStage:
    """What a scenario is given.  Client identifiers and topics are of its own."""

    def __init__(self, place: MqttPlace, name: str, version: int, pace: float = 1.0) -> None:
        self.place = place
        self.name = name
        self.version = version
        self.pace = pace
        self.trace: Trace = []
        self._peers: list[MqttPeer] = []
        self._clients: set[str] = set()
        self._retained: set[str] = set()

    def note(self, text: str) -> None:
        self.trace.append(text)

    def t(self, suffix: str) -> str:
        """A topic, or a filter, of this scenario's own."""
        return f"{self.name}/{suffix}"

    def client(self, suffix: str = "c") -> str:
        """A client identifier of this scenario's own; its session is ended afterwards."""
        name = f"{self.name}-{suffix}"
        self._clients.add(name)
        return name

    def raw(self, label: str = "", version: int = 0) -> MqttPeer:
        """A connection on which nothing was sent yet."""
        label = label or "abcdefghijklmnopqrstuvwxyz"[len(self._peers)]
        version = version or self.version
        peer = MqttPeer(self.place.port, version, label, self.trace, self.pace)
        self._peers.append(peer)
        return peer

    def peer(self, suffix: str = "", label: str = "", **given: Any) -> MqttPeer:
        """A connection that is open; how it was opened is not recorded."""
        peer = self.raw(label)
        suffix = suffix or f"c{len(self._peers)}"
        answer = peer.unrecorded(peer.connect, self.client(suffix), **given)
        assert answer.reason == 0, answer
        return peer

    def retain(self, peer: MqttPeer, topic: str, body: bytes, **given: Any) -> None:
        """Publish a retained message, which is cleared afterwards."""
        self._retained.add(topic)
        peer.publish(topic, body, retain=True, **given)

    def wire(self) -> Wire:
        """An AMQP client."""
        wire = Wire(port=self.place.amqp_port, typed=True)
        wire.open()
        return wire

    def until(self, what: Callable[[], bool]) -> bool:
        """Wait until something is so; whether it came to be."""
        deadline = time.monotonic() + _PATIENCE_S * self.pace
        while not what():
            if time.monotonic() > deadline:
                return False
            time.sleep(_STEP_S)
        return True

    def wait(self, seconds: float) -> None:
        """A time that is part of the story."""
        time.sleep(seconds * self.pace)

    def finish(self) -> None:
        """Leave nothing behind."""
        for peer in self._peers:
            peer.close()
        for client in self._clients:
            with MqttWire(port=self.place.port) as wire:
                if wire.connect(client).reason == 0:
                    for topic in sorted(self._retained):
                        wire.publish(topic, b"", retain=True)
                    wire.ping()
                    wire.disconnect()
            self._retained.clear()
