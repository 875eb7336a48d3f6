"""Patterns over names of queues and exchanges, as policies and permissions have them.

RabbitMQ reads them with PCRE, and the library ``regex`` reads nearly all that PCRE does.  It also
takes a time limit: no pattern, however somebody wrote it, holds the broker up.  Other differences:
PCRE looks at octets here, these at characters.
"""

import importlib
import logging
from typing import Any, Final, final

LOG: Final = logging.getLogger("leveret")
MAX_PATTERN: Final = 1024
# Names have at most 255 characters, so a sane pattern needs a thousandth of this.
_PATIENCE_S: Final = 0.02
_TRIES: Final = 10
_ALL: Final = (".*", "^.*", "^.*$", "")
_NOTHING: Final = "^$"


@final
class Pattern:
    """A pattern that can be asked about names."""

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self._is_all: Final = text in _ALL
        self._is_nothing: Final = text == _NOTHING
        # Any: the library is not there for the type checker, see _engine.
        self._regex: Final[Any] = None if self._is_all or self._is_nothing else _compile(text)
        self._slow_count = 0

    def matches(self, name: str) -> bool:
        """Whether the pattern is found anywhere in ``name``; no, if that takes too long to say."""
        if self._is_all:
            return True
        if self._is_nothing:
            return name == ""
        if self._slow_count == _TRIES:
            # A policy is asked about every queue: a thousand times the limit is a standstill.
            return False
        try:
            return self._regex.search(name, timeout=_PATIENCE_S) is not None
        except TimeoutError:
            self._slow_count += 1
            self._warn(name)
            return False

    def _warn(self, name: str) -> None:
        if self._slow_count == 1:
            LOG.warning(
                "Whether the pattern %r is found in %r takes longer than %d ms to say, so it counts"
                " as not found; write it without repetitions inside repetitions",
                *(self.text, name, int(_PATIENCE_S * 1000)),
            )
        elif self._slow_count == _TRIES:
            LOG.warning(
                "The pattern %r took too long %d times and is not searched for any more: nothing"
                " matches it until it is set anew",
                *(self.text, _TRIES),
            )


def compiled(text: str) -> Pattern:
    """The pattern that ``text`` describes.  Raises ValueError with a sentence for the user."""
    if len(text) > MAX_PATTERN:
        raise ValueError(f"it has {len(text)} characters, at most {MAX_PATTERN} are allowed")
    return Pattern(text)


def _compile(text: str) -> Any:
    engine = _engine()
    try:
        return engine.compile(text)
    except (engine.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern '{text}' is wrong: {error}") from None


def _engine() -> Any:
    # Two megabytes, and most brokers never have a pattern other than those above.
    return importlib.import_module("regex")
