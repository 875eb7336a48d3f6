"""leveret.broker.queue_arguments"""

from typing import Any

import pytest
from tests import wire

from leveret.broker.compat import STRICT, Compat
from leveret.broker.queue_arguments import check_queue_arguments
from leveret.errors import PreconditionFailed, Withdrawn
from leveret.tables import Table, read_table

WHAT = "queue 'q' in vhost '/'"


def table(values: dict[str, Any]) -> Table:
    return read_table(wire.encode_table(values), 0)[0]


def check(values: dict[str, Any], compat: str = "rabbitmq") -> None:
    check_queue_arguments(WHAT, table(values), Compat(compat))


GOOD: list[dict[str, Any]] = [
    {},
    {"x-message-ttl": 0, "x-expires": 1, "x-max-length": 0, "x-max-length-bytes": 1 << 40},
    {"x-message-ttl": 315_360_000_000},
    {"x-max-priority": 255},
    {"x-max-priority": wire.Typed("B", 10)},
    {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k"},
    {"x-overflow": "drop-head"},
    {"x-overflow": "reject-publish"},
    {"x-single-active-consumer": True},
    {"x-queue-type": "classic"},
    {"x-queue-version": 2},
    {"x-queue-version": 1, "x-queue-mode": "lazy", "x-queue-master-locator": "min-masters"},
    {"x-queue-leader-locator": "balanced"},
    {"x-consumer-timeout": 1000},
    {"x-queue-type": "quorum"},
    {"x-queue-type": "quorum", "x-delivery-limit": -1, "x-max-in-memory-length": 5},
    {"x-queue-type": "quorum", "x-quorum-initial-group-size": 3, "x-overflow": "drop-head"},
    {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once"},
    {"x-queue-type": "quorum", "x-delayed-retry-type": "all", "x-delayed-retry-min": 5},
    {"x-unheard-of": {"any": "thing"}},
]


@pytest.mark.parametrize("arguments", GOOD, ids=str)
def test_good_arguments_pass(arguments: dict[str, Any]) -> None:
    check(arguments)


BAD: list[tuple[str, Any, str]] = [
    ("x-message-ttl", -1, "{value_negative,-1}"),
    ("x-message-ttl", "60", '"expected integer, got longstr"'),
    ("x-message-ttl", 315_360_000_001, "{value_too_large,315360000001}"),
    ("x-expires", 0, "{value_zero,0}"),
    ("x-max-length", -5, "{value_negative,-5}"),
    ("x-max-length-bytes", 1.5, '"expected integer, got double"'),
    ("x-max-priority", 256, "{max_value_exceeded,256}"),
    ("x-max-priority", -1, "{value_negative,-1}"),
    ("x-max-priority", True, '"expected integer, got bool"'),
    ("x-max-length", wire.Typed("T", 5), '"expected integer, got timestamp"'),
    ("x-overflow", "burst", "invalid_overflow"),
    ("x-overflow", 1, "{unacceptable_type,signedint}"),
    ("x-single-active-consumer", "yes", "{unacceptable_type,longstr}"),
    ("x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"),
    ("x-queue-version", 3, "\"unsupported queue version '3'\""),
    ("x-queue-type", "magic", "\"unsupported queue type 'magic'\""),
    ("x-queue-type", 1, "{unacceptable_type,signedint}"),
]


@pytest.mark.parametrize(("name", "value", "why"), BAD)
def test_a_bad_argument_is_refused_in_rabbitmqs_words(name: str, value: Any, why: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check({name: value})
    assert refused.value.detail == f"invalid arg '{name}' for {WHAT}: {why}"


def test_a_key_for_dead_letters_is_one_that_messages_can_have() -> None:
    name = "x-dead-letter-routing-key"
    check({"x-dead-letter-exchange": "", name: "\u00e9" * 127})
    with pytest.raises(PreconditionFailed) as refused:
        check({"x-dead-letter-exchange": "", name: "\u00e9" * 128})
    why = "a routing key has at most 255 octets"
    assert refused.value.detail == f"invalid arg '{name}' for {WHAT}: {why}"


def test_a_dead_letter_exchange_must_be_a_string() -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check({"x-dead-letter-exchange": 1})
    expected = f"invalid type 'signedint' for arg 'x-dead-letter-exchange' in {WHAT}"
    assert refused.value.detail == expected


BAD_OF_QUORUM: list[tuple[str, Any, str]] = [
    ("x-overflow", "reject-publish-dlx", "invalid_overflow"),
    ("x-delivery-limit", "many", '"expected integer, got longstr"'),
    ("x-dead-letter-strategy", "at-random", "invalid_dlx_strategy"),
    ("x-dead-letter-strategy", 5, "{unacceptable_type,signedint}"),
    ("x-quorum-initial-group-size", 0, "{value_zero,0}"),
    ("x-quorum-initial-group-size", -1, "{value_negative,-1}"),
    ("x-max-in-memory-bytes", -5, "{value_negative,-5}"),
    ("x-queue-leader-locator", "here", "invalid_queue_locator_arg"),
    ("x-delayed-retry-type", "often", "invalid_delayed_retry_type"),
    ("x-delayed-retry-min", -5, "{value_negative,-5}"),
    ("x-consumer-timeout", "long", '"expected integer, got longstr"'),
]


@pytest.mark.parametrize(("name", "value", "why"), BAD_OF_QUORUM)
def test_a_bad_argument_of_a_quorum_queue_is_refused(name: str, value: Any, why: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check({"x-queue-type": "quorum", name: value})
    assert refused.value.detail == f"invalid arg '{name}' for {WHAT}: {why}"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("classic", name) for name in ("x-delivery-limit", "x-max-age", "x-delayed-retry-min")),
        *(("quorum", name) for name in ("x-max-priority", "x-queue-mode", "x-max-age")),
    ],
)
def test_arguments_of_other_types_of_queues_are_refused(kind: str, name: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check({"x-queue-type": kind, name: 1})
    expected = f"invalid arg '{name}' for {WHAT} of queue type rabbit_{kind}_queue"
    assert refused.value.detail == expected


def test_what_is_of_another_type_is_said_before_what_is_wrong_with_it() -> None:
    with pytest.raises(PreconditionFailed, match="of queue type rabbit_classic_queue"):
        check({"x-queue-type": "classic", "x-dead-letter-strategy": "at-random"})


def test_strictly_a_classic_queue_takes_no_consumer_timeout() -> None:
    with pytest.raises(PreconditionFailed, match="of queue type rabbit_classic_queue"):
        check({"x-consumer-timeout": 1000}, STRICT)
    check({"x-queue-type": "quorum", "x-consumer-timeout": 1000}, STRICT)


def test_strictly_the_first_version_of_queues_is_gone() -> None:
    with pytest.raises(PreconditionFailed, match="unsupported queue version '1'"):
        check({"x-queue-version": 1}, STRICT)
    check({"x-queue-version": 2}, STRICT)


def test_strictly_there_are_no_masters() -> None:
    with pytest.raises(Withdrawn, match=r"^Feature `queue_master_locator` is deprecated"):
        check({"x-queue-master-locator": "min-masters"}, STRICT)
