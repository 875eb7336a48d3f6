"""The reports ``status`` and ``cluster_status``: their facts, and these as text for people."""

from typing import Any, Final

from leveret.cli.ctl.asking import compact

UNITS: Final = {
    "b": 1,
    "bytes": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_PURPOSES: Final = {
    "mqtt": "MQTT",
    "mqtt/ssl": "MQTT over TLS",
    "stomp": "STOMP",
    "stomp/ssl": "STOMP over TLS",
    "http/web-mqtt": "MQTT over WebSockets",
    "https/web-mqtt": "MQTT over WebSockets and TLS (HTTPS)",
    "http/web-stomp": "STOMP over WebSockets",
    "https/web-stomp": "STOMP over WebSockets and TLS (HTTPS)",
    "amqp": "AMQP 0-9-1",
    "amqp/ssl": "AMQP 0-9-1 over TLS",
    "http": "HTTP API",
    "https": "HTTP API over TLS (HTTPS)",
    "http/prometheus": "Prometheus exporter API over HTTP",
    "https/prometheus": "Prometheus exporter API over TLS (HTTPS)",
    "stream": "stream",
    "stream/ssl": "stream over TLS",
    "clustering": "inter-node and CLI tool communication",
}
_ALARMS: Final = {"mem_alarm": "Memory alarm", "disk_free_alarm": "Free disk space alarm"}
_NONE: Final = "(none)"


def status_facts(
    overview: dict[str, Any], node: dict[str, Any], vhost_count: int, memory: Any
) -> dict[str, Any]:
    """What ``status`` tells, with rabbitmqctl's names."""
    totals = overview.get("object_totals", {})
    return {
        "pid": plain(node.get("os_pid")),
        "uptime": int(node.get("uptime", 0)) // 1000,
        "is_under_maintenance": bool(node.get("being_drained")),
        "product_name": overview.get("product_name", "RabbitMQ"),
        "product_version": overview.get("product_version", ""),
        "rabbitmq_version": overview.get("rabbitmq_version", ""),
        "node_name": overview["node"],
        "erlang_version": overview.get("erlang_full_version", ""),
        "crypto_lib_version": overview.get("crypto_lib_version", ""),
        "processes": {"used": node.get("proc_used", 0), "limit": node.get("proc_total", 0)},
        "run_queue": node.get("run_queue", 0),
        "net_ticktime": node.get("net_ticktime", 60),
        "active_plugins": node.get("enabled_plugins", []),
        "data_directory": node.get("db_dir", ""),
        "config_files": node.get("config_files", []),
        "log_files": node.get("log_files", []),
        "alarms": [name for key, name in _ALARMS.items() if node.get(key)],
        "memory": memory or {"total": {"rss": node.get("mem_used", 0)}},
        "vm_memory_calculation_strategy": node.get("mem_calculation_strategy", "rss"),
        "vm_memory_high_watermark_limit": node.get("mem_limit", 0),
        "file_descriptors": {
            "total_used": node.get("fd_used", 0),
            "total_limit": node.get("fd_total", 0),
            "sockets_used": node.get("sockets_used", 0),
            "sockets_limit": node.get("sockets_total", 0),
        },
        "disk_free": node.get("disk_free", 0),
        "disk_free_limit": node.get("disk_free_limit", 0),
        "totals": {
            "connection_count": totals.get("connections", 0),
            "queue_count": totals.get("queues", 0),
            "virtual_host_count": vhost_count,
        },
        "listeners": listener_facts(overview),
    }


def plain(value: Any) -> Any:
    """A number that the API has as text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


def listener_facts(overview: dict[str, Any]) -> list[dict[str, Any]]:
    """Where it listens, and what for."""
    return [
        {
            "node": one.get("node", overview["node"]),
            "interface": interface(str(one.get("ip_address", ""))),
            "port": one.get("port"),
            "protocol": one.get("protocol"),
            "purpose": _PURPOSES.get(one.get("protocol", ""), one.get("protocol")),
        }
        for one in overview.get("listeners", [])
    ]


def interface(address: str) -> str:
    """An address as it stands before a port."""
    return f"[{address}]" if ":" in address else address


def status_text(facts: dict[str, Any], unit: str) -> str:
    """The report for people."""
    parts = [
        ("Runtime", runtime_lines(facts)),
        ("Plugins", [f" * {name}" for name in facts["active_plugins"]] or [_NONE]),
        ("Data directory", [f"Node data directory: {facts['data_directory']}"]),
        ("Config files", [f" * {name}" for name in facts["config_files"]] or [_NONE]),
        ("Log file(s)", [f" * {name}" for name in facts["log_files"]] or [_NONE]),
        ("Alarms", facts["alarms"] or [_NONE]),
        ("Memory", memory_part(facts, unit)),
        ("File Descriptors", descriptor_lines(facts["file_descriptors"])),
        (
            "Free Disk Space",
            [
                f"Low free disk space watermark: {amount(facts['disk_free_limit'], unit)}",
                f"Free disk space: {amount(facts['disk_free'], unit)}",
            ],
        ),
        (
            "Totals",
            [
                f"Connection count: {facts['totals']['connection_count']}",
                f"Queue count: {facts['totals']['queue_count']}",
                f"Virtual host count: {facts['totals']['virtual_host_count']}",
            ],
        ),
        ("Listeners", [listener_text(one) for one in facts["listeners"]] or [_NONE]),
    ]
    return sections(parts)


def sections(parts: list[tuple[str, list[str]]]) -> str:
    """Titles with their lines, and blank lines between."""
    return "\n\n".join(["\n".join([title, "", *lines]) for title, lines in parts])


def runtime_lines(facts: dict[str, Any]) -> list[str]:
    """What it runs on; a broker without Erlang has no line about that."""
    product = facts["product_name"] or "RabbitMQ"
    lines = [
        f"OS PID: {facts['pid']}",
        f"Uptime (seconds): {facts['uptime']}",
        f"Is under maintenance?: {str(facts['is_under_maintenance']).lower()}",
        f"RabbitMQ version: {facts['rabbitmq_version']}",
    ]
    if product != "RabbitMQ":
        lines.append(f"{product} version: {facts['product_version']}")
    lines.append(f"Node name: {facts['node_name']}")
    told = {
        "Erlang configuration": facts["erlang_version"],
        "Crypto library": facts["crypto_lib_version"],
    }
    return lines + [f"{name}: {value}" for name, value in told.items() if value]


def memory_part(facts: dict[str, Any], unit: str) -> list[str]:
    """The memory in all, the limit, and what takes it."""
    strategy = facts["vm_memory_calculation_strategy"]
    limit = amount(facts["vm_memory_high_watermark_limit"], unit)
    return [
        f"Total memory used: {amount(total_of(facts['memory'], strategy), unit)}",
        f"Calculation strategy: {strategy}",
        f"Memory high watermark setting computed to: {limit}",
        "",
        *memory_lines(facts["memory"], unit),
    ]


def total_of(memory: dict[str, Any], strategy: str) -> int:
    """The sum, by the strategy that counts."""
    total = memory.get("total", 0)
    if isinstance(total, dict):
        return int(total.get(strategy) or max(total.values(), default=0))
    return int(total)


def memory_lines(memory: dict[str, Any], unit: str) -> list[str]:
    """What takes it, the largest first."""
    parts = {k: v for k, v in memory.items() if isinstance(v, int) and k != "total"}
    whole = total_of(memory, str(memory.get("strategy", "rss"))) or 1
    return [
        f"{name}: {amount(size, unit)} ({round(size * 100 / whole, 2)} %)"
        for name, size in sorted(parts.items(), key=size_first)
    ]


def size_first(part: tuple[str, int]) -> int:
    """Orders by size, the largest first."""
    return -part[1]


def amount(size: Any, unit: str) -> str:
    """Octets in a unit."""
    if not isinstance(size, int | float):
        return str(size)
    return f"{size} {unit}" if UNITS[unit] == 1 else f"{round(size / UNITS[unit], 4)} {unit}"


def descriptor_lines(files: dict[str, Any]) -> list[str]:
    """Open files and sockets, and how many there may be."""
    return [
        f"Total: {files['total_used']}, limit: {files['total_limit']}",
        f"Sockets: {files['sockets_used']}, limit: {files['sockets_limit']}",
    ]


def listener_text(one: dict[str, Any]) -> str:
    """One line about a listener."""
    return (
        f"Interface: {one['interface']}, port: {one['port']}, protocol: {one['protocol']},"
        f" purpose: {one['purpose']}"
    )


def cluster_facts(
    overview: dict[str, Any], nodes: list[dict[str, Any]], flags: list[dict[str, Any]]
) -> dict[str, Any]:
    """What ``cluster_status`` tells, with rabbitmqctl's names."""
    names = [node["name"] for node in nodes]
    product = overview.get("product_name") or "RabbitMQ"
    found = listener_facts(overview)
    return {
        "cluster_name": overview.get("cluster_name", ""),
        "disk_nodes": names,
        "ram_nodes": [],
        "running_nodes": [node["name"] for node in nodes if node.get("running", True)],
        "versions": {
            name: {
                "rabbitmq_name": product,
                "rabbitmq_version": overview.get("product_version")
                or overview.get("rabbitmq_version", ""),
                "erlang_version": overview.get("erlang_version", ""),
            }
            for name in names
        },
        "maintenance_status": {
            node["name"]: "marked for maintenance"
            if node.get("being_drained")
            else "not under maintenance"
            for node in nodes
        },
        "alarms": [
            f"{title} on node {node['name']}"
            for node in nodes
            for key, title in _ALARMS.items()
            if node.get(key)
        ],
        "partitions": {n["name"]: n["partitions"] for n in nodes if n.get("partitions")},
        "listeners": {name: [one for one in found if one["node"] == name] for name in names},
        "feature_flags": flags,
    }


def cluster_text(facts: dict[str, Any]) -> str:
    """The report for people."""
    versions = [
        f"{name}: {one['rabbitmq_name']} {one['rabbitmq_version']}"
        + (f" on Erlang {one['erlang_version']}" if one["erlang_version"] else "")
        for name, one in facts["versions"].items()
    ]
    care = [f"Node: {name}, status: {one}" for name, one in facts["maintenance_status"].items()]
    split = [f"{name} sees not: {', '.join(other)}" for name, other in facts["partitions"].items()]
    found = [
        f"Node: {name}, {listener_text(one)[:1].lower()}{listener_text(one)[1:]}"
        for name, every in facts["listeners"].items()
        for one in every
    ]
    flags = [f"Flag: {one['name']}, state: {one['state']}" for one in facts["feature_flags"]]
    return sections(
        [
            ("Basics", [f"Cluster name: {facts['cluster_name']}"]),
            ("Disk Nodes", facts["disk_nodes"]),
            ("Running Nodes", facts["running_nodes"]),
            ("Versions", versions),
            ("Maintenance status", care),
            ("Alarms", facts["alarms"] or [_NONE]),
            ("Network Partitions", split or [_NONE]),
            ("Listeners", found or [_NONE]),
            ("Feature flags", flags or [_NONE]),
        ]
    )


def settings_text(settings: Any) -> str:
    """Settings, a line each, with where those come from that are not as by default."""
    if not isinstance(settings, dict):
        return str(settings)
    return "\n".join([setting_line(name, said) for name, said in settings.items()])


def setting_line(name: str, said: Any) -> str:
    """One setting."""
    if not isinstance(said, dict) or "value" not in said:
        return f"{name} = {compact(said)}"
    origin = said.get("origin", "default")
    return f"{name} = {compact(said['value'])}" + (f"  # {origin}" if origin != "default" else "")
