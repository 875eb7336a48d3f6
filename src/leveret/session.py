"""What every protocol is: bytes and time in, bytes out.  No I/O.

``net`` drives any Session and knows none; a protocol's session never sees a socket.
"""

from mypy_extensions import mypyc_attr

from abc import ABC, abstractmethod


@mypyc_attr(allow_interpreted_subclasses=True)
class Session(ABC):
    """One connection's protocol.  Feed it, tick it, send what it gives, stop when ``closed``.

    Invariant: once ``closed`` is true it takes no more input; what ``take_output`` still gives is
    sent before the socket is closed.
    """

    def __init__(self) -> None:
        self.closed = False
        # Owned by the bell: whether this session already waits for its flush.
        self.rung = False

    @abstractmethod
    def receive(self, chunk: bytes) -> None:
        """Handle bytes from the peer.  Never raises: what is wrong with them closes the session."""

    @abstractmethod
    def tick(self) -> None:
        """Act on the passing of time.  Called about once a second."""

    @abstractmethod
    def take_output(self) -> list[bytes]:
        """What to send now, in order; empty when there is nothing."""

    @abstractmethod
    def flushed(self) -> None:
        """Told after each ``take_output`` was handed to the socket: there is room again."""

    @abstractmethod
    def pause(self) -> None:
        """The peer does not read fast enough: hold deliveries back until ``resume``."""

    @abstractmethod
    def resume(self) -> None:
        """The peer reads again."""

    @abstractmethod
    def shut(self, reason: str) -> None:
        """The node wants this connection gone: say goodbye in the protocol's way."""

    @abstractmethod
    def lost(self) -> None:
        """The peer is gone: give back what it held.  Called exactly once, last of all."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Bell(ABC):
    """How a session says "I have output".  Cheap to ring twice."""

    @abstractmethod
    def ring(self, session: Session) -> None:
        """Flush ``session`` once, before this turn of the loop ends."""
