"""Queues: declaring, deleting, purging, names, exclusive and auto-delete ones."""

from tests.differential.peer import Trace
from tests.differential.stage import Stage


def scenario_queue_declare_counts(c: Stage) -> Trace:
    p = c.peer()
    q = c.q()
    p.call("queue.declare", queue=q)
    c.fill(q, 3)
    p.call("queue.declare", queue=q)
    p.subscribe(q, "t", no_ack=True)
    p.take(3)
    p.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_queue_declare_nowait(c: Stage) -> Trace:
    p = c.peer()
    q = c.q()
    p.send("queue.declare", queue=q, nowait=True)
    p.call("queue.declare", queue=q, passive=True)
    p.send("queue.declare", queue=q, nowait=True, durable=True)
    p.take()
    return c.trace


def scenario_queue_passive_missing(c: Stage) -> Trace:
    c.attempt("queue.declare", queue=c.q(), passive=True)
    c.attempt("queue.declare", queue=c.q(), passive=True, nowait=True)
    return c.trace


def scenario_queue_passive_ignores_the_rest(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-priority": 3})
    flags = {"durable": True, "auto_delete": True, "arguments": {"x-max-priority": 9}}
    p.call("queue.declare", queue=q, passive=True, **flags)
    p.call("queue.declare", queue=q, passive=True, arguments={"x-expires": "nonsense"})
    p.call("queue.declare", queue=q, passive=True, exclusive=True)
    return c.trace


def scenario_queue_redeclare_flags(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, durable=True)
    c.attempt("queue.declare", queue=q)
    c.attempt("queue.declare", queue=q, durable=True, auto_delete=True)
    c.attempt("queue.declare", queue=q, durable=True)
    c.attempt("queue.declare", queue=q, durable=True, exclusive=True)
    transient = c.queue(p, "transient")
    c.attempt("queue.declare", queue=transient, durable=True)
    c.attempt("queue.declare", queue=transient, durable=True, auto_delete=True, exclusive=True)
    auto = c.queue(p, "auto", auto_delete=True)
    c.attempt("queue.declare", queue=auto)
    return c.trace


def scenario_queue_server_named(c: Stage) -> Trace:
    p = c.peer()
    first = p.call("queue.declare", exclusive=True)
    second = p.call("queue.declare", exclusive=True)
    c.note(f"differ {first.queue != second.queue} {len(first.queue)}")
    p.call("queue.declare", queue=first.queue, passive=True)
    p.call("queue.delete", queue=second.queue)
    return c.trace


def scenario_queue_empty_name_is_the_last(c: Stage) -> Trace:
    p = c.peer()
    q, x = c.q(), c.exchange(p, "direct")
    p.call("queue.declare", queue=q)
    p.call("queue.bind", exchange=x)
    p.publish(x, q, b"to the queue's name")
    p.publish(x, "", b"to the empty key")
    p.call("basic.get", no_ack=True)
    p.call("basic.get", no_ack=True)
    p.call("queue.bind", exchange=x, routing_key="key")
    p.call("queue.unbind", exchange=x, routing_key="key")
    p.call("basic.consume", consumer_tag="t")
    p.call("basic.cancel", consumer_tag="t")
    p.call("queue.purge")
    p.call("queue.delete")
    p.call("queue.purge")
    return c.trace


def scenario_queue_unbind_empty_name_and_key(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "direct")
    q = c.q()
    p.call("queue.declare", queue=q)
    p.call("queue.bind", exchange=x)
    p.call("queue.unbind", exchange=x)
    p.publish(x, q, b"gone", mandatory=True)
    p.take()
    return c.trace


def scenario_queue_last_is_of_the_channel(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    p.call("queue.declare", queue=c.q())
    p.call("queue.purge", 2)
    return c.trace


def scenario_queue_empty_name_nothing_declared(c: Stage) -> Trace:
    c.attempt("queue.declare", passive=True)
    c.attempt("queue.bind", exchange="amq.direct", routing_key="k")
    c.attempt("queue.bind", exchange="amq.direct")
    c.attempt("queue.unbind", exchange="amq.direct", routing_key="k")
    c.attempt("queue.purge")
    c.attempt("queue.delete")
    c.attempt("basic.get")
    c.attempt("basic.consume")
    return c.trace


def scenario_queue_passive_sets_the_last(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p)
    p.call("queue.declare", 2, queue=q, passive=True)
    p.call("queue.purge", 2)
    return c.trace


def scenario_queue_last_after_delete(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.call("queue.delete", queue=q)
    p.call("queue.bind", exchange="amq.direct")
    return c.trace


def scenario_queue_reserved_name(c: Stage) -> Trace:
    c.attempt("queue.declare", queue="amq.mine")
    c.attempt("queue.declare", queue="amq.")
    c.attempt("queue.declare", queue="amq.mine", passive=True)
    c.attempt("queue.declare", queue="amqmine", passive=True)
    c.attempt("queue.declare", queue="amq.rabbitmq.mine")
    c.attempt("queue.delete", queue="amq.mine")
    return c.trace


def scenario_queue_reserved_existing(c: Stage) -> Trace:
    p = c.peer()
    name = p.call("queue.declare", exclusive=True, auto_delete=True).queue
    p.call("queue.declare", queue=name, exclusive=True, auto_delete=True)
    return c.trace


def scenario_queue_names_with_line_ends(c: Stage) -> Trace:
    p = c.peer()
    q = c.q("a")
    c.queue(p, "a\r\nb")
    c.q("ab")
    p.call("queue.declare", queue=f"{q}b", passive=True)
    p.call("queue.declare", queue=f"{q}\nb", passive=True)
    p.publish("", f"{q}b", b"reached")
    p.settle()
    p.get(f"{q}\r\nb")
    return c.trace


def scenario_queue_name_of_255_octets(c: Stage) -> Trace:
    p = c.peer()
    name = c.q("é" * 100)
    name = c.q("é" * 100 + "n" * (255 - len(name.encode())))
    p.call("queue.declare", queue=name)
    p.publish("", name, b"x")
    p.get(name)
    c.attempt("queue.declare", queue="n" * 255, passive=True)
    c.attempt("queue.declare", queue=name, durable=True)
    return c.trace


def scenario_queue_purge(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 4)
    p.get(q, no_ack=False)
    p.call("queue.purge", queue=q)
    p.call("queue.purge", queue=q)
    p.send("basic.nack", delivery_tag=1, requeue=True)
    c.holds(q, 1)
    p.send("queue.purge", queue=q, nowait=True)
    p.call("queue.declare", queue=q, passive=True)
    c.attempt("queue.purge", queue=c.q("missing"))
    return c.trace


def scenario_queue_delete(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 2)
    p.get(q, no_ack=False)
    p.call("queue.delete", queue=q)
    p.call("queue.delete", queue=q)
    p.call("queue.delete", queue=c.q("never"), if_unused=True, if_empty=True)
    p.send("basic.ack", delivery_tag=1)
    p.settle()
    return c.trace


def scenario_queue_delete_conditions(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q)
    c.attempt("queue.delete", queue=q, if_empty=True)
    p.call("queue.purge", queue=q)
    p.subscribe(q, "t")
    c.attempt("queue.delete", queue=q, if_unused=True)
    c.attempt("queue.delete", queue=q, if_unused=True, if_empty=True)
    p.call("basic.cancel", consumer_tag="t")
    c.attempt("queue.delete", queue=q, if_unused=True, if_empty=True)
    return c.trace


def scenario_queue_delete_nowait(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.send("queue.delete", queue=q, nowait=True)
    p.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_queue_exclusive_elsewhere(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, exclusive=True)
    c.attempt("queue.declare", queue=q)
    c.attempt("queue.declare", queue=q, exclusive=True)
    c.attempt("queue.declare", queue=q, passive=True)
    c.attempt("queue.bind", queue=q, exchange="amq.direct", routing_key="k")
    c.attempt("queue.unbind", queue=q, exchange="amq.direct", routing_key="k")
    c.bind(p, q, "amq.direct", q)
    c.attempt("queue.unbind", queue=q, exchange="amq.direct", routing_key=q)
    c.attempt("queue.purge", queue=q)
    c.attempt("queue.delete", queue=q)
    c.attempt("basic.get", queue=q)
    c.attempt("basic.consume", queue=q)
    c.attempt_publish("", q, b"publishing is allowed", mandatory=True)
    p.get(q)
    return c.trace


def scenario_queue_exclusive_flag_mismatch(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p, exclusive=True)
    p.call("queue.declare", queue=q, exclusive=False)
    p.call("queue.declare", 2, queue=q, exclusive=True, auto_delete=True)
    return c.trace


def scenario_queue_exclusive_is_durable(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2, 3))
    q = c.q()
    p.call("queue.declare", queue=q, exclusive=True, durable=True)
    p.call("queue.declare", 2, queue=q, exclusive=True, durable=True)
    p.call("queue.declare", 3, queue=q, exclusive=True, durable=False)
    return c.trace


def scenario_queue_exclusive_ends_with_connection(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, exclusive=True)
    p.unrecorded("channel.close")
    c.attempt("queue.declare", queue=q, passive=True)
    p.call("connection.close", 0, reply_code=200)
    second = c.peer()
    second.call("queue.declare", queue=q, exclusive=True)
    return c.trace


def scenario_queue_auto_delete_by_cancel(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p, auto_delete=True)
    p.get(q)
    p.subscribe(q, "one")
    p.subscribe(q, "two")
    p.call("basic.cancel", consumer_tag="one")
    p.call("queue.declare", queue=q, passive=True)
    p.call("basic.cancel", consumer_tag="two")
    p.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_queue_auto_delete_by_channel_close(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p, auto_delete=True)
    p.subscribe(q, "one", 2)
    p.call("channel.close", 2)
    p.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_queue_auto_delete_by_connection_close(c: Stage) -> Trace:
    p, second = c.peer(), c.peer()
    q = c.queue(p, auto_delete=True)
    p.subscribe(q, "one")
    p.call("connection.close", 0, reply_code=200)
    c.gone(q)
    second.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_queue_auto_delete_never_used(c: Stage) -> Trace:
    p, second = c.peer(), c.peer()
    q = c.queue(p, auto_delete=True)
    p.call("connection.close", 0, reply_code=200)
    second.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_queue_bind_refusals(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.attempt("queue.bind", queue=q, exchange=c.x("missing"), routing_key="k")
    c.attempt("queue.bind", queue=c.q("missing"), exchange="amq.direct", routing_key="k")
    c.attempt("queue.bind", queue=c.q("missing"), exchange=c.x("missing"), routing_key="k")
    c.attempt("queue.unbind", queue=q, exchange=c.x("missing"), routing_key="k")
    c.attempt("queue.unbind", queue=c.q("missing"), exchange="amq.direct", routing_key="k")
    c.attempt("queue.unbind", queue=q, exchange="amq.direct", routing_key="k")
    c.attempt("queue.bind", queue=q, exchange="", routing_key="k")
    c.attempt("queue.unbind", queue=q, exchange="", routing_key=q)
    return c.trace


def scenario_queue_bind_nowait_and_twice(c: Stage) -> Trace:
    p = c.peer()
    q, x = c.queue(p), c.exchange(p, "direct")
    p.send("queue.bind", queue=q, exchange=x, routing_key="k", nowait=True)
    p.call("queue.bind", queue=q, exchange=x, routing_key="k")
    p.call("queue.bind", queue=q, exchange=x, routing_key="k", arguments={"a": 1})
    p.publish(x, "k", b"one copy")
    p.empty(q)
    p.call("queue.unbind", queue=q, exchange=x, routing_key="k")
    p.publish(x, "k", b"the one with arguments is left", mandatory=True)
    p.empty(q)
    p.call("queue.unbind", queue=q, exchange=x, routing_key="k", arguments={"a": 1})
    p.publish(x, "k", b"none is left", mandatory=True)
    p.take()
    return c.trace


def scenario_queue_unbind_arguments_must_match(c: Stage) -> Trace:
    p = c.peer()
    q, x = c.queue(p), c.exchange(p, "direct")
    c.bind(p, q, x, "k", arguments={"a": 1, "b": "two"})
    p.call("queue.unbind", queue=q, exchange=x, routing_key="k", arguments={"a": 1})
    p.publish(x, "k", b"still bound")
    p.empty(q)
    values = {"queue": q, "exchange": x, "routing_key": "k"}
    p.call("queue.unbind", arguments={"b": "two", "a": 1}, **values)
    p.publish(x, "k", b"the order does not matter", mandatory=True)
    p.take()
    return c.trace
