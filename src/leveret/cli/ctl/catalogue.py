"""Every command of ``leveret ctl``, and the help about them."""

import difflib
from collections.abc import Mapping
from typing import Final

from leveret.cli.ctl import (
    actions,
    health,
    lists,
    node,
    permissions,
    plugins,
    policies,
    refused,
    shims,
    users,
    vhosts,
)
from leveret.cli.ctl.command import Command

_FAMILIES: Final = (
    *(node, lists, users, permissions, vhosts, policies, actions, health, plugins),
    shims,
)
COMMANDS: Final[Mapping[str, Command]] = {
    command.name: command for family in (*_FAMILIES, refused) for command in family.COMMANDS
}
_HEAD: Final = """\
Usage: leveret ctl [--url <url>] [--user <name>] [--password <password>] <command> [<argument> ...]

Asks a broker over its HTTP API, with the commands of rabbitmqctl.\
"""
_OPTIONS: Final = """\
Options of every command:
  --url <url>            where the API is; http://127.0.0.1:15672 when nobody says otherwise
  --host, --port         parts of it
  --user, --password     who asks; guest when nobody says otherwise
  --ca-file <file>       what signed the broker's certificate, for https://
  -p, --vhost <name>     the virtual host; /
  -t, --timeout <s>      how long to wait for an answer; 60
  --formatter <name>     table, json, csv, pretty_table or erlang
  -q, --quiet            say only what was asked for
  -s, --silent           and no names of columns
  --no-table-headers     no names of columns
  -n, -l                 taken for rabbitmqctl's sake, and without effect

LEVERET_URL, LEVERET_USER and LEVERET_PASSWORD are used where options are missing, and then the file
leveret/ctl.toml in the folder for settings (~/.config) with url, user, password, vhost, ca_file and
timeout_s.\
"""


def help_text() -> str:
    """All commands in their groups."""
    groups: dict[str, list[Command]] = {}
    for command in COMMANDS.values():
        if command.group:
            groups.setdefault(command.group, []).append(command)
    parts = [
        "\n".join([f"{title}:", *[f"  {one.name:33} {one.summary}" for one in group]])
        for title, group in groups.items()
    ]
    more = "'leveret ctl help <command>' says how to call one."
    return "\n\n".join([_HEAD, *parts, _OPTIONS, more])


def help_about(command: Command) -> str:
    """One command."""
    lines = [f"Usage: {command.line()}", "", f"{command.summary}."]
    listing = lists.LISTINGS.get(command.name)
    if listing is not None:
        lines += ["", "Columns: " + ", ".join(listing.columns)]
        lines += ["Without any: " + ", ".join(listing.default)]
    return "\n".join([*lines, "", _OPTIONS])


def guess(name: str) -> str:
    """What was probably meant; empty when nobody can tell."""
    near = difflib.get_close_matches(name, list(COMMANDS), 1)
    return near[0] if near else ""
