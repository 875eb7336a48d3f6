"""Health checks: 200 where all is well, 503 where it is not, for load balancers and the like.

Behaviour: RabbitMQ 4.3, "HTTP API", /health/checks.
"""

import time
from typing import Any, Final

from starlette.responses import Response

from leveret.broker.node import Node
from leveret.config.kinds import UNLIMITED
from leveret.management.api import MANAGEMENT, BadRequest, Call, NotFound, Route, reply

_DAY_S: Final = 86_400
_UNITS_S: Final = {"days": 1, "weeks": 7, "months": 30, "years": 365}
_ALONE: Final = "single node cluster"
# What else the names of protocols are spelt like.
_PROTOCOLS: Final = {
    **dict.fromkeys(("amqp", "amqp091", "amqp0-9-1", "amqp10", "amqp1.0"), "amqp"),
    **dict.fromkeys(("amqps", "amqp/ssl", "amqp091/ssl", "amqp10/ssl"), "amqp/ssl"),
    **dict.fromkeys(("http", "management"), "http"),
    **dict.fromkeys(("https", "http/ssl", "management/ssl"), "https"),
}


async def _ok(call: Call, **facts: object) -> Response:
    return await reply(call, {"status": "ok", **facts})


async def _failed(call: Call, reason: str, **facts: object) -> Response:
    return await reply(call, {"status": "failed", "reason": reason, **facts}, 503)


# --- alarms ----------------------------------------------------------------------------------


async def alarms(call: Call) -> Response:
    """Whether no memory or disk alarm is set."""
    return await _alarms(call, "There are alarms in effect in the cluster")


async def local_alarms(call: Call) -> Response:
    """Whether no memory or disk alarm is set on this node."""
    return await _alarms(call, "There are alarms in effect on the node")


async def _alarms(call: Call, reason: str) -> Response:
    node = call.node
    if not node.alarms.is_set:
        return await _ok(call)
    found = [{"node": node.name, "resource": one} for one in node.alarms.resources]
    return await _failed(call, reason, alarms=found)


# --- listeners -------------------------------------------------------------------------------


async def certificates(call: Call) -> Response:
    """Whether no certificate expires within this time."""
    unit, within = call.names["unit"], call.names["within"]
    if unit not in _UNITS_S:
        raise BadRequest("Time unit not recognised. Supported units: days, weeks, months, years.")
    if not within.isascii() or not within.isdecimal() or not 0 < len(within) <= 6:
        raise BadRequest("Invalid expiration value.")
    limit_s = call.node.clock.unix_s() + int(within) * _UNITS_S[unit] * _DAY_S
    limit = _date(limit_s)
    expiring: list[dict[str, Any]] = [
        {
            "node": call.node.name,
            "protocol": place.protocol,
            "interface": place.host or "[::]",
            "port": place.port,
            "certificates_expiring": [place.expires],
        }
        for place in call.node.places
        if place.expires and place.expires < limit
    ]
    if not expiring:
        return await _ok(call)
    return await _failed(call, "Certificates expiring", expired=expiring)


def _date(unix_s: int) -> str:
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))
    except (OverflowError, ValueError):
        # Nothing that expires has as many digits.
        return "9999"


async def port(call: Call) -> Response:
    """Whether somebody listens on this port."""
    name = call.names["port"]
    if not name.isascii() or not name.isdecimal() or not 0 < len(name) <= 9:
        raise BadRequest("Invalid port")
    ports = [place.port for place in call.node.places]
    if int(name) in ports:
        return await _ok(call, port=int(name))
    return await _failed(call, "No active listener", missing=int(name), ports=ports)


async def protocols(call: Call) -> Response:
    """Whether somebody listens for each of these protocols, with commas between."""
    there = list(dict.fromkeys([place.protocol for place in call.node.places]))
    names = call.names["protocols"]
    for name in names.split(","):
        if _PROTOCOLS.get(name.strip().lower(), name) not in there:
            return await _failed(call, "No active listener", missing=name, protocols=there)
    return await _ok(call, protocol=names)


# --- the rest --------------------------------------------------------------------------------


async def fine(call: Call) -> Response:
    """Always fine where it is asked for."""
    return await _ok(call)


async def alone(call: Call) -> Response:
    """Nobody is missed, as no other node is there."""
    return await _ok(call, reason=_ALONE)


async def fine_in_vhost(call: Call) -> Response:
    """Whether the virtual host is there; all that are there do run."""
    await call.vhost()
    return await _ok(call)


async def below_limit(call: Call) -> Response:
    """Whether one more connection may be opened."""
    node = call.node
    limit, count = node.settings.max_connections, len(node.connections.by_id)
    if limit == UNLIMITED:
        return await _ok(call, limit="infinity", connections=count)
    if count < limit:
        return await _ok(call, limit=limit, connections=count)
    reason = "node connection limit is reached"
    return await _failed(call, reason, limit=limit, connections=count)


async def ready(call: Call) -> Response:
    """Whether clients can connect: there is a port, and room."""
    node = call.node
    if not any(place.protocol.startswith("amqp") for place in node.places):
        return await _failed(call, "No active listener")
    return await below_limit(call)


async def node_check(call: Call) -> Response:
    """Whether the node is there."""
    _check_node(call.node, call.names["node"])
    return await _ok(call)


def _check_node(node: Node, name: str) -> None:
    if name != node.name:
        raise NotFound()


_CHECKS: Final = "/api/health/checks/"
_QUORUM: Final = _CHECKS + "quorum-queues-without-elected-leaders/"
ROUTES: Final = [
    Route("/api/aliveness-test/{vhost}", MANAGEMENT, GET=fine_in_vhost),
    Route("/api/healthchecks/node", MANAGEMENT, GET=fine),
    Route("/api/healthchecks/node/{node}", MANAGEMENT, GET=node_check),
    Route(_CHECKS + "alarms", MANAGEMENT, GET=alarms),
    Route(_CHECKS + "local-alarms", MANAGEMENT, GET=local_alarms),
    Route(_CHECKS + "certificate-expiration/{within}/{unit}", MANAGEMENT, GET=certificates),
    Route(_CHECKS + "port-listener/{port}", MANAGEMENT, GET=port),
    Route(_CHECKS + "protocol-listener/{protocols}", MANAGEMENT, GET=protocols),
    Route(_CHECKS + "virtual-hosts", MANAGEMENT, GET=fine),
    Route(_CHECKS + "node-is-mirror-sync-critical", MANAGEMENT, GET=alone),
    Route(_CHECKS + "node-is-quorum-critical", MANAGEMENT, GET=alone),
    Route(_CHECKS + "is-in-service", MANAGEMENT, GET=fine),
    Route(_CHECKS + "reached-target-cluster-size", MANAGEMENT, GET=fine),
    Route(_CHECKS + "below-node-connection-limit", MANAGEMENT, GET=below_limit),
    Route(_CHECKS + "ready-to-serve-clients", MANAGEMENT, GET=ready),
    Route(_CHECKS + "metadata-store/initialized", MANAGEMENT, GET=fine),
    Route(_CHECKS + "metadata-store/initialized/with-data", MANAGEMENT, GET=fine),
    Route(_QUORUM + "all-vhosts", MANAGEMENT, GET=fine),
    Route(_QUORUM + "all-vhosts/pattern/{pattern}", MANAGEMENT, GET=fine),
    Route(_QUORUM + "vhost/{vhost}", MANAGEMENT, GET=fine_in_vhost),
    Route(_QUORUM + "vhost/{vhost}/pattern/{pattern}", MANAGEMENT, GET=fine_in_vhost),
]
