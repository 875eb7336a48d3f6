"""Who uses what: which exchange fills a queue, which channel reads it, and the other way round.

The lists ``incoming`` and ``deliveries`` of a queue, ``incoming`` and ``outgoing`` of an exchange,
``publishes`` and ``deliveries`` of a channel.  RabbitMQ has them with ``rates_mode = detailed``
only; here counting them costs nothing, so they are always there, but for their rates.
"""

from typing import Any, Final

from leveret.broker.exchange import Exchange
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.tallies import ChannelView, PublishTally, ReadTally
from leveret.broker.totals import PUBLISHES, READS, publish_counts, read_counts
from leveret.broker.vhost import VHost

Facts = dict[str, Any]
# More than these nobody reads.
MOST: Final = 500


def queue_breakdown(node: Node, vhost: VHost, queue: Queue) -> Facts:
    """``incoming``: the exchanges it gets messages from; ``deliveries``: the channels that read."""
    collect(node, vhost.name)
    inflow = queue.inflow or {}
    incoming = [
        {"exchange": {"name": name, "vhost": vhost.name}, "stats": {"publish": count}}
        for name, count in list(inflow.items())[:MOST]
    ]
    deliveries = [
        {"channel_details": _channel(tally.channel), "stats": _read(tally)}
        for tally in list(queue.readers.present)[:MOST]
    ]
    return {"incoming": incoming, "deliveries": deliveries}


def exchange_breakdown(node: Node, vhost: VHost, exchange: Exchange) -> Facts:
    """``incoming``: the channels that publish to it; ``outgoing``: the queues that it fills."""
    collect(node, vhost.name)
    incoming = [
        {"channel_details": _channel(tally.channel), "stats": {"publish": int(tally.published)}}
        for tally in list(exchange.publishers.present)[:MOST]
    ]
    outgoing: list[Facts] = []
    for queue in vhost.queues.values():
        count = (queue.inflow or {}).get(exchange.name, 0)
        if count > 0:
            place = {"name": queue.name, "vhost": vhost.name}
            outgoing.append({"queue": place, "stats": {"publish": count}})
            if len(outgoing) == MOST:
                break
    return {"incoming": incoming, "outgoing": outgoing}


def channel_breakdown(channel: ChannelView, vhost: str) -> Facts:
    """``publishes``: what went to which exchange; ``deliveries``: what came from which queue."""
    publishes = [
        {"exchange": {"name": tally.exchange, "vhost": vhost}, "stats": _published(tally)}
        for tally in channel.publishes()[:MOST]
    ]
    deliveries = [
        {"queue": {"name": tally.queue, "vhost": vhost}, "stats": _read(tally)}
        for tally in channel.reads()[:MOST]
    ]
    return {"publishes": publishes, "deliveries": deliveries}


def collect(node: Node, vhost: str) -> None:
    """Have all channels of a vhost write down what they counted."""
    for link in node.connections.by_id.values():
        if link.vhost == vhost:
            for channel in (link.view, *link.channels.values()):
                if channel is not None:
                    channel.collect()


def _channel(channel: ChannelView | None) -> Facts:
    if channel is None:
        return {}
    connection = channel.name.rpartition(" (")[0]
    if not connection:  # of a protocol without channels
        return {"connection_name": channel.name}
    return {"name": channel.name, "number": channel.number, "connection_name": connection}


def _published(tally: PublishTally) -> Facts:
    return dict(zip(PUBLISHES, publish_counts(tally), strict=True))


def _read(tally: ReadTally) -> Facts:
    return dict(zip(READS, read_counts(tally), strict=True))
