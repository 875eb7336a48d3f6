"""Publisher confirms of one channel: which publishes are done, told in as few frames as possible.

Behaviour: RabbitMQ 4.3, "Publisher confirms": tags count from 1 after confirm.select; one
basic.ack with ``multiple`` speaks for all up to its tag.
"""

from typing import Final, final

from leveret.amqp091.arguments import MethodFrame
from leveret.amqp091.spec import BASIC_ACK, BASIC_NACK

# Who lets no more wait than this is told of what is done before the disk has it.
_FEW: Final = 8


@final
class Confirms:
    """Counts publishes and collects what became of them.

    Publishes are settled in the order of their tags; some must be on the disk before the publisher
    is told, and then those behind them wait too.  Invariant: every tag up to ``_told`` was told,
    those after it up to ``_ready`` are told by the next ``take_frames``, and those after that
    belong to ``_waiting``: pairs of a last tag and the batch of the journal that it waits for.
    """

    def __init__(self, channel: int) -> None:
        self._channel: Final = channel
        self._last_tag = 0
        self._told = 0
        self._ready = 0
        self._waiting: list[tuple[int, int]] = []
        self._refused: list[int] = []
        # Owned by the channel: whether this is on the list of those with something to tell, and
        # whether nobody is left to be told: another channel may have its number by then.
        self.is_listed = False
        self.is_over = False
        # Whether consumers were faster than the disk the last time, and so may be again.
        self.is_told_early = False

    @property
    def untold_count(self) -> int:
        """How many publishes the publisher was not told about yet."""
        return self._last_tag - self._told

    def settle(self, is_accepted: bool, owed: int = 0) -> bool:
        """The next publish is done: the broker answers for it, or has refused it.

        ``owed`` is the batch that must be on the disk before, 0 for none.  True when that is
        another one than before, so that somebody must call ``on_synced``.
        """
        self._last_tag += 1
        if not is_accepted:
            self._refused.append(self._last_tag)
        waiting = self._waiting
        if not waiting and owed == 0:
            self._ready = self._last_tag
            return False
        if waiting and (owed == 0 or waiting[-1][1] >= owed):
            waiting[-1] = (self._last_tag, waiting[-1][1])
            return False
        waiting.append((self._last_tag, owed))
        return True

    def on_synced(self, number: int) -> None:
        """Every batch up to ``number`` is on the disk."""
        waiting = self._waiting
        while waiting and waiting[0][1] <= number:
            self._ready = waiting.pop(0)[0]
            self.is_told_early = False

    @property
    def is_waiting(self) -> bool:
        """Whether something must be on the disk before the publisher is told of it."""
        return bool(self._waiting)

    @property
    def is_short(self) -> bool:
        """Whether so few are not confirmed that their publisher is likely to wait for them."""
        return self._last_tag - self._ready <= _FEW

    @property
    def last_tag(self) -> int:
        """The tag of the publish settled last."""
        return self._last_tag

    def on_done(self, tag: int) -> bool:
        """What was published with ``tag`` need not be on the disk any more.

        Whether there is something to tell: not when others before it still wait.
        """
        waiting = self._waiting
        if tag != self._ready + 1 or not waiting:
            return False
        self._ready = tag
        self.is_told_early = True
        if waiting[0][0] == tag:
            waiting.pop(0)
        return True

    def take_frames(self) -> bytes:
        """What to tell the publisher now."""
        ready = self._ready
        refused = self._refused
        self._refused = [tag for tag in refused if tag > ready] if self._waiting else []
        if self._refused:
            refused = [tag for tag in refused if tag <= ready]
        frames = b"".join([self._frame(BASIC_NACK, tag, False) for tag in refused])
        count = ready - self._told
        if count > len(refused):
            # The refused among them were told just before, so the client no longer waits for them.
            frames += self._frame(BASIC_ACK, ready, count > 1)
        self._told = ready
        return frames

    def _frame(self, method: int, tag: int, multiple: bool) -> bytes:
        frame = MethodFrame(method).longlong(tag).octet(1 if multiple else 0)
        return frame.octets(self._channel)
