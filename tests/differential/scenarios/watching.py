"""The firehose and the event exchange: what those who look on are told."""

import re
from typing import Any

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage
from tests.wire import Method

TRACE = "amq.rabbitmq.trace"
EVENTS = "amq.rabbitmq.event"
_CONNECTION = re.compile(r"127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+")
# What each broker has its own names for, or numbers.
_OWN = ("node", "pid", "connection", "channel", "timestamp_in_ms", "connected_at")
# Whom the harness acts as differs: over HTTP in RabbitMQ, inside the process in Leveret.
_ACTOR = "user_who_performed_action"
_OF_BINDINGS = "binding.created"
_OF_CONNECTIONS = ("connection.", "channel.", "user.authentication.")
# How long to look whether more comes than there should.
_SOON_S = 0.1


class Onlooker:
    """Reads what a queue that is bound to one of the two exchanges was told."""

    def __init__(self, c: Stage, exchange: str, *patterns: str, by_admin: bool = False) -> None:
        self._own = (*_OWN, _ACTOR) if by_admin else _OWN
        self._c = c
        self._peer = c.peer("w")
        self._queue = c.queue(self._peer, "told")
        self._peer.recording = False
        self._peer.subscribe(self._queue, "t", no_ack=True)
        self._is_of_events = exchange == EVENTS
        self._pids: set[str] = set()
        for pattern in patterns:
            c.bind(self._peer, self._queue, exchange, pattern)
        if self._is_of_events:
            self._let_the_past_pass()

    def _let_the_past_pass(self) -> None:
        """Events are told in a row, late: wait for one of this queue's own to be told."""
        self._peer.send("queue.bind", queue=self._queue, exchange=EVENTS, routing_key=_OF_BINDINGS)
        while not ((told := self._peer.read()) and _OF_BINDINGS in repr(told.properties)):
            pass
        self._peer.call(
            "queue.unbind", queue=self._queue, exchange=EVENTS, routing_key=_OF_BINDINGS
        )

    def note(self, count: int) -> None:
        """Note what came, once so much did, and what else comes soon after it."""
        for got in self.read(count):
            facts = self._shown(got.properties["headers"])
            rest = {n: v for n, v in got.properties.items() if n not in ("headers", "timestamp")}
            self._c.note(f"{got.routing_key} {facts} {rest} {got.body!r}")
        self._c.note("no more")

    def note_names(self, count: int) -> None:
        """Note the keys of what came: of connections each broker tells in its own way."""
        self._c.note(" ".join(got.routing_key for got in self.read(count)))

    def read(self, count: int) -> list[Method]:
        came: list[Method] = []
        while len(came) < count:
            got = self._peer.read()
            assert got is not None, "the onlooker was cut off"
            came += self._relevant(got)
        for got in self._peer.read_all(_SOON_S * self._c.pace):
            came += self._relevant(got)
        return came

    def _relevant(self, got: Method) -> list[Method]:
        """Just it, unless it is about others' connections or the onlooker's own doings."""
        if got.name != "basic.deliver":
            return []
        if not self._is_of_events:
            return [got]
        text, headers = repr(got.properties), got.properties["headers"]
        if self._queue in text:
            return []
        if got.routing_key.startswith(_OF_CONNECTIONS):
            pid = str(headers.get("pid"))
            if pid not in self._pids and not any(client in text for client in self._c.clients()):
                return []
            self._pids.add(pid)
        return [got]

    def _shown(self, headers: dict[str, Any]) -> str:
        shown = {n: "*" if n in self._own else v for n, v in sorted(headers.items())}
        return _CONNECTION.sub("client", str(shown))


def _traced(c: Stage) -> tuple[Peer, Onlooker]:
    onlooker = Onlooker(c, TRACE, "#")
    peer = c.peer("p")
    c.admin.trace(True)
    return peer, onlooker


def scenario_firehose_of_publishes(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    x, q = c.exchange(p, "fanout"), c.queue(p)
    c.bind(p, q, x)
    properties = {
        "content_type": "t",
        "content_encoding": "ce",
        "headers": {"CC": ["c"], "BCC": ["b"], "n": 5},
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "c",
        "reply_to": "r",
        "expiration": "60000",
        "message_id": "m",
        "timestamp": 1_700_000_000,
        "type": "ty",
        "user_id": "guest",
        "app_id": "a",
    }
    p.publish(x, "k", b"body", properties)
    p.publish("amq.topic", "nowhere", b"returned", mandatory=True)
    p.publish("", "nowhere", b"lost")
    p.publish("", q, b"by name")
    p.settle()
    onlooker.note(4)
    return c.trace


def scenario_firehose_of_deliveries(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    q = c.queue(p)
    p.publish("", q, b"body", {"headers": {"CC": ["c"], "BCC": ["b"]}})
    p.settle()
    p.get(q, no_ack=True)
    onlooker.note(2)
    p.publish("", q, b"again")
    p.subscribe(q, "t")
    got = p.take(1)
    p.send("basic.reject", delivery_tag=got[0].delivery_tag, requeue=True)
    p.take(1)
    onlooker.note(3)
    return c.trace


def scenario_firehose_of_transactions(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    q = c.queue(p)
    p.call("tx.select")
    p.publish("", q, b"rolled back")
    p.call("tx.rollback")
    p.publish("", q, b"committed")
    p.call("tx.commit")
    onlooker.note(2)
    return c.trace


def scenario_firehose_of_dead_letters(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    q = c.queue(p)
    arguments = {
        "x-message-ttl": 0,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": q,
    }
    dying = c.queue(p, "dying", arguments=arguments)
    p.publish("", dying, b"body")
    p.settle()
    c.holds(dying, 0)
    onlooker.note(1)
    return c.trace


def scenario_firehose_turned_off(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    q = c.queue(p)
    p.publish("", q, b"on")
    p.settle()
    onlooker.note(1)
    c.admin.trace(False)
    p.publish("", q, b"off")
    p.settle()
    onlooker.note(0)
    c.admin.trace(True)
    p.publish("", q, b"on again")
    p.settle()
    onlooker.note(1)
    return c.trace


def scenario_firehose_has_vhosts(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    other = c.own("vhost")
    c.admin.add_vhost(other)
    o = c.peer("o", vhost=other)
    o.publish("", "nowhere", b"other")
    o.settle()
    onlooker.note(0)
    c.admin.trace(True, other)
    o.publish("", "nowhere", b"other")
    o.settle()
    onlooker.note(0)
    p.publish("", "nowhere", b"this")
    p.settle()
    onlooker.note(1)
    return c.trace


def scenario_events_exchange(c: Stage) -> Trace:
    values = {"exchange": EVENTS, "type": "topic", "durable": True, "internal": True}
    c.attempt("exchange.declare", **values)
    c.attempt("exchange.declare", **{**values, "internal": False})
    c.attempt_publish(EVENTS, "k")
    c.attempt("exchange.delete", exchange=EVENTS)
    return c.trace


def scenario_events_of_entities(c: Stage) -> Trace:
    p = c.peer("p")
    onlooker = Onlooker(c, EVENTS, "queue.*", "exchange.*", "binding.*")
    q = c.queue(p, durable=True, arguments={"x-max-length": 5, "x-overflow": "drop-head"})
    onlooker.note(1)
    x = c.exchange(p, "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"})
    c.bind(p, q, x, "k", arguments={"a": 1, "b": "text", "c": True})
    p.unrecorded("exchange.bind", source="amq.fanout", destination=x, routing_key="e")
    onlooker.note(3)
    p.unrecorded("queue.unbind", queue=q, exchange=x, routing_key="k")
    arguments = {"a": 1, "b": "text", "c": True}
    p.unrecorded("queue.unbind", queue=q, exchange=x, routing_key="k", arguments=arguments)
    onlooker.note(1)
    c.queue(p, "temporary", auto_delete=True)
    onlooker.note(1)
    p.unrecorded("queue.delete", queue=q)
    onlooker.note(1)
    return c.trace


def scenario_events_of_consumers(c: Stage) -> Trace:
    p = c.peer("p")
    q = c.queue(p)
    onlooker = Onlooker(c, EVENTS, "consumer.*")
    p.unrecorded("basic.qos", prefetch_count=7)
    p.subscribe(q, "t", arguments={"x-priority": 5})
    p.subscribe(q, "u", no_ack=True)
    onlooker.note(2)
    p.call("basic.cancel", consumer_tag="t")
    onlooker.note(1)
    p.unrecorded("queue.delete", queue=q)
    # RabbitMQ tells it twice, or three times: the queue does, and so may the channel.
    gone = {
        (got.routing_key, str(got.properties["headers"]["consumer_tag"]))
        for got in onlooker.read(1)
    }
    c.note(f"{gone}")
    return c.trace


def scenario_events_of_users(c: Stage) -> Trace:
    onlooker = Onlooker(c, EVENTS, "user.#", "permission.*", "topic.permission.*", by_admin=True)
    user = c.own("user")
    c.admin.add_user(user, "secret", "")
    onlooker.note(1)
    c.admin.set_permissions(user, "a", "b", "c")
    c.admin.set_topic_permissions(user, "amq.topic", "w", "r")
    onlooker.note(2)
    c.admin.clear_topic_permissions(user)
    c.admin.clear_permissions(user)
    onlooker.note(2)
    c.admin.add_user(user, "other", "monitoring,management")
    c.admin.delete_user(user)
    onlooker.note(3)
    return c.trace


def scenario_events_of_policies(c: Stage) -> Trace:
    p = c.peer("p")
    q = c.queue(p)
    onlooker = Onlooker(c, EVENTS, "policy.*", "queue.policy.*", by_admin=True)
    for told in (2, 0):
        c.admin.set_policy(c.own("p"), f"^{q}$", {"max-length": 5}, 3, "queues")
        onlooker.note(told)
    c.admin.delete_policy(c.own("p"))
    onlooker.note(2)
    return c.trace


def scenario_events_of_operator_policies(c: Stage) -> Trace:
    p = c.peer("p")
    q = c.queue(p)
    patterns = ("policy.*", "operator.policy.*", "queue.policy.*", "parameter.*")
    onlooker = Onlooker(c, EVENTS, *patterns, by_admin=True)
    c.admin.set_policy(c.own("p"), f"^{q}$", {"max-length": 5})
    onlooker.note(2)
    c.admin.set_operator_policy(c.own("o"), f"^{q}$", {"max-length": 3})
    onlooker.note(3)
    c.admin.delete_policy(c.own("p"))
    onlooker.note(2)
    c.admin.delete_operator_policy(c.own("o"))
    onlooker.note(3)
    return c.trace


def scenario_events_of_limits(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    onlooker = Onlooker(c, EVENTS, "vhost.limits.*", "parameter.*", by_admin=True)
    for told in (2, 0):
        c.admin.set_vhost_limit("max-queues", 5, vhost)
        onlooker.note(told)
    c.admin.set_vhost_limit("max-connections", -1, vhost)
    onlooker.note(2)
    c.admin.clear_vhost_limit("max-queues", vhost)
    onlooker.note(2)
    c.admin.set_global_parameter(c.own("g"), {"a": 1})
    onlooker.note(1)
    return c.trace


def scenario_events_of_vhosts(c: Stage) -> Trace:
    vhost = c.own("v")
    patterns = ("vhost.created", "vhost.updated", "vhost.deleted", "vhost.limits.*")
    onlooker = Onlooker(c, EVENTS, *patterns, "queue.deleted", "exchange.*", by_admin=True)
    c.admin.add_vhost(vhost)
    onlooker.note_names(8)
    c.peer(vhost=vhost).unrecorded("queue.declare", queue="q")
    c.admin.set_vhost_limit("max-queues", 5, vhost)
    onlooker.note_names(1)
    c.admin.delete_vhost(vhost)
    onlooker.note_names(10)
    return c.trace


def scenario_events_of_connections(c: Stage) -> Trace:
    patterns = ("user.authentication.*", "connection.created", "channel.*")
    onlooker = Onlooker(c, EVENTS, *patterns)
    p = c.peer("p")
    onlooker.note_names(3)
    p.unrecorded("channel.close", reply_code=200, reply_text="", class_id=0, method_id=0)
    onlooker.note_names(1)
    return c.trace
