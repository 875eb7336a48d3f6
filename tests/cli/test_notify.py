"""leveret.cli.notify"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leveret.cli.notify import READY, notify


@pytest.fixture
def manager() -> Iterator[tuple[socket.socket, str]]:
    """What systemd listens on, with its name; in a folder with a short name, as sockets want."""
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "s")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(name)
            listener.settimeout(60)
            yield listener, name


def test_the_manager_hears_it(
    manager: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, name = manager
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    notify(READY)
    assert listener.recv(100) == b"READY=1"


def test_nobody_need_listen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(READY)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify(READY)


def test_an_abstract_name_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"leveret-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        try:
            listener.bind("\0" + name)
        except OSError:
            pytest.skip("this system has no abstract names")
        listener.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        notify(READY)
        assert listener.recv(100) == b"READY=1"


def test_serve_says_when_it_is_ready_and_when_it_stops(
    manager: tuple[socket.socket, str], start: Callable[..., subprocess.Popen[Any]]
) -> None:
    listener, name = manager
    process = start(
        [sys.executable, "-m", "leveret", "serve", "--host", "127.0.0.1", "--port", "0"],
        env=os.environ | {"NOTIFY_SOCKET": name},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert listener.recv(100) == b"READY=1"
    process.send_signal(signal.SIGTERM)
    assert listener.recv(100) == b"STOPPING=1"
    assert process.wait(60) == 0
