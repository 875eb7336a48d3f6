"""Blocking errands in a few threads; what they bring is handled in the loop's own thread.

Knows nothing of users.  Makes no thread before the first errand.
"""

import asyncio
import concurrent.futures
import logging
from abc import ABC, abstractmethod
from typing import Any, Final, final

THREADS: Final = 4
MAX_ERRANDS: Final = 1000
LOG: Final = logging.getLogger("leveret")


class Errand(ABC):
    """Something that takes time, done elsewhere."""

    @abstractmethod
    def run(self) -> None:
        """Do it, in a thread: touch nothing but the errand itself.  May raise: then it failed."""

    @abstractmethod
    def done(self) -> None:
        """It is done, or has failed.  Called in the loop's thread."""


@final
class Pool:
    """Runs errands, at most ``MAX_ERRANDS`` under way."""

    def __init__(self) -> None:
        self._threads: concurrent.futures.ThreadPoolExecutor | None = None
        self._count = 0

    def ask(self, errand: Errand) -> None:
        """Run ``errand``, and tell it later that it is done: at once where too many are under way.

        Call it in the loop.
        """
        # Any: compiled, an asyncio type is insisted on, and uvloop's own are no subclasses.
        loop: Any = asyncio.get_running_loop()
        if self._count >= MAX_ERRANDS:
            loop.call_soon(errand.done)
            return
        if self._threads is None:
            self._threads = concurrent.futures.ThreadPoolExecutor(THREADS, "leveret-identity")
        self._count += 1
        self._threads.submit(self._run, errand, loop)

    def _run(self, errand: Errand, loop: Any) -> None:
        try:
            errand.run()
        except Exception:
            LOG.exception("asking who somebody is failed: this is a bug in the broker")
        try:
            loop.call_soon_threadsafe(self._finish, errand)
        except RuntimeError:  # the loop has ended meanwhile: nobody waits any more
            pass

    def _finish(self, errand: Errand) -> None:
        self._count -= 1
        errand.done()

    def close(self) -> None:
        """Begin no errand any more; those under way end in their own time."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
