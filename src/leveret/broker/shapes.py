"""Takes apart what came as JSON, and says where in it something is wrong.

::

    queues[3].arguments.x-max-length must be a whole number, not a string

Control plane; knows nothing of what the values mean.
"""

from typing import Final, final

from leveret.errors import Invalid
from leveret.tables import ARRAY, BOOL, DOUBLE, INT64, LONGSTR, MAX_DEPTH, TABLE, Field, Table

NAME_OCTETS: Final = 255
_LOW: Final = -(1 << 63)
_HIGH: Final = (1 << 63) - 1


@final
class Shape:
    """One JSON object, and where in its document it stands.  Readers raise Invalid."""

    def __init__(self, path: str, value: object) -> None:
        if not isinstance(value, dict):
            raise wrong(path, "an object", value)
        self.path: Final = path
        self.values: Final[dict[str, object]] = value

    def at(self, key: str) -> str:
        """Where the value called ``key`` stands."""
        return f"{self.path}.{key}" if self.path else key

    def fail(self, key: str, why: str) -> Invalid:
        """The refusal of the value called ``key``; of the object if there is no ``key``."""
        return Invalid(f"{self.at(key) if key else self.path} {why}")

    def shapes(self, key: str) -> "list[Shape]":
        """The objects of a list; none when it is missing."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise wrong(self.at(key), "a list", value)
        return [Shape(f"{self.at(key)}[{index}]", one) for index, one in enumerate(value)]

    def name(self, key: str, default: str | None = None) -> str:
        """A string that the protocol could send: 255 octets at most."""
        value = self.text(key, default)
        if len(octets_of(self.at(key), value)) > NAME_OCTETS:
            raise self.fail(key, f"is longer than {NAME_OCTETS} octets")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A string; ``default`` is what it is when it is missing, None to insist on it."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        octets_of(self.at(key), value)
        return value

    def flag(self, key: str, default: bool) -> bool:
        """A boolean."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def tags(self, key: str) -> list[str]:
        """A list of strings, or one string with commas, as older files have it."""
        value = self.values.get(key, [])
        if isinstance(value, str):
            return [tag.strip() for tag in value.split(",") if tag.strip()]
        if not isinstance(value, list):
            raise self._wrong(key, "a list of strings")
        for index, tag in enumerate(value):
            if not isinstance(tag, str):
                raise wrong(f"{self.at(key)}[{index}]", "a string", tag)
            octets_of(f"{self.at(key)}[{index}]", tag)
        return [str(tag) for tag in value]

    def pairs(self, key: str) -> dict[str, object]:
        """An object, or what RabbitMQ's tools sometimes write for one: a list of pairs."""
        value = self.values.get(key, {})
        if isinstance(value, list):
            value = _paired(value)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return value

    def numbers(self, key: str) -> dict[str, int]:
        """An object of whole numbers."""
        pairs = self.pairs(key)
        for name, value in pairs.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise wrong(f"{self.at(key)}.{name}", "a whole number", value)
        return {name: value for name, value in pairs.items() if isinstance(value, int)}

    def arguments(self, key: str = "arguments") -> Table:
        """A field table, with the wire types that RabbitMQ gives to JSON's."""
        value = self.values.get(key, {})
        if value == []:  # an empty Erlang list may be either
            return {}
        return _table(self.at(key), value, 1)

    def _wrong(self, key: str, wanted: str) -> Invalid:
        if key not in self.values:
            return Invalid(f"{self.path or 'the document'} has no {key!r}: it must be {wanted}")
        return wrong(self.at(key), wanted, self.values[key])


def wrong(path: str, wanted: str, value: object) -> Invalid:
    """The refusal of a value of the wrong type."""
    return Invalid(f"{path or 'the document'} must be {wanted}, not {type_of(value)}")


def type_of(value: object) -> str:
    """JSON's name for the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def octets_of(path: str, text: str) -> bytes:
    """The text as the protocols carry it.  Raises Invalid for half a character, as JSON can say."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Invalid(f"{path} has half of a character in it") from None


def _paired(value: list[object]) -> object:
    pairs: dict[str, object] = {}
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            return value
        pairs[pair[0]] = pair[1]
    return pairs


def _table(path: str, value: object, depth: int) -> Table:
    if not isinstance(value, dict):
        raise wrong(path, "an object", value)
    if depth > MAX_DEPTH:
        raise Invalid(f"{path} is nested deeper than {MAX_DEPTH}")
    table: Table = {}
    for name, one in value.items():
        if len(octets_of(path, name)) > NAME_OCTETS:
            raise Invalid(f"{path} has a name that is longer than {NAME_OCTETS} octets")
        table[name] = _field(f"{path}.{name}", one, depth)
    return table


def _field(path: str, value: object, depth: int) -> Field:
    """Behaviour: RabbitMQ, whole numbers are "long", others "double"; there is no null."""
    if isinstance(value, bool):
        return Field(BOOL, value)
    if isinstance(value, int):
        if not _LOW <= value <= _HIGH:
            raise Invalid(f"{path} does not fit 64 bits")
        return Field(INT64, value)
    if isinstance(value, float):
        return Field(DOUBLE, value)
    if isinstance(value, str):
        octets_of(path, value)
        return Field(LONGSTR, value)
    if isinstance(value, dict):
        return Field(TABLE, _table(path, value, depth + 1))
    if isinstance(value, list):
        if depth >= MAX_DEPTH:
            raise Invalid(f"{path} is nested deeper than {MAX_DEPTH}")
        fields = [_field(f"{path}[{i}]", one, depth + 1) for i, one in enumerate(value)]
        return Field(ARRAY, fields)
    raise wrong(path, "a string, a number, true, false, a list or an object", value)
