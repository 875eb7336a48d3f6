"""What a command answers, as text: the formatters of rabbitmqctl."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable
from typing import Final

from leveret.cli.ctl.command import Answer, Facts, Rows
from leveret.cli.ctl.erlang import term, value_text


def table(rows: Rows, with_header: bool) -> str:
    """Lines of values with tabs between them; nothing at all for no rows."""
    lines = ["\t".join([value_text(value) for value in row]) for row in rows.rows]
    if lines and with_header:
        lines.insert(0, "\t".join(rows.columns))
    return "\n".join(lines)


def as_json(rows: Rows, with_header: bool) -> str:
    """A list of objects, one a line."""
    objects = [dump(dict(zip(rows.columns, row, strict=True))) for row in rows.rows]
    return "\n".join(["[", "\n,".join(objects), "]"]) if objects else "[]"


def as_csv(rows: Rows, with_header: bool) -> str:
    """Every value in quotes."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    if with_header:
        writer.writerow(rows.columns)
    writer.writerows([[value_text(value) for value in row] for row in rows.rows])
    return out.getvalue().rstrip("\n")


def pretty(rows: Rows, with_header: bool) -> str:
    """A table in boxes, for people."""
    lines = [[value_text(value).expandtabs() for value in row] for row in rows.rows]
    if with_header:
        lines.insert(0, list(rows.columns))
    if not lines:
        return ""
    widths = [max([width(line[at]) for line in lines]) for at in range(len(rows.columns))]
    bar = ["─" * (size + 2) for size in widths]
    between = "├" + "┼".join(bar) + "┤"
    text = [
        "│"
        + "│".join([f" {pad(cell, size)} " for cell, size in zip(line, widths, strict=True)])
        + "│"
        for line in lines
    ]
    body = f"\n{between}\n".join(text)
    return "\n".join(["┌" + "┬".join(bar) + "┐", body, "└" + "┴".join(bar) + "┘"])


def as_erlang(rows: Rows, with_header: bool) -> str:
    """A list of property lists."""
    lists = [
        "[" + ",".join([f"{{{name},{term(value)}}}" for name, value in pairs(rows, row)]) + "]"
        for row in rows.rows
    ]
    return "[" + ",\n ".join(lists) + "]"


def pairs(rows: Rows, row: list[object]) -> list[tuple[str, object]]:
    """The names and values of a row."""
    return list(zip(rows.columns, row, strict=True))


def width(text: str) -> int:
    """How many columns of a terminal it takes."""
    return sum([2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text])


def pad(text: str, size: int) -> str:
    """As wide as ``size`` columns."""
    return text + " " * (size - width(text))


def dump(value: object) -> str:
    """JSON without blanks."""
    return json.dumps(blank(value), ensure_ascii=False, separators=(",", ":"))


def blank(value: object) -> object:
    """What is not known is an empty string in rabbitmqctl's JSON."""
    if isinstance(value, dict):
        return {name: blank(one) for name, one in value.items()}
    return "" if value is None else value


FORMATS: Final[dict[str, Callable[[Rows, bool], str]]] = {
    "table": table,
    "json": as_json,
    "csv": as_csv,
    "pretty_table": pretty,
    "erlang": as_erlang,
}
# These are for programs, which want no banner before them.
BARE: Final = ("json", "csv")


def show(answer: Answer, formatter: str, with_header: bool) -> str | None:
    """The text of an answer; None when there is nothing to print."""
    if isinstance(answer, Rows):
        text = FORMATS[formatter](answer, with_header)
        return text or None
    if isinstance(answer, Facts):
        return dump(answer.facts) if formatter == "json" else answer.text
    if formatter == "json":
        return dump({"result": "ok"} if answer is None else {"message": answer})
    return answer
