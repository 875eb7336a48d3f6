"""leveret.store.journal, and reading back what it wrote."""

import errno
import random

import pytest
from tests.store.disk import FakeDisk
from tests.store.workers import FakeWorker

from leveret.store.journal import Journal, Waiter
from leveret.store.reading import Damage, JournalReading, Reader, sequences
from leveret.store.troubles import Troubles

FOLDER = "data/journal"


class Listener(Waiter):
    def __init__(self) -> None:
        self.synced = 0

    def on_synced(self, number: int) -> None:
        self.synced = number


class Told(Troubles):
    def __init__(self) -> None:
        self.told: list[str] = []

    def on_disk_failed(self, error: OSError) -> None:
        self.told.append(f"failed: {error.strerror}")

    def on_disk_works(self) -> None:
        self.told.append("works")

    def on_unwritten(self, error: OSError) -> None:
        raise AssertionError("there is no queue here")

    def on_unreadable(self, error: Exception, count: int) -> None:
        raise AssertionError("there is no queue here")


class Payloads(Reader):
    def __init__(self) -> None:
        self.got: list[bytes] = []

    def on_batch(self, payload: bytes) -> None:
        self.got.append(payload)


class Bench:
    def __init__(self) -> None:
        self.disk = FakeDisk()
        self.worker = FakeWorker()
        self.listener = Listener()
        self.troubles = Told()
        self.journal = Journal(self.disk, FOLDER, self.worker, self.troubles, 1)
        self.journal.begin(1)

    def turn(self, payload: bytes) -> int:
        self.journal.out.write(payload)
        number = self.journal.owed
        self.journal.wait(number, self.listener)
        self.journal.end_turn()
        return number

    @property
    def has_sync(self) -> bool:
        return any(type(job).__name__ == "Sync" for job in self.worker.jobs)

    def read(self) -> tuple[list[bytes], JournalReading]:
        payloads = Payloads()
        reading = JournalReading(self.disk, FOLDER, payloads, 0)
        reading.read_all(1)
        return payloads.got, reading


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nobody_is_told_before_the_sync(bench: Bench) -> None:
    assert bench.turn(b"one") == 1
    assert bench.listener.synced == 0
    bench.worker.work()
    assert bench.listener.synced == 1


def test_what_is_written_during_a_sync_shares_the_next(bench: Bench) -> None:
    for payload in (b"one", b"two", b"three", b"four"):
        bench.turn(payload)
    assert len(bench.worker.jobs) == 1
    bench.worker.work(1)
    assert bench.listener.synced == 1
    bench.worker.work(1)
    assert bench.listener.synced == 4
    assert not bench.worker.jobs


def test_what_nobody_is_in_a_hurry_for_is_synced_a_moment_later(bench: Bench) -> None:
    for payload in (b"one", b"two"):
        bench.journal.out.write(payload)
        bench.journal.wait(bench.journal.owed, bench.listener, True)
        bench.journal.end_turn()
    bench.journal.out.write(b"three")
    bench.journal.end_turn()
    assert not bench.has_sync
    bench.worker.work(1)  # part of a moment passes
    assert not bench.has_sync
    bench.worker.work(1)  # and a whole one
    assert bench.has_sync
    assert bench.listener.synced == 0
    bench.worker.work()
    assert bench.listener.synced == 3


class ToldOtherwise(Listener):
    def still_waits(self) -> bool:
        return False


def test_what_nobody_waits_for_any_more_is_synced_many_moments_later(bench: Bench) -> None:
    bench.journal.out.write(b"one")
    bench.journal.wait(bench.journal.owed, ToldOtherwise(), True)
    bench.journal.end_turn()
    for _ in range(20):
        bench.worker.work(1)
        assert not bench.has_sync
    bench.journal.out.write(b"two")
    bench.journal.wait(bench.journal.owed, bench.listener, True)
    bench.journal.end_turn()
    bench.worker.work(1)
    assert not bench.has_sync
    bench.worker.work(1)
    assert bench.has_sync
    bench.worker.work()
    assert bench.listener.synced == 2


def test_what_nobody_waits_for_is_synced_at_last(bench: Bench) -> None:
    bench.journal.out.write(b"one")
    bench.journal.end_turn()
    bench.worker.work()
    assert bench.journal.synced == 1


def test_much_that_nobody_waits_for_is_synced_a_moment_later(bench: Bench) -> None:
    bench.journal.out.write(bytes(5 * 1024 * 1024))
    bench.journal.end_turn()
    bench.worker.work(1)
    assert bench.has_sync


def test_one_in_a_hurry_has_all_synced_at_once(bench: Bench) -> None:
    bench.journal.out.write(b"one")
    bench.journal.wait(bench.journal.owed, bench.listener, True)
    bench.journal.end_turn()
    assert not bench.has_sync
    bench.turn(b"two")
    assert bench.has_sync
    bench.worker.work()
    assert bench.listener.synced == 2


def test_a_turn_without_records_writes_nothing(bench: Bench) -> None:
    bench.journal.end_turn()
    assert bench.journal.owed == 0
    assert not bench.worker.jobs


def test_what_was_written_is_read_back_from_all_files(bench: Bench) -> None:
    bench.turn(b"one")
    assert bench.journal.roll() == 2
    bench.turn(b"two")
    bench.turn(b"three")
    got, reading = bench.read()
    assert got == [b"one", b"two", b"three"]
    assert reading.last_number == 3
    assert not reading.torn


def test_a_full_file_is_synced_before_the_next_counts(bench: Bench) -> None:
    bench.turn(b"one")
    bench.journal.roll()
    bench.turn(b"two")
    bench.worker.work()
    first = bench.disk.files[f"{FOLDER}/00000001.log"]
    assert first.safe == len(first.octets)
    assert not first.is_open
    assert bench.listener.synced == 2


def test_a_full_disk_confirms_nothing_and_loses_nothing(bench: Bench) -> None:
    bench.turn(b"one")
    bench.worker.work()
    bench.disk.room = 10
    bench.turn(b"two")
    bench.turn(b"three")
    bench.worker.work()
    assert bench.troubles.told == ["failed: No space left on device"]
    assert bench.listener.synced == 1
    bench.journal.retry()
    assert bench.journal.is_failing
    bench.disk.room = None
    bench.journal.retry()
    bench.worker.work()
    assert bench.troubles.told == ["failed: No space left on device", "works"]
    assert bench.listener.synced == 3
    got, reading = bench.read()
    assert got == [b"one", b"two", b"three"]
    assert not reading.torn


def test_what_a_failed_sync_may_have_lost_is_written_again(bench: Bench) -> None:
    bench.turn(b"one")
    bench.worker.work()
    bench.disk.sync_error = OSError(errno.EIO, "Input/output error")
    bench.turn(b"two")
    bench.turn(b"three")
    bench.worker.work()
    assert bench.listener.synced == 1
    bench.journal.retry()
    bench.worker.work()
    assert bench.listener.synced == 3
    assert bench.read()[0] == [b"one", b"two", b"three"]
    # The file that failed is read no further than what was synced, and nothing is missed.
    first = bench.disk.files[f"{FOLDER}/00000001.log"]
    del first.octets[first.safe :]
    assert bench.read()[0] == [b"one", b"two", b"three"]


def test_a_torn_tail_is_passed_over_and_reported(bench: Bench) -> None:
    bench.turn(b"one")
    bench.worker.work()
    bench.turn(b"two")
    file = bench.disk.files[f"{FOLDER}/00000001.log"]
    del file.octets[-1:]
    got, reading = bench.read()
    assert got == [b"one"]
    assert [torn.octets for torn in reading.torn] == [30]


def test_a_hole_among_unsynced_batches_is_no_damage(bench: Bench) -> None:
    for payload in (b"one", b"two", b"three"):
        bench.turn(payload)
    file = bench.disk.files[f"{FOLDER}/00000001.log"]
    at = file.octets.index(b"two")
    file.octets[at] ^= 1
    assert bench.read()[0] == [b"one"]


def test_a_hole_in_what_was_synced_is_damage(bench: Bench) -> None:
    for payload in (b"one", b"two"):
        bench.turn(payload)
    bench.worker.work()
    bench.turn(b"three")
    file = bench.disk.files[f"{FOLDER}/00000001.log"]
    at = file.octets.index(b"two")
    file.octets[at] ^= 1
    with pytest.raises(Damage, match=r"00000001\.log is damaged at octet 47: batch 2 is missing"):
        bench.read()


def test_another_version_is_refused(bench: Bench) -> None:
    bench.turn(b"one")
    bench.disk.files[f"{FOLDER}/00000001.log"].octets[15] = 9
    with pytest.raises(Damage, match="it has version 9 of the format"):
        bench.read()


def test_only_files_of_the_journal_count() -> None:
    assert sequences(["00000002.log", "x.log", "00000001.log", "checkpoint", ".log"]) == [1, 2]


def test_whatever_crashes_do_what_was_synced_is_read_back() -> None:
    for seed in range(300):
        _live_and_crash(random.Random(seed))


def _live_and_crash(rng: random.Random) -> None:
    bench = Bench()
    wrote: list[bytes] = []
    for _ in range(rng.randrange(1, 30)):
        action = rng.random()
        if action < 0.6:
            wrote.append(bytes([rng.randrange(256)]) * rng.randrange(1, 2000))
            bench.turn(wrote[-1])
        elif action < 0.85:
            bench.worker.work(1)
        elif action < 0.9 and not bench.journal.is_failing:
            bench.journal.roll()
        elif action < 0.94:
            bench.disk.room = rng.randrange(3000)
        elif action < 0.97:
            bench.disk.sync_error = OSError(errno.EIO, "Input/output error")
        else:
            bench.disk.room = None
            bench.journal.retry()
    synced = bench.journal.synced
    bench.disk.crash(rng)
    got, _ = bench.read()
    assert got == wrote[: len(got)]
    assert len(got) >= synced


def test_who_waits_for_a_batch_that_stays_empty_waits_for_the_one_before(bench: Bench) -> None:
    bench.turn(b"one")
    bench.journal.wait(bench.journal.number, bench.listener)
    bench.journal.end_turn()
    assert bench.listener.synced == 0
    bench.worker.work()
    assert bench.listener.synced == 1
    other = Listener()
    bench.journal.wait(bench.journal.number, other)
    bench.journal.end_turn()
    assert other.synced == 1
