"""Configuration files: which of the languages one is written in."""

import importlib
import os
import re
from collections.abc import Mapping
from typing import Any, Final

from leveret.config.faults import ConfigError
from leveret.config.settings import Settings

# Read by modules that a broker without a file need not have in memory.
_TOML: Final = "leveret.config.toml_file"
_RABBITMQS: Final = "leveret.config.rabbitmq_conf"

_ERLANG: Final = re.compile(r"\s*\[\s*(\{|\]\s*\.)")
_DOTTED: Final = re.compile(r"[A-Za-z_][\w-]*(\.[\w$-]+)+\s*=(?!\s*[\"\[{])")
# TOML's values are numbers, true and false, or begin with a quote or a bracket.
_BARE: Final = re.compile(
    r"\w+\s*=\s*(?!true\b|false\b|inf\b|nan\b|0[box])([A-Za-z/$^.*]|[\d.]+[A-Za-z])"
)
_ITS_NAME: Final = "rabbitmq.conf"


def take_file(settings: Settings, path: str, environment: Mapping[str, str]) -> list[ConfigError]:
    """Set what the file says, and give all that is wrong with it; what is wrong stays unset.

    ``environment`` is for values of a rabbitmq.conf such as ``$(PASSWORD)``.
    """
    try:
        with open(path, "rb") as file:
            octets = file.read()
    except OSError as error:
        why = error.strerror or str(error)
        return [ConfigError(f"The config file {path} cannot be read: {why}.", path)]
    text = octets.decode("utf-8", "replace")
    if is_erlang(text):
        return [
            ConfigError(
                f"The config file {path} is one of Erlang terms (advanced.config), which leveret"
                " cannot read: say the same in TOML, or as 'key = value' of a rabbitmq.conf.",
                path,
            )
        ]
    reader: Any
    if is_rabbitmqs(path, text):
        reader = importlib.import_module(_RABBITMQS)
        faults: list[ConfigError] = reader.take_conf(settings, path, text, environment)
    else:
        reader = importlib.import_module(_TOML)
        faults = reader.take_toml(settings, path, octets)
    return faults


def is_erlang(text: str) -> bool:
    """Whether this is one Erlang list, as RabbitMQ's advanced.config is."""
    return _ERLANG.match(re.sub(r"%.*", "", text)) is not None


def is_rabbitmqs(path: str, text: str) -> bool:
    """Whether this is a rabbitmq.conf, as far as one can tell without reading it.

    Its lines are ``key = value`` with dots in the keys and no quotes.
    """
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith("#")]
    if any(_DOTTED.match(line) for line in said):
        return True
    if any(line.startswith("[") for line in said):
        return False
    if os.path.basename(path) == _ITS_NAME:
        return True
    return path.endswith((".conf", ".config")) and any(_BARE.match(line) for line in said)
