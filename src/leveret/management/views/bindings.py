"""Bindings: all, and those of a vhost, an exchange, a queue, or of two of them.  Reading only."""

from collections.abc import Iterator
from typing import Final, final

from starlette.responses import Response

from leveret.broker.definition_export import arguments_of
from leveret.broker.exchange import Binding, Exchange
from leveret.broker.queue import Queue
from leveret.broker.vhost import VHost
from leveret.management.api import MANAGEMENT, Call, NotFound, Route
from leveret.management.binding_keys import properties_key
from leveret.management.lists import Facts, Listing, reply_one


@final
class Bound:
    """One binding of one vhost; without ``binding``, that of a queue to "" by its name."""

    def __init__(self, vhost: VHost, binding: Binding | None, queue: Queue | None) -> None:
        self.vhost: Final = vhost
        self.binding: Final = binding
        self.queue: Final = queue

    @property
    def source(self) -> str:
        """The exchange's name."""
        return self.binding.source.name if self.binding is not None else ""

    @property
    def destination(self) -> str:
        """The name of where it leads."""
        return _goal(self.binding).name if self.binding is not None else self._name

    @property
    def destination_type(self) -> str:
        """Whether that is a queue or an exchange."""
        is_exchange = self.binding is not None and self.binding.exchange is not None
        return "exchange" if is_exchange else "queue"

    @property
    def routing_key(self) -> str:
        """Its key."""
        return self.binding.routing_key if self.binding is not None else self._name

    @property
    def properties_key(self) -> str:
        """The last part of its path."""
        return properties_key(
            self.routing_key, self.binding.arguments if self.binding is not None else {}
        )

    @property
    def _name(self) -> str:
        assert self.queue is not None
        return self.queue.name


def _goal(binding: Binding) -> Queue | Exchange:
    goal: Queue | Exchange | None = binding.queue or binding.exchange
    assert goal is not None
    return goal


def binding_facts(bound: Bound) -> Facts:
    """What lists show of a binding."""
    binding = bound.binding
    return {
        "source": bound.source,
        "vhost": bound.vhost.name,
        "destination": bound.destination,
        "destination_type": bound.destination_type,
        "routing_key": bound.routing_key,
        "arguments": arguments_of(binding.arguments) if binding is not None else {},
        "properties_key": bound.properties_key,
    }


BINDINGS: Final[Listing[Bound]] = Listing(
    binding_facts,
    {
        "": lambda bound: bound.destination,
        "vhost": lambda bound: bound.vhost.name,
        "source": lambda bound: bound.source,
        "destination": lambda bound: bound.destination,
        "destination_type": lambda bound: bound.destination_type,
        "routing_key": lambda bound: bound.routing_key,
        "properties_key": lambda bound: bound.properties_key,
    },
    ("vhost", "source", "destination_type", "destination", "routing_key", "properties_key"),
)


def all_of(vhost: VHost) -> Iterator[Bound]:
    """The bindings of a vhost; those by name first."""
    for queue in vhost.queues.values():
        yield Bound(vhost, None, queue)
    for binding in vhost.bindings():
        yield Bound(vhost, binding, None)


def from_exchange(vhost: VHost, exchange: Exchange) -> Iterator[Bound]:
    """The bindings that leave ``exchange``."""
    if exchange.name == "":
        for queue in vhost.queues.values():
            yield Bound(vhost, None, queue)
    for binding in exchange.bindings.values():
        yield Bound(vhost, binding, None)


def to_goal(vhost: VHost, goal: Queue | Exchange) -> Iterator[Bound]:
    """The bindings that lead to ``goal``."""
    queue = vhost.queues.get(goal.name)
    if queue is goal:
        yield Bound(vhost, None, queue)
    for binding in vhost.bindings():
        if _goal(binding) is goal:
            yield Bound(vhost, binding, None)


# --- views ---------------------------------------------------------------------------------


async def bindings(call: Call) -> Response:
    """Those of one vhost, or of all that the user may use."""
    return await BINDINGS.reply(call, [b for v in await call.some_vhosts() for b in all_of(v)])


async def leaving(call: Call) -> Response:
    """Those that leave an exchange."""
    vhost = await call.vhost()
    return await BINDINGS.reply(call, from_exchange(vhost, find_exchange(vhost, call)))


async def arriving(call: Call) -> Response:
    """Those that lead to an exchange."""
    vhost = await call.vhost()
    return await BINDINGS.reply(call, to_goal(vhost, find_exchange(vhost, call)))


async def of_queue(call: Call) -> Response:
    """Those that lead to a queue."""
    vhost = await call.vhost()
    found = vhost.queues.get(call.names["name"])
    if found is None:
        raise NotFound()
    return await BINDINGS.reply(call, to_goal(vhost, found))


async def to_queue(call: Call) -> Response:
    """Those from an exchange to a queue."""
    vhost = await call.vhost()
    return await BINDINGS.reply(call, between(vhost, call, vhost.queues))


async def to_exchange(call: Call) -> Response:
    """Those from an exchange to another."""
    vhost = await call.vhost()
    return await BINDINGS.reply(call, between(vhost, call, vhost.exchanges))


async def one_to_queue(call: Call) -> Response:
    """One from an exchange to a queue."""
    vhost = await call.vhost()
    return await _one(call, between(vhost, call, vhost.queues))


async def one_to_exchange(call: Call) -> Response:
    """One from an exchange to another."""
    vhost = await call.vhost()
    return await _one(call, between(vhost, call, vhost.exchanges))


async def _one(call: Call, found: list[Bound]) -> Response:
    for bound in found:
        if bound.properties_key == call.names["props"]:
            return await reply_one(call, binding_facts(bound))
    raise NotFound()


def between(vhost: VHost, call: Call, goals: dict[str, Queue] | dict[str, Exchange]) -> list[Bound]:
    """The bindings between the two that the path names; none if one of them is not there."""
    source = vhost.exchanges.get(exchange_name(call.names["source"]))
    goal = goals.get(call.names["destination"])
    if source is None or goal is None:
        return []
    if source.name == "":
        queue = vhost.queues.get(goal.name)
        return [Bound(vhost, None, queue)] if queue is goal else []
    return [Bound(vhost, b, None) for b in source.bindings.values() if _goal(b) is goal]


def exchange_name(text: str) -> str:
    """The name that a path means: the default exchange has none, so paths have another one."""
    return "" if text == "amq.default" else text


def find_exchange(vhost: VHost, call: Call) -> Exchange:
    """The exchange that the path names.  Raises NotFound."""
    found = vhost.exchanges.get(exchange_name(call.names["name"]))
    if found is None:
        raise NotFound()
    return found


_PAIR: Final = "/api/bindings/{vhost}/e/{source}"
ROUTES: Final = [
    Route("/api/bindings", MANAGEMENT, GET=bindings),
    Route("/api/bindings/{vhost}", MANAGEMENT, GET=bindings),
    Route(f"{_PAIR}/q/{{destination}}", MANAGEMENT, GET=to_queue),
    Route(f"{_PAIR}/e/{{destination}}", MANAGEMENT, GET=to_exchange),
    Route(f"{_PAIR}/q/{{destination}}/{{props}}", MANAGEMENT, GET=one_to_queue),
    Route(f"{_PAIR}/e/{{destination}}/{{props}}", MANAGEMENT, GET=one_to_exchange),
    Route("/api/exchanges/{vhost}/{name}/bindings/source", MANAGEMENT, GET=leaving),
    Route("/api/exchanges/{vhost}/{name}/bindings/destination", MANAGEMENT, GET=arriving),
    Route("/api/queues/{vhost}/{name}/bindings", MANAGEMENT, GET=of_queue),
]
