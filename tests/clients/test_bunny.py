"""Bunny, the client of the Ruby tutorials: each story of bunny_stories.rb as a process."""

from pathlib import Path
from typing import Any

import pytest
from tests.clients.processes import Program, run

SCRIPT = Path(__file__).with_name("bunny_stories.rb")
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
    "cancel_notify",
    "transaction",
    "heartbeat",
    "channel_error",
    "large",
    "logins",
]


@pytest.mark.usefixtures("bunny")
@pytest.mark.parametrize("story", STORIES)
def test_bunny(broker: Any, story: str) -> None:
    run(["ruby", str(SCRIPT), story], {"AMQP_URL": broker.url})


@pytest.mark.usefixtures("bunny")
def test_bunny_comes_back_after_a_restart(restartable: Any) -> None:
    environment = {"AMQP_URL": restartable.url}
    with Program(["ruby", str(SCRIPT), "recovery"], environment) as program:
        program.wait_for("ready")
        restartable.stop()
        restartable.start()
        assert program.finish() == 0, "\n".join(program.lines)
