"""A disk that can be looked at and not changed: what is written goes nowhere."""

from typing import final

from leveret.ports import Disk, File
from leveret.store.worker import Job, Worker


@final
class Blank(File):
    """A new file, which holds nothing but its size."""

    def __init__(self) -> None:
        super().__init__("/dev/null", True)
        self._size = 0

    def append(self, octets: bytes) -> None:
        """Count them."""
        self._size += len(octets)

    def sync(self) -> None:
        """There is nothing to sync."""

    def size(self) -> int:
        """How many octets were written."""
        return self._size

    def truncate(self, size: int) -> None:
        """Count fewer."""
        self._size = size


@final
class Pane(File):
    """A real file, to be read only."""

    def append(self, octets: bytes) -> None:
        """It stays as it is."""

    def sync(self) -> None:
        """Nothing was written."""

    def truncate(self, size: int) -> None:
        """It stays as it is."""


@final
class Glass(Disk):
    """The real file system, in which nothing can be changed."""

    def create(self, path: str) -> File:
        """A file that is not there."""
        return Blank()

    def open(self, path: str) -> File:
        """A file that exists."""
        return Pane(path, True)

    def names(self, folder: str) -> list[str]:
        """What is in ``folder``, sorted; nothing where there is none."""
        try:
            return super().names(folder)
        except FileNotFoundError:
            return []

    def make_folder(self, folder: str) -> None:
        """There is none made."""

    def remove(self, path: str) -> None:
        """It stays."""

    def remove_folder(self, folder: str) -> None:
        """It stays."""

    def rename(self, old: str, new: str) -> None:
        """It stays as it is called."""

    def sync_folder(self, folder: str) -> None:
        """Nothing was written."""


@final
class Idler(Worker):
    """Does nothing."""

    def submit(self, job: Job) -> None:
        """Forget it."""
