"""Configuration files: which language one is written in, and what it says."""

import re
import tomllib
from typing import Final

from leveret.config.environment import PAGE
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings

_ERLANG: Final = re.compile(r"\s*\[\s*(\{|\]\s*\.)")
_DOTTED: Final = re.compile(r"[A-Za-z_][\w-]*(\.[\w$-]+)+\s*=")
# TOML's values are numbers, true and false, or begin with a quote or a bracket.
_BARE: Final = re.compile(r"\w+\s*=\s*(?!true\b|false\b|inf\b|nan\b)[A-Za-z/]")


def take_file(settings: Settings, path: str) -> None:
    """Set what the TOML file says.  Raises ConfigError, also when it cannot be read."""
    try:
        with open(path, "rb") as file:
            octets = file.read()
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(f"The config file {path} cannot be read: {why}.", path) from error
    if is_rabbitmqs(path, octets.decode("utf-8", "replace")):
        raise ConfigError(
            f"The config file {path} looks like a rabbitmq.conf; Leveret reads TOML so far,"
            f" see {PAGE}.",
            path,
        )
    try:
        values = tomllib.loads(octets.decode())
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(f"The config file {path} is not TOML: {error}.", path) from error
    settings.take(values, path)


def is_rabbitmqs(path: str, text: str) -> bool:
    """Whether this is RabbitMQ's own configuration, as far as one can tell without reading it.

    Its lines are ``key = value`` with dots in the keys and no quotes, or it is one Erlang list.
    """
    if _ERLANG.match(re.sub(r"%.*", "", text)):
        return True
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith("#")]
    if any(_DOTTED.match(line) for line in said):
        return True
    plain = path.endswith((".conf", ".config")) and any(_BARE.match(line) for line in said)
    return plain and not any(line.startswith("[") for line in said)
