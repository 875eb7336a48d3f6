"""The door to whoever does slow work beside the loop: syncing files, committing the catalog."""

from abc import ABC, abstractmethod

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Job(ABC):
    """Something that takes time.  ``perform`` is called elsewhere, then ``done`` in the loop."""

    @abstractmethod
    def perform(self) -> None:
        """Do it.  Must not touch what the loop uses meanwhile.  May raise OSError."""

    @abstractmethod
    def done(self, error: OSError | None) -> None:
        """It was done, or failed."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Worker(ABC):
    """Does one job after the other, in the order they came."""

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Do ``job`` when those before it are done.  Never waits."""

    def remind(self, job: Job) -> None:
        """Tell ``job`` that it is done a moment later, about a millisecond.  Never waits."""
        self.submit(job)
