"""Queues: all, those of a vhost, and one.  Reading only."""

from collections.abc import Callable
from typing import Any, Final, final

from starlette.responses import Response

from leveret.broker.definition_export import arguments_of
from leveret.broker.firehose import told
from leveret.broker.queue import Queue
from leveret.broker.rules import QUORUM
from leveret.broker.totals import LENGTHS, QUEUE_COUNTS, kept_dead, lines_of
from leveret.broker.vhost import VHost
from leveret.management.api import MANAGEMENT, Call, NotFound, Route
from leveret.management.breakdown import queue_breakdown
from leveret.management.lists import Facts, Listing, reply_one
from leveret.management.sampler import Statistics, statistics_of
from leveret.management.samples import read_spans
from leveret.management.views.channels import date_text
from leveret.management.views.consumers import Directory, consumer_facts, consumers_of

# A queue does not know its vhost.
Placed = tuple[VHost, Queue]

KEYS: Final[dict[str, Any]] = {
    "name": lambda placed: placed[1].name,
    "vhost": lambda placed: placed[0].name,
    "type": lambda placed: placed[1].kind,
    "state": lambda placed: "running",
    "durable": lambda placed: placed[1].is_durable,
    "auto_delete": lambda placed: placed[1].is_auto_delete,
    "exclusive": lambda placed: placed[1].owner_id != 0,
    "messages": lambda placed: placed[1].ready_count + placed[1].unacked_count,
    "messages_ready": lambda placed: placed[1].ready_count,
    "messages_unacknowledged": lambda placed: placed[1].unacked_count,
    "message_bytes_ready": lambda placed: placed[1].ready_octets,
    "consumers": lambda placed: placed[1].consumer_count,
}
ORDER: Final = ("vhost", "name")


@final
class Teller:
    """Tells of queues, for one request.  What is long to find out is found out once."""

    def __init__(self, call: Call) -> None:
        self._node: Final = call.node
        is_wanted = call.wants_statistics
        self._statistics: Final = statistics_of(call.node) if is_wanted else None
        self._spans: Final = read_spans(call.query)

    def outline(self, placed: Placed) -> Facts:
        """What does not change with every message."""
        vhost, queue = placed
        policy = queue.policy
        node = self._node.name
        facts: Facts = {
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
        }
        if queue.kind == QUORUM:
            facts.update(leader=node, members=[node], online=[node])
        return facts

    def totals(self, placed: Placed) -> Facts:
        """The same, and how many messages there are."""
        return {**self.outline(placed), **counts(placed[1])}

    def facts(self, placed: Placed) -> Facts:
        """All that lists show of a queue."""
        queue = placed[1]
        operator_policy = queue.operator_policy
        facts = {
            **self.outline(placed),
            "operator_policy": operator_policy.name if operator_policy is not None else None,
            "effective_policy_definition": dict(queue.effective_policy),
            "consumers": queue.consumer_count,
            "consumer_capacity": 1.0 if queue.has_ready_consumer else 0.0,
            "consumer_utilisation": 1.0 if queue.has_ready_consumer else 0.0,
            **self._special_consumers(queue),
            **room(queue, queue.unacked_octets),
            **self._going_on(queue),
        }
        dead = kept_dead(queue)
        if dead is not None:
            facts["messages_dlx"], facts["message_bytes_dlx"] = dead
        if queue.owner_id != 0:
            facts["owner_pid_details"] = self._owner(queue)
        return facts

    def _going_on(self, queue: Queue) -> Facts:
        """How many messages there are, what goes through it, and since when nothing does."""
        statistics = self._statistics
        if statistics is None:
            return counts(queue)
        facts = statistics.queue(queue, self._spans)
        if idle_ms := statistics.idle_ms(queue):
            facts["idle_since"] = date_text(idle_ms)
        return facts

    def keys(self) -> dict[str, Any]:
        """What queues may be sorted by without making all the facts."""
        statistics = self._statistics
        if statistics is None:
            return KEYS
        rates: dict[str, Any] = {}
        for name in QUEUE_COUNTS:
            path = f"{name}_details.rate"
            rates[path if name in LENGTHS else f"message_stats.{path}"] = _rate(statistics, name)
        return {**KEYS, **rates}

    def _special_consumers(self, queue: Queue) -> Facts:
        active = queue.active_consumer
        exclusive = [one.tag for one in queue.consumers if one.is_exclusive]
        return {
            "exclusive_consumer_tag": exclusive[0] if exclusive else None,
            "single_active_consumer_tag": active.tag if active is not None else None,
        }

    def _owner(self, queue: Queue) -> Facts:
        link = self._node.connections.by_id.get(queue.owner_id)
        if link is None:
            return {}
        peer = link.peer
        return {"name": link.name, "peer_host": peer.host, "peer_port": peer.port}


def _rate(statistics: Statistics, name: str) -> Callable[[Placed], float]:
    return lambda placed: statistics.rate(placed[1], name)


def room(queue: Queue, out_octets: int) -> Facts:
    """What its messages take of the memory and of the disk; those handed out are in memory."""
    ready, out = queue.ready_count, queue.unacked_count
    lines = lines_of(queue)
    ready_ram = sum([line.memory_count for line in lines]) if lines else ready
    on_disk = sum([line.disk_octets for line in lines])
    ready_octets = queue.ready_octets
    return {
        "message_bytes": ready_octets + out_octets,
        "message_bytes_ready": ready_octets,
        "message_bytes_unacknowledged": out_octets,
        "message_bytes_ram": ready_octets - on_disk + out_octets,
        "message_bytes_paged_out": on_disk,
        "messages_ram": ready_ram + out,
        "messages_ready_ram": ready_ram,
        "messages_unacknowledged_ram": out,
        "messages_paged_out": ready - ready_ram,
        "memory": sum([line.memory_octets for line in lines]) + out_octets,
    }


def head_timestamp(queue: Queue) -> object:
    """What its publisher wrote into the message that is next; not looked for on the disk."""
    waiting = queue.peek(0, 1, 0)
    if not waiting:
        return None
    return arguments_of(told(waiting[0].message.properties)).get("timestamp")


def counts(queue: Queue) -> Facts:
    """How many messages there are."""
    return {
        "messages": queue.ready_count + queue.unacked_count,
        "messages_ready": queue.ready_count,
        "messages_unacknowledged": queue.unacked_count,
    }


# --- views ---------------------------------------------------------------------------------


async def queues(call: Call) -> Response:
    """Those of one vhost, or of all that the user may use."""
    teller = Teller(call)
    facts = teller.facts
    if call.flag("disable_stats"):
        facts = teller.totals if call.flag("enable_queue_totals") else teller.outline
    placed = [(v, q) for v in await call.some_vhosts() for q in v.queues.values()]
    return await Listing(facts, teller.keys(), ORDER).reply(call, placed)


async def queue(call: Call) -> Response:
    """One queue, with its consumers."""
    vhost, found = await find_queue(call)
    directory = Directory(call.node)
    if call.flag("disable_stats"):
        return await reply_one(call, Teller(call).totals((vhost, found)))
    details = [consumer_facts(one) for one in consumers_of(vhost, found, directory)]
    facts = {
        **Teller(call).facts((vhost, found)),
        **queue_breakdown(call.node, vhost, found),
        "head_message_timestamp": head_timestamp(found),
        "consumer_details": details,
    }
    return await reply_one(call, facts)


async def find_queue(call: Call) -> Placed:
    """The queue that the path names.  Raises NotFound, NotAuthorised."""
    vhost = await call.vhost()
    found = vhost.queues.get(call.names["name"])
    if found is None:
        raise NotFound()
    return vhost, found


ROUTES: Final = [
    Route("/api/queues", MANAGEMENT, GET=queues),
    Route("/api/queues/detailed", MANAGEMENT, GET=queues),
    Route("/api/queues/{vhost}", MANAGEMENT, GET=queues),
    Route("/api/queues/{vhost}/{name}", MANAGEMENT, GET=queue),
]
