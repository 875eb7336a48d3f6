"""What the figures were measured on."""

import os
import platform
from pathlib import Path


def machine() -> dict[str, str]:
    """Processor, memory and system in words."""
    return {
        "Processor": f"{processor()}, {os.cpu_count()} cores",
        "Memory": f"{memory_octets() / 2**30:.0f} GiB",
        "System": f"{distribution()}, Linux {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def value(path: str, key: str) -> str:
    """What a file of ``key: value`` lines says for ``key``; empty when it says nothing."""
    for line in Path(path).read_text().splitlines():
        name, _, found = line.replace("=", ":", 1).partition(":")
        if name.strip() == key:
            return found.strip().strip('"')
    return ""


def processor() -> str:
    """The processor's name."""
    return value("/proc/cpuinfo", "model name") or platform.machine()


def memory_octets() -> int:
    """All memory of the machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def distribution() -> str:
    """The distribution's name."""
    try:
        return value("/etc/os-release", "PRETTY_NAME")
    except OSError:
        return platform.system()
