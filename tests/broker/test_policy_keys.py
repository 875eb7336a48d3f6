"""leveret.broker.policy_keys: the texts are RabbitMQ's own."""

from typing import Any

import pytest

from leveret.broker.policy_keys import check_definition, merged, supports
from leveret.errors import Invalid


def refusal(definition: dict[str, object], is_operators: bool = False) -> str:
    with pytest.raises(Invalid) as refused:
        check_definition(definition, is_operators)
    head, _, rest = refused.value.detail.partition("\n\n")
    assert head == "Validation failed"
    assert rest.endswith("\n")
    return rest[:-1]


@pytest.mark.parametrize(
    "definition",
    [
        {"message-ttl": 0},
        {"expires": 1},
        {"max-length": 0, "max-length-bytes": 0, "overflow": "drop-head"},
        {"overflow": "reject-publish"},
        {"overflow": "reject-publish-dlx"},
        {"dead-letter-exchange": "", "dead-letter-routing-key": "k"},
        {"dead-letter-strategy": "at-least-once"},
        {"delivery-limit": -1},
        {"queue-mode": "lazy", "queue-version": 2, "queue-master-locator": "random"},
        {"queue-leader-locator": "balanced", "initial-cluster-size": 3, "target-group-size": 3},
        {"max-age": "7D", "stream-max-segment-size-bytes": 1, "stream-filter-size-bytes": 16},
        {"alternate-exchange": "x"},
        {"federation-upstream-set": "all"},
        {"federation-upstream-pattern": "^up"},
        {"ha-mode": "exactly", "ha-params": 2, "ha-sync-mode": "automatic"},
        {"shards-per-node": 2, "routing-key": "r"},
        {"consumer-timeout": 1000},
        {"delayed-retry-type": "all", "delayed-retry-min": 0, "delayed-retry-max": 9},
    ],
)
def test_what_a_policy_may_say(definition: dict[str, object]) -> None:
    check_definition(definition, False)


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ({}, "no policy provided"),
        ({"x": 1}, '[{<<"x">>,1}] are not recognised policy settings'),
        ({"y": 2, "x": "1"}, '[{<<"x">>,<<"1">>},{<<"y">>,2}] are not recognised policy settings'),
        ({"x": 1, "max-length": -1}, "-1 is not a valid maximum length"),
        ({"max-length": "a"}, '<<"a">> is not a valid maximum length'),
        ({"max-length": 1.5}, "1.5 is not a valid maximum length"),
        ({"max-length": 1 << 63}, f"{1 << 63} is not a valid maximum length"),
        ({"max-length-bytes": True}, "true is not a valid maximum length in bytes"),
        ({"message-ttl": -1, "max-length": -1}, "-1 is not a valid maximum length"),
        ({"message-ttl": None}, "null is not a valid message TTL"),
        ({"expires": 0}, "0 is not a valid queue expiry"),
        ({"overflow": "foo"}, '<<"foo">> is not a valid overflow value'),
        ({"dead-letter-exchange": 1}, "1 is not a valid dead letter exchange name"),
        ({"dead-letter-routing-key": 1}, "1 is not a valid dead letter routing key"),
        (
            {"dead-letter-routing-key": "k" * 256},
            f'<<"{"k" * 256}">> is not a valid dead letter routing key',
        ),
        ({"dead-letter-strategy": "x"}, '<<"x">> is not a valid dead letter strategy'),
        ({"delivery-limit": "x"}, '<<"x">> is not a valid delivery limit'),
        ({"max-in-memory-length": -1}, "-1 is not a valid maximum memory in bytes"),
        ({"queue-mode": 1}, "1 is not a valid queue-mode value"),
        ({"queue-version": 3}, "3 is not a valid queue-version value"),
        ({"queue-master-locator": "x"}, '<<"x">> invalid queue-master-locator value'),
        ({"queue-leader-locator": 1}, "1 is not a valid queue leader locator value"),
        ({"alternate-exchange": 1}, "1 is not a valid alternate exchange name"),
        ({"max-age": "1x"}, '<<"1x">> is not a valid max age'),
        ({"max-age": 1}, "1 is not a valid max age"),
        ({"stream-max-segment-size-bytes": -1}, "-1 is not a valid segment size"),
        ({"initial-cluster-size": -1}, "-1 is not a valid cluster size"),
        ({"federation-upstream": 1}, "1 is not a valid federation upstream name"),
        (
            {"federation-upstream": "a", "federation-upstream-set": "b"},
            "cannot specify federation-upstream, federation-upstream-set or "
            "federation-upstream-pattern together",
        ),
    ],
)
def test_what_a_policy_may_not_say(definition: dict[str, object], why: str) -> None:
    assert refusal(definition) == why


def test_half_a_character_is_no_routing_key() -> None:
    with pytest.raises(Invalid, match="not a valid dead letter routing key"):
        check_definition({"dead-letter-routing-key": "\ud800"}, False)


def test_the_pattern_of_a_federation_must_be_one() -> None:
    assert "federation-upstream-pattern: the pattern '('" in refusal(
        {"federation-upstream-pattern": "("}
    )


@pytest.mark.parametrize("key", ["dead-letter-exchange", "alternate-exchange", "queue-mode"])
def test_operators_may_say_less(key: str) -> None:
    assert refusal({"max-length": 1, key: "x"}, is_operators=True) == (
        f'[{{<<"{key}">>,<<"x">>}}] are not recognised policy settings'
    )
    check_definition({"max-length": 1, "overflow": "reject-publish"}, is_operators=True)


@pytest.mark.parametrize(
    ("kind", "key", "known"),
    [
        ("classic", "max-length", True),
        ("classic", "delivery-limit", False),
        ("classic", "max-age", False),
        ("quorum", "delivery-limit", True),
        ("quorum", "queue-mode", False),
        ("stream", "max-age", True),
        ("stream", "message-ttl", False),
        ("of the future", "anything", True),
    ],
)
def test_a_type_does_not_know_all_keys(kind: str, key: str, known: bool) -> None:
    assert supports(kind, {"max-length-bytes": 1, key: 1}) == known


@pytest.mark.parametrize(
    ("user", "operator", "both"),
    [
        ({}, {}, {}),
        ({"max-length": 5}, {}, {"max-length": 5}),
        ({}, {"max-length": 5}, {"max-length": 5}),
        ({"max-length": 5}, {"max-length": 3}, {"max-length": 3}),
        ({"max-length": 3}, {"max-length": 5}, {"max-length": 3}),
        ({"max-length": 3}, {"expires": 5}, {"max-length": 3, "expires": 5}),
        ({"overflow": "drop-head"}, {"overflow": "reject-publish"}, {"overflow": "reject-publish"}),
        ({"queue-version": 1}, {"queue-version": 2}, {"queue-version": 2}),
        ({"target-group-size": 3}, {"target-group-size": 5}, {"target-group-size": 5}),
        ({"delivery-limit": 3}, {"delivery-limit": 5}, {"delivery-limit": 3}),
        ({"delivery-limit": -1}, {"delivery-limit": 5}, {"delivery-limit": 5}),
        ({"delivery-limit": 3}, {"delivery-limit": -1}, {"delivery-limit": 3}),
    ],
)
def test_how_policies_go_together(
    user: dict[str, Any], operator: dict[str, Any], both: dict[str, Any]
) -> None:
    before = dict(user)
    assert merged(user, operator) == both
    assert user == before
