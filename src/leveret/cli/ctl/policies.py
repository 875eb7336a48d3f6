"""Commands about policies, operator policies and parameters."""

from typing import Any, Final

from leveret.cli.address import number
from leveret.cli.ctl.asking import compact, document, of_vhost, remove, table_of, vhost_of
from leveret.cli.ctl.command import Answer, Call, Command, Rows

_COLUMNS: Final = ("vhost", "name", "pattern", "apply-to", "definition", "priority")
_ABSENT: Final = "Parameter does not exist"
# Kept as parameters, too, but not counted among them.
_POLICY: Final = "policy"


def set_policy(call: Call) -> Answer:
    """Make a policy, or replace it."""
    return put_policy(call, "policies", "policy")


def set_operator_policy(call: Call) -> Answer:
    """Make an operator policy, or replace it."""
    return put_policy(call, "operator-policies", "operator policy override")


def put_policy(call: Call, kind: str, title: str) -> Answer:
    """Either."""
    name, pattern, definition = call.arguments
    priority = call.text("priority", "0")
    at = f'with priority "{priority}" for vhost "{call.vhost}" ...'
    call.say(f'Setting {title} "{name}" for pattern "{pattern}" to "{definition}" {at}')
    body = {
        "pattern": pattern,
        "definition": table_of(definition),
        "priority": -1 * number(priority[1:], "priority", 2**31)
        if priority.startswith("-")
        else number(priority, "priority", 2**31),
        "apply-to": call.text("apply-to", "all"),
    }
    vhost_of(call)
    call.api.put(kind, call.vhost, name, body=body)
    return None


def clear_policy(call: Call) -> Answer:
    """Remove a policy."""
    name = call.arguments[0]
    call.say(f'Clearing policy "{name}" on vhost "{call.vhost}" ...')
    remove(call, _ABSENT, "policies", call.vhost, name)
    return None


def clear_operator_policy(call: Call) -> Answer:
    """Remove an operator policy."""
    name = call.arguments[0]
    call.say(f'Clearing operator policy "{name}" on vhost "{call.vhost}" ...')
    remove(call, _ABSENT, "operator-policies", call.vhost, name)
    return None


def list_policies(call: Call) -> Answer:
    """The policies of a virtual host."""
    call.say(f'Listing policies for vhost "{call.vhost}" ...')
    return policy_rows(of_vhost(call, "policies", call.vhost))


def list_operator_policies(call: Call) -> Answer:
    """Its operator policies."""
    call.say(f'Listing operator policy overrides for vhost "{call.vhost}" ...')
    return policy_rows(of_vhost(call, "operator-policies", call.vhost))


def policy_rows(found: list[dict[str, Any]]) -> Rows:
    """Their columns; the definition as JSON."""
    rows = [[of(one, name) for name in _COLUMNS] for one in found]
    return Rows(_COLUMNS, rows)


def of(policy: dict[str, Any], column: str) -> object:
    """One column of a policy."""
    value = policy.get(column)
    return compact(value or {}) if column == "definition" else value


def set_parameter(call: Call) -> Answer:
    """Set a parameter of a component."""
    component, name, text = call.arguments
    where = f'to "{text}" in vhost "{call.vhost}" ...'
    call.say(f'Setting runtime parameter "{name}" for component "{component}" {where}')
    body = {"value": document(text), "vhost": call.vhost, "component": component, "name": name}
    vhost_of(call)
    call.api.put("parameters", component, call.vhost, name, body=body)
    return None


def clear_parameter(call: Call) -> Answer:
    """Remove a parameter."""
    component, name = call.arguments
    of_what = f'for component "{component}" on vhost "{call.vhost}" ...'
    call.say(f'Clearing runtime parameter "{name}" {of_what}')
    remove(call, _ABSENT, "parameters", component, call.vhost, name)
    return None


def list_parameters(call: Call) -> Answer:
    """The parameters of a virtual host, policies apart."""
    call.say(f'Listing runtime parameters for vhost "{call.vhost}" ...')
    vhost_of(call)
    rows: list[list[object]] = [
        [one["component"], one["name"], compact(one["value"])]
        for one in call.api.get("parameters")
        if one["vhost"] == call.vhost and one["component"] != _POLICY
    ]
    return Rows(["component", "name", "value"], rows)


def set_global_parameter(call: Call) -> Answer:
    """Set a parameter that no virtual host has."""
    name, text = call.arguments
    call.say(f'Setting global runtime parameter "{name}" to "{text}" ...')
    body = {"name": name, "value": document(text)}
    call.api.put("global-parameters", name, body=body)
    return None


def clear_global_parameter(call: Call) -> Answer:
    """Remove such a parameter."""
    name = call.arguments[0]
    call.say(f'Clearing global runtime parameter "{name}" ...')
    remove(call, _ABSENT, "global-parameters", name)
    return None


def list_global_parameters(call: Call) -> Answer:
    """All of them."""
    call.say("Listing global runtime parameters ...")
    rows: list[list[object]] = [
        [one["name"], compact(one["value"])] for one in call.api.get("global-parameters")
    ]
    return Rows(["name", "value"], rows)


_GROUP: Final = "Policies"
_OTHER: Final = "Parameters"
_CHOICES: Final = ("priority=", "apply-to=")
COMMANDS: Final = (
    Command(
        "set_policy",
        "<name> <pattern> <definition>",
        set_policy,
        "Creates or replaces a policy",
        _CHOICES,
        _GROUP,
    ),
    Command("clear_policy", "<name>", clear_policy, "Removes a policy", group=_GROUP),
    Command("list_policies", "", list_policies, "Lists policies", group=_GROUP),
    Command(
        "set_operator_policy",
        "<name> <pattern> <definition>",
        set_operator_policy,
        "Creates or replaces an operator policy, which bounds what policies and clients say",
        _CHOICES,
        _GROUP,
    ),
    Command(
        "clear_operator_policy",
        "<name>",
        clear_operator_policy,
        "Removes an operator policy",
        group=_GROUP,
    ),
    Command(
        "list_operator_policies", "", list_operator_policies, "Lists operator policies", (), _GROUP
    ),
    Command(
        "set_parameter",
        "<component> <name> <value>",
        set_parameter,
        "Sets a parameter of a component",
        group=_OTHER,
    ),
    Command(
        "clear_parameter", "<component> <name>", clear_parameter, "Removes a parameter", (), _OTHER
    ),
    Command("list_parameters", "", list_parameters, "Lists parameters", group=_OTHER),
    Command(
        "set_global_parameter",
        "<name> <value>",
        set_global_parameter,
        "Sets a parameter of the whole broker",
        group=_OTHER,
    ),
    Command(
        "clear_global_parameter",
        "<name>",
        clear_global_parameter,
        "Removes a parameter of the whole broker",
        group=_OTHER,
    ),
    Command(
        "list_global_parameters",
        "",
        list_global_parameters,
        "Lists the parameters of the whole broker",
        group=_OTHER,
    ),
)
