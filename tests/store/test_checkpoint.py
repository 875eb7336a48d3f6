"""leveret.store.checkpoint."""

import errno
import random

import pytest
from tests.store.disk import FakeDisk
from tests.store.workers import FakeWorker

from leveret.store.checkpoint import Checkpoint, read_checkpoint, sequences
from leveret.store.chunks import Chunks, Contents
from leveret.store.reading import Damage

FOLDER = "data"


def written(disk: FakeDisk, sequence: int, *parts: bytes) -> Checkpoint:
    checkpoint = Checkpoint(disk, FOLDER, sequence)
    for part in parts:
        checkpoint.add(part)
    checkpoint.finish([])
    worker = FakeWorker()
    worker.submit(checkpoint)
    worker.work()
    return checkpoint


def test_the_parts_are_read_back() -> None:
    disk = FakeDisk()
    assert written(disk, 7, b"one", b"two").is_done
    assert sequences(disk.names(FOLDER)) == [7]
    assert read_checkpoint(disk, FOLDER, 7) == [b"one", b"two"]


def test_one_that_comes_to_nothing_leaves_the_room_to_others() -> None:
    disk = FakeDisk()
    disk.room = 10
    with pytest.raises(OSError, match="No space"):
        Checkpoint(disk, FOLDER, 7)
    disk.room = 100
    checkpoint = Checkpoint(disk, FOLDER, 7)
    with pytest.raises(OSError, match="No space"):
        checkpoint.add(bytes(100))
    checkpoint.abandon()
    assert (disk.files, disk.room) == ({}, 100)
    disk.sync_error = OSError(errno.EIO, "Input/output error")
    written(disk, 7, b"one")
    assert (disk.files, disk.room) == ({}, 100)


def test_it_counts_only_when_it_is_synced() -> None:
    disk = FakeDisk()
    disk.sync_error = OSError(errno.EIO, "Input/output error")
    checkpoint = written(disk, 7, b"one")
    assert checkpoint.is_done
    assert checkpoint.error is not None
    assert sequences(disk.names(FOLDER)) == []


def test_what_it_names_is_synced_before() -> None:
    disk = FakeDisk()
    chunks = Chunks(disk, "data/queues/1-0")
    chunks.write(b"abc", Contents(0, 1, 3, 1, 3))
    checkpoint = Checkpoint(disk, FOLDER, 1)
    checkpoint.finish(chunks.unsynced())
    checkpoint.perform()
    checkpoint.done(None)
    assert chunks.unsynced() == []
    disk.crash(random.Random(0))
    assert sequences(disk.names(FOLDER)) == [1]


def test_older_ones_are_removed() -> None:
    disk = FakeDisk()
    written(disk, 1, b"one")
    written(disk, 2, b"two").remove_older()
    assert sequences(disk.names(FOLDER)) == [2]


@pytest.mark.parametrize("at", [0, 20, -1])
def test_damage_is_named(at: int) -> None:
    disk = FakeDisk()
    written(disk, 1, b"one", b"two")
    disk.files["data/checkpoint-00000001"].octets[at] ^= 1
    with pytest.raises(Damage, match="checkpoint-00000001 is damaged at octet"):
        read_checkpoint(disk, FOLDER, 1)
