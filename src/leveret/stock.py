"""What is on the disk of a broker, per queue, without changing it; also while the broker runs."""

import os
import shutil
import tempfile
from typing import Final, final

from leveret.broker.lined import LinedQueue
from leveret.broker.node import Node
from leveret.broker.shelf import Shelf, Sizes
from leveret.broker.storage import DiskWatch, Storage
from leveret.config.settings import Settings
from leveret.notices import Notices
from leveret.ports import Clock, Random
from leveret.store.catalog import CATALOG, Catalog
from leveret.store.glass import Glass, Idler
from leveret.store.salvage import COMPANIONS


@final
class QueueStock:
    """One durable queue: what waits, and how large its files are.

    ``returned_count`` were handed out before; ``disk_count`` are on the disk only, not in the
    checkpoint or the journal.  ``dead_octets`` of its files are of no use any more.
    """

    def __init__(self, vhost: str, queue: LinedQueue, folder: str) -> None:
        assert queue.record is not None
        self.vhost: Final = vhost
        self.name: Final = queue.name
        self.kind: Final = queue.kind
        self.messages: Final = queue.ready_count
        self.returned_count: Final = len(queue.out())
        lines = queue.lines()
        self.octets: Final = sum([line.octets() for line in lines])
        living = 0
        disk_count = 0
        for line in lines:
            if line.middle is not None:
                disk_count += line.middle.count
                living += sum([chunk.size for chunk in line.middle.chunks.waiting()])
        self.disk_count: Final = disk_count
        self.file_octets: Final = _files_of(folder, queue.record.number)
        self.dead_octets: Final = max(self.file_octets - living, 0)


@final
class Stock:
    """All of ``settings.data_dir``.  Raises CatalogError, Damage, OSError."""

    def __init__(self, settings: Settings) -> None:
        folder = settings.data_dir
        self.queues: Final[list[QueueStock]] = []
        with tempfile.TemporaryDirectory(prefix="leveret-") as copies:
            for ending in COMPANIONS:
                if os.path.exists(f"{folder}/{CATALOG}{ending}"):
                    shutil.copyfile(f"{folder}/{CATALOG}{ending}", f"{copies}/{CATALOG}{ending}")
            self._count(settings, copies)
        self.catalog_octets: Final = sum(_sizes(folder, CATALOG))
        self.checkpoint_octets: Final = sum(_sizes(folder, "checkpoint-"))
        self.journal_octets: Final = sum(_sizes(f"{folder}/journal", ""))
        self.file_octets: Final = sum([queue.file_octets for queue in self.queues])
        every = sum([sum(_sizes(f"{folder}/queues/{name}", "")) for name in _names(folder)])
        # Of queues that are deleted, or never were for good.
        self.ownerless_octets: Final = max(every - self.file_octets, 0)

    def _count(self, settings: Settings, copies: str) -> None:
        clock, worker = Clock(), Idler()
        watch = DiskWatch(Notices(clock), clock)
        sizes = Sizes(settings.journal_size, settings.queue_memory, settings.queues_memory)
        shelf = Shelf(Glass(), settings.data_dir, worker, worker, clock, watch, sizes)
        node = Node(settings, clock, Random(), shelf, False)
        catalog = Catalog(f"{copies}/{CATALOG}", worker, True)
        try:
            Storage(node, shelf, catalog, clock).recover(False)
            for vhost in node.vhosts.values():
                for queue in vhost.queues.values():
                    if queue.record is not None and isinstance(queue, LinedQueue):
                        self.queues.append(QueueStock(vhost.name, queue, settings.data_dir))
        finally:
            shelf.close()
            catalog.close()


def _names(folder: str) -> list[str]:
    return Glass().names(f"{folder}/queues")


def _files_of(folder: str, number: int) -> int:
    mine = [name for name in _names(folder) if name.startswith(f"{number}-")]
    return sum([sum(_sizes(f"{folder}/queues/{name}", "")) for name in mine])


def _sizes(folder: str, beginning: str) -> list[int]:
    """The sizes of the files of ``folder`` whose names begin so."""
    names = [name for name in Glass().names(folder) if name.startswith(beginning)]
    return [os.path.getsize(f"{folder}/{name}") for name in names]
