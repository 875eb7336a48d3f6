"""What is measured: the options of ``leveret perf amqp`` for each scenario, and the goal."""

from typing import Final

LATENCY_RATE: Final = 10_000  # messages/s
PUBLISH_ONLY_MESSAGES: Final = 20_000_000  # not without end: what nobody consumes stays in memory


class Scenario:
    """One load.  ``goal`` is the ratio Leveret to RabbitMQ that it should at least reach."""

    def __init__(self, name: str, title: str, options: str, goal: float) -> None:
        self.name: Final = name
        self.title: Final = title
        self.options: Final = options.split()
        self.goal: Final = goal

    @property
    def is_latency(self) -> bool:
        """Whether lateness is compared, not rate."""
        return "--rate" in self.options

    @property
    def is_publish_only(self) -> bool:
        """Whether the rate is that of publishing, as nobody consumes."""
        return "--consumers=0" in self.options


SCENARIOS: Final = [
    Scenario("auto-ack", "16-octet messages, 1 publisher, 1 consumer, automatic ack", "", 6),
    Scenario(
        "publish-only",
        "publish only, 16 octets",
        f"--consumers=0 --messages={PUBLISH_ONLY_MESSAGES}",
        4,
    ),
    Scenario(
        "ack-100",
        "16 octets, prefetch 1000, one ack per 100",
        "--prefetch=1000 --ack-every=100",
        5,
    ),
    Scenario(
        "ack-1", "16 octets, prefetch 100, one ack per message", "--prefetch=100 --ack-every=1", 3
    ),
    Scenario("1k", "1 KiB messages, automatic ack", "--size=1024", 3),
    Scenario("64k", "64 KiB messages, automatic ack", "--size=65536", 1.5),
    Scenario(
        "fan-out", "fan-out to 10 queues, 16 octets (deliveries)", "--queues=10 --pattern=fanout", 4
    ),
    Scenario(
        "4-4",
        "4 publishers, 4 consumers, one queue, 16 octets",
        "--publishers=4 --consumers=4",
        3,
    ),
    # Without confirms, two hundred clients at once swamp RabbitMQ until nearly nothing comes out:
    # that would flatter us.  Ten unconfirmed messages are what suits it best.
    Scenario(
        "100-queues",
        "100 queues, each 1 publisher (10 unconfirmed) and 1 consumer, 16 octets",
        "--queues=100 --confirm=10",
        3,
    ),
    Scenario(
        "durable-1000",
        "persistent, 16 octets, 1,000 unconfirmed, one ack per 100",
        "--persistent --confirm=1000 --prefetch=1000 --ack-every=100",
        5,
    ),
    Scenario(
        "durable-1",
        "persistent, 16 octets, each confirmed before the next",
        "--persistent --confirm=1 --prefetch=100 --ack-every=1",
        3,
    ),
    Scenario(
        "durable-1k",
        "persistent, 1 KiB, 1,000 unconfirmed, one ack per 100",
        "--persistent --size=1024 --confirm=1000 --prefetch=1000 --ack-every=100",
        3,
    ),
    Scenario(
        "durable-20",
        "persistent, 16 octets, 20 queues, 100 unconfirmed each, one ack per 10",
        "--persistent --queues=20 --confirm=100 --prefetch=100 --ack-every=10",
        3,
    ),
    Scenario(
        "latency",
        f"latency p99 at {LATENCY_RATE:,} messages/s, 16 octets",
        f"--rate {LATENCY_RATE}",
        1,
    ),
]
FOOTPRINT: Final = "footprint"
NAMES: Final = [scenario.name for scenario in SCENARIOS] + [FOOTPRINT]


def chosen(names: list[str]) -> list[Scenario]:
    """Those of ``names``, all when there are none."""
    return [each for each in SCENARIOS if not names or each.name in names]
