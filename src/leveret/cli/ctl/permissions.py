"""Commands about what users may do."""

from typing import Any, Final

from leveret.cli.ctl.asking import of_vhost, user_of, vhost_of
from leveret.cli.ctl.command import Answer, Call, Command, Rows

_RIGHTS: Final = ("configure", "write", "read")


def set_permissions(call: Call) -> Answer:
    """Let a user configure, write and read what three patterns match."""
    name, *patterns = call.arguments
    call.say(f'Setting permissions for user "{name}" in vhost "{call.vhost}" ...')
    user_of(call, name)
    vhost_of(call)
    allow(call, call.vhost, name, patterns)
    return None


def set_permissions_globally(call: Call) -> Answer:
    """The same for every virtual host there is."""
    name, *patterns = call.arguments
    call.say(f'Setting permissions for user "{name}" in all virtual hosts ...')
    user_of(call, name)
    for vhost in call.api.get("vhosts", columns="name"):
        allow(call, vhost["name"], name, patterns)
    return None


def allow(call: Call, vhost: str, name: str, patterns: list[str]) -> None:
    """Set the three patterns of a user in one virtual host."""
    rights = dict(zip(_RIGHTS, patterns, strict=True))
    call.api.put("permissions", vhost, name, body=rights)


def clear_permissions(call: Call) -> Answer:
    """Let a user into a virtual host no more; no mistake where it was not let in."""
    name = call.arguments[0]
    call.say(f'Clearing permissions for user "{name}" in vhost "{call.vhost}" ...')
    user_of(call, name)
    vhost_of(call)
    if call.api.find("permissions", call.vhost, name) is not None:
        call.api.delete("permissions", call.vhost, name)
    return None


def list_permissions(call: Call) -> Answer:
    """Who may do what in a virtual host."""
    call.say(f'Listing permissions for vhost "{call.vhost}" ...')
    found = of_vhost(call, "vhosts", call.vhost, "permissions")
    return rows(found, ("user", *_RIGHTS))


def list_user_permissions(call: Call) -> Answer:
    """What one user may do in each virtual host."""
    name = call.arguments[0]
    call.say(f'Listing permissions for user "{name}" ...')
    user_of(call, name)
    return rows(call.api.get("users", name, "permissions"), ("vhost", *_RIGHTS))


def set_topic_permissions(call: Call) -> Answer:
    """Limit the routing keys a user may use with a topic exchange."""
    name, exchange, write, read = call.arguments
    where = f'for user "{name}" in vhost "{call.vhost}" ...'
    call.say(f'Setting topic permissions on "{exchange}" {where}')
    user_of(call, name)
    vhost_of(call)
    body = {"exchange": exchange, "write": write, "read": read}
    call.api.put("topic-permissions", call.vhost, name, body=body)
    return None


def clear_topic_permissions(call: Call) -> Answer:
    """Lift those limits, of one exchange or of all."""
    name, exchange = call.arguments[0], call.argument(1)
    on = f'on "{exchange}" ' if exchange else ""
    call.say(f'Clearing topic permissions {on}for user "{name}" in vhost "{call.vhost}" ...')
    user_of(call, name)
    vhost_of(call)
    for one in call.api.get("users", name, "topic-permissions"):
        if one["vhost"] == call.vhost and exchange in ("", one["exchange"]):
            path = () if not exchange else (exchange,)
            call.api.delete("topic-permissions", call.vhost, name, *path)
            break
    return None


def list_topic_permissions(call: Call) -> Answer:
    """The limits of everybody in a virtual host."""
    call.say(f'Listing topic permissions for vhost "{call.vhost}" ...')
    found = of_vhost(call, "vhosts", call.vhost, "topic-permissions")
    return rows(found, ("user", "exchange", "write", "read"))


def list_user_topic_permissions(call: Call) -> Answer:
    """The limits of one user in each virtual host."""
    name = call.arguments[0]
    call.say(f'Listing topic permissions for user "{name}" ...')
    user_of(call, name)
    found = call.api.get("users", name, "topic-permissions")
    return rows(found, ("vhost", "exchange", "write", "read"))


def rows(found: list[dict[str, Any]], columns: tuple[str, ...]) -> Rows:
    """Some keys of each."""
    return Rows(columns, [[one[name] for name in columns] for one in found])


_GROUP: Final = "Access control"
COMMANDS: Final = (
    Command(
        "set_permissions",
        "<username> <conf> <write> <read>",
        set_permissions,
        "Lets a user configure, write and read what the patterns match",
        group=_GROUP,
    ),
    Command(
        "set_permissions_globally",
        "<username> <conf> <write> <read>",
        set_permissions_globally,
        "The same in every virtual host there is",
        group=_GROUP,
    ),
    Command(
        "clear_permissions",
        "<username>",
        clear_permissions,
        "Lets a user into a virtual host no more",
        group=_GROUP,
    ),
    Command(
        "list_permissions",
        "",
        list_permissions,
        "Lists who may do what in a virtual host",
        group=_GROUP,
    ),
    Command(
        "list_user_permissions",
        "<username>",
        list_user_permissions,
        "Lists what a user may do, in every virtual host",
        group=_GROUP,
    ),
    Command(
        "set_topic_permissions",
        "<username> <exchange> <write> <read>",
        set_topic_permissions,
        "Limits a user's routing keys on a topic exchange",
        group=_GROUP,
    ),
    Command(
        "clear_topic_permissions",
        "<username> [<exchange>]",
        clear_topic_permissions,
        "Lifts a user's limits on one topic exchange or all",
        group=_GROUP,
    ),
    Command(
        "list_topic_permissions",
        "",
        list_topic_permissions,
        "Lists the limits on topic exchanges of a virtual host",
        group=_GROUP,
    ),
    Command(
        "list_user_topic_permissions",
        "<username>",
        list_user_topic_permissions,
        "Lists a user's limits on topic exchanges",
        group=_GROUP,
    ),
)
