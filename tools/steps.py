"""One step after another: says what it does, how long it took and, at the end, what failed.

Knows no virtual environment and no test: it runs commands.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Stop(Exception):
    """The work cannot go on; the text says why and what helps."""


def say(text: str) -> None:
    """Print one line now, also when the output is a pipe."""
    print(text, flush=True)


def surroundings(**extra: str) -> dict[str, str]:
    """This process's environment without what would let another leveret slip in."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | extra


def call(command: Sequence[str | Path], **extra: str) -> None:
    """Run ``command`` in the project's folder.  Raises Stop when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=surroundings(**extra))
    if done.returncode != 0:
        raise Stop(f"this failed (exit code {done.returncode}): {' '.join(map(str, command))}")


def call_quietly(command: Sequence[str | Path], **extra: str) -> None:
    """Run ``command`` and show its output only when it fails.  Raises Stop then."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=surroundings(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise Stop(f"{done.stdout}this failed: {' '.join(map(str, command))}")


class Background:
    """A command that runs beside the others, at a lower priority, its output kept for later."""

    def __init__(self, what: str, command: Sequence[str | Path], log: Path, **extra: str) -> None:
        self.what = what
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        say(f"--> {what}: started in the background, log in {log.relative_to(ROOT)}")
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                ["nice", "-n", "5", *(str(part) for part in command)],
                cwd=ROOT,
                env=surroundings(**extra),
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Until it ends.  Raises Stop, after showing its output, when it failed."""
        if self._process.wait() != 0:
            sys.stdout.buffer.write(self.log.read_bytes())
            raise Stop(f"{self.what} failed, its output is above")

    def stop(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


class Steps:
    """A list of steps that all run, whatever becomes of the others, and their summary."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lines: list[str] = []
        self._failed = 0

    def step(self, what: str, work: Callable[[], None]) -> bool:
        """Do one of them.  True when it went well."""
        say(f"\n==> {what}")
        began = time.monotonic()
        verdict = "ok"
        try:
            work()
        except Stop as stop:
            say(str(stop))
            verdict = "FAILED"
            self._failed += 1
        self._lines.append(f"{verdict:>7} {time.monotonic() - began:7.1f} s  {what}")
        return verdict == "ok"

    def finish(self) -> int:
        """Print the summary.  Returns the exit code for the process."""
        say("\n" + "\n".join(self._lines))
        total = time.monotonic() - self._began
        verdict = f"{self._failed} FAILED" if self._failed else "all well"
        say(f"{verdict}, {total:.0f} s in all")
        return 1 if self._failed else 0
