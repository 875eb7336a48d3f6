"""Consumers: all, and those of a vhost, a queue or a channel."""

from typing import Final, final

from starlette.responses import Response

from leveret.broker.connections import Link
from leveret.broker.consumer import Consumer
from leveret.broker.definition_export import arguments_of
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.tallies import ChannelView
from leveret.broker.vhost import VHost
from leveret.management.api import MANAGEMENT, Call, Route
from leveret.management.breakdown import channel_breakdown
from leveret.management.lists import Facts, Listing, reply_one
from leveret.management.views.channels import Placed as PlacedChannel
from leveret.management.views.channels import Teller, channel_details, find_channel


@final
class Directory:
    """Finds the connection of a channel, which does not know it.  Good for one request."""

    def __init__(self, node: Node) -> None:
        self._node: Final = node
        self._links: dict[ChannelView, Link] | None = None

    def details(self, channel: ChannelView | None) -> Facts:
        """Which channel it is, and whose."""
        links = self._links
        if links is None:
            links = {
                channel: link
                for link in self._node.connections.by_id.values()
                for channel in (link.view, *link.channels.values())
                if channel is not None
            }
            self._links = links
        link = links.get(channel) if channel is not None else None
        if channel is None or link is None:
            return {}
        details = channel_details(PlacedChannel(channel, link, self._node.name))
        if channel is link.view:  # there is no channel that could be looked up
            del details["name"], details["number"]
        return details


@final
class Placed:
    """A consumer and its queue."""

    def __init__(
        self, consumer: Consumer, queue: Queue, vhost: VHost, directory: Directory
    ) -> None:
        self.consumer: Final = consumer
        self.queue: Final = queue
        self.vhost: Final = vhost
        self.directory: Final = directory


def consumer_facts(placed: Placed) -> Facts:
    """What lists show of a consumer."""
    consumer, queue = placed.consumer, placed.queue
    active = queue.active_consumer
    is_active = active is None or active is consumer
    status = "up" if active is None else "single_active" if is_active else "waiting"
    return {
        "consumer_tag": consumer.tag,
        "queue": {"name": queue.name, "vhost": placed.vhost.name},
        "channel_details": placed.directory.details(consumer.channel),
        "arguments": arguments_of(consumer.arguments),
        "ack_required": not consumer.no_ack,
        "exclusive": consumer.is_exclusive,
        "prefetch_count": consumer.prefetch_count,
        "active": is_active,
        "activity_status": status,
        "consumer_timeout": _timeout_ms(placed),
    }


def _timeout_ms(placed: Placed) -> int:
    own_ms = placed.queue.rules.consumer_timeout_ms
    return own_ms if own_ms >= 0 else placed.vhost.consumer_timeout_ms


CONSUMERS: Final[Listing[Placed]] = Listing(
    consumer_facts,
    {
        "": lambda placed: placed.consumer.tag,
        "consumer_tag": lambda placed: placed.consumer.tag,
        "vhost": lambda placed: placed.vhost.name,
        "queue.name": lambda placed: placed.queue.name,
        "queue.vhost": lambda placed: placed.vhost.name,
        "prefetch_count": lambda placed: placed.consumer.prefetch_count,
    },
    ("queue.vhost", "queue.name"),
)


def consumers_of(vhost: VHost, queue: Queue, directory: Directory) -> list[Placed]:
    """Those of one queue."""
    return [Placed(consumer, queue, vhost, directory) for consumer in queue.consumers]


def consumers_of_channel(vhost: VHost, channel: ChannelView, directory: Directory) -> list[Placed]:
    """Those of one channel."""
    queues = {read.queue for read in channel.reads()}
    return [
        placed
        for name in sorted(queues)
        if (queue := vhost.queues.get(name)) is not None
        for placed in consumers_of(vhost, queue, directory)
        if placed.consumer.channel is channel
    ]


async def consumers(call: Call) -> Response:
    """Those of one vhost, or of all that the user may use."""
    directory = Directory(call.node)
    found = [
        placed
        for vhost in await call.some_vhosts()
        for queue in vhost.queues.values()
        if queue.consumer_count > 0
        for placed in consumers_of(vhost, queue, directory)
    ]
    return await CONSUMERS.reply(call, found)


async def channel(call: Call) -> Response:
    """One channel, with its consumers."""
    placed = find_channel(call)
    vhost = call.node.vhosts.get(placed.link.vhost)
    found: list[Placed] = []
    if vhost is not None:
        found = consumers_of_channel(vhost, placed.channel, Directory(call.node))
    details = [consumer_facts(one) for one in found]
    facts = {
        **Teller(call).facts(placed),
        **channel_breakdown(placed.channel, placed.link.vhost),
        "consumer_details": details,
    }
    return await reply_one(call, facts)


ROUTES: Final = [
    Route("/api/channels/{name}", MANAGEMENT, GET=channel),
    Route("/api/consumers", MANAGEMENT, GET=consumers),
    Route("/api/consumers/{vhost}", MANAGEMENT, GET=consumers),
]
