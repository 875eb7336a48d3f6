"""Queues: all, those of a vhost, and one.  Reading only."""

from typing import Final

from starlette.responses import Response

from leveret.broker.definition_export import arguments_of
from leveret.broker.queue import Queue
from leveret.broker.vhost import VHost
from leveret.management.api import MANAGEMENT, Call, NotFound, Route
from leveret.management.lists import Facts, Listing, reply_one

# A queue does not know its vhost, nor the node's name.
Placed = tuple[VHost, Queue, str]


def queue_facts(placed: Placed) -> Facts:
    """What lists show of a queue."""
    vhost, queue, node = placed
    policy, operator_policy = queue.policy, queue.operator_policy
    return {
        "name": queue.name,
        "vhost": vhost.name,
        "type": queue.kind,
        "node": node,
        "state": "running",
        "durable": queue.is_durable,
        "auto_delete": queue.is_auto_delete,
        "exclusive": queue.owner_id != 0,
        "arguments": arguments_of(queue.arguments),
        "policy": policy.name if policy is not None else None,
        "operator_policy": operator_policy.name if operator_policy is not None else None,
        "effective_policy_definition": dict(queue.effective_policy),
        "messages": queue.ready_count + queue.unacked_count,
        "messages_ready": queue.ready_count,
        "messages_unacknowledged": queue.unacked_count,
        "consumers": queue.consumer_count,
    }


QUEUES: Final[Listing[Placed]] = Listing(
    queue_facts,
    {
        "name": lambda placed: placed[1].name,
        "vhost": lambda placed: placed[0].name,
        "type": lambda placed: placed[1].kind,
        "state": lambda placed: "running",
        "messages": lambda placed: placed[1].ready_count + placed[1].unacked_count,
        "messages_ready": lambda placed: placed[1].ready_count,
        "messages_unacknowledged": lambda placed: placed[1].unacked_count,
        "consumers": lambda placed: placed[1].consumer_count,
    },
    ("vhost", "name"),
)


async def queues(call: Call) -> Response:
    """Those of one vhost, or of all that the user may use."""
    node = call.node.name
    placed = [(v, q, node) for v in await call.some_vhosts() for q in list(v.queues.values())]
    return await QUEUES.reply(call, placed)


async def queue(call: Call) -> Response:
    """One queue."""
    return await reply_one(call, queue_facts(await find_queue(call)))


async def find_queue(call: Call) -> Placed:
    """The queue that the path names.  Raises NotFound, NotAuthorised."""
    vhost = await call.vhost()
    found = vhost.queues.get(call.names["name"])
    if found is None:
        raise NotFound()
    return vhost, found, call.node.name


ROUTES: Final = [
    Route("/api/queues", MANAGEMENT, GET=queues),
    Route("/api/queues/{vhost}", MANAGEMENT, GET=queues),
    Route("/api/queues/{vhost}/{name}", MANAGEMENT, GET=queue),
]
