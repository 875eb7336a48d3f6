"""A session that waits: for a decision made elsewhere, or for the end of an alarm.

Whatever of its input asked for it is kept by the session, and handled again from the start once
the answer is there; all that follows waits, in order.  Nothing here knows what is decided.
"""

from typing import Final, final

from leveret.auth.rights import Inquiry, Waiter
from leveret.broker.alarms import Alarms
from leveret.sessions.output import Output

# Nothing honest needs so many decisions from outside.
MAX_INQUIRIES: Final = 1000


@final
class Wait:
    """Whether a session waits.

    ``is_waiting`` is true from ``begin`` until the answer comes or ``let_go`` is called.  The
    answer rings the session's bell, and the flush that follows makes it go on.
    """

    def __init__(self, output: Output) -> None:
        self._output: Final = output
        self._turn: Turn | None = None
        self._inquiry: Inquiry | None = None
        # How often the unit of input at hand had to wait.
        self._count = 0

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is awaited."""
        return self._turn is not None

    def begin(self, inquiry: Inquiry) -> bool:
        """Wait until ``inquiry`` is answered; False when the unit at hand asks for too much."""
        self._count += 1
        if self._count > MAX_INQUIRIES:
            return False
        self._turn = Turn(self)
        self._inquiry = inquiry
        inquiry.begin(self._turn)
        return True

    def done(self) -> None:
        """The unit that had to wait has been handled."""
        self._count = 0

    def answered(self, turn: "Turn") -> None:
        """What ``turn`` waited for is there; too late if nobody waits for it any more."""
        if self._turn is turn:
            self._turn = None
            self._inquiry = None
            self._output.ring()

    def let_go(self) -> None:
        """Wait no more: the connection ends."""
        if self._inquiry is not None:
            self._inquiry.abandon()
            self._inquiry = None
        self._turn = None
        self._count = 0


@final
class Turn(Waiter):
    """One wait."""

    def __init__(self, wait: Wait) -> None:
        self._wait: Final = wait

    def go_on(self) -> None:
        """The answer is there."""
        self._wait.answered(self)


@final
class AlarmWait(Inquiry):
    """Holds a publisher, without a word, until no alarm is set."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms: Final = alarms
        self._waiter: Waiter | None = None

    def begin(self, waiter: Waiter) -> None:
        """Wait."""
        self._waiter = waiter
        self._alarms.hold(waiter)

    def abandon(self) -> None:
        """The connection ends: nobody is to be told any more."""
        if self._waiter is not None:
            self._alarms.forget(self._waiter)
