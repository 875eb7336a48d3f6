"""leveret.config.sources"""

import subprocess
import sys

PROGRAM = """
import sys
from leveret.config.sources import load
load("", {}, {})
print([name for name in ("tomllib", "json", "regex") if name in sys.modules])
others = ("leveret.config.rabbitmq", "leveret.broker")
print([name for name in sys.modules if name.startswith(others)])
"""


def test_without_a_file_no_reader_of_files_is_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "[]\n[]\n"
