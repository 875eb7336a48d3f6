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
from setuptools.command.build_py import build_py

NOT_COMPILED = {"__init__.py", "__main__.py"}  # no code; must be runnable as a script
# click hangs its notes on functions, which compiled ones refuse; identity waits for others anyway,
# and imports what is only there with an extra; management is for people's eyes, and changes often.
INTERPRETED = {"cli", "identity", "management"}
# Libraries of their own, for a library is in memory as a whole once one of its modules is imported:
# what a broker at rest has not loaded, each with what is used together with it.
APART = {
    "perf": "load",
    "mqtt": "mqtt",
    "stomp": "stomp",
    "net/websocket": "websocket",
    **dict.fromkeys(("repair", "stock", "store/glass", "broker/rescue"), "care"),
    **dict.fromkeys(
        ("config/rabbitmq_conf", "config/rabbitmq_keys", "config/rabbitmq_lines"), "files"
    ),
    **dict.fromkeys(("config/toml_file", "config/toml_text", "definition_files"), "files"),
    **dict.fromkeys(
        ("broker/inventory", "broker/totals", "broker/intake", "broker/one_offs"), "watch"
    ),
}
# A shorter table of the library's own addresses, which C libraries know from this one on.
RELATIVE_SINCE = (2, 36)
COMPILING = {"bdist_wheel", "build_ext"}  # not egg_info, dist_info, sdist, editable_wheel
REASON_FILE = Path("leveret", "interpreted.txt")  # what ``leveret --version`` reads


def why_interpreted() -> str:
    """Why these sources are not to be compiled; empty when they are."""
    if os.environ.get("LEVERET_PURE") == "1":
        return "LEVERET_PURE=1 was set at installation"
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    if shutil.which(command.split()[0]) is None:
        return "no C compiler was found at installation"
    if not Path(sysconfig.get_paths()["include"], "Python.h").exists():
        return "a C compiler but no Python headers were found at installation"
    return ""


class BuildModules(build_py):
    """Copies the modules, and notes with them why they stay interpreted, if they do."""

    def run(self) -> None:
        """As always, and the note."""
        super().run()
        if self.editable_mode:
            return
        note = Path(self.build_lib) / REASON_FILE
        note.unlink(missing_ok=True)  # of an earlier build in this folder
        if reason := why_interpreted():
            note.write_text(reason + "\n")


def units(paths: list[str]) -> list[tuple[list[str], str]]:
    """What is compiled in one unit, so that calls between its modules are C calls, and its name."""
    found: dict[str, list[str]] = {}
    for path in paths:
        module = Path(path).relative_to("src", "leveret").with_suffix("").as_posix()
        name = APART.get(module) or APART.get(module.split("/")[0], "core")
        found.setdefault(name, []).append(path)
    return [(members, f"leveret_{name}") for name, members in found.items()]


def linking() -> list[str]:
    """How to link."""
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    if name != "glibc" or tuple(int(part) for part in version.split(".")[:2]) < RELATIVE_SINCE:
        return []
    return ["-Wl,-z,pack-relative-relocs"]


def extensions() -> list:
    """The modules to compile: all of them in one unit, so that calls between them are C calls."""
    if not COMPILING & set(sys.argv) or os.environ.get("LEVERET_PURE") == "1":
        return []
    if reason := why_interpreted():
        print(
            f"leveret: {reason}, so it is installed interpreted, several times slower; "
            "gcc and python3-dev give the compiled one.",
            file=sys.stderr,
        )
        return []
    from mypyc.build import mypycify

    paths = sorted(
        str(path)
        for path in Path("src").rglob("*.py")
        if path.name not in NOT_COMPILED and not INTERPRETED & set(path.parts)
    )
    modules = mypycify(
        paths,
        opt_level=os.environ.get("LEVERET_OPT", "3"),
        debug_level="1",
        separate=os.environ.get("LEVERET_SEPARATE") == "1" or units(paths),
    )
    if sys.platform != "win32":
        for module in modules:
            # Nobody outside may replace what one module calls of another: so calls are direct, and
            # small functions melt into their callers.  That is worth a fifth of a message's time.
            module.extra_compile_args += ["-fvisibility=hidden", "-fno-semantic-interposition"]
            module.extra_link_args += linking()
    if os.environ.get("LEVERET_WERROR") != "1":
        # mypyc asks for -Werror.  The suite keeps it, because "maybe uninitialized" was a real
        # fault of mypyc's; another compiler's new warning must not stop a user's installation.
        for module in modules:
            module.extra_compile_args.append("-Wno-error")
    return modules


setup(ext_modules=extensions(), cmdclass={"build_py": BuildModules})
