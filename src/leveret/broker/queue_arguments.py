"""Checks of the x-arguments of queues: which type takes which, and what their values may be.

Control plane.  Behaviour: RabbitMQ 4.3, texts as its clients' test-suites expect them.
"""

from typing import Final

from leveret.broker.arguments import MAX_MILLISECONDS
from leveret.broker.compat import Compat
from leveret.broker.message import MAX_KEY_OCTETS, is_routing_key
from leveret.broker.rules import (
    AT_LEAST_ONCE,
    AT_MOST_ONCE,
    CLASSIC,
    MAILBOX,
    OVERFLOWS,
    QUORUM,
    REJECT_PUBLISH_DLX,
    RETRY_ALL,
    RETRY_DISABLED,
    RETRY_FAILED,
    RETRY_RETURNED,
)
from leveret.errors import PreconditionFailed
from leveret.tables import BOOL, INTEGERS, LONGSTR, TIMESTAMP, Field, Table
from leveret.terms import text

MAX_PRIORITY: Final = 255

_OF_BOTH: Final = (
    "x-expires",
    "x-message-ttl",
    "x-max-length",
    "x-max-length-bytes",
    "x-overflow",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-single-active-consumer",
    "x-queue-leader-locator",
    "x-queue-type",
)
_OF_CLASSIC: Final = (
    "x-max-priority",
    "x-queue-mode",
    "x-queue-version",
    "x-queue-master-locator",
)
_OF_QUORUM: Final = (
    "x-delivery-limit",
    "x-dead-letter-strategy",
    "x-quorum-initial-group-size",
    "x-quorum-target-group-size",
    "x-member-placement-tag",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-consumer-timeout",
    "x-consumer-disconnected-timeout",
    "x-delayed-retry-type",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
)
_OF_STREAMS: Final = (
    "x-max-age",
    "x-stream-max-segment-size-bytes",
    "x-stream-filter-size-bytes",
    "x-initial-cluster-size",
)
# What a second declare must repeat.  Arguments that no type knows are kept and not compared.
COMPARED: Final[dict[str, tuple[str, ...]]] = {
    CLASSIC: _OF_CLASSIC + _OF_BOTH,
    QUORUM: _OF_QUORUM + _OF_BOTH,
    MAILBOX: (),
}
_FOREIGN: Final[dict[str, tuple[str, ...]]] = {
    CLASSIC: _OF_QUORUM + _OF_STREAMS,
    QUORUM: _OF_CLASSIC + _OF_STREAMS,
}
_LOCATORS: Final = ("client-local", "balanced", "least-leaders", "random")
_MODES: Final = ("default", "lazy")
_STRATEGIES: Final = (AT_MOST_ONCE, AT_LEAST_ONCE)
_RETRIES: Final = (RETRY_DISABLED, RETRY_ALL, RETRY_FAILED, RETRY_RETURNED)
_COUNTS: Final = (
    "x-max-length",
    "x-max-length-bytes",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-consumer-timeout",
    "x-consumer-disconnected-timeout",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
)
_SIZES: Final = ("x-quorum-initial-group-size", "x-quorum-target-group-size")


def kind_of(what: str, arguments: Table) -> str:
    """The queue type that ``arguments`` ask for.  Raises PreconditionFailed."""
    kind = arguments.get("x-queue-type")
    if kind is None:
        return CLASSIC
    _check_kind(what, "x-queue-type", kind, LONGSTR)
    if kind.value == CLASSIC or kind.value == QUORUM:
        return str(kind.value)
    raise _invalid(what, "x-queue-type", text(f"unsupported queue type '{kind.value}'"))


def check_queue_arguments(what: str, arguments: Table, compat: Compat) -> None:
    """Refuse arguments of a wrong type or range.  ``what`` names the queue in the refusal."""
    kind = kind_of(what, arguments)
    for name in _FOREIGN[kind]:
        # RabbitMQ knew timeouts of consumers for every type of queue before 4.3.
        is_fine = name == "x-consumer-timeout" and compat.has_classic_timeouts
        if name in arguments and not is_fine:
            raise PreconditionFailed(
                f"invalid arg '{name}' for {what} of queue type rabbit_{kind}_queue"
            )
    _check_times(what, arguments)
    _check_numbers(what, arguments)
    _check_dead_letters(what, arguments)
    _check_words(what, arguments, kind)
    _check_old(what, arguments, compat)


def _check_times(what: str, arguments: Table) -> None:
    for name in ("x-expires", "x-message-ttl"):
        field = arguments.get(name)
        if field is None:
            continue
        number = _count(what, name, field)
        if name == "x-expires" and number == 0:
            raise _invalid(what, name, "{value_zero,0}")
        if number > MAX_MILLISECONDS:
            raise _invalid(what, name, f"{{value_too_large,{number}}}")


def _check_numbers(what: str, arguments: Table) -> None:
    for name in _COUNTS:
        field = arguments.get(name)
        if field is not None:
            _count(what, name, field)
    for name in _SIZES:
        field = arguments.get(name)
        if field is not None and _count(what, name, field) == 0:
            raise _invalid(what, name, "{value_zero,0}")
    limit = arguments.get("x-delivery-limit")
    if limit is not None:
        _integer(what, "x-delivery-limit", limit)
    priority = arguments.get("x-max-priority")
    if priority is not None:
        number = _count(what, "x-max-priority", priority)
        if number > MAX_PRIORITY:
            raise _invalid(what, "x-max-priority", f"{{max_value_exceeded,{number}}}")


def _check_dead_letters(what: str, arguments: Table) -> None:
    exchange = arguments.get("x-dead-letter-exchange")
    if exchange is not None and exchange.kind != LONGSTR:
        raise PreconditionFailed(
            f"invalid type '{exchange.kind_name}' for arg 'x-dead-letter-exchange' in {what}"
        )
    key = arguments.get("x-dead-letter-routing-key")
    if key is not None:
        _check_kind(what, "x-dead-letter-routing-key", key, LONGSTR)
        _check_routing_key(what, "x-dead-letter-routing-key", str(key.value))
    if "x-dead-letter-routing-key" in arguments and "x-dead-letter-exchange" not in arguments:
        raise _invalid(what, "x-dead-letter-routing-key", "routing_key_but_no_dlx_defined")


def _check_routing_key(what: str, name: str, key: str) -> None:
    """Differs from RabbitMQ, which takes it and then cannot deliver what has died."""
    if not is_routing_key(key):
        raise _invalid(what, name, f"a routing key has at most {MAX_KEY_OCTETS} octets")


def _check_words(what: str, arguments: Table, kind: str) -> None:
    overflow = _word(what, arguments, "x-overflow")
    is_foreign = kind == QUORUM and overflow == REJECT_PUBLISH_DLX
    if overflow is not None and (overflow not in OVERFLOWS or is_foreign):
        raise _invalid(what, "x-overflow", "invalid_overflow")
    strategy = _word(what, arguments, "x-dead-letter-strategy")
    if strategy is not None and strategy not in _STRATEGIES:
        raise _invalid(what, "x-dead-letter-strategy", "invalid_dlx_strategy")
    locator = _word(what, arguments, "x-queue-leader-locator")
    if locator is not None and locator not in _LOCATORS:
        raise _invalid(what, "x-queue-leader-locator", "invalid_queue_locator_arg")
    retry = _word(what, arguments, "x-delayed-retry-type")
    if retry is not None and retry not in _RETRIES:
        raise _invalid(what, "x-delayed-retry-type", "invalid_delayed_retry_type")
    single = arguments.get("x-single-active-consumer")
    if single is not None:
        _check_kind(what, "x-single-active-consumer", single, BOOL)


def _check_old(what: str, arguments: Table, compat: Compat) -> None:
    """What only older brokers needed: it has no effect."""
    mode = _word(what, arguments, "x-queue-mode")
    if mode is not None and mode not in _MODES:
        raise _invalid(what, "x-queue-mode", text(f"unsupported queue mode '{mode}'"))
    version = arguments.get("x-queue-version")
    if version is not None:
        allowed = compat.queue_versions
        if _count(what, "x-queue-version", version) not in allowed:
            why = text(f"unsupported queue version '{version.value}'")
            raise _invalid(what, "x-queue-version", why)
    if "x-queue-master-locator" in arguments:
        compat.check_master_locator()


def _word(what: str, arguments: Table, name: str) -> str | None:
    field = arguments.get(name)
    if field is None:
        return None
    _check_kind(what, name, field, LONGSTR)
    return str(field.value)


def _check_kind(what: str, name: str, field: Field, kind: int) -> None:
    if field.kind != kind:
        raise _invalid(what, name, f"{{unacceptable_type,{field.kind_name}}}")


def _integer(what: str, name: str, field: Field) -> int:
    if field.kind not in INTEGERS or field.kind == TIMESTAMP:
        raise _invalid(what, name, text(f"expected integer, got {field.kind_name}"))
    assert isinstance(field.value, int)
    return field.value


def _count(what: str, name: str, field: Field) -> int:
    number = _integer(what, name, field)
    if number < 0:
        raise _invalid(what, name, f"{{value_negative,{number}}}")
    return number


def _invalid(what: str, name: str, why: str) -> PreconditionFailed:
    return PreconditionFailed(f"invalid arg '{name}' for {what}: {why}")
