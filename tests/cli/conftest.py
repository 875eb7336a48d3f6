"""What the tests of the command line share: processes that do not outlive their test."""

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[Any]]]:
    """`subprocess.Popen`; what it started is killed at the end, whatever became of the test."""
    processes: list[subprocess.Popen[Any]] = []

    def popen(*values: Any, **options: Any) -> subprocess.Popen[Any]:
        process = subprocess.Popen(*values, **options)
        processes.append(process)
        return process

    yield popen
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
