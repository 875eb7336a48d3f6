"""What a client is told once its messages are safe: answers, in the order in which they are owed.

Data plane.  A message that must be on the disk first holds back the answers to those behind it,
so that a client can rely on their order.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.ledger import Ledger
from leveret.broker.queue import Queue
from leveret.broker.record import Pledge
from leveret.store.journal import Waiter

# Who lets no more wait than this is told of what is done before the disk has it.
_FEW: Final = 8
# Answers that were given stay in the list until there are so many.
_SLACK: Final = 256


@mypyc_attr(allow_interpreted_subclasses=True)
class Promiser(ABC):
    """A session that owes answers."""

    @abstractmethod
    def keep_promise(self, token: int) -> None:
        """Give the answer called ``token``: what it is for is safe.  Does not ring."""

    @abstractmethod
    def promises_kept(self) -> None:
        """Answers were given though no input came: send them."""


@final
class Promises:
    """The answers that one session owes; ``token`` is what it calls each of them.

    Two may be called the same: MQTT's packet identifiers come again.
    Invariant: those from ``_head`` on are not given yet, and their batches ascend.
    """

    def __init__(self, ledger: Ledger | None, promiser: Promiser) -> None:
        self._ledger: Final = ledger
        self._promiser: Final = promiser
        self._tokens: list[int] = []
        self._batches: list[int] = []
        self._head = 0
        # The place of the one at ``_head`` among all that ever had to wait.
        self._given = 0
        self._awaited = 0
        # Whether consumers were faster than the disk the last time, and so may be again.
        self._is_told_early = False
        # The connection is closed: nobody is left to be told anything.
        self.is_over = False

    def __len__(self) -> int:
        return len(self._tokens) - self._head

    def add(self, token: int, owed: int, queues: list[Queue]) -> None:
        """Answer once batch ``owed`` of the journal is on the disk, or at once if that is 0.

        ``queues`` are those that have the message, in case it is consumed before.  Hot.
        """
        if self._head == len(self._tokens):
            if owed == 0:
                self._promiser.keep_promise(token)
                return
        if owed == 0:
            # Nothing to wait for but those before it.
            self._tokens.append(token)
            self._batches.append(self._batches[-1])
            return
        self._tokens.append(token)
        self._batches.append(owed)
        assert self._ledger is not None
        is_patient = False
        if len(queues) == 1 and len(self._tokens) - self._head <= _FEW:
            is_patient = self._is_done_soon(queues[0], self._ledger)
        journal = self._ledger.journal
        if owed > self._awaited:
            self._awaited = owed
            journal.wait(owed, PromiseWaiter(self, owed), is_patient)
        elif not is_patient:
            journal.hurry(owed)

    def _is_done_soon(self, queue: Queue, ledger: Ledger) -> bool:
        """Give the last answer earlier if the message is consumed; whether that is likely soon.

        If so the disk need not hurry: most of it is never to be written.
        """
        record = queue.record
        place = self._given + len(self) - 1
        if record is None or not record.pledge(PromisePledge(self, place)):
            return False
        if self._is_told_early:
            ledger.let_linger(record)
        return self._is_told_early

    def on_synced(self, number: int) -> None:
        """Every batch up to ``number`` is on the disk."""
        if self.is_over:
            return
        batches = self._batches
        head = self._head
        size = len(batches)
        while head < size and batches[head] <= number:
            self._promiser.keep_promise(self._tokens[head])
            head += 1
        if head > self._head:
            self._given += head - self._head
            self._head = head
            self._is_told_early = False
            self._trim()
            self._promiser.promises_kept()

    def on_done(self, place: int) -> None:
        """What the answer at ``place`` is for was consumed: it need not be on the disk any more."""
        if self.is_over or self._head == len(self._tokens) or place != self._given:
            return
        self._promiser.keep_promise(self._tokens[self._head])
        self._is_told_early = True
        self._given += 1
        self._head += 1
        self._trim()
        self._promiser.promises_kept()

    def _trim(self) -> None:
        if self._head == len(self._tokens):
            self._tokens = []
            self._batches = []
            self._head = 0
        elif self._head > _SLACK and self._head * 2 > len(self._tokens):
            del self._tokens[: self._head]
            del self._batches[: self._head]
            self._head = 0

    @property
    def is_awaited(self) -> bool:
        """Whether an answer waits for the disk."""
        return not self.is_over and self._head < len(self._tokens)

    def end(self) -> None:
        """The connection is closed: nobody is to be told any more."""
        self.is_over = True
        self._tokens = []
        self._batches = []
        self._head = 0


@final
class PromiseWaiter(Waiter):
    """Tells of a batch that is on the disk."""

    def __init__(self, promises: Promises, owed: int) -> None:
        self._promises: Final = promises
        self._owed: Final = owed

    def on_synced(self, number: int) -> None:
        """Tell it."""
        # The batch may have stayed empty: then the one before will do.
        self._promises.on_synced(max(number, self._owed))

    def still_waits(self) -> bool:
        """Whether there is something to tell."""
        return self._promises.is_awaited


@final
class PromisePledge(Pledge):
    """Tells of a message that was consumed before it was on the disk."""

    def __init__(self, promises: Promises, place: int) -> None:
        self._promises: Final = promises
        self._place: Final = place

    def on_done(self) -> None:
        """Tell it."""
        self._promises.on_done(self._place)
