"""One STOMP session without a socket, for unit tests: frames in, frames out."""

from tests.fakes import FakeBell, FakeClock, new_node
from tests.stomp_wire import Frame, encode, take_frame

from leveret.broker.node import Node
from leveret.session import Peer
from leveret.stomp.protocol import Stomp

PEER = Peer("127.0.0.1", 50000, "127.0.0.1", 61613)


class StompTalk:
    """Feed it and read from it; ``session`` is the thing under test."""

    def __init__(self, node: Node | None = None, peer: Peer = PEER, carrier: str = "") -> None:
        self.node = node if node is not None else new_node()
        self.bell = FakeBell()
        self.session = Stomp(self.node, carrier).open(self.bell, peer)
        self.version = "1.2"

    def feed(self, octets: bytes) -> None:
        self.session.receive(octets)

    def send(
        self, command: str, headers: dict[str, str] | None = None, body: bytes = b"", **more: str
    ) -> None:
        self.feed(encode(command, headers, body, **more))

    def take(self) -> bytes:
        """What the session would write now, as the flush of a connection takes it."""
        session = self.session
        session.rung = False
        if session.is_held:
            return b"".join(session.take_urgent())
        octets = b"".join(session.take_output())
        if not session.closed:
            session.flushed()
        return octets

    def drain(self) -> bytes:
        """Everything the session has to say, in as many flushes as it takes."""
        octets = b""
        while True:
            part = self.take()
            if not part and not self.session.rung:
                return octets
            octets += part

    def read(self) -> list[Frame]:
        """Everything the session has to say."""
        octets = self.drain()
        got = []
        while octets:
            frame, octets = take_frame(octets, self.version)
            if frame is None:
                assert not octets, f"half a frame: {octets!r}"
                break
            got.append(frame)
        return got

    def call(
        self, command: str, headers: dict[str, str] | None = None, body: bytes = b"", **more: str
    ) -> Frame:
        """Send a frame; the one frame that answers it."""
        self.send(command, headers, body, **more)
        (reply,) = self.read()
        return reply

    def connect(self, version: str = "1.2", **headers: str) -> Frame:
        """Say CONNECT as guest; what is answered."""
        self.version = version
        given = {"accept_version": version, "host": "/", "login": "guest", "passcode": "guest"}
        return self.call("CONNECT", **(given | headers))

    def open(self, version: str = "1.2", **headers: str) -> "StompTalk":
        """Be connected."""
        assert self.connect(version, **headers).command == "CONNECTED"
        return self

    def pass_s(self, seconds: float) -> None:
        """Let time pass for node and session, half a second at once, as ticks come."""
        clock = self.node.clock
        assert isinstance(clock, FakeClock)
        for _ in range(int(seconds * 2)):
            clock.pass_s(0.5)
            self.node.keep_time()
            self.session.tick()
