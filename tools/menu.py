"""``make help``: the targets of the Makefile with what their comments say."""

import re

from steps import ROOT, say


def main() -> None:
    """Print one line per target."""
    for line in (ROOT / "Makefile").read_text().splitlines():
        target = re.match(r"([a-z]+): +## (.*)", line)
        if target:
            say(f"make {target[1]:<10} {target[2]}")


if __name__ == "__main__":
    main()
