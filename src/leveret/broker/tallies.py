"""What is counted on the way of messages, for statistics: integers, bumped in place.

::

    Route.uses ──▶ PublishTally   of a channel and an exchange ─┐
    deliver, ack ▶ ReadTally      of a channel and a queue ─────┤ when the channel ends
                                                                ▼
                   of the exchange, of the queue, and the Flow of the vhost and protocol

While a channel is open nothing is added up: whoever asks for the numbers of a queue adds those of
its readers to what readers left that are gone.  ``node_tally`` does that for the whole node.
Data plane; knows no queue, no exchange and no protocol.
"""

from abc import abstractmethod
from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from leveret.broker.message import Message
from leveret.broker.timetable import Appointee
from leveret.session import Traffic

# The upper bounds of the sizes that messages are counted by, as RabbitMQ has them.
SIZES: Final = (100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000, 100_000_000)

# Why a message is dropped, beside the reasons that it becomes a dead letter for.
PURGED: Final = "purged"
DELETED: Final = "queue_deleted"
REFUSED: Final = "refused"


@final
class Holding:
    """A message that was delivered and is not answered for.

    ``since_ns`` is when that was seen, at most a tick of the session after it happened.
    """

    def __init__(self, message: Message, offset: int, consumer_tag: str, since_ns: int) -> None:
        self.message: Final = message
        self.offset: Final = offset
        # Empty for one that was asked for.
        self.consumer_tag: Final = consumer_tag
        self.since_ns: Final = since_ns


@mypyc_attr(allow_interpreted_subclasses=True)
class ChannelView(Appointee):
    """One open channel, or what is its like in another protocol, as lists and statistics see it.

    ``reads`` and ``publishes`` have what it read from which queue and published to which exchange,
    by their names; ``collect`` brings them up to date.  ``protocol`` is what metrics call it.
    """

    def __init__(self, protocol: str, number: int) -> None:
        super().__init__()
        self.protocol: Final = protocol
        self.number: Final = number
        self.is_confirming = False
        self.is_transactional = False
        self.prefetch_count = 0
        self.global_prefetch_count = 0

    @property
    @abstractmethod
    def name(self) -> str:
        """How people tell channels apart: the connection's name and the number."""

    @property
    @abstractmethod
    def consumer_count(self) -> int:
        """How many consumers it has."""

    @property
    @abstractmethod
    def unacked_count(self) -> int:
        """How many deliveries are not answered for."""

    @property
    @abstractmethod
    def unconfirmed_count(self) -> int:
        """How many publishes are not confirmed yet."""

    @property
    @abstractmethod
    def uncommitted_count(self) -> int:
        """How many publishes wait for the end of their transaction."""

    @property
    @abstractmethod
    def uncommitted_acks_count(self) -> int:
        """How many answers to deliveries wait for the end of their transaction."""

    @abstractmethod
    def collect(self) -> None:
        """Write what was counted on the way into the tallies."""

    @abstractmethod
    def publishes(self) -> "list[PublishTally]":
        """What it published, one tally for each exchange."""

    @abstractmethod
    def reads(self) -> "list[ReadTally]":
        """What it read, one tally for each queue."""

    def holdings(self, queue: object) -> list[Holding]:
        """Its deliveries of ``queue`` that are not answered for, the oldest first."""
        return []


@final
class PublishTally:
    """What was published: by one ``channel`` to the ``exchange``, or by many.

    ``routed`` counts copies: how many a queue was given.  ``received_confirm`` are those of
    ``published`` that are to be confirmed, and ``confirmed`` those of them that the broker answers
    for, though some may still wait for the disk.
    """

    def __init__(self, exchange: str = "", channel: ChannelView | None = None) -> None:
        self.exchange: Final = exchange
        self.channel: Final = channel
        self.published: i64 = 0
        self.routed: i64 = 0
        self.received_confirm: i64 = 0
        self.confirmed: i64 = 0
        self.returned: i64 = 0
        self.dropped: i64 = 0

    def add(self, other: "PublishTally") -> None:
        """Count what ``other`` has, too."""
        self.published += other.published
        self.routed += other.routed
        self.received_confirm += other.received_confirm
        self.confirmed += other.confirmed
        self.returned += other.returned
        self.dropped += other.dropped


@final
class ReadTally:
    """What was read: by one ``channel`` from the ``queue``, of the type ``kind``, or by many.

    Each delivery counts once: in ``deliver`` or ``get`` if it must be acknowledged, else in the
    one with ``no_ack``; and beside that in ``redeliver`` if it came back before.
    """

    def __init__(self, queue: str = "", kind: str = "", channel: ChannelView | None = None) -> None:
        self.queue: Final = queue
        self.kind: Final = kind
        self.channel: Final = channel
        self.deliver: i64 = 0
        self.deliver_no_ack: i64 = 0
        self.get: i64 = 0
        self.get_no_ack: i64 = 0
        self.get_empty: i64 = 0
        self.redeliver: i64 = 0
        self.ack: i64 = 0

    def add(self, other: "ReadTally") -> None:
        """Count what ``other`` has, too."""
        self.deliver += other.deliver
        self.deliver_no_ack += other.deliver_no_ack
        self.get += other.get
        self.get_no_ack += other.get_no_ack
        self.get_empty += other.get_empty
        self.redeliver += other.redeliver
        self.ack += other.ack

    @property
    def deliver_get(self) -> int:
        """All deliveries, however they came about."""
        return int(self.deliver + self.deliver_no_ack + self.get + self.get_no_ack)


@final
class Publishers:
    """The tallies of those who publish to one exchange, and what others left who are gone."""

    def __init__(self) -> None:
        self.present: Final[dict[PublishTally, None]] = {}
        self._gone: PublishTally | None = None

    def join(self, tally: PublishTally) -> None:
        """``tally`` counts from now on."""
        self.present[tally] = None

    def leave(self, tally: PublishTally) -> None:
        """``tally`` counts no more, but what it has stays."""
        if tally in self.present:
            del self.present[tally]
            if self._gone is None:
                self._gone = PublishTally()
            self._gone.add(tally)

    def total(self) -> PublishTally:
        """All of it, up to date."""
        total = PublishTally()
        if self._gone is not None:
            total.add(self._gone)
        for tally in self.present:
            if tally.channel is not None:
                tally.channel.collect()
            total.add(tally)
        return total


@final
class Readers:
    """The tallies of those who read from one queue, and what others left who are gone."""

    def __init__(self) -> None:
        self.present: Final[dict[ReadTally, None]] = {}
        self._gone: ReadTally | None = None

    def join(self, tally: ReadTally) -> None:
        """``tally`` counts from now on."""
        self.present[tally] = None

    def leave(self, tally: ReadTally) -> None:
        """``tally`` counts no more, but what it has stays."""
        if tally in self.present:
            del self.present[tally]
            if self._gone is None:
                self._gone = ReadTally()
            self._gone.add(tally)

    def total(self) -> ReadTally:
        """All of it."""
        total = ReadTally()
        if self._gone is not None:
            total.add(self._gone)
        for tally in self.present:
            total.add(tally)
        return total


@final
class Sizes:
    """How many messages of which size came in: ``counts`` by `SIZES`, the last is of the rest."""

    def __init__(self) -> None:
        self.octets: i64 = 0
        self._to_100: i64 = 0
        self._to_1000: i64 = 0
        self._to_10000: i64 = 0
        self._to_100000: i64 = 0
        self._larger: Final = [0, 0, 0, 0, 0]

    def note(self, size: i64) -> None:
        """A message with a body of ``size`` octets came.  Hot."""
        self.octets += size
        if size <= 100:
            self._to_100 += 1
        elif size <= 1000:
            self._to_1000 += 1
        elif size <= 10_000:
            self._to_10000 += 1
        elif size <= 100_000:
            self._to_100000 += 1
        else:
            self._note_large(size)

    def _note_large(self, size: i64) -> None:
        index = 0
        while index < 4 and size > SIZES[index + 4]:
            index += 1
        self._larger[index] += 1

    def counts(self) -> list[int]:
        """How many there were of each size, not added up."""
        small = [int(self._to_100), int(self._to_1000), int(self._to_10000), int(self._to_100000)]
        return small + self._larger

    def add(self, other: "Sizes") -> None:
        """Count what ``other`` has, too."""
        self.octets += other.octets
        self._to_100 += other._to_100
        self._to_1000 += other._to_1000
        self._to_10000 += other._to_10000
        self._to_100000 += other._to_100000
        for index in range(len(self._larger)):
            self._larger[index] += other._larger[index]


@final
class Flow:
    """What the channels of one protocol did that are gone; ``reads`` are by type of queue.

    ``sizes`` are of all, gone or not.
    """

    def __init__(self) -> None:
        self.publishes: Final = PublishTally()
        self.reads: Final[dict[str, ReadTally]] = {}
        self.sizes: Final = Sizes()

    def read(self, kind: str) -> ReadTally:
        """What was read from queues of the type ``kind``."""
        found = self.reads.get(kind)
        if found is None:
            found = ReadTally()
            self.reads[kind] = found
        return found

    def add(self, other: "Flow") -> None:
        """Count what ``other`` has, too."""
        self.publishes.add(other.publishes)
        for kind, tally in other.reads.items():
            self.read(kind).add(tally)
        self.sizes.add(other.sizes)


@final
class Past:
    """What connections and channels left in a vhost that are gone; ``flows`` are by protocol."""

    def __init__(self) -> None:
        self.traffic: Final = Traffic()
        self.flows: Final[dict[str, Flow]] = {}

    def flow(self, protocol: str) -> Flow:
        """That of those who spoke ``protocol``."""
        found = self.flows.get(protocol)
        if found is None:
            found = Flow()
            self.flows[protocol] = found
        return found

    def add(self, other: "Past") -> None:
        """Count what ``other`` has, too."""
        self.traffic.add(other.traffic)
        for protocol, flow in other.flows.items():
            self.flow(protocol).add(flow)


@final
class Losses:
    """Messages that died: by type of queue, reason, and what was to become of them.

    ``dropped`` counts all that went without being read, by reason, whatever became of them.
    """

    def __init__(self) -> None:
        self.dead: Final[dict[tuple[str, str, str], int]] = {}
        self.dropped: Final[dict[str, int]] = {}

    def note_dead(self, kind: str, reason: str, strategy: str, count: int = 1) -> None:
        """``count`` messages died in a queue of the type ``kind``."""
        key = (kind, reason, strategy)
        self.dead[key] = self.dead.get(key, 0) + count

    def note_dropped(self, reason: str, count: int) -> None:
        """``count`` messages went for ``reason``."""
        if count > 0:
            self.dropped[reason] = self.dropped.get(reason, 0) + count


@final
class NodeTally:
    """What is counted of a whole node, and of everything in it that is gone.

    ``logins`` are the attempts by protocol: those that succeeded and those that failed.
    ``past`` is that of vhosts that were deleted.
    """

    def __init__(self) -> None:
        self.connections_opened = 0
        self.connections_closed = 0
        self.channels_opened = 0
        self.channels_closed = 0
        self.queues_declared = 0
        self.queues_created = 0
        self.queues_deleted = 0
        self.losses: Final = Losses()
        self.logins: Final[dict[str, list[int]]] = {}
        self.past: Final = Past()

    def note_login(self, protocol: str, is_good: bool) -> None:
        """Somebody tried to log in."""
        counts = self.logins.setdefault(protocol, [0, 0])
        counts[0 if is_good else 1] += 1
