"""Commands that check: nothing to say and status 0 when all is well, 69 when it is not."""

import socket
from typing import Any, Final

from leveret.cli.address import number
from leveret.cli.client import Refusal
from leveret.cli.ctl.asking import NOT_FOUND
from leveret.cli.ctl.command import UNAVAILABLE, Answer, BadCall, Call, Command, Facts
from leveret.cli.ctl.reports import listener_facts
from leveret.cli.refusals import Failure

_UNITS: Final = ("days", "weeks", "months", "years")
_CONNECT_S: Final = 10.0


def check(call: Call, *path: str) -> dict[str, Any]:
    """Ask for a check of the API.  Raises Failure with its reason when it fails."""
    try:
        answer: dict[str, Any] = call.api.get("health", "checks", *path)
    except Refusal as refusal:
        if refusal.status == NOT_FOUND:
            raise Failure(f"this broker has no check {path[0]!r}", UNAVAILABLE) from None
        raise
    return answer


def node_health_check(call: Call) -> Answer:
    """Alarms here, listeners here: RabbitMQ's old check of everything."""
    call.say(f"Checking health of the broker at {call.api.address.url} ...")
    check(call, "local-alarms")
    return "Health check passed"


def check_running(call: Call) -> Answer:
    """Whether it runs."""
    overview = call.api.get("overview", columns="node")
    return f"{running(overview)} is fully booted and running"


def running(overview: dict[str, Any]) -> str:
    """The broker's name for a sentence."""
    return f"The broker on node {overview['node']}"


def check_alarms(call: Call) -> Answer:
    """Whether anything runs low in the cluster."""
    call.say("Asking for alarms in effect in the cluster ...")
    check(call, "alarms")
    return "No alarms are in effect"


def check_local_alarms(call: Call) -> Answer:
    """Whether anything runs low here."""
    call.say("Asking for alarms in effect on this node ...")
    check(call, "local-alarms")
    return "No local alarms are in effect"


def alarms(call: Call) -> Answer:
    """What runs low."""
    nodes = call.api.get("nodes")
    found = [
        {"node": node["name"], "resource": name}
        for node in nodes
        for key, name in (("mem_alarm", "memory"), ("disk_free_alarm", "disk"))
        if node.get(key)
    ]
    lines = [f"{one['resource']} alarm on node {one['node']}" for one in found]
    return Facts({"alarms": found}, "\n".join(lines) or "No alarms are in effect")


def check_port_listener(call: Call) -> Answer:
    """Whether it listens on a port."""
    port = number(call.arguments[0], "port", 65_535)
    call.say(f"Asking whether there is a listener on port {port} ...")
    check(call, "port-listener", str(port))
    return f"A listener for port {port} is running"


def check_protocol_listener(call: Call) -> Answer:
    """Whether it listens for a protocol."""
    protocol = call.arguments[0].lower()
    call.say(f"Asking whether there is a listener for protocol {protocol} ...")
    check(call, "protocol-listener", protocol)
    return f"A listener for protocol {protocol} is running"


def check_port_connectivity(call: Call) -> Answer:
    """Whether this machine can connect to each port."""
    call.say("Testing TCP connections to all listeners ...")
    found = listener_facts(call.api.get("overview"))
    for one in found:
        place = (call.api.address.host, int(one["port"]))
        try:
            socket.create_connection(place, _CONNECT_S).close()
        except OSError as error:
            text = f"cannot connect to {place[0]}:{place[1]} ({one['protocol']}): {error.strerror}"
            raise Failure(text, UNAVAILABLE) from None
    return "Successfully connected to " + ", ".join([str(one["port"]) for one in found])


def check_virtual_hosts(call: Call) -> Answer:
    """Whether all of them run."""
    call.say("Checking if all virtual hosts are running ...")
    check(call, "virtual-hosts")
    return "All virtual hosts are running"


def check_certificate_expiration(call: Call) -> Answer:
    """Whether a certificate ends soon."""
    within = number(call.text("within", "4"), "number", 10_000)
    unit = call.text("unit", "weeks")
    if unit not in _UNITS:
        raise BadCall(f"there is no unit {unit!r}; there are {', '.join(_UNITS)}")
    call.say(f"Checking certificates that expire within {within} {unit} ...")
    check(call, "certificate-expiration", str(within), unit)
    return f"No certificate expires within {within} {unit}"


def check_quorum(call: Call) -> Answer:
    """Whether a quorum queue would stop without this node."""
    call.say("Checking if this node is critical for the quorum of any quorum queues ...")
    check(call, "node-is-quorum-critical")
    return "No quorum queue would lose its quorum without this node"


_GROUP: Final = "Health checks"
COMMANDS: Final = (
    Command("node_health_check", "", node_health_check, "Alarms of this node", group=_GROUP),
    Command("check_running", "", check_running, "Whether the broker runs", group=_GROUP),
    Command("is_running", "", check_running, "The same", group=_GROUP),
    Command("alarms", "", alarms, "What runs low", group=_GROUP),
    Command("check_alarms", "", check_alarms, "Whether anything runs low", group=_GROUP),
    Command(
        "check_local_alarms", "", check_local_alarms, "Whether anything runs low here", (), _GROUP
    ),
    Command(
        "check_port_listener",
        "<port>",
        check_port_listener,
        "Whether it listens on a port",
        group=_GROUP,
    ),
    Command(
        "check_protocol_listener",
        "<protocol>",
        check_protocol_listener,
        "Whether it listens for a protocol",
        group=_GROUP,
    ),
    Command(
        "check_port_connectivity",
        "",
        check_port_connectivity,
        "Whether this machine can connect to each port",
        ["address="],
        _GROUP,
    ),
    Command(
        "check_virtual_hosts",
        "",
        check_virtual_hosts,
        "Whether all virtual hosts run",
        group=_GROUP,
    ),
    Command(
        "check_certificate_expiration",
        "",
        check_certificate_expiration,
        "Whether a certificate ends soon",
        ["within=", "unit="],
        _GROUP,
    ),
    Command(
        "check_if_node_is_quorum_critical",
        "",
        check_quorum,
        "Whether a quorum queue would stop without this node",
        group=_GROUP,
    ),
)
