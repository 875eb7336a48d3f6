"""Where Leveret is meant to differ from RabbitMQ 3.10, and why: the only place for that.

Leveret follows RabbitMQ 4.3 where that differs from the 3.10 that Debian has.  Each entry names a
scenario (or * for all), what stands in RabbitMQ's trace, and what stands in Leveret's instead.  An
entry that no longer fits RabbitMQ's trace fails its scenario, so that none outlives its reason.
"""

from typing import Final


class Known:
    """One difference that is meant to be.  ``rabbitmq`` may span several lines."""

    def __init__(self, scenario: str, rabbitmq: str, leveret: str, reason: str) -> None:
        self.scenario: Final = scenario
        self.rabbitmq: Final = rabbitmq
        self.leveret: Final = leveret
        self.reason: Final = reason


KNOWN: Final[list[Known]] = []
