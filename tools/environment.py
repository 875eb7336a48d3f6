"""Virtual environments, made once and renewed only when what they were made from has changed.

Each carries a stamp: a hash of everything that went into it.  The sources are always built from a
clean copy, because setuptools leaves a ``build`` folder behind that would smuggle deleted modules
into the next wheel, and because a compiled module left in ``src`` would win over its source.
"""

import hashlib
import importlib.util
import os
import shutil
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from steps import ROOT, Stop, call, say

BUILD_FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
# Whoever changes one of these wants another build of the same sources.
BUILD_SETTINGS = (
    "CC",
    "CFLAGS",
    "LEVERET_OPT",
    "LEVERET_PURE",
    "LEVERET_SEPARATE",
    "LEVERET_WERROR",
)
LEFT_BEHIND = shutil.ignore_patterns("*.so", "*.pyc", "__pycache__", "*.egg-info")


def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def group(name: str) -> list[str]:
    """The requirements of one dependency group.  Read here, as older pips know no groups."""
    requirements: list[str] = project()["dependency-groups"][name]
    return requirements


def sources_hash() -> str:
    """Changes when a build would give something else."""
    headers = Path(sysconfig.get_paths()["include"], "Python.h").exists()
    place = f"{sys.version} {sys.prefix} {shutil.which('gcc')} {headers}"
    digest = hashlib.sha256(place.encode())
    for name in BUILD_SETTINGS:
        digest.update(f"{name}={os.environ.get(name)}".encode())
    modules = (p for p in (ROOT / "src").rglob("*") if p.is_file())
    for path in [ROOT / name for name in BUILD_FILES] + sorted(modules):
        if path.suffix not in (".so", ".pyc") and ".egg-info" not in str(path.parent):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def copy_sources(target: Path) -> Path:
    """A copy of what a build needs and of nothing else."""
    target.mkdir(parents=True)
    for name in BUILD_FILES:
        shutil.copy(ROOT / name, target)
    shutil.copytree(ROOT / "src", target / "src", ignore=LEFT_BEHIND)
    return target


def need_venv() -> None:
    """Raises Stop where this Python cannot make virtual environments (Debian packs that apart)."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    raise Stop(
        f"{sys.executable} cannot make virtual environments: its venv or ensurepip is missing.\n"
        f"On Debian and Ubuntu: apt install {package}"
    )


class Environment:
    """One virtual environment in the project's folder."""

    def __init__(self, name: str) -> None:
        self.folder = ROOT / name
        self.python = self.folder / "bin" / "python"
        self._stamps = self.folder / "stamps"

    def program(self, name: str) -> Path:
        """Where a program that was installed into it lies."""
        return self.folder / "bin" / name

    def is_fresh(self, what: str, stamp: str) -> bool:
        """Whether ``what`` was installed from the state that ``stamp`` stands for."""
        path = self._stamps / what
        return path.exists() and path.read_text() == stamp

    def mark(self, what: str, stamp: str) -> None:
        """Remember that ``what`` is installed."""
        self._stamps.mkdir(exist_ok=True)
        (self._stamps / what).write_text(stamp)

    def make(self) -> None:
        """Make it if it is missing, or was made by another Python."""
        need_venv()
        stamp = f"{sys.executable} {sys.version}"
        if self.is_fresh("python", stamp):
            return
        say(f"making {self.folder.name} with Python {sys.version.split()[0]}")
        call([sys.executable, "-m", "venv", "--clear", self.folder])
        self.mark("python", stamp)

    def pip(self, *arguments: str | Path) -> None:
        """Install with the environment's own pip."""
        call([self.python, "-m", "pip", "install", "--quiet", *arguments])

    def install(self, what: str, requirements: list[str], stamp: str = "") -> bool:
        """Install ``requirements`` with pip unless that was done before.  True when it was not."""
        self.make()
        stamp = stamp or "\n".join(requirements)
        if self.is_fresh(what, stamp):
            return False
        say(f"installing {what} into {self.folder.name}")
        self.pip(*requirements)
        self.mark(what, stamp)
        return True

    def install_leveret(self) -> None:
        """Install leveret from this checkout, compiled where there is a C compiler."""
        self.make()
        stamp = sources_hash()
        if self.is_fresh("leveret", stamp):
            return
        say("compiling and installing leveret: a few minutes, only when its sources changed")
        with tempfile.TemporaryDirectory(prefix="leveret-") as folder:
            copy = copy_sources(Path(folder, "copy"))
            self.pip(copy)
        self.mark("leveret", stamp)
        if not self.is_compiled():
            say(
                "there is no C compiler (or no Python headers) here, so leveret runs interpreted,\n"
                "several times slower; with gcc and python3-dev, make run compiles it."
            )

    def is_compiled(self) -> bool:
        """Whether the leveret inside is the compiled one."""
        return any(self.folder.glob("lib/python*/site-packages/leveret/octets.*.so"))
