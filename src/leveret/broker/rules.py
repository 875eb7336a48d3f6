"""What a queue does with messages that grow old or too many, and with itself when unused.

Behaviour: RabbitMQ 4.3, "Time-to-Live and Expiration", "Queue Length Limit", "Dead Letter
Exchanges".
"""

from typing import Final, final

from leveret.tables import Table

DROP_HEAD: Final = "drop-head"
REJECT_PUBLISH: Final = "reject-publish"
REJECT_PUBLISH_DLX: Final = "reject-publish-dlx"
OVERFLOWS: Final = (DROP_HEAD, REJECT_PUBLISH, REJECT_PUBLISH_DLX)


@final
class Rules:
    """Numbers are -1 where there is no such rule; the dead-letter exchange is None then.

    ``dead_letter_key`` None keeps the keys that messages have.
    """

    def __init__(self, arguments: Table) -> None:
        self.ttl_ms: Final = _number(arguments, "x-message-ttl")
        self.expires_ms: Final = _number(arguments, "x-expires")
        self.max_length: Final = _number(arguments, "x-max-length")
        self.max_octets: Final = _number(arguments, "x-max-length-bytes")
        self.overflow: Final = _word(arguments, "x-overflow") or DROP_HEAD
        self.dead_letter_exchange: Final = _word(arguments, "x-dead-letter-exchange")
        self.dead_letter_key: Final = _word(arguments, "x-dead-letter-routing-key")

    @property
    def has_limits(self) -> bool:
        """Whether the queue may be too long."""
        return self.max_length >= 0 or self.max_octets >= 0

    def is_over(self, count: int, octets: int) -> bool:
        """Whether ``count`` messages with bodies of ``octets`` are too many."""
        return (0 <= self.max_length < count) or (0 <= self.max_octets < octets)


def _number(arguments: Table, name: str) -> int:
    field = arguments.get(name)
    if field is None:
        return -1
    assert isinstance(field.value, int)
    return field.value


def _word(arguments: Table, name: str) -> str | None:
    field = arguments.get(name)
    return str(field.value) if field is not None else None
