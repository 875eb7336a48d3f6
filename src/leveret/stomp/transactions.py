"""BEGIN, COMMIT, ABORT: SEND, ACK and NACK that are held until they all happen, or none does.

Behaviour: RabbitMQ 4.3, "STOMP Plugin": at most 16 transactions at once, of 1024 frames each.
Differs from RabbitMQ: beginning one that is open is refused, as STOMP says; there is a bound to
what all of them hold together; a COMMIT whose frames are not all in order does none of them.
"""

from typing import Final, final

from leveret.stomp.channel import StompChannel
from leveret.stomp.faults import StompFault
from leveret.stomp.headers import Frame

MAX_TRANSACTIONS: Final = 16
MAX_FRAMES: Final = 1024
# All that the open transactions of a connection hold.
MAX_OCTETS: Final = 64 * 1024 * 1024


@final
class HeldFrame:
    """A frame of an open transaction; ``frame`` is None for a SEND."""

    def __init__(self, block: bytes, body: bytes, frame: Frame | None) -> None:
        self.block: Final = block
        self.body: Final = body
        self.frame: Final = frame

    @property
    def size(self) -> int:
        """What it takes."""
        return len(self.block) + len(self.body)


@final
class Transaction:
    """An open one: its frames, in the order in which they came, and how many were done.

    ``is_rejected``: of those, a queue has refused one.
    """

    def __init__(self) -> None:
        self.frames: Final[list[HeldFrame]] = []
        self.done_count = 0
        self.is_rejected = False


@final
class Transactions:
    """Those of one connection."""

    def __init__(self, channel: StompChannel) -> None:
        self._channel: Final = channel
        self._open: Final[dict[str, Transaction]] = {}
        self._octets = 0

    def begin(self, frame: Frame) -> None:
        """BEGIN.  Raises StompFault."""
        name = _name_of(frame)
        if name in self._open:
            raise StompFault("Bad transaction", f'Transaction "{name}" has begun already\n')
        if len(self._open) >= MAX_TRANSACTIONS:
            detail = f"Too many concurrent transactions (limit {MAX_TRANSACTIONS})"
            raise StompFault("Transaction limit exceeded", detail)
        self._open[name] = Transaction()

    def find(self, name: str) -> Transaction:
        """The open transaction called ``name``.  Raises StompFault."""
        found = self._open.get(name)
        if found is None:
            raise StompFault("Bad transaction", f'Invalid transaction identifier: "{name}"\n')
        return found

    def named_by(self, frame: Frame) -> Transaction:
        """The one that COMMIT or ABORT is about.  Raises StompFault."""
        return self.find(_name_of(frame))

    def hold(self, name: str, held: HeldFrame) -> None:
        """Keep a frame until the end of its transaction.  Raises StompFault."""
        transaction = self.find(name)
        if len(transaction.frames) >= MAX_FRAMES:
            detail = f"Too many actions in transaction (limit {MAX_FRAMES})"
            raise StompFault("Transaction too large", detail)
        if self._octets + held.size > MAX_OCTETS:
            detail = f"Too many octets in transactions (limit {MAX_OCTETS})"
            raise StompFault("Transaction too large", detail)
        transaction.frames.append(held)
        self._count(held, 1)

    def _count(self, held: HeldFrame, change: int) -> None:
        self._octets += change * held.size
        if held.frame is None:
            self._channel.held_sends += change
        else:
            self._channel.held_acks += change

    def end(self, frame: Frame) -> None:
        """The transaction of a COMMIT or ABORT is over."""
        transaction = self._open.pop(_name_of(frame))
        for held in transaction.frames:
            self._count(held, -1)

    def clear(self) -> None:
        """The connection is over."""
        self._open.clear()


def _name_of(frame: Frame) -> str:
    name = frame.headers.get("transaction")
    if name is None:
        detail = f"\"{frame.command}\" must include a 'transaction' header\n"
        raise StompFault("Missing transaction", detail)
    return name
