"""What is wrong with the configuration, in one sentence."""

from typing import Final


class ConfigError(Exception):
    """A setting is wrong.  The text is one sentence: what, where, and what is allowed.

    ``origin`` is where the wrong value came from, in the words of ``Settings.origin``.
    """

    def __init__(self, text: str, origin: str) -> None:
        super().__init__(text)
        self.origin: Final = origin


def together(faults: list[ConfigError]) -> ConfigError:
    """One error that says what all of them say, a line each.  ``faults`` must not be empty."""
    assert faults
    if len(faults) == 1:
        return faults[0]
    return ConfigError("\n".join([str(fault) for fault in faults]), faults[0].origin)
