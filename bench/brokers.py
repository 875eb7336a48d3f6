"""The two that are compared, each a fresh process with a fresh data folder on a port of its own."""

import os
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

from tests.oracle import Oracle, answers, end, free_port

import leveret

RABBITMQ: Final = "RabbitMQ"
LEVERET: Final = "Leveret"
BOTH: Final = (RABBITMQ, LEVERET)
START_TIMEOUT_S: Final = 30.0
_OTHER_PORTS: Final = ("MANAGEMENT", "PROMETHEUS", "MQTT", "STOMP", "WEB_MQTT", "WEB_STOMP")


class Broker(ABC):
    """One of them.  ``start`` to ``stop`` is one life."""

    url = ""
    start_s = 0.0  # from the process's start to its greeting on the first connection

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
    """Debian's rabbitmq-server with its own defaults."""

    def __init__(self) -> None:
        self._oracle: Final = Oracle()

    @property
    def pid(self) -> int:
        """The Erlang machine."""
        return self._oracle.pid

    def start(self) -> None:
        """Start node and epmd."""
        began = time.monotonic()
        self._oracle.start()
        self.start_s = time.monotonic() - began
        self.url = self._oracle.url

    def stop(self) -> None:
        """Stop both."""
        self._oracle.close()


class Leveret(Broker):
    """``leveret serve`` as it is installed beside this benchmark."""

    def __init__(self) -> None:
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
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/%2F"

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            end(self._process)
        self._folder.cleanup()


def fresh(name: str) -> Broker:
    """A broker that has never run."""
    return RabbitMQ() if name == RABBITMQ else Leveret()


def versions() -> dict[str, str]:
    """What exactly is compared."""
    found = {LEVERET: leveret.__version__}
    query = ["dpkg-query", "-W", "-f", "${Version}"]
    for name, package in ((RABBITMQ, "rabbitmq-server"), ("Erlang/OTP", "erlang-base")):
        answer = subprocess.run([*query, package], capture_output=True, text=True, check=False)
        found[name] = answer.stdout.strip() or "unknown"
    return found
