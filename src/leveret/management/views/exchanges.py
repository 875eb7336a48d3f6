"""Exchanges: all, those of a vhost, and one.  Reading only."""

from typing import Any, Final, final

from starlette.responses import Response

from leveret.broker.definition_export import arguments_of
from leveret.broker.exchange import Exchange
from leveret.broker.vhost import VHost
from leveret.management.api import MANAGEMENT, Call, Route
from leveret.management.breakdown import exchange_breakdown
from leveret.management.lists import Facts, Listing, reply_one
from leveret.management.sampler import statistics_of
from leveret.management.samples import read_spans
from leveret.management.views.bindings import find_exchange

Placed = tuple[VHost, Exchange]


@final
class Teller:
    """Tells of exchanges, for one request."""

    def __init__(self, call: Call) -> None:
        self._statistics: Final = statistics_of(call.node)
        self._spans: Final = read_spans(call.query)

    def facts(self, placed: Placed) -> Facts:
        """What lists show of an exchange."""
        return {**outline(placed), **self._statistics.exchange(placed[1], self._spans)}


def outline(placed: Placed) -> Facts:
    """What does not change with every message."""
    vhost, exchange = placed
    facts: Facts = {
        "name": exchange.name,
        "vhost": vhost.name,
        "type": exchange.kind,
        "durable": exchange.is_durable,
        "auto_delete": exchange.is_auto_delete,
        "internal": exchange.is_internal,
        "arguments": arguments_of(exchange.arguments),
    }
    # RabbitMQ says nothing where there is none, though of a queue it says null.
    if exchange.policy is not None:
        facts["policy"] = exchange.policy.name
    return facts


KEYS: Final[dict[str, Any]] = {
    "name": lambda placed: placed[1].name,
    "vhost": lambda placed: placed[0].name,
    "type": lambda placed: placed[1].kind,
    "durable": lambda placed: placed[1].is_durable,
    "auto_delete": lambda placed: placed[1].is_auto_delete,
    "internal": lambda placed: placed[1].is_internal,
}


async def exchanges(call: Call) -> Response:
    """Those of one vhost, or of all that the user may use."""
    vhosts = await call.some_vhosts()
    facts = Teller(call).facts if call.wants_statistics else outline
    listing = Listing(facts, KEYS, ("vhost", "name"))
    return await listing.reply(call, [(v, x) for v in vhosts for x in v.exchanges.values()])


async def exchange(call: Call) -> Response:
    """One exchange, and who uses it."""
    vhost = await call.vhost()
    found = find_exchange(vhost, call)
    facts = Teller(call).facts((vhost, found))
    return await reply_one(call, {**facts, **exchange_breakdown(call.node, vhost, found)})


ROUTES: Final = [
    Route("/api/exchanges", MANAGEMENT, GET=exchanges),
    Route("/api/exchanges/{vhost}", MANAGEMENT, GET=exchanges),
    Route("/api/exchanges/{vhost}/{name}", MANAGEMENT, GET=exchange),
]
