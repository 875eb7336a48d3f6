"""The log: one line an event, to standard error."""

import logging
from typing import Final

_FORMAT: Final = "%(asctime)s %(levelname)-7s %(message)s"
# What clients send may be logged: their control characters must not start lines or colours of
# their own.
_ESCAPES: Final = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)]}


class OneLine(logging.Formatter):
    """Keeps a message on its line.  A traceback, which is our own text, follows on more lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, with control characters as escapes."""
        return super().formatMessage(record).translate(_ESCAPES)


def start_log(level: str, shape: str) -> None:
    """Log to standard error from ``level`` on: ``debug``, ``info``, ``warning``, …

    ``shape`` is plaintext or json.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(json_lines() if shape == "json" else OneLine(_FORMAT))
    logging.basicConfig(handlers=[handler], level=level.upper())


def json_lines() -> logging.Formatter:
    """The other formatter, loaded only where it is wanted."""
    from leveret.cli.log_json import Json

    return Json()
