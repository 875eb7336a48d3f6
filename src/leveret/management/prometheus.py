"""What Prometheus is told: the whole in sums, or object by object, or only some families.

Made in pieces, so that a hundred thousand lines hold nobody up.
Behaviour: RabbitMQ 4.3, "Prometheus"; sums count what is gone too, so that they never fall.
"""

import platform
from collections.abc import Iterable
from operator import add
from typing import Final, final

from leveret.broker.connections import Link
from leveret.broker.definition_export import RABBITMQ_VERSION
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.tallies import SIZES, ChannelView, Past, PublishTally
from leveret.broker.totals import (
    channel_row,
    flow_of,
    past_of,
    pasts_of,
    publish_counts,
    queue_row,
    read_counts,
    read_of,
    traffic_row,
)
from leveret.management import metrics
from leveret.management.exposition import NO_LABELS, Labels, Metric, Page, label_text
from leveret.management.lists import Patience
from leveret.management.machine import machine_facts
from leveret.management.sampler import Statistics
from leveret.management.waits import BOUNDS
from leveret.patterns import Pattern
from leveret.version import VERSION

# The families that /metrics/detailed knows.
FAMILIES: Final = (
    "connection_churn_metrics",
    "node_coarse_metrics",
    "node_metrics",
    "auth_attempt_metrics",
    "queue_coarse_metrics",
    "queue_consumer_count",
    "queue_metrics",
    "queue_delivery_metrics",
    "queue_exchange_metrics",
    "channel_metrics",
    "channel_exchange_metrics",
    "channel_queue_metrics",
    "connection_coarse_metrics",
    "connection_metrics",
    "exchange_metrics",
    "vhost_status",
    "exchange_bindings",
    "exchange_names",
    "leveret_queue_metrics",
)
# What belongs to clusters is told only if asked for.
_DETAILED_ONLY: Final = ("vhost_status", "exchange_bindings", "exchange_names")
USUAL: Final = tuple([family for family in FAMILIES if family not in _DETAILED_ONLY])
_STRIDE: Final = 64
# How many numbers ``queue_row`` gives.
_QUEUE_ROW: Final = 18

Rows = list[tuple[str, list[int]]]


@final
class Scrape:
    """One scrape of a node.

    ``families`` are those that are told of; ``vhosts`` limits objects to those of some vhosts,
    ``pattern`` queues to those whose names match.
    """

    def __init__(
        self,
        node: Node,
        statistics: Statistics,
        families: Iterable[str] = USUAL,
        vhosts: Iterable[str] = (),
        pattern: Pattern | None = None,
    ) -> None:
        self._node: Final = node
        self._statistics: Final = statistics
        self._families: Final = frozenset(families)
        self._pattern: Final = pattern
        wanted = frozenset(vhosts)
        self._vhosts: Final = [v for v in node.vhosts.values() if not wanted or v.name in wanted]
        self._page: Final = Page()
        self._patience: Final = Patience()
        self._prefix = metrics.PREFIX

    # --- three pages -----------------------------------------------------------------------

    async def aggregated(self) -> bytes:
        """Everything in sums."""
        past = self._of_node("aggregated")
        sums = await self._queue_sums()
        publishes, reads = self._flows(past)
        await self._queues([("", sums)], [("", [past_routed(past), *reads])])
        channels = [channel_row(channel) for _, channel in self._channels()]
        self._table(metrics.CHANNEL, _summed(channels, len(metrics.CHANNEL)))
        self._table(metrics.CHANNEL_EXCHANGE, publishes)
        self._table(metrics.CHANNEL_QUEUE, reads)
        self._table(metrics.EXCHANGE, publishes)
        self._table(
            (*metrics.CONNECTION_COARSE, *metrics.CONNECTION, *metrics.CONNECTION_NOW),
            [*traffic_row(past.traffic), 0, self._node.connections.channel_count],
        )
        self._of_protocols(past)
        await self._own(past, is_whole=True)
        return self._page.octets()

    async def per_object(self) -> bytes:
        """Everything, object by object."""
        past = self._of_node("per-object")
        await self._objects()
        self._of_protocols(past)
        await self._own(past, is_whole=False)
        return self._page.octets()

    async def detailed(self) -> bytes:
        """The families asked for, object by object."""
        self._info("detailed")
        self._prefix = metrics.DETAILED
        self._node_families(pasts_of(self._node))
        await self._objects()
        if "leveret_queue_metrics" in self._families:
            await self._head_ages(is_whole=False)
        self._cluster()
        return self._page.octets()

    # --- the node --------------------------------------------------------------------------

    def _of_node(self, endpoint: str) -> Past:
        pasts = pasts_of(self._node)
        past = past_of(self._node, pasts)
        self._info(endpoint)
        consumers = sum([view.consumer_count for view in self._views()])
        connections = self._node.connections
        queue_count = sum([len(vhost.queues) for vhost in self._vhosts])
        self._table(
            metrics.TOTALS,
            [len(connections.by_id), connections.channel_count, consumers, queue_count],
        )
        for resource, metric in metrics.ALARMS.items():
            is_set = resource in self._node.alarms.resources
            self._page.single(self._prefix, metric, 1 if is_set else 0)
        self._node_families(pasts)
        return past

    def _info(self, endpoint: str) -> None:
        node = self._node
        values = node.global_parameters.values
        build = (
            ("rabbitmq_version", RABBITMQ_VERSION),
            ("prometheus_plugin_version", VERSION),
            ("prometheus_client_version", VERSION),
            ("erlang_version", f"Python {platform.python_version()}"),
            ("product_name", "Leveret"),
            ("product_version", VERSION),
        )
        identity = (
            ("rabbitmq_node", node.name),
            # The dashboard finds nodes by it: it is never empty.
            ("rabbitmq_cluster", str(values.get("cluster_name") or node.name)),
            ("rabbitmq_cluster_permanent_id", str(values.get("internal_cluster_id", ""))),
            ("rabbitmq_endpoint", endpoint),
        )
        self._page.several(self._prefix, metrics.BUILD_INFO, [(build, 1)])
        self._page.several(self._prefix, metrics.IDENTITY_INFO, [(identity, 1)])

    def _node_families(self, pasts: dict[str, Past]) -> None:
        tally, families = self._node.tally, self._families
        if "connection_churn_metrics" in families:
            counts = [
                tally.connections_opened,
                tally.connections_closed,
                tally.channels_opened,
                tally.channels_closed,
                tally.queues_declared,
                tally.queues_created,
                tally.queues_deleted,
            ]
            self._table(metrics.CHURN, counts)
        if families & {"node_coarse_metrics", "node_metrics"}:
            facts = machine_facts(self._node)
            coarse = metrics.NODE_COARSE if "node_coarse_metrics" in families else ()
            fine = metrics.NODE if "node_metrics" in families else ()
            for name, factor, metric in (*coarse, *fine):
                if name in facts:
                    self._page.single(self._prefix, metric, facts[name] * factor)
        if "auth_attempt_metrics" in families:
            for index, metric in enumerate(metrics.AUTH):
                counted = [
                    (((("protocol", protocol),)), (good + bad, good, bad)[index])
                    for protocol, (good, bad) in tally.logins.items()
                ]
                self._page.several(self._prefix, metric, counted)

    # --- objects ---------------------------------------------------------------------------

    async def _objects(self) -> None:
        families = self._families
        if any(family.startswith("queue_") for family in families):
            rows = await self._queue_rows()
            await self._queues(rows, [(labels, row[9:17]) for labels, row in rows])
        if "queue_metrics" in families:
            await self._queue_info()
        if "queue_exchange_metrics" in families:
            await self._inflows()
        await self._channel_objects()
        await self._exchange_objects()
        if families & {"connection_coarse_metrics", "connection_metrics"}:
            await self._connection_objects()

    async def _queue_sums(self) -> list[int]:
        """All numbers of all queues."""
        sums = [0] * _QUEUE_ROW
        for vhost in self._vhosts:
            for count, queue in enumerate(list(vhost.queues.values())):
                if count % _STRIDE == 0:
                    await self._patience.rest()
                sums = list(map(add, sums, queue_row(queue)))
        return sums

    async def _queue_rows(self) -> Rows:
        """Of each queue: its labels, and all its numbers."""
        rows: Rows = []
        for vhost in self._vhosts:
            for count, queue in enumerate(list(vhost.queues.values())):
                if count % _STRIDE == 0:
                    await self._patience.rest()
                if self._is_wanted(queue):
                    labels = label_text((("vhost", vhost.name), ("queue", queue.name)))
                    rows.append((labels, queue_row(queue)))
        return rows

    async def _queues(self, rows: Rows, delivery: Rows) -> None:
        """``delivery``: what was published and read, of each, or of all that ever were."""
        families = self._families
        if "queue_coarse_metrics" in families:
            await self._columns(metrics.QUEUE_COARSE, rows)
        if families & {"queue_consumer_count", "queue_metrics"}:
            await self._columns(
                (metrics.QUEUE_CONSUMERS,), [(text, row[3:4]) for text, row in rows]
            )
        if "queue_metrics" in families:
            more = [(text, _queue_metrics(row)) for text, row in rows]
            await self._columns(metrics.QUEUE_METRICS, more)
        if "queue_delivery_metrics" in families:
            await self._columns(metrics.QUEUE_DELIVERY, delivery)

    async def _queue_info(self) -> None:
        """What queues there are."""
        rows: Rows = []
        for vhost in self._vhosts:
            for queue in list(vhost.queues.values()):
                await self._patience.rest()
                if self._is_wanted(queue):
                    kind = f"rabbit_{queue.kind}_queue"
                    names = (("vhost", vhost.name), ("queue", queue.name), ("queue_type", kind))
                    rows.append((label_text((*names, ("membership", "leader"))), [1]))
        await self._columns((metrics.QUEUE_INFO,), rows)

    def _is_wanted(self, queue: Queue) -> bool:
        return self._pattern is None or self._pattern.matches(queue.name)

    async def _inflows(self) -> None:
        """Which exchange put how much into which queue."""
        rows: Rows = []
        for vhost in self._vhosts:
            for queue in list(vhost.queues.values()):
                await self._patience.rest()
                for exchange, count in (queue.inflow or {}).items():
                    labels = (("vhost", vhost.name), ("queue", queue.name), ("exchange", exchange))
                    rows.append((label_text(labels), [count]))
        await self._columns((metrics.QUEUE_EXCHANGE,), rows)

    def _links(self) -> list[Link]:
        names = {vhost.name for vhost in self._vhosts}
        return [one for one in self._node.connections.by_id.values() if one.vhost in names]

    def _channels(self) -> list[tuple[str, ChannelView]]:
        return [
            (link.vhost, channel)
            for link in self._links()
            for channel in list(link.channels.values())
            if channel is not None
        ]

    def _views(self) -> list[ChannelView]:
        """The channels, and the connections of protocols that have none."""
        found = [channel for _, channel in self._channels()]
        return found + [link.view for link in self._links() if link.view is not None]

    async def _channel_objects(self) -> None:
        families = self._families
        channels, written, read = [], [], []
        for vhost, channel in self._channels():
            await self._patience.rest()
            name = channel.name
            channels.append((label_text((("channel", name),)), channel_row(channel)))
            for tally in channel.publishes():
                labels = (("channel", name), ("vhost", vhost), ("exchange", tally.exchange))
                written.append((label_text(labels), publish_counts(tally)))
            for each in channel.reads():
                labels = (("channel", name), ("vhost", vhost), ("queue", each.queue))
                read.append((label_text(labels), read_counts(each)))
        if "channel_metrics" in families:
            await self._columns(metrics.CHANNEL, channels)
        if "channel_exchange_metrics" in families:
            await self._columns(metrics.CHANNEL_EXCHANGE, written)
        if "channel_queue_metrics" in families:
            await self._columns(metrics.CHANNEL_QUEUE, read)

    async def _exchange_objects(self) -> None:
        if "exchange_metrics" not in self._families:
            return
        rows: Rows = []
        for vhost in self._vhosts:
            for exchange in list(vhost.exchanges.values()):
                await self._patience.rest()
                total = exchange.publishers.total()
                if total.published > 0:
                    labels = (("vhost", vhost.name), ("exchange", exchange.name))
                    rows.append((label_text(labels), publish_counts(total)))
        await self._columns(metrics.EXCHANGE, rows)

    async def _connection_objects(self) -> None:
        coarse: Rows = []
        fine: Rows = []
        for link in self._links():
            await self._patience.rest()
            labels, row = label_text((("channel", link.name),)), traffic_row(link.traffic)
            coarse.append((labels, row[:2]))
            fine.append((labels, [*row[2:], 0, len(link.channels)]))
        if "connection_coarse_metrics" in self._families:
            await self._columns(metrics.CONNECTION_COARSE, coarse)
        if "connection_metrics" in self._families:
            await self._columns((*metrics.CONNECTION, *metrics.CONNECTION_NOW), fine)

    def _cluster(self) -> None:
        """What is the same on all nodes."""
        families, page, prefix = self._families, self._page, metrics.CLUSTER
        if "vhost_status" in families:
            up: list[tuple[Labels, float]] = [((("vhost", v.name),), 1) for v in self._vhosts]
            page.several(prefix, metrics.VHOST_STATUS, up)
        exchanges = [
            ((("vhost", v.name), ("exchange", x.name), ("type", x.kind)), len(x.bindings))
            for v in self._vhosts
            for x in v.exchanges.values()
            if x.name
        ]
        if "exchange_bindings" in families:
            page.several(prefix, metrics.EXCHANGE_BINDINGS, exchanges)
        if "exchange_names" in families:
            page.several(prefix, metrics.EXCHANGE_NAME, [(labels, 1) for labels, _ in exchanges])

    # --- protocols, and our own ------------------------------------------------------------

    def _of_protocols(self, past: Past) -> None:
        page, prefix = self._page, self._prefix
        for index, metric in enumerate(metrics.GLOBAL_PUBLISHES):
            page.several(
                prefix,
                metric,
                [
                    ((("protocol", name),), _received(flow.publishes)[index])
                    for name, flow in past.flows.items()
                ],
            )
        publishers: dict[str, int] = dict.fromkeys(past.flows, 0)
        consumers: dict[str, int] = dict.fromkeys(past.flows, 0)
        for view in self._views():
            consumers[view.protocol] += view.consumer_count
            if any(tally.published > 0 for tally in view.publishes()):
                publishers[view.protocol] += 1
        for metric, counts in zip(metrics.GLOBAL_NOW, (publishers, consumers), strict=True):
            page.several(prefix, metric, [((("protocol", n),), c) for n, c in counts.items()])
        for index, metric in enumerate(metrics.GLOBAL_READS):
            page.several(prefix, metric, _reads_by_kind(past, index))
        for name, flow in past.flows.items():
            sizes = flow.sizes
            page.histogram(
                prefix,
                metrics.MESSAGE_SIZE,
                (("protocol", name),),
                SIZES,
                sizes.counts(),
                int(sizes.octets),
            )
        self._dead()

    def _dead(self) -> None:
        dead = self._node.tally.losses.dead
        for reason, (metric, kinds) in metrics.DEAD.items():
            values: list[tuple[Labels, float]] = []
            for kind, strategies in kinds.items():
                for strategy in strategies:
                    labels = (
                        ("queue_type", f"rabbit_{kind}_queue"),
                        ("dead_letter_strategy", strategy),
                    )
                    values.append((labels, dead.get((kind, reason, strategy), 0)))
            self._page.several(self._prefix, metric, values)

    async def _own(self, past: Past, is_whole: bool) -> None:
        page, waits = self._page, self._statistics.waits
        await self._head_ages(is_whole)
        page.histogram(metrics.OWN, metrics.WAIT, NO_LABELS, BOUNDS, waits.counts, waits.sum_s)
        publishes = flow_of(past).publishes
        unroutable = (int(publishes.dropped), int(publishes.returned))
        page.several(
            metrics.OWN,
            metrics.UNROUTABLE,
            [
                ((("reason", reason),), count)
                for reason, count in zip(metrics.UNROUTABLE_REASONS, unroutable, strict=True)
            ],
        )
        losses = self._node.tally.losses
        counts = dict.fromkeys(metrics.DROP_REASONS, 0) | losses.dropped
        for (_, reason, _), count in losses.dead.items():
            counts[reason] = counts.get(reason, 0) + count
        dropped: list[tuple[Labels, float]] = [((("reason", r),), c) for r, c in counts.items()]
        page.several(metrics.OWN, metrics.DROPPED, dropped)

    async def _head_ages(self, is_whole: bool) -> None:
        waits, now_ns = self._statistics.waits, self._node.clock.now_ns()
        ages: list[tuple[Labels, float]] = []
        for vhost in self._vhosts:
            for queue in list(vhost.queues.values()):
                await self._patience.rest()
                if queue.ready_count > 0 and self._is_wanted(queue):
                    labels = (("vhost", vhost.name), ("queue", queue.name))
                    ages.append((labels, round(waits.head_age_s(queue, now_ns), 3)))
        if is_whole:
            ages = [(NO_LABELS, max([age for _, age in ages], default=0))]
        self._page.several(metrics.OWN, metrics.HEAD_AGE, ages)

    # --- tables ----------------------------------------------------------------------------

    def _flows(self, past: Past) -> tuple[list[int], list[int]]:
        flow = flow_of(past)
        return publish_counts(flow.publishes), read_counts(read_of(flow))[:7]

    def _table(self, names: Iterable[Metric], values: list[int]) -> None:
        for metric, value in zip(names, values, strict=False):
            self._page.single(self._prefix, metric, value)

    async def _columns(self, names: Iterable[Metric], rows: Rows) -> None:
        """A metric for each column of the rows."""
        page = self._page
        for index, metric in enumerate(names):
            page.begin(self._prefix, metric)
            name = self._prefix + metric.name
            for count, (labels, row) in enumerate(rows):
                if count % _STRIDE == 0:
                    page.encode()
                    await self._patience.rest()
                page.sample(name, labels, row[index])


def past_routed(past: Past) -> int:
    """How many copies queues were given."""
    return int(flow_of(past).publishes.routed)


def _summed(rows: list[list[int]], width: int) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)] or [0] * width


def _queue_metrics(row: list[int]) -> list[int]:
    """In the order of ``metrics.QUEUE_METRICS``, from what ``queue_row`` gives."""
    ready, unacked, total, _, capacity, ready_octets, out_octets, paged, paged_octets = row[:9]
    octets = ready_octets + out_octets
    return [
        capacity,
        capacity,
        octets,
        ready_octets,
        out_octets,
        total - paged,
        octets - paged_octets,
        ready - paged,
        unacked,
        paged,
        paged_octets,
    ]


def _received(tally: PublishTally) -> list[int]:
    """In the order of ``metrics.GLOBAL_PUBLISHES``."""
    return [
        int(tally.published),
        int(tally.received_confirm),
        int(tally.confirmed),
        int(tally.routed),
        int(tally.dropped),
        int(tally.returned),
    ]


def _reads_by_kind(past: Past, index: int) -> list[tuple[Labels, float]]:
    values: list[tuple[Labels, float]] = []
    for protocol, flow in past.flows.items():
        for kind in ("classic", "quorum"):
            labels = (("protocol", protocol), ("queue_type", f"rabbit_{kind}_queue"))
            values.append((labels, read_counts(flow.read(kind))[index]))
    return values
