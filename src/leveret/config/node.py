"""The settings of the process: its folder and its log."""

from typing import Final

from leveret.config.kinds import Choice, Folder, Setting

_LEVELS: Final = ["debug", "info", "warning", "error", "critical"]

NODE: Final[list[Setting]] = [
    Folder(
        "data_dir",
        "~/.local/share/leveret",
        "",
        "Folder of what must outlive the process; not used yet.",
    ),
    Choice("log_level", "info", _LEVELS, "Least important lines that are logged."),
]
