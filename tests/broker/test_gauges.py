"""leveret.broker.gauges: when alarms are set, when they are cleared, and how often it looks."""

import logging

import pytest
from tests.fakes import SECOND_NS, FakeClock, new_node
from tests.store.disk import FakeDisk

from leveret.broker.gauges import Gauges
from leveret.broker.node import Node
from leveret.ports import Memory

MB = 1_000_000
TOTAL = 1000 * MB


class FakeMemory(Memory):
    """``taken`` of ``total``, of which ``spare`` is given back when that is asked for."""

    def __init__(self, taken: int, total: int = TOTAL) -> None:
        super().__init__()
        self.taken = taken
        self.total = total
        self.spare = 0
        self.given_back = 0
        self.takes_s = 0.0
        self.asked = 0
        self.clock: FakeClock | None = None

    def resident_octets(self) -> int:
        self.asked += 1
        return self.taken

    def available_octets(self) -> int:
        return self.total

    def give_back(self) -> None:
        self.given_back += 1
        self.taken -= self.spare
        self.spare = 0
        if self.clock is not None:
            self.clock.pass_s(self.takes_s)


class CountingDisk(FakeDisk):
    """Counts how often it is asked; raises ``fault`` if there is one."""

    def __init__(self, room: int | None) -> None:
        super().__init__()
        self.room = room
        self.asked = 0
        self.fault: OSError | None = None

    def free_octets(self, folder: str) -> int:
        assert folder == "data"
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return super().free_octets(folder)


def begun(memory: Memory, disk: FakeDisk | None = None, **settings: object) -> Node:
    node = new_node(**settings)
    gauges = Gauges(node, memory)
    if disk is not None:
        gauges.watch_disk(disk, "data")
    gauges.begin()
    return node


def passed(node: Node, seconds: float, step_s: float = 0.1) -> None:
    """Let time pass in small steps, as a loop does."""
    clock = node.clock
    assert isinstance(clock, FakeClock)
    for _ in range(round(seconds / step_s)):
        clock.pass_s(step_s)
        node.keep_time()


def is_alarmed(node: Node) -> bool:
    return node.alarms.is_set


# --- memory -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("watermark", "limit"),
    [(0.6, 600 * MB), (0.25, 250 * MB), ("300MB", 300 * MB), (1.0, TOTAL), (0, 0)],
)
def test_the_alarm_is_set_above_the_watermark_only(watermark: object, limit: int) -> None:
    at = FakeMemory(max(limit, 1))
    assert begun(at, vm_memory_high_watermark=watermark).alarms.is_set == (limit == 0)
    node = begun(FakeMemory(limit + 1), vm_memory_high_watermark=watermark)
    assert node.alarms.reason == "low on memory"


def test_it_is_set_and_cleared_as_memory_comes_and_goes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leveret")
    memory = FakeMemory(100 * MB)
    node = begun(memory)
    passed(node, 5)
    assert not is_alarmed(node)
    memory.taken = 601 * MB
    passed(node, 1)
    assert is_alarmed(node)
    passed(node, 5)
    memory.taken = 600 * MB
    passed(node, 1)
    assert not is_alarmed(node)
    first, second = [record.getMessage() for record in caplog.records]
    assert first.startswith(
        "Memory runs low: the process takes 601.0 MB, the alarm is set at 600.0 MB"
        " (vm_memory_high_watermark = 0.6, of 1.0 GB).  Connections that publish are held"
    )
    assert second == (
        "There is enough memory again: the process takes 600.0 MB of 600.0 MB; publishers go on"
    )


def test_it_looks_the_more_often_the_closer_it_gets() -> None:
    looks = []
    for taken in (10 * MB, 600 * MB, 700 * MB):
        memory = FakeMemory(taken, 4 * TOTAL)
        node = begun(memory, vm_memory_high_watermark="650MB")
        before = memory.asked
        passed(node, 10, 0.05)
        looks.append(memory.asked - before)
    # An alarm is not looked at more often, but what is free is asked back each time.
    assert looks[0] in (15, 16, 17)
    assert looks[1] == 100
    assert looks[2] == 20


def test_the_limit_follows_the_setting_and_what_there_is() -> None:
    memory = FakeMemory(500 * MB)
    node = begun(memory)
    memory.total = 800 * MB
    passed(node, 1)
    assert is_alarmed(node)
    node.settings.take({"vm_memory_high_watermark": 0.9}, "test")
    passed(node, 1)
    assert not is_alarmed(node)


def test_what_is_free_and_only_kept_is_given_back_before_anybody_is_held() -> None:
    memory = FakeMemory(700 * MB)
    memory.spare = 200 * MB
    node = begun(memory)
    assert (is_alarmed(node), memory.given_back) == (False, 1)


def test_what_becomes_free_is_given_back_while_the_alarm_is_set() -> None:
    memory = FakeMemory(700 * MB)
    node = begun(memory)
    passed(node, 2)
    assert is_alarmed(node)
    memory.spare = 200 * MB
    passed(node, 1)
    assert not is_alarmed(node)


def test_giving_back_takes_a_small_part_of_the_time() -> None:
    memory = FakeMemory(700 * MB)
    node = new_node()
    assert isinstance(node.clock, FakeClock)
    memory.clock, memory.takes_s = node.clock, 1.0
    gauges = Gauges(node, memory)
    gauges.begin()
    passed(node, 15)
    assert memory.given_back == 1
    passed(node, 10)
    assert memory.given_back == 2


@pytest.mark.parametrize(("taken", "total"), [(0, TOTAL), (500 * MB, 0)])
def test_where_the_system_tells_nothing_there_is_no_alarm(
    taken: int, total: int, caplog: pytest.LogCaptureFixture
) -> None:
    node = begun(FakeMemory(taken, total), vm_memory_high_watermark=0.0)
    passed(node, 3)
    assert not is_alarmed(node)
    (record,) = caplog.records
    assert "does not tell how much memory is taken" in record.getMessage()


# --- the disk ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "octets"), [("50MB", 50 * MB), (1.5, 1500 * MB), (2000, 2000), (0, 0)]
)
def test_the_alarm_is_set_below_the_limit_only(limit: object, octets: int) -> None:
    enough = begun(FakeMemory(1), CountingDisk(octets), disk_free_limit=limit)
    assert not is_alarmed(enough)
    if octets > 0:
        node = begun(FakeMemory(1), CountingDisk(octets - 1), disk_free_limit=limit)
        assert node.alarms.reason == "low on disk"


def test_it_is_cleared_when_there_is_room_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leveret")
    disk = CountingDisk(40 * MB)
    node = begun(FakeMemory(1), disk)
    assert is_alarmed(node)
    disk.room = 50 * MB
    passed(node, 1)
    assert not is_alarmed(node)
    first, second = [record.getMessage() for record in caplog.records]
    assert first.startswith(
        "The disk is nearly full: 40.0 MB are free where data_dir is, data, the alarm is set below"
        " 50.0 MB (disk_free_limit = 50000000)."
    )
    assert second == "There is room on the disk again: 50.0 MB are free; publishers go on"


def test_the_disk_is_asked_the_more_often_the_less_is_free() -> None:
    counts = []
    for room in (1 << 40, 1050 * MB, 51 * MB, 0):
        disk = CountingDisk(room)
        node = begun(FakeMemory(1), disk)
        passed(node, 20, 0.05)
        counts.append(disk.asked)
    assert counts[0] == 3
    assert 8 <= counts[1] <= 12
    assert 150 <= counts[2] <= 201
    # 50 MB lack, which is looked at as often as 50 MB that are left; a lot that lacks less often.
    assert counts[3] == counts[2]
    disk = CountingDisk(0)
    passed(begun(FakeMemory(1), disk, disk_free_limit="1TB"), 20)
    assert 20 <= disk.asked <= 21


def test_a_disk_that_cannot_be_asked_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    disk = CountingDisk(1 << 40)
    disk.fault = OSError("no such folder")
    node = begun(FakeMemory(1), disk)
    passed(node, 60)
    assert not is_alarmed(node)
    (record,) = caplog.records
    assert "data, cannot be asked: no such folder" in record.getMessage()
    disk.fault = None
    disk.room = 0
    passed(node, 11)
    assert is_alarmed(node)


def test_the_end_of_one_alarm_says_when_there_are_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leveret")
    memory, disk = FakeMemory(700 * MB), CountingDisk(0)
    node = begun(memory, disk)
    assert node.alarms.reason == "low on disk & memory"
    memory.taken = 1
    passed(node, 1)
    assert (
        caplog.records[-1]
        .getMessage()
        .endswith("; publishers go on when the other alarms are over, too")
    )
    disk.room = None
    passed(node, 1)
    assert caplog.records[-1].getMessage().endswith("; publishers go on")
    assert not is_alarmed(node)


def test_between_looks_nothing_is_done() -> None:
    node = begun(FakeMemory(1))
    assert len(node.timetable) == 1
    passed(node, 30)
    assert len(node.timetable) == 1
    assert node.clock.now_ns() > 30 * SECOND_NS
