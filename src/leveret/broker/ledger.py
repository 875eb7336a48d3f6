"""The journal as those see it who publish messages: one record for all queues that keep one."""

from typing import Final, final

from leveret.broker.message import Message
from leveret.broker.queue import Queue
from leveret.broker.record import Book, QueueRecord
from leveret.broker.records import PUBLISHED, write_entry
from leveret.octets import write_i64, write_u16, write_u32
from leveret.store.journal import Journal


@final
class Ledger:
    """Writes messages down.  Where there is none, nothing outlives the process."""

    def __init__(self, book: Book) -> None:
        self._book: Final = book
        self.journal: Final[Journal] = book.journal
        # How much the last message took.
        self.last_octets = 0

    def published(self, message: Message, queues: list[Queue]) -> int:
        """Write ``message``, which ``queues`` were just given, for those that keep it.

        The number of the batch that must be on the disk for it to be safe, 0 if nobody keeps it.
        Hot.
        """
        is_persistent = message.properties.is_persistent
        keeping = 0
        for queue in queues:
            record = queue.record
            if record is None or not (is_persistent or record.keeps_all):
                continue
            if record.kept_offset >= 0:
                keeping += 1
        if keeping == 0:
            return 0
        out = self.journal.out
        before = len(out)
        out.append(PUBLISHED)
        write_u16(out, keeping)
        for queue in queues:
            record = queue.record
            if record is None or not (is_persistent or record.keeps_all):
                continue
            if record.kept_offset >= 0:
                write_u32(out, record.number)
                write_i64(out, record.kept_offset)
                write_i64(out, self._book.date_ms(record.kept_due_ns))
        write_entry(out, message, 0, 0)
        self.last_octets = len(out) - before
        return self.journal.number

    def let_linger(self, record: QueueRecord) -> None:
        """What was just published to the queue of ``record`` is likely to be done very soon.

        So nobody minds if it is written a moment later, together with its end.
        """
        record.be_quick()
        self.journal.patient_octets += self.last_octets
