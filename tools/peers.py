"""Programs of the system that the tests compare with, and Debian's packages of them.

With root and apt-get they are installed; without, their tests skip and say what they would need.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from steps import Stop, call_quietly, say

# While this file is there and says 101, Debian's packages install services without starting them.
NO_SERVICES = Path("/usr/sbin/policy-rc.d")


def has_rabbitmq() -> bool:
    """Whether Debian's RabbitMQ is installed."""
    return Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists()


def has_mosquitto() -> bool:
    """Whether the MQTT broker is installed, which is no program for everybody."""
    return shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") is not None


def has_bunny() -> bool:
    """Whether Ruby finds its AMQP client."""
    return shutil.which("ruby") is not None and runs("ruby", "-e", "require 'bunny'")


def has_chromium() -> bool:
    """Whether there is a browser to look at the web page with."""
    return any(shutil.which(name) for name in ("chromium", "chromium-browser"))


def has_compiler() -> bool:
    """Whether a C compiler and the headers of this Python are there."""
    headers = Path(sysconfig.get_paths()["include"], "Python.h")
    return shutil.which("gcc") is not None and headers.exists()


def has_venv() -> bool:
    """Whether this Python can make virtual environments."""
    return runs(sys.executable, "-c", "import venv, ensurepip")


def runs(*command: str) -> bool:
    """Whether ``command`` ends well."""
    return subprocess.run(command, capture_output=True).returncode == 0


class Peer:
    """One of them."""

    def __init__(self, name: str, packages: list[str], is_there: Callable[[], bool]) -> None:
        self.name = name
        self.packages = packages
        self.is_there = is_there


PEERS = [
    Peer("Python's venv", ["python3-venv"], has_venv),
    Peer("C compiler and Python headers", ["gcc", "libc6-dev", "python3-dev"], has_compiler),
    Peer("RabbitMQ", ["rabbitmq-server"], has_rabbitmq),
    Peer("mosquitto", ["mosquitto"], has_mosquitto),
    Peer("Ruby and Bunny", ["ruby", "ruby-bunny"], has_bunny),
    Peer("Chromium", ["chromium"], has_chromium),
]


def provide() -> None:
    """Install what is missing where that is possible, and say what still is."""
    absent = [peer for peer in PEERS if not peer.is_there()]
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = [package for peer in absent for package in peer.packages]
        say(f"installing with apt-get: {' '.join(packages)}")
        try:
            install(packages)
        except Stop as stop:
            say(str(stop))
    for peer in PEERS:
        how = "there" if peer.is_there() else f"MISSING (apt install {' '.join(peer.packages)})"
        say(f"{peer.name}: {how}")


def install(packages: list[str]) -> None:
    """Install Debian packages without letting any of them start a service."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    guarded = not NO_SERVICES.exists()
    if guarded:
        NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
        NO_SERVICES.chmod(0o755)
    try:
        try:
            call_quietly(command, DEBIAN_FRONTEND="noninteractive")
        except Stop:
            # The lists of packages may be missing or old.
            call_quietly(["apt-get", "update"])
            call_quietly(command, DEBIAN_FRONTEND="noninteractive")
    finally:
        if guarded:
            NO_SERVICES.unlink()
    # Ports 5672 and 1883 are leveret's; the tests start both on ports of their own.
    services = {"rabbitmq-server", "mosquitto"} & set(packages)
    if services and Path("/run/systemd/system").exists():
        call_quietly(["systemctl", "disable", "--now", *sorted(services)])
