"""Rights: each method with each right missing, and rights on routing keys."""

from typing import Any, Final

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage
from tests.wire import Wire

SECRET: Final = "secret"
ALL: Final = ".*"


def user(c: Stage, configure: str = ALL, write: str = ALL, read: str = ALL) -> str:
    """A user of the scenario's own with these rights in the usual vhost."""
    name = c.own("user")
    c.admin.add_user(name, SECRET)
    c.admin.set_permissions(name, configure, write, read)
    return name


def as_user(c: Stage, name: str, label: str = "u", **options: Any) -> Peer:
    return c.peer(label, user=name, password=SECRET, **options)


def without(c: Stage, right: str, name: str) -> Peer:
    """A connection of a user who may do everything but ``right`` on ``name``."""
    rights = {"configure": ALL, "write": ALL, "read": ALL}
    # "Anything but this name" needs a look ahead, so every right has a pattern that says what else.
    rights[right] = others(name)
    return as_user(c, user(c, **rights))


def others(name: str) -> str:
    """A pattern that is found in every name but ``name``."""
    return f"^(?!{name.replace('.', '[.]')}$).*$"


def try_it(c: Stage, p: Peer, method: str, **values: Any) -> None:
    """Call it, and afterwards show that the connection still works."""
    reply = p.call(method, **values)
    if reply.name == "channel.close":
        p.reopen()
    p.settle()


def counts(c: Stage, queue: str) -> None:
    """Note what the queue holds, as guest sees it, and empty it."""
    c.note(f"{queue}: {c.purge(queue)}")


def exists(c: Stage, exchange: str) -> None:
    with Wire(port=c.port) as wire:
        wire.open()
        c.note(f"{exchange}: {wire.call('exchange.declare', exchange=exchange, passive=True).name}")


# --- queues ------------------------------------------------------------------------------------


def scenario_rights_queue_declare(c: Stage) -> Trace:
    p = without(c, "configure", c.q())
    try_it(c, p, "queue.declare", queue=c.q())
    try_it(c, p, "queue.declare", queue=c.q("other"))
    counts(c, c.q())
    return c.trace


def scenario_rights_queue_redeclare(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    try_it(c, without(c, "configure", c.q()), "queue.declare", queue=c.q())
    return c.trace


def scenario_rights_queue_declare_anonymous(c: Stage) -> Trace:
    p = as_user(c, user(c, "^mine"))
    reply = p.unrecorded("queue.declare", exclusive=True)
    c.note(f"{reply.name} {reply.fields.get('reply_code')}")
    c.note("named" if "queue 'amq.gen-" in str(reply.fields.get("reply_text")) else "not named")
    return c.trace


def scenario_rights_queue_declare_anonymous_granted(c: Stage) -> Trace:
    p = as_user(c, user(c, "^amq[.]gen"))
    p.call("queue.declare", exclusive=True)
    return c.trace


def scenario_rights_queue_declare_dead_letters_read(c: Stage) -> Trace:
    p = without(c, "read", c.q())
    try_it(c, p, "queue.declare", queue=c.q(), arguments={"x-dead-letter-exchange": c.x()})
    counts(c, c.q())
    return c.trace


def scenario_rights_queue_declare_dead_letters_write(c: Stage) -> Trace:
    p = without(c, "write", c.x())
    try_it(c, p, "queue.declare", queue=c.q(), arguments={"x-dead-letter-exchange": c.x()})
    counts(c, c.q())
    return c.trace


def scenario_rights_queue_delete(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    try_it(c, without(c, "configure", c.q()), "queue.delete", queue=c.q())
    counts(c, c.q())
    return c.trace


def scenario_rights_queue_delete_missing(c: Stage) -> Trace:
    try_it(c, without(c, "configure", c.q()), "queue.delete", queue=c.q())
    return c.trace


def scenario_rights_queue_purge(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    c.fill(c.q(), 3)
    try_it(c, without(c, "read", c.q()), "queue.purge", queue=c.q())
    counts(c, c.q())
    return c.trace


def scenario_rights_queue_purge_missing(c: Stage) -> Trace:
    try_it(c, without(c, "read", c.q()), "queue.purge", queue=c.q())
    return c.trace


def scenario_rights_queue_bind_queue(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    try_it(c, without(c, "write", c.q()), "queue.bind", queue=c.q(), exchange="amq.direct")
    return c.trace


def scenario_rights_queue_bind_exchange(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    try_it(c, without(c, "read", "amq.direct"), "queue.bind", queue=c.q(), exchange="amq.direct")
    return c.trace


def scenario_rights_queue_bind_missing(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    p = without(c, "read", c.x())
    try_it(c, p, "queue.bind", queue=c.q(), exchange=c.x())
    try_it(c, p, "queue.bind", queue=c.q(), exchange=c.x("other"))
    try_it(c, p, "queue.bind", queue=c.q("other"), exchange=c.x())
    return c.trace


def scenario_rights_queue_unbind_queue(c: Stage) -> Trace:
    g = c.peer("g")
    c.bind(g, c.queue(g), "amq.fanout")
    try_it(c, without(c, "write", c.q()), "queue.unbind", queue=c.q(), exchange="amq.fanout")
    g.publish("amq.fanout", "", b"x")
    g.settle()
    counts(c, c.q())
    return c.trace


def scenario_rights_queue_unbind_exchange(c: Stage) -> Trace:
    g = c.peer("g")
    c.bind(g, c.queue(g), "amq.fanout")
    try_it(c, without(c, "read", "amq.fanout"), "queue.unbind", queue=c.q(), exchange="amq.fanout")
    return c.trace


# --- exchanges ---------------------------------------------------------------------------------


def scenario_rights_exchange_declare(c: Stage) -> Trace:
    p = without(c, "configure", c.x())
    try_it(c, p, "exchange.declare", exchange=c.x(), type="fanout")
    try_it(c, p, "exchange.declare", exchange=c.x("other"), type="fanout")
    exists(c, c.x())
    return c.trace


def scenario_rights_exchange_declare_alternate_read(c: Stage) -> Trace:
    p = without(c, "read", c.x())
    values = {"type": "fanout", "arguments": {"alternate-exchange": c.x("other")}}
    try_it(c, p, "exchange.declare", exchange=c.x(), **values)
    exists(c, c.x())
    return c.trace


def scenario_rights_exchange_declare_alternate_write(c: Stage) -> Trace:
    p = without(c, "write", c.x("other"))
    values = {"type": "fanout", "arguments": {"alternate-exchange": c.x("other")}}
    try_it(c, p, "exchange.declare", exchange=c.x(), **values)
    exists(c, c.x())
    return c.trace


def scenario_rights_exchange_delete(c: Stage) -> Trace:
    c.exchange(c.peer("g"), "fanout")
    try_it(c, without(c, "configure", c.x()), "exchange.delete", exchange=c.x())
    exists(c, c.x())
    return c.trace


def _bind_exchanges(c: Stage, method: str, right: str, name: str) -> Trace:
    g = c.peer("g")
    for suffix in ("from", "to"):
        c.exchange(g, "fanout", suffix)
    values = {"source": c.x("from"), "destination": c.x("to")}
    if method == "exchange.unbind":
        g.unrecorded("exchange.bind", **values)
    try_it(c, without(c, right, name), method, **values)
    return c.trace


def scenario_rights_exchange_bind_destination(c: Stage) -> Trace:
    return _bind_exchanges(c, "exchange.bind", "write", c.x("to"))


def scenario_rights_exchange_bind_source(c: Stage) -> Trace:
    return _bind_exchanges(c, "exchange.bind", "read", c.x("from"))


def scenario_rights_exchange_unbind_destination(c: Stage) -> Trace:
    return _bind_exchanges(c, "exchange.unbind", "write", c.x("to"))


def scenario_rights_exchange_unbind_source(c: Stage) -> Trace:
    return _bind_exchanges(c, "exchange.unbind", "read", c.x("from"))


def scenario_rights_default_exchange_first(c: Stage) -> Trace:
    """What is refused first where both the right and the exchange are wrong."""
    p = as_user(c, user(c, ALL, "^nothing$", "^nothing$"))
    try_it(c, p, "exchange.bind", source="", destination="")
    try_it(c, p, "queue.bind", queue=c.q(), exchange="")
    return c.trace


# --- messages ----------------------------------------------------------------------------------


def _publish(c: Stage, p: Peer, exchange: str, key: str, **headers: Any) -> None:
    p.publish(exchange, key, b"x", {"headers": headers} if headers else {})
    if p.settle().name == "channel.close":
        p.reopen()


def scenario_rights_publish(c: Stage) -> Trace:
    g = c.peer("g")
    c.bind(g, c.queue(g), c.exchange(g, "fanout"))
    _publish(c, without(c, "write", c.x()), c.x(), "k")
    counts(c, c.q())
    return c.trace


def scenario_rights_publish_default(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    _publish(c, without(c, "write", "amq.default"), "", c.q())
    counts(c, c.q())
    return c.trace


def scenario_rights_publish_missing_exchange(c: Stage) -> Trace:
    p = without(c, "write", c.x())
    _publish(c, p, c.x(), "k")
    _publish(c, p, c.x("other"), "k")
    return c.trace


def scenario_rights_publish_in_transaction(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    p = without(c, "write", "amq.direct")
    p.call("tx.select")
    p.publish("", c.q(), b"x")
    p.publish("amq.direct", c.q(), b"x")
    p.settle()
    p.reopen()
    counts(c, c.q())
    return c.trace


def scenario_rights_get(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    c.fill(c.q(), 2)
    try_it(c, without(c, "read", c.q()), "basic.get", queue=c.q(), no_ack=True)
    counts(c, c.q())
    return c.trace


def scenario_rights_get_missing(c: Stage) -> Trace:
    try_it(c, without(c, "read", c.q()), "basic.get", queue=c.q())
    return c.trace


def scenario_rights_consume(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    c.fill(c.q(), 2)
    p = without(c, "read", c.q())
    try_it(c, p, "basic.consume", queue=c.q(), consumer_tag="c", no_ack=True)
    counts(c, c.q())
    return c.trace


def scenario_rights_ack_needs_none(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    c.fill(c.q(), 1)
    name = user(c)
    p = as_user(c, name)
    got = p.get(c.q(), no_ack=False)
    c.admin.set_permissions(name, "", "", "")
    p.send("basic.ack", delivery_tag=got.delivery_tag)
    p.settle()
    return c.trace


def scenario_rights_a_change_counts_for_what_is_new(c: Stage) -> Trace:
    """RabbitMQ remembers twelve decisions of a channel; these are others."""
    g = c.peer("g")
    for suffix in "ab":
        c.queue(g, suffix)
    name = user(c)
    p = as_user(c, name)
    p.call("queue.purge", queue=c.q("a"))
    c.admin.set_permissions(name, ALL, ALL, "^nothing$")
    try_it(c, p, "queue.purge", queue=c.q("b"))
    c.admin.set_permissions(name)
    try_it(c, p, "queue.purge", queue=c.q("b"))
    return c.trace


def scenario_rights_a_consumer_goes_on(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    name = user(c)
    p = as_user(c, name)
    p.subscribe(c.q(), "c", no_ack=True)
    c.admin.set_permissions(name, "", "", "")
    c.fill(c.q(), 2)
    p.take(2)
    return c.trace


def scenario_rights_a_pattern_is_searched_for(c: Stage) -> Trace:
    p = as_user(c, user(c, "rder", ALL, ALL))
    for suffix in ("order", "orders", "other"):
        try_it(c, p, "queue.declare", queue=c.q(suffix))
    return c.trace


def scenario_rights_the_empty_pattern(c: Stage) -> Trace:
    p = as_user(c, user(c, "", ALL, ALL))
    try_it(c, p, "queue.declare", queue=c.q())
    try_it(c, p, "exchange.declare", exchange=c.x(), type="direct")
    return c.trace


# --- routing keys ------------------------------------------------------------------------------


def topic_user(c: Stage, write: str, read: str = ALL) -> Peer:
    name = user(c)
    c.admin.set_topic_permissions(name, c.x(), write, read)
    g = c.peer("g")
    c.exchange(g, "topic")
    c.bind(g, c.queue(g), c.x(), "#")
    return as_user(c, name)


def scenario_topic_rights_publish(c: Stage) -> Trace:
    p = topic_user(c, "^a[.]")
    for key in ("a.b", "b.a", ""):
        _publish(c, p, c.x(), key)
    counts(c, c.q())
    return c.trace


def scenario_topic_rights_publish_nothing(c: Stage) -> Trace:
    p = topic_user(c, "")
    for key in ("", "a"):
        _publish(c, p, c.x(), key)
    counts(c, c.q())
    return c.trace


def scenario_topic_rights_publish_carbon_copy(c: Stage) -> Trace:
    p = topic_user(c, "^a[.]")
    _publish(c, p, c.x(), "a.b", CC=["a.c"])
    counts(c, c.q())
    return c.trace


def scenario_topic_rights_publish_refused_carbon_copy(c: Stage) -> Trace:
    p = topic_user(c, "^a[.]")
    _publish(c, p, c.x(), "a.b", CC=["b.c"])
    counts(c, c.q())
    return c.trace


def scenario_topic_rights_publish_refused_blind_copy(c: Stage) -> Trace:
    p = topic_user(c, "^a[.]")
    _publish(c, p, c.x(), "a.b", BCC=["b.c"])
    counts(c, c.q())
    return c.trace


def scenario_topic_rights_variables(c: Stage) -> Trace:
    p = topic_user(c, "^{username}[.]{vhost}$")
    for key in (f"{c.own('user')}./", "someone./", "{username}.{vhost}"):
        _publish(c, p, c.x(), key)
    counts(c, c.q())
    return c.trace


def scenario_topic_rights_bind(c: Stage) -> Trace:
    p = topic_user(c, ALL, "^a[.]")
    for key in ("a.b", "b.a", "#"):
        try_it(c, p, "queue.bind", queue=c.q(), exchange=c.x(), routing_key=key)
    return c.trace


def scenario_topic_rights_unbind(c: Stage) -> Trace:
    p = topic_user(c, ALL, "^a[.]")
    for key in ("a.b", "#"):
        try_it(c, p, "queue.unbind", queue=c.q(), exchange=c.x(), routing_key=key)
    _publish(c, p, c.x(), "still.bound")
    counts(c, c.q())
    return c.trace


def scenario_topic_rights_bind_exchange(c: Stage) -> Trace:
    p = topic_user(c, ALL, "^a[.]")
    for method in ("exchange.bind", "exchange.unbind"):
        for key in ("a.b", "b.a"):
            values = {"source": c.x(), "destination": "amq.fanout", "routing_key": key}
            try_it(c, p, method, **values)
    return c.trace


def scenario_topic_rights_elsewhere(c: Stage) -> Trace:
    """Other exchanges, and others' types, are not restricted."""
    p = topic_user(c, "^a[.]", "^a[.]")
    c.exchange(c.peer("h"), "topic", "other")
    _publish(c, p, c.x("other"), "b.c")
    try_it(c, p, "queue.bind", queue=c.q(), exchange=c.x("other"), routing_key="b")
    c.admin.set_topic_permissions(c.own("user"), "amq.direct", "^a", "^a")
    _publish(c, p, "amq.direct", "b.c")
    try_it(c, p, "queue.bind", queue=c.q(), exchange="amq.direct", routing_key="b")
    return c.trace


def scenario_topic_rights_lifted(c: Stage) -> Trace:
    p = topic_user(c, "^a[.]")
    _publish(c, p, c.x(), "b.1")
    c.admin.clear_topic_permissions(c.own("user"))
    _publish(c, p, c.x(), "b.2")
    counts(c, c.q())
    return c.trace
