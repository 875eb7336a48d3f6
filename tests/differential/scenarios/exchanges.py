"""Exchanges: declaring, deleting, names, the default and the internal ones, bindings."""

from tests.differential.peer import Trace
from tests.differential.stage import Stage
from tests.wire import Typed


def scenario_exchange_declare_types(c: Stage) -> Trace:
    for kind in ("direct", "fanout", "topic", "headers"):
        c.attempt("exchange.declare", exchange=c.x(kind), type=kind)
        c.attempt("exchange.declare", exchange=c.x(kind), type=kind, passive=True)
    return c.trace


def scenario_exchange_unknown_type(c: Stage) -> Trace:
    c.attempt("exchange.declare", exchange=c.x(), type="nonsense")
    c.attempt("exchange.declare", exchange=c.x("empty"), type="")
    c.attempt("exchange.declare", exchange=c.x("upper"), type="DIRECT")
    c.attempt("exchange.declare", exchange="amq.direct", type="nonsense")
    return c.trace


def scenario_exchange_passive(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "topic", durable=True)
    c.attempt("exchange.declare", exchange=x, type="fanout", passive=True, auto_delete=True)
    c.attempt("exchange.declare", exchange=x, type="nonsense", passive=True)
    c.attempt("exchange.declare", exchange=c.x("missing"), type="direct", passive=True)
    c.attempt("exchange.declare", exchange="amq.direct", passive=True)
    c.attempt("exchange.declare", exchange="amq.missing", passive=True)
    c.attempt("exchange.declare", exchange="", passive=True)
    return c.trace


def scenario_exchange_redeclare(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "direct")
    c.attempt("exchange.declare", exchange=x, type="direct")
    c.attempt("exchange.declare", exchange=x, type="fanout")
    c.attempt("exchange.declare", exchange=x, type="direct", durable=True)
    c.attempt("exchange.declare", exchange=x, type="direct", auto_delete=True)
    c.attempt("exchange.declare", exchange=x, type="direct", internal=True)
    c.attempt("exchange.declare", exchange=x, type="topic", durable=True, internal=True)
    c.attempt("exchange.declare", exchange=x, type="direct", arguments={"unknown": 1})
    return c.trace


def scenario_exchange_redeclare_alternate(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "direct", arguments={"alternate-exchange": "amq.fanout"})
    y = c.exchange(p, "direct", "y")
    values = {"exchange": x, "type": "direct"}
    c.attempt("exchange.declare", arguments={"alternate-exchange": "amq.fanout"}, **values)
    c.attempt("exchange.declare", arguments={"alternate-exchange": "amq.topic"}, **values)
    c.attempt("exchange.declare", **values)
    values["exchange"] = y
    c.attempt("exchange.declare", arguments={"alternate-exchange": "amq.topic"}, **values)
    return c.trace


def scenario_exchange_alternate_of_wrong_type(c: Stage) -> Trace:
    values = {"exchange": c.x(), "type": "direct"}
    for value in (5, True, None, Typed("x", b"amq.fanout"), {"a": 1}):
        c.attempt("exchange.declare", arguments={"alternate-exchange": value}, **values)
    return c.trace


def scenario_exchange_predeclared(c: Stage) -> Trace:
    kinds = {"amq.direct": "direct", "amq.fanout": "fanout", "amq.topic": "topic"}
    kinds |= {"amq.headers": "headers", "amq.match": "headers"}
    for name, kind in kinds.items():
        c.attempt("exchange.declare", exchange=name, type=kind, durable=True)
    c.attempt("exchange.declare", exchange="amq.direct", type="fanout", durable=True)
    c.attempt("exchange.declare", exchange="amq.direct", type="direct")
    c.attempt("exchange.declare", exchange="amq.rabbitmq.trace", type="topic", passive=True)
    c.attempt_publish("amq.rabbitmq.trace", "k")
    return c.trace


def scenario_exchange_reserved_name(c: Stage) -> Trace:
    c.attempt("exchange.declare", exchange="amq.mine", type="direct")
    c.attempt("exchange.declare", exchange="amq.", type="direct")
    c.attempt("exchange.declare", exchange="amq.mine", type="direct", passive=True)
    c.attempt("exchange.delete", exchange="amq.mine")
    for name in ("amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match"):
        c.attempt("exchange.delete", exchange=name)
    c.attempt("exchange.delete", exchange="amq.rabbitmq.trace", if_unused=True)
    return c.trace


def scenario_exchange_default_refusals(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.attempt("exchange.declare", exchange="", type="direct", durable=True)
    c.attempt("exchange.declare", exchange="", passive=True)
    c.attempt("exchange.delete", exchange="")
    c.attempt("exchange.bind", source="", destination="amq.direct", routing_key="k")
    c.attempt("exchange.bind", source="amq.direct", destination="", routing_key="k")
    c.attempt("exchange.unbind", source="", destination="amq.direct", routing_key="k")
    c.attempt("queue.bind", queue=q, exchange="", routing_key=q)
    c.attempt("queue.bind", queue=q, exchange="", routing_key="other")
    c.attempt("queue.unbind", queue=q, exchange="", routing_key=q)
    return c.trace


def scenario_exchange_declare_with_line_ends(c: Stage) -> Trace:
    p = c.peer()
    c.exchange(p, "fanout", "a\r\nb")
    c.attempt("exchange.declare", exchange=c.x("ab"), type="fanout", passive=True)
    c.attempt_publish(c.x("ab"))
    c.attempt_publish(c.x("a\nb"))
    return c.trace


def scenario_exchange_delete(c: Stage) -> Trace:
    p = c.peer()
    q, x = c.queue(p), c.exchange(p, "direct")
    c.bind(p, q, x, "k")
    c.attempt("exchange.delete", exchange=x, if_unused=True)
    p.call("queue.unbind", queue=q, exchange=x, routing_key="k")
    c.attempt("exchange.delete", exchange=x, if_unused=True)
    c.attempt("exchange.delete", exchange=x, if_unused=True)
    c.attempt("exchange.delete", exchange=x)
    return c.trace


def scenario_exchange_delete_as_destination_is_unused(c: Stage) -> Trace:
    p = c.peer()
    x, y = c.exchange(p, "direct"), c.exchange(p, "direct", "y")
    p.call("exchange.bind", source=x, destination=y, routing_key="k")
    c.attempt("exchange.delete", exchange=x, if_unused=True)
    c.attempt("exchange.delete", exchange=y, if_unused=True)
    c.attempt("exchange.delete", exchange=x, if_unused=True)
    return c.trace


def scenario_exchange_nowait(c: Stage) -> Trace:
    p = c.peer()
    x, y = c.x(), c.exchange(p, "direct", "y")
    p.send("exchange.declare", exchange=x, type="direct", nowait=True)
    p.call("exchange.declare", exchange=x, passive=True)
    p.send("exchange.bind", source=x, destination=y, routing_key="k", nowait=True)
    p.send("exchange.unbind", source=x, destination=y, routing_key="k", nowait=True)
    p.send("exchange.delete", exchange=x, if_unused=True, nowait=True)
    p.call("exchange.declare", exchange=x, passive=True)
    return c.trace


def scenario_exchange_internal(c: Stage) -> Trace:
    p = c.peer()
    x, y, q = c.exchange(p, "fanout"), c.exchange(p, "fanout", "y", internal=True), c.queue(p)
    p.call("exchange.bind", source=x, destination=y)
    p.call("queue.bind", queue=q, exchange=y)
    c.attempt_publish(y, "k", b"refused")
    c.attempt_publish(x, "k", b"through")
    p.empty(q)
    return c.trace


def scenario_exchange_auto_delete_by_unbind(c: Stage) -> Trace:
    p = c.peer()
    q, x = c.queue(p), c.exchange(p, "direct", auto_delete=True)
    p.call("queue.bind", queue=q, exchange=x, routing_key="1")
    p.call("queue.bind", queue=q, exchange=x, routing_key="2")
    p.call("queue.unbind", queue=q, exchange=x, routing_key="1")
    p.call("exchange.declare", exchange=x, passive=True)
    p.call("queue.unbind", queue=q, exchange=x, routing_key="2")
    p.call("exchange.declare", exchange=x, passive=True)
    return c.trace


def scenario_exchange_auto_delete_by_queue_delete(c: Stage) -> Trace:
    p = c.peer()
    q, x = c.queue(p), c.exchange(p, "direct", auto_delete=True)
    c.bind(p, q, x, "1")
    p.call("queue.delete", queue=q)
    p.call("exchange.declare", exchange=x, passive=True)
    return c.trace


def scenario_exchange_auto_delete_chain(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    x = c.exchange(p, "fanout", auto_delete=True)
    y = c.exchange(p, "fanout", "y", auto_delete=True)
    p.call("exchange.bind", source=x, destination=y)
    p.call("queue.bind", queue=q, exchange=y)
    p.call("queue.unbind", queue=q, exchange=y)
    c.attempt("exchange.declare", exchange=y, passive=True)
    c.attempt("exchange.declare", exchange=x, passive=True)
    return c.trace


def scenario_exchange_auto_delete_never_bound(c: Stage) -> Trace:
    p = c.peer()
    x, y = c.exchange(p, "fanout", auto_delete=True), c.exchange(p, "fanout", "y")
    p.call("exchange.bind", source=y, destination=x)
    p.call("exchange.unbind", source=y, destination=x)
    p.call("exchange.declare", exchange=x, passive=True)
    return c.trace


def scenario_exchange_bind_refusals(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "direct")
    missing, absent = c.x("missing"), c.x("absent")
    c.attempt("exchange.bind", source=x, destination=missing, routing_key="k")
    c.attempt("exchange.bind", source=missing, destination=x, routing_key="k")
    c.attempt("exchange.bind", source=missing, destination=absent, routing_key="k")
    c.attempt("exchange.unbind", source=x, destination=missing, routing_key="k")
    c.attempt("exchange.unbind", source=missing, destination=x, routing_key="k")
    c.attempt("exchange.unbind", source=x, destination=x, routing_key="never bound")
    return c.trace


def scenario_exchange_to_exchange(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    x, y = c.exchange(p, "topic"), c.exchange(p, "direct", "y")
    p.call("exchange.bind", source=x, destination=y, routing_key="a.#")
    p.call("exchange.bind", source=x, destination=y, routing_key="a.#")
    p.call("queue.bind", queue=q, exchange=y, routing_key="a.b")
    p.call("queue.bind", queue=q, exchange=x, routing_key="#")
    p.publish(x, "a.b", b"one copy")
    p.publish(x, "other", b"directly")
    p.empty(q)
    p.call("exchange.unbind", source=x, destination=y, routing_key="a.#")
    p.call("queue.unbind", queue=q, exchange=x, routing_key="#")
    p.publish(x, "a.b", b"unbound", mandatory=True)
    p.take()
    return c.trace


def scenario_exchange_cycle(c: Stage) -> Trace:
    p = c.peer()
    q, r = c.queue(p), c.queue(p, "r")
    x, y, z = (c.exchange(p, "fanout", name) for name in "xyz")
    for source, destination in ((x, y), (y, z), (z, x), (x, x)):
        p.call("exchange.bind", source=source, destination=destination)
    c.bind(p, q, z)
    c.bind(p, r, x)
    for number, exchange in enumerate((x, y, z)):
        p.publish(exchange, "k", b"%d" % number, mandatory=True)
    p.empty(q)
    p.empty(r)
    return c.trace


def scenario_exchange_deleted_in_a_chain(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    x, y = c.exchange(p, "fanout"), c.exchange(p, "fanout", "y")
    p.call("exchange.bind", source=x, destination=y)
    c.bind(p, q, y)
    p.call("exchange.delete", exchange=y)
    p.publish(x, "", b"1", mandatory=True)
    p.take()
    c.exchange(p, "fanout", "y")
    p.publish(x, "", b"2", mandatory=True)
    p.take()
    p.call("queue.delete", queue=q)
    return c.trace


def scenario_alternate_exchange(c: Stage) -> Trace:
    p = c.peer()
    q, r = c.queue(p), c.queue(p, "r")
    alternate = c.exchange(p, "fanout", "alternate")
    x = c.exchange(p, "direct", arguments={"alternate-exchange": alternate})
    c.bind(p, q, x, "known")
    c.bind(p, r, alternate)
    p.publish(x, "known", b"1", mandatory=True)
    p.publish(x, "unknown", b"2", mandatory=True)
    p.empty(q)
    p.empty(r)
    p.call("queue.unbind", queue=r, exchange=alternate)
    p.publish(x, "unknown", b"3", mandatory=True)
    p.take()
    p.call("exchange.delete", exchange=alternate)
    p.publish(x, "unknown", b"4", mandatory=True)
    p.take()
    return c.trace


def scenario_alternate_exchange_chain_and_cycle(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    names = [c.x(name) for name in "xyz"]
    for name, after in zip(names, names[1:] + names[:1], strict=True):
        arguments = {"alternate-exchange": after}
        p.call("exchange.declare", exchange=name, type="direct", arguments=arguments)
    p.publish(names[0], "k", b"all round", mandatory=True)
    p.take()
    c.bind(p, q, names[2], "k")
    p.publish(names[0], "k", b"found at the third", mandatory=True)
    p.empty(q)
    return c.trace


def scenario_alternate_exchange_behind_a_binding(c: Stage) -> Trace:
    p = c.peer()
    q, r = c.queue(p), c.queue(p, "r")
    alternate = c.exchange(p, "fanout", "alternate")
    c.bind(p, r, alternate)
    x = c.exchange(p, "fanout")
    y = c.exchange(p, "direct", "y", arguments={"alternate-exchange": alternate})
    p.call("exchange.bind", source=x, destination=y)
    c.bind(p, q, x)
    p.publish(x, "nowhere in y", b"both")
    p.empty(q)
    p.empty(r)
    return c.trace


def scenario_alternate_exchange_is_internal(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    alternate = c.exchange(p, "fanout", "alternate", internal=True)
    c.bind(p, q, alternate)
    x = c.exchange(p, "direct", arguments={"alternate-exchange": alternate})
    p.publish(x, "k", b"1", mandatory=True)
    p.empty(q)
    return c.trace
