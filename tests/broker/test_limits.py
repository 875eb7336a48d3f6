"""leveret.broker.limits"""

from typing import Any

import pytest
from tests.listening import Notes

from leveret.broker.limits import Limits, Totals
from leveret.errors import Invalid, NotAllowed, PreconditionFailed
from leveret.events import Events


def limits(**values: int) -> Limits:
    made = Limits("v", Events())
    made.replace({name.replace("_", "-"): value for name, value in values.items()})
    return made


@pytest.mark.parametrize("values", [{}, {"max_queues": -1}, {"max_queues": 3}])
def test_as_long_as_there_is_room_a_queue_may_be_declared(values: dict[str, int]) -> None:
    limits(**values).check_queues("q", 2)


@pytest.mark.parametrize(("limit", "count"), [(2, 2), (2, 3), (0, 0)])
def test_a_queue_too_many_is_refused(limit: int, count: int) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        limits(max_queues=limit).check_queues("q", count)
    text = f"cannot declare queue 'q': queue limit in vhost 'v' ({limit}) is reached"
    assert refused.value.detail == text


@pytest.mark.parametrize("values", [{}, {"max_connections": -1}, {"max_connections": 3}])
def test_as_long_as_there_is_room_a_connection_may_be_opened(values: dict[str, int]) -> None:
    limits(**values).check_connections(2, "me")


@pytest.mark.parametrize(("limit", "count"), [(2, 2), (0, 0)])
def test_a_connection_too_many_is_refused(limit: int, count: int) -> None:
    with pytest.raises(NotAllowed) as refused:
        limits(max_connections=limit).check_connections(count, "me")
    text = f"access to vhost 'v' refused for user 'me': connection limit ({limit}) is reached"
    assert refused.value.detail == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("foo", 1, 'Unrecognised terms [{<<"foo">>,1}] in limits'),
        ("max-queues", "a", 'max-queues should be a number, actually was <<"a">>'),
        ("max-queues", True, "max-queues should be a number, actually was true"),
        ("max-connections", 1.5, "max-connections should be a number, actually was 1.5"),
    ],
)
def test_a_wrong_limit_is_refused_and_changes_nothing(name: str, value: Any, text: str) -> None:
    made = limits(max_queues=3)
    for change in (lambda: made.set(name, value), lambda: made.replace({name: value})):
        with pytest.raises(Invalid) as refused:
            change()
        assert refused.value.detail == f"Validation failed\n\n{text}\n"
    assert made.values == {"max-queues": 3}


def test_limits_are_set_and_lifted_one_by_one_or_together() -> None:
    made = limits(max_queues=3)
    made.set("max-connections", 5)
    assert made.values == {"max-queues": 3, "max-connections": 5}
    made.delete("max-queues")
    made.delete("max-queues")
    assert made.values == {"max-connections": 5}
    made.replace({"max-queues": 1})
    assert made.values == {"max-queues": 1}
    made.clear()
    assert made.values == {}


def test_what_is_told() -> None:
    events, notes = Events(), Notes()
    made = Limits("v", events)
    events.listen(notes)
    made.set("max-queues", 3, "me")
    made.set("max-queues", 3, "me")
    made.delete("max-connections")
    me = {"name": "limits", "user_who_performed_action": "me"}
    component = {"vhost": "v", "component": "vhost-limits"}
    assert notes.take() == [
        ("parameter.set", component | {"value": {"max-queues": 3}} | me),
        ("vhost.limits.set", me | {"max-queues": 3}),
    ]
    made.clear("me")
    made.clear("me")
    assert notes.take() == [("parameter.cleared", component | me), ("vhost.limits.cleared", me)]


def test_a_node_without_limits_has_room() -> None:
    totals = Totals()
    totals.queue_count = totals.exchange_count = 1_000_000
    totals.check_queue("q")
    totals.check_exchange("exchange 'x' in vhost '/'")


def test_a_node_may_be_full() -> None:
    totals = Totals(2, 10)
    totals.queue_count, totals.exchange_count = 2, 10
    with pytest.raises(PreconditionFailed) as refused:
        totals.check_queue("q")
    assert refused.value.detail == "cannot declare queue 'q': queue limit in cluster (2) is reached"
    with pytest.raises(PreconditionFailed) as refused:
        totals.check_exchange("exchange 'x' in vhost '/'")
    text = "cannot declare exchange 'x' in vhost '/': exchange limit of 10 is reached"
    assert refused.value.detail == text
