"""Writes values as TOML: what ``leveret config`` shows, and the example in the documents."""

import re
from typing import Final

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {code: f"\\u{code:04x}" for code in [*range(32), 127]} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\n"): "\\n",
    ord("\t"): "\\t",
}


def write_value(value: object) -> str:
    """Any value of a setting on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, list):
        return "[" + ", ".join([write_value(one) for one in value]) + "]"
    if isinstance(value, dict):
        pairs = [f"{write_key(str(key))} = {write_value(one)}" for key, one in value.items()]
        return "{" + ", ".join(pairs) + "}"
    return str(value)


def write_key(key: str) -> str:
    """A key, in quotes if it needs them."""
    return key if _BARE_KEY.fullmatch(key) else write_value(key)


def write_groups(name: str, groups: dict[str, dict[str, object]]) -> str:
    """A table for each group, as people write them."""
    lines: list[str] = []
    for group, fields in groups.items():
        lines.append(f"[{name}.{write_key(group)}]")
        lines += [f"{key} = {write_value(value)}" for key, value in fields.items()]
        lines.append("")
    return "\n".join(lines)
