"""What the tests of the command line share: processes that do not outlive their test,
and a broker to ask.
"""

import io
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import leveret
from leveret.cli.ctl.program import run


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[Any]]]:
    """`subprocess.Popen`; what it started is killed at the end, whatever became of the test.

    It heeds Ctrl-C even where the suite itself does not, as what a script runs behind an `&`.
    """
    processes: list[subprocess.Popen[Any]] = []

    def popen(*values: Any, **options: Any) -> subprocess.Popen[Any]:
        heeded = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            process = subprocess.Popen(*values, **options)
        finally:
            signal.signal(signal.SIGINT, heeded)
        processes.append(process)
        return process

    yield popen
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


class Done:
    """What a call of ``leveret ctl`` printed, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def lines(self) -> list[str]:
        """The lines of standard output."""
        return self.out.splitlines()


Ctl = Callable[..., Done]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file of this machine says which broker to ask."""
    for name in ("LEVERET_URL", "LEVERET_USER", "LEVERET_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))


@pytest.fixture
def managed(alone: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[leveret.Broker]:
    """A broker with its HTTP API, which is the one that commands ask."""
    with leveret.Broker(management=True) as broker:
        monkeypatch.setenv("LEVERET_URL", broker.management_url)
        yield broker


def call(*words: str) -> Done:
    """``leveret ctl`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    status = run(list(words), out, err)
    return Done(status, out.getvalue(), err.getvalue())


@pytest.fixture
def ctl(managed: leveret.Broker) -> Ctl:
    """Calls ``leveret ctl`` for the broker."""
    return call
