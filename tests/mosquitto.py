"""A real mosquitto (Debian's) to compare with, on a port of its own.  For tests and benchmarks."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.oracle import end, free_port

START_TIMEOUT_S: Final = 30.0


def program() -> str | None:
    """Where mosquitto is; None when it is not installed."""
    return shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class Mosquitto:
    """Debian's mosquitto with its own defaults, but open to everybody on 127.0.0.1."""

    def __init__(self) -> None:
        self._folder: Final = tempfile.TemporaryDirectory(prefix="mosquitto-")
        self._process: subprocess.Popen[bytes] | None = None
        self.port: Final = free_port()
        self.url: Final = f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; returns when it takes connections."""
        found = program()
        assert found is not None
        settings = Path(self._folder.name, "mosquitto.conf")
        settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_type error\n"
        )
        self._process = subprocess.Popen(
            [found, "-c", str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not takes_connections(self.port):
            assert self._process.poll() is None and time.monotonic() < deadline, "no mosquitto"
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it and remove its files."""
        if self._process is not None:
            end(self._process)
        self._folder.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def takes_connections(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False
