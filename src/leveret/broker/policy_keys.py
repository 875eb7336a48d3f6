"""What policies may say: every key, its values, and how the policies of two lists go together.

Control plane.  Behaviour: RabbitMQ 4.3, "Policies", "Operator Policies", and its refusals' texts.
"""

import re
from typing import Final, final

from leveret.broker.message import is_routing_key
from leveret.broker.rules import OVERFLOWS
from leveret.errors import Invalid
from leveret.patterns import compiled
from leveret.terms import term

MOST: Final = (1 << 63) - 1
_MAX_SEGMENT: Final = 3_000_000_000
_AGE: Final = re.compile("[0-9]+[YMDhms]")


class Key:
    """One key of a definition.  ``what`` names its value in the refusal of another one."""

    def __init__(self, what: str) -> None:
        self.what: Final = what

    def accepts(self, value: object) -> bool:
        """Whether the key may have ``value``.  Every one, unless a subclass says otherwise."""
        return True


@final
class Number(Key):
    """A whole number from ``low`` to ``high``."""

    def __init__(self, what: str, low: int = 0, high: int = MOST) -> None:
        super().__init__(what)
        self._low: Final = low
        self._high: Final = high

    def accepts(self, value: object) -> bool:
        """Booleans are no numbers."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self._low <= value <= self._high


@final
class Text(Key):
    """Any text, or one of some words."""

    def __init__(self, what: str, words: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self._words: Final = words

    def accepts(self, value: object) -> bool:
        """Text, and in the list if there is one."""
        return isinstance(value, str) and (not self._words or value in self._words)


@final
class RoutingKey(Key):
    """What a message can have for its routing key."""

    def accepts(self, value: object) -> bool:
        """Differs from RabbitMQ, which takes a longer one and then cannot deliver what died."""
        return isinstance(value, str) and is_routing_key(value)


@final
class Age(Key):
    """A whole number and a unit, from Y(ears) to s(econds)."""

    def accepts(self, value: object) -> bool:
        """Such as 7D."""
        return isinstance(value, str) and _AGE.fullmatch(value) is not None


_MASTERS: Final = ("min-masters", "client-local", "random")
_LEADERS: Final = ("client-local", "balanced", "random", "least-leaders")
KEYS: Final[dict[str, Key]] = {
    "message-ttl": Number("message TTL"),
    "expires": Number("queue expiry", 1),
    "max-length": Number("maximum length"),
    "max-length-bytes": Number("maximum length in bytes"),
    "max-in-memory-length": Number("maximum memory in bytes"),
    "max-in-memory-bytes": Number("maximum memory in bytes"),
    # A negative one stands for no limit.
    "delivery-limit": Number("delivery limit", -MOST),
    "overflow": Text("overflow value", OVERFLOWS),
    "dead-letter-exchange": Text("dead letter exchange name"),
    "dead-letter-routing-key": RoutingKey("dead letter routing key"),
    "dead-letter-strategy": Text("dead letter strategy", ("at-most-once", "at-least-once")),
    "alternate-exchange": Text("alternate exchange name"),
    "queue-mode": Text("queue-mode value", ("default", "lazy")),
    "queue-version": Number("queue-version value", 1, 2),
    "queue-master-locator": Text("queue-master-locator value", _MASTERS),
    "queue-leader-locator": Text("queue leader locator value", _LEADERS),
    "max-age": Age("max age"),
    "stream-max-segment-size-bytes": Number("segment size", 0, _MAX_SEGMENT),
    "stream-filter-size-bytes": Number("filter size", 16, 255),
    "initial-cluster-size": Number("cluster size"),
    "target-group-size": Number("target group size"),
    "member-placement-tag": Text("member placement tag"),
    "consumer-timeout": Number("consumer timeout"),
    "consumer-disconnected-timeout": Number("consumer disconnected timeout"),
    "delayed-retry-type": Text("delayed retry type"),
    "delayed-retry-min": Number("delayed retry minimum"),
    "delayed-retry-max": Number("delayed retry maximum"),
    "federation-upstream": Text("federation upstream name"),
    "federation-upstream-set": Text("federation upstream set name"),
    "federation-upstream-pattern": Text("federation upstream pattern"),
    "shards-per-node": Number("number of shards per node"),
    "routing-key": Text("routing key"),
    # Mirroring is no more.  What old definitions say of it is kept and does nothing.
    "ha-mode": Key("ha-mode value"),
    "ha-params": Key("ha-params value"),
    "ha-sync-mode": Key("ha-sync-mode value"),
    "ha-sync-batch-size": Key("ha-sync-batch-size value"),
    "ha-promote-on-shutdown": Key("ha-promote-on-shutdown value"),
    "ha-promote-on-failure": Key("ha-promote-on-failure value"),
}

_OF_OPERATORS: Final = frozenset(
    (
        *("expires", "message-ttl", "max-length", "max-length-bytes"),
        *("max-in-memory-length", "max-in-memory-bytes", "delivery-limit", "overflow"),
        *("queue-version", "queue-master-locator", "target-group-size"),
        *("member-placement-tag", "consumer-timeout"),
        *("delayed-retry-type", "delayed-retry-min", "delayed-retry-max"),
    )
)

_MIRRORS: Final = tuple([key for key in KEYS if key.startswith("ha-")])
_OF_STREAMS: Final = ("max-age", "stream-max-segment-size-bytes", "stream-filter-size-bytes")
_OF_QUORUM: Final = (
    *("delivery-limit", "dead-letter-strategy", "target-group-size"),
    *("delayed-retry-type", "delayed-retry-min", "delayed-retry-max"),
)
# A policy with one of these keys passes by queues of that type.
_UNSUPPORTED: Final[dict[str, frozenset[str]]] = {
    "classic": frozenset((*_OF_STREAMS, *_OF_QUORUM, "initial-cluster-size")),
    "quorum": frozenset(
        (*_OF_STREAMS, *_MIRRORS, "queue-mode", "queue-master-locator", "initial-cluster-size")
    ),
    "stream": frozenset(
        (
            *(*_OF_QUORUM, *_MIRRORS, "queue-mode", "queue-master-locator", "overflow"),
            *("expires", "message-ttl", "dead-letter-exchange", "dead-letter-routing-key"),
            *("max-length", "max-in-memory-length", "max-in-memory-bytes"),
        )
    ),
}


def check_definition(definition: dict[str, object], is_operators: bool) -> None:
    """Refuse a definition with unknown keys or bad values.  Raises Invalid."""
    if not definition:
        raise invalid("no policy provided")
    unknown: list[str] = []
    for name in sorted(definition):
        value = definition[name]
        key = KEYS.get(name)
        if key is None or (is_operators and name not in _OF_OPERATORS):
            unknown.append(f"{{{term(name)},{term(value)}}}")
        elif not key.accepts(value):
            # RabbitMQ says it of this key in other words than of all the others.
            verb = "invalid" if name == "queue-master-locator" else "is not a valid"
            raise invalid(f"{term(value)} {verb} {key.what}")
    if unknown:
        raise invalid(f"[{','.join(unknown)}] are not recognised policy settings")
    _check_federation(definition)


def _check_federation(definition: dict[str, object]) -> None:
    keys = ("federation-upstream", "federation-upstream-set", "federation-upstream-pattern")
    if len([key for key in keys if key in definition]) > 1:
        raise invalid(
            "cannot specify federation-upstream, federation-upstream-set or "
            "federation-upstream-pattern together"
        )
    pattern = definition.get("federation-upstream-pattern")
    if isinstance(pattern, str):
        try:
            compiled(pattern)
        except ValueError as wrong:
            raise invalid(f"federation-upstream-pattern: {wrong}") from None


def invalid(why: str) -> Invalid:
    """The refusal that says ``why`` as RabbitMQ does."""
    return Invalid(f"Validation failed\n\n{why}\n")


def supports(queue_type: str, definition: dict[str, object]) -> bool:
    """Whether queues of this type know all keys of ``definition``."""
    unsupported = _UNSUPPORTED.get(queue_type)
    return unsupported is None or unsupported.isdisjoint(definition)


def merged(user: dict[str, object], operator: dict[str, object]) -> dict[str, object]:
    """What a policy and an operator policy say together: of limits the smaller counts."""
    both = dict(user)
    for key, value in operator.items():
        both[key] = _stricter(key, user[key], value) if key in user else value
    return both


def _stricter(key: str, users: object, operators: object) -> object:
    if not isinstance(users, int) or not isinstance(operators, int) or key == "queue-version":
        return operators
    if key == "target-group-size":
        return max(users, operators)
    if key == "delivery-limit" and (users < 0 or operators < 0):
        return max(users, operators)
    return min(users, operators)
