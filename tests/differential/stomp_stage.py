"""What a STOMP scenario plays on: connections that write down all they receive.

As in `stage`, a trace is a list of lines, one for each frame that came, its headers in alphabetical
order: their order means nothing.  What differs from run to run is replaced by a star.  How long the
text of an ERROR is, and whether a line end is behind it, is left out.
"""

import re
from typing import Any, Final

from tests.differential.peer import Trace
from tests.stomp_wire import Frame, Silence, StompWire
from tests.wire import Method, Wire

IDLE_S: Final = 0.4
PATIENCE_S: Final = 5.0
_RANDOM: Final = (
    (re.compile(r"session-[A-Za-z0-9_-]{22}"), "session-*"),
    (re.compile(r"amq\.gen-[A-Za-z0-9_-]{22}"), "amq.gen-*"),
)


class StompPlace:
    """A broker to play on."""

    def __init__(self, port: int, amqp_port: int) -> None:
        self.port: Final = port
        self.amqp_port: Final = amqp_port


def render(frame: Frame) -> str:
    """A frame as one line of a trace."""
    pairs = [(name, value) for name, value in frame.pairs if name != "server"]
    body = frame.body
    if frame.command == "ERROR":
        pairs = [pair for pair in pairs if pair[0] != "content-length"]
        body = body.rstrip(b"\n")
    line = " ".join([frame.command, *(f"{name}={value!r}" for name, value in sorted(pairs))])
    for pattern, star in _RANDOM:
        line = pattern.sub(star, line)
    return f"{line} {body!r}" if body else line


class StompPeer(StompWire):
    """One connection of a scenario."""

    def __init__(self, place: StompPlace, label: str, trace: Trace, pace: float) -> None:
        super().__init__(place.port, timeout=PATIENCE_S * pace)
        self.label = label
        self._idle = IDLE_S * pace
        self._trace = trace

    def note(self, text: str) -> None:
        self._trace.append(f"{self.label} {text}")

    def take(self, count: int = 1) -> list[Frame]:
        """Record ``count`` frames, or that they did not come.

        RabbitMQ sends deliveries and receipts as they come up, in either order: they are written
        down by their commands, those of one command in the order in which they came.
        """
        got: list[Frame] = []
        ending = ""
        while len(got) < count:
            try:
                one = self.read()
            except Silence:
                ending = "silence"
                break
            if one is None:
                ending = "end of connection"
                break
            got.append(one)
        for frame in sorted(got, key=lambda frame: frame.command):
            self.note(render(frame))
        if ending:
            self.note(ending)
        return got

    def quiet(self) -> None:
        """Record whatever comes until nothing did for a while."""
        for frame in sorted(self.read_all(self._idle), key=lambda frame: frame.command):
            self.note(render(frame))
        self.note("end of connection" if self.ended else "quiet")


class StompStage:
    """One play of one scenario."""

    def __init__(self, place: StompPlace, name: str, pace: float) -> None:
        self.name: Final = name
        self.trace: Final[Trace] = []
        self._place: Final = place
        self._pace: Final = pace
        # In the order in which they came.
        self.peers: Final[list[StompPeer]] = []
        self._queues: Final[list[str]] = []
        self._amqp: Wire | None = None

    def note(self, text: str) -> None:
        self.trace.append(text)

    def q(self, suffix: str = "q") -> str:
        """A queue's name of the scenario's own; the queue is deleted at the end."""
        name = f"{self.name}.{suffix}"
        self._queues.append(name)
        return name

    def raw(self, label: str = "") -> StompPeer:
        """A connection on which nothing was sent yet."""
        label = label or "abcdefghijklmnopqrstuvwxyz"[len(self.peers) % 26]
        peer = StompPeer(self._place, label, self.trace, self._pace)
        self.peers.append(peer)
        return peer

    def peer(self, version: str = "1.2", label: str = "", **headers: str) -> StompPeer:
        """An open connection; how it was opened is not recorded."""
        peer = self.raw(label)
        reply = peer.connect(version, **headers)
        assert reply is not None and reply.command == "CONNECTED", reply
        return peer

    def attempt(
        self, command: str, headers: dict[str, str] | None = None, body: bytes = b"", **more: str
    ) -> None:
        """Send a frame on a connection of its own, and record the first frame that answers it."""
        peer = self.peer(more.pop("version", "1.2"), "t")
        peer.send(command, headers, body, **more)
        peer.take()
        peer.drop()

    def attempt_octets(self, octets: bytes, version: str = "1.2") -> None:
        """Likewise for octets that need be no frame."""
        peer = self.peer(version, "t")
        peer.send_octets(octets)
        peer.take()
        peer.drop()

    # --- AMQP's side -------------------------------------------------------------------------

    def amqp(self) -> Wire:
        """An AMQP 0-9-1 client on the same broker."""
        if self._amqp is None:
            self._amqp = Wire(port=self._place.amqp_port, timeout=PATIENCE_S * self._pace)
            self._amqp.open()
        return self._amqp

    def call(self, name: str, **values: Any) -> Method:
        """A method of AMQP's; opens the channel anew if that is closed."""
        wire = self.amqp()
        reply = wire.call(name, **values)
        if reply.name == "channel.close":
            wire.send("channel.close-ok")
            wire.call("channel.open")
        return reply

    def got(self, queue: str) -> None:
        """Record the next message of a queue as AMQP shows it, once it is there."""
        for _ in range(200):
            reply = self.call("basic.get", queue=queue, no_ack=True)
            if reply.name != "basic.get-empty":
                break
        properties = dict(sorted(reply.properties.items()))
        headers = dict(sorted(properties.pop("headers", {}).items()))
        if headers:
            properties["headers"] = headers
        self.note(f"amqp {reply.name} {properties} {reply.body!r}")

    def counts(self, queue: str) -> None:
        """Record how many messages and consumers a queue has, or that there is none."""
        reply = self.call("queue.declare", queue=queue, passive=True)
        if reply.name == "channel.close":
            self.note(f"amqp {queue}: {reply.reply_code}")
        else:
            self.note(f"amqp {queue}: {reply.message_count} {reply.consumer_count}")

    def ready(self, queue: str, count: int) -> None:
        """Wait until so many messages are ready in a queue; record how many are."""
        for _ in range(500):
            reply = self.call("queue.declare", queue=queue, passive=True)
            if reply.name != "channel.close" and reply.message_count == count:
                break
        self.counts(queue)

    def finish(self) -> None:
        """Close every connection and remove what the scenario made."""
        for peer in self.peers:
            peer.drop()
        for queue in self._queues:
            self.call("queue.delete", queue=queue)
        self.amqp().drop()
