"""Compile leveret with mypyc.  Everything else about the build is in pyproject.toml.

``pip install .`` compiles; ``pip install -e .`` does not: it is for development, interpreted.
Without a C compiler, or with LEVERET_PURE=1, the same sources are installed interpreted.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import setup

NOT_COMPILED = {"__init__.py", "__main__.py"}  # no code; must be runnable as a script
INTERPRETED = {"cli"}  # click hangs its notes on functions, which compiled ones refuse
COMPILING = {"bdist_wheel", "build_ext"}  # not egg_info, dist_info, sdist, editable_wheel


def has_compiler() -> bool:
    """Whether the C compiler that this Python was built for, or the one in CC, can be run."""
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    headers = Path(sysconfig.get_paths()["include"], "Python.h")
    return shutil.which(command.split()[0]) is not None and headers.exists()


def extensions() -> list:
    """The modules to compile: all of them in one unit, so that calls between them are C calls."""
    if not COMPILING & set(sys.argv) or os.environ.get("LEVERET_PURE") == "1":
        return []
    if not has_compiler():
        print(
            "leveret: there is no C compiler (or no Python headers) here, so it is installed "
            "interpreted, several times slower; gcc and python3-dev give the compiled one.",
            file=sys.stderr,
        )
        return []
    from mypyc.build import mypycify

    modules = mypycify(
        sorted(
            str(p)
            for p in Path("src").rglob("*.py")
            if p.name not in NOT_COMPILED and not INTERPRETED & set(p.parts)
        ),
        opt_level=os.environ.get("LEVERET_OPT", "3"),
        debug_level="1",
        separate=os.environ.get("LEVERET_SEPARATE") == "1",
    )
    if os.environ.get("LEVERET_WERROR") != "1":
        # mypyc asks for -Werror.  The suite keeps it, because "maybe uninitialized" was a real
        # fault of mypyc's; another compiler's new warning must not stop a user's installation.
        for module in modules:
            module.extra_compile_args.append("-Wno-error")
    return modules


setup(ext_modules=extensions())
