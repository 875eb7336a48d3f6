"""Single publishes and gets of those who have no channel, counted as a channel's would be.

Control plane.
"""

from typing import Final

from leveret.broker.backlog import Waiting
from leveret.broker.exchange import Exchange
from leveret.broker.queue import Queue
from leveret.broker.routing import Routing
from leveret.broker.tallies import PublishTally, ReadTally
from leveret.broker.vhost import VHost

# As what RabbitMQ counts them: it has a client of this protocol inside.
_LABEL: Final = "amqp091"


def count_publish(
    vhost: VHost, exchange: Exchange, routing: Routing, size: int, is_accepted: bool
) -> None:
    """A message with a body of ``size`` octets was published, to be confirmed or returned."""
    tally = PublishTally(exchange.name)
    tally.published += 1
    tally.routed += len(routing.queues)
    tally.received_confirm += 1
    if is_accepted:
        tally.confirmed += 1
    if not routing.queues and not routing.is_held:
        tally.returned += 1
    for queue in routing.queues:
        queue.note_inflow(exchange.name, 1)
    exchange.publishers.join(tally)
    exchange.publishers.leave(tally)
    flow = vhost.past.flow(_LABEL)
    flow.publishes.add(tally)
    flow.sizes.note(size)


def count_gets(vhost: VHost, queue: Queue, taken: list[Waiting], no_ack: bool) -> None:
    """Somebody asked for messages and was given these."""
    tally = ReadTally(queue.name, queue.kind)
    if no_ack:
        tally.get_no_ack += len(taken)
    else:
        tally.get += len(taken)
    if not taken:
        tally.get_empty += 1
    for waiting in taken:
        if waiting.redelivered:
            tally.redeliver += 1
    queue.readers.join(tally)
    queue.readers.leave(tally)
    vhost.past.flow(_LABEL).read(queue.kind).add(tally)
