"""What a run over AMQP 0-9-1 is asked to do, besides what every run is."""

from typing import Final, final

from leveret.perf.faults import BadSetting
from leveret.perf.settings import Settings

OWN: Final = "own"
ROUND_ROBIN: Final = "round-robin"
FANOUT: Final = "fanout"
PATTERNS: Final = (OWN, ROUND_ROBIN, FANOUT)


@final
class AmqpSettings(Settings):
    """One run's options; the places are queues."""

    def __init__(self) -> None:
        super().__init__()
        self.url = "amqp://guest:guest@127.0.0.1:5672/%2F"
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

    @property
    def window(self) -> int:
        """Unconfirmed messages per publisher."""
        return self.confirm

    @property
    def place_count(self) -> int:
        """The queues."""
        return self.queues

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

    def check(self) -> None:
        """Refuse combinations that cannot work.  Raises BadSetting."""
        if self.queues < 1:
            raise BadSetting("--queues: at least one")
        if self.prefetch and self.ack_every > self.prefetch:
            raise BadSetting(
                f"--ack-every {self.ack_every} with --prefetch {self.prefetch} would wait for ever:"
                " the broker stops sending before the first acknowledgement is due"
            )
        super().check()
        if self.publishers == 0 and self.consumers and not (self.queue or self.exchange):
            raise BadSetting(
                "--publishers 0 needs the --queue to consume from (or the --exchange where others"
                " publish): a queue made up for the run stays empty"
            )
        if self.existing and not self.queue:
            raise BadSetting("--existing needs the --queue to use")

    def check_verify(self) -> None:
        """Refuse what --verify cannot look at.  Raises BadSetting."""
        super().check_verify()
        if self.routing_key and self.queues > 1 and self.pattern != FANOUT:
            raise BadSetting(
                "--verify cannot tell which queue gets what when several share a --routing-key;"
                " leave the key out, or use --pattern fanout"
            )
