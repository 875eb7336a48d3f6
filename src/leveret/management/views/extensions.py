"""What RabbitMQ's tools ask of every node: its cluster's name, its features, some chores.

Behaviour: RabbitMQ 4.3, "HTTP API".
"""

from typing import Final

from starlette.responses import Response

from leveret.broker.compat import GLOBAL_QOS, MASTER_LOCATOR, TRANSIENT
from leveret.broker.definition_export import RABBITMQ_VERSION
from leveret.management.api import (
    ADMINISTRATOR,
    MANAGEMENT,
    BadRequest,
    Call,
    NotFound,
    Route,
    nothing,
    reply,
)
from leveret.management.deeds import body_of, perform, takes
from leveret.management.lists import Facts, reply_list

_NAME: Final = "cluster_name"
# Those that clients and tools look for; all of them are part of what this broker is.
_FLAGS: Final = (
    ("quorum_queue", "Support queues of type `quorum`"),
    ("virtual_host_metadata", "Virtual host metadata (description, tags, etc)"),
    ("user_limits", "Configure connection and channel limits for a user"),
    ("implicit_default_bindings", "Default bindings are implicit"),
    ("drop_unroutable_metric", "Count unroutable publishes to be dropped in stats"),
    ("empty_basic_get_metric", "Count AMQP `basic.get` on empty queues in stats"),
    ("maintenance_mode_status", "Maintenance mode status"),
    ("direct_exchange_routing_v2", "v2 direct exchange routing"),
    ("feature_flags_v2", "Feature flags subsystem V2"),
    ("classic_queue_type_delivery_support", "Bug fix for classic queue deliveries"),
    ("classic_queue_mirroring_removed", "Classic queues are not mirrored"),
    ("listener_records_in_ets", "Store listener records in memory"),
    ("tracking_records_in_ets", "Store tracking records in memory"),
    ("restart_streams", "Support for restarting streams with optional preferred next leader"),
    ("message_containers", "Message containers"),
    ("detailed_queues_endpoint", "Detailed list of queues in the HTTP API"),
)
_DEPRECATED: Final = (
    (TRANSIENT, "Transient, non-exclusive queues"),
    (GLOBAL_QOS, "Prefetch that counts for the whole channel"),
    (MASTER_LOCATOR, "Where mirrors of a queue have their master"),
)


# --- the cluster's name ----------------------------------------------------------------------


async def get_name(call: Call) -> Response:
    """What the cluster is called."""
    return await reply(call, {"name": call.node.global_parameters.values.get(_NAME, "")})


@takes(name={"type": "string", "required": True})
async def put_name(call: Call) -> Response:
    """Call the cluster something else."""
    name = (await body_of(call, "name")).name("name")
    parameters = call.node.global_parameters
    await perform(call, lambda: parameters.set(_NAME, name, call.user.name))
    return nothing()


# --- features --------------------------------------------------------------------------------


async def list_extensions(call: Call) -> Response:
    """The scripts that plugins add to the page: none."""
    return await reply(call, [])


async def list_flags(call: Call) -> Response:
    """RabbitMQ's feature flags, all of which are enabled."""
    flags: list[Facts] = [
        {
            "name": name,
            "desc": description,
            "doc_url": "",
            "state": "enabled",
            "stability": "required",
            "provided_by": "rabbit",
        }
        for name, description in _FLAGS
    ]
    return await reply_list(call, flags, "name")


async def enable_flag(call: Call) -> Response:
    """Enable a feature flag, which it is already."""
    if call.names["name"] not in dict(_FLAGS):
        raise BadRequest("unsupported")
    return nothing()


async def list_deprecated(call: Call) -> Response:
    """What newer versions of RabbitMQ took away."""
    return await reply_list(call, _deprecated(call), "name")


def _deprecated(call: Call) -> list[Facts]:
    compat = call.node.compat
    return [
        {
            "name": name,
            "desc": description,
            "deprecation_phase": "denied_by_default",
            "state": "permitted" if compat.permits(name) else "denied",
            "provided_by": "rabbit",
            "doc_url": "",
        }
        for name, description in _DEPRECATED
    ]


async def list_used(call: Call) -> Response:
    """What of it is in use."""
    is_used = {
        TRANSIENT: any(
            not queue.is_durable and queue.owner_id == 0
            for vhost in call.node.vhosts.values()
            for queue in vhost.queues.values()
        )
    }
    used = [one for one in _deprecated(call) if is_used.get(str(one["name"]), False)]
    return await reply_list(call, used, "name")


# --- chores ----------------------------------------------------------------------------------


async def chore(call: Call) -> Response:
    """Nothing has to be done here."""
    if call.names.get("node", call.node.name) != call.node.name:
        raise NotFound()
    return nothing()


async def version(call: Call) -> Response:
    """The version of RabbitMQ whose API this is."""
    return await reply(call, RABBITMQ_VERSION)


ROUTES: Final = [
    Route("/api/cluster-name", MANAGEMENT, GET=get_name),
    Route("/api/cluster-name", ADMINISTRATOR, PUT=put_name),
    Route("/api/extensions", MANAGEMENT, GET=list_extensions),
    Route("/api/feature-flags", ADMINISTRATOR, GET=list_flags),
    Route("/api/feature-flags/{name}/enable", ADMINISTRATOR, PUT=enable_flag),
    Route("/api/deprecated-features", ADMINISTRATOR, GET=list_deprecated),
    Route("/api/deprecated-features/used", ADMINISTRATOR, GET=list_used),
    Route("/api/reset", ADMINISTRATOR, DELETE=chore),
    Route("/api/reset/{node}", ADMINISTRATOR, DELETE=chore),
    Route("/api/rebalance/queues", ADMINISTRATOR, POST=chore),
    Route("/api/version", MANAGEMENT, GET=version),
]
