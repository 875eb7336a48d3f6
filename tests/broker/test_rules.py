"""leveret.broker.rules"""

import pytest

from leveret.broker.rules import DROP_HEAD, Rules
from leveret.tables import table_of


def test_without_arguments_there_are_no_rules() -> None:
    rules = Rules({})
    assert (rules.ttl_ms, rules.expires_ms, rules.max_length, rules.max_octets) == (-1,) * 4
    assert rules.overflow == DROP_HEAD
    assert rules.dead_letter_exchange is None
    assert rules.dead_letter_key is None
    assert not rules.has_limits
    assert not rules.is_over(1 << 40, 1 << 40)


def test_the_empty_names_are_names() -> None:
    given = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": ""}
    rules = Rules(table_of({**given}))
    assert rules.dead_letter_exchange == ""
    assert rules.dead_letter_key == ""


@pytest.mark.parametrize(
    ("arguments", "count", "octets", "is_over"),
    [
        ({"x-max-length": 2}, 2, 999, False),
        ({"x-max-length": 2}, 3, 0, True),
        ({"x-max-length": 0}, 1, 0, True),
        ({"x-max-length-bytes": 10}, 999, 10, False),
        ({"x-max-length-bytes": 10}, 1, 11, True),
        ({"x-max-length": 2, "x-max-length-bytes": 10}, 2, 10, False),
        ({"x-max-length": 2, "x-max-length-bytes": 10}, 1, 11, True),
    ],
)
def test_limits(arguments: dict[str, object], count: int, octets: int, is_over: bool) -> None:
    rules = Rules(table_of(arguments))
    assert rules.has_limits
    assert rules.is_over(count, octets) is is_over
