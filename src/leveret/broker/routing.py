"""The way of a message through exchanges and bindings to queues.

A pure function of the topology, the keys and the headers: it changes nothing.
Behaviour: RabbitMQ 4.3, "Exchange to exchange bindings", "Alternate Exchanges": an exchange is
passed once, a queue gets a message once; the alternate exchange has what no binding matched.
"""

from typing import Final, final

from leveret.broker.exchange import Binding, Exchange
from leveret.broker.properties import Properties
from leveret.broker.queue import Queue


@final
class Routing:
    """Where a message goes.  ``is_static``: so does every other with the same key."""

    def __init__(self, queues: list[Queue], is_static: bool) -> None:
        self.queues: Final = queues
        self.is_static: Final = is_static


@final
class Router:
    """Looks at the exchanges and queues of one vhost; ``replies`` are those of direct reply-to."""

    def __init__(
        self,
        exchanges: dict[str, Exchange],
        queues: dict[str, Queue],
        replies: dict[str, Queue],
    ) -> None:
        self._exchanges: Final = exchanges
        self._queues: Final = queues
        self._replies: Final = replies

    def route(self, exchange: Exchange, keys: list[str], properties: Properties) -> Routing:
        """The queues that a message published to ``exchange`` goes to, each once."""
        if len(keys) > 1:
            keys = list(dict.fromkeys(keys))
        found: dict[str, Queue] = {}
        seen: set[str] = set()
        work = [exchange]
        is_static = True
        while work:
            current = work.pop()
            if current.name in seen:
                continue
            seen.add(current.name)
            if current.name == "":
                self._route_by_name(keys, found)
                continue
            is_static = is_static and current.is_static
            has_matched = False
            for key in keys:
                for binding in current.matches(key, properties):
                    has_matched = True
                    _follow(binding, found, work)
            alternate = self._exchanges.get(current.alternate) if current.alternate else None
            if not has_matched and alternate is not None:
                work.append(alternate)
        return Routing(list(found.values()), is_static)

    def _route_by_name(self, keys: list[str], found: dict[str, Queue]) -> None:
        for key in keys:
            queue = self._queues.get(key)
            if queue is None:
                queue = self._replies.get(key)
            if queue is not None:
                found[key] = queue


def _follow(binding: Binding, found: dict[str, Queue], work: list[Exchange]) -> None:
    if binding.queue is not None:
        found[binding.queue.name] = binding.queue
    elif binding.exchange is not None:
        work.append(binding.exchange)
