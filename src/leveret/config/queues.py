"""The settings of queues and their consumers, and of which RabbitMQ to be like."""

from typing import Final

from leveret.config.kinds import Choice, Duration, Names, Setting

# Some say a year and a bit for ever.
_MOST_MS: Final = 315_360_000_000

QUEUES: Final[list[Setting]] = [
    Duration(
        "consumer_timeout_ms",
        0,
        0,
        _MOST_MS,
        "Time to acknowledge a delivery, where consumer and queue say none; 0 for ever.",
    ),
    Choice(
        "compat",
        "rabbitmq",
        ["rabbitmq", "4.3-strict"],
        "Keep what RabbitMQ 4.3 took away from its users, or refuse it as 4.3 does.",
    ),
    Names(
        "denied_features",
        [],
        "",
        "Of what 4.3 took away, what to refuse though compat keeps the rest.",
        ["transient_nonexcl_queues", "global_qos", "queue_master_locator"],
    ),
]
