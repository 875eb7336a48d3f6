"""The language of rabbitmq.conf: lines of ``key = value``, comments, and variables.

::

    # a comment
    listeners.tcp.default = 5672       # the rest of a line is one too
    default_pass          = 'h#re'     # what is quoted is taken as it stands
    default_user          = $(USER)    # the value of an environment variable

Knows no key.  Source: the grammar of Cuttlefish, RabbitMQ's reader.
"""

import re
from collections.abc import Mapping
from typing import Final, final

from leveret.config.faults import ConfigError

_LINE: Final = re.compile(
    r"(?P<key>(?:\\.|[\w%-])+(?:\.(?:\\.|[\w$%-])+)*)\s*=\s*"
    r"(?:'(?P<quoted>(?:\\.|[^'\\])*)'|(?P<bare>[^#]*?))\s*(?:#.*)?"
)
_DOT: Final = re.compile(r"(?<!\\)\.")
_ESCAPED: Final = re.compile(r"\\(.)")
_VARIABLE: Final = re.compile(r"\$\(([^()]*)\)")


@final
class Line:
    """One ``key = value``.  ``parts`` are those of the key; ``origin`` is its file and line.

    ``is_cut``: a comment follows without a blank, so maybe it was meant to be of the value.
    """

    def __init__(self, key: str, value: str, origin: str, is_cut: bool = False) -> None:
        self.key: Final = key
        self.parts: Final = [_ESCAPED.sub(r"\1", part) for part in _DOT.split(key)]
        self.value: Final = value
        self.origin: Final = origin
        self.is_cut: Final = is_cut


def read_lines(
    path: str, text: str, environment: Mapping[str, str], faults: list[ConfigError]
) -> list[Line]:
    """The lines of the file; those that are none are told to ``faults``.

    A key that is set again has only its last value, as in RabbitMQ.
    """
    lines: dict[str, Line] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        stripped = raw.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            line = _read_line(stripped, f"{path}:{number}", environment)
        except ConfigError as fault:
            faults.append(fault)
        else:
            lines.pop(line.key, None)
            lines[line.key] = line
    return list(lines.values())


def _read_line(text: str, origin: str, environment: Mapping[str, str]) -> Line:
    found = _LINE.fullmatch(text)
    if found is None:
        raise ConfigError(f"{origin} is not 'key = value'.", origin)
    key = found["key"]
    quoted = found["quoted"]
    if quoted is not None:
        return Line(key, _ESCAPED.sub(r"\1", quoted), origin)
    value = found["bare"]
    if not value:
        raise ConfigError(f"{key} ({origin}) has no value.", origin)
    if value.startswith("encrypted:"):
        raise ConfigError(
            f"{key} ({origin}) is encrypted, which leveret cannot read: take it from an environment"
            " variable, as $(NAME).",
            origin,
        )
    for name in _VARIABLE.findall(value):
        if name not in environment:
            raise ConfigError(
                f"{key} ({origin}) needs the environment variable {name}, which is not set.", origin
            )
        value = value.replace(f"$({name})", environment[name])
    return Line(key, value, origin, text[found.end("bare") : found.end("bare") + 1] == "#")
