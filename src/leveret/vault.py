"""The folder of what outlives the process: opened at the start, closed in good order at the end."""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

from leveret.broker.gauges import Gauges
from leveret.broker.node import Node
from leveret.broker.shelf import Shelf, Sizes
from leveret.broker.storage import DiskWatch, Storage
from leveret.config.settings import Settings
from leveret.errors import BrokerError
from leveret.notices import Notices
from leveret.ports import Clock, Disk
from leveret.store.catalog import CATALOG, Catalog, CatalogError
from leveret.store.checkpoint import sequences
from leveret.store.journal import FILE_HEAD
from leveret.store.reading import Damage, JournalReading
from leveret.store.thread import ThreadWorker

_LOCK: Final = "lock"
# How long the last checkpoint may take; what it does not hold, the journal does.
_PATIENCE_S: Final = 30.0
_POLL_S: Final = 0.005
# What is kept for a full disk, and the largest part of the disk that is.
_RESERVE_OCTETS: Final = 4 * 1024 * 1024
_RESERVE_PART: Final = 16


class VaultError(Exception):
    """The data folder cannot be used.  The text is a sentence: which, why, and what to do."""


@final
class Vault:
    """The data folder of one broker.  Raises VaultError when made with one that is not good."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._folder: Final = settings.data_dir
        self._notices: Final = Notices(clock)
        self._clock: Final = clock
        self._worker: Final = ThreadWorker("leveret-journal")
        self._slow_worker: Final = ThreadWorker("leveret-checkpoint")
        disk = Disk()
        self._disk: Final = disk
        try:
            disk.make_folder(f"{self._folder}/journal")
            disk.make_folder(f"{self._folder}/queues")
            self._lock: Final = locked(self._folder)
        except OSError as failed:
            raise VaultError(_sentence(self._folder, failed)) from None
        try:
            # It is on the disk before the first file of the journal is made.
            must_exist = holds_messages(disk, self._folder)
            self._catalog: Final = Catalog(f"{self._folder}/{CATALOG}", self._worker, must_exist)
            self.is_first_start: Final = not self._catalog.rows("vhosts")
        except CatalogError as error:
            os.close(self._lock)
            raise VaultError(str(error)) from None
        self._watch: Final = DiskWatch(self._notices, clock)
        self.shelf: Final = Shelf(
            disk,
            self._folder,
            self._worker,
            self._slow_worker,
            clock,
            self._watch,
            Sizes(
                settings.journal_size,
                settings.queue_memory,
                settings.queues_memory,
                self._reserve_octets(),
            ),
        )
        self._storage: Storage | None = None

    def _reserve_octets(self) -> int:
        """How much to keep for a full disk: of a small one, a part."""
        try:
            return min(_RESERVE_OCTETS, self._disk.all_octets(self._folder) // _RESERVE_PART)
        except OSError:
            return 0

    def fill(self, node: Node) -> Storage:
        """Bring back into ``node`` what there was.  Raises VaultError."""
        storage = Storage(node, self.shelf, self._catalog, self._clock)
        try:
            reading = storage.recover(self.is_first_start)
        except (Damage, CatalogError) as error:
            raise VaultError(str(error)) from None
        except OSError as failed:
            raise VaultError(_sentence(self._folder, failed)) from None
        except (BrokerError, ValueError, LookupError) as wrong:
            raise VaultError(
                f"The catalog {self._folder}/{CATALOG} says something that cannot be: {wrong!r}."
                "  Restore it from a backup, or mend it with the program sqlite3."
            ) from None
        self._report(reading)
        self._watch.alarms = node.alarms
        node.commits = storage
        self._storage = storage
        return storage

    def _report(self, reading: JournalReading) -> None:
        for torn in reading.torn:
            self._notices.warn(
                f"{torn.path} ends with {torn.octets} octets that a crash left half written:"
                f" they are passed over, from octet {torn.at} on; nothing of them was confirmed"
            )

    def be_watched(self, gauges: Gauges) -> None:
        """Have ``gauges`` look how much room is left."""
        gauges.watch_disk(self._disk, self._folder)

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Work beside ``loop`` from now on."""
        self._worker.begin(loop)
        self._slow_worker.begin(loop)

    async def stop(self) -> None:
        """Write everything into one place, so that the next start is quick, and close the files."""
        storage = self._storage
        if storage is not None and self._worker.has_begun:
            storage.end_turn()
            storage.begin_checkpoint()
            deadline = asyncio.get_running_loop().time() + _PATIENCE_S
            while not storage.is_idle and asyncio.get_running_loop().time() < deadline:
                storage.end_turn()
                await asyncio.sleep(_POLL_S)
        self._worker.stop()
        self._slow_worker.stop()
        self.abandon()

    def abandon(self) -> None:
        """Close the files.  Only when nothing works beside the loop."""
        self.shelf.close()
        self._catalog.close()
        os.close(self._lock)


def holds_messages(disk: Disk, folder: str) -> bool:
    """Whether a broker wrote more than the beginnings of files there."""
    if sequences(disk.names(folder)):
        return True
    journal = f"{folder}/journal"
    for name in disk.names(journal):
        file = disk.open(f"{journal}/{name}")
        size = file.size()
        file.close()
        if size > len(FILE_HEAD):
            return True
    return False


def locked(folder: str) -> int:
    """The descriptor of the lock of a data folder, once nobody else holds it.

    Raises VaultError, OSError.
    """
    descriptor = os.open(f"{folder}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise VaultError(
            f"The data folder {folder} is in use by another leveret: stop that one, or give this"
            " one another folder with --data-dir."
        ) from None
    return descriptor


@contextmanager
def held(folder: str) -> Iterator[bool]:
    """While no broker can use ``folder``; False when one does.  Makes no file.  Raises OSError."""
    try:
        descriptor = os.open(f"{folder}/{_LOCK}", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_free = True
    except BlockingIOError:
        is_free = False
    try:
        yield is_free
    finally:
        os.close(descriptor)


def _sentence(folder: str, error: OSError) -> str:
    why = error.strerror or str(error)
    return (
        f"The data folder {folder} cannot be used: {why} ({error.filename or folder}).  Give"
        " another one with --data-dir, or make this one writable for the user who starts leveret."
    )
