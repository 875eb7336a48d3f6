"""What a node, a vhost, a queue or an exchange has done so far: tallies added up when asked for.

Control plane, but compiled: there may be thousands of each.
"""

from typing import Final

from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.tallies import ChannelView, Flow, Past, ReadTally
from leveret.broker.vhost import VHost

# What `queue_counts` gives, in its order; the counters first, then what may also fall.
QUEUE_COUNTS: Final = (
    "publish",
    "deliver",
    "deliver_no_ack",
    "get",
    "get_no_ack",
    "get_empty",
    "redeliver",
    "ack",
    "messages_ready",
    "messages_unacknowledged",
)


def queue_counts(queue: Queue) -> list[int]:
    """What came, what was read, and what is there now."""
    total = queue.readers.total()
    return [
        queue.published_count,
        int(total.deliver),
        int(total.deliver_no_ack),
        int(total.get),
        int(total.get_no_ack),
        int(total.get_empty),
        int(total.redeliver),
        int(total.ack),
        queue.ready_count,
        queue.unacked_count,
    ]


def past_of(node: Node, only: str | None = None) -> Past:
    """All that connections and channels did, gone or not: in the whole node, or one vhost."""
    total = Past()
    if only is None:
        total.add(node.tally.past)
        for vhost in node.vhosts.values():
            total.add(vhost.past)
    elif only in node.vhosts:
        total.add(node.vhosts[only].past)
    for link in node.connections.by_id.values():
        if only is not None and link.vhost != only:
            continue
        total.traffic.add(link.traffic)
        for channel in link.channels.values():
            if channel is not None:
                _add_channel(total, channel)
    return total


def _add_channel(total: Past, channel: ChannelView) -> None:
    flow = total.flow(channel.protocol)
    for published in channel.publishes():
        flow.publishes.add(published)
    for read in channel.reads():
        flow.read(read.kind).add(read)


def flow_of(past: Past) -> Flow:
    """The same for all protocols together."""
    total = Flow()
    for flow in past.flows.values():
        total.add(flow)
    return total


def read_of(flow: Flow) -> ReadTally:
    """The same for all types of queues together."""
    total = ReadTally()
    for tally in flow.reads.values():
        total.add(tally)
    return total


def unacked_octets(node: Node, vhost: VHost) -> dict[str, int]:
    """The size of the messages of ``vhost`` that are in clients' hands, by queue."""
    octets: dict[str, int] = {}
    for link in node.connections.by_id.values():
        if link.vhost != vhost.name:
            continue
        for channel in link.channels.values():
            if channel is not None:
                channel.add_unacked_octets(octets)
    return octets
