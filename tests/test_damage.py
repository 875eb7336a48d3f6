"""Damaged folders: the broker refuses and says where; ``leveret store`` finds it all and saves the
rest."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.wire import Typed, Wire

import leveret
from leveret.cli.main import leveret as command
from leveret.repair import Checkup
from leveret.vault import VaultError

SIZES = {"journal_size": 1 << 20, "queue_memory": 1 << 16}
PERSISTENT = {"delivery_mode": 2}
LONG = [b"%04d" % number + bytes(10_000) for number in range(300)]
LATE = [b"late %d" % number for number in range(20)]
Contents = dict[str, list[bytes]]


def publish(wire: Wire, queue: str, bodies: list[bytes]) -> None:
    for body in bodies:
        wire.publish("", queue, body, PERSISTENT)
        wire.expect("basic.ack")


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a crash left: a checkpoint with several parts, a journal after it, and chunks."""
    home = tmp_path_factory.mktemp("damage")
    live = leveret.Broker(data_dir=home / "live", settings=SIZES)
    with live as broker, Wire(port=broker.port) as wire:
        wire.open()
        wire.call("confirm.select")
        for name in ("long", "late", "few"):
            wire.call("queue.declare", queue=name, durable=True)
        wire.call(
            "queue.declare",
            queue="ranked",
            durable=True,
            arguments={"x-max-priority": Typed("I", 3)},
        )
        for number in range(40):
            wire.call("queue.declare", queue=f"wide-{number}", durable=True)
            publish(wire, f"wide-{number}", [bytes(20_000)])
        publish(wire, "few", [b"a", b"b", b"c"])
        publish(wire, "long", LONG)
        publish(wire, "late", LATE)
        shutil.copytree(home / "live", home / "crashed")
    return home / "crashed"


@pytest.fixture
def folder(crashed: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(crashed, tmp_path / "data"))


def read_back(folder: Path) -> Contents:
    """What a broker finds in its queues."""
    found: Contents = {}
    with leveret.Broker(data_dir=folder, settings=SIZES) as broker:
        names = broker.call(lambda node: sorted(node.vhosts["/"].queues))
        with Wire(port=broker.port) as wire:
            wire.open()
            for name in names:
                found[name] = []
                while True:
                    got = wire.call("basic.get", queue=name, no_ack=True)
                    if got.name != "basic.get-ok":
                        break
                    found[name].append(got.body)
    return found


def refusal(folder: Path) -> str:
    """Why no broker starts there."""
    with pytest.raises(VaultError) as caught:
        leveret.Broker(data_dir=folder, settings=SIZES).start()
    return str(caught.value)


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(command, ["store", *[str(one) for one in arguments]])
    return done.exit_code, done.output


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def cut(path: Path, at: int) -> None:
    path.write_bytes(path.read_bytes()[:at])


def scribble(path: Path, at: int, size: int = 100) -> None:
    data = bytearray(path.read_bytes())
    data[at : at + size] = b"\xaa" * len(data[at : at + size])
    path.write_bytes(data)


def remove(path: Path, at: int) -> None:
    path.unlink()


Damage = Callable[[Path, int], None]
EVERY: list[Damage] = [flip, cut, scribble, remove]


def checkpoint_of(folder: Path) -> Path:
    return max(folder.glob("checkpoint-0*"))


def journal_of(folder: Path) -> Path:
    return folder / "journal" / (checkpoint_of(folder).name.removeprefix("checkpoint-") + ".log")


def last_chunks_of(folder: Path) -> Path:
    """The file that the long queue's chunks are in."""
    return max(folder.glob("queues/1-0/*.seg"), key=lambda path: path.stat().st_size)


def places(path: Path) -> list[int]:
    size = path.stat().st_size
    return [0, 20, size // 3, size // 2, size * 4 // 5]


def expect_rest(found: Contents, whole: Contents) -> None:
    """Nothing that was not there, nothing twice, nothing in another order."""
    for name, bodies in found.items():
        known = whole.get(name)
        if known is not None:
            rest = iter(known)
            assert all(body in rest for body in bodies), name


@pytest.fixture(scope="module")
def whole(crashed: Path, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What is in the queues when nothing is damaged."""
    copy = tmp_path_factory.mktemp("whole") / "data"
    found = read_back(Path(shutil.copytree(crashed, copy)))
    assert found["long"] == LONG
    assert found["late"] == LATE
    return found


def test_a_crash_is_no_damage(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert run("check", folder) == (0, f"{folder} is sound\n")
    assert run("repair", folder)[0] == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("damage", EVERY, ids=lambda one: str(one.__name__))
@pytest.mark.parametrize("place", range(5))
def test_a_damaged_checkpoint(folder: Path, whole: Contents, damage: Damage, place: int) -> None:
    path = checkpoint_of(folder)
    damage(path, places(path)[place])
    told = refusal(folder)
    assert "'leveret store repair'" in told
    status, listed = run("check", folder)
    assert status == 1
    assert "octet" in listed
    if damage is not remove:
        assert re.search(rf"{path} is damaged at octet \d+", told)
        assert f"{path}, octet" in listed
    status, said = run("repair", folder)
    assert status == 0, said
    assert Checkup(str(folder)).damage == []
    found = read_back(folder)
    expect_rest(found, whole)
    # What the journal and the chunks tell is there.
    assert found["late"] == LATE
    assert found["long"][-5:] == LONG[-5:]
    assert set(found) == set(whole)


def batches_of(path: Path) -> list[int]:
    return [found.start() for found in re.finditer(b"LVRB", path.read_bytes())]


@pytest.mark.parametrize("damage", [flip, scribble])
@pytest.mark.parametrize("which", [1, 5, -6])
def test_a_damaged_journal(folder: Path, whole: Contents, damage: Damage, which: int) -> None:
    path = journal_of(folder)
    at = batches_of(path)[which]
    damage(path, at + 9)
    told = refusal(folder)
    assert f"{path} is damaged at octet {at}" in told
    status, listed = run("check", folder)
    assert status == 1
    assert f"{path}, octet {at}: " in listed
    status, said = run("repair", folder)
    assert "Lost of the journal" in said
    assert Checkup(str(folder)).damage == []
    found = read_back(folder)
    expect_rest(found, whole)
    lost = [body for name in whole for body in whole[name] if body not in found[name]]
    assert lost
    # One batch is one message here; a scribble page may take several.
    assert len(lost) == 1 or damage is scribble
    assert list((folder / "damaged-1").glob("journal-*.log"))


def test_a_journal_cut_short_is_what_a_crash_leaves(folder: Path, whole: Contents) -> None:
    path = journal_of(folder)
    at = batches_of(path)[-3]
    cut(path, at + 30)
    status, listed = run("check", folder)
    assert status == 0
    assert f"{path}, octet {at}: " in listed
    found = read_back(folder)
    expect_rest(found, whole)
    assert found["late"] == LATE[:-3]


def test_a_missing_journal(folder: Path, whole: Contents) -> None:
    path = journal_of(folder)
    path.unlink()
    assert f"{path} is damaged at octet 0: the file is missing" in refusal(folder)
    assert f"{path}, octet 0: the file is missing" in run("check", folder)[1]
    assert run("repair", folder)[0] == 0
    assert Checkup(str(folder)).damage == []
    found = read_back(folder)
    expect_rest(found, whole)
    assert found["few"] == [b"a", b"b", b"c"]


@pytest.mark.parametrize("damage", EVERY, ids=lambda one: str(one.__name__))
@pytest.mark.parametrize("place", range(5))
def test_damaged_chunks(folder: Path, whole: Contents, damage: Damage, place: int) -> None:
    path = last_chunks_of(folder)
    stock = Checkup(str(folder)).stock
    named = [chunk for _, walk in stock.parts for one in walk.named for chunk in one.chunks]
    assert len(named) > 5
    chunk = named[place * (len(named) - 1) // 4]
    damage(path, chunk.at + 100)
    if damage in (cut, remove):
        # What is missing is seen at once, what was changed when it is read.
        assert str(path) in refusal(folder)
    status, listed = run("check", folder)
    assert status == 1
    assert f"{path}, octet {chunk.at}: " in listed
    status, said = run("repair", folder)
    assert re.search(r"Lost of queue 'long' in vhost '/': \d+ messages", said)
    assert Checkup(str(folder)).damage == []
    found = read_back(folder)
    expect_rest(found, whole)
    assert {**found, "long": []} == {**whole, "long": []}
    gone = len(LONG) - len(found["long"])
    told = [int(count) for count in re.findall(r"'/': (\d+) messages", said)]
    assert gone == sum(told)


@pytest.mark.parametrize("way", ["missing", "empty", "garbage", "header", "pages"])
def test_a_damaged_catalog(folder: Path, whole: Contents, way: str) -> None:
    path = folder / "catalog.sqlite"
    # All of it in one file.
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    size = path.stat().st_size
    if way == "missing":
        path.unlink()
    elif way == "empty":
        path.write_bytes(b"")
    elif way == "garbage":
        path.write_bytes(b"not a database" * 1000)
    elif way == "header":
        flip(path, 3)
    else:
        scribble(path, size // 4096 // 2 * 4096, 4096)
    status, listed = run("check", folder)
    assert status == 1
    assert f"{path}, octet " in listed
    if way != "pages":
        told = refusal(folder)
        assert f"The catalog {path} cannot be used" in told
        assert "'leveret store repair'" in told
    status, said = run("repair", folder)
    assert status == 0, said
    assert Checkup(str(folder)).damage == []
    with leveret.Broker(data_dir=folder, settings=SIZES) as broker:
        counts = broker.call(
            lambda node: sorted(queue.ready_count for queue in node.vhosts["/"].queues.values())
        )
        users = broker.call(lambda node: len(node.users.by_name))
    messages = [len(bodies) for bodies in whole.values() if bodies]
    assert sorted(count for count in counts if count) == sorted(messages)
    assert users == 1 or "No user could be read" in said


def test_a_catalog_that_makes_no_sense_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "catalog.sqlite") as database:
        database.execute("UPDATE queues SET facts = '{}'")
    database.close()
    assert "it makes no sense" in refusal(folder)


def test_a_catalog_from_before_there_were_retained_messages_is_whole(folder: Path) -> None:
    with sqlite3.connect(folder / "catalog.sqlite") as database:
        database.execute("DROP TABLE retained")
    database.close()
    status, said = run("check", folder)
    assert status == 0, said


def test_stat_tells_what_is_there(folder: Path) -> None:
    status, said = run("stat", folder, "--json")
    assert status == 0, said
    told = json.loads(said)
    queues = {queue["name"]: queue for queue in told["queues"]}
    assert queues["long"]["messages"] == 300
    assert queues["long"]["message_bytes"] == 300 * 10_004
    assert 0 < queues["long"]["messages_paged_out"] <= 300
    assert queues["long"]["file_bytes_living"] > 1_000_000
    assert queues["late"]["messages"] == 20
    assert told["journal_bytes"] > 0
    status, table = run("stat", "--data-dir", folder)
    assert re.search(r"^/ +long +classic +300 ", table, re.MULTILINE)


def test_stat_changes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    run("stat", folder)
    run("check", folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_folder_in_use_may_be_looked_at_only(tmp_path: Path) -> None:
    with leveret.Broker(data_dir=tmp_path) as broker:
        with Wire(port=broker.port) as wire:
            wire.open()
            wire.call("queue.declare", queue="q", durable=True)
        assert run("check", tmp_path)[0] == 69
        assert run("repair", tmp_path)[0] == 69
        status, said = run("stat", tmp_path)
    assert status == 0, said
    assert "the figures are of a moment" in said


@pytest.mark.parametrize("name", ["stat", "check", "repair"])
def test_another_folder_is_refused(tmp_path: Path, name: str) -> None:
    status, said = run(name, tmp_path)
    assert status == 69
    assert "is no data folder of leveret" in said
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_queue_that_is_no_more_are_removed(folder: Path, whole: Contents) -> None:
    left = folder / "queues" / "9999-0"
    left.mkdir()
    (left / "00000001.seg").write_bytes(b"what a crash left")
    assert "of queues that are no more" in run("stat", folder)[1]
    assert read_back(folder) == whole
    assert not left.exists()
