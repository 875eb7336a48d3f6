"""All that outlives the process, put together: the catalog, and the shelf with the journal.

::

    data_dir/
      lock                    held as long as the broker runs: two would spoil each other's files
      catalog.sqlite          what is declared
      reserve                 room to go on with when the disk is full
      checkpoint-00000007     what was in the queues when the journal's file 7 was begun
      journal/00000007.log    what happened since
      queues/<number>-<line>/ the middles of long lines

A turn of the loop ends here before it ends for the sockets: first what was declared is on its way
to the catalog, then what was published and settled to the journal.  Nobody is told of a batch of
the journal that relies on declarations which are not committed yet.
"""

from typing import Final, final

from leveret.broker.alarms import DISK, Alarms
from leveret.broker.cataloguer import Cataloguer
from leveret.broker.node import Node
from leveret.broker.shelf import Shelf
from leveret.errors import BrokerError
from leveret.notices import Notices
from leveret.ports import Clock
from leveret.store.catalog import Catalog, Commits, CommitWaiter, Scribe
from leveret.store.journal import NO_LIMIT
from leveret.store.reading import JournalReading
from leveret.store.troubles import Troubles

_RETRY_NS: Final = 1_000_000_000
# While the disk is nearly full, a checkpoint this often removes what is of no use any more.
_TIDY_NS: Final = 5_000_000_000
# How long nothing more is said of messages that stay in memory.
_SILENCE_NS: Final = 10_000_000_000
# The cause of the node's alarm while the journal cannot be written.
_FAILING: Final = "the disk takes nothing"
# The same while the catalog cannot be.
_UNDECLARED: Final = "the catalog takes nothing"
# The same while there is no room for the reserve.
_SPENT: Final = "the reserve is used up"


@final
class DiskWatch(Troubles):
    """Tells the log what the disk does not do, and has publishers wait until it does."""

    def __init__(self, notices: Notices, clock: Clock) -> None:
        self._notices: Final = notices
        self._clock: Final = clock
        self._told_at_ns = 0
        # Those of the node, once there is one.
        self.alarms: Alarms | None = None

    def on_disk_failed(self, error: OSError) -> None:
        """Nothing is confirmed until it works again."""
        self._notices.warn(
            f"The disk takes nothing: {error}.  Nothing durable is confirmed until it does again;"
            " consumers go on, publishers are held, nothing that was confirmed is lost"
        )
        if self.alarms is not None:
            self.alarms.set(_FAILING, DISK)

    def on_disk_works(self) -> None:
        """What was held back is written."""
        self._notices.inform("The disk works again: what was held back is being confirmed")
        if self.alarms is not None:
            self.alarms.clear(_FAILING)

    def on_unwritten(self, error: OSError) -> None:
        """Messages stay in memory.  Told now and then: it is tried with every message."""
        now_ns = self._clock.now_ns()
        if self._told_at_ns > 0 and now_ns - self._told_at_ns < _SILENCE_NS:
            return
        self._told_at_ns = now_ns
        self._notices.warn(f"A long queue stays in memory, for the disk takes nothing: {error}")

    def on_unreadable(self, error: Exception, count: int) -> None:
        """Messages are passed over."""
        self._notices.warn(f"{count} messages of a long queue are passed over: {error}")


@final
class Gate(CommitWaiter):
    """Opens the journal for batches that rely on transaction ``number`` of the catalog."""

    def __init__(self, storage: "Storage") -> None:
        self._storage: Final = storage

    def on_committed(self, number: int) -> None:
        """Open it."""
        self._storage.on_committed(number)


@final
class Rest(CommitWaiter):
    """Has scribes asked again when a transaction with something of theirs is on the disk."""

    def __init__(self, storage: "Storage") -> None:
        self._storage: Final = storage

    def on_committed(self, number: int) -> None:
        """Ask them."""
        self._storage.ask_scribes()


@final
class Storage(Commits):
    """Of one node, from its start to its end."""

    def __init__(self, node: Node, shelf: Shelf, catalog: Catalog, clock: Clock) -> None:
        super().__init__()
        self._shelf: Final = shelf
        self._catalog: Final = catalog
        self._alarms: Final = node.alarms
        self._notices: Final = node.notices
        self._clock: Final = clock
        self._cataloguer: Final = Cataloguer(node, catalog, self)
        self._gate: Final = Gate(self)
        self._rest: Final = Rest(self)
        self._scribes: Final[list[Scribe]] = []
        # Transactions under way, each with the first batch of the journal that relies on it.
        self._gates: list[tuple[int, int]] = []
        self._retry_at_ns = 0
        self._refill_at_ns = 0
        self._tidy_at_ns = 0
        # The batch that the last such checkpoint began with: nothing happened since, while it is.
        self._tidied = 0
        node.events.listen(self._cataloguer)

    def recover(self, is_first_start: bool) -> JournalReading:
        """Make what there was.  Raises CatalogError, Damage, OSError."""
        self._shelf.reserve.clear_away()
        if is_first_start:
            self._cataloguer.note_all()
        else:
            self._restore()
        reading = self._shelf.checkpoints.recover()
        if not self._shelf.reserve.make():
            self._hold_for_reserve()
        return reading

    def _restore(self) -> None:
        try:
            self._cataloguer.restore()
        except BrokerError as refused:
            raise self._catalog.makes_no_sense(refused.detail) from None
        except (LookupError, ValueError, TypeError, AssertionError) as error:
            raise self._catalog.makes_no_sense(f"{type(error).__name__} {error}") from None

    # --- turns -----------------------------------------------------------------------------

    def wait_for_commit(self, waiter: CommitWaiter) -> None:
        """Tell ``waiter`` when what was declared in this turn is on the disk."""
        # Not at the end of the turn: another commit may end, and the next begin, before that.
        self._write_changes()
        self.ask_scribes()
        self._catalog.wait(self._catalog.number, waiter)

    def kept(self, kind: str) -> list[tuple[list[str], dict[str, object]]]:
        """What there is of ``kind`` in the catalog."""
        return self._catalog.rows(kind)

    def enlist(self, scribe: Scribe) -> None:
        """Ask ``scribe`` for its changes from now on."""
        self._scribes.append(scribe)

    def ask_scribes(self) -> None:
        """Hand what they have to the catalog."""
        has_written = False
        for scribe in self._scribes:
            if scribe.has_changes:
                scribe.write(self._catalog)
                has_written = True
        if has_written:
            # What changes meanwhile is written after that.
            self._catalog.wait(self._catalog.number, self._rest)

    def end_turn(self) -> bool:
        """Write what happened in this turn.  Whether there is more to write in the next."""
        journal = self._shelf.journal
        self._write_changes()
        if self._scribes and self._catalog.is_ready:
            self.ask_scribes()
        self._catalog.end_turn()
        self._shelf.checkpoints.end_turn()
        if self._alarms.is_set:
            self._tidy()
        if self._catalog.is_failing != self._alarms.has(_UNDECLARED):
            self._on_catalog_changed()
        if journal.is_failing or self._catalog.is_failing:
            self._retry()
        elif not self._shelf.reserve.is_held:
            self._refill()
        return self._shelf.checkpoints.has_more

    def _write_changes(self) -> None:
        """Hand what was declared to the catalog, and have the journal wait for it."""
        if not self._cataloguer.has_changes:
            return
        journal = self._shelf.journal
        number = self._catalog.number
        self._cataloguer.write()
        if not self._gates or self._gates[-1][0] != number:
            self._gates.append((number, journal.number))
            self._catalog.wait(number, self._gate)
            journal.set_limit(self._gates[0][1] - 1)

    def on_committed(self, number: int) -> None:
        """Transactions up to ``number`` are on the disk."""
        while self._gates and self._gates[0][0] <= number:
            self._gates.pop(0)
        self._shelf.journal.set_limit(self._gates[0][1] - 1 if self._gates else NO_LIMIT)

    def _tidy(self) -> None:
        """Make room of what was consumed: without it, who consumes would not end the alarm."""
        journal = self._shelf.journal
        if DISK not in self._alarms.resources or journal.number == self._tidied:
            return
        now_ns = self._clock.now_ns()
        if now_ns >= self._tidy_at_ns and self._shelf.checkpoints.is_idle:
            self._tidy_at_ns = now_ns + _TIDY_NS
            self._tidied = journal.number
            self._shelf.checkpoints.begin()

    def _on_catalog_changed(self) -> None:
        """It fails, or works again.  Nothing is confirmed that relies on what it does not take."""
        if self._catalog.is_failing:
            self._notices.warn(
                f"The catalog cannot be written: {self._catalog.failure}.  What is declared is not"
                " confirmed until it can be; consumers go on, publishers are held"
            )
            self._alarms.set(_UNDECLARED, DISK)
        else:
            self._notices.inform("The catalog can be written again")
            self._alarms.clear(_UNDECLARED)

    def _retry(self) -> None:
        now_ns = self._clock.now_ns()
        if now_ns >= self._retry_at_ns:
            self._retry_at_ns = now_ns + _RETRY_NS
            if self._is_full() and self._shelf.reserve.release():
                self._hold_for_reserve()
            self._shelf.journal.retry()
            self._catalog.retry()

    def _is_full(self) -> bool:
        """Whether it is for want of room that something cannot be written."""
        if self._shelf.journal.is_full:
            return True
        # What the catalog's database says of a full disk depends on where it notices.
        return self._catalog.is_failing and self._shelf.reserve.is_wanted()

    def _hold_for_reserve(self) -> None:
        """Let nobody fill the room that consumers need."""
        size = f"{self._shelf.reserve.octets / 1e6:.1f} MB"
        self._notices.warn(
            "The disk is full: what room there is left is for noting what is consumed, and"
            f" publishers are held until {size} can be set aside again.  Consume, purge or delete"
            " queues, or make room on the disk"
        )
        self._alarms.set(_SPENT, DISK)

    def _refill(self) -> None:
        now_ns = self._clock.now_ns()
        if now_ns < self._refill_at_ns:
            return
        self._refill_at_ns = now_ns + _RETRY_NS
        if self._shelf.reserve.make():
            self._notices.inform("There is room on the disk again")
            self._alarms.clear(_SPENT)

    # --- the end ---------------------------------------------------------------------------

    def begin_checkpoint(self) -> None:
        """Have the next start find all in one place."""
        self._shelf.checkpoints.begin()

    @property
    def is_idle(self) -> bool:
        """Whether all that happened is on the disk, and no checkpoint is under way."""
        journal = self._shelf.journal
        is_written = (
            journal.owed <= journal.synced and self._catalog.owed <= self._catalog.committed
        )
        for scribe in self._scribes:
            if scribe.has_changes:
                return False
        return is_written and not self._cataloguer.has_changes and self._shelf.checkpoints.is_idle
