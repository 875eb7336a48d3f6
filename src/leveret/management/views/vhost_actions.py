"""Virtual hosts made, changed and deleted; their limits.

Behaviour: RabbitMQ 4.3, "HTTP API", /vhosts and /vhost-limits.
"""

from typing import Final

from starlette.responses import Response

from leveret.auth.permissions import Permission
from leveret.broker.limits import Limits
from leveret.broker.vhost import VHost
from leveret.management.api import (
    ADMINISTRATOR,
    MANAGEMENT,
    BadRequest,
    Call,
    NotFound,
    Refusal,
    Route,
    nothing,
)
from leveret.management.deeds import Body, body_of, perform, short, takes, target
from leveret.management.lists import Facts, reply_list

_EVERYTHING: Final = ".*"
_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}


# --- virtual hosts ---------------------------------------------------------------------------


def _vhost_of(call: Call) -> VHost:
    found: VHost | None = call.node.vhosts.get(call.names["vhost"])
    if found is None:
        raise NotFound()
    return found


@takes(
    description=_TEXT,
    tags={"type": ["string", "array"], "items": _TEXT},
    default_queue_type=_TEXT,
    protected_from_deletion=_FLAG,
    tracing=_FLAG,
)
async def put_vhost(call: Call) -> Response:
    """Make a virtual host, in which whoever asks may do everything, or describe it anew."""
    body = await body_of(call)
    name = short("vhost", call.names["vhost"])
    is_new = name not in call.node.vhosts
    await perform(call, lambda: _put(call, name, body))
    return nothing(201 if is_new else 204)


def _put(call: Call, name: str, body: Body) -> None:
    is_new = name not in call.node.vhosts
    metadata = body.values.get("metadata")
    extra = Body({**(metadata if isinstance(metadata, dict) else {}), **body.values})
    is_traced = extra.flag("tracing") if extra.values.get("tracing") is not None else None
    kind = extra.text("default_queue_type")
    call.node.add_vhost(
        name,
        extra.text("description"),
        extra.words("tags"),
        "" if kind == "undefined" else kind,
        extra.flag("protected_from_deletion"),
        is_traced,
        call.user.name,
    )
    known = call.node.users.by_name.get(call.user.name)
    if is_new and known is not None:
        # Whoever makes it can use it, as in RabbitMQ.
        everything = Permission(_EVERYTHING, _EVERYTHING, _EVERYTHING)
        known.grant(name, everything, call.user.name)


async def delete_vhost(call: Call) -> Response:
    """Delete a virtual host and all that is in it, and close its connections."""
    vhost = _vhost_of(call)
    if vhost.is_protected:
        why = f"Cannot delete vhost '{vhost.name}': it is protected from deletion"
        raise Refusal(412, "precondition_failed", why)
    await perform(call, lambda: call.node.delete_vhost(vhost.name, call.user.name))
    return nothing()


async def protect(call: Call) -> Response:
    """Have a virtual host not be deleted by mistake."""
    return await _protected(call, True)


async def unprotect(call: Call) -> Response:
    """Let a virtual host be deleted."""
    return await _protected(call, False)


async def _protected(call: Call, is_protected: bool) -> Response:
    vhost = _vhost_of(call)
    await perform(
        call,
        lambda: call.node.add_vhost(
            vhost.name,
            vhost.description,
            vhost.tags,
            vhost.default_queue_type,
            is_protected,
            by=call.user.name,
        ),
    )
    return nothing()


async def start_vhost(call: Call) -> Response:
    """Start a virtual host on a node, where all that there are do run."""
    _vhost_of(call)
    node = call.names["node"]
    if node != call.node.settings.cluster_name:
        raise BadRequest(f"Request to node {node} failed with nodedown")
    return nothing()


# --- limits ----------------------------------------------------------------------------------


async def list_limits(call: Call) -> Response:
    """The limits of the virtual hosts that have any."""
    found: list[Facts] = [
        {"vhost": vhost.name, "value": dict(vhost.limits.values)}
        for vhost in await call.some_vhosts()
        if vhost.limits.values
    ]
    return await reply_list(call, found, "vhost")


@takes(value={"type": "integer", "required": True})
async def put_limit(call: Call) -> Response:
    """Set one limit of a virtual host; a negative number is none."""
    vhost = await target(call)
    value = (await body_of(call, "value")).values["value"]
    limits: Limits = vhost.limits
    await perform(call, lambda: limits.set(call.names["limit"], value, call.user.name))
    return nothing()


async def delete_limit(call: Call) -> Response:
    """Lift one limit of a virtual host."""
    limits: Limits = (await call.vhost()).limits
    await perform(call, lambda: limits.delete(call.names["limit"], call.user.name))
    return nothing()


_VHOST: Final = "/api/vhosts/{vhost}"
ROUTES: Final = [
    Route(_VHOST, ADMINISTRATOR, PUT=put_vhost, DELETE=delete_vhost),
    Route(_VHOST + "/deletion/protection", ADMINISTRATOR, POST=protect, DELETE=unprotect),
    Route(_VHOST + "/start/{node}", ADMINISTRATOR, POST=start_vhost),
    Route("/api/vhost-limits", MANAGEMENT, GET=list_limits),
    Route("/api/vhost-limits/{vhost}", MANAGEMENT, GET=list_limits),
    Route("/api/vhost-limits/{vhost}/{limit}", ADMINISTRATOR, PUT=put_limit, DELETE=delete_limit),
]
