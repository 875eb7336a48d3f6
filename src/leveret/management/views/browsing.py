"""The messages of a queue, looked at without taking them: those that wait, and those that are out.

RabbitMQ has nothing like it.  Nothing is changed: not the order, not a flag, not a count.
"""

from typing import Any, Final, final

from starlette.responses import Response

from leveret.broker.actor import Actor
from leveret.broker.backlog import Waiting
from leveret.broker.queue import Queue
from leveret.broker.tallies import ChannelView, Holding
from leveret.management.api import MANAGEMENT, BadRequest, Call, NotFound, Route, encode
from leveret.management.api import reply_octets as answer
from leveret.management.deeds import actor_in, perform
from leveret.management.lists import Patience
from leveret.management.messages import AUTO, BASE64, message_facts, payload_facts

_PER_PAGE: Final = 50
_MOST_PER_PAGE: Final = 500
_TRUNCATE: Final = 50_000
# A page ends early when so much was read from the disk for it, or is to be sent.
_MOST_READ_OCTETS: Final = 16 * 1024 * 1024
_MOST_SENT_OCTETS: Final = 32 * 1024 * 1024
READY: Final = "ready"
UNACKED: Final = "unacked"
_MS_NS: Final = 1_000_000


@final
class Wish:
    """Which messages, and how much of them.  Raises BadRequest."""

    def __init__(self, call: Call) -> None:
        self.state: Final = call.query.get("state", READY)
        if self.state not in (READY, UNACKED):
            raise BadRequest("state should be ready or unacked")
        self.offset: Final = _number(call, "offset", 0)
        self.count: Final = min(_number(call, "count", _PER_PAGE), _MOST_PER_PAGE)
        self.truncate: Final = _number(call, "truncate", _TRUNCATE)
        self.encoding: Final = call.query.get("encoding", AUTO)
        if self.encoding not in (AUTO, BASE64):
            raise BadRequest("Unsupported encoding. Please use auto or base64.")


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise BadRequest(["not_integer", text])
    return int(text)


async def list_messages(call: Call) -> Response:
    """A page of the messages that wait in a queue, or that are out and not acknowledged."""
    vhost = await call.vhost()
    if call.names["name"] not in vhost.queues:
        raise NotFound()
    wish = Wish(call)
    queue = await perform(call, lambda: _readable(actor_in(call, vhost), call.names["name"]))
    if wish.state == READY:
        waiting = queue.peek(wish.offset, wish.count, _MOST_READ_OCTETS)
        return await _told(call, [_Ready(one) for one in waiting], wish)
    held = held_of(queue)[wish.offset : wish.offset + wish.count]
    return await _told(call, [_Held(call, channel, one) for channel, one in held], wish)


def _readable(actor: Actor, name: str) -> Queue:
    actor.access.read("queue", name)
    return actor.vhost.queues[name]


def held_of(queue: Queue) -> list[tuple[ChannelView, Holding]]:
    """What is out of a queue and who has it, in the order of their places in the queue."""
    channels = {tally.channel: None for tally in queue.readers.present}
    held = [
        (channel, holding)
        for channel in channels
        if channel is not None
        for holding in channel.holdings(queue)
    ]
    return sorted(held, key=lambda one: one[1].offset)


class _Ready:
    """A message that waits."""

    def __init__(self, waiting: Waiting) -> None:
        self.message: Final = waiting.message
        self.is_redelivered: Final = waiting.redelivered

    def facts(self) -> dict[str, Any]:
        """Who has it: nobody."""
        who = ("consumer_tag", "connection", "channel", "held_since")
        return {"state": READY, **message_facts(self.message, self.is_redelivered)} | dict.fromkeys(
            who
        )


class _Held:
    """A message that is out."""

    def __init__(self, call: Call, channel: ChannelView, holding: Holding) -> None:
        clock = call.node.clock
        self.message: Final = holding.message
        self._channel: Final = channel
        self._tag: Final = holding.consumer_tag
        ago_ms = (clock.now_ns() - holding.since_ns) // _MS_NS
        self._since_ms: Final = clock.unix_ms() - ago_ms

    def facts(self) -> dict[str, Any]:
        """Who has it, and since when; whether it had been out before is not kept."""
        name = self._channel.name
        return {
            "state": UNACKED,
            **message_facts(self.message, False),
            "redelivered": None,
            "consumer_tag": self._tag or None,
            "connection": name.rpartition(" (")[0],
            "channel": name,
            "held_since": self._since_ms,
        }


async def _told(call: Call, messages: list[Any], wish: Wish) -> Response:
    patience = Patience()
    parts: list[bytes] = []
    octets = 0
    for index, one in enumerate(messages):
        await patience.rest()
        body = one.message.body
        facts = {
            "position": wish.offset + index,
            **one.facts(),
            **payload_facts(body, wish.encoding, wish.truncate),
            "truncated": len(body) > wish.truncate,
        }
        parts.append(encode(facts))
        octets += len(parts[-1])
        if octets > _MOST_SENT_OCTETS:
            break
    return await answer(call, b"[" + b",".join(parts) + b"]")


ROUTES: Final = [Route("/api/queues/{vhost}/{name}/messages", MANAGEMENT, GET=list_messages)]
