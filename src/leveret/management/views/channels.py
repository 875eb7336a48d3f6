"""Channels: all, those of a vhost or of a connection, and one."""

from datetime import UTC, datetime
from typing import Any, Final, final

from starlette.responses import Response

from leveret.broker.connections import Link
from leveret.broker.tallies import ChannelView
from leveret.management.api import MANAGEMENT, Call, NotFound, Route
from leveret.management.lists import Facts, Listing
from leveret.management.sampler import statistics_of
from leveret.management.samples import read_spans
from leveret.management.views.connections import find_link, visible_links


@final
class Placed:
    """A channel and its connection."""

    def __init__(self, channel: ChannelView, link: Link, node: str) -> None:
        self.channel: Final = channel
        self.link: Final = link
        self.node: Final = node


def channel_facts(placed: Placed) -> Facts:
    """What it is, and what is under way."""
    channel, link = placed.channel, placed.link
    return {
        "name": channel.name,
        "number": channel.number,
        "node": placed.node,
        "user": link.user.name,
        "user_who_performed_action": link.user.name,
        "vhost": link.vhost,
        "state": "running",
        "confirm": channel.is_confirming,
        "transactional": channel.is_transactional,
        "consumer_count": channel.consumer_count,
        "messages_unacknowledged": channel.unacked_count,
        "messages_unconfirmed": channel.unconfirmed_count,
        "messages_uncommitted": channel.uncommitted_count,
        "acks_uncommitted": channel.uncommitted_acks_count,
        "prefetch_count": channel.prefetch_count,
        "global_prefetch_count": channel.global_prefetch_count,
        "pending_raft_commands": 0,
        "connection_details": {
            "name": link.name,
            "peer_host": link.peer.host,
            "peer_port": link.peer.port,
        },
    }


def channel_details(placed: Placed) -> Facts:
    """How consumers and others say which channel they are on."""
    link = placed.link
    return {
        "connection_name": link.name,
        "name": placed.channel.name,
        "node": placed.node,
        "number": placed.channel.number,
        "peer_host": link.peer.host,
        "peer_port": link.peer.port,
        "user": link.user.name,
    }


@final
class Teller:
    """Tells of channels, for one request."""

    def __init__(self, call: Call) -> None:
        is_wanted = call.wants_statistics
        self._statistics: Final = statistics_of(call.node) if is_wanted else None
        self._spans: Final = read_spans(call.query)

    def facts(self, placed: Placed) -> Facts:
        """What lists show of a channel."""
        facts = channel_facts(placed)
        statistics = self._statistics
        if statistics is None:
            return facts
        if idle_ms := statistics.idle_ms(placed.channel):
            facts["idle_since"] = date_text(idle_ms)
        return {**facts, **statistics.channel(placed.channel, self._spans)}


KEYS: Final[dict[str, Any]] = {
    "name": lambda placed: placed.channel.name,
    "number": lambda placed: placed.channel.number,
    "user": lambda placed: placed.link.user.name,
    "vhost": lambda placed: placed.link.vhost,
    "consumer_count": lambda placed: placed.channel.consumer_count,
    "messages_unacknowledged": lambda placed: placed.channel.unacked_count,
    "messages_unconfirmed": lambda placed: placed.channel.unconfirmed_count,
    "prefetch_count": lambda placed: placed.channel.prefetch_count,
}


async def reply_channels(call: Call, links: list[Link]) -> Response:
    """The answer that lists the channels of connections."""
    placed = channels_of(links, call.node.name)
    return await Listing(Teller(call).facts, KEYS, ("vhost", "name")).reply(call, placed)


def date_text(unix_ms: int) -> str:
    """A time as RabbitMQ writes it: ``2026-11-20T16:10:32.855+00:00``."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds")


def channels_of(links: list[Link], node: str) -> list[Placed]:
    """The channels of some connections."""
    return [
        Placed(channel, link, node)
        for link in links
        for channel in list(link.channels.values())
        if channel is not None
    ]


# --- views ---------------------------------------------------------------------------------


async def channels(call: Call) -> Response:
    """All that the user may know of."""
    return await reply_channels(call, visible_links(call))


async def in_vhost(call: Call) -> Response:
    """Those of connections to one vhost."""
    vhost = await call.vhost()
    links = [link for link in visible_links(call) if link.vhost == vhost.name]
    return await reply_channels(call, links)


async def of_connection(call: Call) -> Response:
    """Those of one connection."""
    link = find_link(call, call.names["name"])
    return await reply_channels(call, [link])


def find_channel(call: Call) -> Placed:
    """The channel that the path names.  Raises NotFound, NotAuthorised."""
    # ``127.0.0.1:54321 -> 127.0.0.1:5672 (1)``
    name, _, rest = call.names["name"].rpartition(" (")
    number = rest.removesuffix(")")
    if not number.isascii() or not number.isdecimal() or len(number) > 5:
        raise NotFound()
    link = find_link(call, name)
    channel = link.channels.get(int(number))
    if channel is None or channel.name != call.names["name"]:
        raise NotFound()
    return Placed(channel, link, call.node.name)


ROUTES: Final = [
    Route("/api/channels", MANAGEMENT, GET=channels),
    Route("/api/connections/{name}/channels", MANAGEMENT, GET=of_connection),
    Route("/api/vhosts/{vhost}/channels", MANAGEMENT, GET=in_vhost),
]
