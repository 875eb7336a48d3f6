"""Queues made, deleted and emptied; messages taken out, moved, and looked at without taking.

Behaviour: RabbitMQ 4.3, "HTTP API", /queues; looking at messages and moving them are our own.
"""

from typing import Final

from starlette.responses import Response

from leveret.broker.actor import clean_name
from leveret.broker.backlog import Waiting
from leveret.broker.one_offs import count_gets
from leveret.broker.queue import Queue
from leveret.broker.vhost import VHost
from leveret.broker.wishes import QueueWish
from leveret.errors import NotFound as NoSuchThing
from leveret.management.api import (
    ADMINISTRATOR,
    MANAGEMENT,
    BadRequest,
    Call,
    NotAuthorised,
    NotFound,
    Refusal,
    Route,
    encode,
    nothing,
    reply_octets,
)
from leveret.management.deeds import REFUSED, actor_in, body_of, perform, short, takes, target
from leveret.management.lists import Patience
from leveret.management.messages import AUTO, BASE64, message_facts, payload_facts

_FLAG: Final = {"type": "boolean"}
_ACTIONS: Final = ("sync", "cancel_sync")
# By what becomes of a message that was looked at: whether it is kept, and how it is answered for.
ACK_MODES: Final = (
    "ack_requeue_true",
    "ack_requeue_false",
    "reject_requeue_true",
    "reject_requeue_false",
)
# At once: others are to have their turns.
_MOST_TAKEN: Final = 10_000
_MOST_OCTETS: Final = 32 * 1024 * 1024


def found(call: Call, vhost: VHost) -> Queue:
    """The queue that the path names.  Raises NotFound."""
    queue: Queue | None = vhost.queues.get(call.names["name"])
    if queue is None:
        raise NotFound()
    return queue


# --- queues ----------------------------------------------------------------------------------


@takes(
    durable=_FLAG,
    auto_delete=_FLAG,
    arguments={"type": "object"},
    node={"type": "string"},
)
async def put_queue(call: Call) -> Response:
    """Make a queue; one of that name must be the same."""
    vhost = await target(call)
    body = await body_of(call)
    node = body.text("node", call.node.settings.cluster_name)
    wish = QueueWish(
        clean_name(short("queue", call.names["name"])),
        body.flag("durable", True),
        body.flag("auto_delete"),
        0,
        body.arguments(),
    )
    if node not in ("", call.node.settings.cluster_name) and not node.startswith("rabbit@"):
        raise BadRequest(f"Node {node} could not be contacted")
    is_new = wish.name not in vhost.queues
    await perform(call, lambda: actor_in(call, vhost).declare_queue(wish))
    return nothing(201 if is_new else 204)


async def delete_queue(call: Call) -> Response:
    """Delete a queue with the messages that wait in it."""
    vhost = await call.vhost()
    name = found(call, vhost).name
    if_unused, if_empty = call.flag("if-unused"), call.flag("if-empty")
    await perform(call, lambda: actor_in(call, vhost).delete_queue(name, if_unused, if_empty))
    return nothing()


async def purge(call: Call) -> Response:
    """Drop the messages that wait in a queue."""
    vhost = await call.vhost()
    name = found(call, vhost).name
    await perform(call, lambda: actor_in(call, vhost).purge_queue(name))
    return nothing()


@takes(action={"type": "string", "enum": list(_ACTIONS), "required": True})
async def act(call: Call) -> Response:
    """Have mirrors be synchronised, of which there are none: nothing happens."""
    vhost = await call.vhost()
    found(call, vhost)
    action = (await body_of(call, "action")).values["action"]
    if action not in _ACTIONS:
        raise BadRequest(["unknown", action])
    return nothing()


# --- taking ----------------------------------------------------------------------------------


@takes(
    count={"type": "integer", "required": True},
    ackmode={"type": "string", "enum": list(ACK_MODES), "required": True},
    encoding={"type": "string", "enum": [AUTO, BASE64], "required": True},
    truncate={"type": "integer"},
)
async def get_messages(call: Call) -> Response:
    """Take messages out of a queue: for good, or to give them back at once."""
    if call.names["vhost"] not in call.node.vhosts:
        raise NotAuthorised(REFUSED)
    vhost = await call.vhost()
    body = await body_of(call, "count", "ackmode", "encoding")
    wish = Wish(
        body.number("count", 0),
        body.text("ackmode"),
        body.text("encoding"),
        body.number("truncate", -1),
    )
    queue = await perform(call, lambda: _readable(call, vhost))
    taken = await perform(call, lambda: _taken(vhost, queue, wish))
    patience = Patience()
    parts: list[bytes] = []
    for each, left in taken:
        await patience.rest()
        facts = {
            **message_facts(each.message, each.redelivered),
            "message_count": left,
            **payload_facts(each.message.body, wish.encoding, wish.truncate),
        }
        parts.append(encode(facts))
    return await reply_octets(call, b"[" + b",".join(parts) + b"]")


class Wish:
    """How many messages, what becomes of them, and how they are shown.  Raises BadRequest."""

    def __init__(self, count: int, ack_mode: str, encoding: str, truncate: int) -> None:
        if ack_mode not in ACK_MODES:
            raise BadRequest(f"Unsupported ackmode. Please use {', '.join(ACK_MODES)}.")
        if encoding not in (AUTO, BASE64):
            raise BadRequest("Unsupported encoding. Please use auto or base64.")
        # A negative number is all there are.
        self.count: Final = _MOST_TAKEN if count < 0 else min(count, _MOST_TAKEN)
        self.is_kept: Final = ack_mode.endswith("_true")
        self.is_rejected: Final = ack_mode.startswith("reject")
        self.encoding: Final = encoding
        self.truncate: Final = 1 << 40 if truncate < 0 else truncate


def _readable(call: Call, vhost: VHost) -> Queue:
    name = call.names["name"]
    try:
        queue = actor_in(call, vhost).readable_queue(name)
    except NoSuchThing as missing:
        raise Refusal(404, "not_found", f"NOT_FOUND - {missing.detail}") from None
    queue.check_get(vhost.describe("queue", name))
    return queue


def _taken(vhost: VHost, queue: Queue, wish: Wish) -> list[tuple[Waiting, int]]:
    """The messages, each with how many were left, all answered for."""
    no_ack = not wish.is_kept and not wish.is_rejected
    taken: list[tuple[Waiting, int]] = []
    octets = 0
    while len(taken) < wish.count and octets < _MOST_OCTETS:
        waiting = queue.get(no_ack)
        if waiting is None:
            break
        taken.append((waiting, queue.ready_count))
        octets += len(waiting.message.body)
    if wish.count > 0:
        count_gets(vhost, queue, [each for each, _ in taken], no_ack)
    if no_ack:
        return taken
    if wish.is_kept:
        back = [Waiting(each.message, each.offset, True) for each, _ in taken]
        queue.put_back(back, wish.is_rejected)
        queue.dispatch()
    else:
        for each, _ in taken:
            queue.discard(each.message, each.offset)
    return taken


_QUEUE: Final = "/api/queues/{vhost}/{name}"
ROUTES: Final = [
    Route(_QUEUE, MANAGEMENT, PUT=put_queue, DELETE=delete_queue),
    Route(_QUEUE + "/contents", MANAGEMENT, DELETE=purge),
    Route(_QUEUE + "/actions", ADMINISTRATOR, POST=act),
    Route(_QUEUE + "/get", MANAGEMENT, POST=get_messages),
]
