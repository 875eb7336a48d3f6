"""The node at a glance, and who asks."""

from typing import Final

from starlette.responses import Response

from leveret.broker.definition_export import RABBITMQ_VERSION
from leveret.broker.totals import LENGTHS, lengths
from leveret.management.api import MANAGEMENT, Call, Route, reply
from leveret.management.lists import Facts, Patience, reply_one
from leveret.management.sampler import statistics_of
from leveret.management.samples import read_spans
from leveret.management.views.connections import visible_links
from leveret.management.views.nodes import contexts, exchange_types, listeners
from leveret.version import VERSION

# How long samples are kept, in seconds, for what is asked of the whole, of things, of details.
_RETENTION: Final = {"global": [600, 3600, 28800, 86400], "basic": [600, 3600], "detailed": [600]}


async def whoami(call: Call) -> Response:
    """Who asks."""
    user = call.user
    facts = {
        "name": user.name,
        "tags": list(user.tags),
        "is_internal_user": call.node.users.by_name.get(user.name) is user,
        "login_session_timeout": call.node.settings.management_login_session_timeout_s // 60,
    }
    return await reply(call, facts)


async def overview(call: Call) -> Response:
    """All of it in numbers."""
    node = call.node
    settings = node.settings
    facts: Facts = {
        "management_version": RABBITMQ_VERSION,
        "rates_mode": settings.management_rates_mode,
        "sample_retention_policies": _RETENTION,
        "exchange_types": exchange_types(),
        "product_version": VERSION,
        "product_name": "Leveret",
        "rabbitmq_version": RABBITMQ_VERSION,
        "cluster_name": node.global_parameters.values.get("cluster_name", ""),
        "cluster_tags": {},
        "node_tags": {},
        "default_queue_type": settings.default_queue_type,
        "is_op_policy_updating_enabled": True,
        "disable_stats": False,
        "enable_queue_totals": False,
        "statistics_db_event_queue": 0,
        **await totals(call),
        **await statistics(call),
    }
    if call.is_monitor:
        facts.update(node=node.name, listeners=listeners(node), contexts=contexts(node))
    return await reply_one(call, facts)


async def totals(call: Call) -> Facts:
    """How much there is of what the user may know of."""
    patience = Patience()
    queues = exchanges = consumers = 0
    for vhost in await call.visible_vhosts():
        exchanges += len(vhost.exchanges)
        queues += len(vhost.queues)
        for queue in list(vhost.queues.values()):
            await patience.rest()
            consumers += queue.consumer_count
    links = visible_links(call)
    counts = {
        "channels": sum([len(link.channels) for link in links]),
        "connections": len(links),
        "consumers": consumers,
        "exchanges": exchanges,
        "queues": queues,
    }
    return {"object_totals": counts}


async def statistics(call: Call) -> Facts:
    """What goes on in what the user may know of: the node, or the vhosts that it may use."""
    if call.flag("disable_stats"):
        return {}
    if not call.wants_statistics:
        queues = [q for vhost in await call.visible_vhosts() for q in vhost.queues.values()]
        return {"queue_totals": dict(zip(LENGTHS, lengths(queues), strict=True))}
    numbers, spans = statistics_of(call.node), read_spans(call.query)
    facts = numbers.overview(spans)
    if call.is_monitor:
        return facts
    return {**facts, **numbers.part(await call.vhosts(), spans)}


ROUTES: Final = [
    Route("/api/whoami", MANAGEMENT, GET=whoami),
    Route("/api/overview", MANAGEMENT, GET=overview),
]
