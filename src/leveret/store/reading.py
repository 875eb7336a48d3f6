"""Reading the journal back: every batch once, in order, and a verdict on what cannot be read."""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.ports import Disk
from leveret.store.batches import find_batch, read_batch
from leveret.store.journal import FILE_HEAD, SUFFIX


class Damage(Exception):
    """Something that was promised to be on the disk cannot be read.

    The text is a sentence with the file, the place in it, and the way out.
    """

    def __init__(self, path: str, at: int, what: str) -> None:
        super().__init__(
            f"{path} is damaged at octet {at}: {what}.  'leveret store check' lists all damage;"
            " 'leveret store repair' saves everything that can be read and says what is lost."
        )
        self.path: Final = path
        self.at: Final = at
        self.what: Final = what


@mypyc_attr(allow_interpreted_subclasses=True)
class Reader(ABC):
    """Whoever takes the batches."""

    @abstractmethod
    def on_batch(self, payload: bytes) -> None:
        """One batch.  Raises ValueError when the records in it make no sense."""


@final
class Torn:
    """Where reading ended early, with nothing lost that was promised."""

    def __init__(self, path: str, at: int, octets: int) -> None:
        self.path: Final = path
        self.at: Final = at
        self.octets: Final = octets


@final
class JournalReading:
    """Reads the files of a journal, the oldest first.

    ``last_number`` is the number of the last batch read, ``synced`` the highest that any batch
    knew to be on the disk; ``torn`` lists what was passed over.
    """

    def __init__(self, disk: Disk, folder: str, reader: Reader, last_number: int) -> None:
        self._disk: Final = disk
        self._folder: Final = folder
        self._reader: Final = reader
        self.last_number = last_number
        self.synced = last_number
        self.torn: Final[list[Torn]] = []
        # The first place that could not be read, as long as no later batch filled the gap.
        self._gap: Torn | None = None

    def read_all(self, first_sequence: int) -> int:
        """Read every file from ``first_sequence`` on.  The highest sequence seen.

        Raises Damage, OSError.
        """
        last = first_sequence - 1
        self._disk.sync_folder(self._folder)
        for sequence in sequences(self._disk.names(self._folder)):
            if sequence >= first_sequence:
                self._read_file(f"{self._folder}/{sequence:08d}{SUFFIX}")
                last = sequence
        return last

    def _read_file(self, path: str) -> None:
        file = self._disk.open(path)
        try:
            data = file.read(0, file.size())
            # What the process before wrote and did not sync is relied on from now on.
            file.sync()
        finally:
            file.close()
        at = len(FILE_HEAD)
        if not data.startswith(FILE_HEAD):
            _check_version(path, data)
            at = 0
        while at < len(data):
            batch = read_batch(data, at)
            if batch is None:
                torn = Torn(path, at, len(data) - at)
                self.torn.append(torn)
                at = find_batch(data, at)
                if self._gap is None:
                    self._gap = torn
                if at < 0:
                    return
                continue
            self._take(path, at, batch.number, batch.synced, batch.payload)
            at = batch.end

    def _take(self, path: str, at: int, number: int, synced: int, payload: bytes) -> None:
        # What failed to be written was written again later, under the same number.
        if number <= self.last_number:
            return
        if number > self.last_number + 1 or self._gap is not None:
            if number == self.last_number + 1:
                self._gap = None
            elif synced > self.last_number:
                gap = self._gap if self._gap is not None else Torn(path, at, 0)
                raise Damage(gap.path, gap.at, f"batch {self.last_number + 1} is missing")
            else:
                # Lost with a crash of the machine, and so is all that came after it.
                return
        self.last_number = number
        self.synced = max(self.synced, synced)
        try:
            self._reader.on_batch(payload)
        except (ValueError, IndexError) as error:
            raise Damage(path, at, f"batch {number} makes no sense: {error}") from None


def sequences(names: list[str]) -> list[int]:
    """The numbers of the files of a journal among ``names``, ascending."""
    found = [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
    return sorted([int(name) for name in found if name.isdigit()])


def _check_version(path: str, data: bytes) -> None:
    """Refuse the files of a later leveret; any other head is one that was not synced."""
    if len(data) >= len(FILE_HEAD) and data.startswith(FILE_HEAD[:-1]):
        version = data[len(FILE_HEAD) - 1]
        if version > FILE_HEAD[-1]:
            raise Damage(
                path,
                0,
                f"it has version {version} of the format, and this leveret knows only version"
                f" {FILE_HEAD[-1]}",
            )
