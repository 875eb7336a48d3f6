"""leveret.cli.log"""

import json
import logging
import subprocess
import sys

from leveret.cli.log import OneLine
from leveret.cli.log_json import Json


def formatted(text: str) -> str:
    record = logging.LogRecord("leveret", logging.WARNING, "", 1, text, None, None)
    return OneLine("%(levelname)s %(message)s").format(record)


def test_what_a_client_sends_cannot_start_a_line_or_a_colour() -> None:
    assert formatted("one\r\ntwo\x1b[31m\x9b") == "WARNING one\\x0d\\x0atwo\\x1b[31m\\x9b"


def test_other_letters_stay() -> None:
    assert formatted("Häsin 🐇") == "WARNING Häsin 🐇"


def test_the_level_decides_what_is_logged() -> None:
    program = (
        "import logging; from leveret.cli.log import start_log; start_log('warning', 'plaintext');"
        "logging.getLogger('leveret').info('quiet');"
        "logging.getLogger('leveret').warning('loud %s', 'and clear')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stderr.endswith(" WARNING loud and clear\n")
    assert "quiet" not in done.stderr


def test_a_line_may_be_a_json_object() -> None:
    record = logging.LogRecord("leveret", logging.WARNING, "", 1, "one\n%s", ("Häsin",), None)
    text = Json().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["level"], line["msg"]) == ("warning", "one\nHäsin")
    assert line["time"].endswith("+00:00")
    assert "exception" not in line


def test_a_traceback_is_in_the_object() -> None:
    try:
        raise ValueError("hare")
    except ValueError as error:
        trace = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("leveret", logging.ERROR, "", 1, "oh", None, trace)
    assert json.loads(Json().format(record))["exception"].endswith("ValueError: hare")
