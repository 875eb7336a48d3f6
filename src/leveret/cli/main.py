"""The ``leveret`` program: finds the command that was asked for and loads only that one."""

import importlib
import importlib.util
import sys
from typing import Final

import click

from leveret import __version__

# Command to the module and the name in it.  Loaded when asked for: ``leveret --version`` must not
# wait for a server, nor the server's memory hold a load generator.
COMMANDS: Final = {
    "perf": "leveret.cli.perf:perf",
    "serve": "leveret.cli.serve:serve",
}


def is_compiled() -> bool:
    """Whether this is the compiled package.  Its command line never is, so ask for another part."""
    spec = importlib.util.find_spec("leveret.errors")
    return spec is not None and not str(spec.origin).endswith(".py")


class Commands(click.Group):
    """The group of all commands, none of them loaded yet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of the help."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, loaded; None when there is none."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, name="leveret")
@click.version_option(
    __version__,
    message=f"leveret {__version__} ({'compiled' if is_compiled() else 'interpreted'},"
    f" Python {sys.version.split()[0]})",
)
def leveret() -> None:
    """Leveret: a message broker that does RabbitMQ's job."""


def main() -> None:
    """Run the command line."""
    leveret(prog_name="leveret")
