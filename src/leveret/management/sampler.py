"""Looks every five seconds what is counted, while somebody asks for statistics, and remembers it.

How a view asks for the statistics of a thing::

    statistics = statistics_of(call.node)       # one for each node; this also says: somebody looks
    spans = read_spans(call.query)              # lengths_age=60&lengths_incr=5 and its like
    facts.update(statistics.queue(queue, spans))       # messages_details, …, message_stats
    facts.update(statistics.exchange(exchange, spans)) # message_stats
    facts.update(statistics.channel(channel, spans))   # message_stats
    facts.update(statistics.connection(link, spans))   # recv_oct_details, send_oct_details
    facts.update(statistics.vhost(vhost, spans))       # message_stats, recv_oct, …_details
    facts.update(statistics.overview(spans))    # message_stats, churn_rates, queue_totals
    facts.update(statistics.part(vhosts, spans))       # the same of vhosts that the user may see
    facts.update(statistics.node(spans))        # mem_used_details, connection_created, …

Each gives what is there now beside the rates, under RabbitMQ's names, and costs some microseconds;
``message_stats`` is left out where nothing ever happened, as RabbitMQ does.  What uses what
(``incoming``, ``outgoing``, ``publishes``, ``deliveries``) is in ``leveret.management.breakdown``.

The looking is cut into slices, so that ten thousand queues hold nobody up, and ends two minutes
after the last question: then all but the past of the node as a whole is forgotten.
"""

import asyncio
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar, final

from leveret.broker.connections import Link
from leveret.broker.exchange import Exchange
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.tallies import ChannelView, Past
from leveret.broker.totals import (
    CHANNEL_COUNTS,
    EXCHANGE_COUNTS,
    LENGTHS,
    OCTETS,
    PUBLISHES,
    QUEUE_COUNTS,
    READS,
    VHOST_COUNTS,
    channel_counts,
    exchange_counts,
    flow_counts,
    flow_of,
    node_lengths,
    past_of,
    pasts_of,
    queue_counts,
    vhost_counts,
)
from leveret.broker.vhost import VHost
from leveret.management.samples import (
    BRIEF,
    GLOBAL,
    NO_SPANS,
    TICK_MS,
    Row,
    Series,
    Spans,
    merged,
)
from leveret.management.waits import Waits
from leveret.ports import Memory

Thing = TypeVar("Thing")
Facts = dict[str, Any]
Later = Callable[[float, Callable[[], None]], Any]

WATCHED_NS: Final = 120_000_000_000
# So long a slice of a look may take; then everybody else has a turn.
_SLICE_NS: Final = 2_000_000
# By how much a timer of the loop may ring before its time.
_EARLY_MS: Final = 5
_BETWEEN: Final = 16
# All channels are not asked again for each of many vhosts.
_FRESH_NS: Final = 50_000_000

CHURN: Final = (
    "connection_created",
    "connection_closed",
    "channel_created",
    "channel_closed",
    "queue_declared",
    "queue_created",
    "queue_deleted",
)
DISK: Final = ("disk_reads", "disk_writes")
NODE: Final = ("mem_used", "sockets_used", "proc_used")
_OVERVIEW: Final = (*PUBLISHES, *READS, *LENGTHS, *CHURN, *NODE)


def statistics_of(node: Node) -> "Statistics":
    """Those of ``node``, which are looked after from now on for a while."""
    found = node.statistics
    if not isinstance(found, Statistics):
        found = Statistics(node, asyncio.get_running_loop().call_later)
        node.statistics = found
    found.touch()
    return found


def forget_statistics(node: Node) -> None:
    """The node ends: look no more."""
    if isinstance(node.statistics, Statistics):
        node.statistics.stop()
    node.statistics = None


@final
class Gallery(dict[Any, Series]):
    """The series of all things of one kind.  Those of things that are gone go with the next look.

    ``names`` are those of the numbers.
    """

    def __init__(self, names: tuple[str, ...], take: Callable[[Any], list[int]]) -> None:
        super().__init__()
        self.names: Final = names
        self.take: Final = take
        self.seen: set[Any] = set()
        # Whether all there was has been looked at: then what is not known did not exist.
        self.is_complete = False

    def look(self, thing: Any, time_ms: int) -> None:
        """Remember what is counted of ``thing`` now."""
        series = self.get(thing)
        if series is None:
            series = Series()
            self[thing] = series
            if self.is_complete:
                series.add(time_ms - TICK_MS, array("q", [0] * len(self.names)))
        # Packed, for there may be many.
        series.add(time_ms, array("q", self.take(thing)))
        self.seen.add(thing)

    def sweep(self) -> None:
        """Forget what was not seen since the last time."""
        for thing in [each for each in self if each not in self.seen]:
            del self[thing]
        self.seen = set()
        self.is_complete = True

    def forget(self) -> None:
        """Forget them all."""
        self.clear()
        self.seen = set()
        self.is_complete = False


@final
class Statistics:
    """The numbers of one node and their recent past.  ``later`` calls something after seconds."""

    def __init__(self, node: Node, later: Later) -> None:
        self._node: Final = node
        self._later: Final = later
        self._memory: Final = Memory()
        self._asked_ns = 0
        self._timer: Any = None
        self._slices: Iterator[None] | None = None
        self._time_ms = 0
        self._whole: Final = Series(GLOBAL)
        self._queues: Final = Gallery(QUEUE_COUNTS, queue_counts)
        self._exchanges: Final = Gallery(EXCHANGE_COUNTS, _of_exchange)
        self._channels: Final = Gallery(CHANNEL_COUNTS, channel_counts)
        self._links: Final = Gallery(OCTETS, _of_link)
        self._vhosts: Final = Gallery(VHOST_COUNTS, self._of_vhost)
        self._pasts: dict[str, Past] = {}
        self._pasts_ns = 0
        self.waits: Final = Waits()

    # --- when ------------------------------------------------------------------------------

    def touch(self) -> None:
        """Somebody looks: go on for a while."""
        self._asked_ns = self._node.clock.now_ns()
        if self._timer is None and self._slices is None:
            self._look()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._slices = None

    @property
    def is_watched(self) -> bool:
        """Whether somebody asked lately."""
        return self._node.clock.now_ns() - self._asked_ns < WATCHED_NS

    def _look(self) -> None:
        """Begin a look at everything."""
        self._timer = None
        # As RabbitMQ's: at full steps of the clock that people read.
        self._time_ms = self._node.clock.unix_ms() // TICK_MS * TICK_MS
        self._pasts_ns = 0
        self._whole.add(self._time_ms, self._whole_row())
        if not self.is_watched:
            self._forget()
            self._wait()
            return
        self._slices = self._parts()
        self._go_on()

    def _forget(self) -> None:
        for gallery in self._galleries():
            gallery.forget()
        self.waits.clear()

    def _galleries(self) -> list[Gallery]:
        return [self._queues, self._exchanges, self._channels, self._links, self._vhosts]

    def _go_on(self) -> None:
        """One slice of the look."""
        slices = self._slices
        if slices is None:
            return
        try:
            is_done = self._iterate(slices)
        except Exception:
            # One thing that cannot be counted must not end the counting for good.
            self._node.notices.crash("statistics: a look at the broker failed")
            is_done = True
        if is_done:
            self._slices = None
            self._wait()
        else:
            self._timer = self._later(0, self._go_on)

    def _iterate(self, slices: Iterator[None]) -> bool:
        """Go on for the time of one slice.  Whether that was the last."""
        clock = self._node.clock
        until_ns = clock.now_ns() + _SLICE_NS
        while clock.now_ns() < until_ns:
            if next(slices, self) is self:
                return True
        return False

    def _wait(self) -> None:
        # A timer may ring a little early, which would be taken for the tick before.
        rest_ms = TICK_MS - self._node.clock.unix_ms() % TICK_MS + _EARLY_MS
        self._timer = self._later(rest_ms / 1000, self._look)

    def _parts(self) -> Iterator[None]:
        """Look at everything; whoever iterates may stop in between."""
        node, time_ms, now_ns = self._node, self._time_ms, self._node.clock.now_ns()
        for vhost in list(node.vhosts.values()):
            self._vhosts.look(vhost, time_ms)
            for count, queue in enumerate(list(vhost.queues.values())):
                if count % _BETWEEN == 0:
                    yield
                self._queues.look(queue, time_ms)
                self.waits.look(queue, now_ns)
            for count, exchange in enumerate(list(vhost.exchanges.values())):
                if count % _BETWEEN == 0:
                    yield
                self._exchanges.look(exchange, time_ms)
        for link in list(node.connections.by_id.values()):
            yield
            self._links.look(link, time_ms)
            for channel in list(link.channels.values()):
                if channel is not None:
                    self._channels.look(channel, time_ms)
        for gallery in self._galleries():
            gallery.sweep()
        self.waits.sweep()

    # --- what ------------------------------------------------------------------------------

    def queue(self, queue: Queue, spans: Spans = NO_SPANS) -> Facts:
        """How its length changes, and what went through it."""
        series = self._series(self._queues, queue, spans)
        counts = dict(zip(QUEUE_COUNTS, queue_counts(queue), strict=True))
        facts = _detailed(counts, QUEUE_COUNTS, LENGTHS, series, spans.lengths)
        groups = (("publish",), READS)
        return facts | _message_stats(counts, QUEUE_COUNTS, groups, series, spans)

    def exchange(self, exchange: Exchange, spans: Spans = NO_SPANS) -> Facts:
        """What went through it."""
        series = self._series(self._exchanges, exchange, spans)
        counts = dict(zip(EXCHANGE_COUNTS, _of_exchange(exchange), strict=True))
        groups = (("publish_in",), ("publish_out",))
        return _message_stats(counts, EXCHANGE_COUNTS, groups, series, spans)

    def channel(self, channel: ChannelView, spans: Spans = NO_SPANS) -> Facts:
        """What it published and read, and since when it does not."""
        series = self._series(self._channels, channel, spans)
        counts = dict(zip(CHANNEL_COUNTS, channel_counts(channel), strict=True))
        return _message_stats(counts, CHANNEL_COUNTS, (PUBLISHES, READS), series, spans)

    def connection(self, link: Link, spans: Spans = NO_SPANS) -> Facts:
        """What went through its socket."""
        series = self._series(self._links, link, spans)
        counts = dict(zip(OCTETS, _of_link(link), strict=True))
        return _detailed(counts, OCTETS, OCTETS, series, spans.data)

    def vhost(self, vhost: VHost, spans: Spans = NO_SPANS) -> Facts:
        """What goes on in it."""
        series = self._series(self._vhosts, vhost, spans)
        counts = dict(zip(VHOST_COUNTS, self._of_vhost(vhost), strict=True))
        facts = _detailed(counts, VHOST_COUNTS, LENGTHS, series, spans.lengths)
        facts |= _detailed(counts, VHOST_COUNTS, OCTETS, series, spans.data)
        return facts | _message_stats(counts, VHOST_COUNTS, (PUBLISHES, READS), series, spans)

    def overview(self, spans: Spans = NO_SPANS) -> Facts:
        """What goes on in the node."""
        series = self._whole
        counts = dict(zip(_OVERVIEW, self._whole_row(), strict=True))
        facts = _message_stats(counts, _OVERVIEW, (PUBLISHES, READS), series, spans)
        return {
            "message_stats": facts.get("message_stats", {}),
            "churn_rates": _detailed(counts, _OVERVIEW, CHURN, series, spans.rates),
            "queue_totals": _detailed(counts, _OVERVIEW, LENGTHS, series, spans.lengths),
        }

    def part(self, vhosts: Iterable[VHost], spans: Spans = NO_SPANS) -> Facts:
        """The same of some vhosts, for those who may not see the others; without the churn."""
        vhosts = list(vhosts)
        series = merged([self._series(self._vhosts, vhost, spans) for vhost in vhosts], spans)
        rows = [self._of_vhost(vhost) for vhost in vhosts]
        sums = [sum(column) for column in zip(*rows, strict=True)] or [0] * len(VHOST_COUNTS)
        counts = dict(zip(VHOST_COUNTS, sums, strict=True))
        facts = _message_stats(counts, VHOST_COUNTS, (PUBLISHES, READS), series, spans)
        return {
            "message_stats": facts.get("message_stats", {}),
            "queue_totals": _detailed(counts, VHOST_COUNTS, LENGTHS, series, spans.lengths),
        }

    def node(self, spans: Spans = NO_SPANS) -> Facts:
        """What the node takes of the machine, and who came and went."""
        counts = dict(zip(_OVERVIEW, self._whole_row(), strict=True))
        return _detailed(counts, _OVERVIEW, (*NODE, *CHURN), self._whole, spans.node)

    def idle_ms(self, thing: Queue | ChannelView) -> int:
        """Since when nothing of it changes; 0 if it does, or if that is not known."""
        series = self._queues.get(thing)
        if series is None:
            series = self._channels.get(thing)
        if series is None or series.last_ms - series.changed_ms < 2 * TICK_MS:
            return 0
        return series.changed_ms

    def rate(self, queue: Queue, name: str) -> float:
        """That of one of the numbers of a queue, to sort by."""
        series = self._queues.get(queue)
        return series.rate(QUEUE_COUNTS.index(name)) if series is not None else 0.0

    def _series(self, gallery: Gallery, thing: object, spans: Spans) -> Series | None:
        series = gallery.get(thing)
        policy = spans.policy()
        if policy is BRIEF:
            return series
        if series is None:
            gallery.look(thing, self._time_ms)
            series = gallery[thing]
        series.keep(policy)
        return series

    def _whole_row(self) -> Row:
        node = self._node
        tally = node.tally
        past = past_of(node, self._fresh_pasts())
        return (
            *flow_counts(flow_of(past)),
            *node_lengths(node),
            tally.connections_opened,
            tally.connections_closed,
            tally.channels_opened,
            tally.channels_closed,
            tally.queues_declared,
            tally.queues_created,
            tally.queues_deleted,
            self._memory.resident_octets(),
            len(node.connections.by_id),
            node.connections.channel_count,
        )

    def _of_vhost(self, vhost: VHost) -> list[int]:
        past = self._fresh_pasts().get(vhost.name)
        return vhost_counts(vhost, past if past is not None else vhost.past)

    def _fresh_pasts(self) -> dict[str, Past]:
        """What everybody did, as it was a moment ago at most."""
        now_ns = self._node.clock.now_ns()
        if self._pasts_ns == 0 or now_ns - self._pasts_ns > _FRESH_NS:
            self._pasts = pasts_of(self._node)
            self._pasts_ns = now_ns
        return self._pasts


def _of_exchange(exchange: Exchange) -> list[int]:
    return exchange_counts(exchange.publishers)


def _of_link(link: Link) -> list[int]:
    return [int(link.traffic.octets_in), int(link.traffic.octets_out)]


def _detailed(
    counts: dict[str, int],
    order: tuple[str, ...],
    names: tuple[str, ...],
    series: Series | None,
    span: Any,
) -> Facts:
    """``names`` of the counts, each with what its past has to tell."""
    facts: Facts = {}
    for name in names:
        facts[name] = counts[name]
        known = series is not None and series.last_ms > 0
        facts[f"{name}_details"] = (
            series.details(order.index(name), span) if series is not None and known else _unknown()
        )
    return facts


def _unknown() -> Facts:
    return {"rate": 0.0}


def _message_stats(
    counts: dict[str, int],
    order: tuple[str, ...],
    groups: tuple[tuple[str, ...], ...],
    series: Series | None,
    spans: Spans,
) -> Facts:
    """Those groups of which something was ever counted; nothing if there is none."""
    facts: Facts = {}
    for group in groups:
        if any(counts[name] for name in group):
            facts |= _detailed(counts, order, group, series, spans.rates)
    return {"message_stats": facts} if facts else {}
