"""What a run is asked to do, whatever protocol it speaks: options with unit, default and limits."""

from typing import Final

from leveret.perf.faults import BadSetting

STAMP_SIZE: Final = 8  # octets of a body's time of sending
NUMBERED_SIZE: Final = 16  # octets of time of sending and number


class Settings:
    """One run's options.  Plain attributes, set by the command line or a test, then ``check()``.

    A *place* is what messages are sent to and consumed from: a queue, a topic, a destination.
    """

    consumers_word = "consumers"

    def __init__(self) -> None:
        self.url = ""
        self.publishers = 1
        self.consumers = 1
        self.connections = 0  # idle ones, besides those of publishers and consumers
        self.size = 16  # octets
        self.under_way = 0  # messages that may be sent and not yet received, in all; 0: any number
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
    def window(self) -> int:
        """Unanswered messages per publisher; 0: the broker is asked for no answers."""
        return 0

    @property
    def place_count(self) -> int:
        """How many places there are."""
        return 1

    @property
    def fan(self) -> int:
        """How often each message should be received."""
        return 1

    @property
    def may_lose(self) -> bool:
        """Whether the broker may drop messages without a word."""
        return False

    @property
    def is_single_file(self) -> bool:
        """Whether what one ledger sees came to one consumer, so in the order of the broker."""
        return self.consumers == 1

    @property
    def publisher_count(self) -> int:
        """All publishers: each place has its own."""
        return self.publishers * self.place_count

    @property
    def consumer_count(self) -> int:
        """All consumers, of all places."""
        return self.consumers * self.place_count

    def check(self) -> None:
        """Refuse combinations that cannot work.  Raises BadSetting."""
        if self.verify:
            self.check_verify()
        if self.under_way and not (self.publishers and self.consumers):
            raise BadSetting(
                f"--under-way needs publishers and {self.consumers_word}: it counts what is between"
            )
        if self.warmup and self.duration and self.warmup >= self.duration:
            raise BadSetting("--warmup must be shorter than --duration, which includes it")
        if self.publisher_count + self.consumer_count + self.connections == 0:
            raise BadSetting(
                f"nothing to do: no publishers, no {self.consumers_word}, no connections"
            )
        if self.publisher_count * self.place_count >= 1 << 22:
            raise BadSetting("publishers times places must be below four million")

    def check_verify(self) -> None:
        """Refuse what --verify cannot look at.  Raises BadSetting."""
        if self.size < NUMBERED_SIZE:
            raise BadSetting(f"--verify needs --size {NUMBERED_SIZE} or more, to number the bodies")
        if not self.stamp:
            raise BadSetting("--verify needs numbered bodies, so not --no-latency")
        if self.consumers == 0:
            raise BadSetting(
                f"--verify needs {self.consumers_word}: somebody must look at the bodies"
            )
