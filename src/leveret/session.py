"""What every protocol is: bytes and time in, bytes out.  No I/O.

``net`` drives any Session and knows none; a protocol's session never sees a socket.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import i64, mypyc_attr


@final
class TlsFacts:
    """How a connection is encrypted, and whose certificate the client showed.

    ``is_verified``: the client showed a certificate that an authority of ours has signed; without
    it the names are empty.  ``subject`` and ``issuer`` are spelt as RabbitMQ spells them:
    ``CN=client,O=Example``, the most specific name first.  Of several common names
    ``common_name`` has all, with commas between.  ``alternative_names`` are pairs: a kind (``dns``,
    ``ip``, ``email``, ``uri``, ``other_name``) and a name, in the certificate's order.
    ``validity`` is ``2026-01-01T00:00:00Z - 2027-01-01T00:00:00Z``.
    """

    def __init__(self, protocol: str, cipher: str) -> None:
        self.protocol: Final = protocol
        self.cipher: Final = cipher
        self.is_verified = False
        self.subject = ""
        self.issuer = ""
        self.validity = ""
        self.common_name = ""
        self.alternative_names: list[tuple[str, str]] = []


@final
class Peer:
    """Who is at the other end of a connection, and which of our addresses it came to.

    ``tls`` is None on a connection that is not encrypted.  ``may_be_near`` is false where
    the addresses are only what a proxy told: they alone do not make anybody local.
    """

    def __init__(
        self,
        host: str,
        port: int,
        local_host: str,
        local_port: int,
        tls: TlsFacts | None = None,
        may_be_near: bool = True,
    ) -> None:
        self.host: Final = host
        self.port: Final = port
        self.local_host: Final = local_host
        self.local_port: Final = local_port
        self.tls: Final = tls
        self.may_be_near: Final = may_be_near
        # Name and password that came before the protocol began, for whoever names none in it.
        self.login: tuple[str, str] | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the peer runs on this machine."""
        return self.may_be_near and (self.host.startswith("127.") or self.host == "::1")

    @property
    def name(self) -> str:
        """How people tell connections apart: ``127.0.0.1:54321 -> 127.0.0.1:5672``."""
        here, there = _bracketed(self.host), _bracketed(self.local_host)
        return f"{here}:{self.port} -> {there}:{self.local_port}"


def _bracketed(host: str) -> str:
    """As RabbitMQ's names of connections have it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


@final
class Traffic:
    """The octets that went through a socket, and in how many pieces."""

    def __init__(self) -> None:
        self.octets_in: i64 = 0
        self.octets_out: i64 = 0
        self.chunks_in: i64 = 0
        self.chunks_out: i64 = 0

    def add(self, other: "Traffic") -> None:
        """Count what ``other`` has, too."""
        self.octets_in += other.octets_in
        self.octets_out += other.octets_out
        self.chunks_in += other.chunks_in
        self.chunks_out += other.chunks_out


# How far a peer that sends is ahead of those who take away what it sends: not at all; what it sends
# piles up; so much that they should hardly wait for it, since they are busy taking it away.
LEVEL: Final = 0
AHEAD: Final = 1
FAR_AHEAD: Final = 2


@mypyc_attr(allow_interpreted_subclasses=True)
class Session(ABC):
    """One connection's protocol.  Feed it, tick it, send what it gives, stop when ``closed``.

    Invariant: once ``closed`` is true it takes no more input; what ``take_output`` still gives is
    sent before the socket is closed.
    """

    def __init__(self) -> None:
        self.closed = False
        # More input is of no use: it waits until the peer has read what it was sent.
        self.is_full = False
        # Whether what the peer sends piles up: then others should go first.
        self.lead = LEVEL
        # Whether it knows who the peer is: from others no more is taken than a login needs.
        self.is_known = True
        # What it has to send must wait, for it tells of what is not safe yet.
        self.is_held = False
        # Owned by the bell: whether this session already waits for its flush.
        self.rung = False
        # What went through its socket; counted by whoever has that.
        self.traffic: Final = Traffic()

    @abstractmethod
    def receive(self, chunk: bytes) -> None:
        """Handle bytes from the peer.  Never raises: what is wrong with them closes the session."""

    @abstractmethod
    def tick(self) -> None:
        """Act on the passing of time.  Called about twice a second."""

    @abstractmethod
    def take_output(self) -> list[bytes]:
        """What to send now, in order; empty when there is nothing."""

    def take_messages(self) -> list[bytes]:
        """The same, with one message of the protocol in each, for carriers that have messages."""
        return self.take_output()

    def take_urgent(self) -> list[bytes]:
        """What to send even while it ``is_held``: signs of life, and that the peer must wait."""
        return []

    @abstractmethod
    def flushed(self) -> None:
        """Told after each ``take_output`` was handed to the socket: there is room again."""

    @abstractmethod
    def pause(self) -> None:
        """The peer does not read fast enough: hold deliveries back until ``resume``."""

    @abstractmethod
    def resume(self) -> None:
        """The peer reads again."""

    @property
    def is_waiting(self) -> bool:
        """Whether it takes no input before somebody has answered, or something runs low no more."""
        return False

    @abstractmethod
    def shut(self, reason: str) -> None:
        """The node wants this connection gone: say goodbye in the protocol's way."""

    @abstractmethod
    def lost(self) -> None:
        """The peer is gone: give back what it held.  Called exactly once, last of all."""


@mypyc_attr(allow_interpreted_subclasses=True)
class TurnEnd(ABC):
    """Something that is to be done in every turn of the loop before its output is sent."""

    @abstractmethod
    def end_turn(self) -> bool:
        """Do it.  True when there is more to do, so that another turn must follow soon."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Bell(ABC):
    """How a session says "I have output".  Cheap to ring twice."""

    @abstractmethod
    def ring(self, session: Session) -> None:
        """Flush ``session`` once, before this turn of the loop ends."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Protocol(ABC):
    """What a listener speaks: makes the session of each connection it accepts."""

    @abstractmethod
    def open(self, bell: Bell, peer: Peer) -> Session:
        """The session for a new connection from ``peer``."""
