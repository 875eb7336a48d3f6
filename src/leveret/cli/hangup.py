"""What SIGHUP means to ``leveret serve``: read certificates anew, or the end of its terminal."""

import asyncio
import errno
import logging
import os
import signal
from collections.abc import Callable
from typing import Final, final

from leveret.server import Server

LOG: Final = logging.getLogger("leveret")


@final
class Hangup:
    """Tells the two kinds of SIGHUP apart: an administrator's, and that of a terminal closed."""

    def __init__(self, server: Server, end: Callable[[int], None]) -> None:
        self._server: Final = server
        self._end: Final = end
        # Under nohup it is ignored: there it is to outlive its terminal.
        is_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self._had_terminal: Final = not is_ignored and has_terminal()

    def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on SIGHUP does not simply end the process."""
        loop.add_signal_handler(signal.SIGHUP, self.on_signal)

    def on_signal(self) -> None:
        """Reload, or stop where whoever started it at a terminal is gone."""
        if self._had_terminal and not has_terminal():
            self._end(signal.SIGHUP)
        elif not self._server.reload_tls():
            LOG.info("SIGHUP: nothing was read anew")


def has_terminal() -> bool:
    """Whether the process belongs to a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError as error:
        return error.errno not in (errno.ENXIO, errno.EIO, errno.ENOENT)
    return True
