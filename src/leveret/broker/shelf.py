"""Where durable queues are written down: the journal, their records, and the checkpoints."""

from typing import Final, final

from leveret.broker.checkpoints import Checkpoints
from leveret.broker.ledger import Ledger
from leveret.broker.lined import LinedQueue
from leveret.broker.purse import Purse
from leveret.broker.queue import Queue
from leveret.broker.record import Book, Holder, QueueRecord
from leveret.ports import Clock, Disk
from leveret.store.journal import Journal
from leveret.store.reserve import Reserve
from leveret.store.troubles import Troubles
from leveret.store.worker import Worker


@final
class Shelf:
    """Of one node.  ``worker`` syncs the journal, ``slow_worker`` the checkpoints."""

    def __init__(
        self,
        disk: Disk,
        folder: str,
        worker: Worker,
        slow_worker: Worker,
        clock: Clock,
        troubles: Troubles,
        sizes: "Sizes",
    ) -> None:
        self._purse: Final = Purse(sizes.purse_octets, sizes.share_octets)
        self.reserve: Final = Reserve(disk, folder, sizes.reserve_octets)
        self.journal: Final = Journal(disk, f"{folder}/journal", worker, troubles, 1)
        self.book: Final = Book(disk, folder, self.journal, clock, troubles)
        self.ledger: Final = Ledger(self.book)
        self.checkpoints: Final = Checkpoints(
            disk, folder, self.book, slow_worker, clock, sizes.journal_octets
        )

    def opened(self, queue: Queue) -> None:
        """There is a new queue."""
        if queue.record is not None and isinstance(queue, LinedQueue):
            queue.set_share(self._purse.first_octets, self._purse)
            self.checkpoints.queues[queue.record.number] = queue

    def open_holder(self, holder: Holder, number: int) -> QueueRecord:
        """There is a new exchange that holds messages; ``number`` is 0 or the one it had."""
        record = self.book.open_queue(number)
        self.checkpoints.holders[record.number] = holder
        return record

    def close_holder(self, record: QueueRecord) -> None:
        """An exchange that held messages was deleted."""
        self.book.close_queue(record)
        del self.checkpoints.holders[record.number]

    def close(self) -> None:
        """Close every file.  Only when the workers have ended."""
        self.journal.close()
        self.checkpoints.close()
        # Who is not there does not need it.
        self.reserve.release()

    def closed(self, queue: Queue) -> None:
        """A queue was deleted."""
        if queue.record is not None and isinstance(queue, LinedQueue):
            self.book.close_queue(queue.record)
            self.checkpoints.bury(queue)


@final
class Sizes:
    """How large the journal grows before a checkpoint, and how much memory a line may take.

    ``purse_octets`` is what all lines may take together, beside the first part of each.
    ``reserve_octets`` are kept free for when the disk is full.
    """

    def __init__(
        self, journal_octets: int, share_octets: int, purse_octets: int, reserve_octets: int = 0
    ) -> None:
        self.journal_octets: Final = journal_octets
        self.share_octets: Final = share_octets
        self.purse_octets: Final = purse_octets
        self.reserve_octets: Final = reserve_octets
