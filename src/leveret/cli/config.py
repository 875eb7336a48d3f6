"""``leveret config``: what the settings are, whether a file is right, and RabbitMQ's as TOML."""

import json
import os
from typing import Any, ClassVar, Final

import click

from leveret.cli.main import Suggesting
from leveret.cli.refusals import BadConfig
from leveret.config.environment import config_file
from leveret.config.faults import ConfigError
from leveret.config.groups import Groups
from leveret.config.settings import Settings
from leveret.config.sources import check_file, load
from leveret.config.table import TABLE
from leveret.config.toml_text import write_groups, write_value

_DEFAULT: Final = "default"


class WrongFile(click.ClickException):
    """A file that was to be checked or converted is wrong; the lines say how."""

    exit_code: ClassVar[int] = 78

    def format_message(self) -> str:
        """What was found, a line each."""
        return self.message

    def show(self, file: Any = None) -> None:
        """Without the word that begins other errors, since there may be many."""
        click.echo(self.message, err=True)


@click.group(cls=Suggesting)
def config() -> None:
    """Show and check settings; docs/configuration.md describes each."""


@config.command()
@click.option("--config", "file", metavar="FILE", help="A file, as for leveret serve.")
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--json", "in_json", is_flag=True, help="Print JSON.")
def show(file: str | None, origin: bool, in_json: bool) -> None:
    """Print every setting as leveret serve would have it here; no passwords.

    Values come from the file (or LEVERET_CONFIG), then the environment, and else are the defaults.

    Exit status: 0 fine, 78 bad configuration.
    """
    try:
        settings = load(file or config_file(os.environ), os.environ, {})
    except ConfigError as error:
        raise BadConfig(str(error)) from None
    for warning in settings.warnings:
        click.echo(warning, err=True)
    click.echo(as_json(settings, origin) if in_json else as_lines(settings, origin))


@config.command()
@click.argument("file")
@click.option("--start", is_flag=True, help="Read certificates and definitions, too.")
def check(file: str, start: bool) -> None:
    """Say everything that is wrong with FILE, TOML or a rabbitmq.conf.

    With --start also whether a broker here could start with it; it listens nowhere.

    Exit status: 0 nothing, 78 something.
    """
    settings = read(file)
    for warning in settings.warnings:
        click.echo(warning, err=True)
    if start:
        start_nothing(settings)
    count = len([origin for origin in settings.origin.values() if origin != _DEFAULT])
    click.echo(f"{file} is fine: it sets {count} of {len(TABLE)} settings.")


@config.command()
@click.argument("file")
def convert(file: str) -> None:
    """Print FILE, a rabbitmq.conf, as TOML for leveret, passwords included.

    What has no effect in leveret becomes a comment.

    Exit status: 0 fine, 78 something is wrong with FILE.
    """
    click.echo(as_toml(read(file)), nl=False)


def read(file: str) -> Settings:
    """The settings of a file alone.  Raises WrongFile with all that is wrong."""
    settings = Settings()
    faults = check_file(settings, file, os.environ)
    if faults:
        raise WrongFile("\n".join([str(fault) for fault in faults]))
    return settings


def start_nothing(settings: Settings) -> None:
    """Make a broker of the settings, and throw it away.  Raises WrongFile."""
    from leveret.server import Server

    try:
        Server(settings)
    except ConfigError as fault:
        raise WrongFile(str(fault)) from None


def as_lines(settings: Settings, with_origin: bool) -> str:
    """``name = value``, and behind it as a comment where the value comes from."""
    lines = [f"{row.name} = {write_value(value)}" for row, value in values(settings, False)]
    if with_origin:
        width = max([len(line) for line in lines if len(line) <= 60], default=0)
        origins = [settings.origin[row.name] for row in TABLE]
        lines = [f"{one:{width}}  # {origin}" for one, origin in zip(lines, origins, strict=True)]
    return "\n".join(lines)


def as_json(settings: Settings, with_origin: bool) -> str:
    """An object with the values, or with objects of value and origin."""
    plain: dict[str, object] = {row.name: value for row, value in values(settings, False)}
    if with_origin:
        plain = {
            name: {"value": value, "origin": settings.origin[name]} for name, value in plain.items()
        }
    return json.dumps(plain, indent=2, ensure_ascii=False)


def as_toml(settings: Settings) -> str:
    """What is not as by default, as a file; groups come last, since tables end the plain keys."""
    set_here = [
        (row, value)
        for row, value in values(settings, True)
        if settings.origin[row.name] != _DEFAULT
    ]
    lines = [f"# {warning}" for warning in settings.warnings]
    lines += [f"{row.name} = {write_value(value)}" for row, value in set_here if not is_groups(row)]
    text = "".join([line + "\n" for line in lines])
    for row, value in set_here:
        if is_groups(row):
            text += "\n" + write_groups(row.name, value)
    return text


def is_groups(row: object) -> bool:
    """Whether the setting's value is a table of tables."""
    return isinstance(row, Groups)


def values(settings: Settings, show_secrets: bool) -> list[Any]:
    """Every row of the table with its value as a file would have it."""
    return [(row, row.plain(getattr(settings, row.name), show_secrets)) for row in TABLE]
