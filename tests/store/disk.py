"""A disk in memory that forgets at a crash what was not synced, and fails when told to."""

import errno
import random

from leveret.ports import Disk, File


class FakeFile(File):
    """One file: ``octets`` as the process sees it, ``safe`` of which a crash keeps."""

    def __init__(self, disk: "FakeDisk", path: str) -> None:
        self.disk = disk
        self.path = path
        self.octets = bytearray()
        self.safe = 0
        self.is_open = True

    def append(self, octets: bytes) -> None:
        room = self.disk.room
        if room is not None and len(octets) > room:
            self.octets += octets[:room]
            self.disk.room = 0
            raise OSError(errno.ENOSPC, "No space left on device")
        if room is not None:
            self.disk.room = room - len(octets)
        self.octets += octets

    def take_room(self, octets: int) -> None:
        self.append(bytes(octets))

    def sync(self) -> None:
        if self.disk.sync_error is not None:
            error, self.disk.sync_error = self.disk.sync_error, None
            # What Linux does: the pages are clean now, and lost.
            raise error
        self.safe = len(self.octets)

    def size(self) -> int:
        return len(self.octets)

    def read(self, at: int, size: int) -> bytes:
        return bytes(self.octets[at : at + size])

    def will_read(self, at: int, size: int) -> None:
        pass

    def truncate(self, size: int) -> None:
        if self.disk.room is not None:
            self.disk.room += len(self.octets) - size
        del self.octets[size:]
        self.safe = min(self.safe, size)

    def close(self) -> None:
        assert self.is_open
        self.is_open = False


class FakeDisk(Disk):
    """Files by path.  ``room`` is how many octets may still be written, None for any."""

    def __init__(self) -> None:
        self.files: dict[str, FakeFile] = {}
        self.safe_names: dict[str, FakeFile] = {}
        self.folders: set[str] = set()
        self.room: int | None = None
        self.sync_error: OSError | None = None

    def create(self, path: str) -> File:
        self.files[path] = FakeFile(self, path)
        return self.files[path]

    def open(self, path: str) -> File:
        if path not in self.files:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        self.files[path].is_open = True
        return self.files[path]

    def names(self, folder: str) -> list[str]:
        return sorted(
            path.removeprefix(folder + "/").split("/")[0]
            for path in {*self.files, *self.folders}
            if path.startswith(folder + "/")
        )

    def make_folder(self, folder: str) -> None:
        self.folders.add(folder)

    def remove(self, path: str) -> None:
        if path not in self.files:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        gone = self.files.pop(path)
        if self.room is not None:
            self.room += len(gone.octets)

    def remove_folder(self, folder: str) -> None:
        self.folders.discard(folder)

    def rename(self, old: str, new: str) -> None:
        self.files[new] = self.files.pop(old)

    def sync_folder(self, folder: str) -> None:
        inside = folder + "/"
        for path in list(self.safe_names):
            if path.startswith(inside) and path not in self.files:
                del self.safe_names[path]
        for path, file in self.files.items():
            if path.startswith(inside):
                self.safe_names[path] = file

    def all_octets(self, folder: str) -> int:
        return 1 << 40

    def free_octets(self, folder: str) -> int:
        return 1 << 40 if self.room is None else self.room

    def crash(self, rng: random.Random) -> None:
        """The machine loses power: of what was not synced, any part may be there, or none."""
        names = dict(self.safe_names)
        for path, file in self.files.items():
            if path not in names and rng.random() < 0.5:
                names[path] = file
        for path in list(names):
            # A removal that was not synced may not have happened.
            if path not in self.files and rng.random() < 0.5:
                del names[path]
        self.files = names
        self.safe_names = dict(names)
        for file in names.values():
            self._lose(file, rng)
        self.room = None
        self.sync_error = None

    def _lose(self, file: FakeFile, rng: random.Random) -> None:
        loose = len(file.octets) - file.safe
        if loose > 0:
            kept = rng.choice([0, loose, rng.randrange(loose + 1)])
            del file.octets[file.safe + kept :]
            if kept and rng.random() < 0.3:
                # Pages reach the disk in any order: one of them did not.
                at = file.safe + rng.randrange(kept)
                end = min(at + rng.choice([1, 16, 512]), len(file.octets))
                file.octets[at:end] = bytes(end - at)
        file.safe = len(file.octets)
