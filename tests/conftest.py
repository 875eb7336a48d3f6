"""What all tests share: which build is under test, and a broker."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

import leveret

# How long an example takes depends on what else the machine does: no test is about that.
settings.register_profile("leveret", deadline=None)
settings.load_profile("leveret")

NOT_COMPILED = {"__init__.py", "__main__.py"}
INTERPRETED = {"cli", "identity", "management"}  # as in setup.py


def build() -> str:
    """What ``import leveret`` gets: ``compiled``, ``interpreted``, or a mixture that says so."""
    spec = find_spec("leveret")
    assert spec is not None and spec.origin is not None
    home = Path(spec.origin).parent
    sources = [path for path in home.rglob("*.py") if is_to_compile(path.relative_to(home))]
    compiled = [path for path in sources if any(path.parent.glob(f"{path.stem}.*.so"))]
    if not compiled:
        return "interpreted"
    if len(compiled) == len(sources):
        return "compiled"
    return f"{len(compiled)} of {len(sources)} modules compiled: run make clean"


def is_to_compile(path: Path) -> bool:
    """Whether setup.py compiles this file of the package."""
    return path.name not in NOT_COMPILED and path.parts[0] not in INTERPRETED


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test another build than the one that LEVERET_EXPECT names."""
    expected = os.environ.get("LEVERET_EXPECT", "")
    if expected and expected != build():
        raise pytest.UsageError(f"LEVERET_EXPECT is {expected}, but leveret is {build()}")


def pytest_report_header() -> str:
    """The line that a report of a failure must not lack."""
    return f"leveret: {build()}"


@pytest.fixture
def broker() -> "Iterator[leveret.Broker]":
    """A fresh broker, empty, on a port of its own."""
    with leveret.Broker() as broker:
        yield broker


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that a test starts as a process keeps its things where no other finds them."""
    monkeypatch.setenv("LEVERET_DATA_DIR", str(tmp_path / "data"))
    # Nor do they fight for the port of the HTTP API.
    monkeypatch.setenv("LEVERET_MANAGEMENT_LISTEN", "none")
    monkeypatch.setenv("LEVERET_PROMETHEUS_LISTEN", "none")
    for name in ("MQTT", "STOMP", "WEB_MQTT", "WEB_STOMP"):
        monkeypatch.setenv(f"LEVERET_{name}_LISTEN", "none")
        monkeypatch.setenv(f"LEVERET_{name}_TLS_LISTEN", "none")
