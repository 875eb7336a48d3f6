"""leveret.store.chunks."""

import pytest
from tests.store.disk import FakeDisk

from leveret.store.chunks import FILE_OCTETS, Chunks, Contents
from leveret.store.reading import Damage

FOLDER = "data/queues/1-0"


@pytest.fixture
def disk() -> FakeDisk:
    return FakeDisk()


@pytest.fixture
def chunks(disk: FakeDisk) -> Chunks:
    return Chunks(disk, FOLDER)


def test_chunks_are_read_in_the_order_they_were_written(chunks: Chunks) -> None:
    for number in range(3):
        chunks.write(b"%d" % number, Contents(number * 10, 10, 10, 10, 10))
    assert len(chunks) == 3
    assert [chunks.read() for _ in range(3)] == [b"0", b"1", b"2"]
    assert len(chunks) == 0


def test_a_file_is_removed_when_it_is_read_and_no_checkpoint_names_it(
    disk: FakeDisk, chunks: Chunks
) -> None:
    chunks.write(b"a", Contents(0, 1, 1, 1, 1))
    assert chunks.spent() == []
    chunks.read()
    spent = chunks.spent()
    assert len(disk.files) == 1
    chunks.forget(spent)
    assert not disk.files


def test_a_file_that_grew_again_is_kept(disk: FakeDisk, chunks: Chunks) -> None:
    chunks.write(b"a", Contents(0, 1, 1, 1, 1))
    chunks.read()
    spent = chunks.spent()
    chunks.write(b"b", Contents(1, 1, 1, 1, 1))
    chunks.forget(spent)
    assert chunks.read() == b"b"


def test_a_full_file_is_followed_by_another(disk: FakeDisk, chunks: Chunks) -> None:
    chunks.write(bytes(FILE_OCTETS), Contents(0, 1, 1, 1, 1))
    chunks.write(b"b", Contents(1, 1, 1, 1, 1))
    assert list(disk.files) == [f"{FOLDER}/00000001.seg", f"{FOLDER}/00000002.seg"]
    chunks.read()
    assert chunks.read() == b"b"


def test_what_a_checkpoint_names_is_taken_up_and_the_rest_removed(
    disk: FakeDisk, chunks: Chunks
) -> None:
    chunks.write(b"a", Contents(0, 1, 1, 1, 1))
    chunks.write(b"b", Contents(1, 1, 1, 1, 1))
    chunks.read()
    named = chunks.waiting()
    chunks.write(b"c", Contents(2, 1, 1, 1, 1))
    disk.create(f"{FOLDER}/00000009.seg")
    again = Chunks(disk, FOLDER)
    again.restore(named)
    assert again.read() == b"b"
    assert len(again) == 0
    assert list(disk.files) == [f"{FOLDER}/00000001.seg"]
    again.write(b"d", Contents(3, 1, 1, 1, 1))
    assert again.read() == b"d"


def test_a_damaged_chunk_is_refused(disk: FakeDisk, chunks: Chunks) -> None:
    chunks.write(b"abc", Contents(0, 1, 1, 1, 1))
    disk.files[f"{FOLDER}/00000001.seg"].octets[-1] ^= 1
    with pytest.raises(Damage, match="a chunk of messages is not whole"):
        chunks.read()


def test_a_missing_file_is_damage(disk: FakeDisk, chunks: Chunks) -> None:
    chunks.write(b"abc", Contents(0, 1, 1, 1, 1))
    named = chunks.waiting()
    with pytest.raises(Damage, match="the file is missing"):
        Chunks(FakeDisk(), FOLDER).restore(named)


def test_a_full_disk_changes_nothing(disk: FakeDisk, chunks: Chunks) -> None:
    chunks.write(b"abc", Contents(0, 1, 1, 1, 1))
    disk.room = 5
    with pytest.raises(OSError, match="No space left"):
        chunks.write(b"def", Contents(1, 1, 1, 1, 1))
    disk.room = None
    chunks.write(b"def", Contents(1, 1, 1, 1, 1))
    assert [chunks.read(), chunks.read()] == [b"abc", b"def"]


def test_a_queue_that_is_gone_leaves_nothing(disk: FakeDisk, chunks: Chunks) -> None:
    chunks.write(b"abc", Contents(0, 1, 1, 1, 1))
    chunks.destroy()
    assert not disk.files
    assert not disk.folders
