"""``make clean``: remove what the other targets made, and compiled modules left in the sources."""

import shutil

from steps import ROOT

FOLDERS = ("build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
LITTER = ("*.so", "*.pyc")


def main() -> None:
    """Remove them."""
    caches = [p for top in ("src", "tests", "tools") for p in (ROOT / top).rglob("__pycache__")]
    eggs = list((ROOT / "src").glob("*.egg-info"))
    for folder in [ROOT / name for name in FOLDERS] + list(ROOT.glob(".venv*")) + caches + eggs:
        shutil.rmtree(folder, ignore_errors=True)
    for path in [p for pattern in LITTER for p in (ROOT / "src").rglob(pattern)]:
        path.unlink()


if __name__ == "__main__":
    main()
