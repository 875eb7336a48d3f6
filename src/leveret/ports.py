"""The doors to the outside world: time, randomness, memory and the disk.

Everything else in the broker is a function of what comes through here.  Tests pass their own.
"""

import errno
import importlib
import os
import time
from typing import Any, Final

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Clock:
    """The real clock."""

    def now_ns(self) -> int:
        """Nanoseconds of a clock that never goes back; its zero means nothing."""
        return time.monotonic_ns()

    def cpu_ns(self) -> int:
        """Nanoseconds that the calling thread has computed; waiting does not count."""
        return time.thread_time_ns()

    def unix_s(self) -> int:
        """Seconds since 1970-01-01 UTC, for what clients are shown."""
        return int(time.time())

    def unix_ms(self) -> int:
        """The same in milliseconds."""
        return time.time_ns() // 1_000_000


@mypyc_attr(allow_interpreted_subclasses=True)
class Random:
    """The real source of randomness, good enough for names that must not be guessed."""

    def octets(self, count: int) -> bytes:
        """``count`` random octets."""
        return os.urandom(count)


@mypyc_attr(allow_interpreted_subclasses=True)
class Memory:
    """What this process has of the machine's memory, and may have.

    As Linux tells it, in /proc and in the control groups of both versions; ``root`` is where those
    files are.  Where nothing tells, it is 0.
    """

    def __init__(self, root: str = "") -> None:
        self._root: Final = root
        self._page_octets: Final = os.sysconf("SC_PAGE_SIZE")

    def resident_octets(self) -> int:
        """What the process takes."""
        fields = self._text("/proc/self/statm").split()
        return int(fields[1]) * self._page_octets if len(fields) > 1 else 0

    def available_octets(self) -> int:
        """What there is, taken or not: the machine's memory, or less if a control group says so."""
        found = self._limits()
        for line in self._text("/proc/meminfo").splitlines():
            if line.startswith("MemTotal:"):
                found.append(int(line.split()[1]) * 1024)
        return min(found, default=0)

    def give_back(self) -> None:
        """Have the C library return what was freed: by itself it keeps most of it for later.

        Takes about a millisecond for each three megabytes returned.
        """
        try:
            library: Any = importlib.import_module("ctypes").CDLL(None)
            library.malloc_trim(0)
        except (ImportError, OSError, AttributeError):  # not the C library of GNU
            pass

    def _limits(self) -> list[int]:
        """What the control groups of the process allow, from its own up to the first."""
        found: list[int] = []
        for line in self._text("/proc/self/cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                places = ["/sys/fs/cgroup", "memory.max"]
            elif "memory" in controllers.split(","):
                places = ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"]
            else:
                continue
            while True:
                limit = self._text(f"{places[0]}{path}/{places[1]}").strip()
                if limit.isdecimal():
                    found.append(int(limit))
                if path in ("", "/"):
                    break
                path = path.rpartition("/")[0]
        return found

    def _text(self, path: str) -> str:
        try:
            with open(self._root + path, encoding="ascii", errors="replace") as file:
                return file.read()
        except OSError:
            return ""


@mypyc_attr(allow_interpreted_subclasses=True)
class File:
    """A file that grows at its end and may be read anywhere."""

    def __init__(self, path: str, exists: bool) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        self._descriptor: Final = os.open(path, flags | (0 if exists else os.O_CREAT), 0o600)

    def append(self, octets: bytes) -> None:
        """Write all of ``octets`` at the end.  Raises OSError, with some of them maybe written."""
        written = os.write(self._descriptor, octets)
        # A short write says that the next one would fail: let it.
        while written < len(octets):
            written += os.write(self._descriptor, octets[written:])

    def take_room(self, octets: int) -> None:
        """Make an empty file ``octets`` long, so that the room is taken.  Raises OSError."""
        try:
            os.posix_fallocate(self._descriptor, 0, octets)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            # Not every file system knows how, but each can be written to.
            self.append(bytes(octets))

    def sync(self) -> None:
        """Return when all that was appended is on the disk.  Raises OSError.

        May be called from another thread than the rest.
        """
        os.fdatasync(self._descriptor)

    def size(self) -> int:
        """How many octets there are.  Raises OSError."""
        return os.fstat(self._descriptor).st_size

    def read(self, at: int, size: int) -> bytes:
        """``size`` octets from ``at`` on, fewer at the end.  Raises OSError."""
        return os.pread(self._descriptor, size, at)

    def will_read(self, at: int, size: int) -> None:
        """Have the system fetch what is going to be read soon."""
        os.posix_fadvise(self._descriptor, at, size, os.POSIX_FADV_WILLNEED)

    def truncate(self, size: int) -> None:
        """Forget what is after ``size``.  Raises OSError."""
        os.ftruncate(self._descriptor, size)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)


@mypyc_attr(allow_interpreted_subclasses=True)
class Disk:
    """The real file system.  Every method raises OSError for what fails."""

    def create(self, path: str) -> File:
        """A new file, empty; an old one of that name is emptied."""
        made = File(path, False)
        made.truncate(0)
        return made

    def open(self, path: str) -> File:
        """A file that exists."""
        return File(path, True)

    def names(self, folder: str) -> list[str]:
        """What is in ``folder``, sorted."""
        return sorted(os.listdir(folder))

    def make_folder(self, folder: str) -> None:
        """Make ``folder`` and what leads to it; nothing happens when it is there."""
        os.makedirs(folder, 0o700, exist_ok=True)

    def remove(self, path: str) -> None:
        """Delete a file."""
        os.unlink(path)

    def remove_folder(self, folder: str) -> None:
        """Delete an empty folder."""
        os.rmdir(folder)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of a file that had it."""
        os.rename(old, new)

    def sync_folder(self, folder: str) -> None:
        """Return when the names in ``folder`` are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_octets(self, folder: str) -> int:
        """How much room is left for us where ``folder`` is."""
        facts = os.statvfs(folder)
        return facts.f_bavail * facts.f_frsize

    def all_octets(self, folder: str) -> int:
        """How large the disk is that ``folder`` is on."""
        facts = os.statvfs(folder)
        return facts.f_blocks * facts.f_frsize
