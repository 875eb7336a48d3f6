"""setup.py, as far as ``leveret --version`` reads what it writes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("setuptools")

ROOT = Path(__file__).resolve().parents[2]
COMPILER = "/nowhere/cc"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """As much of a checkout as setup.py needs, as it leaves its traces there."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    package = tmp_path / "src" / "leveret"
    package.mkdir(parents=True)
    for name in ("__init__.py", "version.py"):
        shutil.copy(ROOT / "src" / "leveret" / name, package)
    return tmp_path


def note(sources: Path, **environment: str) -> str:
    """What was written beside the modules; nothing when the file is not there."""
    clean = {name: text for name, text in os.environ.items() if name not in ("CC", "LEVERET_PURE")}
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", "out"]
    done = subprocess.run(
        command, cwd=sources, env=clean | environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    file = sources / "out" / "leveret" / "interpreted.txt"
    return file.read_text() if file.exists() else ""


def test_why_it_was_not_compiled_is_noted(sources: Path) -> None:
    assert note(sources, CC=COMPILER) == "no C compiler was found at installation\n"
    assert note(sources, LEVERET_PURE="1") == "LEVERET_PURE=1 was set at installation\n"


def test_an_old_note_does_not_stay(sources: Path) -> None:
    assert note(sources, CC=COMPILER)
    assert "no C compiler" not in note(sources, CC=sys.executable)
