"""The door to whoever is told that the disk does not do what it should."""

from abc import ABC, abstractmethod

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Troubles(ABC):
    """Told once per failure.  Must not block or raise."""

    @abstractmethod
    def on_disk_failed(self, error: OSError) -> None:
        """The journal cannot be written: nothing is confirmed until ``on_disk_works``."""

    @abstractmethod
    def on_disk_works(self) -> None:
        """All that was held back is written."""

    @abstractmethod
    def on_unwritten(self, error: OSError) -> None:
        """Messages of a long line stay in memory because the disk takes none."""

    @abstractmethod
    def on_unreadable(self, error: Exception, count: int) -> None:
        """``count`` messages that were on the disk could not be read, and are passed over."""
