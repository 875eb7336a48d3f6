"""``make bench``: the compiled broker beside Debian's RabbitMQ and mosquitto, by ``bench/``."""

import os
import sys

from environment import Environment
from steps import ROOT, Stop, surroundings


def main() -> None:
    """Install when needed, then become the benchmark."""
    home = Environment(".venv")
    home.install_leveret()
    if not home.is_compiled():
        raise Stop("there is no C compiler here: figures of the interpreted broker would mislead")
    os.chdir(ROOT)
    python = str(home.python)
    os.execve(python, [python, "-m", "bench", *sys.argv[1:]], surroundings())


if __name__ == "__main__":
    try:
        main()
    except Stop as stop:
        sys.exit(str(stop))
