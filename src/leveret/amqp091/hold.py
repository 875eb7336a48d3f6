"""What a session keeps while a decision about one of its frames is made elsewhere.

The frame is handled again, from the start, once the decision is there; all that follows waits, in
order.  Nothing here knows what is decided, or by whom.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.amqp091.frames import FrameReader
from leveret.amqp091.outbox import Outbox
from leveret.auth.rights import Inquiry
from leveret.sessions.waiting import Wait


@final
class HeldFrame:
    """A frame that is to be handled again."""

    def __init__(self, kind: i64, number: i64, payload: bytes) -> None:
        self.kind: Final = kind
        self.number: Final = number
        self.payload: Final = payload


@final
class Hold:
    """Whether a session waits, and with what in its hand."""

    def __init__(self, outbox: Outbox) -> None:
        self._wait: Final = Wait(outbox)
        # The frame that waits, and the one that is being handled again: it may have to wait again.
        self._held: HeldFrame | None = None
        self._again: HeldFrame | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a decision is awaited."""
        return self._wait.is_waiting

    def wait(self, reader: FrameReader, inquiry: Inquiry) -> bool:
        """Keep the frame at hand until ``inquiry`` is answered; False when it asks for too much."""
        held = self._again
        if held is None:
            payload = reader.data[reader.start : reader.end]
            held = HeldFrame(reader.kind, reader.number, payload)
        self._held = held
        if self._wait.begin(inquiry):
            return True
        self._held = None
        return False

    def take(self) -> HeldFrame | None:
        """The frame to handle again, if there is one; None otherwise."""
        self._again = self._held
        self._held = None
        if self._again is None:
            self._wait.done()
        return self._again

    def done(self) -> None:
        """The frame that was taken has been handled."""
        self._again = None
        self._wait.done()

    def let_go(self) -> None:
        """Wait no more, and forget the frame: the connection ends."""
        self._wait.let_go()
        self._held = None
        self._again = None
