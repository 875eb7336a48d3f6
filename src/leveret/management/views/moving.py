"""Messages moved from one queue to another, as they are: exchange and routing key stay.

RabbitMQ needs a shovel for it, and its messages are others afterwards.
"""

import asyncio
import time
from typing import Final, final

from starlette.responses import Response

from leveret.broker.actor import Actor
from leveret.broker.intake import written
from leveret.broker.queue import Queue
from leveret.management.api import MANAGEMENT, BadRequest, Call, NotFound, Route, reply
from leveret.management.deeds import actor_in, body_of, perform, synced, takes

_SLICE_S: Final = 0.003
_NOT_HANDED_OUT: Final = "the queue hands out messages to its consumers only"


@takes(
    destination={"type": "string", "required": True},
    count={"type": "integer"},
)
async def move(call: Call) -> Response:
    """Move messages that wait to another queue of the virtual host: all, or so many."""
    vhost = await call.vhost()
    name = call.names["name"]
    if name not in vhost.queues:
        raise NotFound()
    body = await body_of(call, "destination")
    destination = body.name("destination")
    if destination == name:
        raise BadRequest("a queue's messages cannot be moved to itself")
    actor = actor_in(call, vhost)
    source, goal = await perform(call, lambda: _ends(actor, name, destination))
    moving = Moving(actor, source, goal, body.number("count", -1))
    while not moving.is_over:
        await perform(call, moving.go_on)
        await asyncio.sleep(0)
    await synced(call, vhost, moving.owed)
    return await reply(call, {"moved": moving.moved, "messages": source.ready_count})


def _ends(actor: Actor, name: str, destination: str) -> tuple[Queue, Queue]:
    source = actor.readable_queue(name)
    # As if it were published by the name of the queue.
    actor.access.write("exchange", "")
    goal = actor.vhost.queue(destination, 0)
    if not source.is_gettable:
        raise BadRequest(_NOT_HANDED_OUT)
    return source, goal


@final
class Moving:
    """Messages on their way from ``source`` to ``goal``: ``most`` of them, all if negative.

    A message is given to the one queue before the other lets it go, in one batch of the journal;
    ``owed`` is the last such batch.
    """

    def __init__(self, actor: Actor, source: Queue, goal: Queue, most: int) -> None:
        self._actor: Final = actor
        self._source: Final = source
        self._goal: Final = goal
        # What comes in meanwhile stays.
        self._left = source.ready_count if most < 0 else min(most, source.ready_count)
        self.moved = 0
        self.owed = 0

    @property
    def is_over(self) -> bool:
        """Whether all are moved, or no more can be."""
        return self._left <= 0 or self._source.is_gone or self._goal.is_gone

    def go_on(self) -> None:
        """Move for a while, but not for so long that others would notice."""
        until = time.perf_counter() + _SLICE_S
        while not self.is_over and time.perf_counter() < until:
            self._left = self._left - 1 if self._move_one() else 0
        self._source.dispatch()

    def _move_one(self) -> bool:
        waiting = self._source.get(False)
        if waiting is None:
            return False
        if not self._goal.publish(waiting.message):
            # Its rules are to refuse: the message stays where it was.
            self._source.put_back([waiting], False)
            return False
        self.owed = max(self.owed, written(self._actor, waiting.message, [self._goal]))
        self._source.settle(waiting.offset)
        self.moved += 1
        return True


ROUTES: Final = [Route("/api/queues/{vhost}/{name}/move", MANAGEMENT, POST=move)]
