"""What a run is asked to do: every option with its unit, default and limits."""

from typing import Final, final

from leveret.perf.faults import BadSetting

OWN: Final = "own"
ROUND_ROBIN: Final = "round-robin"
FANOUT: Final = "fanout"
PATTERNS: Final = (OWN, ROUND_ROBIN, FANOUT)

STAMP_SIZE: Final = 8  # octets of a body's time of sending
NUMBERED_SIZE: Final = 16  # octets of time of sending and number


@final
class Settings:
    """One run's options.  Plain attributes, set by the command line or a test, then ``check()``."""

    def __init__(self) -> None:
        self.url = "amqp://guest:guest@127.0.0.1:5672/%2F"
        self.publishers = 1
        self.consumers = 1
        self.connections = 0  # idle ones, besides those of publishers and consumers
        self.size = 16  # octets
        self.confirm = 0  # unconfirmed messages per publisher; 0: no confirms
        self.ack_every = 0  # messages; 0: automatic
        self.prefetch = 0  # messages per consumer; 0: no limit
        self.persistent = False
        self.mandatory = False
        self.queues = 1
        self.pattern = OWN
        self.queue = ""  # empty: a made-up name, deleted afterwards
        self.existing = False  # use the queues as they are, declare nothing
        self.arguments: dict[str, object] = {}
        self.exchange = ""
        self.exchange_type = ""  # empty: direct, or what the pattern needs
        self.routing_key = ""  # empty: the queue's name
        self.binding_key = ""  # empty: the routing key
        self.rate = 0.0  # messages/s per publisher; 0: as fast as it goes
        self.messages = 0  # per publisher (or to consume in all, without publishers); 0: no limit
        self.duration = 10.0  # seconds; 0: until messages are through or Ctrl-C
        self.warmup = 0.0  # seconds at the start that do not count
        self.stamp = True  # bodies carry time and number
        self.verify = False

    @property
    def is_stamped(self) -> bool:
        """Whether bodies carry their time of sending."""
        return self.stamp and self.size >= STAMP_SIZE

    @property
    def needs_exchange(self) -> bool:
        """Whether the default exchange cannot do what is asked."""
        named = self.exchange or self.exchange_type or self.routing_key or self.binding_key
        return bool(named) or self.pattern == FANOUT

    @property
    def fan(self) -> int:
        """How many queues get each message."""
        return self.queues if self.pattern == FANOUT else 1

    @property
    def publisher_count(self) -> int:
        """All publishers: with the pattern ``own``, each queue has its own."""
        return self.publishers * self.queues if self.pattern == OWN else self.publishers

    @property
    def consumer_count(self) -> int:
        """All consumers, of all queues."""
        return self.consumers * self.queues

    def check(self) -> None:
        """Refuse combinations that cannot work.  Raises BadSetting."""
        if self.queues < 1:
            raise BadSetting("--queues: at least one")
        if self.prefetch and self.ack_every > self.prefetch:
            raise BadSetting(
                f"--ack-every {self.ack_every} with --prefetch {self.prefetch} would wait for ever:"
                " the broker stops sending before the first acknowledgement is due"
            )
        if self.verify:
            self._check_verify()
        if self.warmup and self.duration and self.warmup >= self.duration:
            raise BadSetting("--warmup must be shorter than --duration, which includes it")
        if self.publisher_count + self.consumer_count + self.connections == 0:
            raise BadSetting("nothing to do: no publishers, no consumers, no connections")
        if self.publishers == 0 and self.consumers and not (self.queue or self.exchange):
            raise BadSetting(
                "--publishers 0 needs the --queue to consume from (or the --exchange where others"
                " publish): a queue made up for the run stays empty"
            )
        if self.publisher_count * self.queues >= 1 << 22:
            raise BadSetting("publishers times queues must be below four million")
        if self.existing and not self.queue:
            raise BadSetting("--existing needs the --queue to use")

    def _check_verify(self) -> None:
        if self.size < NUMBERED_SIZE:
            raise BadSetting(f"--verify needs --size {NUMBERED_SIZE} or more, to number the bodies")
        if not self.stamp:
            raise BadSetting("--verify needs numbered bodies, so not --no-latency")
        if self.consumers == 0:
            raise BadSetting("--verify needs consumers: somebody must look at the bodies")
        if self.routing_key and self.queues > 1 and self.pattern != FANOUT:
            raise BadSetting(
                "--verify cannot tell which queue gets what when several share a --routing-key;"
                " leave the key out, or use --pattern fanout"
            )
