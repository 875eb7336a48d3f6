"""What the node takes of its machine: memory, disk, files, time.  As Linux tells it.

What cannot be known is left out.  Control plane.
"""

import gc
import os
import resource
from typing import Final

from leveret.broker.alarms import DISK, MEMORY
from leveret.broker.node import Node
from leveret.config.kinds import octets_of
from leveret.management.lists import Facts
from leveret.ports import Memory

_MS_NS: Final = 1_000_000
# What is said where there is no limit: more than there ever are.
_NO_LIMIT: Final = (1 << 31) - 1


def machine_facts(node: Node) -> Facts:
    """What /nodes shows of it, by RabbitMQ's names.

    Its Erlang processes are threads here, and what counts as a socket is a connection.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft_files = limit_of(resource.RLIMIT_NOFILE)
    collections = gc.get_stats()
    return {
        "os_pid": str(os.getpid()),
        "uptime": (node.clock.now_ns() - node.started_ns) // _MS_NS,
        "processors": os.cpu_count() or 1,
        "run_queue": 0,
        "fd_used": open_files(),
        "fd_total": soft_files,
        "sockets_used": len(node.connections.by_id),
        "sockets_total": soft_files,
        "proc_used": threads(),
        "proc_total": limit_of(resource.RLIMIT_NPROC),
        "context_switches": usage.ru_nvcsw + usage.ru_nivcsw,
        "gc_num": sum([generation["collections"] for generation in collections]),
        **memory_facts(node),
        **disk_facts(node),
    }


def limit_of(what: int) -> int:
    """How many of something the process may have."""
    most = resource.getrlimit(what)[0]
    return _NO_LIMIT if most == resource.RLIM_INFINITY else most


def memory_facts(node: Node) -> Facts:
    """What it takes of the memory, and may take."""
    memory = Memory()
    there_is = memory.available_octets()
    return {
        "mem_used": memory.resident_octets(),
        "mem_limit": octets_of(node.settings.vm_memory_high_watermark, there_is),
        "mem_alarm": MEMORY in node.alarms.resources,
        "mem_calculation_strategy": "rss",
    }


def disk_facts(node: Node) -> Facts:
    """What is free where it keeps what is durable; nothing of it where it keeps nothing."""
    if node.shelf is None:
        return {"disk_free_alarm": DISK in node.alarms.resources}
    facts: Facts = {
        "disk_free_limit": octets_of(node.settings.disk_free_limit, Memory().available_octets()),
        "disk_free_alarm": DISK in node.alarms.resources,
        "db_dir": node.settings.data_dir,
    }
    try:
        found = os.statvfs(node.settings.data_dir)
    except OSError:
        return facts
    facts["disk_free"] = found.f_bavail * found.f_frsize
    return facts


def open_files() -> int:
    """How many descriptors the process has."""
    try:
        # Newer kernels count them, which is quicker than to list a hundred thousand.
        return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


def threads() -> int:
    """How many threads the process has."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            counts = [line.split()[1] for line in file if line.startswith("Threads:")]
    except OSError:
        return 1
    return int(counts[0]) if counts else 1
