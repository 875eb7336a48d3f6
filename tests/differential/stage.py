"""What a scenario plays on: connections that write down all they receive.

The trace is a list of lines, one for each method that came.  What differs from run to run (the
random part of generated names) is replaced by a star; nothing else is touched.
"""

import re
import zlib
from typing import Any

from tests.differential.admin import Admin, Door
from tests.wire import Method, Silence, Wire

Trace = list[str]

_RANDOM = (
    (re.compile(r"amq\.gen-[A-Za-z0-9_-]{22}"), "amq.gen-*"),
    (re.compile(r"amq\.ctag-[A-Za-z0-9_-]{22}"), "amq.ctag-*"),
    (re.compile(r"amq\.rabbitmq\.reply-to\.[A-Za-z0-9_.+/=-]+"), "amq.rabbitmq.reply-to.*"),
)
_CLOSES = ("channel.close", "connection.close")


def _shown(octets: bytes) -> str:
    if len(octets) <= 80:
        return repr(octets)
    return f"<{len(octets)} octets, crc {zlib.crc32(octets):08x}>"


def render(got: Method) -> str:
    """A method as one line of a trace."""
    line = repr(got)
    for pattern, star in _RANDOM:
        line = pattern.sub(star, line)
    if got.name in ("basic.deliver", "basic.return", "basic.get-ok"):
        properties = ", ".join(f"{name}={value!r}" for name, value in got.properties.items())
        for pattern, star in _RANDOM:
            properties = pattern.sub(star, properties)
        line += f" {{{properties}}} {_shown(got.body)}"
        if len(got.frames) > 1:
            line += f" in frames of {got.frames}"
    return line


class Peer(Wire):
    """One connection of a scenario; whatever it reads goes into the trace."""

    def __init__(self, stage: "Stage", label: str, timeout: float) -> None:
        super().__init__(port=stage.port, timeout=timeout, typed=True)
        self.stage = stage
        self.label = label
        self.recording = True
        self.told_end = False

    def note(self, text: str) -> None:
        self.stage.trace.append(f"{self.label} {text}")

    def read(self, timeout: float | None = None) -> Method | None:
        got = super().read(timeout)
        if not self.recording:
            return got
        if got is not None:
            self.note(render(got))
        elif not self.told_end:
            self.told_end = True
            self.note("end of connection")
        return got

    def unrecorded(self, name: str, channel: int = 1, **values: Any) -> Method:
        """A call that leaves no line in the trace."""
        self.recording = False
        try:
            return self.call(name, channel, **values)
        finally:
            self.recording = True

    def take(self, count: int = 1) -> list[Method]:
        """Record ``count`` methods, or that they did not come."""
        got = []
        for _ in range(count):
            try:
                one = self.read()
            except Silence:
                self.note("silence")
                break
            if one is None:
                break
            got.append(one)
        return got

    def quiet(self) -> list[Method]:
        """Record whatever comes until nothing did for the stage's ``idle`` seconds."""
        got = self.read_all(self.stage.idle)
        self.note("quiet")
        return got

    def settle(self, channel: int = 1) -> Method:
        """A round trip on the channel: what the broker had to say about it comes before."""
        return self.call("basic.qos", channel, prefetch_count=0)

    def get(self, queue: str, channel: int = 1, no_ack: bool = True) -> Method:
        return self.call("basic.get", channel, queue=queue, no_ack=no_ack)

    def empty(self, queue: str, channel: int = 1) -> list[bytes]:
        """Get messages until there are none; returns their bodies."""
        bodies = []
        for _ in range(200):
            got = self.get(queue, channel)
            if got.name != "basic.get-ok":
                break
            bodies.append(got.body)
        return bodies

    def confirms(self, count: int, channel: int = 1, first: int = 1) -> None:
        """Record what was acked and nacked of ``count`` publishes from tag ``first`` on.

        How the broker groups its confirms is its own affair: only the sets are recorded, after
        everything else that came.
        """
        self.recording = False
        waiting, acked, nacked = set(range(first, first + count)), [], []
        try:
            while waiting:
                got = self.read()
                if got is None or got.name not in ("basic.ack", "basic.nack"):
                    self.note("end of connection" if got is None else render(got))
                    if got is None or got.name in _CLOSES:
                        break
                    continue
                upto = got.delivery_tag
                tags = {tag for tag in waiting if tag <= upto} if got.multiple else {upto}
                if not tags <= waiting:
                    self.note(f"confirmed again or never published: {sorted(tags - waiting)}")
                (acked if got.name == "basic.ack" else nacked).extend(tags & waiting)
                waiting -= tags
        except Silence:
            self.note("silence")
        finally:
            self.recording = True
        self.note(f"acked {sorted(acked)} nacked {sorted(nacked)} waiting {sorted(waiting)}")

    def subscribe(self, queue: str, tag: str, channel: int = 1, **values: Any) -> Method:
        return self.call("basic.consume", channel, queue=queue, consumer_tag=tag, **values)

    def reopen(self, channel: int = 1) -> None:
        """Answer a channel.close and open the channel again."""
        self.send("channel.close-ok", channel)
        self.unrecorded("channel.open", channel)


class NoDoor(Exception):
    """The scenario needs an administrator, and this broker lets nobody here be one."""


class Stage:
    """What a scenario is given.  Names made by `q` and `x` are removed afterwards."""

    def __init__(
        self,
        port: int,
        name: str,
        idle: float = 0.25,
        timeout: float = 5.0,
        door: Door | None = None,
    ) -> None:
        self.port = port
        self.idle = idle
        self.name = name
        self.timeout = timeout
        self.trace: Trace = []
        self._peers: list[Peer] = []
        self._queues: set[str] = set()
        self._exchanges: set[str] = set()
        self._trier: Peer | None = None
        self._admin = None if door is None else Admin(door, self.note)

    @property
    def admin(self) -> Admin:
        """Who makes users, vhosts, policies; all of it is taken back at the end."""
        if self._admin is None:
            raise NoDoor
        return self._admin

    def own(self, suffix: str) -> str:
        """A name of this scenario's own, for a user, a vhost, a policy."""
        return f"{self.name}.{suffix}"

    def note(self, text: str) -> None:
        self.trace.append(text)

    def q(self, suffix: str = "q") -> str:
        """A queue name of this scenario's own."""
        name = f"{self.name}.{suffix}"
        self._queues.add(name)
        return name

    def x(self, suffix: str = "x") -> str:
        """An exchange name of this scenario's own."""
        name = f"{self.name}.{suffix}"
        self._exchanges.add(name)
        return name

    def raw(self, label: str = "") -> Peer:
        """A connection on which nothing was sent yet."""
        peer = Peer(self, label or "abcdefghij"[len(self._peers)], self.timeout)
        self._peers.append(peer)
        return peer

    def peer(self, label: str = "", **options: Any) -> Peer:
        """An open connection with channel 1 open; the handshake is not recorded."""
        peer = self.raw(label)
        peer.recording = False
        opened = peer.open(**options)
        assert opened.name == "connection.open-ok", opened
        peer.recording = True
        return peer

    def queue(self, peer: Peer, suffix: str = "q", **values: Any) -> str:
        """Declare a queue without a line in the trace; returns its name."""
        name = self.q(suffix)
        reply = peer.unrecorded("queue.declare", queue=name, **values)
        assert reply.name == "queue.declare-ok", reply
        return name

    def exchange(self, peer: Peer, kind: str, suffix: str = "x", **values: Any) -> str:
        """Declare an exchange without a line in the trace; returns its name."""
        name = self.x(suffix)
        reply = peer.unrecorded("exchange.declare", exchange=name, type=kind, **values)
        assert reply.name == "exchange.declare-ok", reply
        return name

    def bind(self, peer: Peer, queue: str, exchange: str, key: str = "", **arguments: Any) -> None:
        """Bind without a line in the trace."""
        values = {"queue": queue, "exchange": exchange, "routing_key": key}
        reply = peer.unrecorded("queue.bind", arguments=arguments.get("arguments"), **values)
        assert reply.name == "queue.bind-ok", reply

    def fill(self, queue: str, count: int = 1, **properties: Any) -> None:
        """Publish "0", "1", … to the queue from elsewhere; they are in it on return.

        Without the confirms they might not be: in RabbitMQ a publish and a declare of one channel
        may reach the queue in either order.
        """
        self.put(queue, *(b"%d" % number for number in range(count)), **properties)

    def put(self, queue: str, *bodies: bytes, **properties: Any) -> None:
        """Publish to the queue from elsewhere; the messages are in it on return."""
        with Wire(port=self.port, timeout=self.timeout) as wire:
            wire.open()
            wire.call("confirm.select")
            for body in bodies:
                wire.publish("", queue, body, properties)
                wire.expect("basic.ack")
            wire.close()

    def attempt(self, name: str, **values: Any) -> Method:
        """Call on a channel of its own and record the reply, whatever it closes."""
        peer = self._fresh()
        reply = peer.call(name, 9, **values)
        self._leave(peer, reply)
        return reply

    def attempt_publish(self, exchange: str, key: str = "", body: bytes = b"", **more: Any) -> None:
        """Publish on a channel of its own and record what the broker says to it."""
        peer = self._fresh()
        peer.publish(exchange, key, body, channel=9, **more)
        self._leave(peer, peer.settle(9))

    def _fresh(self) -> Peer:
        if self._trier is None:
            self._trier = self.peer("t", channels=())
        self._trier.unrecorded("channel.open", 9)
        return self._trier

    def _leave(self, peer: Peer, reply: Method) -> None:
        if reply.name == "connection.close":
            peer.send("connection.close-ok", 0)
            self._trier = None
        elif reply.name == "channel.close":
            peer.send("channel.close-ok", 9)
        else:
            peer.unrecorded("channel.close", 9)

    def finish(self) -> None:
        """Close every connection and remove what the scenario made."""
        for peer in self._peers:
            peer.drop()
        if self._admin is not None:
            self._admin.undo()
        if not self._queues and not self._exchanges:
            return
        with Wire(port=self.port, timeout=self.timeout) as wire:
            wire.open()
            wanted = [("queue.delete", {"queue": name}) for name in sorted(self._queues)]
            wanted += [("exchange.delete", {"exchange": name}) for name in sorted(self._exchanges)]
            for name, values in wanted:
                if wire.call(name, **values).name == "channel.close":
                    wire.send("channel.close-ok")
                    wire.call("channel.open")
            wire.close()
