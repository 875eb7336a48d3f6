"""The event exchange as clients see it, without a socket: who tells which events, and what."""

from typing import Any

import pytest
from pamqp import commands
from tests.fakes import FakeClock, Talk, handshake, new_node, publish

from leveret.auth.permissions import Permission, TopicPermission
from leveret.broker.alarms import DISK, MEMORY
from leveret.broker.event_exchange import EVENTS, field_of
from leveret.broker.wishes import QueueWish
from leveret.events import Event, Listener
from leveret.tables import ARRAY, BOOL, DOUBLE, INT64, LONGSTR, TABLE, Field, plain


class Scene:
    """A node with an event exchange, and a client who has bound the queue ``events`` to it."""

    def __init__(self, *patterns: str) -> None:
        self.node = new_node(event_exchange=True)
        self.vhost = self.node.vhosts["/"]
        self.client = Talk(self.node).open()
        self.client.call("queue.declare", queue="events", durable=True)
        for pattern in patterns:
            self.client.call("queue.bind", queue="events", exchange=EVENTS, routing_key=pattern)

    def turn(self) -> None:
        clock = self.node.clock
        assert isinstance(clock, FakeClock)
        clock.pass_s(0.001)
        self.node.keep_time()

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Name and facts of each event there is."""
        self.turn()
        found = []
        while (waiting := self.vhost.queues["events"].get(True)) is not None:
            message = waiting.message
            facts: Any = {n: plain(f) for n, f in message.properties.headers().items()}
            found.append((message.origin.routing_key, facts))
        return found

    def names(self) -> list[str]:
        return [name for name, _ in self.told()]


def test_it_is_there_if_wanted() -> None:
    assert EVENTS not in new_node().vhosts["/"].exchanges
    exchange = Scene().vhost.exchange(EVENTS)
    assert (exchange.kind, exchange.is_durable, exchange.is_internal) == ("topic", True, True)
    client = Scene().client
    reply = client.call("exchange.declare", exchange=EVENTS, type="topic", durable=True)
    assert isinstance(reply, commands.Channel.Close), "it is internal, and this says it is not"
    client = Scene().client
    client.feed(publish("k", b"", {}, EVENTS))
    (reply,) = client.read()
    assert reply.reply_text.startswith("ACCESS_REFUSED - cannot publish to internal exchange")


def test_it_is_in_the_vhost_that_the_settings_name() -> None:
    node = new_node(event_exchange=True, event_exchange_vhost="other")
    assert EVENTS not in node.vhosts["/"].exchanges
    node = new_node(event_exchange=True, event_exchange_vhost="/")
    assert EVENTS in node.vhosts["/"].exchanges


def test_nobody_listens_while_nothing_is_bound() -> None:
    scene = Scene()
    assert not scene.node.events.is_heard
    scene.client.call("queue.bind", queue="events", exchange=EVENTS, routing_key="a")
    scene.client.call("queue.bind", queue="events", exchange=EVENTS, routing_key="b")
    assert scene.node.events.is_heard
    scene.client.call("queue.unbind", queue="events", exchange=EVENTS, routing_key="a")
    assert scene.node.events.is_heard
    scene.client.call("queue.delete", queue="events")
    assert not scene.node.events.is_heard


def test_an_event_is_a_persistent_message_with_facts_for_headers() -> None:
    scene = Scene("queue.created")
    scene.client.call("queue.declare", queue="q", durable=True, arguments={"x-max-length": 5})
    scene.turn()
    waiting = scene.vhost.queues["events"].get(True)
    assert waiting is not None
    message = waiting.message
    assert (message.origin.exchange, message.origin.routing_key) == (EVENTS, "queue.created")
    assert message.body == b""
    assert message.properties.is_persistent
    facts = {name: plain(field) for name, field in message.properties.headers().items()}
    told_ms = facts.pop("timestamp_in_ms")
    assert isinstance(told_ms, int)
    assert message.properties.octets.endswith((told_ms // 1000).to_bytes(8, "big"))
    facts.pop("arguments")
    facts.pop("user_who_performed_action")
    assert facts == {
        "vhost": "/",
        "name": "q",
        "durable": True,
        "auto_delete": False,
        "exclusive": False,
        "owner_pid": "",
    }


def test_patterns_choose_events() -> None:
    scene = Scene("queue.*")
    scene.client.call("queue.declare", queue="q", durable=True)
    scene.client.call("exchange.declare", exchange="x", type="fanout")
    scene.client.call("queue.delete", queue="q")
    assert scene.names() == ["queue.created", "queue.deleted"]


def test_what_clients_do_is_told() -> None:
    scene = Scene("#")
    assert scene.names() == ["binding.created"]
    client = Talk(scene.node)
    client.feed(handshake())
    client.send("channel.open", 1)
    client.read()
    assert scene.names() == [
        "user.authentication.success",
        "connection.created",
        "channel.created",
    ]
    client.call("queue.declare", queue="q", durable=True)
    client.call("exchange.declare", exchange="x", type="topic")
    client.call("queue.bind", queue="q", exchange="x", routing_key="k")
    client.call("basic.consume", queue="q", consumer_tag="t")
    client.call("basic.cancel", consumer_tag="t")
    client.call("queue.unbind", queue="q", exchange="x", routing_key="k")
    assert scene.names() == [
        "queue.created",
        "exchange.created",
        "binding.created",
        "consumer.created",
        "consumer.deleted",
        "binding.deleted",
    ]
    client.call("basic.consume", queue="q", consumer_tag="t")
    client.send("queue.delete", queue="q")
    client.read()
    client.call("exchange.delete", exchange="x")
    assert sorted(scene.names()) == [
        "consumer.created",
        "consumer.deleted",
        "exchange.deleted",
        "queue.deleted",
    ]
    client.session.lost()
    assert scene.names() == ["channel.closed", "connection.closed"]


def test_channels_and_consumers_are_told_by_the_names_of_what_they_are_in() -> None:
    scene = Scene("connection.*", "channel.*", "consumer.*")
    client = Talk(scene.node).open()
    client.send("basic.consume", queue="events", consumer_tag="t")
    client.session.lost()
    told = dict(scene.told())
    assert told["connection.created"]["pid"] == told["channel.created"]["connection"]
    assert told["channel.created"]["pid"] == told["consumer.created"]["channel"]
    assert told["channel.created"]["pid"] == told["channel.closed"]["pid"]
    assert told["connection.created"]["pid"] == told["connection.closed"]["pid"]
    for facts in told.values():
        assert facts["user_who_performed_action"] == "guest"


def test_consumers_are_told_once_however_they_end() -> None:
    scene = Scene("consumer.*")
    client = Talk(scene.node).open()
    client.send("basic.qos", prefetch_count=7)
    client.send("queue.declare", queue="q", durable=True)
    client.send("basic.consume", queue="q", consumer_tag="t", arguments={"x-priority": 3})
    client.read()
    ((name, facts),) = scene.told()
    facts.pop("timestamp_in_ms")
    facts.pop("arguments")
    assert name == "consumer.created"
    assert facts == {
        "consumer_tag": "t",
        "exclusive": False,
        "ack_required": True,
        "prefetch_count": 7,
        "channel": "127.0.0.1:50000 -> 127.0.0.1:5672 (1)",
        "queue": "q",
        "vhost": "/",
        "user_who_performed_action": "guest",
    }
    client.send("channel.close", reply_code=200, reply_text="", class_id=0, method_id=0)
    client.session.lost()
    ((name, facts),) = scene.told()
    facts.pop("timestamp_in_ms")
    assert name == "consumer.deleted"
    assert facts == {
        "consumer_tag": "t",
        "channel": "127.0.0.1:50000 -> 127.0.0.1:5672 (1)",
        "queue": "q",
        "vhost": "/",
        "user_who_performed_action": "guest",
    }


def test_direct_replies_are_nobodys_business() -> None:
    scene = Scene("consumer.*")
    scene.client.send("basic.consume", queue="amq.rabbitmq.reply-to", no_ack=True)
    scene.client.send("basic.cancel", consumer_tag="t")
    assert scene.names() == []


def test_a_failed_login_is_told() -> None:
    scene = Scene("user.authentication.*")
    client = Talk(scene.node)
    client.feed(handshake().replace(b"\0guest\0guest", b"\0guest\0wrong"))
    ((name, facts),) = scene.told()
    assert (name, facts["name"]) == ("user.authentication.failure", "guest")


def test_what_is_done_to_users_is_told() -> None:
    scene = Scene("user.#", "permission.*", "topic.permission.*")
    users = scene.node.users
    user = users.add("u", "secret", ["monitoring"])
    assert scene.names() == ["user.created", "user.tags.set"]
    users.set_password("u", "other")
    users.clear_password("u")
    users.set_tags("u", ["management"])
    user.grant("/", Permission("a", "b", "c"))
    user.grant_topic("/", "amq.topic", TopicPermission("w", "r"))
    user.revoke_topic("/")
    user.revoke("/")
    users.set_limits("u", {"max-connections": 5})
    assert scene.names() == [
        "user.password.changed",
        "user.password.cleared",
        "user.tags.set",
        "permission.created",
        "topic.permission.created",
        "topic.permission.deleted",
        "permission.deleted",
        "user.limits.set",
    ]
    users.delete("u")
    assert "user.deleted" in scene.names()


def test_vhosts_policies_and_parameters_are_told() -> None:
    scene = Scene("vhost.#", "policy.*", "queue.policy.*", "parameter.*")
    scene.vhost.policies.set("p", "^events$", {"max-length": 1000}, 0, "queues")
    scene.vhost.policies.delete("p")
    assert sorted(scene.names()) == [
        "policy.cleared",
        "policy.set",
        "queue.policy.cleared",
        "queue.policy.updated",
    ]
    scene.node.add_vhost("v")
    scene.node.vhosts["v"].limits.set("max-queues", 5)
    scene.node.vhosts["v"].limits.delete("max-queues")
    scene.node.delete_vhost("v")
    scene.node.global_parameters.set("g", {"a": 1})
    scene.node.global_parameters.delete("g")
    names = scene.names()
    assert set(names) >= {"vhost.created", "vhost.deleted", "vhost.limits.set"}
    assert set(names) >= {"parameter.set", "parameter.cleared"}


def test_the_vhost_of_the_exchange_may_come_later_and_go() -> None:
    node = new_node(event_exchange=True, event_exchange_vhost="v")
    vhost = node.add_vhost("v")
    exchange = vhost.exchange(EVENTS)
    vhost.bind(exchange, None, vhost.exchange("amq.topic"), "#", {})
    assert node.events.is_heard
    node.delete_vhost("v")
    assert not node.events.is_heard


def test_facts_have_the_types_of_rabbitmq() -> None:
    assert field_of(True).kind == BOOL
    assert (field_of(5).kind, field_of(5).value) == (INT64, 5)
    assert field_of(1 << 70).value == str(1 << 70)
    assert field_of(0.5).kind == DOUBLE
    assert (field_of("x").kind, field_of(None).value) == (LONGSTR, "")
    assert (field_of(["a", 1]).kind, plain(field_of(["a", 1]))) == (ARRAY, ["a", 1])
    assert (field_of({"a": 1}).kind, plain(field_of({"a": 1}))) == (TABLE, {"a": 1})
    field = Field(LONGSTR, "f")
    assert field_of(field) is field


def test_facts_nested_too_deep_are_told_as_text() -> None:
    scene = Scene("deep")
    nested: dict[str, object] = {}
    for _ in range(40):
        nested = {"n": nested}
    scene.node.events.tell("deep", {"name": "kept", "value": nested})
    ((_, facts),) = scene.told()
    assert facts["name"] == "kept"
    assert isinstance(facts["value"], str)


@pytest.mark.parametrize(
    "value", ["half \ud800", {"half \ud800": 1}, {"n" * 300: "x"}, [["\udfff"]]], ids=repr
)
def test_facts_that_no_table_can_carry_are_told_as_well_as_can_be(value: object) -> None:
    scene = Scene("parameter.#")
    scene.node.global_parameters.set("g", value)
    ((_, facts),) = scene.told()
    assert facts["name"] == "g"
    assert facts["value"]


def test_arguments_that_are_no_utf8_are_told_by_their_octets() -> None:
    scene = Scene("queue.created")
    field = Field(LONGSTR, "\udcff")
    wish = QueueWish("q", True, False, 0, {"x-of-mine": field})
    scene.vhost.declare_queue(wish, 0)
    ((_, facts),) = scene.told()
    assert '{<<"x-of-mine">>,longstr,<<255>>}' in facts["arguments"]


class Ear(Listener):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Event] = []

    def on_event(self, event: Event) -> None:
        self.heard.append(event)


def test_others_may_listen_beside_it() -> None:
    scene = Scene("#")
    ear = Ear()
    scene.node.events.listen(ear)
    scene.client.call("queue.delete", queue="events")
    assert [event.name for event in ear.heard] == ["binding.deleted", "queue.deleted"]
    assert scene.node.events.is_heard


@pytest.mark.parametrize("name", ["", "k"])
def test_a_key_with_many_hashes_is_refused(name: str) -> None:
    client = Scene().client
    reply = client.call("queue.bind", queue="events", exchange=EVENTS, routing_key="#.#.#" + name)
    if name:
        assert isinstance(reply, commands.Queue.BindOk)
    else:
        assert reply.reply_text.startswith("PRECONDITION_FAILED - binding key '#.#.#' has 3 words")


def test_alarms_are_told_by_what_runs_low() -> None:
    scene = Scene("alarm.#")
    scene.node.alarms.set("a", MEMORY)
    scene.node.alarms.set("b", DISK)
    scene.node.alarms.set("c", DISK)
    scene.node.alarms.clear("a")
    scene.node.alarms.clear("b")
    scene.node.alarms.clear("c")
    told = [(name, facts["source"], facts["node"]) for name, facts in scene.told()]
    assert told == [
        ("alarm.set", "memory", "leveret"),
        ("alarm.set", "disk", "leveret"),
        ("alarm.cleared", "memory", "leveret"),
        ("alarm.cleared", "disk", "leveret"),
    ]
