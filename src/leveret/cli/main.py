"""The ``leveret`` program: finds the command that was asked for and loads only that one."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Final

import click

from leveret import __version__

# Command to the module and the name in it.  Loaded when asked for: ``leveret --version`` must not
# wait for a server, nor the server's memory hold a load generator.
COMMANDS: Final = {
    "config": "leveret.cli.config:config",
    "ctl": "leveret.cli.ctl.program:ctl",
    "get": "leveret.cli.get:get",
    "peek": "leveret.cli.peek:peek",
    "perf": "leveret.cli.perf:perf",
    "publish": "leveret.cli.publish:publish",
    "queues": "leveret.cli.queues:queues",
    "serve": "leveret.cli.serve:serve",
    "store": "leveret.cli.store:store",
    "tail": "leveret.cli.tail:tail",
    "top": "leveret.cli.top:top",
}

# Written by setup.py beside the package's modules when it installs them without compiling them.
_REASON_FILE: Final = "interpreted.txt"


def is_compiled() -> bool:
    """Whether this is the compiled package.  Its command line never is, so ask for another part."""
    spec = importlib.util.find_spec("leveret.errors")
    return spec is not None and not str(spec.origin).endswith(".py")


def why_interpreted() -> str:
    """Why an installed package is not the compiled one; empty for a compiled one or sources."""
    try:
        reason = Path(__file__).parent.with_name(_REASON_FILE).read_text().strip()
    except OSError:
        return ""
    return "" if is_compiled() else reason


def remedy() -> str:
    """Why an installed package is interpreted, and where to read what to do; maybe empty."""
    reason = why_interpreted()
    if not reason:
        return ""
    return (
        f"Interpreted, so several times slower, because {reason}. The README, under"
        ' "Compiled or interpreted", says how to install it compiled.'
    )


def version_text() -> str:
    """What ``--version`` prints."""
    build = "compiled" if is_compiled() else "interpreted"
    first = f"leveret {__version__} ({build}, Python {sys.version.split()[0]})"
    return "\n".join([line for line in (first, remedy()) if line])


class Suggesting(click.Group):
    """A group that names the command that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuses what is nearly a command with the right one."""
        if args[0] in self.list_commands(ctx) or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        import difflib  # only a mistake needs it

        near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
        if near:
            ctx.fail(f"No such command {args[0]!r}.  Did you mean {near[0]}?")
        return super().resolve_command(ctx, args)


class Commands(Suggesting):
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


@click.group(cls=Commands, name="leveret", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message=version_text())
def leveret() -> None:
    """Leveret: a message broker that does RabbitMQ's job."""


def main() -> None:
    """Run the command line."""
    leveret(prog_name="leveret")
