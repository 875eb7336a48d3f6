"""A node with its storage, a fake clock, and a worker that works when told to."""

from pathlib import Path

from tests.fakes import FakeClock, FakeRandom
from tests.store.workers import FakeWorker

from leveret.broker.definition_export import export_definitions
from leveret.broker.node import Node
from leveret.broker.shelf import Shelf, Sizes
from leveret.broker.storage import DiskWatch, Storage
from leveret.config.settings import Settings
from leveret.notices import Notices
from leveret.ports import Disk
from leveret.store.catalog import Catalog


class Life:
    """A node on the disk, from one start to its end."""

    def __init__(self, folder: Path) -> None:
        for name in ("journal", "queues"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.worker, clock = FakeWorker(), FakeClock()
        self.catalog = Catalog(str(folder / "catalog.sqlite"), self.worker)
        is_first = not self.catalog.rows("vhosts")
        alarms = DiskWatch(Notices(clock), clock)
        sizes = Sizes(1 << 20, 1 << 20, 1 << 20)
        shelf = Shelf(Disk(), str(folder), self.worker, self.worker, clock, alarms, sizes)
        self.node = Node(Settings(), clock, FakeRandom(), shelf, is_first)
        self.storage = Storage(self.node, shelf, self.catalog, clock)
        self.storage.recover(is_first)
        self.vhost = self.node.vhosts["/"]

    def end(self) -> dict[str, object]:
        for _ in range(20):
            self.storage.end_turn()
            self.worker.work()
        assert self.storage.is_idle
        self.catalog.close()
        return export_definitions(self.node)
