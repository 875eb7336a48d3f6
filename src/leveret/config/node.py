"""The settings of the process: its folder and its log."""

from typing import Final

from leveret.config.kinds import UNLIMITED, Choice, File, Folder, Limit, Setting, Text

_MOST: Final = 1_000_000_000
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
    Text("cluster_name", "leveret", "Name that clients are told.", 1),
    Choice(
        "default_queue_type",
        "classic",
        ["classic", "quorum", "stream"],
        "Type of queues that ask for none, in virtual hosts that say nothing else.",
    ),
    Limit("vhost_max", UNLIMITED, "virtual hosts", _MOST, "Virtual hosts of the node."),
    Limit("cluster_queue_limit", UNLIMITED, "queues", _MOST, "Queues of all virtual hosts."),
    Limit(
        "cluster_exchange_limit", UNLIMITED, "exchanges", _MOST, "Exchanges, predeclared ones too."
    ),
    File(
        "load_definitions", "Definitions to import at the start, JSON: a file or a folder of them."
    ),
]
