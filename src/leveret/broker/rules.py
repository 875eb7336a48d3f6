"""What a queue does with messages that grow old, too many or too troublesome, and when unused.

Its arguments and its policy say so together.  Control plane: made anew whenever the policy changes.
Behaviour: RabbitMQ 4.3, "Time-to-Live and Expiration", "Queue Length Limit", "Dead Letter
Exchanges", "Quorum Queues", "Policies".
"""

from typing import Final, final

from leveret.tables import Table

CLASSIC: Final = "classic"
QUORUM: Final = "quorum"
# RabbitMQ's name of the type, without what all of them begin and end with.
MAILBOX: Final = "mqtt_qos0"

DROP_HEAD: Final = "drop-head"
REJECT_PUBLISH: Final = "reject-publish"
REJECT_PUBLISH_DLX: Final = "reject-publish-dlx"
OVERFLOWS: Final = (DROP_HEAD, REJECT_PUBLISH, REJECT_PUBLISH_DLX)

DISABLED: Final = "disabled"
AT_MOST_ONCE: Final = "at-most-once"
AT_LEAST_ONCE: Final = "at-least-once"

# Which messages that come back to a quorum queue wait before they are delivered again.
RETRY_DISABLED: Final = "disabled"
RETRY_ALL: Final = "all"
RETRY_FAILED: Final = "failed"
RETRY_RETURNED: Final = "returned"

DELIVERY_LIMIT: Final = 20


@final
class Rules:
    """Numbers are -1 where there is no such rule; the dead-letter exchange is None then.

    ``dead_letter_key`` None keeps the keys that messages have.  ``delivery_limit`` is how often a
    delivery may fail.  ``is_careful``: dead letters are kept until their queues took them.
    """

    def __init__(
        self, arguments: Table, policy: dict[str, object] | None = None, kind: str = CLASSIC
    ) -> None:
        given = _Given(arguments, policy or {})
        is_quorum = kind == QUORUM
        self.ttl_ms: Final = given.least("message-ttl")
        self.expires_ms: Final = given.least("expires")
        self.max_length: Final = given.least("max-length")
        self.max_octets: Final = given.least("max-length-bytes")
        self.overflow: Final = _overflow(given, is_quorum)
        self.dead_letter_exchange: Final = given.word("dead-letter-exchange")
        self.dead_letter_key: Final = given.word("dead-letter-routing-key")
        self.consumer_timeout_ms: Final = given.least("consumer-timeout")
        self.delivery_limit: Final = given.delivery_limit() if is_quorum else -1
        self.is_careful: Final = (
            is_quorum
            and self.overflow == REJECT_PUBLISH
            and self.dead_letter_exchange is not None
            and given.word("dead-letter-strategy") == AT_LEAST_ONCE
        )
        self._retry: Final = given.word("delayed-retry-type") if is_quorum else RETRY_DISABLED
        self._retry_min_ms: Final = given.least("delayed-retry-min")
        self._retry_max_ms: Final = given.least("delayed-retry-max")

    @property
    def dead_letter_strategy(self) -> str:
        """What becomes of messages that die, in the words of RabbitMQ's metrics."""
        if self.dead_letter_exchange is None:
            return DISABLED
        return "at_least_once" if self.is_careful else "at_most_once"

    @property
    def has_limits(self) -> bool:
        """Whether the queue may be too long."""
        return self.max_length >= 0 or self.max_octets >= 0

    def is_over(self, count: int, octets: int) -> bool:
        """Whether ``count`` messages with bodies of ``octets`` are too many."""
        return (0 <= self.max_length < count) or (0 <= self.max_octets < octets)

    def retry_ms(self, is_failure: bool, failed_count: int) -> int:
        """How long a message that came back is to wait, having failed so often; 0 for not."""
        if self._retry == RETRY_DISABLED or self._retry is None or self._retry_min_ms <= 0:
            return 0
        if self._retry == RETRY_FAILED and not is_failure:
            return 0
        if self._retry == RETRY_RETURNED and is_failure:
            return 0
        # What never failed waits the shortest time too.
        wait_ms = self._retry_min_ms * max(failed_count, 1)
        return wait_ms if self._retry_max_ms <= 0 else min(wait_ms, self._retry_max_ms)


@final
class _Given:
    """What arguments and policy say, each under the policy's name for it."""

    def __init__(self, arguments: Table, policy: dict[str, object]) -> None:
        self._arguments: Final = arguments
        self._policy: Final = policy

    def argument(self, name: str) -> object:
        field = self._arguments.get("x-" + name)
        return field.value if field is not None else None

    def policy(self, name: str) -> object:
        return self._policy.get(name)

    def least(self, name: str) -> int:
        """The smaller of two numbers, -1 when neither is given."""
        least = -1
        for value in (self.argument(name), self.policy(name)):
            if isinstance(value, int) and value >= 0:
                least = value if least < 0 else min(least, value)
        return least

    def word(self, name: str) -> str | None:
        """The argument, or else the policy."""
        for value in (self.argument(name), self.policy(name)):
            if isinstance(value, str):
                return value
        return None

    def delivery_limit(self) -> int:
        """As `least`; a negative number means that there is no limit, and gives way to one."""
        limits = [
            value
            for value in (self.argument("delivery-limit"), self.policy("delivery-limit"))
            if isinstance(value, int)
        ]
        if not limits:
            return DELIVERY_LIMIT
        if min(limits) < 0:
            return max([*limits, -1])
        return min(limits)


def _overflow(given: _Given, is_quorum: bool) -> str:
    if not is_quorum:
        return given.word("overflow") or DROP_HEAD
    # Here the policy is the stronger one.
    for value in (given.policy("overflow"), given.argument("overflow")):
        if isinstance(value, str):
            return REJECT_PUBLISH if value == REJECT_PUBLISH else DROP_HEAD
    return DROP_HEAD
