"""Which passwords a new user may have.

Behaviour: RabbitMQ 4.3, "Credential validation", and its texts.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.errors import PreconditionFailed
from leveret.patterns import compiled


@mypyc_attr(allow_interpreted_subclasses=True)
class Validator(ABC):
    """A rule for passwords, asked when one is set; never when somebody logs in."""

    @abstractmethod
    def check(self, name: str, password: str | None) -> None:
        """Refuse a bad password for the user ``name``.  Raises PreconditionFailed."""


@final
class AcceptEverything(Validator):
    """Any password will do, and none too."""

    def check(self, name: str, password: str | None) -> None:
        """Refuses nothing."""


@final
class MinLength(Validator):
    """A password has so many octets at least."""

    def __init__(self, octets: int) -> None:
        self._octets: Final = octets

    def check(self, name: str, password: str | None) -> None:
        """Refuses short ones, and users without one."""
        if password is None or len(password.encode("utf-8", "surrogateescape")) < self._octets:
            raise PreconditionFailed(f"minimum required password length is {self._octets}")


@final
class Regexp(Validator):
    """A pattern is found in the password.  Raises ValueError with a sentence for a bad one."""

    def __init__(self, pattern: str) -> None:
        self._pattern: Final = compiled(pattern)

    def check(self, name: str, password: str | None) -> None:
        """Refuses others, and users without one."""
        if password is None or not self._pattern.matches(password):
            raise PreconditionFailed(
                "provided password does not match the validator regular expression"
            )


ACCEPT_EVERYTHING: Final = AcceptEverything()


def validator(kind: str, min_length: int, pattern: str) -> Validator:
    """The one that the settings name.  Raises ValueError for a bad pattern."""
    if kind == "min_length":
        return MinLength(min_length)
    if kind == "regexp":
        return Regexp(pattern)
    return ACCEPT_EVERYTHING
