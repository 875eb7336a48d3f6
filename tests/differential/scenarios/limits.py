"""Limits of vhosts and of runtime parameters, and vhosts that go."""

from tests.differential.peer import Trace
from tests.differential.stage import Stage


def _open(c: Stage, vhost: str) -> None:
    """Try to connect, and write down only what came of it."""
    peer = c.raw()
    peer.recording = False
    c.note(f"{peer.label} {peer.open(vhost=vhost)!r}")
    peer.drop()


# --- parameters and limits ---------------------------------------------------------------------


def scenario_parameter_refusals(c: Stage) -> Trace:
    c.admin.set_parameter("foo", "n", 1)
    c.admin.set_parameter("vhost-limits", "limits", {"max-queues": "a"})
    c.admin.delete_parameter("foo", "n")
    c.admin.delete_global_parameter(c.own("g"))
    c.note(f"{c.admin.set_global_parameter(c.own('g'), {'a': [1]})}")
    c.note(f"{c.admin.delete_global_parameter(c.own('g'))}")
    return c.trace


def scenario_vhost_limit_of_queues(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    p = c.peer(vhost=vhost)
    p.call("queue.declare", queue="a")
    c.admin.set_vhost_limit("max-queues", 1, vhost)
    p.call("queue.declare", queue="a")
    for values in ({"queue": "b"}, {"queue": ""}, {"queue": "c", "exclusive": True}):
        p.call("queue.declare", **values)
        p.reopen()
    p.call("queue.delete", queue="a")
    p.call("queue.declare", queue="b")
    c.admin.set_vhost_limit("max-queues", 0, vhost)
    p.call("queue.declare", queue="b")
    p.call("queue.declare", queue="a")
    p.reopen()
    c.admin.set_vhost_limit("max-queues", -1, vhost)
    p.call("queue.declare", queue="a")
    c.admin.set_vhost_limit("max-queues", 2, vhost)
    c.admin.clear_vhost_limit("max-queues", vhost)
    p.call("queue.declare", queue="c")
    return c.trace


def scenario_vhost_limit_of_queues_comes_before_arguments(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    c.admin.set_vhost_limit("max-queues", 0, vhost)
    p = c.peer(vhost=vhost)
    p.call("queue.declare", queue="a", arguments={"x-max-length": -1})
    p.reopen()
    p.call("queue.declare", queue="a", passive=True)
    p.reopen()
    p.call("queue.declare", queue="amq.a")
    return c.trace


def scenario_vhost_limit_of_connections(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    c.admin.set_vhost_limit("max-connections", 1, vhost)
    first = c.peer(vhost=vhost)
    c.turned_away("b", vhost=vhost)
    first.recording = False
    first.close()
    last = c.let_in("c", vhost=vhost)
    c.admin.set_vhost_limit("max-connections", 0, vhost)
    last.call("queue.declare", queue="a")
    _open(c, vhost)
    c.admin.set_vhost_limit("max-connections", -1, vhost)
    c.peer(vhost=vhost)
    return c.trace


def scenario_vhost_limit_refusals(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    c.admin.set_vhost_limit("max-queues", "a", vhost)
    c.admin.set_vhost_limit("foo", 1, vhost)
    c.admin.clear_vhost_limit("max-queues", vhost)
    return c.trace


# --- vhosts ------------------------------------------------------------------------------------


def scenario_vhost_deleted_with_its_connections(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    p = c.peer(vhost=vhost)
    p.call("queue.declare", queue="q")
    p.subscribe("q", "c")
    p.publish("", "q", b"unacknowledged")
    p.take()
    c.admin.delete_vhost(vhost)
    p.take(2)
    p.send("connection.close-ok", 0)
    p.take()
    _open(c, vhost)
    c.admin.delete_vhost(vhost)
    return c.trace


def scenario_vhost_made_again_is_empty(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    p = c.peer(vhost=vhost)
    p.call("queue.declare", queue="q", durable=True)
    p.call("exchange.declare", exchange="x", type="direct", durable=True)
    c.admin.delete_vhost(vhost)
    c.admin.add_vhost(vhost)
    again = c.let_in("b", vhost=vhost)
    again.call("queue.declare", queue="q", passive=True)
    again.reopen()
    again.call("exchange.declare", exchange="x", passive=True)
    return c.trace
