"""Exchanges that leave it to chance: x-random and x-local-random.

Behaviour: RabbitMQ 4.3, "Random Exchange" (plugin), "Local Random Exchange".
"""

from typing import Final, final

from leveret.broker.exchange import Binding, Exchange
from leveret.broker.properties import Properties
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed
from leveret.ports import Random

_MASK: Final = 0xFFFFFFFF


@final
class Dice:
    """Numbers nobody expects, though somebody could compute them: asking for real ones is slow."""

    def __init__(self, random: Random) -> None:
        # Zero would stay zero for ever.
        self._state = int.from_bytes(random.octets(4), "big") or 1

    def below(self, limit: int) -> int:
        """A number from 0 to ``limit - 1``; ``limit`` has at most 30 bits."""
        state = self._state
        state ^= state << 13 & _MASK
        state ^= state >> 17
        state ^= state << 5 & _MASK
        self._state = state
        return state * limit >> 32


class RandomExchange(Exchange):
    """Each message goes along any one binding."""

    def __init__(self, wish: ExchangeWish, random: Random) -> None:
        super().__init__(wish)
        self.is_static = False
        self.picks_one = True
        self._dice: Final = Dice(random)
        self._candidates: Final[list[Binding]] = []

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """One of all, whatever the key."""
        candidates = self._candidates
        if len(candidates) < 2:
            return list(candidates)
        return [candidates[self._dice.below(len(candidates))]]

    def added(self, binding: Binding) -> None:
        """Count it in."""
        self._candidates.append(binding)

    def removed(self, binding: Binding) -> None:
        """Count it out."""
        self._candidates.remove(binding)


@final
class LocalRandomExchange(RandomExchange):
    """Each message goes to any one of the bound queues of this node, all of them classic ones.

    While there is one node, all are on it.
    """

    def check(self, binding: Binding) -> None:
        """Refuse keys, exchanges and other queues.  Raises PreconditionFailed."""
        if binding.routing_key:
            raise PreconditionFailed(f"Non empty binding '{binding.routing_key}' key not permitted")
        if binding.queue is None:
            raise PreconditionFailed("Destination not found")
        kind = binding.queue.arguments.get("x-queue-type")
        if kind is not None and kind.value != "classic":
            raise PreconditionFailed(
                f"Queue type rabbit_{kind.value}_queue not valid for this exchange type"
            )
