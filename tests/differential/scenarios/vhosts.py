"""Virtual hosts: apart from each other, and gone with all that was in them."""

from tests.differential.peer import Trace
from tests.differential.stage import Stage


def scenario_vhost_has_its_own_names(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    here, there = c.peer(), c.peer(vhost=vhost)
    q, x = c.q(), c.x()
    there.call("queue.declare", queue=q)
    there.call("exchange.declare", exchange=x, type="fanout")
    there.call("queue.bind", queue=q, exchange=x)
    c.attempt("queue.declare", queue=q, passive=True)
    c.attempt("exchange.declare", exchange=x, type="fanout", passive=True)
    here.call("queue.declare", queue=q, auto_delete=True)
    here.publish("", q, b"here")
    here.settle()
    there.publish(x, "", b"there")
    there.settle()
    here.empty(q)
    there.empty(q)
    return c.trace


def scenario_vhost_begins_with_exchanges(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    p = c.peer(vhost=vhost)
    kinds = ("direct", "fanout", "topic", "headers", "match", "rabbitmq.trace")
    for kind in kinds:
        p.call("exchange.declare", exchange=f"amq.{kind}", type="direct", passive=True)
    p.call("queue.declare", queue="q")
    p.publish("", "q", b"by the default exchange")
    p.settle()
    p.empty("q")
    p.publish("amq.rabbitmq.trace", "", b"x")
    p.take()
    return c.trace


def scenario_vhost_is_in_the_texts(c: Stage) -> Trace:
    vhost = c.own("a/b c")
    c.admin.add_vhost(vhost)
    p = c.peer(vhost=vhost)
    p.call("queue.declare", queue="missing", passive=True)
    p.reopen()
    p.call("queue.declare", queue="q", durable=True)
    p.call("queue.declare", queue="q")
    p.reopen()
    p.call("queue.bind", queue="q", exchange="missing")
    p.reopen()
    p.call("exchange.delete", exchange="amq.topic")
    return c.trace


def scenario_vhost_is_deleted(c: Stage) -> Trace:
    """Its connections are told, those of others are not; a new one of its name is empty."""
    vhost, other = c.own("v"), c.own("other")
    c.admin.add_vhost(vhost)
    c.admin.add_vhost(other)
    p, stays = c.peer(vhost=vhost), c.peer(vhost=other)
    p.call("queue.declare", queue="q", durable=True)
    p.publish("", "q", b"x")
    p.settle()
    c.admin.delete_vhost(vhost)
    p.take()
    stays.call("queue.declare", queue="q")
    late = c.raw()
    late.recording = False
    refused = late.open(vhost=vhost)
    c.note(f"{refused.name} {refused.reply_code} {refused.reply_text}")
    c.admin.delete_vhost(vhost)
    c.admin.add_vhost(vhost)
    again = c.let_in("d", vhost=vhost)
    again.call("queue.declare", queue="q", passive=True)
    return c.trace


def scenario_vhost_is_not_for_everybody(c: Stage) -> Trace:
    """Rights are given in each vhost by itself; whoever has none in it may not enter."""
    vhost, user = c.own("v"), c.own("user")
    c.admin.add_vhost(vhost)
    c.admin.add_user(user)
    for _ in range(2):
        p = c.raw()
        p.recording = False
        opened = p.open(user, "secret", vhost)
        c.note(opened.name if opened.name == "connection.open-ok" else opened.reply_text)
        p.drop()
        c.admin.set_permissions(user, "^$", "^$", "^$", vhost)
    c.note(f"deleted: {c.admin.delete_vhost(vhost)}")
    c.admin.add_vhost(vhost)
    p = c.raw()
    p.recording = False
    c.note(p.open(user, "secret", vhost).reply_text)
    return c.trace
