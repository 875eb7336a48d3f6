"""What is measured: the options of ``leveret perf`` for each scenario, and the goals."""

from fnmatch import fnmatchcase
from typing import Final

AMQP: Final = "amqp"
MQTT: Final = "mqtt"
STOMP: Final = "stomp"

LATENCY_RATE: Final = 10_000  # messages/s
PUBLISH_ONLY_MESSAGES: Final = 20_000_000  # not without end: what nobody consumes stays in memory


class Scenario:
    """One load.  ``goal`` is the ratio Leveret to RabbitMQ that it should at least reach, and
    ``mosquitto_goal`` that to mosquitto, if there is one."""

    def __init__(
        self, name: str, title: str, options: str, goal: float, mosquitto_goal: float = 0
    ) -> None:
        word = name.partition("-")[0]
        self.protocol: Final = word if word in (MQTT, STOMP) else AMQP
        self.mosquitto_goal: Final = mosquitto_goal
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
# MQTT has no confirms at QoS 0, STOMP none unless they are asked for, and without any RabbitMQ is
# slower the more it is sent: its backlog grows.  So a load is held back as soon as so many messages
# are under way; with so many, RabbitMQ and mosquitto are about as fast as they get.
OTHERS: Final = [
    Scenario("mqtt-0", "QoS 0, 1 publisher, 1 subscriber", "--qos=0 --under-way=5000", 3),
    Scenario(
        "mqtt-1",
        "QoS 1, 1 publisher, 1 subscriber, 100 unanswered",
        "--qos=1 --inflight=100 --under-way=1000",
        3,
    ),
    Scenario(
        "mqtt-0-100",
        "QoS 0, 1 publisher, 100 subscribers (deliveries)",
        "--qos=0 --subscribers=100 --under-way=10",
        3,
        1,
    ),
    Scenario(
        "mqtt-0-100-flood",
        "the same, all that the publisher can send (mosquitto drops most of it)",
        "--qos=0 --subscribers=100",
        3,
        1,
    ),
    Scenario(
        "mqtt-1-100",
        "QoS 1, 1 publisher, 100 subscribers (deliveries)",
        "--qos=1 --inflight=20 --subscribers=100 --under-way=10",
        3,
    ),
    Scenario(
        "mqtt-persistent",
        "QoS 1, 1 publisher, 1 subscriber with a persistent session",
        "--qos=1 --inflight=100 --under-way=1000 --persistent",
        3,
    ),
    Scenario("stomp-auto", "1 publisher, 1 subscriber, ack:auto", "--ack=auto --under-way=1000", 4),
    Scenario(
        "stomp-client",
        "1 publisher, 1 subscriber, ack:client, prefetch 100, one ACK per message",
        "--ack=client --prefetch=100 --under-way=1000",
        4,
    ),
    Scenario(
        "stomp-receipts",
        "1 publisher, 1 subscriber, ack:auto, 100 SENDs awaiting their receipts",
        "--receipts=100 --under-way=1000",
        4,
    ),
]
FOOTPRINT: Final = "footprint"
MQTT_IDLE: Final = "mqtt-idle"
NAMES: Final = [each.name for each in [*SCENARIOS, *OTHERS]] + [FOOTPRINT, MQTT_IDLE]


def chosen(names: list[str]) -> list[Scenario]:
    """Those that ``names`` fit, in which * stands for anything; all when there are none."""
    return [each for each in [*SCENARIOS, *OTHERS] if is_chosen(each.name, names)]


def is_chosen(name: str, names: list[str]) -> bool:
    """Whether one of ``names`` fits, or there are none."""
    return not names or any(fnmatchcase(name, pattern) for pattern in names)
