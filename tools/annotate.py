"""``make annotate FILE=...``: an HTML page of one module with the slow lines marked and why.

Uses mypyc's ``-a`` option, which is undocumented but works in the pinned version.
"""

import sys
import tempfile
from pathlib import Path

from environment import copy_sources
from steps import ROOT, Stop, call, say
from suite import DEV, set_up_dev


def main(names: list[str]) -> None:
    """Annotate the one file that was named, in a copy, as the compiler leaves things about."""
    if len(names) != 1 or not (ROOT / names[0]).is_file():
        raise Stop("name one file: make annotate FILE=src/leveret/tables.py")
    set_up_dev()
    page = ROOT / "build" / (Path(names[0]).stem + ".html")
    page.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="leveret-") as folder:
        copy = copy_sources(Path(folder, "copy"))
        module = str(copy / Path(names[0]).resolve().relative_to(ROOT))
        shell = 'cd "$1" && MYPYPATH=src "$2" -m mypyc -a "$3" "$4"'
        arguments: list[str | Path] = [copy, DEV.python, page, module]
        call(["sh", "-c", shell, "annotate", *arguments], MYPYC_OPT_LEVEL="0")
    say(str(page.relative_to(ROOT)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Stop as stop:
        sys.exit(str(stop))
