"""leveret.ports: what Linux tells of memory, read from files as it writes them."""

import os
from pathlib import Path

import pytest

from leveret.ports import Memory

MIB = 1 << 20
MEMINFO = "MemTotal:       16384 kB\nMemFree:  1000 kB\nMemAvailable:   1 kB\n"
NO_LIMIT = "9223372036854771712\n"


def machine(folder: Path, **files: str) -> Memory:
    """A machine whose files are these; two underscores stand for a slash."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Memory(str(folder))


def group(folder: Path, path: str, name: str, text: str) -> None:
    place = folder / "sys/fs/cgroup" / path
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text)


def test_what_the_process_takes_is_told_in_pages(tmp_path: Path) -> None:
    memory = machine(tmp_path, proc__self__statm="9000 1234 500 1 0 8000 0\n")
    assert memory.resident_octets() == 1234 * os.sysconf("SC_PAGE_SIZE")


def test_without_control_groups_all_the_memory_is_there(tmp_path: Path) -> None:
    assert machine(tmp_path, proc__meminfo=MEMINFO).available_octets() == 16 * MIB


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"": "max\n"}, 16 * MIB),
        ({"": "8388608\n"}, 8 * MIB),
        ({"a/b": "4194304\n", "a": "8388608\n"}, 4 * MIB),
        ({"a/b": "max\n", "a": "2097152\n"}, 2 * MIB),
        ({"a/b": "max\n", "a": "max\n"}, 16 * MIB),
        # More than there is does not make it more.
        ({"a/b": "1099511627776\n"}, 16 * MIB),
    ],
)
def test_a_group_of_version_2_may_allow_less(
    tmp_path: Path, limits: dict[str, str], expected: int
) -> None:
    memory = machine(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="0::/a/b\n")
    for path, text in limits.items():
        group(tmp_path, path, "memory.max", text)
    assert memory.available_octets() == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"": NO_LIMIT}, 16 * MIB),
        ({"a/b": "4194304\n", "": NO_LIMIT}, 4 * MIB),
        # In a container without a name space of its own the path is the host's.
        ({"": "1048576\n"}, MIB),
    ],
)
def test_a_group_of_version_1_may_allow_less(
    tmp_path: Path, limits: dict[str, str], expected: int
) -> None:
    groups = "9:name=systemd:/\n5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/\n"
    memory = machine(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup=groups)
    for path, text in limits.items():
        group(tmp_path, f"memory/{path}", "memory.limit_in_bytes", text)
    assert memory.available_octets() == expected


def test_where_there_are_no_such_files_nothing_is_known(tmp_path: Path) -> None:
    memory = Memory(str(tmp_path))
    assert (memory.resident_octets(), memory.available_octets()) == (0, 0)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_this_process_takes_something_of_this_machine() -> None:
    memory = Memory()
    before = memory.resident_octets()
    ballast = b"x" * (64 * MIB)
    assert memory.resident_octets() > before + 32 * MIB
    assert before + len(ballast) < memory.available_octets()
    memory.give_back()
