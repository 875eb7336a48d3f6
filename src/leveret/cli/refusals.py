"""How a command says that it cannot go on: one sentence (the thing, the cause, the cure) on
standard error, and an exit status of sysexits.h.
"""

from typing import ClassVar

import click


class Unavailable(click.ClickException):
    """Something it needs, such as its port, cannot be had."""

    exit_code: ClassVar[int] = 69


class BadConfig(click.ClickException):
    """A setting from a file or the environment is wrong."""

    exit_code: ClassVar[int] = 78


class Failure(click.ClickException):
    """A broker that was asked did not do it, or could not be asked; ``exit_code`` says which."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.exit_code = code  # type: ignore[misc]  # click has one for a class
