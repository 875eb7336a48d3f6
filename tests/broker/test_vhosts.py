"""Vhosts come, are bounded and go: leveret.broker.node, and what clients see of it"""

import gc
from collections.abc import Iterator

import pytest
from tests.fakes import FakeClock, FakeConsumer, message, new_node
from tests.listening import Notes
from tests.wire import Wire

from leveret import Broker
from leveret.auth.permissions import Permission
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import Invalid, NotFound, PreconditionFailed
from leveret.tables import Table

NOTHING: Table = {}
ALL = Permission(".*", ".*", ".*")


def fill(node: Node, vhost: str) -> Queue:
    """Make a queue with an appointment, a message, a consumer and a binding."""
    place = node.vhosts[vhost]
    place.declare_exchange(ExchangeWish("x", "topic", True, False, False, NOTHING))
    place.policies.set("p", "", {"expires": 60_000, "message-ttl": 30_000})
    queue = place.declare_queue(QueueWish("q", True, False, 0, NOTHING), 0)
    place.bind(place.exchange("x"), queue, None, "#", NOTHING)
    place.limits.set("max-queues", 1)
    queue.publish(message())
    return queue


# --- coming ------------------------------------------------------------------------------------


def test_a_new_vhost_has_what_was_said_and_the_exchanges_of_every_vhost() -> None:
    node = new_node()
    vhost = node.add_vhost("v", "mine", ["a"], "quorum", True, True)
    assert node.vhosts["v"] is vhost
    assert (vhost.description, vhost.tags, vhost.default_queue_type) == ("mine", ["a"], "quorum")
    assert (vhost.is_protected, vhost.is_traced) == (True, True)
    assert set(vhost.exchanges) == set(node.vhosts["/"].exchanges)
    assert "v" not in node.users.get("guest").permissions


def test_a_vhost_added_again_stays_and_is_said_something_else_of() -> None:
    node = new_node()
    vhost = node.add_vhost("v", "mine", ["a"], "", True, True)
    fill(node, "v")
    assert node.add_vhost("v") is vhost
    assert (vhost.description, vhost.tags, vhost.is_protected) == ("", [], False)
    assert vhost.is_traced
    assert list(vhost.queues) == ["q"]


def test_an_unknown_queue_type_is_refused() -> None:
    node = new_node()
    with pytest.raises(Invalid, match="Unsupported default queue type"):
        node.add_vhost("v", default_queue_type="foo")
    assert list(node.vhosts) == ["/"]


def test_there_may_be_so_many_vhosts() -> None:
    node = new_node(vhost_max=2)
    node.add_vhost("v")
    node.add_vhost("v", "again")
    with pytest.raises(Invalid) as refused:
        node.add_vhost("w")
    assert refused.value.detail == "cannot create vhost 'w': vhost limit of 2 is reached"


@pytest.mark.parametrize(
    ("of_vhost", "of_node", "durable", "kind"),
    [
        ("", "classic", True, "classic"),
        ("quorum", "classic", True, "quorum"),
        ("quorum", "classic", False, "classic"),
        ("", "quorum", True, "quorum"),
        ("classic", "quorum", True, "classic"),
    ],
)
def test_a_queue_that_asks_for_no_type_gets_the_default(
    of_vhost: str, of_node: str, durable: bool, kind: str
) -> None:
    vhost = new_node(default_queue_type=of_node).add_vhost("v", default_queue_type=of_vhost)
    wish = QueueWish("q", durable, False, 0, NOTHING)
    assert vhost.declare_queue(wish, 0).kind == kind
    assert vhost.declare_queue(wish, 0).kind == kind


def test_new_vhosts_get_what_the_settings_say() -> None:
    limits = {
        "b": {"vhost_pattern": "^team", "max_queues": 5},
        "a": {"vhost_pattern": "^team-a$", "max_connections": 9},
    }
    policies = {"short": {"vhost_pattern": "^team", "queue_pattern": "^q", "max_length": 3}}
    node = new_node(default_vhost_limits=limits, default_operator_policies=policies)
    values = {name: node.add_vhost(name).limits.values for name in ("team-a", "team-b", "other")}
    assert values == {"team-a": {"max-connections": 9}, "team-b": {"max-queues": 5}, "other": {}}
    (policy,) = node.vhosts["team-a"].operator_policies
    assert (policy.name, policy.pattern, policy.apply_to) == ("short", "^q", "queues")
    assert policy.definition == {"max-length": 3}
    assert len(node.vhosts["other"].operator_policies) == 0


# --- going -------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_deleted_vhost() -> None:
    node = new_node()
    node.add_vhost("v")
    node.users.get("guest").grant("v", ALL)
    before = (node.totals.queue_count, node.totals.exchange_count)
    consumer = FakeConsumer(room=0)
    queue = fill(node, "v")
    node.vhosts["v"].consume(queue, consumer)
    assert node.totals.queue_count == before[0] + 1
    vhost = node.vhosts["v"]
    node.delete_vhost("v")
    assert list(node.vhosts) == ["/"]
    assert "v" not in node.users.get("guest").permissions
    assert (vhost.queues, vhost.exchanges, list(vhost.bindings())) == ({}, {}, [])
    assert (queue.is_gone, queue.ready_count, consumer.was_cancelled) == (True, 0, True)
    assert node.totals.exchange_count == len(node.vhosts["/"].exchanges)


def test_a_deleted_vhost_has_no_appointments() -> None:
    node = new_node()
    clock = node.clock
    assert isinstance(clock, FakeClock)
    node.add_vhost("v")
    queue = fill(node, "v")
    assert queue.due_ns > 0
    node.delete_vhost("v")
    assert queue.due_ns == 0
    clock.pass_s(3600)
    node.keep_time()
    assert queue.due_ns == 0


def test_many_vhosts_come_and_go_and_leave_no_garbage() -> None:
    node = new_node()
    counts = []
    for _ in range(3):
        for number in range(50):
            node.add_vhost(f"v{number}")
            fill(node, f"v{number}")
            node.delete_vhost(f"v{number}")
        clock = node.clock
        assert isinstance(clock, FakeClock)
        clock.pass_s(3600)
        node.keep_time()
        gc.collect()
        counts.append(len(gc.get_objects()))
    assert counts[2] - counts[1] < 50


def test_a_protected_vhost_stays() -> None:
    node = new_node()
    node.add_vhost("v", is_protected=True)
    with pytest.raises(PreconditionFailed, match="'v': it is protected from deletion"):
        node.delete_vhost("v")
    node.add_vhost("v", is_protected=False)
    node.delete_vhost("v")


def test_what_is_not_there_cannot_be_deleted() -> None:
    with pytest.raises(NotFound, match="no vhost 'v'"):
        new_node().delete_vhost("v")


def test_what_is_told() -> None:
    node, notes = new_node(), Notes()
    node.events.listen(notes)
    node.add_vhost("v", "mine", ["a"], by="me")
    told = notes.take()
    exchanges = [facts["name"] for name, facts in told if name == "exchange.created"]
    assert sorted(exchanges) == sorted(node.vhosts["v"].exchanges)
    assert told[-1] == (
        "vhost.created",
        {
            "name": "v",
            "description": "mine",
            "tags": ["a"],
            "default_queue_type": "classic",
            "tracing": False,
            "user_who_performed_action": "me",
        },
    )
    node.add_vhost("v", by="me")
    assert [name for name, _ in notes.take()] == ["vhost.updated"]
    node.delete_vhost("v", "me")
    told = notes.take()
    assert {name for name, _ in told[:-1]} == {"exchange.deleted"}
    assert told[-1] == ("vhost.deleted", {"name": "v", "user_who_performed_action": "me"})


# --- what clients see --------------------------------------------------------------------------


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker(port=0) as running:
        running.call(lambda node: node.add_vhost("v"))
        running.call(lambda node: node.users.get("guest").grant("v", ALL))
        yield running


def test_the_clients_of_a_deleted_vhost_are_sent_away(broker: Broker) -> None:
    with Wire(port=broker.port) as gone, Wire(port=broker.port) as other:
        gone.open(vhost="v", channels=(1, 2))
        other.open()
        gone.call("queue.declare", queue="q", exclusive=True)
        gone.call("basic.consume", queue="q", consumer_tag="c")
        gone.publish("", "q", b"unacknowledged")
        gone.expect("basic.deliver")
        broker.call(lambda node: node.delete_vhost("v"))
        cancelled, closed = gone.read_all()
        assert (cancelled.name, cancelled.consumer_tag) == ("basic.cancel", "c")
        assert (closed.name, closed.channel) == ("connection.close", 0)
        text = "CONNECTION_FORCED - vhost 'v' is deleted"
        assert (closed.reply_code, closed.reply_text) == (320, text)
        gone.send("connection.close-ok", 0)
        assert gone.read() is None
        assert other.call("queue.declare", queue="q").name == "queue.declare-ok"
    with Wire(port=broker.port) as late:
        refused = late.open(vhost="v")
        assert refused.reply_text == "NOT_ALLOWED - vhost v not found"


def test_a_connection_too_many_is_refused(broker: Broker) -> None:
    broker.call(lambda node: node.vhosts["v"].limits.set("max-connections", 1))
    with Wire(port=broker.port) as first, Wire(port=broker.port) as second:
        assert first.open(vhost="v").name == "connection.open-ok"
        refused = second.open(vhost="v")
        assert (refused.name, refused.reply_code) == ("connection.close", 530)
        assert refused.reply_text == (
            "NOT_ALLOWED - access to vhost 'v' refused for user 'guest': "
            "connection limit (1) is reached"
        )
        first.close()
    with Wire(port=broker.port) as third:
        assert third.open(vhost="v").name == "connection.open-ok"


def test_a_queue_too_many_is_refused(broker: Broker) -> None:
    broker.call(lambda node: node.vhosts["v"].limits.set("max-queues", 1))
    with Wire(port=broker.port) as wire:
        wire.open(vhost="v")
        wire.call("queue.declare", queue="a")
        refused = wire.call("queue.declare", queue="b")
        assert (refused.name, refused.reply_code) == ("channel.close", 406)
        text = "cannot declare queue 'b': queue limit in vhost 'v' (1) is reached"
        assert refused.reply_text.removeprefix("PRECONDITION_FAILED - ") == text


def test_a_policy_changes_where_an_open_channel_publishes_to(broker: Broker) -> None:
    with Wire(port=broker.port) as wire:
        wire.open(vhost="v")
        wire.call("exchange.declare", exchange="x", type="direct")
        wire.call("queue.declare", queue="lost")
        wire.call("queue.bind", queue="lost", exchange="amq.fanout", routing_key="")
        wire.publish("x", "k", b"before", mandatory=True)
        assert wire.expect("basic.return").body == b"before"
        definition: dict[str, object] = {"alternate-exchange": "amq.fanout"}
        broker.call(lambda node: node.vhosts["v"].policies.set("p", "^x$", dict(definition)))
        wire.publish("x", "k", b"during", mandatory=True)
        assert wire.call("basic.get", queue="lost", no_ack=True).body == b"during"
        broker.call(lambda node: node.vhosts["v"].policies.delete("p"))
        wire.publish("x", "k", b"after", mandatory=True)
        assert wire.expect("basic.return").body == b"after"
