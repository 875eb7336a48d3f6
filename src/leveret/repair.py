"""Checking and repairing the data folder of a broker that does not run."""

import os
import shutil
from typing import Final, final

from leveret.broker.inventory import Inventory
from leveret.broker.rescue import Rescue
from leveret.ports import Disk
from leveret.store.catalog import CATALOG, Catalog, Change
from leveret.store.glass import Glass, Idler
from leveret.store.inspection import Fault
from leveret.store.journal import SUFFIX
from leveret.store.salvage import LEFTOVERS, CatalogScan
from leveret.tables import INT32, Field, Table, table_octets

_ASIDE: Final = "damaged-"
_UNFINISHED: Final = "catalog.new"
# Of queues of which nothing is known but their messages.
RECOVERED: Final = "recovered."
_DEFAULT_VHOST: Final = "/"
_PRIORITIES: Final = 31


@final
class Checkup:
    """Everything in ``folder``, read.  Raises OSError."""

    def __init__(self, folder: str) -> None:
        self.folder: Final = folder
        self.catalog: Final = CatalogScan(f"{folder}/{CATALOG}")
        self.stock: Final = Inventory(Glass(), folder)
        every = self.catalog.faults + self.stock.faults
        self.damage: Final[list[Fault]] = [fault for fault in every if not fault.is_torn]
        self.torn: Final[list[Fault]] = [fault for fault in every if fault.is_torn]
        self.names: Final[dict[int, str]] = {}
        for kind in ("queue", "exchange"):
            for key, facts in self.catalog.parsed(f"{kind}s"):
                number = facts.get("number", 0)
                if isinstance(number, int) and number > 0 and len(key) == 2:
                    self.names[number] = f"{kind} '{key[1]}' in vhost '{key[0]}'"

    def name(self, number: int) -> str:
        """What a queue is called, for people."""
        return self.names.get(number, f"a queue without a name (number {number})")


@final
class Repair:
    """One repair, after ``checkup``; ``said`` tells what was saved and lost.  Raises OSError.

    What is damaged is moved aside, to ``aside``; nothing is deleted.
    """

    def __init__(self, checkup: Checkup) -> None:
        self._checkup: Final = checkup
        self._folder: Final = checkup.folder
        self._rescue: Final = Rescue(Glass(), checkup.folder, checkup.stock)
        self.aside: Final = _free_name(f"{checkup.folder}/{_ASIDE}")
        self.said: Final[list[str]] = []

    def perform(self) -> None:
        """Do it."""
        os.mkdir(self.aside, 0o700)
        damaged = {fault.path for fault in self._checkup.damage}
        if self._checkup.catalog.path in damaged:
            self._renew_catalog()
        if damaged - {self._checkup.catalog.path}:
            self._renew_messages()

    # --- the catalog -----------------------------------------------------------------------

    def _renew_catalog(self) -> None:
        rows = {kind: list(found) for kind, found in self._checkup.catalog.rows.items()}
        changes = [Change.of_row(kind, row) for kind in rows for row in rows[kind]]
        saved = [f"{len(found)} {kind}" for kind, found in rows.items() if found]
        self.said.append(f"Of the catalog were saved: {', '.join(saved) or 'nothing'}")
        vhosts = {key[0] for key, _ in self._checkup.catalog.parsed("vhosts")}
        if not vhosts:
            vhosts.add(_DEFAULT_VHOST)
            changes.append(_vhost_row(_DEFAULT_VHOST))
        changes.extend(self._lost_queues(sorted(vhosts)[0]))
        for vhost in self._vhosts_in_use() - vhosts:
            changes.append(_vhost_row(vhost))
            self.said.append(f"Vhost '{vhost}' is there again, with what could be read of it")
        if not rows["users"]:
            self.said.append(
                "No user could be read: nobody may enter until definitions with users are"
                " imported, with the setting load_definitions"
            )
        path = f"{self._folder}/{_UNFINISHED}"
        for ending in LEFTOVERS:
            if os.path.exists(path + ending):
                os.unlink(path + ending)
        catalog = Catalog(path, Idler())
        catalog.write(changes)
        catalog.close()
        for ending in LEFTOVERS:
            self._move_aside(CATALOG + ending)
        os.rename(path, f"{self._folder}/{CATALOG}")
        Disk().sync_folder(self._folder)

    def _vhosts_in_use(self) -> set[str]:
        scan = self._checkup.catalog
        kinds = (
            *("queues", "exchanges", "bindings", "policies", "operator_policies", "parameters"),
            "retained",
        )
        return {key[0] for kind in kinds for key, _ in scan.parsed(kind)}

    def _lost_queues(self, vhost: str) -> list[Change]:
        """Queues that have messages, and are not in the catalog any more."""
        changes: list[Change] = []
        for number, is_gone in sorted(self._rescue.told.items()):
            if is_gone or number in self._checkup.names:
                continue
            name = f"{RECOVERED}{number}"
            # Harmless where it had none: so messages of any priority are found.
            arguments: Table = {"x-max-priority": Field(INT32, _PRIORITIES)}
            facts: dict[str, object] = {"number": number, "type": "classic"}
            facts |= {"auto_delete": False, "arguments": table_octets(arguments).hex()}
            changes.append(Change("queues", (vhost, name), facts))
            self.said.append(
                f"A queue whose name is lost (number {number}) is '{name}' in vhost '{vhost}' now"
            )
        return changes

    # --- messages --------------------------------------------------------------------------

    def _renew_messages(self) -> None:
        checkup, rescue = self._checkup, self._rescue
        Rescue(Disk(), self._folder, checkup.stock).write()
        for path in checkup.stock.bad_files:
            name = path.removeprefix(f"{self._folder}/").replace("/", "-")
            shutil.copyfile(path, f"{self.aside}/{name}")
        for name in os.listdir(self._folder):
            number = name.removeprefix("checkpoint-")
            if name != number and number.isdigit() and int(number) < rescue.sequence:
                self._move_aside(name)
        for name in os.listdir(f"{self._folder}/journal"):
            number = name.removesuffix(SUFFIX)
            if name != number and number.isdigit() and int(number) < rescue.sequence:
                self._move_aside(f"journal/{name}")
        self._say_what_is_lost()

    def _say_what_is_lost(self) -> None:
        checkup, rescue = self._checkup, self._rescue
        lost: dict[int, int] = {}
        for named, chunk in checkup.stock.lost:
            count = chunk.contents.durable_count
            lost[named.queue] = lost.get(named.queue, 0) + count
            first = chunk.contents.first
            self.said.append(
                f"Lost of {checkup.name(named.queue)}: {count} messages from offset {first} on"
            )
        strays = {stray.queue for stray in rescue.strays}
        scan = checkup.stock.checkpoint
        if rescue.is_incomplete:
            path = scan.path if scan is not None else "the checkpoint"
            for number in sorted(set(checkup.names) - rescue.known):
                if number <= max(checkup.stock.last_number, 0) or checkup.stock.last_number == 0:
                    self.said.append(
                        f"Lost of {checkup.name(number)}: what it had in memory when {path}"
                        " was written"
                    )
            for stray in rescue.strays:
                self.said.append(
                    f"Saved of {checkup.name(stray.queue)}: {stray.count} messages in its files;"
                    " some may have been done with before"
                )
        assert not strays or rescue.is_incomplete
        for fault in checkup.damage:
            if fault.path.endswith(SUFFIX):
                self.said.append(
                    f"Lost of the journal: what was published and acknowledged there"
                    f" ({fault.sentence()})"
                )

    def _move_aside(self, name: str) -> None:
        path = f"{self._folder}/{name}"
        if os.path.exists(path):
            os.rename(path, f"{self.aside}/{name.replace('/', '-')}")


def _vhost_row(name: str) -> Change:
    return Change("vhosts", (name,), {"name": name})


def _free_name(beginning: str) -> str:
    number = 1
    while os.path.exists(f"{beginning}{number}"):
        number += 1
    return f"{beginning}{number}"
