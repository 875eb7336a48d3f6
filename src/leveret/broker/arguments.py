"""Checks of the x-arguments of queues and exchanges, and of what a second declare may say.

Control plane.  Behaviour: RabbitMQ 4.3, texts as its clients' test-suites expect them.
"""

from typing import Final

from leveret.broker.rules import OVERFLOWS
from leveret.errors import PreconditionFailed
from leveret.tables import BOOL, INTEGERS, LONGSTR, TIMESTAMP, Field, Table, plain
from leveret.terms import atom, text

MAX_MILLISECONDS: Final = 315_360_000_000  # ten years
MAX_PRIORITY: Final = 255

# What a second declare must repeat; arguments that no type knows are kept and not compared.
KNOWN_OF_QUEUES: Final = (
    "x-expires",
    "x-message-ttl",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-priority",
    "x-overflow",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-single-active-consumer",
    "x-queue-type",
)
# Arguments that only other types of queues take.
_OF_OTHER_TYPES: Final = (
    "x-delivery-limit",
    "x-quorum-initial-group-size",
    "x-quorum-target-group-size",
    "x-dead-letter-strategy",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-consumer-disconnected-timeout",
    "x-consumer-timeout",
    "x-max-age",
    "x-stream-max-segment-size-bytes",
    "x-stream-filter-size-bytes",
    "x-initial-cluster-size",
)


def check_queue_arguments(what: str, arguments: Table) -> None:
    """Refuse arguments of a wrong type or range.  ``what`` names the queue in the refusal."""
    _check_queue_type(what, arguments)
    for name in ("x-expires", "x-message-ttl", "x-max-length", "x-max-length-bytes"):
        field = arguments.get(name)
        if field is not None:
            _check_number(what, name, field)
    priority = arguments.get("x-max-priority")
    if priority is not None:
        number = _integer(what, "x-max-priority", priority)
        if number > MAX_PRIORITY:
            raise _invalid(what, "x-max-priority", f"{{max_value_exceeded,{number}}}")
    _check_words(what, arguments)


def _check_words(what: str, arguments: Table) -> None:
    exchange = arguments.get("x-dead-letter-exchange")
    if exchange is not None and exchange.kind != LONGSTR:
        raise PreconditionFailed(
            f"invalid type '{exchange.kind_name}' for arg 'x-dead-letter-exchange' in {what}"
        )
    key = arguments.get("x-dead-letter-routing-key")
    if key is not None:
        _check_kind(what, "x-dead-letter-routing-key", key, LONGSTR)
    if "x-dead-letter-routing-key" in arguments and "x-dead-letter-exchange" not in arguments:
        raise _invalid(what, "x-dead-letter-routing-key", "routing_key_but_no_dlx_defined")
    overflow = arguments.get("x-overflow")
    if overflow is not None:
        _check_kind(what, "x-overflow", overflow, LONGSTR)
        if overflow.value not in OVERFLOWS:
            raise _invalid(what, "x-overflow", "invalid_overflow")
    single = arguments.get("x-single-active-consumer")
    if single is not None:
        _check_kind(what, "x-single-active-consumer", single, BOOL)
    version = arguments.get("x-queue-version")
    if version is not None and _integer(what, "x-queue-version", version) not in (1, 2):
        why = text(f"unsupported queue version '{version.value}'")
        raise _invalid(what, "x-queue-version", why)


def _check_queue_type(what: str, arguments: Table) -> None:
    kind = arguments.get("x-queue-type")
    if kind is not None:
        _check_kind(what, "x-queue-type", kind, LONGSTR)
        if kind.value != "classic":
            raise _invalid(what, "x-queue-type", text(f"unsupported queue type '{kind.value}'"))
    for name in _OF_OTHER_TYPES:
        if name in arguments:
            raise PreconditionFailed(
                f"invalid arg '{name}' for {what} of queue type rabbit_classic_queue"
            )


def _check_kind(what: str, name: str, field: Field, kind: int) -> None:
    if field.kind != kind:
        raise _invalid(what, name, f"{{unacceptable_type,{field.kind_name}}}")


def _integer(what: str, name: str, field: Field) -> int:
    if field.kind not in INTEGERS or field.kind == TIMESTAMP:
        raise _invalid(what, name, text(f"expected integer, got {field.kind_name}"))
    assert isinstance(field.value, int)
    if field.value < 0:
        raise _invalid(what, name, f"{{value_negative,{field.value}}}")
    return field.value


def _check_number(what: str, name: str, field: Field) -> None:
    number = _integer(what, name, field)
    if name == "x-expires" and number == 0:
        raise _invalid(what, name, "{value_zero,0}")
    if name in ("x-expires", "x-message-ttl") and number > MAX_MILLISECONDS:
        raise _invalid(what, name, f"{{value_too_large,{number}}}")


def _invalid(what: str, name: str, why: str) -> PreconditionFailed:
    return PreconditionFailed(f"invalid arg '{name}' for {what}: {why}")


def max_priority_of(arguments: Table) -> int:
    """The highest priority of a queue with these checked arguments; 0 for a plain one."""
    field = arguments.get("x-max-priority")
    if field is None:
        return 0
    assert isinstance(field.value, int)
    return field.value


def is_single_active(arguments: Table) -> bool:
    """Whether a queue with these checked arguments serves one consumer at a time."""
    field = arguments.get("x-single-active-consumer")
    return field is not None and field.value is True


def check_alternate(what: str, arguments: Table) -> str:
    """The name of the alternate exchange, "" for none.  Raises PreconditionFailed."""
    field = arguments.get("alternate-exchange")
    if field is None:
        return ""
    if field.kind != LONGSTR:
        raise PreconditionFailed(
            f"invalid type '{field.kind_name}' for arg 'alternate-exchange' in {what}"
        )
    return str(field.value)


def check_same(what: str, name: str, received: object, current: object) -> None:
    """Refuse a second declare that contradicts the first in a flag or type."""
    if received != current:
        raise _inequivalent(what, name, received, current)


def _inequivalent(what: str, name: str, received: object, current: object) -> PreconditionFailed:
    return PreconditionFailed(
        f"inequivalent arg '{name}' for {what}: "
        f"received '{atom(received)}' but current is '{atom(current)}'"
    )


def check_same_argument(what: str, name: str, received: Table, current: Table) -> None:
    """Refuse a second declare that contradicts the first in the argument ``name``."""
    new = received.get(name)
    old = current.get(name)
    if new is None and old is None:
        return
    if new is None or old is None:
        raise PreconditionFailed(
            f"inequivalent arg '{name}' for {what}: "
            f"received {_described(new)} but current is {_described(old)}"
        )
    if not new.same_as(old):
        raise _inequivalent(what, name, plain(new), plain(old))


def _described(field: Field | None) -> str:
    if field is None:
        return "none"
    return f"the value '{atom(plain(field))}' of type '{field.kind_name}'"
