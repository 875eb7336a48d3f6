"""``make wheel``: sdist and compiled wheel into dist/, from a clean copy of the sources."""

import shutil
import sys
import tempfile
from pathlib import Path

from environment import copy_sources
from steps import ROOT, Stop, call, say
from suite import DEV, set_up_dev


def main() -> None:
    """Build the sdist, and the wheel from that sdist, as an installer would."""
    set_up_dev()
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="leveret-") as folder:
        copy = copy_sources(Path(folder, "copy"))
        call([DEV.python, "-m", "build", "--outdir", ROOT / "dist", copy])
    for path in sorted((ROOT / "dist").iterdir()):
        say(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    try:
        main()
    except Stop as stop:
        sys.exit(str(stop))
