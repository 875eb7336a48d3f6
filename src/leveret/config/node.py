"""The settings of the process: its folder and its log."""

from typing import Final

from leveret.config.kinds import UNLIMITED, Amount, Choice, File, Folder, Limit, Setting, Size, Text

_MOST: Final = 1_000_000_000
_LEVELS: Final = ["debug", "info", "warning", "error", "critical"]

NODE: Final[list[Setting]] = [
    Folder(
        "data_dir",
        "~/.local/share/leveret",
        "",
        "Folder of what outlives the process.",
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
    Size(
        "journal_size",
        67_108_864,
        1_048_576,
        1 << 40,
        "What the journal grows to before a checkpoint makes it short again.",
    ),
    Size(
        "queue_memory",
        8_388_608,
        65_536,
        1 << 40,
        "What the messages of one queue may take in memory before they go to the disk only.",
    ),
    Size(
        "queues_memory",
        268_435_456,
        0,
        1 << 40,
        "The same of all queues together, beside 128 KiB for each.",
    ),
    Amount(
        "vm_memory_high_watermark",
        0.6,
        "",
        "What the process may take of the memory before publishers are held.",
    ),
    Amount(
        "disk_free_limit",
        50_000_000,
        "",
        "What must be free where data_dir is, or publishers are held.",
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
