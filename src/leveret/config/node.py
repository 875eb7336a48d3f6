"""The settings of the process: its folder and its log."""

from typing import Final

from leveret.config.kinds import Choice, File, Folder, Setting, Text

_LEVELS: Final = ["debug", "info", "warning", "error", "critical"]

NODE: Final[list[Setting]] = [
    Folder(
        "data_dir",
        "~/.local/share/leveret",
        "",
        "Folder of what must outlive the process; not used yet.",
    ),
    Choice("log_level", "info", _LEVELS, "Least important lines that are logged."),
    Choice("log_format", "plaintext", ["plaintext", "json"], "What a line of the log looks like."),
    Text("cluster_name", "", "Name that clients are told; empty for rabbit@ and the host's name."),
    File(
        "load_definitions", "Definitions to import at the start, JSON: a file or a folder of them."
    ),
]
