"""Programs run as real processes: start one, wait for what it prints, interrupt it."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0
# A process of Celery's pool may wait half a minute for its parent before it ends.
END_S = 60.0


class Program:
    """A running program whose printed lines can be waited for; killed when the ``with`` ends."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
    ) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"reader of {command[-1]}")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._add(line.rstrip("\n"))
        self._add(None)

    def _add(self, line: str | None) -> None:
        with self._news:
            self.lines.append("(end of output)" if line is None else line)
            self._news.notify_all()

    def wait_for(self, text: str, times: int = 1) -> None:
        """Return when ``text`` was printed, in ``times`` lines."""

        def seen() -> bool:
            return sum(text in line for line in self.lines) >= times

        def over() -> bool:
            return seen() or self.lines[-1:] == ["(end of output)"]

        with self._news:
            self._news.wait_for(over, PATIENCE_S)
            assert seen(), f"{text!r} not among:\n" + "\n".join(self.lines)

    def press_ctrl_c(self) -> None:
        """Ask it to end, so to speak."""
        self._process.send_signal(signal.SIGINT)

    def interrupt(self) -> int:
        """Press Ctrl-C and wait for the end; return the exit status."""
        self.press_ctrl_c()
        return self.finish()

    def finish(self) -> int:
        """Wait for the end of the program; return the exit status."""
        status = self._process.wait(END_S)
        self._reader.join(PATIENCE_S)
        self.lines.pop()
        return status

    def kill(self) -> None:
        """End the program the hard way, and all that it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._reader.join(PATIENCE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None) -> str:
    """What a program prints until it ends; fails with all of it unless the exit status is 0."""
    done = subprocess.run(
        command,
        env=os.environ | environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=PATIENCE_S * 2,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}: status {done.returncode}\n{done.stdout}"
    return done.stdout


def bunny_missing() -> str | None:
    """Why programs with Bunny cannot run here, in one line; None when they can."""
    ruby = shutil.which("ruby")
    if ruby is None:
        return "needs Ruby with Bunny (apt install ruby-bunny); ruby not found"
    asked = subprocess.run([ruby, "-e", "require 'bunny'"], capture_output=True, check=False)
    if asked.returncode != 0:
        return "needs the Ruby library Bunny (apt install ruby-bunny, or gem install bunny)"
    return None
