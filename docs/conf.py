"""Sphinx's configuration, for ``make docs``.

The pages are plain Markdown that reads well where it lies; the only thing that a site needs
besides is a table of contents, which is added to the front page here.
"""

from pathlib import Path

from sphinx.application import Sphinx

project = "Leveret"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Leveret"
myst_heading_anchors = 3
exclude_patterns = ["_build"]


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Give the front page a table of contents with every other page."""
    if name != "index":
        return
    pages = sorted(
        p.relative_to(app.srcdir).with_suffix("") for p in Path(app.srcdir).rglob("*.md")
    )
    listed = "\n".join(str(page) for page in pages if str(page) != "index")
    source[0] += f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", add_contents)
