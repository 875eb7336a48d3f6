"""leveret.broker.delayed"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broker.exchanges import World, headers, properties, table
from tests.wire import Typed

from leveret.broker.delayed import DelayedExchange, delay_of
from leveret.broker.message import BlindMessage, Message, Origin
from leveret.errors import PreconditionFailed
from leveret.tables import INT32, INT64

HALF_A_YEAR_MS = 183 * 24 * 3600 * 1000


def world_with(kind: str = "fanout", **arguments: Any) -> World:
    world = World()
    world.exchange("x", "x-delayed-message", x_delayed_type=kind, **arguments)
    world.queue("q")
    return world


def bound(kind: str = "fanout", key: str = "") -> World:
    world = world_with(kind)
    world.bind("x", "q", key)
    return world


def held_count(world: World, name: str = "x") -> int:
    exchange = world.vhost.exchange(name)
    assert isinstance(exchange, DelayedExchange)
    return exchange.held_count


def test_a_message_comes_when_its_delay_is_over() -> None:
    world = bound()
    world.publish("x", b"later", having=headers(x_delay=1500))
    world.publish("x", b"now")
    assert world.bodies("q") == [b"now"]
    assert held_count(world) == 1
    world.wait_s(1.499)
    assert world.bodies("q") == []
    world.wait_s(0.001)
    (message,) = world.take("q")
    assert message.body == b"later"
    assert held_count(world) == 0


def test_the_delay_is_negated_in_what_goes_on() -> None:
    world = bound("direct", "k")
    given = properties(headers={"a": "b", "x-delay": 1000, "z": 1}, delivery_mode=2, message_id="m")
    world.publish("x", b"body", "k", given)
    world.wait_s(1)
    (message,) = world.take("q")
    delay = message.properties.headers()["x-delay"]
    assert (delay.kind, delay.value) == (INT32, -1000)
    assert list(message.properties.headers()) == ["a", "x-delay", "z"]
    assert message.properties.is_persistent
    assert (message.origin.exchange, message.origin.routing_key) == ("x", "k")
    assert (
        message.properties.octets
        == properties(
            headers={"a": "b", "x-delay": -1000, "z": 1}, delivery_mode=2, message_id="m"
        ).octets
    )


@pytest.mark.parametrize("delay_ms", [1 << 31, 1 << 32, (1 << 32) + 5, HALF_A_YEAR_MS, 1 << 62])
def test_delays_do_not_wrap_at_32_bits(delay_ms: int) -> None:
    world = bound()
    world.publish("x", b"m", having=headers(x_delay=Typed("l", delay_ms)))
    assert held_count(world) == 1
    world.wait_s(delay_ms // 1000 - 1 if delay_ms < 1 << 50 else 1e9)
    assert world.bodies("q") == []
    if delay_ms < 1 << 50:
        world.wait_s(2)
        (message,) = world.take("q")
        delay = message.properties.headers()["x-delay"]
        assert (delay.kind, delay.value) == (INT64, -delay_ms)


def test_a_delayed_message_is_not_unroutable() -> None:
    world = world_with(alternate_exchange="amq.fanout")
    world.queue("alternate")
    world.bind("amq.fanout", "alternate")
    routing = world.route("x", having=headers(x_delay=5))
    assert routing.is_held
    assert not routing.queues
    world.publish("x", b"m", having=headers(x_delay=1000))
    assert world.bodies("alternate") == []
    world.wait_s(1)
    assert world.bodies("alternate") == [b"m"], "nothing is bound when its time has come"
    assert not world.route("x", having=headers(x_delay=0)).is_held


def test_bindings_count_when_the_time_has_come() -> None:
    world = world_with()
    world.publish("x", b"m", having=headers(x_delay=1000))
    world.bind("x", "q")
    world.wait_s(1)
    assert world.bodies("q") == [b"m"]


@pytest.mark.parametrize(
    "value", [0, -1, -(1 << 40), "", "0", "-5", "soon", "1.5", None, True, Typed("T", 5), {}]
)
def test_what_is_no_delay_goes_on_at_once(value: object) -> None:
    world = bound()
    world.publish("x", b"m", having=headers(x_delay=value))
    assert world.bodies("q") == [b"m"]


@pytest.mark.parametrize(
    ("value", "delay_ms"),
    [
        (5, 5),
        ("5", 5),
        ("+5", 5),
        (Typed("B", 200), 200),
        (Typed("b", -3), -3),
        (Typed("s", 300), 300),
        (Typed("L", 1 << 40), 1 << 40),
        (2.9, 2),
        (float("inf"), 0),
        (float("nan"), 0),
        (str((1 << 63) - 1), (1 << 63) - 1),
        (str(1 << 63), 0),
        (str(-(1 << 70)), 0),
        ("9" * 20, 0),
        ("\u0665", 0),
    ],
)
def test_delays_may_be_of_several_types(value: object, delay_ms: int) -> None:
    assert delay_of(table({"x-delay": value})) == delay_ms


@pytest.mark.parametrize("value", [str((1 << 63) - 1), "9" * 19, (1 << 63) - 1])
def test_no_delay_is_too_long_to_be_told_again(value: object) -> None:
    world = bound()
    world.publish("x", b"m", having=headers(x_delay=value))
    assert held_count(world) + len(world.bodies("q")) == 1


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=30))
def test_the_order_is_by_time_then_by_arrival(arrivals: list[tuple[int, int]]) -> None:
    world = bound()
    expected = []
    now = 0
    for number, (delay, pause) in enumerate(arrivals):
        world.publish("x", b"%d" % number, having=headers(x_delay=delay * 1000 + 100_000))
        expected.append((now + delay, number))
        world.clock.pass_s(pause)
        now += pause
    world.wait_s(200)
    assert world.bodies("q") == [b"%d" % number for _, number in sorted(expected)]


def test_what_is_held_can_be_listed_in_order() -> None:
    world = bound()
    for body, delay in ((b"c", 300), (b"a", 100), (b"b", 200), (b"b2", 200)):
        world.publish("x", body, having=headers(x_delay=delay))
    exchange = world.vhost.exchange("x")
    assert isinstance(exchange, DelayedExchange)
    assert [held.message.body for held in exchange.held()] == [b"a", b"b", b"b2", b"c"]


def test_deleting_the_exchange_drops_what_it_holds() -> None:
    world = bound()
    exchange = world.vhost.exchange("x")
    world.publish("x", b"m", having=headers(x_delay=1000))
    world.vhost.delete_exchange(exchange, False)
    world.exchange("x", "x-delayed-message", x_delayed_type="fanout")
    world.bind("x", "q")
    world.wait_s(5)
    assert world.bodies("q") == []
    assert held_count(world) == 0


def test_what_was_routed_before_the_exchange_went_is_dropped_too() -> None:
    world = bound()
    exchange = world.vhost.exchange("x")
    having = headers(x_delay=1000)
    (keeper,) = world.route("x", having=having).keepers
    world.vhost.delete_exchange(exchange, False)
    keeper.keep(Message(Origin("x", ""), having, b"m"), [""])
    assert isinstance(keeper, DelayedExchange)
    assert keeper.held_count == 0
    world.wait_s(5)
    assert world.bodies("q") == []


def test_many_are_sent_in_several_goes() -> None:
    world = bound()
    for _ in range(12_000):
        world.publish("x", having=headers(x_delay=10))
    for _ in range(4):
        world.wait_s(1)
    assert len(world.bodies("q")) == 12_000


@pytest.mark.parametrize(
    ("kind", "key", "matching", "other"),
    [
        ("direct", "a", "a", "b"),
        ("topic", "a.*", "a.b", "b"),
        ("x-random", "", "any", None),
        ("x-consistent-hash", "1", "any", None),
        ("x-modulus-hash", "", "any", None),
    ],
)
def test_it_routes_as_its_type_says(kind: str, key: str, matching: str, other: str | None) -> None:
    world = bound(kind, key)
    for delay in (0, 50):
        world.publish("x", b"yes", matching, headers(x_delay=delay))
        if other is not None:
            world.publish("x", b"no", other, headers(x_delay=delay))
    world.wait_s(1)
    assert world.bodies("q") == [b"yes", b"yes"]
    world.unbind("x", "q", key)
    assert world.reached("x", matching) == []


def test_headers_are_matched_after_the_delay() -> None:
    world = world_with("headers")
    world.bind("x", "q", h="v")
    world.publish("x", b"no", having=headers(h="w", x_delay=5))
    world.publish("x", b"yes", having=headers(h="v", x_delay=5))
    world.wait_s(1)
    assert world.bodies("q") == [b"yes"]
    with pytest.raises(PreconditionFailed, match="Invalid x-match field value"):
        world.bind("x", "q", **{"x-match": "some"})


def test_a_history_inside_remembers_what_went_on() -> None:
    world = world_with("x-recent-history")
    world.publish("x", b"now")
    world.publish("x", b"later", having=headers(x_delay=1000))
    world.bind("x", "q")
    assert world.bodies("q") == [b"now"]
    world.wait_s(1)
    assert world.bodies("q") == [b"later"]
    world.queue("r")
    world.bind("x", "r")
    assert world.bodies("r") == [b"now", b"later"]


def test_it_delays_what_other_exchanges_lead_to_it() -> None:
    world = bound()
    world.exchange("f", "fanout", alternate_exchange="x")
    world.publish("f", b"alternate", having=headers(x_delay=1000))
    world.exchange("g", "fanout")
    world.queue("beside")
    world.bind("g", "x")
    world.bind("g", "beside")
    world.publish("g", b"bound", "k", headers(x_delay=2000))
    (beside,) = world.take("beside")
    assert beside.properties.headers()["x-delay"].value == 2000
    assert world.bodies("q") == []
    world.wait_s(1)
    assert world.bodies("q") == [b"alternate"]
    world.wait_s(1)
    (message,) = world.take("q")
    assert (message.body, message.origin.exchange, message.origin.routing_key) == (
        b"bound",
        "g",
        "k",
    )


def test_a_second_delayed_exchange_does_not_delay_again() -> None:
    world = bound()
    world.exchange("first", "x-delayed-message", x_delayed_type="fanout")
    world.bind("first", "x")
    world.publish("first", b"m", having=headers(x_delay=1000))
    assert (held_count(world, "first"), held_count(world)) == (1, 0)
    world.wait_s(1)
    assert (held_count(world, "first"), held_count(world)) == (0, 0)
    assert world.bodies("q") == [b"m"]


def test_dead_letters_are_delayed_with_their_history() -> None:
    world = bound()
    world.queue("dying", x_message_ttl=0, x_dead_letter_exchange="x")
    world.publish("", b"m", "dying", headers(x_delay=1000))
    world.wait_s(0.5)
    assert held_count(world) == 1
    world.wait_s(2)
    (message,) = world.take("q")
    found = message.properties.headers()
    assert found["x-first-death-queue"].value == "dying"
    assert found["x-delay"].value == -1000
    # It dies again, and the first death is still known.
    world.queue("again", x_message_ttl=0, x_dead_letter_exchange="amq.fanout")
    world.queue("end")
    world.bind("amq.fanout", "end")
    world.vhost.queues["again"].publish(message)
    world.wait_s(1)
    (message,) = world.take("end")
    deaths = message.properties.headers()["x-death"].value
    assert isinstance(deaths, list)
    assert len(deaths) == 2


def test_messages_with_the_same_properties_and_with_others_are_told_apart() -> None:
    world = bound()
    one, two, none = headers(x_delay=1000), headers(x_delay=2000), headers(other=1)
    for number, having in enumerate((one, one, two, one, none, two, none)):
        world.publish("x", b"%d" % number, having=having)
    assert world.bodies("q") == [b"4", b"6"]
    world.wait_s(1)
    assert [(m.body, m.properties.headers()["x-delay"].value) for m in world.take("q")] == [
        (b"0", -1000),
        (b"1", -1000),
        (b"3", -1000),
    ]
    world.wait_s(1)
    assert [(m.body, m.properties.headers()["x-delay"].value) for m in world.take("q")] == [
        (b"2", -2000),
        (b"5", -2000),
    ]


def test_a_careful_queue_knows_that_its_dead_letter_is_held() -> None:
    world = bound()
    world.queue(
        "careful",
        x_queue_type="quorum",
        x_message_ttl=1,
        x_overflow="reject-publish",
        x_dead_letter_exchange="x",
        x_dead_letter_strategy="at-least-once",
    )
    world.publish("", b"m", "careful", headers(x_delay=600_000))
    for _ in range(20):
        world.wait_s(10)
    assert held_count(world) == 1
    world.wait_s(600)
    assert world.bodies("q") == [b"m"]
    assert held_count(world) == 0


def test_all_keys_lead_on_and_blind_ones_stay_hidden() -> None:
    world = world_with("direct")
    world.queue("blind")
    world.bind("x", "q", "k")
    world.bind("x", "blind", "b")
    exchange = world.vhost.exchange("x")
    message = BlindMessage(Origin("x", "k"), headers(x_delay=10), b"m", ["b"])
    routing = world.vhost.route(exchange, ["k", "b"], message.properties)
    for keeper in routing.keepers:
        keeper.keep(message, routing.keys)
    world.wait_s(1)
    (taken,) = world.take("blind")
    assert isinstance(taken, BlindMessage)
    assert taken.blind_keys == ["b"]
    assert world.bodies("q") == [b"m"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "Invalid argument, 'x-delayed-type' must be an existing exchange type"),
        (
            {"x_delayed_type": 5},
            "Invalid argument, 'x-delayed-type' must be an existing exchange type",
        ),
        (
            {"x_delayed_type": "x-delayed-message"},
            "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'",
        ),
        ({"x_delayed_type": "nonsense"}, "unknown exchange type 'nonsense'"),
        (
            {"x_delayed_type": "x-consistent-hash", "hash_property": "nope"},
            "Unsupported property: nope",
        ),
    ],
)
def test_a_bad_type_inside_is_refused(arguments: dict[str, Any], text: str) -> None:
    world = World()
    with pytest.raises(PreconditionFailed) as refused:
        world.exchange("x", "x-delayed-message", **arguments)
    assert refused.value.detail == text
    assert "x" not in world.vhost.exchanges
