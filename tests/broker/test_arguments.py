"""leveret.broker.arguments"""

from typing import Any

import pytest
from tests import wire

from leveret.broker.arguments import (
    check_alternate,
    check_queue_arguments,
    check_same,
    check_same_argument,
    max_priority_of,
)
from leveret.errors import PreconditionFailed
from leveret.tables import Table, read_table

WHAT = "queue 'q' in vhost '/'"


def table(values: dict[str, Any]) -> Table:
    return read_table(wire.encode_table(values), 0)[0]


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
    {"x-unheard-of": {"any": "thing"}},
]


@pytest.mark.parametrize("arguments", GOOD, ids=str)
def test_good_arguments_pass(arguments: dict[str, Any]) -> None:
    check_queue_arguments(WHAT, table(arguments))


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
        check_queue_arguments(WHAT, table({name: value}))
    assert refused.value.detail == f"invalid arg '{name}' for {WHAT}: {why}"


def test_a_dead_letter_exchange_must_be_a_string() -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check_queue_arguments(WHAT, table({"x-dead-letter-exchange": 1}))
    expected = f"invalid type 'signedint' for arg 'x-dead-letter-exchange' in {WHAT}"
    assert refused.value.detail == expected


@pytest.mark.parametrize("name", ["x-delivery-limit", "x-max-age", "x-initial-cluster-size"])
def test_arguments_of_other_types_of_queues_are_refused(name: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check_queue_arguments(WHAT, table({name: 1}))
    expected = f"invalid arg '{name}' for {WHAT} of queue type rabbit_classic_queue"
    assert refused.value.detail == expected


def test_the_highest_priority_is_the_arguments() -> None:
    assert max_priority_of(table({"x-max-priority": 7})) == 7
    assert max_priority_of({}) == 0


def test_an_alternate_exchange_is_a_string_or_not_there() -> None:
    assert check_alternate("exchange 'e' in vhost '/'", {}) == ""
    assert check_alternate("exchange 'e' in vhost '/'", table({"alternate-exchange": "a"})) == "a"
    with pytest.raises(PreconditionFailed, match="invalid type 'signedint' for arg 'alternate-"):
        check_alternate("exchange 'e' in vhost '/'", table({"alternate-exchange": 1}))


def test_a_flag_that_differs_is_refused() -> None:
    check_same(WHAT, "durable", True, True)
    with pytest.raises(PreconditionFailed) as refused:
        check_same(WHAT, "durable", True, False)
    assert refused.value.detail == (
        f"inequivalent arg 'durable' for {WHAT}: received 'true' but current is 'false'"
    )


@pytest.mark.parametrize(
    ("new", "old", "words"),
    [
        (None, 5, "received none but current is the value '5' of type 'signedint'"),
        (5, None, "received the value '5' of type 'signedint' but current is none"),
        (5, 6, "received '5' but current is '6'"),
        ("a", 5, "received 'a' but current is '5'"),
    ],
)
def test_an_argument_that_differs_is_refused(new: object, old: object, words: str) -> None:
    received = {} if new is None else table({"x-a": new})
    current = {} if old is None else table({"x-a": old})
    with pytest.raises(PreconditionFailed) as refused:
        check_same_argument(WHAT, "x-a", received, current)
    assert refused.value.detail == f"inequivalent arg 'x-a' for {WHAT}: {words}"


def test_the_same_number_in_another_width_is_no_difference() -> None:
    check_same_argument(WHAT, "x", table({"x": 5}), table({"x": wire.Typed("l", 5)}))
    check_same_argument(WHAT, "x", {}, {})
