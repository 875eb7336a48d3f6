"""Those that are compared, each a fresh process with a fresh data folder on ports of its own."""

import os
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

from bench.scenarios import AMQP, MQTT, STOMP
from tests.mosquitto import Mosquitto
from tests.mosquitto import program as mosquitto_program
from tests.oracle import Oracle, answers, end, free_port, is_installed, missing

import leveret

RABBITMQ: Final = "RabbitMQ"
LEVERET: Final = "Leveret"
MOSQUITTO: Final = "mosquitto"
BOTH: Final = (RABBITMQ, LEVERET)
START_TIMEOUT_S: Final = 30.0
_OTHER_PORTS: Final = ("MANAGEMENT", "PROMETHEUS", "MQTT", "STOMP", "WEB_MQTT", "WEB_STOMP")


class Broker(ABC):
    """One of them.  ``start`` to ``stop`` is one life."""

    start_s = 0.0  # from the process's start to its greeting on the first connection

    def __init__(self) -> None:
        self.urls: Final[dict[str, str]] = {}  # of each protocol it speaks

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process that does the work."""

    @abstractmethod
    def start(self) -> None:
        """Start it; returns when it has greeted a client."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it and remove its files."""


class RabbitMQ(Broker):
    """Debian's rabbitmq-server with its own defaults, and the plugin that ``protocol`` needs."""

    def __init__(self, protocol: str) -> None:
        super().__init__()
        self._protocol: Final = protocol
        self._port: Final = free_port()
        listener = (f"{protocol}.listeners.tcp.1 = 127.0.0.1:{self._port}",)
        plugin = (f"rabbitmq_{protocol}",)
        is_plain = protocol == AMQP
        self._oracle: Final = Oracle() if is_plain else Oracle(settings=listener, plugins=plugin)

    @property
    def pid(self) -> int:
        """The Erlang machine."""
        return self._oracle.pid

    def start(self) -> None:
        """Start node and epmd."""
        began = time.monotonic()
        self._oracle.start()
        self.start_s = time.monotonic() - began
        self.urls[self._protocol] = url(self._protocol, self._port)
        self.urls[AMQP] = self._oracle.url

    def stop(self) -> None:
        """Stop both."""
        self._oracle.close()


class Leveret(Broker):
    """``leveret serve`` as it is installed beside this benchmark."""

    def __init__(self) -> None:
        super().__init__()
        self._folder: Final = tempfile.TemporaryDirectory(prefix="bench-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The one process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        port = free_port()
        log = Path(self._folder.name, "log")
        command = [sys.executable, "-m", "leveret", "serve", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--data-dir", str(Path(self._folder.name, "data"))]
        # Everything is on as it is by default, but where no other broker may be.
        others = {f"LEVERET_{name}_PORT": str(free_port()) for name in _OTHER_PORTS}
        for protocol in (MQTT, STOMP):
            self.urls[protocol] = url(protocol, int(others[f"LEVERET_{protocol.upper()}_PORT"]))
        began = time.monotonic()
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | others,
            )
        while not answers("127.0.0.1", port):
            if self._process.poll() is not None or time.monotonic() > began + START_TIMEOUT_S:
                raise SystemExit(f"leveret serve did not start:\n{log.read_text()}")
            time.sleep(0.002)
        self.start_s = time.monotonic() - began
        self.urls[AMQP] = url(AMQP, port)

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            end(self._process)
        self._folder.cleanup()


class Eclipse(Broker):
    """Debian's mosquitto."""

    def __init__(self) -> None:
        super().__init__()
        self._mosquitto: Final = Mosquitto()

    @property
    def pid(self) -> int:
        """The one process."""
        return self._mosquitto.pid

    def start(self) -> None:
        """Start it."""
        began = time.monotonic()
        self._mosquitto.start()
        self.start_s = time.monotonic() - began
        self.urls[MQTT] = self._mosquitto.url

    def stop(self) -> None:
        """Stop it."""
        self._mosquitto.stop()


def fresh(name: str, protocol: str) -> Broker:
    """A broker that has never run, and will be spoken to in ``protocol``."""
    if name == RABBITMQ:
        return RabbitMQ(protocol)
    return Leveret() if name == LEVERET else Eclipse()


def peers(protocol: str) -> tuple[str, ...]:
    """Those that speak ``protocol``, in the order of their turns."""
    return (RABBITMQ, MOSQUITTO, LEVERET) if protocol == MQTT else BOTH


def absent(protocols: set[str]) -> str | None:
    """What is missing here for a comparison over ``protocols``; None when nothing is."""
    if reason := missing():
        return reason
    if MQTT in protocols and mosquitto_program() is None:
        return "needs mosquitto (Debian: apt install mosquitto)"
    plugins = [f"rabbitmq_{protocol}" for protocol in sorted(protocols - {AMQP})]
    lacking = [plugin for plugin in plugins if not is_installed(plugin)]
    return f"needs RabbitMQ's plugins; not found: {', '.join(lacking)}" if lacking else None


def url(protocol: str, port: int) -> str:
    """Where a broker of this machine is, with user, password and vhost."""
    vhost = "" if protocol == MQTT else "/%2F"
    return f"{protocol}://guest:guest@127.0.0.1:{port}{vhost}"


def versions() -> dict[str, str]:
    """What exactly is compared."""
    found = {LEVERET: leveret.__version__}
    query = ["dpkg-query", "-W", "-f", "${Version}"]
    packages = {RABBITMQ: "rabbitmq-server", "Erlang/OTP": "erlang-base", MOSQUITTO: "mosquitto"}
    for name, package in packages.items():
        answer = subprocess.run([*query, package], capture_output=True, text=True, check=False)
        found[name] = answer.stdout.strip() or "unknown"
    return found
