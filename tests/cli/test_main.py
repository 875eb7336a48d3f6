"""leveret.cli.main"""

import subprocess
import sys
from pathlib import Path

import pytest

import leveret
from leveret.cli import main

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "leveret", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


def test_the_version_says_which_build_it_is() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"leveret {leveret.__version__} (")
    first = done.stdout.splitlines()[0]
    assert ("(compiled," in first) != ("(interpreted," in first)


def test_the_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "perf " in done.stdout
    assert "serve " in done.stdout
    assert "config " in done.stdout


def test_the_help_has_a_short_name_everywhere() -> None:
    assert run("-h").stdout == run("--help").stdout
    assert "docs/configuration.md" in run("serve", "-h").stdout
    assert "--queue" in run("perf", "amqp", "-h").stdout


def test_nothing_asked_for_is_a_mistake_that_shows_the_help() -> None:
    done = run()
    assert done.returncode == 2  # as click has it since 8.2
    assert "serve " in done.stdout + done.stderr


def test_an_unknown_command_is_refused() -> None:
    done = run("zzz")
    assert done.returncode == 2
    assert "No such command 'zzz'" in done.stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["serv"], "serve"), (["sevre"], "serve"), (["pref"], "perf"), (["perf", "amq"], "amqp")],
)
def test_a_slip_in_a_command_is_recognised(words: list[str], meant: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert f"No such command {words[-1]!r}.  Did you mean {meant}?" in done.stderr


def test_an_interpreted_installation_says_why_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(main, "why_interpreted", lambda: "no C compiler was found at installation")
    first, second = main.version_text().splitlines()
    assert first.startswith("leveret ")
    assert "because no C compiler was found at installation" in second
    assert "Compiled or interpreted" in second


def test_the_readme_has_what_it_points_to() -> None:
    assert "### Compiled or interpreted\n" in (ROOT / "README.md").read_text()


def test_the_version_waits_for_no_server() -> None:
    program = (
        "import sys; from leveret.cli.main import leveret as group;"
        "group(['--version'], standalone_mode=False);"
        "print('asyncio' in sys.modules, 'leveret.config' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.splitlines()[-1] == "False False"
