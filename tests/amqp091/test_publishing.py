"""leveret.amqp091.publishing: what a remembered route must not hide, and what messages may say."""

from collections.abc import Callable
from typing import Any

import pytest
from tests import wire
from tests.fakes import Talk, new_node, publish

from leveret.auth.permissions import Permission
from leveret.broker.queue import Queue
from leveret.session import AHEAD, FAR_AHEAD, LEVEL


def ready(talk: Talk, *queues: str) -> list[int]:
    return [talk.node.vhosts["/"].queues[name].ready_count for name in queues]


def opened(*channels: int) -> Talk:
    """A talk with queues a and b, and the direct exchange e from which a is bound with k."""
    talk = Talk(new_node()).open(*channels or (1,))
    talk.call("queue.declare", queue="a")
    talk.call("queue.declare", queue="b")
    talk.call("exchange.declare", exchange="e", type="direct")
    talk.call("queue.bind", queue="a", exchange="e", routing_key="k")
    return talk


TO_E = publish("k", b"x", exchange="e")


def bind_b(talk: Talk) -> None:
    talk.call("queue.bind", queue="b", exchange="e", routing_key="k")


def unbind_a(talk: Talk) -> None:
    talk.call("queue.unbind", queue="a", exchange="e", routing_key="k")


def redeclare(talk: Talk) -> None:
    talk.call("exchange.delete", exchange="e")
    talk.call("exchange.declare", exchange="e", type="fanout")
    talk.call("queue.bind", queue="b", exchange="e")


def bind_exchange(talk: Talk) -> None:
    talk.call("exchange.bind", destination="amq.fanout", source="e", routing_key="k")
    talk.call("queue.bind", queue="b", exchange="amq.fanout")


def swap_queue(talk: Talk) -> None:
    talk.call("queue.delete", queue="a")
    talk.call("queue.declare", queue="a")


def elsewhere(change: Callable[[Talk], None]) -> Callable[[Talk], None]:
    """The same change, made by another connection."""

    def made(talk: Talk) -> None:
        change(Talk(talk.node).open())

    return made


CHANGES = [
    (bind_b, [3, 2]),
    (unbind_a, [1, 0]),
    (redeclare, [1, 2]),
    (bind_exchange, [3, 2]),
    (swap_queue, [0, 0]),
]


@pytest.mark.parametrize(("change", "counts"), CHANGES)
@pytest.mark.parametrize("by", [lambda change: change, elsewhere], ids=["here", "elsewhere"])
def test_a_change_of_the_topology_counts_for_the_next_publish(
    change: Callable[[Talk], None], counts: list[int], by: Callable[[Any], Callable[[Talk], None]]
) -> None:
    talk = opened()
    talk.feed(TO_E)
    by(change)(talk)
    talk.feed(TO_E + TO_E)
    assert talk.read() == []
    assert ready(talk, "a", "b") == counts


@pytest.mark.parametrize(("change", "counts"), CHANGES)
def test_a_change_between_method_and_content_counts_too(
    change: Callable[[Talk], None], counts: list[int]
) -> None:
    talk = opened()
    talk.feed(TO_E)
    cut = len(wire.method(1, "basic.publish", exchange="e", routing_key="k"))
    talk.feed(TO_E[:cut])
    elsewhere(change)(talk)
    talk.feed(TO_E[cut:] + TO_E)
    assert ready(talk, "a", "b") == counts


def test_an_exchange_that_was_deleted_is_not_found() -> None:
    talk = opened()
    talk.feed(TO_E)
    talk.call("exchange.delete", exchange="e")
    talk.feed(TO_E)
    (closed,) = talk.read()
    assert (closed.reply_code, closed.reply_text) == (
        404,
        "NOT_FOUND - no exchange 'e' in vhost '/'",
    )
    assert (closed.class_id, closed.method_id) == (60, 40)


def test_an_exchange_deleted_before_the_content_came_loses_the_message_only() -> None:
    talk = opened()
    octets = publish("k", b"x", exchange="e", mandatory=True)
    cut = len(wire.method(1, "basic.publish", exchange="e", routing_key="k"))
    talk.feed(octets[:cut])
    Talk(talk.node).open().call("exchange.delete", exchange="e")
    talk.feed(octets[cut:])
    assert talk.read()[0].name == "Basic.Return"


def test_an_exchange_that_becomes_a_headers_exchange_looks_at_each_message() -> None:
    talk = opened()
    talk.feed(TO_E)
    talk.call("exchange.delete", exchange="e")
    talk.call("exchange.declare", exchange="e", type="headers")
    talk.call("queue.bind", queue="b", exchange="e", arguments={"h": 1})
    talk.feed(TO_E + publish("k", b"x", {"headers": {"h": 1}}, "e") + TO_E)
    assert ready(talk, "a", "b") == [1, 1]


def test_a_permission_taken_away_counts_for_the_next_publish() -> None:
    talk = opened()
    talk.feed(TO_E)
    talk.node.users.by_name["guest"].grant("/", Permission(".*", "^other$", ".*"))
    talk.feed(TO_E)
    (closed,) = talk.read()
    assert closed.reply_code == 403
    assert closed.reply_text == (
        "ACCESS_REFUSED - write access to exchange 'e' in vhost '/' refused for user 'guest'"
    )
    assert ready(talk, "a") == [1]


def test_a_permission_given_counts_for_the_next_publish() -> None:
    talk = opened()
    talk.node.users.by_name["guest"].grant("/", Permission(".*", "", ".*"))
    talk.feed(TO_E)
    assert talk.read()[0].reply_code == 403
    talk.send("channel.close-ok")
    talk.node.users.by_name["guest"].grant("/", Permission("", "^e$", ""))
    talk.send("channel.open")
    talk.feed(TO_E)
    assert ready(talk, "a") == [1]


def test_ever_new_routing_keys_find_their_way_too() -> None:
    talk = opened()
    for number in range(2000):
        talk.feed(publish(f"key{number}", exchange="e"))
    talk.feed(TO_E)
    assert ready(talk, "a") == [1]


def test_an_internal_exchange_takes_no_publish() -> None:
    talk = opened()
    talk.call("exchange.declare", exchange="i", type="fanout", internal=True)
    talk.feed(publish("k", exchange="i"))
    (closed,) = talk.read()
    assert closed.reply_text == (
        "ACCESS_REFUSED - cannot publish to internal exchange 'i' in vhost '/'"
    )


@pytest.mark.parametrize("where", ["exchange", "routing_key"])
def test_names_that_are_no_utf_8_are_carried_or_refused(where: str) -> None:
    talk = opened()
    talk.feed(publish(**{"routing_key": "a", "exchange": "amq.fanout", where: b"\xff\xfe"}))
    frames = talk.read()
    assert [f.reply_code for f in frames] == ([404] if where == "exchange" else [])
    assert not talk.session.closed


def test_a_routing_key_that_is_no_utf_8_comes_out_as_it_went_in() -> None:
    talk = opened()
    talk.call("queue.bind", queue="b", exchange="amq.fanout")
    talk.feed(publish(b"\xff\xfe", b"x", exchange="amq.fanout"))
    talk.send("basic.get", queue="b")
    assert b"\x0aamq.fanout\x02\xff\xfe" in talk.drain()


def test_the_properties_of_one_message_do_not_leak_into_the_next() -> None:
    talk = opened()
    talk.feed(publish("a", b"1", {"priority": 3, "headers": {"n": 1}}) + publish("a", b"2"))
    talk.feed(publish("a", b"3", {"message_id": "x"}))
    seen = []
    for _ in range(3):
        _, header, _ = [talk.send("basic.get", queue="a"), *talk.read()][1:]
        seen.append({name: value for name, value in header.properties if value})
    assert seen == [{"priority": 3, "headers": {"n": 1}}, {}, {"message_id": "x"}]


def refused(talk: Talk, properties: dict[str, Any]) -> str:
    talk.feed(publish("a", b"x", properties))
    (closed,) = talk.read()
    assert (closed.name, closed.class_id, closed.method_id) == ("Channel.Close", 60, 40)
    return str(closed.reply_text)


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({"expiration": "soon"}, "invalid expiration 'soon': no_integer"),
        ({"expiration": "5s"}, "invalid expiration '5s': {leftover_string,\"s\"}"),
        ({"expiration": "-1"}, "invalid expiration '-1': {value_negative,-1}"),
        (
            {"expiration": "315360000001"},
            "invalid expiration '315360000001': {value_too_large,315360000001}",
        ),
        ({"delivery_mode": 3}, "invalid message: {delivery_mode_unknown,3}"),
        (
            {"user_id": "alice"},
            "user_id property set to 'alice' but authenticated user was 'guest'",
        ),
        ({"reply_to": "amq.rabbitmq.reply-to"}, "fast reply consumer does not exist"),
        (
            {"headers": {"CC": "a"}},
            'invalid message: {unacceptable_type_in_header,"CC",longstr}',
        ),
    ],
)
def test_properties_that_cannot_be_are_refused(properties: dict[str, Any], text: str) -> None:
    assert refused(opened(), properties) == "PRECONDITION_FAILED - " + text


@pytest.mark.parametrize(
    "properties",
    [{"expiration": "0"}, {"expiration": "60000"}, {"user_id": "guest"}, {"delivery_mode": 1}],
)
def test_properties_that_can_be_are_taken(properties: dict[str, Any]) -> None:
    talk = opened()
    talk.feed(publish("a", b"x", properties))
    assert talk.read() == []
    assert ready(talk, "a") == [1]


def test_copies_go_to_further_keys_and_blind_ones_are_not_shown() -> None:
    talk = opened()
    talk.call("queue.declare", queue="c")
    talk.feed(publish("a", b"x", {"headers": {"CC": ["b", "a"], "BCC": ["c"], "h": 1}}))
    assert ready(talk, "a", "b", "c") == [1, 1, 1]
    talk.send("basic.get", queue="c")
    _, header, _ = talk.read()
    assert header.properties.headers == {"CC": ["b", "a"], "h": 1}


def test_the_longest_copy_key_does_not_hold_the_broker_up() -> None:
    talk = opened()
    talk.call("queue.bind", queue="b", exchange="amq.topic", routing_key="#.#.x")
    talk.feed(publish("k", b"x", {"headers": {"CC": ["a." * 20_000 + "x"]}}, "amq.topic"))
    assert ready(talk, "b") == [1]


def test_a_direct_reply_finds_its_way_back() -> None:
    talk = opened(1, 2)
    talk.call("basic.consume", queue="amq.rabbitmq.reply-to", no_ack=True, consumer_tag="r")
    talk.feed(publish("a", b"question", {"reply_to": "amq.rabbitmq.reply-to"}))
    talk.send("basic.get", 2, queue="a", no_ack=True)
    _, header, _ = talk.read()
    address = header.properties.reply_to
    assert address.startswith("amq.rabbitmq.reply-to.")
    talk.feed(publish(address, b"answer", channel=2))
    deliver, _, body = talk.read()
    assert (deliver.consumer_tag, deliver.routing_key, body.value) == ("r", address, b"answer")
    talk.call("basic.cancel", consumer_tag="r")
    talk.feed(publish(address, b"late", channel=2, mandatory=True))
    assert talk.read()[0].name == "Basic.Return"


def test_a_transaction_publishes_at_commit_what_was_routed_before() -> None:
    talk = opened()
    talk.call("tx.select")
    talk.feed(TO_E)
    assert ready(talk, "a") == [0]
    redeclare(talk)
    talk.call("tx.commit")
    assert ready(talk, "a", "b") == [1, 0]
    talk.feed(TO_E)
    talk.call("tx.rollback")
    talk.call("tx.commit")
    assert ready(talk, "a", "b") == [1, 0]


def test_a_queue_deleted_before_the_commit_takes_its_messages_along() -> None:
    talk = opened()
    bind_b(talk)
    talk.call("tx.select")
    talk.feed(TO_E + TO_E)
    swap_queue(talk)
    assert talk.call("tx.commit").name == "Tx.CommitOk"
    assert ready(talk, "a", "b") == [0, 2]


def test_a_message_over_the_limit_is_refused_and_what_it_sent_is_dropped() -> None:
    talk = Talk(new_node(max_message_size=1000)).open()
    talk.call("queue.declare", queue="a")
    talk.feed(publish("a", b"x" * 1000) + publish("a", b"x" * 1001))
    (closed,) = talk.read()
    assert closed.reply_text == (
        "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000"
    )
    assert ready(talk, "a") == [1]


def head(size: int) -> bytes:
    return wire.frame(wire.CONTENT, 1, wire.encode_header(size, {}))


def body(octets: bytes) -> bytes:
    return wire.frame(wire.BODY, 1, octets)


BEGIN = wire.method(1, "basic.publish", routing_key="a")


@pytest.mark.parametrize("parts", [[b"ab"], [b"a", b"b"], [b"", b"a", b"", b"b"]])
def test_a_body_may_come_in_any_number_of_frames(parts: list[bytes]) -> None:
    talk = opened()
    talk.feed(BEGIN + head(2) + b"".join(body(part) for part in parts))
    talk.send("basic.get", queue="a")
    assert talk.read()[-1].value == b"ab"


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (head(0), 505),
        (body(b"x"), 505),
        (BEGIN + body(b"x"), 505),
        (BEGIN + BEGIN, 505),
        (BEGIN + head(5) + head(5), 505),
        (BEGIN + head(5) + BEGIN, 505),
        (BEGIN + head(1) + body(b"xy"), 501),
        (BEGIN + head(3) + body(b"xy") + body(b"xy"), 501),
        (BEGIN + head(1 << 40), 501),
        (BEGIN + head((1 << 64) - 1), 501),
        (BEGIN + wire.frame(wire.CONTENT, 1, b"\0\x3c"), 501),
        (BEGIN + wire.frame(wire.CONTENT, 1, wire.encode_header(0, {}, 50)), 505),
        (BEGIN + wire.frame(wire.CONTENT, 1, wire.encode_header(0, {}) + b"x"), 502),
    ],
)
def test_content_out_of_place_closes_the_connection(octets: bytes, code: int) -> None:
    talk = opened()
    talk.feed(octets)
    (closed,) = talk.read()
    assert (closed.name, closed.reply_code) == ("Connection.Close", code)
    assert ready(talk, "a") == [0]


def test_a_queue_that_all_routes_lead_to_holds_one_object() -> None:
    talk = opened()
    bind_b(talk)
    talk.feed(TO_E)
    queues: list[Queue] = [talk.node.vhosts["/"].queues[name] for name in ("a", "b")]
    first, second = (queue.get(True) for queue in queues)
    assert first is not None and second is not None
    assert first.message is second.message


def test_a_publisher_is_ahead_when_what_it_sends_piles_up() -> None:
    talk = opened()
    talk.feed(publish("a") * 10_000)
    assert talk.session.lead == LEVEL
    talk.feed(publish("a"))
    assert talk.session.lead == AHEAD
    talk.call("queue.purge", queue="a")
    assert talk.session.lead == LEVEL


def test_a_publisher_is_far_ahead_while_consumers_are_busy_with_very_much() -> None:
    talk = opened()
    talk.feed(publish("a") * 50_100)
    assert talk.session.lead == AHEAD, "nobody takes anything"
    consumer = Talk(talk.node).open()
    consumer.send("basic.qos", prefetch_count=10)
    consumer.send("basic.consume", queue="a", consumer_tag="slow")
    assert consumer.read()
    talk.feed(publish("a"))
    assert talk.session.lead == FAR_AHEAD
    talk.feed(publish("a"))
    assert talk.session.lead == AHEAD, "the consumer takes its time"
    consumer.send("basic.ack", delivery_tag=3, multiple=True)
    assert consumer.read()
    talk.feed(publish("a"))
    assert talk.session.lead == FAR_AHEAD
    talk.call("queue.purge", queue="a")
    assert talk.session.lead == LEVEL


def test_who_changes_between_queues_is_not_taken_for_one_whose_consumers_hurry() -> None:
    talk = opened()
    # Something was taken from one of them once, so that their numbers differ.
    talk.feed(publish("a"))
    talk.send("basic.consume", queue="a", consumer_tag="once", no_ack=True)
    talk.send("basic.cancel", consumer_tag="once")
    assert talk.read()
    talk.feed(publish("a") * 50_100)
    talk.feed(publish("b") * 50_100)
    talk.feed(publish("a"))
    for name in "baba":
        talk.feed(publish(name))
        assert talk.session.lead == AHEAD, "nobody takes anything"
