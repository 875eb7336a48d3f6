"""``make format``: let ruff rewrite what it can."""

import sys

from steps import Stop, call
from suite import DEV, LINTED, set_up_dev


def main() -> None:
    """Fix what is safe to fix, then lay out."""
    set_up_dev()
    call([DEV.program("ruff"), "check", "--fix-only", "--quiet", *LINTED])
    call([DEV.program("ruff"), "format", *LINTED])


if __name__ == "__main__":
    try:
        main()
    except Stop as stop:
        sys.exit(str(stop))
