"""``leveret ctl``: rabbitmqctl's commands, over the HTTP API."""

import os
import sys
from typing import Any, Final, TextIO

import click

from leveret.cli.address import find_address
from leveret.cli.client import Api
from leveret.cli.ctl.catalogue import COMMANDS, guess, help_about, help_text
from leveret.cli.ctl.command import USAGE, BadCall, Call, Command, Facts
from leveret.cli.ctl.formats import BARE, FORMATS, show
from leveret.cli.ctl.words import Words, split
from leveret.cli.refusals import Failure
from leveret.cli.show import clean_lines

_HELP: Final = "help"
_COMPLETE: Final = "autocomplete"
_REPORTED: Final = (
    *("status", "cluster_status", "list_connections", "list_channels", "list_queues"),
    *("list_exchanges", "list_bindings", "list_consumers", "list_permissions", "list_policies"),
    *("list_operator_policies", "list_parameters", "list_vhosts", "list_users"),
)


class Raw(click.Command):
    """Takes its words as they are: rabbitmqctl's options may stand anywhere."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave all to ``run``."""
        ctx.params["words"] = tuple(args)
        return []


@click.command(cls=Raw, add_help_option=False)
def ctl(words: tuple[str, ...]) -> None:
    """Steer a broker: rabbitmqctl's commands, over HTTP."""
    sys.exit(run(list(words), sys.stdout, sys.stderr))


def run(words: list[str], out: TextIO, err: TextIO) -> int:
    """Perform one call; its exit status."""
    try:
        found = split(words, COMMANDS)
        if not found.command or found.command == _HELP or "help" in found.general:
            return tell(found, out, err)
        if found.command == _COMPLETE:
            return complete(found, out)
        perform(found, out)
    except BadCall as fault:
        # The words themselves are not repeated: one of them may be a password.
        print(f"Error (argument validation): {fault.message}", file=err)
        return fault.exit_code
    except click.ClickException as failure:
        print(f"Error:\n{failure.message}", file=err)
        return failure.exit_code
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def tell(found: Words, out: TextIO, err: TextIO) -> int:
    """Help: about one command, or about all."""
    about = found.command if found.command != _HELP else "".join(found.arguments[:1])
    if not about:
        is_asked = bool(found.command or "help" in found.general)
        print(help_text(), file=out if is_asked else err)
        return 0 if is_asked else USAGE
    print(help_about(command_of(about)), file=out)
    return 0


def complete(found: Words, out: TextIO) -> int:
    """The commands that begin so, for a shell."""
    start = "".join(found.arguments[:1])
    for name in sorted(COMMANDS):
        if name.startswith(start):
            print(name, file=out)
    return 0


def command_of(name: str) -> Command:
    """The command of a name.  Raises BadCall with the one that was probably meant."""
    command = COMMANDS.get(name) or COMMANDS.get(name.replace("-", "_"))
    if command is None:
        near = guess(name)
        hint = f"  Did you mean '{near}'?" if near else "  'leveret ctl help' lists them all."
        raise BadCall(f"Command '{name}' not found.{hint}")
    return command


def perform(found: Words, out: TextIO) -> None:
    """Call the command, and print what it answers."""
    command = command_of(found.command)
    judge(found, command)
    formatter = found.text("formatter") or "table"
    if formatter not in FORMATS:
        raise BadCall(f"there is no formatter {formatter!r}; there are {', '.join(FORMATS)}")
    options: dict[str, str | None] = {
        "url": found.text("url"),
        "host": found.text("host"),
        "port": found.text("port"),
        "user": found.text("user"),
        "password": found.text("password"),
        "vhost": found.text("vhost"),
        "ca_file": found.text("ca-file"),
        "timeout_s": found.text("timeout"),
    }
    api = Api(find_address(options, os.environ))
    is_silent = "silent" in found.general
    is_quiet = is_silent or "quiet" in found.general or formatter in BARE
    call = Call(api, found.arguments, found.own, out, is_quiet)
    has_header = not is_silent and "no-table-headers" not in found.general
    try:
        if command.name == "report":
            report(call, formatter, has_header)
        else:
            answer(command, call, formatter, has_header)
    finally:
        api.close()


def judge(found: Words, command: Command) -> None:
    """Raises BadCall when the words do not suit the command."""
    if found.unknown:
        names = ", ".join([word.partition("=")[0] for word in found.unknown])
        raise BadCall(f"Invalid options for this command: {names}\n\nUsage\n\n{command.line()}")
    wrong = command.judge(found.arguments)
    if wrong:
        raise BadCall(f"{wrong}\n\nUsage\n\n{command.line()}")


def answer(command: Command, call: Call, formatter: str, has_header: bool) -> None:
    """Run one command and print its answer."""
    result: Any = command.run(call)
    if isinstance(result, Facts) and not result.text and formatter != "json":
        return
    text = show(result, formatter, has_header)
    if text is not None:
        # A client's name must not steer the terminal of who lists it; programs get it as it is.
        print(clean_lines(text) if call.out.isatty() else text, file=call.out, flush=True)


def report(call: Call, formatter: str, has_header: bool) -> None:
    """One after the other; what this user may not see is left out."""
    for name in _REPORTED:
        try:
            answer(COMMANDS[name], call, formatter, has_header)
        except Failure as failure:
            print(f"({name}: {failure.message})", file=call.out)
        print(file=call.out)
