"""The thread beside the loop that waits for the disk."""

import queue
import threading
from typing import Any, Final, final

from leveret.store.worker import Job, Worker


@final
class _Done:
    """Brings the outcome of a job back into the loop."""

    def __init__(self, job: Job, error: OSError | None) -> None:
        self._job: Final = job
        self._error: Final = error

    def __call__(self) -> None:
        self._job.done(self._error)


# Long enough for a consumer nearby to acknowledge what it was just sent.
_MOMENT_S: Final = 0.001


@final
class ThreadWorker(Worker):
    """One thread, from ``begin`` to ``stop``; jobs are told their outcome in the loop.

    Jobs that come before are done then.
    """

    def __init__(self, name: str) -> None:
        # Any: uvloop's loops are no instances of asyncio's, which compiled code would insist on.
        self._loop: Any = None
        self._jobs: Final[queue.SimpleQueue[Job | None]] = queue.SimpleQueue()
        self._worker: Final = threading.Thread(target=self._live, name=name, daemon=True)

    @property
    def has_begun(self) -> bool:
        """Whether it works."""
        return self._loop is not None

    def begin(self, loop: Any) -> None:
        """Work, and tell the outcome in ``loop``."""
        self._loop = loop
        self._worker.start()

    def submit(self, job: Job) -> None:
        """Do ``job`` when those before it are done."""
        self._jobs.put(job)

    def remind(self, job: Job) -> None:
        """Tell ``job`` that it is done a moment later."""
        if self._loop is None:
            self.submit(job)
        else:
            self._loop.call_later(_MOMENT_S, job.done, None)

    def stop(self) -> None:
        """Finish what was submitted and end the thread.  Waits."""
        if self._loop is not None:
            self._jobs.put(None)
            self._worker.join()

    def _live(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            error: OSError | None = None
            try:
                job.perform()
            except OSError as raised:
                error = raised
            except Exception as fault:
                # A bug.  Nothing is told to be safe then, but the thread must live.
                error = OSError(f"{type(fault).__name__}: {fault}")
            try:
                self._loop.call_soon_threadsafe(_Done(job, error))
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
