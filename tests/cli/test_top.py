"""leveret.cli.top"""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from typing import Any

import leveret
from leveret.cli.show import columns_of
from leveret.cli.top import screen

OVERVIEW = {
    "node": "here",
    "message_stats": {"publish_details": {"rate": 1234.5}},
    "queue_totals": {"messages_ready": 7, "messages_unacknowledged": 2},
    "object_totals": {"connections": 3, "queues": 40},
}
QUEUES = [{"name": f"queue {n}", "messages": n, "messages_ready": n} for n in range(40)]


def plain(line: str) -> str:
    return line.replace("\x1b[7m", "").replace("\x1b[0m", "")


def test_a_screen_is_as_wide_and_as_high_as_the_terminal() -> None:
    page = {"items": QUEUES, "filtered_count": 40}
    for width, height in [(80, 24), (200, 60), (40, 8)]:
        lines = screen("http://x", (OVERVIEW, page, "length", True), width, height)
        assert len(lines) == height
        assert max(columns_of(plain(line)) for line in lines) <= width


def test_a_screen_says_what_goes_on() -> None:
    page = {"items": QUEUES[:1], "filtered_count": 1}
    text = "\n".join(screen("http://x", (OVERVIEW, page, "length", False), 120, 24))
    for part in ("here", "1.2k/s published", "7 ready", "2 unacked", "3 connections", "queue 0"):
        assert part in text
    assert "no queues yet" in "\n".join(
        screen("http://x", ({}, {"items": [], "filtered_count": 0}, "in", False), 80, 24)
    )


def test_programs_get_a_document_a_look(managed: leveret.Broker) -> None:
    command = [sys.executable, "-m", "leveret", "top", "--json", "-n", "2", "-i", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    looks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["overview"]["object_totals"]["queues"] for one in looks] == [0, 0]


def test_without_a_terminal_it_says_so(managed: leveret.Broker) -> None:
    command = [sys.executable, "-m", "leveret", "top"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 64
    assert "top needs a terminal" in done.stderr


def test_it_fills_the_terminal_until_q_and_leaves_it_as_it_was(
    managed: leveret.Broker, start: Callable[..., subprocess.Popen[Any]]
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    before = termios.tcgetattr(theirs)
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    process = start(
        [sys.executable, "-m", "leveret", "top", "-i", "600"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    said = read_until(ours, b"by length")
    assert b"\x1b[?1049h" in said
    os.write(ours, b"n")
    read_until(ours, b"by name")
    os.write(ours, b"\x1b[A")  # an arrow, which means nothing
    read_until(ours, b"by name")
    os.write(ours, b"q")
    read_until(ours, b"\x1b[?1049l")
    assert process.wait(60) == 0
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def read_until(terminal: int, sign: bytes) -> bytes:
    said = b""
    while sign not in said:
        said += os.read(terminal, 65536)
    return said
