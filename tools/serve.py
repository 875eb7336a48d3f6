"""``make run``: the broker, compiled, from a bare clone.  The second time it starts at once."""

import os
import sys

from environment import Environment
from steps import Stop, surroundings


def main() -> None:
    """Install when needed, then become the broker."""
    home = Environment(".venv")
    home.install_leveret()
    program = str(home.program("leveret"))
    sys.stdout.flush()
    os.execve(program, [program, "serve", *sys.argv[1:]], surroundings())


if __name__ == "__main__":
    try:
        main()
    except Stop as stop:
        sys.exit(str(stop))
    except KeyboardInterrupt:
        sys.exit(130)
