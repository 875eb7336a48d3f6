"""Who is held while memory runs low, and what they are told."""

from typing import Any

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage

NAMES = ("connection.blocked", "consumer_cancel_notify", "basic.nack")
CLIENT: dict[str, Any] = {"capabilities": dict.fromkeys(NAMES, True)}


def _peer(c: Stage, label: str = "") -> Peer:
    """A client that understands connection.blocked."""
    return c.peer(label, properties=CLIENT)


def scenario_alarm_holds_who_publishes(c: Stage) -> Trace:
    p = _peer(c)
    q = c.queue(p)
    p.publish("", q, b"before")
    p.settle()
    c.admin.run_low(True)
    p.quiet()
    p.settle()
    p.get(q)
    p.publish("", q, b"meanwhile")
    p.take()
    p.publish("", q, b"later")
    p.send("basic.qos")
    p.quiet()
    c.admin.run_low(False)
    p.take(2)
    p.quiet()
    c.note(f"{p.empty(q)}")
    return c.trace


def scenario_alarm_and_newcomers(c: Stage) -> Trace:
    c.admin.run_low(True)
    p = _peer(c)
    q = c.queue(p)
    p.call("confirm.select")
    p.publish("", q, b"1")
    p.take()
    p.publish("", q, b"2")
    p.quiet()
    c.admin.run_low(False)
    p.take()
    p.confirms(2)
    p.quiet()
    return c.trace


def scenario_alarm_and_clients_that_would_not_understand(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.admin.run_low(True)
    p.publish("", q, b"1")
    p.send("basic.qos")
    p.quiet()
    c.admin.run_low(False)
    p.take()
    p.quiet()
    c.note(f"{p.empty(q)}")
    return c.trace


def scenario_alarm_and_consumers(c: Stage) -> Trace:
    consumer, held, other = _peer(c), _peer(c), c.peer()
    q, r = c.queue(other), c.queue(other, "r")
    c.fill(q, 2)
    c.fill(r)
    other.get(r, no_ack=False)
    held.subscribe(r, "held")
    consumer.publish("", "nowhere", b"")
    consumer.settle()
    c.admin.run_low(True)
    held.publish("", "nowhere", b"x")
    held.take()
    consumer.subscribe(q, "consumer")
    consumer.take(2)
    consumer.send("basic.ack", delivery_tag=2, multiple=True)
    consumer.settle()
    other.send("basic.reject", delivery_tag=1, requeue=True)
    held.take()
    held.send("basic.ack", delivery_tag=1)
    held.quiet()
    c.attempt("queue.declare", queue=q, passive=True)
    c.admin.run_low(False)
    held.take()
    held.settle()
    consumer.quiet()
    c.attempt("queue.declare", queue=r, passive=True)
    return c.trace


def scenario_alarm_and_transactions(c: Stage) -> Trace:
    p = _peer(c)
    q = c.queue(p)
    p.call("tx.select")
    p.publish("", q, b"1")
    p.settle()
    c.admin.run_low(True)
    p.call("tx.commit")
    p.publish("", q, b"2")
    p.take()
    p.send("tx.commit")
    p.quiet()
    c.admin.run_low(False)
    p.take(2)
    c.note(f"{p.empty(q)}")
    return c.trace


def scenario_alarm_and_refusals(c: Stage) -> Trace:
    p = _peer(c)
    c.admin.run_low(True)
    p.publish("nowhere", "", b"x")
    p.take()
    p.quiet()
    c.admin.run_low(False)
    p.take(2)
    return c.trace


def scenario_alarm_and_returns(c: Stage) -> Trace:
    p = _peer(c)
    c.admin.run_low(True)
    p.publish("", "nowhere", b"x", mandatory=True)
    p.take()
    p.quiet()
    c.admin.run_low(False)
    p.take(2)
    return c.trace


def scenario_alarm_twice(c: Stage) -> Trace:
    p = _peer(c)
    for _ in range(2):
        c.admin.run_low(True)
        p.settle()
        p.publish("", "nowhere", b"x")
        p.take()
        c.admin.run_low(False)
        p.take()
    p.quiet()
    return c.trace


def scenario_alarm_and_goodbye(c: Stage) -> Trace:
    p = _peer(c)
    c.admin.run_low(True)
    p.publish("", "nowhere", b"x")
    p.take()
    p.send("connection.close", 0, reply_code=200)
    p.quiet()
    c.admin.run_low(False)
    p.take(2)
    return c.trace
