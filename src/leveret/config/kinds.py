"""The kinds of settings: which values each may have, and how people write them."""

import os
from typing import Final, final


class Setting:
    """One row of the table.  Subclasses say which values are good."""

    def __init__(self, name: str, default: object, unit: str, text: str) -> None:
        self.name: Final = name
        self.default: Final = default
        self.unit: Final = unit
        self.text: Final = text

    def allowed(self) -> str:
        """What a value may be, to follow the words "it must be"."""
        raise NotImplementedError

    def check(self, value: object) -> object:
        """The value as it is kept.  Raises ValueError for what is not ``allowed``."""
        raise NotImplementedError

    def read(self, text: str) -> object:
        """The value that ``text``, of an option or an environment variable, stands for."""
        return self.check(text)

    def shown(self, value: object) -> str:
        """The value as people may see it."""
        return repr(value)


@final
class Number(Setting):
    """A whole number from ``low`` to ``high``."""

    def __init__(self, name: str, default: int, unit: str, low: int, high: int, text: str) -> None:
        super().__init__(name, default, unit, text)
        self.low: Final = low
        self.high: Final = high

    def allowed(self) -> str:
        """Whole, and between the limits."""
        return f"a whole number from {self.low} to {self.high}"

    def check(self, value: object) -> object:
        """Refuses booleans too: Python takes them for numbers, people do not."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError
        if not self.low <= value <= self.high:
            raise ValueError
        return value

    def read(self, text: str) -> object:
        """Decimal digits."""
        return self.check(int(text))


class Text(Setting):
    """A string of ``least`` to 255 octets, which is what the protocol's short strings hold."""

    def __init__(self, name: str, default: str, text: str, least: int = 0) -> None:
        super().__init__(name, default, "", text)
        self.least: Final = least

    def allowed(self) -> str:
        """A string, and its length."""
        return f"a string of {self.least} to 255 octets"

    def check(self, value: object) -> object:
        """Counts octets, not characters."""
        if not isinstance(value, str) or not self.least <= len(value.encode()) <= 255:
            raise ValueError
        return value


@final
class Secret(Text):
    """A string that is never shown."""

    def shown(self, value: object) -> str:
        """Nothing of it, not even its length."""
        return "(hidden)"


@final
class Folder(Setting):
    """A path; ``~`` at its start is the home of the user who starts the broker."""

    def allowed(self) -> str:
        """Any path: whether it exists is seen when it is used."""
        return "a path"

    def check(self, value: object) -> object:
        """Expands ``~``."""
        if not isinstance(value, str) or not value or "\0" in value:
            raise ValueError
        return os.path.expanduser(value)


@final
class Choice(Setting):
    """One of a few words."""

    def __init__(self, name: str, default: str, choices: list[str], text: str) -> None:
        super().__init__(name, default, "", text)
        self.choices: Final = choices

    def allowed(self) -> str:
        """The words."""
        return "one of " + ", ".join(self.choices)

    def check(self, value: object) -> object:
        """Upper case is fine."""
        if not isinstance(value, str) or value.lower() not in self.choices:
            raise ValueError
        return value.lower()


@final
class Names(Setting):
    """A list of strings; comma-separated in an option or an environment variable."""

    def allowed(self) -> str:
        """A list of strings."""
        return "a list of strings"

    def check(self, value: object) -> object:
        """Copies the list, so that nobody shares it."""
        if not isinstance(value, list):
            raise ValueError
        for name in value:
            if not isinstance(name, str):
                raise ValueError
        return list(value)

    def read(self, text: str) -> object:
        """``a,b``: blanks around the names do not count."""
        return [name.strip() for name in text.split(",") if name.strip()]
