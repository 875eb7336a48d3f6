"""Exchanges made and deleted, and messages published to them.

Behaviour: RabbitMQ 4.3, "HTTP API", /exchanges.
"""

from typing import Final

from starlette.responses import Response

from leveret.broker.actor import clean_name
from leveret.broker.exchange import Exchange
from leveret.broker.intake import Receipt, take_in
from leveret.broker.properties import Properties, PropertiesError, read_properties
from leveret.broker.vhost import VHost
from leveret.broker.wishes import ExchangeWish
from leveret.errors import AccessRefused, BrokerError, NotAllowed
from leveret.management.api import (
    MANAGEMENT,
    BadRequest,
    Call,
    NotAuthorised,
    NotFound,
    Refusal,
    Route,
    nothing,
    reply,
)
from leveret.management.deeds import (
    REFUSED,
    actor_in,
    body_of,
    code_of,
    octets_of,
    perform,
    short,
    synced,
    takes,
    target,
)
from leveret.management.login import peer_of
from leveret.management.messages import properties_octets

# What the default exchange is called in paths, where an empty name is easily lost.
DEFAULT: Final = "amq.default"
_FLAG: Final = {"type": "boolean"}
_TEXT: Final = {"type": "string", "required": True}
_OBJECT: Final = {"type": "object"}


@takes(
    type={"type": "string"},
    durable=_FLAG,
    auto_delete=_FLAG,
    internal=_FLAG,
    arguments=_OBJECT,
)
async def put_exchange(call: Call) -> Response:
    """Make an exchange; one of that name must be the same."""
    vhost = await target(call)
    body = await body_of(call)
    kind = body.values.get("type", "direct")
    wish = ExchangeWish(
        clean_name(short("exchange", call.names["name"])),
        kind if isinstance(kind, str) else str(kind),
        body.flag("durable", True),
        body.flag("auto_delete"),
        body.flag("internal"),
        body.arguments(),
    )
    is_new = wish.name not in vhost.exchanges
    await perform(call, lambda: actor_in(call, vhost).declare_exchange(wish))
    return nothing(201 if is_new else 204)


async def delete_exchange(call: Call) -> Response:
    """Delete an exchange."""
    vhost = await call.vhost()
    name = _found(call, vhost).name
    if_unused = call.flag("if-unused")
    await perform(call, lambda: actor_in(call, vhost).delete_exchange(name, if_unused))
    return nothing()


def _found(call: Call, vhost: VHost) -> Exchange:
    name = call.names["name"]
    exchange: Exchange | None = vhost.exchanges.get("" if name == DEFAULT else name)
    if exchange is None:
        raise NotFound()
    return exchange


@takes(
    properties={**_OBJECT, "required": True},
    routing_key=_TEXT,
    payload=_TEXT,
    payload_encoding={**_TEXT, "enum": ["string", "base64"]},
)
async def publish(call: Call) -> Response:
    """Publish a message; the answer says whether it was led anywhere."""
    if call.names["vhost"] not in call.node.vhosts:
        raise NotAuthorised(REFUSED)
    vhost = await call.vhost()
    body = await body_of(call, "routing_key", "properties", "payload", "payload_encoding")
    if not isinstance(body.values["payload"], str):
        raise BadRequest("payload_not_string")
    octets = octets_of(body.values["payload"], body.text("payload_encoding"))
    key = body.name("routing_key")
    properties = _properties(body.values["properties"])
    name = call.names["name"]
    _check(call, octets)
    receipt = await perform(
        call,
        lambda: _taken_in(call, vhost, "" if name == DEFAULT else name, key, properties, octets),
    )
    if not receipt.is_accepted:
        raise BadRequest("rejected")
    await synced(call, vhost, receipt.owed)
    return await reply(call, {"routed": receipt.is_routed})


def _properties(value: object) -> Properties:
    try:
        return read_properties(properties_octets(value))
    except PropertiesError as error:
        raise BadRequest(str(error)) from None


def _check(call: Call, octets: bytes) -> None:
    """Refuse what the broker takes from nobody now.  Raises Refusal."""
    most = call.node.settings.max_message_size
    if len(octets) > most:
        why = f"message size {len(octets)} is larger than configured max size {most}"
        raise BadRequest(f"406 PRECONDITION_FAILED - {why}")
    if call.node.alarms.is_set:
        # Differs from RabbitMQ, which takes it though it lets no other publisher go on.
        why = "publishers are held: " + ", ".join(sorted(call.node.alarms.resources)) + " is low"
        raise Refusal(503, "service_unavailable", why)


def _taken_in(
    call: Call, vhost: VHost, exchange: str, key: str, properties: Properties, octets: bytes
) -> Receipt:
    peer = peer_of(call.request)
    sender = f"{peer.host}:{peer.port}" if peer.host else "HTTP"
    try:
        return take_in(actor_in(call, vhost), exchange, key, properties, octets, sender)
    except (AccessRefused, NotAllowed):
        raise
    except BrokerError as refusal:
        # As a channel's end would tell it.
        raise BadRequest(f"{code_of(refusal)} - {refusal.detail}") from None


ROUTES: Final = [
    Route("/api/exchanges/{vhost}/{name}", MANAGEMENT, PUT=put_exchange, DELETE=delete_exchange),
    Route("/api/exchanges/{vhost}/{name}/publish", MANAGEMENT, POST=publish),
]
