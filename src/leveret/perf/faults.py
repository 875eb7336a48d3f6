"""What can go wrong with a measurement, one class per remedy.  The command line turns each into
its own exit code."""

from typing import Final


class PerfError(Exception):
    """A measurement cannot go on.  ``detail`` is a sentence for the person at the terminal."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail: Final = detail


class BrokerFault(PerfError):
    """The broker cannot be reached, refused something or went away: look at the broker."""


class BadSetting(PerfError):
    """What was asked for makes no sense: ask differently."""
