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
