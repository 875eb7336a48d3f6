"""What is wrong with the configuration, in one sentence."""

from typing import Final


class ConfigError(Exception):
    """A setting is wrong.  The text is one sentence: what, where, and what is allowed.

    ``origin`` is where the wrong value came from, in the words of ``Settings.origin``.
    """

    def __init__(self, text: str, origin: str) -> None:
        super().__init__(text)
        self.origin: Final = origin
