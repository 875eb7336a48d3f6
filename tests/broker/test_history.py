"""leveret.broker.history"""

from typing import Any

import pytest
from tests.broker.exchanges import World, headers
from tests.fakes import message
from tests.wire import Typed

from leveret.errors import PreconditionFailed


def world_with(**arguments: Any) -> World:
    world = World()
    world.exchange("x", "x-recent-history", **arguments)
    return world


def test_who_is_bound_new_gets_the_last_messages_oldest_first() -> None:
    world = world_with(x_recent_history_length=3)
    for number in range(5):
        world.publish("x", b"%d" % number, f"k{number}")
    world.queue("q")
    world.bind("x", "q", "any")
    got = world.take("q")
    assert [each.body for each in got] == [b"2", b"3", b"4"]
    assert [each.origin.routing_key for each in got] == ["k2", "k3", "k4"]
    world.publish("x", b"5", "other")
    assert world.bodies("q") == [b"5"], "it routes as a fanout does"
    world.bind("x", "q", "any")
    assert world.bodies("q") == [], "the same binding again is no new one"
    world.bind("x", "q", "another")
    assert world.bodies("q") == [b"3", b"4", b"5"]


def test_twenty_is_what_it_remembers_if_nobody_says() -> None:
    world = world_with()
    for number in range(30):
        world.publish("x", b"%d" % number)
    world.queue("q")
    world.bind("x", "q")
    assert world.bodies("q") == [b"%d" % number for number in range(10, 30)]


def test_a_message_can_ask_not_to_be_remembered() -> None:
    world = world_with()
    world.publish("x", b"no", having=headers(x_recent_history_no_store=True))
    world.publish("x", b"yes", having=headers(x_recent_history_no_store=False))
    world.publish("x", b"also", having=headers(x_recent_history_no_store=1))
    world.publish("x", b"others", having=headers(other=True))
    world.queue("q")
    world.bind("x", "q")
    assert world.bodies("q") == [b"yes", b"also", b"others"]


def test_an_exchange_bound_new_is_led_the_history_too() -> None:
    world = world_with()
    for number in range(4):
        world.publish("x", b"%d" % number, "even" if number % 2 == 0 else "odd")
    world.exchange("t", "topic")
    world.queue("q")
    world.bind("t", "q", "even")
    world.bind("x", "t")
    assert world.bodies("q") == [b"0", b"2"]


def test_what_reaches_it_through_others_is_remembered_too() -> None:
    world = world_with()
    world.exchange("f", "fanout", alternate_exchange="x")
    world.publish("f", b"alternate")
    world.exchange("g", "fanout")
    world.bind("g", "x")
    world.publish("g", b"bound")
    world.queue("dying", x_message_ttl=0, x_dead_letter_exchange="x")
    world.vhost.queues["dying"].publish(message(b"dead"))
    world.wait_s(1)
    world.queue("q")
    world.bind("x", "q")
    assert world.bodies("q") == [b"alternate", b"bound", b"dead"]


def test_deleting_it_forgets_everything() -> None:
    world = world_with()
    world.publish("x", b"old")
    world.vhost.delete_exchange(world.vhost.exchange("x"), False)
    world.exchange("x", "x-recent-history")
    world.queue("q")
    world.bind("x", "q")
    assert world.bodies("q") == []


def test_exchanges_in_a_circle_do_no_harm() -> None:
    world = world_with(x_recent_history_length=2)
    world.exchange("y", "x-recent-history", x_recent_history_length=2)
    world.queue("q")
    world.bind("x", "q")
    world.bind("y", "x")
    world.bind("x", "y")
    world.publish("x", b"1")
    assert world.bodies("q") == [b"1"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-1, "-1"),
        ("5", '<<"5">>'),
        (True, "true"),
        (3.0, "3.0"),
        (None, "undefined"),
        (Typed("B", 3), "3"),
    ],
)
def test_a_bad_length_is_refused(value: object, shown: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        world_with(x_recent_history_length=value)
    assert refused.value.detail == (
        f"Invalid argument {shown}, 'x-recent-history-length' must be a positive integer"
    )
