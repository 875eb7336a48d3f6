#!/usr/bin/env python3
"""Write the table and the example of docs/configuration.md anew from the table of settings.

Run it after adding or changing a setting: ``PYTHONPATH=src:. python tools/settings_page.py``.
"""

from pathlib import Path

from leveret.config.kinds import Setting
from leveret.config.table import TABLE
from leveret.config.toml_text import write_value

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
HEAD = "| setting | in the environment | default | |\n|---|---|---|---|\n"


def row(setting: Setting) -> str:
    """The line about a setting."""
    variable = "LEVERET_" + setting.name.upper()
    cells = [f"`{setting.name}`", f"`{variable}`", f"`{setting.shown(setting.default)}`"]
    allowed = setting.allowed()
    unit = f" ({setting.unit})" if setting.unit not in ("", setting.name) else ""
    return f"| {' | '.join(cells)} | {setting.text} {allowed[0].upper()}{allowed[1:]}{unit}. |"


def page(text: str) -> str:
    """The page with what the table says in the place of what it said."""
    rows = "".join([row(setting) + "\n" for setting in TABLE])
    example = "".join(
        [
            f"{setting.name} = {write_value(setting.plain(setting.default, True))}\n"
            for setting in TABLE
        ]
    )
    start = text.index(HEAD) + len(HEAD)
    text = text[:start] + rows + text[text.index("\n\n", start) + 1 :]
    start = text.index("```toml\n", text.index("every default")) + len("```toml\n")
    return text[:start] + example + text[text.index("```", start) :]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
