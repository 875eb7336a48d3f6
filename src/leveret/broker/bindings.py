"""Which bindings lead to each queue and each exchange, so that its deletion finds them.

An exchange keeps the bindings that leave it; this is the other end, for a whole vhost.
"""

from collections.abc import Iterator
from typing import Final, final

from leveret.broker.exchange import Binding


@final
class Inbound:
    """Bindings by where they lead to, in the order in which they were made.

    Inner dicts are sets that keep the order.
    """

    def __init__(self) -> None:
        self._of_queues: Final[dict[str, dict[Binding, None]]] = {}
        self._of_exchanges: Final[dict[str, dict[Binding, None]]] = {}

    def add(self, binding: Binding) -> None:
        """Remember ``binding``."""
        if binding.queue is not None:
            self._of_queues.setdefault(binding.queue.name, {})[binding] = None
        elif binding.exchange is not None:
            self._of_exchanges.setdefault(binding.exchange.name, {})[binding] = None

    def forget(self, binding: Binding) -> None:
        """Forget ``binding``; it is no error when it is not known."""
        if binding.queue is not None:
            _discard(self._of_queues, binding.queue.name, binding)
        elif binding.exchange is not None:
            _discard(self._of_exchanges, binding.exchange.name, binding)

    def take_to_queue(self, name: str) -> list[Binding]:
        """The bindings that lead to the queue ``name``, forgotten: it is deleted."""
        return list(self._of_queues.pop(name, {}))

    def to_queue(self, name: str) -> list[Binding]:
        """The bindings that lead to the queue ``name``."""
        return list(self._of_queues.get(name, {}))

    def take_to_exchange(self, name: str) -> list[Binding]:
        """The bindings that lead to the exchange ``name``, forgotten: it is deleted."""
        return list(self._of_exchanges.pop(name, {}))

    def __iter__(self) -> Iterator[Binding]:
        for inbound in self._of_queues.values():
            yield from inbound
        for inbound in self._of_exchanges.values():
            yield from inbound


def _discard(inbound: dict[str, dict[Binding, None]], name: str, binding: Binding) -> None:
    bindings = inbound.get(name)
    if bindings is not None:
        bindings.pop(binding, None)
        if not bindings:
            del inbound[name]
