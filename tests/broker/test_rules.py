"""leveret.broker.rules"""

import pytest

from leveret.broker.rules import DROP_HEAD, QUORUM, REJECT_PUBLISH, Rules
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


@pytest.mark.parametrize(
    ("argument", "policy", "expected"), [(5, 3, 3), (3, 5, 3), (5, None, 5), (None, 3, 3)]
)
def test_of_argument_and_policy_the_smaller_number_counts(
    argument: int | None, policy: int | None, expected: int
) -> None:
    for name, attribute in (
        ("message-ttl", "ttl_ms"),
        ("expires", "expires_ms"),
        ("max-length", "max_length"),
        ("max-length-bytes", "max_octets"),
        ("consumer-timeout", "consumer_timeout_ms"),
        ("delivery-limit", "delivery_limit"),
    ):
        given = {} if argument is None else {f"x-{name}": argument}
        rules = Rules(table_of({**given}), {} if policy is None else {name: policy}, QUORUM)
        assert getattr(rules, attribute) == expected


def test_for_dead_letters_the_argument_counts() -> None:
    given = {"x-dead-letter-exchange": "a", "x-dead-letter-routing-key": "b"}
    policy: dict[str, object] = {"dead-letter-exchange": "c", "dead-letter-routing-key": "d"}
    rules = Rules(table_of({**given}), policy)
    assert (rules.dead_letter_exchange, rules.dead_letter_key) == ("a", "b")
    rules = Rules({}, policy)
    assert (rules.dead_letter_exchange, rules.dead_letter_key) == ("c", "d")


@pytest.mark.parametrize(
    ("kind", "expected"), [("classic", "drop-head"), ("quorum", REJECT_PUBLISH)]
)
def test_how_to_overflow_says_the_argument_but_of_quorum_queues_the_policy(
    kind: str, expected: str
) -> None:
    policy: dict[str, object] = {"overflow": "reject-publish"}
    assert Rules(table_of({"x-overflow": "drop-head"}), policy, kind).overflow == expected
    assert Rules({}, policy, kind).overflow == REJECT_PUBLISH


@pytest.mark.parametrize(
    ("argument", "policy", "expected"),
    [(None, None, 20), (-1, None, -1), (-1, 5, 5), (5, -1, 5), (-1, -3, -1), (0, 5, 0)],
)
def test_the_delivery_limit(argument: int | None, policy: int | None, expected: int) -> None:
    given = {} if argument is None else {"x-delivery-limit": argument}
    said: dict[str, object] = {} if policy is None else {"delivery-limit": policy}
    assert Rules(table_of({**given}), said, QUORUM).delivery_limit == expected
    assert Rules(table_of({**given}), said).delivery_limit == -1


def test_a_delay_grows_with_the_failures_to_its_maximum() -> None:
    given = {"x-delayed-retry-type": "all", "x-delayed-retry-min": 10, "x-delayed-retry-max": 25}
    rules = Rules(table_of({**given}), {}, QUORUM)
    assert [rules.retry_ms(True, count) for count in (1, 2, 3, 100)] == [10, 20, 25, 25]
    assert rules.retry_ms(False, 0) == 10
    assert Rules(table_of({**given})).retry_ms(True, 1) == 0


def test_a_delay_needs_a_minimum() -> None:
    rules = Rules(table_of({"x-delayed-retry-type": "all"}), {}, QUORUM)
    assert rules.retry_ms(True, 1) == 0


def test_dead_letters_are_kept_where_everything_says_so() -> None:
    given: dict[str, object] = {
        "x-dead-letter-strategy": "at-least-once",
        "x-dead-letter-exchange": "dlx",
        "x-overflow": "reject-publish",
    }
    assert Rules(table_of(given), {}, QUORUM).is_careful
    assert not Rules(table_of(given)).is_careful
    for name in given:
        rest = {other: value for other, value in given.items() if other != name}
        assert not Rules(table_of(rest), {}, QUORUM).is_careful
