"""Virtual hosts: all, and one.  Reading only."""

from typing import Final

from starlette.responses import Response

from leveret.broker.vhost import VHost
from leveret.management.api import MANAGEMENT, Call, NotAuthorised, NotFound, Route
from leveret.management.lists import Facts, Listing, reply_one

# Where nothing else is said.
CLASSIC: Final = "classic"
Placed = tuple[VHost, str]


def vhost_facts(placed: Placed) -> Facts:
    """What lists show of a vhost."""
    vhost, node = placed
    ready, unacked = message_counts(vhost)
    tags = list(vhost.tags)
    kind = vhost.default_queue_type or CLASSIC
    metadata = {"description": vhost.description, "tags": tags, "default_queue_type": kind}
    return {
        "name": vhost.name,
        "description": vhost.description,
        "tags": tags,
        "default_queue_type": kind,
        "metadata": metadata,
        "tracing": vhost.is_traced,
        "protected_from_deletion": vhost.is_protected,
        "cluster_state": {node: "running"},
        "messages": ready + unacked,
        "messages_ready": ready,
        "messages_unacknowledged": unacked,
    }


def message_counts(vhost: VHost) -> tuple[int, int]:
    """How many messages wait in its queues, and how many are in clients' hands."""
    ready = unacked = 0
    for queue in vhost.queues.values():
        ready += queue.ready_count
        unacked += queue.unacked_count
    return ready, unacked


VHOSTS: Final[Listing[Placed]] = Listing(
    vhost_facts,
    {
        "name": lambda placed: placed[0].name,
        "description": lambda placed: placed[0].description,
        "tracing": lambda placed: placed[0].is_traced,
    },
    ("name",),
)


async def vhosts(call: Call) -> Response:
    """All that the user may know of."""
    node = call.node.name
    return await VHOSTS.reply(call, [(vhost, node) for vhost in await call.visible_vhosts()])


async def vhost(call: Call) -> Response:
    """One vhost."""
    found = call.node.vhosts.get(call.names["vhost"])
    if found is None:
        raise NotFound()
    if found not in await call.visible_vhosts():
        raise NotAuthorised("User not authorised to access virtual host")
    return await reply_one(call, vhost_facts((found, call.node.name)))


ROUTES: Final = [
    Route("/api/vhosts", MANAGEMENT, GET=vhosts),
    Route("/api/vhosts/{vhost}", MANAGEMENT, GET=vhost),
]
