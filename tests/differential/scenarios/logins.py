"""Logins, tags and limits of users."""

from tests.differential.peer import Peer, Trace, render
from tests.differential.scenarios.permissions import SECRET, as_user, counts, try_it, user
from tests.differential.stage import Stage


def login(c: Stage, label: str, name: str, password: str, vhost: str = "/") -> None:
    """Try to log in and note what came of it."""
    p = c.raw(label)
    p.recording = False
    reply = p.open(name, password, vhost, channels=())
    if reply.name == "connection.open-ok":
        c.note(f"{label} is in")
    else:
        c.note(f"{label} {reply!r}")


def scenario_login_without_permissions(c: Stage) -> Trace:
    name = c.own("user")
    c.admin.add_user(name, SECRET)
    login(c, "a", name, SECRET)
    c.admin.set_permissions(name, "", "", "")
    login(c, "b", name, SECRET)
    c.admin.clear_permissions(name)
    login(c, "d", name, SECRET)
    return c.trace


def scenario_login_to_another_vhost(c: Stage) -> Trace:
    c.admin.add_vhost(c.own("v"))
    name = user(c)
    login(c, "a", name, SECRET, c.own("v"))
    login(c, "b", name, SECRET, c.own("missing"))
    c.admin.set_permissions(name, vhost=c.own("v"))
    login(c, "d", name, SECRET, c.own("v"))
    return c.trace


def scenario_login_blank_password(c: Stage) -> Trace:
    name = c.own("user")
    c.admin.add_user(name, None)
    c.admin.set_permissions(name)
    for label, password in (("a", ""), ("b", "x")):
        login(c, label, name, password)
    return c.trace


def scenario_login_changed_password(c: Stage) -> Trace:
    name = user(c)
    p = as_user(c, name)
    c.admin.add_user(name, "other")
    login(c, "a", name, SECRET)
    login(c, "b", name, "other")
    p.settle()
    return c.trace


def _publish_as(c: Stage, p: Peer, claimed: str) -> None:
    p.publish("", c.q(), b"x", {"user_id": claimed})
    if p.settle().name == "channel.close":
        p.reopen()


def scenario_tags_impersonator(c: Stage) -> Trace:
    c.queue(c.peer("g"))
    name = user(c)
    p = as_user(c, name)
    _publish_as(c, p, name)
    _publish_as(c, p, "guest")
    counts(c, c.q())
    c.admin.add_user(name, SECRET, "impersonator")
    _publish_as(c, as_user(c, name, "v"), "guest")
    counts(c, c.q())
    return c.trace


def scenario_tags_give_no_rights(c: Stage) -> Trace:
    name = c.own("user")
    c.admin.add_user(name, SECRET, "administrator,monitoring,policymaker,management")
    login(c, "a", name, SECRET)
    c.admin.set_permissions(name, "", "", "")
    try_it(c, as_user(c, name), "queue.declare", queue=c.q())
    return c.trace


def scenario_limit_of_connections(c: Stage) -> Trace:
    name = user(c)
    who = {"user": name, "password": SECRET}
    c.admin.set_user_limit(name, "max-connections", 0)
    c.turned_away("a", **who)
    c.admin.set_user_limit(name, "max-connections", 1)
    c.let_in("b", **who)
    c.turned_away("d", **who)
    c.admin.set_user_limit(name, "max-connections", -1)
    for label in "ef":
        login(c, label, name, SECRET)
    return c.trace


def scenario_limit_of_connections_lifted(c: Stage) -> Trace:
    name = user(c)
    c.admin.set_user_limit(name, "max-connections", 0)
    login(c, "a", name, SECRET)
    c.admin.clear_user_limit(name, "max-connections")
    login(c, "b", name, SECRET)
    return c.trace


def scenario_limit_of_channels(c: Stage) -> Trace:
    name = user(c)
    c.admin.set_user_limit(name, "max-channels", 2)
    p = as_user(c, name, channels=(1, 2))

    def is_refused() -> bool:
        """RabbitMQ may count a channel some time after it is open."""
        reply = p.unrecorded("channel.open", 3)
        if reply.name == "channel.open-ok":
            p.unrecorded("channel.close", 3)
            return False
        p.note(render(reply))
        return True

    c.until("the third channel is refused", is_refused)
    return c.trace


def scenario_limit_of_no_channels(c: Stage) -> Trace:
    name = user(c)
    c.admin.set_user_limit(name, "max-channels", 0)
    as_user(c, name, channels=()).call("channel.open", 1)
    return c.trace


def scenario_limit_of_a_vhost(c: Stage) -> Trace:
    vhost = c.own("v")
    c.admin.add_vhost(vhost)
    c.admin.set_vhost_limit("max-connections", 0, vhost)
    c.turned_away("a", vhost=vhost)
    c.admin.set_vhost_limit("max-connections", 1, vhost)
    c.let_in("b", vhost=vhost)
    c.turned_away("d", vhost=vhost)
    return c.trace


def scenario_user_that_exists_is_changed(c: Stage) -> Trace:
    name = user(c)
    c.admin.add_user(name, SECRET, "management")
    login(c, "a", name, SECRET)
    return c.trace
