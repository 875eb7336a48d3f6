"""Patterns over names of queues and exchanges, as policies and permissions have them."""

import re
from typing import Final, final

MAX_PATTERN: Final = 1024


@final
class Pattern:
    """A pattern that can be asked about names."""

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self._compiled: Final = re.compile(text)

    def matches(self, name: str) -> bool:
        """Whether the pattern is found anywhere in ``name``."""
        return self._compiled.search(name) is not None


def compiled(text: str) -> Pattern:
    """The pattern that ``text`` describes.  Raises ValueError with a sentence for the user."""
    if len(text) > MAX_PATTERN:
        raise ValueError(f"the pattern has {len(text)} characters, at most {MAX_PATTERN} may be")
    try:
        return Pattern(text)
    except re.error as wrong:
        raise ValueError(f"the pattern '{text}' is no regular expression: {wrong}") from None
