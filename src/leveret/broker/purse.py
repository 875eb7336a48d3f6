"""Memory for messages that wait, shared out among all lines of all queues.

Each line has a first part without asking.  One that grows beyond it is given as much again, and
again, up to what one may have, as long as there is some left; then it spills to the disk.  Nobody
counts what is used: only when nothing is left are the lines asked whether they still need theirs.
"""

from abc import ABC, abstractmethod
from typing import Final, final

# Of each line: it is worth no more than the octets that a chunk on the disk has.
FIRST_OCTETS: Final = 128 * 1024


class Spender(ABC):
    """Whoever was given a share."""

    @abstractmethod
    def let_go(self) -> bool:
        """Whether the first part of its share is enough now; it has no more of it then."""


@final
class Purse:
    """``octets`` for all lines beyond their first parts; one line has ``most_octets`` at most.

    Invariant: ``left_octets`` and what ``_spenders`` were given are ``octets`` together.
    """

    def __init__(self, octets: int, most_octets: int, first_octets: int = FIRST_OCTETS) -> None:
        self.first_octets: Final = min(first_octets, most_octets)
        self.left_octets = octets
        self._most_octets: Final = most_octets
        self._spenders: Final[dict[Spender, int]] = {}
        # How many more are refused before all are asked again: that takes as long as there are.
        self._patience = 0

    @property
    def spender_count(self) -> int:
        """How many have more than their first part."""
        return len(self._spenders)

    def more(self, spender: Spender, share_octets: int) -> int:
        """What ``spender`` is given beside the ``share_octets`` it has, 0 for nothing."""
        wanted = min(share_octets, self._most_octets - share_octets)
        if wanted <= 0:
            return 0
        if wanted > self.left_octets:
            self._collect(spender)
        if wanted > self.left_octets:
            return 0
        self.left_octets -= wanted
        self._spenders[spender] = self._spenders.get(spender, 0) + wanted
        return wanted

    def give_back(self, spender: Spender) -> None:
        """``spender`` has the first part of its share only, from now on."""
        self.left_octets += self._spenders.pop(spender, 0)

    def _collect(self, asking: Spender) -> None:
        """Take back what others do not need."""
        if self._patience > 0:
            self._patience -= 1
            return
        for spender in list(self._spenders):
            if spender is not asking and spender.let_go():
                self.give_back(spender)
        self._patience = len(self._spenders)
