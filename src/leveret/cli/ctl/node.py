"""Commands about the broker itself: what it is, how it is, and whether it is there yet."""

import time
from typing import Final

from leveret import __version__
from leveret.cli.address import number
from leveret.cli.ctl import reports
from leveret.cli.ctl.command import (
    TRY_LATER,
    UNAVAILABLE,
    Answer,
    BadCall,
    Call,
    Command,
    Facts,
    Rows,
)
from leveret.cli.refusals import Failure

_POLL_S: Final = 0.2


def status(call: Call) -> Answer:
    """What it is, what it takes and what there is."""
    unit = call.text("unit", "gb")
    if unit not in reports.UNITS:
        raise BadCall(f"there is no unit {unit!r}; there are {', '.join(reports.UNITS)}")
    overview = call.api.get("overview")
    call.say(f"Status of node {overview['node']} ...")
    node = call.api.get("nodes", overview["node"])
    vhosts = call.api.get("vhosts", columns="name")
    memory = (call.api.find("nodes", overview["node"], "memory") or {}).get("memory")
    facts = reports.status_facts(overview, node, len(vhosts), memory)
    return Facts(facts, reports.status_text(facts, unit))


def cluster_status(call: Call) -> Answer:
    """The nodes there are."""
    overview = call.api.get("overview")
    call.say(f"Cluster status of node {overview['node']} ...")
    nodes = call.api.get("nodes")
    flags = call.api.find("feature-flags") or []
    facts = reports.cluster_facts(overview, nodes, flags)
    return Facts(facts, reports.cluster_text(facts))


def ping(call: Call) -> Answer:
    """Whether it answers at all; it need not let anybody in for that."""
    call.say(
        f"Will ping {call.api.address.url}. This only checks that a broker answers there."
        f" Timeout: {call.api.address.timeout_s * 1000:.0f} ms."
    )
    call.api.knock()
    return "Ping succeeded"


def version(call: Call) -> Answer:
    """Which command line this is; asks no broker."""
    return __version__


def server_version(call: Call) -> Answer:
    """Which broker answers."""
    overview = call.api.get("overview")
    call.say(f"Asking node {overview['node']} for its version...")
    return str(overview.get("product_version") or overview["rabbitmq_version"])


def environment(call: Call) -> Answer:
    """Every setting with its value; no passwords."""
    settings = call.api.find("config", "effective")
    if settings is None:
        raise Failure(
            "this broker does not tell its settings over HTTP: 'leveret config show' prints them"
            " on its own machine",
            UNAVAILABLE,
        )
    call.say("Effective settings ...")
    text = settings if isinstance(settings, str) else reports.settings_text(settings)
    return Facts(settings, text)


def listeners(call: Call) -> Answer:
    """Where it listens."""
    overview = call.api.get("overview")
    call.say(f"Asking node {overview['node']} to report its protocol listeners ...")
    found = reports.listener_facts(overview)
    return Facts({"listeners": found}, "\n".join([reports.listener_text(one) for one in found]))


def memory_breakdown(call: Call) -> Answer:
    """What takes how much of the memory."""
    unit = call.text("unit", "gb")
    if unit not in reports.UNITS:
        raise BadCall(f"there is no unit {unit!r}; there are {', '.join(reports.UNITS)}")
    node = call.api.get("overview", columns="node")["node"]
    call.say(f"Reporting memory breakdown on node {node}...")
    memory = (call.api.find("nodes", node, "memory") or {}).get("memory")
    if not memory:
        raise Failure("this broker does not tell what its memory is for", UNAVAILABLE)
    return Facts(memory, "\n".join(reports.memory_lines(memory, unit)))


def set_cluster_name(call: Call) -> Answer:
    """Name the cluster."""
    name = call.arguments[0]
    call.say(f"Setting cluster name to {name} ...")
    call.api.put("cluster-name", body={"name": name})
    return None


def list_feature_flags(call: Call) -> Answer:
    """Feature flags, which are all on where there is nothing old to be compatible with."""
    columns = call.arguments or ["name", "state"]
    unknown = [name for name in columns if name not in ("name", "state", "stability", "desc")]
    if unknown:
        raise BadCall(f"Info key(s) {','.join(unknown)} are not supported")
    call.say("Listing feature flags ...")
    flags = call.api.get("feature-flags")
    return Rows(columns, [[flag.get(name) for name in columns] for flag in flags])


def list_deprecated_features(call: Call) -> Answer:
    """Features that are to go, or those of them in use."""
    call.say("Listing deprecated features ...")
    path = ("deprecated-features", "used") if call.has("used") else ("deprecated-features",)
    columns = ["name", "deprecation_phase"]
    found = call.api.find(*path) or []
    return Rows(columns, [[one.get(name) for name in columns] for one in found])


def enable_feature_flag(call: Call) -> Answer:
    """Enable one, or all of them."""
    name = call.arguments[0]
    call.say(f'Enabling feature flag "{name}" ...')
    flags = {flag["name"]: flag.get("state") for flag in call.api.get("feature-flags")}
    if name != "all" and name not in flags:
        raise Failure(f"there is no feature flag {name!r}", UNAVAILABLE)
    for one in flags if name == "all" else [name]:
        if flags[one] != "enabled":
            call.api.put("feature-flags", one, "enable", body={"name": one})
    return None


def await_startup(call: Call) -> Answer:
    """Wait until it answers, for as long as --timeout says."""
    url = call.api.address.url
    limit_s = call.api.address.timeout_s
    deadline = time.monotonic() + limit_s
    while not is_up(call):
        if time.monotonic() > deadline:
            raise Failure(f"no broker answered at {url} within {limit_s:g} seconds", TRY_LATER)
        time.sleep(_POLL_S)
    return None


def is_up(call: Call) -> bool:
    """Whether somebody answers now."""
    try:
        call.api.knock()
    except Failure:
        return False
    return True


def await_online_nodes(call: Call) -> Answer:
    """Wait until so many nodes run."""
    count = number(call.arguments[0], "count of nodes", 1000)
    call.say(f"Will wait for at least {count} nodes to join the cluster ...")
    deadline = time.monotonic() + call.api.address.timeout_s
    while running_count(call) < count:
        if time.monotonic() > deadline:
            raise Failure(f"fewer than {count} nodes run", TRY_LATER)
        time.sleep(_POLL_S)
    return None


def running_count(call: Call) -> int:
    """How many nodes run."""
    return len([node for node in call.api.get("nodes") if node.get("running")])


def report(call: Call) -> Answer:
    """All lists and the status, one after the other, for whoever is asked for help."""
    raise AssertionError("performed by the program, which has the other commands")


def list_node_auth_attempt_stats(call: Call) -> Answer:
    """How many logins were tried and failed."""
    node = call.api.get("overview", columns="node")["node"]
    call.say(f"Listing authentication\nattempts for node {node} ...")
    found = call.api.find("auth", "attempts", node) or []
    columns = ["protocol", "auth_attempts", "auth_attempts_failed", "auth_attempts_succeeded"]
    return Rows(columns, [[one.get(name) for name in columns] for one in found])


_GROUP: Final = "The broker"
COMMANDS: Final = (
    Command("status", "", status, "What the broker is, takes and holds", ["unit="], _GROUP),
    Command("ping", "", ping, "Whether a broker answers", group=_GROUP),
    Command("version", "", version, "Which command line this is", group=_GROUP),
    Command("server_version", "", server_version, "Which broker answers", group=_GROUP),
    Command("environment", "", environment, "Every setting and its value", group=_GROUP),
    Command("report", "", report, "Status and every list, for whoever helps you", (), _GROUP),
    Command("listeners", "", listeners, "Where the broker listens", group=_GROUP),
    Command(
        "memory_breakdown",
        "",
        memory_breakdown,
        "What takes how much of the memory",
        ["unit="],
        _GROUP,
    ),
    Command("cluster_status", "", cluster_status, "The nodes there are", group=_GROUP),
    Command("set_cluster_name", "<name>", set_cluster_name, "Names the cluster", group=_GROUP),
    Command("await_startup", "", await_startup, "Waits until a broker answers", group=_GROUP),
    Command("wait", "[<pidfile>]", await_startup, "The same", ["pid="], _GROUP),
    Command(
        "await_online_nodes",
        "<count>",
        await_online_nodes,
        "Waits until so many nodes run",
        group=_GROUP,
    ),
    Command(
        "list_feature_flags", "[<column> ...]", list_feature_flags, "Lists features", (), _GROUP
    ),
    Command(
        "enable_feature_flag",
        "<name>",
        enable_feature_flag,
        "Enables a feature, or all",
        ["opt-in", "experimental"],
        _GROUP,
    ),
    Command(
        "list_deprecated_features",
        "",
        list_deprecated_features,
        "Lists features that are to go",
        ["used"],
        _GROUP,
    ),
    Command(
        "list_node_auth_attempt_stats",
        "",
        list_node_auth_attempt_stats,
        "Counts logins that were tried",
        ["by-source"],
        _GROUP,
    ),
)
