"""leveret.broker.exchange"""

from typing import Any

import pytest
from tests import wire
from tests.fakes import classic

from leveret.broker.exchange import Binding, DirectExchange, FanoutExchange, binding_identity
from leveret.broker.properties import NO_PROPERTIES
from leveret.broker.queue import Queue
from leveret.broker.wishes import ExchangeWish
from leveret.tables import Table, read_table


def queue(name: str) -> Queue:
    return classic(name)


def table(values: dict[str, Any]) -> Table:
    return read_table(wire.encode_table(values), 0)[0]


def direct(name: str = "d") -> DirectExchange:
    return DirectExchange(ExchangeWish(name, "direct", False, False, False, {}))


def identity(key: str = "k", destination: str = "a", **arguments: object) -> str:
    return binding_identity(queue(destination), None, key, table(arguments))


def test_equal_bindings_are_the_same() -> None:
    assert identity("k", a=1, b=2) == identity("k", b=2, a=1)


@pytest.mark.parametrize(
    "other",
    [
        identity("other", a=1),
        identity("k", "b", a=1),
        identity("k", a=2),
        identity("k", a=1, b=1),
        identity("k", a="1"),
        identity("k"),
        binding_identity(None, direct("a"), "k", table({"a": 1})),
    ],
)
def test_bindings_that_differ_are_not(other: str) -> None:
    assert identity("k", a=1) != other


def test_a_name_and_a_key_cannot_be_taken_for_one_another() -> None:
    assert identity("b", "a") != identity("", "ab")
    assert identity("\udcff") != identity("")


def test_a_direct_exchange_matches_the_same_key_only() -> None:
    exchange = direct()
    bindings = [Binding(exchange, queue(name), None, name[0], {}) for name in ("a1", "a2", "b1")]
    for binding in bindings:
        exchange.added(binding)
    assert exchange.matches("a", NO_PROPERTIES) == bindings[:2]
    assert exchange.matches("b", NO_PROPERTIES) == bindings[2:]
    assert exchange.matches("", NO_PROPERTIES) == []
    exchange.removed(bindings[0])
    assert exchange.matches("a", NO_PROPERTIES) == bindings[1:2]
    exchange.removed(bindings[1])
    assert exchange.matches("a", NO_PROPERTIES) == []


def test_a_fanout_exchange_matches_any_key() -> None:
    exchange = FanoutExchange(ExchangeWish("f", "fanout", False, False, False, {}))
    binding = Binding(exchange, queue("q"), None, "k", {})
    exchange.bindings[binding.identity] = binding
    exchange.added(binding)
    assert exchange.matches("other", NO_PROPERTIES) == [binding]
    del exchange.bindings[binding.identity]
    exchange.removed(binding)
    assert exchange.matches("k", NO_PROPERTIES) == []
