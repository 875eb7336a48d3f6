"""amqplib, the client of Node.js: each story of amqplib_stories.js as a process."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.clients.processes import Program, run

SCRIPT = Path(__file__).with_name("amqplib_stories.js")
VERSION = "2.3.1"
STORIES = [
    "declare",
    "confirms",
    "properties",
    "prefetch",
    "requeue",
    "rpc",
    "topics",
    "headers",
    "exchanges",
    "mandatory",
    "cancelNotify",
    "heartbeat",
    "channelError",
    "frameMax",
    "logins",
]


@pytest.fixture(scope="session")
def node_path() -> str:
    """The folder that Node.js finds amqplib in: installed once, into the user's cache."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip(
            "needs Node.js with npm (apt install nodejs npm), to install amqplib; not found"
        )
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    home = Path(cache) / "leveret-tests" / f"amqplib-{VERSION}"
    modules = home / "node_modules"
    if not (modules / "amqplib" / "package.json").exists():
        home.mkdir(parents=True, exist_ok=True)
        quietly = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home)]
        done = subprocess.run(
            [npm, "install", *quietly, f"amqplib@{VERSION}"],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            pytest.skip(f"needs amqplib {VERSION}, which npm could not install: {reason}")
    return str(modules)


def command(story: str) -> list[str]:
    return ["node", str(SCRIPT), story]


@pytest.mark.parametrize("story", STORIES)
def test_amqplib(broker: Any, node_path: str, story: str) -> None:
    run(command(story), {"AMQP_URL": broker.url, "NODE_PATH": node_path})


def test_amqplib_comes_back_after_a_restart(
    restartable: Any, node_path: str, tmp_path: Path
) -> None:
    sign = tmp_path / "the broker is back"
    environment = {"AMQP_URL": restartable.url, "NODE_PATH": node_path, "SIGN": str(sign)}
    with Program(command("recovery"), environment) as program:
        program.wait_for("ready")
        restartable.stop()
        restartable.start()
        sign.touch()
        assert program.finish() == 0, "\n".join(program.lines)
