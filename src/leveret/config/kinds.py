"""The kinds of settings: which values each may have, and how people write them."""

import os
from typing import Final, final

from leveret.config.sizes import read_size, read_time_ms

UNLIMITED: Final = -1
_UNLIMITED_WORDS: Final = ("unlimited", "infinity")

_MOST_SHARE: Final = 100.0
_LEAST_OCTETS: Final = 1000
_MOST_OCTETS: Final = 1 << 60

HIDDEN: Final = "(hidden)"

_YES: Final = ("true", "yes", "on", "1")
_NO: Final = ("false", "no", "off", "0")


class Wrong(ValueError):
    """A value is not allowed, and the text says better why than ``Setting.allowed`` can."""


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

    def plain(self, value: object, show_secrets: bool) -> object:
        """The value as a file would have it."""
        return value


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


@final
class Size(Number):
    """Octets, as a number or as text with a unit: ``64MB``, ``1GiB``."""

    def __init__(self, name: str, default: int, low: int, high: int, text: str) -> None:
        super().__init__(name, default, "octets", low, high, text)

    def allowed(self) -> str:
        """The limits, and how to write a large one."""
        return f"{super().allowed()}, or text such as '64MB' or '1GiB'"

    def check(self, value: object) -> object:
        """The number of octets."""
        return super().check(read_size(value) if isinstance(value, str) else value)

    def read(self, text: str) -> object:
        """Digits with or without a unit."""
        return self.check(text)


@final
class Amount(Setting):
    """A share of the memory there is, written with a point, or a size in octets.

    Kept as a float or as an int: ``octets_of`` is what it comes to.
    """

    def allowed(self) -> str:
        """Both ways, and how to tell them apart."""
        return "a share of the memory such as 0.4 or 1.0, or a size such as '2GB'"

    def check(self, value: object) -> object:
        """A small whole number is neither: who writes 1 means 1.0."""
        if isinstance(value, str):
            return self.read(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if isinstance(value, int) and 0 < value < _LEAST_OCTETS:
            raise Wrong(f"{value} would be so many octets; write {value}.0 for a share")
        if not 0 <= value <= (_MOST_SHARE if isinstance(value, float) else _MOST_OCTETS):
            raise ValueError
        return value

    def read(self, text: str) -> object:
        """Digits with a point are a share; with a unit, or none, a size."""
        try:
            size = read_size(text)
        except ValueError:
            return self.check(float(text))
        return self.check(size)


def octets_of(amount: object, memory_octets: int) -> int:
    """What the value of an Amount comes to where there are ``memory_octets``."""
    if isinstance(amount, float):
        return int(amount * memory_octets)
    assert isinstance(amount, int)
    return amount


@final
class Duration(Number):
    """Milliseconds, or seconds where the name ends with ``_s``; or text with a unit: ``30s``."""

    def __init__(self, name: str, default: int, low: int, high: int, text: str) -> None:
        unit = "seconds" if name.endswith("_s") else "milliseconds"
        super().__init__(name, default, unit, low, high, text)
        self._milliseconds: Final = 1000 if unit == "seconds" else 1

    def allowed(self) -> str:
        """The limits, and how to write a long one."""
        return f"{super().allowed()}, or text such as '30s' or '1h'"

    def check(self, value: object) -> object:
        """The number of milliseconds or seconds; whole ones."""
        if not isinstance(value, str):
            return super().check(value)
        whole, rest = divmod(read_time_ms(value), self._milliseconds)
        if rest:
            raise ValueError
        return super().check(whole)

    def read(self, text: str) -> object:
        """Digits with or without a unit."""
        return self.check(int(text) if text.strip().isdecimal() else text)


@final
class Limit(Number):
    """How many at most, from 0 to ``high``; or ``"unlimited"``, which is kept as UNLIMITED.

    So a reader asks ``0 <= limit <= count``.
    """

    def __init__(self, name: str, default: int, unit: str, high: int, text: str) -> None:
        super().__init__(name, default, unit, 0, high, text)

    def allowed(self) -> str:
        """The limits, and the word for none."""
        return f"{super().allowed()}, or 'unlimited'"

    def check(self, value: object) -> object:
        """The number, or UNLIMITED for it or for the word."""
        if isinstance(value, str) and value.lower() in _UNLIMITED_WORDS:
            return UNLIMITED
        if value == UNLIMITED:
            return UNLIMITED
        return super().check(value)

    def read(self, text: str) -> object:
        """Decimal digits, or the word."""
        return self.check(int(text) if text.strip().isdecimal() else text)

    def shown(self, value: object) -> str:
        """The number or the word."""
        return repr(self.plain(value, False))

    def plain(self, value: object, show_secrets: bool) -> object:
        """The number or the word."""
        return _UNLIMITED_WORDS[0] if value == UNLIMITED else value


@final
class Real(Setting):
    """A number from ``low`` to ``high`` that need not be whole."""

    def __init__(
        self, name: str, default: float, unit: str, low: float, high: float, text: str
    ) -> None:
        super().__init__(name, default, unit, text)
        self.low: Final = low
        self.high: Final = high

    def allowed(self) -> str:
        """The limits."""
        return f"a number from {self.low} to {self.high}"

    def check(self, value: object) -> object:
        """Whole numbers are fine; what is not a number at all is out of every limit."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not self.low <= value <= self.high:
            raise ValueError
        return float(value)

    def read(self, text: str) -> object:
        """Decimal digits, with or without a point."""
        return self.check(float(text))


@final
class Flag(Setting):
    """On or off."""

    def __init__(self, name: str, default: bool, text: str) -> None:
        super().__init__(name, default, "", text)

    def allowed(self) -> str:
        """The two words of TOML."""
        return "true or false"

    def check(self, value: object) -> object:
        """A boolean, and nothing that merely counts as one."""
        if not isinstance(value, bool):
            raise ValueError
        return value

    def read(self, text: str) -> object:
        """What people write in environment variables for yes and no."""
        word = text.strip().lower()
        if word not in _YES + _NO:
            raise ValueError
        return word in _YES

    def shown(self, value: object) -> str:
        """As TOML has it."""
        return "true" if value is True else "false"


class Text(Setting):
    """A string of ``least`` to ``most`` octets; 255 is what the protocol's short strings hold."""

    def __init__(self, name: str, default: str, text: str, least: int = 0, most: int = 255) -> None:
        super().__init__(name, default, "", text)
        self.least: Final = least
        self.most: Final = most

    def allowed(self) -> str:
        """A string, and its length."""
        return f"a string of {self.least} to {self.most} octets"

    def check(self, value: object) -> object:
        """Counts octets, not characters."""
        if not isinstance(value, str) or not self.least <= len(value.encode()) <= self.most:
            raise ValueError
        return value


@final
class Secret(Text):
    """A string that is never shown."""

    def shown(self, value: object) -> str:
        """Nothing of it, not even its length."""
        return HIDDEN

    def plain(self, value: object, show_secrets: bool) -> object:
        """The secret itself only where that is wanted."""
        return value if show_secrets or value == "" else HIDDEN


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
class File(Setting):
    """The path of a file, or nothing; ``~`` at its start is the home of who starts the broker."""

    def __init__(self, name: str, text: str, default: str = "") -> None:
        super().__init__(name, default, "", text)

    def allowed(self) -> str:
        """Any path: whether it exists is seen when it is used."""
        return "a path, or empty for none"

    def check(self, value: object) -> object:
        """Expands ``~``."""
        if not isinstance(value, str) or "\0" in value:
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


class Names(Setting):
    """A list of strings, of ``choices`` if there are any; comma-separated where it is one text."""

    def __init__(
        self,
        name: str,
        default: list[str],
        unit: str,
        text: str,
        choices: list[str] | None = None,
    ) -> None:
        super().__init__(name, default, unit, text)
        self.choices: Final = choices

    def allowed(self) -> str:
        """A list of strings, or of certain words."""
        if self.choices is None:
            return "a list of strings"
        return "a list of " + ", ".join(self.choices)

    def check(self, value: object) -> object:
        """Copies the list, so that nobody shares it."""
        if not isinstance(value, list):
            raise ValueError
        for name in value:
            if not isinstance(name, str) or (self.choices is not None and name not in self.choices):
                raise ValueError
        return list(value)

    def read(self, text: str) -> object:
        """``a,b``: blanks around the names do not count."""
        return self.check([name.strip() for name in text.split(",") if name.strip()])
