"""leveret.broker.headers"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire
from tests.fakes import classic

from leveret.broker.exchange import Binding
from leveret.broker.headers import HeadersExchange
from leveret.broker.properties import NO_PROPERTIES, read_properties
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed
from leveret.tables import Table, read_table

QUEUE = classic()


def table(values: dict[str, Any]) -> Table:
    return read_table(wire.encode_table(values), 0)[0]


def headers_exchange() -> HeadersExchange:
    return HeadersExchange(ExchangeWish("h", "headers", False, False, False, {}))


def check(arguments: dict[str, Any]) -> None:
    exchange = headers_exchange()
    exchange.check(Binding(exchange, None, exchange, "", table(arguments)))


def agrees(arguments: dict[str, Any], headers: dict[str, Any]) -> bool:
    exchange = headers_exchange()
    binding = Binding(exchange, QUEUE, None, "ignored", table(arguments))
    exchange.bindings[binding.identity] = binding
    exchange.added(binding)
    properties = read_properties(wire.encode_header(0, {"headers": headers})[12:])
    return exchange.matches("key", properties) == [binding]


@pytest.mark.parametrize(
    ("arguments", "headers", "matches"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({"x-match": "all", "a": 1}, {"a": 2}, False),
        ({"x-match": "any", "a": 1, "b": 2}, {"b": 2}, True),
        ({"x-match": "any", "a": 1, "b": 2}, {"a": 2, "b": 1}, False),
        ({}, {}, True),
        ({"x-match": "any"}, {"a": 1}, False),
        ({"x-match": "all", "x-a": 1}, {}, True),
        ({"x-match": "any", "x-a": 1}, {"x-a": 1}, False),
        ({"x-match": "all-with-x", "x-a": 1}, {}, False),
        ({"x-match": "all-with-x", "x-a": 1}, {"x-a": 1}, True),
        ({"x-match": "any-with-x", "x-a": 1, "b": 2}, {"x-a": 1}, True),
        ({"a": None}, {"a": "anything"}, True),
        ({"a": None}, {}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": 1}, {"a": wire.Typed("l", 1)}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": {"b": [1]}}, {"a": {"b": [1]}}, True),
    ],
)
def test_arguments_and_headers_agree(
    arguments: dict[str, Any], headers: dict[str, Any], matches: bool
) -> None:
    assert agrees(arguments, headers) is matches


NAMES = st.sampled_from(["a", "b", "x-c"])
TABLES = st.dictionaries(NAMES, st.integers(1, 2) | st.sampled_from(["1", None]), max_size=3)
MODES = st.sampled_from([None, "all", "any", "all-with-x", "any-with-x"])


def model(mode: str | None, arguments: dict[str, Any], headers: dict[str, Any]) -> bool:
    counted = {n: v for n, v in arguments.items() if n[:2] != "x-" or "with-x" in (mode or "")}
    hits = [n in headers and v in (None, headers[n]) for n, v in counted.items()]
    return any(hits) if (mode or "all").startswith("any") else all(hits)


@given(MODES, TABLES, TABLES)
def test_matching_agrees_with_the_definition(
    mode: str | None, arguments: dict[str, Any], headers: dict[str, Any]
) -> None:
    with_mode = arguments if mode is None else {"x-match": mode, **arguments}
    assert agrees(with_mode, headers) is model(mode, arguments, headers)


def test_a_message_without_headers_has_none() -> None:
    exchange = headers_exchange()
    binding = Binding(exchange, QUEUE, None, "", table({"a": 1}))
    exchange.bindings[binding.identity] = binding
    assert exchange.matches("", NO_PROPERTIES) == []


def test_the_same_key_does_not_mean_the_same_way() -> None:
    assert headers_exchange().is_static is False


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            "some",
            'Invalid x-match field value <<"some">>; expected all, any, all-with-x, or any-with-x',
        ),
        (5, "Invalid x-match field type signedint (value 5); expected longstr"),
        (True, "Invalid x-match field type bool (value true); expected longstr"),
    ],
)
def test_an_unknown_x_match_is_refused(value: object, text: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check({"x-match": value})
    assert refused.value.detail == text


def test_an_x_match_that_is_no_utf_8_is_refused_like_any_other() -> None:
    with pytest.raises(PreconditionFailed):
        check({"x-match": "\udcff"})


@pytest.mark.parametrize("mode", ["all", "any", "all-with-x", "any-with-x"])
def test_the_known_modes_are_not_refused(mode: str) -> None:
    check({"x-match": mode})
