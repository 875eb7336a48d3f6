"""Bindings made and taken away.

Behaviour: RabbitMQ 4.3, "HTTP API", /bindings.
"""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from leveret.broker.actor import Actor, clean_name
from leveret.broker.exchange import Binding
from leveret.broker.vhost import VHost
from leveret.errors import NotFound as NoSuchThing
from leveret.management.api import (
    MANAGEMENT,
    Call,
    NotAuthorised,
    NotFound,
    Refusal,
    Route,
    nothing,
)
from leveret.management.binding_keys import key_of, properties_key
from leveret.management.deeds import REFUSED, actor_in, body_of, perform, takes, target
from leveret.tables import Table

_BODY: Final[dict[str, dict[str, object]]] = {
    "routing_key": {"type": "string"},
    "arguments": {"type": "object"},
}


@takes(**_BODY)
async def bind_queue(call: Call) -> Response:
    """Let messages flow from an exchange to a queue."""
    return await _bind(call, True)


@takes(**_BODY)
async def bind_exchange(call: Call) -> Response:
    """Let messages flow from one exchange to another."""
    return await _bind(call, False)


async def _bind(call: Call, is_to_queue: bool) -> Response:
    vhost = await target(call)
    body = await body_of(call)
    key, arguments = body.name("routing_key"), body.arguments()
    source, destination = clean_name(call.names["source"]), clean_name(call.names["destination"])
    actor = actor_in(call, vhost)
    bind = actor.bind_queue if is_to_queue else actor.bind_exchange
    await perform(call, lambda: bind(source, destination, key, arguments))
    name = quote(properties_key(key, arguments), safe="~")
    response = nothing(201)
    response.headers["location"] = f"{quote(destination, safe='')}/{name}"
    return response


async def unbind_queue(call: Call) -> Response:
    """Let messages flow no longer from an exchange to a queue."""
    return await _unbind(call, True)


async def unbind_exchange(call: Call) -> Response:
    """Let messages flow no longer from one exchange to another."""
    return await _unbind(call, False)


async def _unbind(call: Call, is_to_queue: bool) -> Response:
    vhost = await call.vhost()
    source, destination = call.names["source"], call.names["destination"]
    if source == "":
        raise NotAuthorised(REFUSED)
    binding = _find(vhost, source, destination, is_to_queue, call.names["props"])
    key, arguments = binding.routing_key, binding.arguments
    actor = actor_in(call, vhost)
    await perform(call, lambda: _undo(actor, call, is_to_queue, key, arguments))
    return nothing()


def _undo(actor: Actor, call: Call, is_to_queue: bool, key: str, arguments: Table) -> None:
    unbind = actor.unbind_queue if is_to_queue else actor.unbind_exchange
    try:
        unbind(call.names["source"], call.names["destination"], key, arguments)
    except NoSuchThing as missing:
        raise Refusal(404, "not_found", missing.detail) from None


def _find(vhost: VHost, source: str, destination: str, is_to_queue: bool, name: str) -> Binding:
    """The binding that a path names.  Raises NotFound."""
    exchange = vhost.exchanges.get(source)
    if exchange is None:
        raise NotFound()
    for binding in exchange.bindings.values():
        end = binding.queue if is_to_queue else binding.exchange
        if end is not None and end.name == destination and key_of(binding) == name:
            found: Binding = binding
            return found
    raise NotFound()


_FROM: Final = "/api/bindings/{vhost}/e/{source}"
ROUTES: Final = [
    Route(_FROM + "/q/{destination}", MANAGEMENT, POST=bind_queue),
    Route(_FROM + "/e/{destination}", MANAGEMENT, POST=bind_exchange),
    Route(_FROM + "/q/{destination}/{props}", MANAGEMENT, DELETE=unbind_queue),
    Route(_FROM + "/e/{destination}/{props}", MANAGEMENT, DELETE=unbind_exchange),
]
