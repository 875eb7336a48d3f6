"""leveret.broker.hashing"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broker.exchanges import World, headers, properties
from tests.wire import Typed

from leveret.broker.hashing import spread
from leveret.errors import PreconditionFailed

KEYS = [f"order.{number}" for number in range(20_000)]


def ring(**weights: int) -> World:
    world = World()
    world.exchange("x", "x-consistent-hash")
    for name, weight in weights.items():
        world.queue(name)
        world.bind("x", name, str(weight))
    return world


def owners(world: World, keys: list[str] = KEYS) -> dict[str, str]:
    """Which queue each key leads to: exactly one."""
    found = {}
    for key in keys:
        (found[key],) = world.reached("x", key)
    return found


@pytest.mark.parametrize(
    "weights",
    [
        {"a": 1, "b": 1},
        {"a": 1, "b": 2, "c": 3},
        {"a": 10, "b": 10, "c": 10, "d": 10, "e": 10},
        {"a": 1, "b": 99},
        {f"q{number}": 1 for number in range(20)},
    ],
)
def test_messages_are_shared_by_weight(weights: dict[str, int]) -> None:
    counts = Counter(owners(ring(**weights)).values())
    total = sum(weights.values())
    squares = 0.0
    for name, weight in weights.items():
        expected = len(KEYS) * weight / total
        squares += (counts[name] - expected) ** 2 / expected
    # Chi-square: the mean is the degrees of freedom, and this is far beyond chance.
    freedom = len(weights) - 1
    assert squares < freedom + 5 * (2 * freedom) ** 0.5


def test_whole_numbers_in_a_row_are_shared_as_well() -> None:
    world = ring(a=1, b=1, c=1, d=1)
    counts = Counter(owners(world, [str(number) for number in range(8000)]).values())
    assert min(counts.values()) > 1850


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 1000), min_size=1), st.text())
def test_every_message_has_one_queue_and_always_the_same(weights: dict[str, int], key: str) -> None:
    world = ring(**weights)
    if len(key.encode()) < 256:
        (first,) = world.reached("x", key)
        assert world.reached("x", key) == [first]
        # Neither does the order of binding matter: after a restart it may be another.
        turned = ring(**dict(reversed(weights.items())))
        assert turned.reached("x", key) == [first]


def test_who_comes_takes_its_share_only_and_leaves_it_when_it_goes() -> None:
    world = ring(a=1, b=1, c=1, d=1)
    before = owners(world)
    world.queue("new")
    world.bind("x", "new", "1")
    between = owners(world)
    moved = [key for key in KEYS if before[key] != between[key]]
    assert {between[key] for key in moved} == {"new"}
    assert 0.18 < len(moved) / len(KEYS) < 0.22
    world.vhost.delete_queue(world.vhost.queues["new"], False, False)
    assert owners(world) == before


def test_a_message_with_several_keys_goes_to_one_queue() -> None:
    world = ring(a=1, b=1, c=1)
    assert len(world.reached("x", *KEYS[:50])) == 1
    assert world.reached("x", *KEYS[:50]) == world.reached("x", KEYS[0])


def test_nobody_is_bound() -> None:
    assert ring().reached("x", "k") == []


def test_the_first_weight_of_a_destination_counts_until_it_goes() -> None:
    world = ring(a=1, b=1)
    world.bind("x", "a", "1000000")
    assert Counter(owners(world, KEYS[:1000]).values())["b"] > 400
    world.unbind("x", "a", "1")
    assert Counter(owners(world, KEYS[:1000]).values())["b"] < 10
    world.unbind("x", "a", "1000000")
    assert set(owners(world, KEYS[:1000]).values()) == {"b"}


def test_a_weight_may_be_of_any_size() -> None:
    world = ring(a=1)
    world.bind("x", world.queue("b").name, "9" * 255)
    assert set(owners(world, KEYS[:1000]).values()) == {"b"}


def test_a_queue_and_an_exchange_of_one_name_are_two() -> None:
    world = ring(same=1)
    world.queue("behind")
    world.exchange("same", "fanout")
    world.vhost.bind(world.vhost.exchange("x"), None, world.vhost.exchange("same"), "1", {})
    world.bind("same", "behind")
    assert Counter(owners(world, KEYS[:1000]).values()).keys() == {"same", "behind"}


@pytest.mark.parametrize(
    ("arguments", "vary"),
    [
        ({"hash_header": "h"}, lambda value: headers(h=value)),
        ({"hash_property": "message_id"}, lambda value: properties(message_id=value)),
        ({"hash_property": "correlation_id"}, lambda value: properties(correlation_id=value)),
    ],
)
def test_what_is_hashed_can_be_chosen(arguments: dict[str, Any], vary: Any) -> None:
    world = World()
    world.exchange("x", "x-consistent-hash", **arguments)
    for name in "abcd":
        world.queue(name)
        world.bind("x", name, "1")
    assert not world.route("x", "k").is_static
    counts = Counter(world.reached("x", "k", having=vary(key))[0] for key in KEYS[:2000])
    assert len(counts) == 4
    assert min(counts.values()) > 400
    # The key does not count then, and what has nothing to hash has one place as well.
    assert len({world.reached("x", key, having=vary("v"))[0] for key in KEYS[:50]}) == 1
    assert len({world.reached("x", key)[0] for key in KEYS[:50]}) == 1


def test_the_timestamp_can_be_hashed() -> None:
    world = World()
    world.exchange("x", "x-consistent-hash", hash_property="timestamp")
    for name in "ab":
        world.queue(name)
        world.bind("x", name, "1")
    found = {world.reached("x", having=properties(timestamp=second))[0] for second in range(50)}
    assert found == {"a", "b"}


def test_hashing_the_key_is_static() -> None:
    assert ring(a=1, b=1).route("x", "k").is_static


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"hash_property": "nope"}, "Unsupported property: nope"),
        (
            {"hash_property": "message_id", "hash_header": "h"},
            "hash-header and hash-property are mutually exclusive",
        ),
        ({"hash_header": 5}, "invalid type 'signedint' for arg 'hash-header'"),
        ({"hash_property": Typed("x", b"timestamp")}, "invalid type 'binary' for arg 'hash-prop"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], text: str) -> None:
    world = World()
    with pytest.raises(PreconditionFailed, match=text):
        world.exchange("x", "x-consistent-hash", **arguments)
    assert "x" not in world.vhost.exchanges


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("0", "The binding key must be greater than 0"),
        ("-1", "The binding key must be greater than 0"),
        ("", "The binding key must be an integer: <<>>"),
        ("abc", 'The binding key must be an integer: <<"abc">>'),
        ("1.5", 'The binding key must be an integer: <<"1.5">>'),
        (" 1", 'The binding key must be an integer: <<" 1">>'),
        ("1_0", 'The binding key must be an integer: <<"1_0">>'),
        ("\u0661", "The binding key must be an integer: <<217,161>>"),
    ],
)
def test_a_key_that_is_no_weight_is_refused(key: str, text: str) -> None:
    world = ring(a=1)
    world.queue("b")
    with pytest.raises(PreconditionFailed) as refused:
        world.bind("x", "b", key)
    assert refused.value.detail == text
    assert owners(world, KEYS[:100]).keys() == set(KEYS[:100])


@given(st.integers(0, (1 << 32) - 1))
def test_spreading_stays_in_32_bits(value: int) -> None:
    assert 0 <= spread(value) < 1 << 32


def test_the_modulus_shares_evenly_and_steadily() -> None:
    world = World()
    world.exchange("x", "x-modulus-hash")
    for name in "dacb":
        world.queue(name)
        world.bind("x", name, "whatever")
    first = {key: world.reached("x", key) for key in KEYS[:4000]}
    assert all(len(found) == 1 for found in first.values())
    assert min(Counter(found[0] for found in first.values()).values()) > 900
    assert world.route("x", "k").is_static
    world.queue("e")
    world.bind("x", "e")
    world.unbind("x", "e")
    assert {key: world.reached("x", key) for key in KEYS[:4000]} == first
    assert len(world.reached("x", *KEYS[:50])) == 1
    for name in "abcd":
        world.unbind("x", name, "whatever")
    assert world.reached("x", "k") == []
