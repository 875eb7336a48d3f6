"""Leveret's own configuration files: TOML, with the settings' names as keys."""

import re
import tomllib

from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.config.table import find


def take_toml(settings: Settings, path: str, octets: bytes) -> list[ConfigError]:
    """Set what the file says, and give all that is wrong with it; what is wrong stays unset."""
    try:
        text = octets.decode()
        values: dict[str, object] = tomllib.loads(text)
    except ValueError as error:  # not TOML, or not UTF-8
        return [ConfigError(f"The config file {path} is not TOML: {error}.", path)]
    faults: list[ConfigError] = []
    for name, value in values.items():
        origin = place(path, text, name)
        try:
            settings.take_value(find(name, origin), value, origin)
        except ConfigError as fault:
            faults.append(fault)
    return faults


def place(path: str, text: str, name: str) -> str:
    """``path:line`` of the first line that sets ``name``, as far as can be told."""
    key = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[.=\]]")
    for number, line in enumerate(text.splitlines(), 1):
        if key.match(line):
            return f"{path}:{number}"
    return path
