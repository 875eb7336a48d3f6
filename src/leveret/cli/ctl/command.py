"""What a command of ``leveret ctl`` is: its words, what it may be given, and what it answers.

Performs nothing by itself.  The families of commands are in this folder, the list of all of them in
``catalogue``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TextIO, final

from leveret.cli.client import Api
from leveret.cli.refusals import Failure

# Exit statuses, as sysexits.h and rabbitmqctl have them.
USAGE: Final = 64
BAD_DATA: Final = 65
NO_USER: Final = 67
UNAVAILABLE: Final = 69
SOFTWARE: Final = 70
CANNOT_CREATE: Final = 73
TRY_LATER: Final = 75


@final
class Rows:
    """A table: a list of values a row, in the order of the columns."""

    def __init__(self, columns: Sequence[str], rows: list[list[object]]) -> None:
        self.columns: Final = list(columns)
        self.rows: Final = rows


@final
class Facts:
    """A report: for people as text, for programs as an object."""

    def __init__(self, facts: object, text: str) -> None:
        self.facts: Final = facts
        self.text: Final = text


# A sentence, a table, a report, or nothing to say.
Answer = str | Rows | Facts | None


@final
class Call:
    """One call of a command: what it was given, the broker to ask, and where to print."""

    def __init__(
        self,
        api: Api,
        arguments: list[str],
        options: Mapping[str, str | bool],
        out: TextIO,
        is_quiet: bool,
    ) -> None:
        self.api: Final = api
        self.arguments: Final = arguments
        self.options: Final = options
        self.out: Final = out
        self.is_quiet: Final = is_quiet

    @property
    def vhost(self) -> str:
        """The virtual host that it is about."""
        return self.api.address.vhost

    def say(self, banner: str) -> None:
        """Say what is about to be done, unless nobody wants to hear it."""
        if not self.is_quiet:
            print(banner, file=self.out, flush=True)

    def text(self, name: str, default: str = "") -> str:
        """An option's text."""
        value = self.options.get(name, default)
        return value if isinstance(value, str) else default

    def has(self, name: str) -> bool:
        """Whether an option was given."""
        return name in self.options

    def argument(self, index: int, default: str = "") -> str:
        """An argument that may be missing."""
        return self.arguments[index] if index < len(self.arguments) else default


@final
class Command:
    """One command.  ``usage`` is what may follow its name, as the help shows it.

    ``options`` are its own ones: a name that ends with ``=`` takes a value.
    """

    def __init__(
        self,
        name: str,
        usage: str,
        run: Callable[[Call], Answer],
        summary: str,
        options: Sequence[str] = (),
        group: str = "",
    ) -> None:
        self.name: Final = name
        self.usage: Final = usage
        self.run: Final = run
        self.summary: Final = summary
        self.options: Final = tuple(options)
        self.group: Final = group

    def fewest(self) -> int:
        """How many arguments it needs."""
        return len([word for word in self.usage.split() if word.startswith("<")])

    def most(self) -> int | None:
        """How many arguments it takes; None for any number."""
        if "..." in self.usage:
            return None
        return self.fewest() + len([w for w in self.usage.split() if w.startswith("[<")])

    def judge(self, arguments: list[str]) -> str:
        """What is wrong with the number of arguments; empty when nothing is."""
        most = self.most()
        if len(arguments) < self.fewest():
            return "not enough arguments."
        if most is not None and len(arguments) > most:
            return "too many arguments."
        return ""

    def line(self) -> str:
        """How to call it."""
        flags = [
            f"[--{one}<{one.rstrip('=')}>]".replace("=", " ") if "=" in one else f"[--{one}]"
            for one in self.options
        ]
        return " ".join(["leveret ctl", self.name, *flags, self.usage]).rstrip()


class BadCall(Failure):
    """The words of a call are wrong."""

    def __init__(self, what: str) -> None:
        super().__init__(what, USAGE)
