"""leveret.broker.arguments"""

from typing import Any

import pytest
from tests import wire

from leveret.broker.arguments import (
    check_alternate,
    check_same,
    check_same_argument,
    max_priority_of,
)
from leveret.errors import PreconditionFailed
from leveret.tables import Table, read_table

WHAT = "queue 'q' in vhost '/'"


def table(values: dict[str, Any]) -> Table:
    return read_table(wire.encode_table(values), 0)[0]


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
