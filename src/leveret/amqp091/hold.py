"""What a session keeps while a decision about one of its frames is made elsewhere.

The frame is handled again, from the start, once the decision is there; all that follows waits, in
order.  Nothing here knows what is decided, or by whom.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.amqp091.frames import FrameReader
from leveret.amqp091.outbox import Outbox
from leveret.auth.rights import Inquiry, Waiter

# No honest frame needs so many decisions from outside.
MAX_INQUIRIES: Final = 1000


@final
class HeldFrame:
    """A frame that is to be handled again."""

    def __init__(self, kind: i64, number: i64, payload: bytes) -> None:
        self.kind: Final = kind
        self.number: Final = number
        self.payload: Final = payload
        self.inquiry_count = 0


@final
class Hold:
    """Whether a session waits, and with what in its hand.

    ``is_waiting`` is true from ``wait`` until the answer comes or ``let_go`` is called.  The answer
    rings the session's bell, and the flush that follows makes it go on.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox: Final = outbox
        self._turn: Turn | None = None
        self._inquiry: Inquiry | None = None
        # The frame that waits, and the one that is being handled again: it may have to wait again.
        self._held: HeldFrame | None = None
        self._again: HeldFrame | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a decision is awaited."""
        return self._turn is not None

    def wait(self, reader: FrameReader, inquiry: Inquiry) -> bool:
        """Keep the frame at hand until ``inquiry`` is answered; False when it asks for too much."""
        held = self._again
        if held is None:
            payload = reader.data[reader.start : reader.end]
            held = HeldFrame(reader.kind, reader.number, payload)
        held.inquiry_count += 1
        if held.inquiry_count > MAX_INQUIRIES:
            return False
        self._held = held
        self._turn = Turn(self)
        self._inquiry = inquiry
        inquiry.begin(self._turn)
        return True

    def take(self) -> HeldFrame | None:
        """The frame to handle again, if there is one; None otherwise."""
        self._again = self._held
        self._held = None
        return self._again

    def done(self) -> None:
        """The frame that was taken has been handled."""
        self._again = None

    def answered(self, turn: "Turn") -> None:
        """What ``turn`` waited for is there; too late if nobody waits for it any more."""
        if self._turn is turn:
            self._turn = None
            self._inquiry = None
            self._outbox.ring()

    def let_go(self) -> None:
        """Wait no more, and forget the frame: the connection ends."""
        if self._inquiry is not None:
            self._inquiry.abandon()
            self._inquiry = None
        self._turn = None
        self._held = None
        self._again = None


@final
class Turn(Waiter):
    """One wait."""

    def __init__(self, hold: Hold) -> None:
        self._hold: Final = hold

    def go_on(self) -> None:
        """The answer is there."""
        self._hold.answered(self)
