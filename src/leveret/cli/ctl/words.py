"""The words after ``leveret ctl``: taken apart as rabbitmqctl does, options standing anywhere.

Before the command's name, ``--user`` is who asks; behind it, it may be an option of the command.
"""

from collections.abc import Mapping, Sequence
from typing import Final, final

from leveret.cli.ctl.command import BadCall, Command

# Long names; those that take a value end with "=".
GENERAL: Final = (
    *("node=", "vhost=", "timeout=", "formatter=", "quiet", "silent", "no-table-headers"),
    *("longnames", "print-stacktrace", "help", "script-name=", "dry-run"),
)
REACHING: Final = ("url=", "host=", "port=", "user=", "password=", "ca-file=")
_SHORT: Final = {
    "n": "node",
    "p": "vhost",
    "t": "timeout",
    "q": "quiet",
    "s": "silent",
    "l": "longnames",
    "h": "help",
    "?": "help",
    "u": "user",
    # Of plugins.
    "e": "enabled",
    "E": "enabled",
    "m": "minimal",
    "v": "verbose",
}


@final
class Words:
    """A call's words, sorted: the command's name, its arguments, and the options.

    ``unknown`` are options that nobody has, as they were written, and ``lacking`` those that came
    last and without their value.
    """

    def __init__(self) -> None:
        self.command = ""
        self.arguments: list[str] = []
        self.own: dict[str, str | bool] = {}
        self.general: dict[str, str | bool] = {}
        self.unknown: list[str] = []

    def text(self, name: str) -> str | None:
        """The text of an option that is not the command's own."""
        value = self.general.get(name)
        return value if isinstance(value, str) else None


def split(words: Sequence[str], commands: Mapping[str, Command]) -> Words:
    """The words in order.  Knows no command that is not in ``commands``."""
    found = Words()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            take_plain(found, rest)
            break
        if word.startswith("-") and len(word) > 1:
            take_option(found, word, rest, commands.get(found.command))
        elif not found.command:
            found.command = word
        else:
            found.arguments.append(word)
    return found


def take_plain(found: Words, rest: list[str]) -> None:
    """All words that are left are no options."""
    if not found.command and rest:
        found.command = rest.pop(0)
    found.arguments.extend(rest)


def take_option(found: Words, word: str, rest: list[str], command: Command | None) -> None:
    """Sort one option in, with its value."""
    name, sign, given = word.partition("=")
    long = name[2:] if name.startswith("--") else _SHORT.get(name[1:], "")
    long = long.replace("_", "-")
    own = command.options if command is not None else ()
    for names, kept in ((own, found.own), (GENERAL + REACHING, found.general)):
        if f"{long}=" in names:
            kept[long] = given if sign else value_of(word, rest)
            return
        if long in names:
            kept[long] = True
            return
    found.unknown.append(word)


def value_of(word: str, rest: list[str]) -> str:
    """The next word.  Raises BadCall when there is none."""
    if not rest:
        raise BadCall(f"option {word} needs a value")
    return rest.pop(0)
