"""What an open STOMP connection works with: one vhost, one user, one line of deliveries.

It stands where AMQP has a channel, and lists show it as one, number 1, as RabbitMQ does.
"""

from typing import Final, final

from leveret.broker.actor import Actor
from leveret.broker.consumer import Consumer
from leveret.broker.message import Message
from leveret.broker.queue import Queue
from leveret.broker.tallies import ChannelView, Holding, PublishTally, ReadTally
from leveret.config.settings import Settings
from leveret.session import Session
from leveret.sessions.entry import Entry
from leveret.sessions.lapses import Lapses, timeout_ms
from leveret.sessions.output import Output
from leveret.sessions.outstanding import Outstanding
from leveret.sessions.publisher import Publisher
from leveret.sessions.reading import Reading
from leveret.stomp.headers import V1_0, V1_1, V1_2
from leveret.stomp.receipts import Receipts

NUMBER: Final = 1
# What metrics call the versions.
_LABELS: Final = {V1_0: "stomp10", V1_1: "stomp11", V1_2: "stomp12"}


@final
class StompChannel(ChannelView):
    """Shared by all that handles frames of one connection, which ``owner_id`` is the id of.

    ``name`` is how people tell the connection from others; ``session_name`` is what the client
    was told, and what message ids have.  ``finish`` does once per chunk of input what would be
    wasteful once per frame.
    """

    def __init__(
        self,
        session: Session,
        output: Output,
        entry: Entry,
        settings: Settings,
        owner_id: int,
        names: tuple[str, str],
        version: int,
    ) -> None:
        super().__init__(_LABELS[version], NUMBER)
        assert entry.vhost is not None
        assert entry.access is not None
        self.vhost: Final = entry.vhost
        self.access: Final = entry.access
        self.output: Final = output
        self.settings: Final = settings
        self.owner_id: Final = owner_id
        self.connection_name: Final = names[0]
        self.session_name: Final = names[1]
        self.version: Final = version
        self.topics: Final = settings.stomp_default_topic_exchange
        self.actor: Final = Actor(self.vhost, self.access, owner_id)
        self.publisher: Final = Publisher(self.vhost, self.access, self, self.connection_name)
        self.receipts: Final = Receipts(session, output, self.vhost.ledger, version)
        self.reading: Final = Reading(self.vhost, self)
        self.outstanding: Final = Outstanding()
        # Subscriptions by their tags, those for replies among them.
        self.consumers: Final[dict[str, Consumer]] = {}
        # What open transactions hold.
        self.held_sends = 0
        self.held_acks = 0
        # The queues that this connection has seen to: they are not declared again.
        self.declared: Final[dict[str, None]] = {}
        self._to_dispatch: list[Queue] = []
        # The watch over deliveries that may not be out for ever.
        self._lapses: Lapses | None = None
        # The time that a delivery had and did not keep to; 0 as long as all do.
        self.lapsed_ms = 0

    def dispatch_later(self, queue: Queue) -> None:
        """A consumer of ``queue`` has room again, or messages came back to it."""
        self._to_dispatch.append(queue)

    def wake(self, consumer: Consumer | None, queue: Queue) -> None:
        """``consumer`` may have room again."""
        if consumer is not None and consumer.is_parked:
            queue.unpark(consumer)
            self.dispatch_later(queue)

    def watch(self, consumer: Consumer, queue: Queue) -> None:
        """Look after the deliveries of a subscription if they may not be out for ever."""
        limit_ms = timeout_ms(self.vhost, consumer, queue)
        if limit_ms == 0 or consumer.no_ack:
            return
        if self._lapses is None:
            self._lapses = Lapses(self.vhost, self.outstanding)
        self._lapses.expect(limit_ms)
        self.vhost.appoint(self, self.vhost.now_ns() + self._lapses.period_ns)

    def on_time(self, now_ns: int) -> None:
        """See whether something has been out too long: the session ends then, at its next tick."""
        lapses = self._lapses
        if lapses is None:
            return
        late = lapses.look(now_ns)
        if late:
            self.lapsed_ms = late[0].limit_ms
        elif self.consumers or len(self.outstanding) > 0:
            self.vhost.appoint(self, now_ns + lapses.period_ns)
        else:
            self._lapses = None

    def trace_delivery(self, message: Message, queue: Queue, redelivered: bool) -> None:
        """Tell the firehose of a delivery."""
        user = self.access.user.name
        firehose = self.vhost.firehose
        firehose.tap_out(message, queue.name, redelivered, self.connection_name, NUMBER, user)

    def finish(self) -> None:
        """Dispatch what came up while a chunk of input was handled."""
        if self._to_dispatch:
            queues = self._to_dispatch
            self._to_dispatch = []
            for queue in queues:
                queue.dispatch()
        if self.vhost.dying:
            self.vhost.hold_funerals()

    # --- what lists and statistics see -------------------------------------------------------

    @property
    def name(self) -> str:
        """How people tell channels apart."""
        return f"{self.connection_name} ({NUMBER})"

    @property
    def consumer_count(self) -> int:
        """How many subscriptions it has."""
        return len(self.consumers)

    @property
    def unacked_count(self) -> int:
        """How many deliveries are not answered for."""
        return len(self.outstanding)

    @property
    def unconfirmed_count(self) -> int:
        """How many receipts are owed."""
        return len(self.receipts)

    @property
    def uncommitted_count(self) -> int:
        """How many messages wait for the end of their transaction."""
        return self.held_sends

    @property
    def uncommitted_acks_count(self) -> int:
        """How many answers to deliveries wait for the end of their transaction."""
        return self.held_acks

    def collect(self) -> None:
        """Write what was counted on the way into the tallies."""
        self.publisher.collect()

    def publishes(self) -> list[PublishTally]:
        """What it published, one tally for each exchange."""
        self.publisher.collect()
        return self.publisher.tallies

    def reads(self) -> list[ReadTally]:
        """What it read, one tally for each queue."""
        return self.reading.tallies

    def holdings(self, queue: object) -> list[Holding]:
        """Its deliveries of ``queue`` that are not answered for, the oldest first."""
        now_ns = self.vhost.now_ns()
        found: list[Holding] = []
        for delivery in self.outstanding.out():
            if delivery.queue is queue:
                tag = delivery.consumer.tag if delivery.consumer is not None else ""
                since_ns = self.outstanding.since_ns(delivery.tag, now_ns)
                found.append(Holding(delivery.message, delivery.offset, tag, since_ns))
        return found
