"""Values as rabbitmqctl writes them: an Erlang term's look, where people have scripts for it."""

import json
from typing import final


@final
class States(dict[str, object]):
    """A table whose names and values are atoms: ``[{rabbit@here, running}]``."""


@final
class Version(list[int]):
    """A tuple of numbers: ``{0,9,1}``."""


def value_text(value: object) -> str:
    """A value in a cell of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, States):
        return "[" + ", ".join([f"{{{name}, {state}}}" for name, state in value.items()]) + "]"
    if isinstance(value, dict):
        return pairs_text(value)
    if isinstance(value, Version):
        return "{" + ",".join([str(one) for one in value]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([value_text(one) for one in value]) + "]"
    return str(value)


def number_text(value: float) -> str:
    """Without the zero before an exponent."""
    return repr(value).replace("e-0", "e-").replace("e+0", "e")


def pairs_text(table: dict[str, object]) -> str:
    """An AMQP table: ``[{"x-max-length",10}]``."""
    return "[" + ",".join([f"{{{quoted(k)},{nested(v)}}}" for k, v in table.items()]) + "]"


def nested(value: object) -> str:
    """A value inside a table."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ",".join([nested(one) for one in value]) + "]"
    return "undefined" if value is None else value_text(value)


def quoted(text: str) -> str:
    """In quotes, with those inside escaped."""
    return json.dumps(text, ensure_ascii=False)


def term(value: object) -> str:
    """The value as an Erlang term."""
    if isinstance(value, States | Version):
        return value_text(value).replace(", ", ",")
    if isinstance(value, str):
        return f"<<{quoted(value)}>>"
    if isinstance(value, dict):
        return "[" + ",".join([f"{{<<{quoted(k)}>>,{term(v)}}}" for k, v in value.items()]) + "]"
    if isinstance(value, list):
        return "[" + ",".join([term(one) for one in value]) + "]"
    return "''" if value is None else value_text(value)


def atoms(names: list[str]) -> str:
    """Names that are no strings in Erlang: ``[a, b]``."""
    return "[" + ", ".join(names) + "]"
