"""Commands about virtual hosts."""

from typing import Any, Final

from leveret.cli.ctl.asking import compact, table_of, vhost_of
from leveret.cli.ctl.command import Answer, BadCall, Call, Command, Facts, Rows
from leveret.cli.ctl.erlang import States, atoms
from leveret.cli.ctl.users import tags_of
from leveret.cli.refusals import Failure

_COLUMNS: Final = (
    *("name", "description", "tags", "default_queue_type", "protected_from_deletion", "tracing"),
    *("cluster_state", "metadata"),
)
_LIMITS: Final = ("max-connections", "max-queues")


def add_vhost(call: Call) -> Answer:
    """Make one; no mistake when it is there."""
    name = call.arguments[0]
    call.say(f'Adding vhost "{name}" ...')
    body: dict[str, object] = {}
    if call.has("description"):
        body["description"] = call.text("description")
    if call.has("tags"):
        body["tags"] = call.text("tags")
    if call.has("default-queue-type"):
        body["default_queue_type"] = call.text("default-queue-type")
        body["defaultqueuetype"] = call.text("default-queue-type")  # what 3.10 reads
    call.api.put("vhosts", name, body=body)
    return None


def delete_vhost(call: Call) -> Answer:
    """Remove one with all that is in it."""
    name = call.arguments[0]
    call.say(f'Deleting vhost "{name}" ...')
    vhost_of(call, name)
    call.api.delete("vhosts", name)
    return None


def list_vhosts(call: Call) -> Answer:
    """Their names, or what else is asked for."""
    columns = call.arguments or ["name"]
    unknown = [name for name in columns if name not in _COLUMNS]
    if unknown:
        raise BadCall(f"Info key(s) {','.join(unknown)} are not supported")
    call.say("Listing vhosts ...")
    return Rows(columns, [[of(one, name) for name in columns] for one in call.api.get("vhosts")])


def of(vhost: dict[str, Any], column: str) -> object:
    """One column of a virtual host."""
    if column == "tags":
        return tags_of(vhost)
    if column == "cluster_state":
        return States(vhost.get("cluster_state") or {})
    return vhost.get(column)


def set_vhost_tags(call: Call) -> Answer:
    """Give a virtual host exactly these tags."""
    name, *tags = call.arguments
    call.say(f'Setting tags for virtual host "{name}" to {atoms(tags)} ...')
    change(call, name, {"tags": ",".join(tags)})
    return None


def update_vhost_metadata(call: Call) -> Answer:
    """Change what is told about a virtual host, and keep the rest."""
    name = call.arguments[0]
    call.say(f'Updating metadata of vhost "{name}" ...')
    told: dict[str, object] = {
        key.replace("-", "_"): call.text(key)
        for key in ("description", "tags", "default-queue-type")
        if call.has(key)
    }
    if not told:
        raise BadCall("nothing to change: pass --description, --tags or --default-queue-type")
    change(call, name, told)
    return None


def change(call: Call, name: str, told: dict[str, object]) -> None:
    """Put a virtual host that is there, with all that it had but for what is told."""
    vhost = vhost_of(call, name)
    body: dict[str, object] = {
        "description": vhost.get("description") or "",
        "tags": ",".join(tags_of(vhost)),
    }
    kind = vhost.get("default_queue_type")
    if kind and kind != "undefined":
        body["default_queue_type"] = kind
    call.api.put("vhosts", name, body=body | told)


def trace_on(call: Call) -> Answer:
    """Have the firehose tell of every message."""
    call.say(f'Starting tracing for vhost "{call.vhost}" ...')
    change(call, call.vhost, {"tracing": True})
    return f"Trace enabled for vhost {call.vhost}"


def trace_off(call: Call) -> Answer:
    """Have the firehose be silent."""
    call.say(f'Stopping tracing for vhost "{call.vhost}" ...')
    change(call, call.vhost, {"tracing": False})
    return f"Trace disabled for vhost {call.vhost}"


def protect(call: Call) -> Answer:
    """Have nobody delete it."""
    name = call.arguments[0]
    call.say(f'Protecting vhost "{name}" from deletion ...')
    vhost_of(call, name)
    call.api.post("vhosts", name, "deletion", "protection")
    return None


def unprotect(call: Call) -> Answer:
    """Have it be deleted again."""
    name = call.arguments[0]
    call.say(f'Lifting the protection of vhost "{name}" from deletion ...')
    vhost_of(call, name)
    call.api.delete("vhosts", name, "deletion", "protection")
    return None


def set_vhost_limits(call: Call) -> Answer:
    """Limit connections and queues of a virtual host."""
    text = call.arguments[0]
    call.say(f'Setting vhost limits to "{text}" for vhost "{call.vhost}" ...')
    limits = table_of(text)
    unknown = [name for name in limits if name not in _LIMITS]
    if unknown:
        raise Failure(
            f"Validation failed\n\nUnrecognised limit {unknown[0]!r}: there are"
            f" {', '.join(_LIMITS)}",
            69,
        )
    vhost_of(call)
    there = limits_by_vhost(call).get(call.vhost, {})
    for name, value in limits.items():
        call.api.put("vhost-limits", call.vhost, name, body={"value": value})
    for name in there:
        if name not in limits:
            call.api.delete("vhost-limits", call.vhost, name)
    return None


def clear_vhost_limits(call: Call) -> Answer:
    """Lift all limits of a virtual host."""
    call.say(f'Clearing vhost "{call.vhost}" limits ...')
    vhost_of(call)
    for name in limits_by_vhost(call).get(call.vhost, {}):
        call.api.delete("vhost-limits", call.vhost, name)
    return None


def list_vhost_limits(call: Call) -> Answer:
    """The limits of one virtual host, or of all."""
    every = limits_by_vhost(call)
    if call.has("global"):
        call.say("Listing limits for all vhosts ...")
        return Rows(["vhost", "limits"], [[name, compact(value)] for name, value in every.items()])
    call.say(f'Listing limits for vhost "{call.vhost}" ...')
    vhost_of(call)
    limits = every.get(call.vhost)
    return Facts(limits or {}, compact(limits) if limits else "")


def limits_by_vhost(call: Call) -> dict[str, dict[str, int]]:
    """The limits of every virtual host that has any."""
    return {one["vhost"]: one["value"] for one in call.api.get("vhost-limits") if one["value"]}


def restart_vhost(call: Call) -> Answer:
    """Nothing of a virtual host can fail alone here; RabbitMQ's can be started again."""
    name = call.argument(0, call.vhost)
    call.say(f"Trying to restart vhost '{name}' ...")
    for node in vhost_of(call, name).get("cluster_state") or {}:
        call.api.post("vhosts", name, "start", node)
    return None


_GROUP: Final = "Virtual hosts"
_ABOUT: Final = ("description=", "tags=", "default-queue-type=")
COMMANDS: Final = (
    Command("add_vhost", "<vhost>", add_vhost, "Creates a virtual host", _ABOUT, _GROUP),
    Command(
        "delete_vhost",
        "<vhost>",
        delete_vhost,
        "Deletes a virtual host with all that is in it",
        group=_GROUP,
    ),
    Command("list_vhosts", "[<column> ...]", list_vhosts, "Lists virtual hosts", group=_GROUP),
    Command(
        "set_vhost_tags",
        "<vhost> [<tag> ...]",
        set_vhost_tags,
        "Sets a virtual host's tags",
        group=_GROUP,
    ),
    Command(
        "update_vhost_metadata",
        "<vhost>",
        update_vhost_metadata,
        "Changes description, tags or default queue type",
        _ABOUT,
        _GROUP,
    ),
    Command("trace_on", "", trace_on, "Starts the firehose of a virtual host", group=_GROUP),
    Command("trace_off", "", trace_off, "Stops the firehose of a virtual host", group=_GROUP),
    Command(
        "enable_vhost_deletion_protection",
        "<vhost>",
        protect,
        "Keeps a virtual host from being deleted",
        group=_GROUP,
    ),
    Command(
        "disable_vhost_deletion_protection",
        "<vhost>",
        unprotect,
        "Lets a virtual host be deleted again",
        group=_GROUP,
    ),
    Command(
        "set_vhost_limits",
        "<definition>",
        set_vhost_limits,
        "Limits connections and queues of a virtual host",
        group=_GROUP,
    ),
    Command(
        "clear_vhost_limits",
        "",
        clear_vhost_limits,
        "Lifts all limits of a virtual host",
        group=_GROUP,
    ),
    Command(
        "list_vhost_limits",
        "",
        list_vhost_limits,
        "Shows the limits of one virtual host or of all",
        ["global"],
        _GROUP,
    ),
    Command(
        "restart_vhost",
        "[<vhost>]",
        restart_vhost,
        "Restarts a virtual host that failed",
        group=_GROUP,
    ),
)
