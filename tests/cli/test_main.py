"""leveret.cli.main"""

import subprocess
import sys

import leveret


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "leveret", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


def test_the_version_says_which_build_it_is() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"leveret {leveret.__version__} (")
    assert ("compiled" in done.stdout) != ("interpreted" in done.stdout)


def test_the_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "perf " in done.stdout
    assert "serve " in done.stdout


def test_an_unknown_command_is_refused() -> None:
    done = run("sevre")
    assert done.returncode == 2
    assert "No such command 'sevre'" in done.stderr


def test_the_version_waits_for_no_server() -> None:
    program = (
        "import sys; from leveret.cli.main import leveret as group;"
        "group(['--version'], standalone_mode=False);"
        "print('asyncio' in sys.modules, 'leveret.config' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.splitlines()[-1] == "False False"
