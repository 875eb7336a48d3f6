"""The kinds of options that load generators take, with defaults from the settings of a protocol."""

from collections.abc import Callable
from typing import Any, Final, final

import click

from leveret.perf.settings import Settings

Decorator = Callable[[Any], Any]


@final
class Amount(click.ParamType):  # type: ignore[type-arg]
    """A number that is not negative; click's own ranges make the help twice as long."""

    def __init__(self, name: str, whole: bool, most: int) -> None:
        self.name = name
        self._whole: Final = whole
        self._most: Final = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        """The number that ``value`` is."""
        try:
            number = int(value) if self._whole else float(value)
        except ValueError:
            number = -1
        if not 0 <= number <= self._most:
            self.fail(f"{value!r} is not a {self.name} from 0 to {self._most:,}.", param, ctx)
        return number


def flag(names: str, text: str) -> Decorator:
    """An option that is there or not."""
    return click.option(*names.split(), is_flag=True, help=text)


@final
class Options:
    """Options whose defaults are those of ``settings``.

    An option is called as the setting is, or as ``names`` says: option to setting.
    """

    def __init__(self, settings: Settings, names: dict[str, str] | None = None) -> None:
        self._settings: Final = settings
        self._names: Final = names or {}

    def amount(self, names: str, text: str, most: int = 1_000_000_000) -> Decorator:
        """An option for a whole number."""
        return self._option(names, Amount("number", True, most), "N", text)

    def real(self, names: str, metavar: str, text: str) -> Decorator:
        """An option for a number that need not be whole."""
        return self._option(names, Amount("number", False, 1_000_000_000), metavar, text)

    def name(self, names: str, metavar: str, text: str) -> Decorator:
        """An option for a name."""
        return self._option(names, click.STRING, metavar, text)

    def choice(self, names: str, choices: tuple[str, ...], text: str) -> Decorator:
        """An option for one of a few words."""
        return self._option(names, click.Choice(choices), "|".join(choices), text)

    def duration(self) -> Decorator:
        """How long a run takes, whose default depends on ``--messages``."""
        return click.option(
            "-d",
            "--duration",
            type=Amount("number", False, 1_000_000_000),
            metavar="SECONDS",
            help="How long; 0: until Ctrl-C.  [10, or 0 with --messages]",
        )

    def _option(self, names: str, kind: Any, metavar: str, text: str) -> Decorator:
        parts = names.split()
        word = parts[-1].removeprefix("--").replace("-", "_")
        default = getattr(self._settings, self._names.get(word, word))
        if default == "":  # which is none of the words of a choice
            default = None
        return click.option(*parts, type=kind, default=default, metavar=metavar, help=text)

    def apply(self, options: dict[str, Any], settings: Settings) -> None:
        """Set what the command line says.  Raises BadSetting."""
        options["stamp"] = not options.pop("no_latency")
        if options["duration"] is None:
            options["duration"] = 0.0 if options["messages"] else settings.duration
        for name, value in options.items():
            if value is not None:
                setattr(settings, self._names.get(name, name), value)
        settings.check()
