"""What unit tests pass through the broker's doors: time, randomness, a bell, a consumer.

Subclasses of the doors that allow it, so that they work interpreted and compiled.  Never let
Hypothesis draw one: it refers weakly to what it drew, and compiled objects die of that.
"""

from typing import Any, Final

import pamqp.frame
from pamqp import commands
from tests import wire

from leveret.amqp091.session import AmqpSession
from leveret.broker.classic import ClassicQueue
from leveret.broker.consumer import Consumer
from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.properties import NO_PROPERTIES, read_properties
from leveret.broker.queue import Keeper
from leveret.broker.wishes import QueueWish
from leveret.config.settings import Settings
from leveret.ports import Clock, Random
from leveret.session import Bell, Peer, Session
from leveret.tables import table_of

SECOND_NS: Final = 1_000_000_000


class FakeClock(Clock):
    """Time passes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.now = SECOND_NS

    def now_ns(self) -> int:
        return self.now

    def cpu_ns(self) -> int:
        return self.now

    def unix_s(self) -> int:
        return 1_700_000_000 + self.now // SECOND_NS

    def unix_ms(self) -> int:
        return 1_700_000_000_000 + self.now * 1000 // SECOND_NS

    def pass_s(self, seconds: float) -> None:
        self.now += int(seconds * SECOND_NS)


class FakeRandom(Random):
    """Octets that never repeat and are the same in every run."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def octets(self, count: int) -> bytes:
        self.taken += 1
        return self.taken.to_bytes(count, "big")


class FakeBell(Bell):
    """Counts; marks the session as rung, as the real one does."""

    def __init__(self) -> None:
        super().__init__()
        self.rings = 0

    def ring(self, session: Session) -> None:
        self.rings += 1
        session.rung = True


class FakeConsumer(Consumer):
    """Has room for ``room`` messages it has not been relieved of.  Writes down what it gets."""

    def __init__(
        self,
        tag: str = "c",
        room: int = 1 << 30,
        *,
        no_ack: bool = False,
        is_exclusive: bool = False,
        priority: int = 0,
        log: "list[FakeConsumer] | None" = None,
    ) -> None:
        super().__init__(tag, no_ack, is_exclusive, priority, {})
        self.room = room
        self.got: list[tuple[Message, int, bool]] = []
        self.was_cancelled = False
        self.log = log
        self.asked = 0

    def has_room(self) -> bool:
        self.asked += 1
        return self.room > 0

    def deliver(self, message: Message, offset: int, redelivered: bool) -> None:
        assert self.room > 0, "a consumer without room was delivered to"
        self.room -= 1
        self.got.append((message, offset, redelivered))
        if self.log is not None:
            self.log.append(self)

    def cancelled(self) -> None:
        self.was_cancelled = True

    @property
    def bodies(self) -> list[bytes]:
        return [message.body for message, _, _ in self.got]


def classic(
    name: str = "q", arguments: dict[str, object] | None = None, keeper: Keeper | None = None
) -> ClassicQueue:
    """A classic queue that belongs to no vhost."""
    return ClassicQueue(QueueWish(name, False, False, 0, table_of(arguments or {})), keeper)


def message(body: bytes = b"", priority: int | None = None, key: str = "k") -> Message:
    """A message for a queue."""
    properties = NO_PROPERTIES
    if priority is not None:
        properties = read_properties(b"\x08\x00" + bytes([priority]))
    return Message(Origin("", key), properties, body)


LOCAL: Final = Peer("127.0.0.1", 50000, "127.0.0.1", 5672)


def new_node(**settings: object) -> Node:
    """A node in which time stands still and nothing is random."""
    return Node(Settings(**settings), FakeClock(), FakeRandom())


class Talk:
    """One AMQP 0-9-1 session without a socket: octets in, decoded frames out."""

    def __init__(self, node: Node, peer: Peer = LOCAL) -> None:
        self.node = node
        self.bell = FakeBell()
        self.session = AmqpSession(node, self.bell, peer)

    def feed(self, octets: bytes) -> None:
        self.session.receive(octets)

    def send(self, name: str, channel: int = 1, **values: Any) -> None:
        self.feed(wire.method(channel, name, **values))

    def take(self) -> bytes:
        """What the session would write now, as the flush of a connection takes it."""
        self.session.rung = False
        octets = b"".join(self.session.take_output())
        if not self.session.closed:
            self.session.flushed()
        return octets

    def drain(self) -> bytes:
        """Everything the session has to say, in as many flushes as it takes."""
        octets = b""
        while part := self.take():
            octets += part
        return octets

    def read(self) -> list[Any]:
        """Everything the session has to say, decoded by pamqp."""
        return [content for _, content in frames(self.drain())]

    def call(self, name: str, channel: int = 1, **values: Any) -> Any:
        """Send a method; the one frame that answers it."""
        self.send(name, channel, **values)
        (reply,) = self.read()
        return reply

    def open(self, *channels: int, heartbeat: int = 0, frame_max: int = 131072) -> "Talk":
        """Do the handshake as guest and open ``channels``, 1 if none are named."""
        self.feed(handshake(heartbeat, frame_max))
        for channel in channels or (1,):
            self.send("channel.open", channel)
        last = self.read()[-1]
        assert isinstance(last, commands.Channel.OpenOk), last
        return self


CAPABILITIES: Final = ("consumer_cancel_notify", "authentication_failure_close", "basic.nack")


def handshake(
    heartbeat: int = 0, frame_max: int = 131072, names: tuple[str, ...] = CAPABILITIES
) -> bytes:
    """All that a client sends to open a connection as guest, with the capabilities ``names``."""
    properties = {"capabilities": dict.fromkeys(names, True)}
    return (
        wire.HEADER
        + wire.method(
            0,
            "connection.start-ok",
            client_properties=properties,
            mechanism="PLAIN",
            response="\0guest\0guest",
            locale="en_US",
        )
        + wire.method(
            0, "connection.tune-ok", channel_max=2047, frame_max=frame_max, heartbeat=heartbeat
        )
        + wire.method(0, "connection.open", virtual_host="/")
    )


def publish(
    routing_key: str | bytes,
    body: bytes = b"",
    properties: dict[str, Any] | None = None,
    exchange: str | bytes = "",
    channel: int = 1,
    **flags: Any,
) -> bytes:
    """A publish with its content in one body frame."""
    octets = wire.method(
        channel, "basic.publish", exchange=exchange, routing_key=routing_key, **flags
    )
    octets += wire.frame(wire.CONTENT, channel, wire.encode_header(len(body), properties or {}))
    return octets + (wire.frame(wire.BODY, channel, body) if body else b"")


def frames(octets: bytes) -> list[tuple[int, Any]]:
    """Channel and content of every frame; ``octets`` must be whole frames."""
    got: list[tuple[int, Any]] = []
    at = 0
    while at < len(octets):
        size = int.from_bytes(octets[at + 3 : at + 7], "big") + 8
        consumed, channel, content = pamqp.frame.unmarshal(octets[at : at + size])
        assert consumed == size
        got.append((channel, content))
        at += size
    return got
