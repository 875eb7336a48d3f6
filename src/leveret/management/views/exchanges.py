"""Exchanges: all, those of a vhost, and one.  Reading only."""

from typing import Final

from starlette.responses import Response

from leveret.broker.definition_export import arguments_of
from leveret.broker.exchange import Exchange
from leveret.broker.vhost import VHost
from leveret.management.api import MANAGEMENT, Call, Route
from leveret.management.lists import Facts, Listing, reply_one
from leveret.management.views.bindings import find_exchange

Placed = tuple[VHost, Exchange]


def exchange_facts(placed: Placed) -> Facts:
    """What lists show of an exchange."""
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


EXCHANGES: Final[Listing[Placed]] = Listing(
    exchange_facts,
    {
        "name": lambda placed: placed[1].name,
        "vhost": lambda placed: placed[0].name,
        "type": lambda placed: placed[1].kind,
        "durable": lambda placed: placed[1].is_durable,
        "auto_delete": lambda placed: placed[1].is_auto_delete,
        "internal": lambda placed: placed[1].is_internal,
    },
    ("vhost", "name"),
)


async def exchanges(call: Call) -> Response:
    """Those of one vhost, or of all that the user may use."""
    vhosts = await call.some_vhosts()
    return await EXCHANGES.reply(call, [(v, x) for v in vhosts for x in v.exchanges.values()])


async def exchange(call: Call) -> Response:
    """One exchange."""
    vhost = await call.vhost()
    placed = vhost, find_exchange(vhost, call)
    return await reply_one(call, {**exchange_facts(placed), "incoming": [], "outgoing": []})


ROUTES: Final = [
    Route("/api/exchanges", MANAGEMENT, GET=exchanges),
    Route("/api/exchanges/{vhost}", MANAGEMENT, GET=exchanges),
    Route("/api/exchanges/{vhost}/{name}", MANAGEMENT, GET=exchange),
]
