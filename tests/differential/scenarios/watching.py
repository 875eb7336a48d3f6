"""The firehose and the event exchange: what those who look on are told."""

import re
from typing import Any

from tests.differential.stage import Peer, Stage, Trace
from tests.wire import Method

TRACE = "amq.rabbitmq.trace"
EVENTS = "amq.rabbitmq.event"
_CONNECTION = re.compile(r"127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+")
# What each broker has its own names for, or numbers.
_OWN = ("node", "pid", "connection", "channel", "timestamp_in_ms", "connected_at")
# Whom the harness acts as differs: over HTTP in RabbitMQ, inside the process in Leveret.
_ACTOR = "user_who_performed_action"


class Onlooker:
    """Reads what a queue that is bound to one of the two exchanges was told."""

    def __init__(self, c: Stage, exchange: str, *patterns: str, by_admin: bool = False) -> None:
        self._own = (*_OWN, _ACTOR) if by_admin else _OWN
        self._c = c
        self._peer = c.peer("w")
        self._queue = c.queue(self._peer, "told")
        for pattern in patterns:
            c.bind(self._peer, self._queue, exchange, pattern)

    def note(self, *, ordered: bool = True) -> None:
        """Note what came until nothing did for a while."""
        lines = []
        for got in self._read():
            facts = self._shown(got.properties["headers"])
            rest = {n: v for n, v in got.properties.items() if n not in ("headers", "timestamp")}
            lines.append(f"{got.routing_key} {facts} {rest} {got.body!r}")
        for line in lines if ordered else sorted(lines):
            self._c.note(line)
        self._c.note("no more")

    def note_names(self) -> None:
        """Note the keys of what came: of connections each broker tells in its own way."""
        self._c.note(" ".join(got.routing_key for got in self._read()))

    def _read(self) -> list[Method]:
        peer = self._peer
        peer.recording = False
        peer.subscribe(self._queue, "t", no_ack=True)
        got = [each for each in peer.read_all(self._c.idle) if each.name == "basic.deliver"]
        peer.call("basic.cancel", consumer_tag="t")
        peer.recording = True
        return got

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
    onlooker.note()
    return c.trace


def scenario_firehose_of_deliveries(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    q = c.queue(p)
    p.publish("", q, b"body", {"headers": {"CC": ["c"], "BCC": ["b"]}})
    p.settle()
    p.get(q, no_ack=True)
    onlooker.note()
    p.publish("", q, b"again")
    p.subscribe(q, "t")
    got = p.take(1)
    p.send("basic.reject", delivery_tag=got[0].delivery_tag, requeue=True)
    p.take(1)
    onlooker.note()
    return c.trace


def scenario_firehose_of_transactions(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    q = c.queue(p)
    p.call("tx.select")
    p.publish("", q, b"rolled back")
    p.call("tx.rollback")
    p.publish("", q, b"committed")
    p.call("tx.commit")
    onlooker.note()
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
    p.quiet()
    onlooker.note()
    return c.trace


def scenario_firehose_turned_off(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    q = c.queue(p)
    p.publish("", q, b"on")
    p.settle()
    onlooker.note()
    c.admin.trace(False)
    p.publish("", q, b"off")
    p.settle()
    onlooker.note()
    c.admin.trace(True)
    p.publish("", q, b"on again")
    p.settle()
    onlooker.note()
    return c.trace


def scenario_firehose_has_vhosts(c: Stage) -> Trace:
    p, onlooker = _traced(c)
    other = c.own("vhost")
    c.admin.add_vhost(other)
    o = c.peer("o", vhost=other)
    o.publish("", "nowhere", b"other")
    o.settle()
    onlooker.note()
    c.admin.trace(True, other)
    o.publish("", "nowhere", b"other")
    o.settle()
    onlooker.note()
    p.publish("", "nowhere", b"this")
    p.settle()
    onlooker.note()
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
    onlooker.note()
    q = c.queue(p, durable=True, arguments={"x-max-length": 5, "x-overflow": "drop-head"})
    onlooker.note()
    x = c.exchange(p, "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"})
    c.bind(p, q, x, "k", arguments={"a": 1, "b": "text", "c": True})
    p.unrecorded("exchange.bind", source="amq.fanout", destination=x, routing_key="e")
    onlooker.note()
    p.unrecorded("queue.unbind", queue=q, exchange=x, routing_key="k")
    arguments = {"a": 1, "b": "text", "c": True}
    p.unrecorded("queue.unbind", queue=q, exchange=x, routing_key="k", arguments=arguments)
    onlooker.note()
    c.queue(p, "temporary", auto_delete=True)
    onlooker.note()
    p.unrecorded("queue.delete", queue=q)
    onlooker.note()
    return c.trace


def scenario_events_of_consumers(c: Stage) -> Trace:
    p = c.peer("p")
    q = c.queue(p)
    onlooker = Onlooker(c, EVENTS, "consumer.*")
    p.unrecorded("basic.qos", prefetch_count=7)
    p.subscribe(q, "t", arguments={"x-priority": 5})
    p.subscribe(q, "u", no_ack=True)
    onlooker.note()
    p.call("basic.cancel", consumer_tag="t")
    onlooker.note()
    p.unrecorded("queue.delete", queue=q)
    onlooker.note(ordered=False)
    return c.trace


def scenario_events_of_users(c: Stage) -> Trace:
    onlooker = Onlooker(c, EVENTS, "user.#", "permission.*", "topic.permission.*", by_admin=True)
    user = c.own("user")
    c.admin.add_user(user, "secret", "")
    onlooker.note()
    c.admin.set_permissions(user, "a", "b", "c")
    c.admin.set_topic_permissions(user, "amq.topic", "w", "r")
    onlooker.note()
    c.admin.clear_topic_permissions(user)
    c.admin.clear_permissions(user)
    onlooker.note()
    c.admin.add_user(user, "other", "monitoring,management")
    c.admin.delete_user(user)
    onlooker.note()
    return c.trace


def scenario_events_of_policies(c: Stage) -> Trace:
    p = c.peer("p")
    q = c.queue(p)
    onlooker = Onlooker(c, EVENTS, "policy.*", "queue.policy.*", by_admin=True)
    for _ in range(2):
        c.admin.set_policy("p", f"^{q}$", {"max-length": 5}, 3, "queues")
        onlooker.note()
    c.admin.delete_policy("p")
    onlooker.note()
    return c.trace


def scenario_events_of_operator_policies(c: Stage) -> Trace:
    p = c.peer("p")
    q = c.queue(p)
    patterns = ("policy.*", "operator.policy.*", "queue.policy.*", "parameter.*")
    onlooker = Onlooker(c, EVENTS, *patterns, by_admin=True)
    c.admin.set_policy("p", f"^{q}$", {"max-length": 5})
    onlooker.note()
    c.admin.set_operator_policy("o", f"^{q}$", {"max-length": 3})
    onlooker.note()
    c.admin.delete_policy("p")
    onlooker.note()
    c.admin.delete_operator_policy("o")
    onlooker.note()
    return c.trace


def scenario_events_of_limits(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    onlooker = Onlooker(c, EVENTS, "vhost.limits.*", "parameter.*", by_admin=True)
    for _ in range(2):
        c.admin.set_vhost_limit("max-queues", 5, vhost)
        onlooker.note()
    c.admin.set_vhost_limit("max-connections", -1, vhost)
    onlooker.note()
    c.admin.clear_vhost_limit("max-queues", vhost)
    onlooker.note()
    c.admin.set_global_parameter(c.own("g"), {"a": 1})
    onlooker.note()
    return c.trace


def scenario_events_of_vhosts(c: Stage) -> Trace:
    vhost = c.own("v")
    patterns = ("vhost.created", "vhost.updated", "vhost.deleted", "vhost.limits.*")
    onlooker = Onlooker(c, EVENTS, *patterns, "queue.deleted", "exchange.*", by_admin=True)
    c.admin.add_vhost(vhost)
    onlooker.note_names()
    c.peer(vhost=vhost).unrecorded("queue.declare", queue="q")
    c.admin.set_vhost_limit("max-queues", 5, vhost)
    onlooker.note_names()
    c.admin.delete_vhost(vhost)
    onlooker.note_names()
    return c.trace


def scenario_events_of_connections(c: Stage) -> Trace:
    patterns = ("user.authentication.*", "connection.created", "channel.*")
    onlooker = Onlooker(c, EVENTS, *patterns)
    onlooker.note_names()
    p = c.peer("p")
    onlooker.note_names()
    p.unrecorded("channel.close", reply_code=200, reply_text="", class_id=0, method_id=0)
    onlooker.note_names()
    return c.trace
