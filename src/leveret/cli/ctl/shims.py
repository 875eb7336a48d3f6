"""``install-shim``: programs with RabbitMQ's names, so that scripts run as they are."""

import os
import sys
from pathlib import Path
from typing import Final

from leveret.cli.ctl.command import CANNOT_CREATE, Answer, Call, Command
from leveret.cli.refusals import Failure

# Each with what its own commands are in ``leveret ctl``.
NAMES: Final = {"rabbitmqctl": "", "rabbitmq-diagnostics": "", "rabbitmq-plugins": "plugins "}


def install_shim(call: Call) -> Answer:
    """Write them into a folder; files that are not ours stay."""
    folder = Path(call.arguments[0])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, words in NAMES.items():
            write(folder / name, script(words), call.has("force"))
    except OSError as error:
        where = error.filename or folder
        raise Failure(f"cannot write {where}: {error.strerror}", CANNOT_CREATE) from None
    return f"{', '.join(NAMES)} in {folder} now call 'leveret ctl'"


def write(path: Path, text: str, is_forced: bool) -> None:
    """One of them.  Raises Failure where somebody else's program would be lost."""
    if path.exists() and "leveret" not in path.read_text(errors="replace") and not is_forced:
        raise Failure(
            f"{path} is there already and not ours: pass --force to replace it", CANNOT_CREATE
        )
    path.write_text(text)
    path.chmod(0o755)


def script(words: str) -> str:
    """A shell script that finds the same Python, whatever the search path."""
    return f"#!/bin/sh\nexec '{quoted(sys.executable)}' -m leveret ctl {words}\"$@\"\n"


def quoted(text: str) -> str:
    """For single quotes of the shell."""
    return os.fspath(text).replace("'", "'\\''")


COMMANDS: Final = (
    Command(
        "install-shim",
        "<folder>",
        install_shim,
        "Writes rabbitmqctl, rabbitmq-diagnostics and rabbitmq-plugins that call leveret ctl",
        ["force"],
        "Other",
    ),
)
