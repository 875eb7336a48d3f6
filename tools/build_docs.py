"""``make docs``: the documents as a site, in build/docs/.  A broken reference is an error."""

import sys

from environment import Environment, group
from steps import ROOT, Stop, call, say


def main() -> None:
    """Build with Sphinx, in an environment of its own."""
    home = Environment(".venv-docs")
    home.install("the tools", group("docs"))
    target = ROOT / "build" / "docs"
    call([home.program("sphinx-build"), "-W", "-q", "-b", "html", ROOT / "docs", target])
    say(f"{target.relative_to(ROOT)}/index.html")


if __name__ == "__main__":
    try:
        main()
    except Stop as stop:
        sys.exit(str(stop))
