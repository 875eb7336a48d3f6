"""The way of a message through exchanges and bindings to queues.

A pure function of the topology, the keys and the headers: it changes nothing.  Exchanges that keep
messages are only named, for whoever sends the message to tell them.
Behaviour: RabbitMQ 4.3, "Exchange to exchange bindings", "Alternate Exchanges": an exchange is
passed once, a queue gets a message once; the alternate exchange has what no binding matched.
"""

from typing import Final, final

from leveret.broker.exchange import HOLDS, PASSES, Exchange
from leveret.broker.properties import Properties
from leveret.broker.queue import Queue


@final
class Routing:
    """Where a message goes.  ``is_static``: so does every other with the same key.

    ``keepers`` are the exchanges that must be given the message, with ``keys``; almost always
    none.  ``is_held``: one of them sends it on later.  ``is_plain``: there are queues, and nothing
    but queues.  ``keeps_all``: one of the queues keeps transient messages too.
    """

    def __init__(
        self,
        queues: list[Queue],
        is_static: bool,
        keepers: list[Exchange],
        keys: list[str],
        is_held: bool,
    ) -> None:
        self.queues: Final = queues
        self.is_static: Final = is_static
        self.keepers: Final = keepers
        self.keys: Final = keys
        self.is_held: Final = is_held
        self.is_plain: Final = len(queues) > 0 and len(keepers) == 0
        self.keeps_all: Final = _keeps_all(queues)


def _keeps_all(queues: list[Queue]) -> bool:
    for queue in queues:
        record = queue.record
        if record is not None and record.keeps_all:
            return True
    return False


NOWHERE: Final = Routing([], False, [], [], False)


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
        keepers: list[Exchange] = []
        is_held = False
        while work:
            current = work.pop()
            if current.name in seen:
                continue
            seen.add(current.name)
            if current.name == "":
                self._route_by_name(keys, found)
                continue
            is_static = is_static and current.is_static
            if current.is_keeping:
                fate = current.keeps(properties)
                if fate != PASSES:
                    keepers.append(current)
                if fate == HOLDS:
                    is_held = True
                    continue
            has_matched = _follow(current, keys, properties, found, work)
            alternate = self._exchanges.get(current.alternate) if current.alternate else None
            if not has_matched and alternate is not None:
                work.append(alternate)
        return Routing(list(found.values()), is_static, keepers, keys, is_held)

    def _route_by_name(self, keys: list[str], found: dict[str, Queue]) -> None:
        for key in keys:
            queue = self._queues.get(key)
            if queue is None:
                queue = self._replies.get(key)
            if queue is not None:
                found[key] = queue


def _follow(
    exchange: Exchange,
    keys: list[str],
    properties: Properties,
    found: dict[str, Queue],
    work: list[Exchange],
) -> bool:
    """Go along the bindings that match.  False when none does."""
    has_matched = False
    for key in keys:
        for binding in exchange.matches(key, properties):
            has_matched = True
            if binding.queue is not None:
                found[binding.queue.name] = binding.queue
            elif binding.exchange is not None:
                work.append(binding.exchange)
        if exchange.picks_one:
            break
    return has_matched
