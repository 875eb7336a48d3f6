"""What a scenario plays on: a broker, connections to it, and names of its own.

Whatever a broker does in its own time (a dead letter that moves on, a connection whose end is
noticed) is waited for by looking at what comes of it: `Stage.until` and those that use it.  Times
that are part of the story go through `Stage.wait` and `Stage.ms`, which are longer each time a
scenario is tried again, so that a slow machine tells the same story slowly.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from tests.differential.admin import Admin, Door
from tests.differential.peer import Peer, Trace, render
from tests.wire import Method, Wire

IDLE_S: Final = 0.25
PATIENCE_S: Final = 10.0
_STEP_S: Final = 0.01
_LOCKED: Final = 405


class NoDoor(Exception):
    """The scenario needs an administrator, and this broker lets nobody here be one."""


class Stage:
    """What a scenario is given.  Names made by `q` and `x` are removed afterwards."""

    def __init__(
        self,
        port: int,
        name: str,
        pace: float = 1.0,
        timeout: float = 5.0,
        door: Door | None = None,
    ) -> None:
        """``pace`` is how many times longer than usual everything may take."""
        self.port = port
        self.pace = pace
        self.idle = IDLE_S * pace
        self.name = name
        self.timeout = timeout * pace
        self.trace: Trace = []
        self._peers: list[Peer] = []
        self._queues: set[str] = set()
        self._exchanges: set[str] = set()
        self._trier: Peer | None = None
        self._looker: Wire | None = None
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
        label = label or "abcdefghijklmnopqrstuvwxyz"[len(self._peers)]
        peer = Peer(self.port, label, self.trace, self.idle, self.timeout)
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

    def clients(self) -> list[str]:
        """How events name the connections: "127.0.0.1:50123 ->"."""
        return [peer.client for peer in self._peers]

    def drop_all(self) -> None:
        """Cut every connection."""
        for peer in self._peers:
            peer.drop()

    def let_in(self, label: str = "", **options: Any) -> Peer:
        """Like `peer`, as soon as the broker lets somebody in: it may count who left a while."""
        entered: list[Peer] = []

        def tries() -> bool:
            peer = self._stranger(label)
            if peer.open(**options).name != "connection.open-ok":
                peer.drop()
                return False
            entered.append(peer)
            return True

        self.until("somebody is let in", tries)
        entered[0].recording = True
        return entered[0]

    def turned_away(self, label: str = "", **options: Any) -> None:
        """Record how somebody is refused; the broker may take a while to count who came before."""

        def tries() -> bool:
            peer = self._stranger(label)
            reply = peer.open(**options)
            peer.drop()
            if reply.name == "connection.open-ok":
                return False
            peer.note(render(reply))
            return True

        self.until("somebody is turned away", tries)

    def _stranger(self, label: str) -> Peer:
        peer = Peer(self.port, label, self.trace, self.idle, self.timeout)
        peer.recording = False
        self._peers.append(peer)
        return peer

    # --- waiting -------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Let time pass that is part of the story."""
        time.sleep(seconds * self.pace)

    def ms(self, milliseconds: int) -> int:
        """A time of the story as a queue or a message is told it."""
        return int(milliseconds * self.pace)

    def until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait for what the broker does in its own time.  Fails when it never does."""
        deadline = time.monotonic() + PATIENCE_S * self.pace
        while not is_so():
            assert time.monotonic() < deadline, f"it never came to be that {what}"
            time.sleep(_STEP_S)

    def holds(self, queue: str, count: int) -> None:
        """Wait until so many messages are ready in the queue."""
        self.until(f"{queue} holds {count}", lambda: self.look(queue)[:1] == (count,))

    def gone(self, queue: str) -> None:
        """Wait until there is no such queue."""
        self.until(f"{queue} is gone", lambda: self.look(queue) == ())

    def look(self, queue: str) -> tuple[int, ...]:
        """How many messages and consumers the queue has; nothing when there is no such queue.

        Without a line in the trace; counts as a use of a queue that expires.
        """
        if self._looker is None or self._looker.ended:
            self._looker = Wire(port=self.port, timeout=self.timeout)
            self._looker.open()
        reply = self._looker.call("queue.declare", queue=queue, passive=True)
        if reply.name == "queue.declare-ok":
            return reply.message_count, reply.consumer_count
        self._looker.send("channel.close-ok")
        self._looker.call("channel.open")
        return (-1,) if reply.reply_code == _LOCKED else ()

    # --- messages ------------------------------------------------------------------------------

    def purge(self, queue: str) -> int | None:
        """Throw the ready messages away and say how many there were; None without such a queue.

        Exact even where publishes were not confirmed: what came before is in the queue by then,
        whereas RabbitMQ answers a passive declare before it takes what is on its way.
        """
        with Wire(port=self.port, timeout=self.timeout) as wire:
            wire.open()
            reply = wire.call("queue.purge", queue=queue)
            return reply.message_count if reply.name == "queue.purge-ok" else None

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

    # --- the end -------------------------------------------------------------------------------

    def finish(self) -> None:
        """Close every connection and remove what the scenario made."""
        self.drop_all()
        if self._looker is not None:
            self._looker.drop()
        if self._admin is not None:
            self._admin.undo()
        if not self._queues and not self._exchanges:
            return
        with Wire(port=self.port, timeout=self.timeout) as wire:
            wire.open()
            for name in sorted(self._queues):
                self._remove(wire, "queue", name)
            for name in sorted(self._exchanges):
                self._remove(wire, "exchange", name)
            wire.close()

    def _remove(self, wire: Wire, kind: str, name: str) -> None:
        """Delete a queue or an exchange, if it is there."""

        def is_gone() -> bool:
            """False while another connection holds it, whose end was not noticed yet."""
            reply = wire.call(f"{kind}.delete", 1, **{kind: name})
            if reply.name != "channel.close":
                return True
            wire.send("channel.close-ok")
            wire.call("channel.open")
            return bool(reply.reply_code != _LOCKED)

        self.until(f"{name} is free", is_gone)
