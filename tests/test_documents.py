"""The documents: what they show runs, and what they list is complete."""

import re
import subprocess
import sys
from pathlib import Path

from tools import settings_page

import leveret
from leveret.config.files import take_file
from leveret.config.settings import Settings
from leveret.config.table import TABLE

ROOT = Path(__file__).resolve().parent.parent


def blocks(name: str) -> list[str]:
    """The Python examples of a document."""
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)


def run(tmp_path: Path, name: str, text: str, *module: str) -> str:
    """What a program printed.  It runs in a folder of its own, as a user's would."""
    (tmp_path / name).write_text(text)
    command = [sys.executable, *module, name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_message_of_the_readme_arrives(tmp_path: Path) -> None:
    with leveret.Broker() as broker:
        there = f"pika.BlockingConnection(pika.URLParameters({broker.url!r}))"
        text = blocks("README.md")[0]
        assert "pika.BlockingConnection()" in text
        printed = run(tmp_path, "first.py", text.replace("pika.BlockingConnection()", there))
    assert "Hello World!" in printed


def test_the_test_of_the_readme_passes(tmp_path: Path) -> None:
    printed = run(tmp_path, "test_order.py", blocks("README.md")[1], "-m", "pytest", "-q")
    assert "1 passed" in printed


def test_the_definitions_of_their_page_are_imported_and_exported(tmp_path: Path) -> None:
    printed = run(tmp_path, "definitions.py", blocks("docs/definitions.md")[0])
    assert printed.startswith("1 queues []\n")
    assert '"name": "orders"' in printed


def test_the_policy_of_their_page_comes_and_goes(tmp_path: Path) -> None:
    assert run(tmp_path, "policies.py", blocks("docs/policies.md")[0]) == "['orders']\n"


def test_every_setting_is_documented() -> None:
    text = settings_page.PAGE.read_text()
    assert text == settings_page.page(text), "run tools/settings_page.py"
    for setting in TABLE:
        assert settings_page.row(setting) in text


def test_the_example_file_sets_every_setting_to_its_default(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    example = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0]
    path = tmp_path / "leveret.toml"
    path.write_text(example)
    settings, plain = Settings(), Settings()
    assert take_file(settings, str(path), {}) == []
    assert {name for name, origin in settings.origin.items() if origin.startswith(str(path))} == {
        setting.name for setting in TABLE
    }
    assert [getattr(settings, s.name) for s in TABLE] == [getattr(plain, s.name) for s in TABLE]
