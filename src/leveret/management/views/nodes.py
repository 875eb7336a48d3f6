"""The node: there is one.  Its settings, its machine, its memory."""

from typing import Any, Final

from starlette.responses import Response

from leveret.broker.definition_export import RABBITMQ_VERSION
from leveret.broker.kinds import KINDS
from leveret.broker.node import Node
from leveret.broker.rules import QUORUM
from leveret.broker.totals import lines_of
from leveret.config.table import TABLE
from leveret.management.api import (
    ADMINISTRATOR,
    MONITORING,
    Call,
    NotFound,
    Route,
    reply,
)
from leveret.management.lists import Facts, Patience, reply_list, reply_one
from leveret.management.machine import machine_facts
from leveret.management.sampler import statistics_of
from leveret.management.samples import read_spans
from leveret.ports import Memory
from leveret.version import VERSION

_DESCRIPTIONS: Final = {
    "direct": "Routes by the whole routing key",
    "fanout": "Routes to every binding",
    "topic": "Routes by patterns over the words of the routing key",
    "headers": "Routes by the headers of messages",
    "x-consistent-hash": "Spreads messages over bindings by weight, equal keys to the same one",
    "x-modulus-hash": "Spreads messages over bindings by the hash of the routing key",
    "x-random": "Routes to one binding at random",
    "x-local-random": "Routes to one queue of this node at random",
    "x-recent-history": "Remembers the last messages for queues to come",
    "x-delayed-message": "Holds messages back as long as they say",
}
_MECHANISMS: Final = {
    "PLAIN": "Name and password",
    "AMQPLAIN": "Name and password in a field table",
    "EXTERNAL": "The client's certificate",
    "ANONYMOUS": "Nobody in particular",
}
_WEB: Final = ("http", "https")


def exchange_types() -> list[Facts]:
    """What types of exchanges there are."""
    return [
        {"name": kind, "description": _DESCRIPTIONS.get(kind, kind), "enabled": True}
        for kind in KINDS
    ]


def listeners(node: Node) -> list[Facts]:
    """Where it listens."""
    return [
        {
            "node": node.name,
            "protocol": place.protocol,
            "ip_address": place.host or "::",
            "port": place.port,
            "socket_opts": {
                "backlog": node.settings.tcp_backlog,
                "nodelay": node.settings.tcp_nodelay,
            },
        }
        for place in node.places
    ]


def contexts(node: Node) -> list[Facts]:
    """Where its pages are."""
    path = "/" + node.settings.management_path_prefix.strip("/")
    return [
        {
            "node": node.name,
            "description": "Leveret Management",
            "path": path,
            "ip": place.host or "::",
            "port": str(place.port),
            "ssl_opts": [],
        }
        for place in node.places
        if place.protocol in _WEB
    ]


def node_facts(node: Node) -> Facts:
    """What the node is, and what it takes of its machine."""
    settings = node.settings
    offered = settings.auth_mechanisms
    return {
        "name": node.name,
        "type": "disc" if node.shelf is not None else "ram",
        "running": True,
        "being_drained": False,
        "rates_mode": settings.management_rates_mode,
        "rabbitmq_version": RABBITMQ_VERSION,
        "exchange_types": exchange_types(),
        "auth_mechanisms": [
            {"name": name, "description": text, "enabled": name in offered}
            for name, text in _MECHANISMS.items()
        ],
        "applications": [
            {"name": "leveret", "description": "A message broker", "version": VERSION}
        ],
        "contexts": contexts(node),
        "enabled_plugins": plugins(node),
        "partitions": [],
        "cluster_links": [],
        "log_files": ["<stderr>"],
        "config_files": [],
        **machine_facts(node),
    }


def all_facts(call: Call) -> Facts:
    """The same with what goes on."""
    facts = node_facts(call.node)
    if not call.wants_statistics:
        return facts
    return {**facts, **statistics_of(call.node).node(read_spans(call.query))}


def plugins(node: Node) -> list[str]:
    """RabbitMQ's names of what is there, and is a plugin there."""
    found = [
        "rabbitmq_management",
        "rabbitmq_management_agent",
        "rabbitmq_consistent_hash_exchange",
        "rabbitmq_random_exchange",
        "rabbitmq_recent_history_exchange",
        "rabbitmq_delayed_message_exchange",
    ]
    if node.settings.event_exchange:
        found.append("rabbitmq_event_exchange")
    return sorted(found)


# --- memory --------------------------------------------------------------------------------


async def memory_facts(node: Node) -> Facts:
    """How the memory that the process takes is divided, as far as that is known."""
    resident = Memory().resident_octets()
    classic, quorum = await _queued_octets(node)
    return {
        "queue_procs": classic,
        "quorum_queue_procs": quorum,
        "other_system": max(resident - classic - quorum, 0),
        "strategy": "rss",
        "total": {"rss": resident},
    }


async def _queued_octets(node: Node) -> tuple[int, int]:
    """What the messages of classic and of quorum queues take."""
    patience = Patience()
    classic = quorum = 0
    for vhost in list(node.vhosts.values()):
        for queue in list(vhost.queues.values()):
            await patience.rest()
            octets = sum([line.memory_octets for line in lines_of(queue)])
            classic += 0 if queue.kind == QUORUM else octets
            quorum += octets if queue.kind == QUORUM else 0
    return classic, quorum


def relative(memory: dict[str, Any]) -> Facts:
    """The same in percent of the whole."""
    whole = memory["total"]["rss"]
    parts = {k: v for k, v in memory.items() if isinstance(v, int)}
    return {"total": 100, **{k: -(-100 * v // whole) if whole else 0 for k, v in parts.items()}}


# --- views ---------------------------------------------------------------------------------


async def nodes(call: Call) -> Response:
    """The one node."""
    return await reply_list(call, [all_facts(call)], "name")


async def node(call: Call) -> Response:
    """The node of that name."""
    _check_name(call)
    facts = all_facts(call)
    if call.flag("memory"):
        facts["memory"] = await memory_facts(call.node)
    return await reply_one(call, facts)


async def memory(call: Call) -> Response:
    """What its memory is for."""
    _check_name(call)
    return await reply(call, {"memory": await memory_facts(call.node)})


async def relative_memory(call: Call) -> Response:
    """What its memory is for, in percent."""
    _check_name(call)
    return await reply(call, {"memory": relative(await memory_facts(call.node))})


def _check_name(call: Call) -> None:
    if call.names["node"] != call.node.name:
        raise NotFound()


async def effective_config(call: Call) -> Response:
    """Every setting as it is now, without secrets, and where it comes from."""
    settings = call.node.settings
    facts = {
        row.name: {
            "value": row.plain(getattr(settings, row.name), False),
            "origin": settings.origin[row.name],
        }
        for row in TABLE
    }
    return await reply(call, facts)


ROUTES: Final = [
    Route("/api/nodes", MONITORING, GET=nodes),
    Route("/api/nodes/{node}", MONITORING, GET=node),
    Route("/api/nodes/{node}/memory", MONITORING, GET=memory),
    Route("/api/nodes/{node}/memory/relative", MONITORING, GET=relative_memory),
    Route("/api/config/effective", ADMINISTRATOR, GET=effective_config),
]
