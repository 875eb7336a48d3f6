"""What a node, a vhost, a queue, a channel has done so far: tallies added up when asked for.

Control plane, but compiled: there may be thousands of each.
"""

from typing import Final

from leveret.broker.backlog import Backlog
from leveret.broker.lined import LinedQueue
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.quorum import QuorumQueue
from leveret.broker.tallies import ChannelView, Flow, Past, Publishers, PublishTally, ReadTally
from leveret.broker.vhost import VHost
from leveret.session import Traffic

# What the functions give, in their order, by RabbitMQ's names.
PUBLISHES: Final = ("publish", "confirm", "return_unroutable", "drop_unroutable")
READS: Final = (
    "deliver",
    "deliver_no_ack",
    "get",
    "get_no_ack",
    "get_empty",
    "redeliver",
    "ack",
    "deliver_get",
)
LENGTHS: Final = ("messages", "messages_ready", "messages_unacknowledged")
QUEUE_COUNTS: Final = ("publish", *READS, *LENGTHS)
EXCHANGE_COUNTS: Final = ("publish_in", "publish_out")
CHANNEL_COUNTS: Final = (*PUBLISHES, *READS)
OCTETS: Final = ("recv_oct", "send_oct")
VHOST_COUNTS: Final = (*PUBLISHES, *READS, *LENGTHS, *OCTETS)


def queue_counts(queue: Queue) -> list[int]:
    """What came, what was read, and what is there now."""
    return [queue.published_count, *read_counts(queue.readers.total()), *lengths([queue])]


def lengths(queues: list[Queue]) -> list[int]:
    """How many messages there are: all, those that wait, those in clients' hands."""
    ready = 0
    unacked = 0
    for queue in queues:
        ready += queue.ready_count
        unacked += queue.unacked_count
    return [ready + unacked, ready, unacked]


def node_lengths(node: Node) -> list[int]:
    """The same of all queues of a node."""
    total = [0, 0, 0]
    for vhost in node.vhosts.values():
        for index, count in enumerate(lengths(list(vhost.queues.values()))):
            total[index] += count
    return total


def exchange_counts(publishers: Publishers) -> list[int]:
    """What came to an exchange, and how many copies went on to queues."""
    total = publishers.total()
    return [int(total.published), int(total.routed)]


def channel_counts(channel: ChannelView) -> list[int]:
    """What a channel published and read."""
    published = PublishTally()
    for tally in channel.publishes():
        published.add(tally)
    # Those who still wait are counted from the beginning.
    published.confirmed -= min(channel.unconfirmed_count, int(published.confirmed))
    read = ReadTally()
    for each in channel.reads():
        read.add(each)
    return publish_counts(published) + read_counts(read)


def vhost_counts(vhost: VHost, past: Past) -> list[int]:
    """What happened in a vhost, and what is there now."""
    octets = [int(past.traffic.octets_in), int(past.traffic.octets_out)]
    return flow_counts(flow_of(past)) + lengths(list(vhost.queues.values())) + octets


def flow_counts(flow: Flow) -> list[int]:
    """What was published and read."""
    return publish_counts(flow.publishes) + read_counts(read_of(flow))


def publish_counts(tally: PublishTally) -> list[int]:
    """In the order of `PUBLISHES`."""
    return [int(tally.published), int(tally.confirmed), int(tally.returned), int(tally.dropped)]


def read_counts(tally: ReadTally) -> list[int]:
    """In the order of `READS`."""
    return [
        int(tally.deliver),
        int(tally.deliver_no_ack),
        int(tally.get),
        int(tally.get_no_ack),
        int(tally.get_empty),
        int(tally.redeliver),
        int(tally.ack),
        tally.deliver_get,
    ]


# --- all connections and channels, gone or not ---------------------------------------------


def pasts_of(node: Node) -> dict[str, Past]:
    """What they did, by vhost."""
    totals: dict[str, Past] = {}
    for name, vhost in node.vhosts.items():
        total = Past()
        total.add(vhost.past)
        totals[name] = total
    for link in node.connections.by_id.values():
        here = totals.get(link.vhost)
        if here is None:
            continue
        here.traffic.add(link.traffic)
        for channel in link.channels.values():
            if channel is not None:
                _add_channel(here, channel)
        if link.view is not None:
            _add_channel(here, link.view)
    return totals


def past_of(node: Node, pasts: dict[str, Past] | None = None) -> Past:
    """What they did in the whole node; ``pasts`` are those of now, where they are known."""
    total = Past()
    total.add(node.tally.past)
    for past in (pasts if pasts is not None else pasts_of(node)).values():
        total.add(past)
    return total


def _add_channel(total: Past, channel: ChannelView) -> None:
    flow = total.flow(channel.protocol)
    waiting = channel.unconfirmed_count
    for published in channel.publishes():
        flow.publishes.add(published)
    flow.publishes.confirmed -= min(waiting, int(flow.publishes.confirmed))
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


def line_places(queue: Queue) -> list[tuple[int, int, int]]:
    """Of each line of a queue: the first offset that waits, the next one that is new, how many."""
    if not isinstance(queue, LinedQueue):
        return []
    return [(line.front, line.next_offset, len(line)) for line in queue.lines()]


# --- for metrics ---------------------------------------------------------------------------


def queue_row(queue: Queue) -> list[int]:
    """All numbers of one queue.

    What waits, is out, and both; consumers, and whether one could take more; octets of what waits
    and is out; how much of what waits is on the disk only, and its octets; what was published,
    then what was read in the order of `READS`.
    """
    paged = 0
    paged_octets = 0
    if isinstance(queue, LinedQueue):
        for line in queue.lines():
            middle = line.middle
            if middle is not None:
                paged += middle.count
                paged_octets += middle.octets
    total, ready, unacked = lengths([queue])
    return [
        ready,
        unacked,
        total,
        queue.consumer_count,
        1 if queue.has_ready_consumer else 0,
        queue.ready_octets,
        int(queue.unacked_octets),
        paged,
        paged_octets,
        queue.published_count,
        *read_counts(queue.readers.total()),
    ]


def channel_row(channel: ChannelView) -> list[int]:
    """How one channel is used now."""
    return [
        channel.consumer_count,
        channel.unacked_count,
        channel.unconfirmed_count,
        channel.uncommitted_count,
        channel.uncommitted_acks_count,
        channel.prefetch_count,
        channel.global_prefetch_count,
    ]


def traffic_row(traffic: Traffic) -> list[int]:
    """What went through one socket."""
    return [
        int(traffic.octets_in),
        int(traffic.octets_out),
        int(traffic.chunks_in),
        int(traffic.chunks_out),
    ]


def lines_of(queue: Queue) -> list[Backlog]:
    """The lines in which its messages wait, if it has any.

    Here, since only compiled code can tell what kind of queue it is: all compiled classes with
    abstract methods share what Python remembers of `isinstance`.
    """
    return queue.lines() if isinstance(queue, LinedQueue) else []


def kept_dead(queue: Queue) -> tuple[int, int] | None:
    """How many dead letters it keeps until they are taken, and their size; None if none ever."""
    if isinstance(queue, QuorumQueue):
        return queue.dead_count, queue.dead_octets
    return None
