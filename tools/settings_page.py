#!/usr/bin/env python3
"""Write the tables and the example of docs/configuration.md anew from the table of settings.

Run it after adding or changing a setting: ``PYTHONPATH=src:. python tools/settings_page.py``.
"""

from pathlib import Path

from leveret.config.groups import Groups
from leveret.config.kinds import Setting
from leveret.config.table import TABLE, TOPICS
from leveret.config.toml_text import write_value

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
HEAD = "| setting | in the environment | default | |\n|---|---|---|---|\n"
START, END = "<!-- settings -->\n", "<!-- end of settings -->\n"


def row(setting: Setting) -> str:
    """The line about a setting."""
    variable = "" if isinstance(setting, Groups) else f"`LEVERET_{setting.name.upper()}`"
    return line(setting, setting.name, variable)


def line(setting: Setting, name: str, variable: str) -> str:
    """One line of a table."""
    cells = [f"`{name}`", variable, f"`{setting.shown(setting.default)}`"]
    allowed = setting.allowed()
    unit = f" ({setting.unit})" if setting.unit not in ("", setting.name) else ""
    return f"| {' | '.join(cells)} | {setting.text} {allowed[0].upper()}{allowed[1:]}{unit}. |"


def rows(setting: Setting) -> list[str]:
    """The lines about a setting, and about the fields of its groups if it has any."""
    fields = setting.fields.values() if isinstance(setting, Groups) else []
    return [row(setting), *[line(f, f"{setting.name}.NAME.{f.name}", "") for f in fields]]


def topic(title: str, settings: list[Setting]) -> str:
    """A heading and its table."""
    lines = [one + "\n" for setting in settings for one in rows(setting)]
    return f"### {title}\n\n{HEAD}{''.join(lines)}\n"


def between(text: str, start: str, end: str, middle: str) -> str:
    """The text with another middle between two marks."""
    head, _, rest = text.partition(start)
    return head + start + middle + end + rest.partition(end)[2]


def page(text: str) -> str:
    """The page with what the table says in the place of what it said."""
    tables = "".join([topic(title, settings) for title, settings in TOPICS.items()])
    example = "".join(
        [
            f"{setting.name} = {write_value(setting.plain(setting.default, True))}\n"
            for setting in TABLE
        ]
    )
    text = between(text, START, END, tables)
    return between(text, "## A file with every default\n\n```toml\n", "```", example)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
