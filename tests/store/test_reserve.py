"""leveret.store.reserve."""

import errno
import os
from pathlib import Path

import pytest
from tests.store.disk import FakeDisk

from leveret.ports import Disk
from leveret.store.reserve import NAME, Reserve, is_full

PATH = f"data/{NAME}"


def made(disk: FakeDisk, octets: int = 100) -> Reserve:
    reserve = Reserve(disk, "data", octets)
    reserve.make()
    return reserve


def test_it_takes_room_and_gives_it_back() -> None:
    disk = FakeDisk()
    disk.room = 250
    reserve = made(disk)
    assert (reserve.is_held, disk.room) == (True, 150)
    assert reserve.release()
    assert (reserve.is_held, disk.room) == (False, 250)
    assert not reserve.release()


def test_it_is_not_made_where_it_would_be_of_use_at_once() -> None:
    disk = FakeDisk()
    disk.room = 199
    reserve = made(disk)
    assert (reserve.is_held, disk.room, disk.files) == (False, 199, {})
    disk.room = 200
    assert reserve.make()
    assert reserve.make()
    assert disk.room == 100


def test_what_cannot_be_made_leaves_nothing() -> None:
    class Boasting(FakeDisk):
        def free_octets(self, folder: str) -> int:
            return 1000

    disk = Boasting()
    disk.room = 50
    reserve = made(disk)
    assert (reserve.is_held, disk.room, disk.files) == (False, 50, {})


def test_a_start_removes_what_a_crash_left() -> None:
    disk = FakeDisk()
    made(disk)
    again = Reserve(disk, "data", 100)
    again.clear_away()
    assert PATH not in disk.files
    again.clear_away()


def test_it_is_wanted_when_there_is_less_room_than_it_has() -> None:
    disk = FakeDisk()
    reserve = Reserve(disk, "data", 100)
    disk.room = 100
    assert not reserve.is_wanted()
    disk.room = 99
    assert reserve.is_wanted()


def test_there_may_be_none() -> None:
    disk = FakeDisk()
    disk.room = 0
    reserve = made(disk, 0)
    assert reserve.is_held
    assert not reserve.release()
    assert disk.files == {}


def test_the_room_is_really_taken(tmp_path: Path) -> None:
    reserve = Reserve(Disk(), str(tmp_path), 100_000)
    assert reserve.make()
    facts = (tmp_path / NAME).stat()
    assert facts.st_size == 100_000
    # Not a file with a hole.
    assert facts.st_blocks * 512 >= 100_000
    reserve.release()
    assert not (tmp_path / NAME).exists()


def test_room_is_taken_where_the_system_cannot_do_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert Reserve(Disk(), str(tmp_path), 5000).make()
    assert (tmp_path / NAME).stat().st_size == 5000


def test_only_want_of_room_is_a_full_disk() -> None:
    assert is_full(OSError(errno.ENOSPC, "full"))
    assert is_full(OSError(errno.EDQUOT, "quota"))
    assert not is_full(OSError(errno.EIO, "broken"))
