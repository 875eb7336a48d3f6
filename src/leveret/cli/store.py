"""``leveret store``: what is on a broker's disk, whether it is whole, and what can be saved."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import click

from leveret.cli.main import Suggesting
from leveret.cli.refusals import BadConfig, Unavailable
from leveret.config.environment import config_file
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.config.sources import load
from leveret.repair import Checkup, Repair
from leveret.stock import QueueStock, Stock
from leveret.store.catalog import CATALOG, CatalogError
from leveret.store.reading import Damage
from leveret.vault import VaultError, held

_DAMAGED = 1
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@click.group(cls=Suggesting)
def store() -> None:
    """Look after the folder in which a broker keeps what is durable."""


def _folder(command: Callable[..., None]) -> Callable[..., None]:
    """The folder as an argument or as an option, and the file of settings that may name it."""
    for option in (
        click.option("--config", metavar="FILE", help="Read settings from this file."),
        click.option("--data-dir", metavar="FOLDER", help="The same as DIR."),
        click.argument("place", metavar="[DIR]", required=False),
    ):
        command = option(command)
    return command


def _settings(place: str | None, data_dir: str | None, config: str | None) -> Settings:
    """The settings, with the folder that was asked for.  Raises click's exceptions."""
    folder = place or data_dir
    options = {"data_dir": folder} if folder else {}
    try:
        settings = load(config or config_file(os.environ), os.environ, options)
    except ConfigError as error:
        raise BadConfig(str(error)) from None
    folder = settings.data_dir
    if not os.path.isfile(f"{folder}/{CATALOG}") and not os.path.isdir(f"{folder}/journal"):
        raise Unavailable(
            f"{folder} is no data folder of leveret: there is neither a {CATALOG} nor a journal in"
            " it.  Name the folder that 'leveret serve' has in its setting data_dir."
        )
    return settings


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[None]:
    """While no broker may use the folder.  Raises Unavailable when one does."""
    try:
        with held(folder) as is_free:
            if not is_free:
                raise Unavailable(
                    f"A broker uses {folder} now: stop it, or look at a copy of the folder."
                )
            yield
    except (VaultError, OSError) as error:
        raise Unavailable(f"{folder} cannot be read: {error}") from None


# ------------------------------------------------------------------------------------------- stat


@store.command()
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stat(place: str | None, data_dir: str | None, config: str | None, as_json: bool) -> None:
    """Say what is in the queues and how large the files are.

    DIR is the data folder; without one it is that of the settings.  While a broker runs the
    figures are of a moment, and cannot be had when its files change meanwhile.
    """
    settings = _settings(place, data_dir, config)
    with held(settings.data_dir) as is_free:
        try:
            stock = Stock(settings)
        except (CatalogError, Damage, OSError) as error:
            if is_free:
                raise Unavailable(str(error)) from None
            raise Unavailable(
                f"A broker uses {settings.data_dir} and changed it meanwhile ({error}): try again."
            ) from None
    if as_json:
        click.echo(json.dumps(_document(stock, settings.data_dir, not is_free), indent=2))
        return
    for line in _lines(stock):
        click.echo(line)
    if not is_free:
        click.echo("A broker uses this folder: the figures are of a moment.", err=True)


def _document(stock: Stock, folder: str, is_running: bool) -> dict[str, object]:
    return {
        "data_dir": folder,
        "broker_runs": is_running,
        "catalog_bytes": stock.catalog_octets,
        "checkpoint_bytes": stock.checkpoint_octets,
        "journal_bytes": stock.journal_octets,
        "queue_file_bytes": stock.file_octets,
        "ownerless_bytes": stock.ownerless_octets,
        "queues": [
            {
                "vhost": queue.vhost,
                "name": queue.name,
                "type": queue.kind,
                "messages": queue.messages,
                "messages_returned": queue.returned_count,
                "messages_paged_out": queue.disk_count,
                "message_bytes": queue.octets,
                "file_bytes": queue.file_octets,
                "file_bytes_living": queue.file_octets - queue.dead_octets,
                "file_bytes_dead": queue.dead_octets,
            }
            for queue in stock.queues
        ],
    }


_HEADS = ("vhost", "queue", "type", "messages", "returned", "paged out", "bodies", "living", "dead")


def _lines(stock: Stock) -> Iterator[str]:
    rows = [_HEADS, *[_row(queue) for queue in stock.queues]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    for row in rows:
        cells = [
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    if not stock.queues:
        yield "There is no durable queue."
    yield ""
    yield f"journal     {_size(stock.journal_octets)}"
    yield f"checkpoint  {_size(stock.checkpoint_octets)}"
    yield f"catalog     {_size(stock.catalog_octets)}"
    yield f"queues      {_size(stock.file_octets)}"
    if stock.ownerless_octets:
        yield f"            {_size(stock.ownerless_octets)} of queues that are no more"


def _row(queue: QueueStock) -> tuple[str, ...]:
    return (
        queue.vhost,
        queue.name,
        queue.kind,
        f"{queue.messages:,}",
        f"{queue.returned_count:,}",
        f"{queue.disk_count:,}",
        _size(queue.octets),
        _size(queue.file_octets - queue.dead_octets),
        _size(queue.dead_octets),
    )


def _size(octets: int) -> str:
    amount = float(octets)
    unit = 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount /= 1024
        unit += 1
    return f"{octets} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


# ------------------------------------------------------------------------------ check and repair


@store.command()
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(place: str | None, data_dir: str | None, config: str | None, as_json: bool) -> None:
    """Read everything and list every damage, with file and octet.  Changes nothing.

    Exit status: 0 sound, 1 damaged, 69 a broker uses the folder.
    """
    folder = _settings(place, data_dir, config).data_dir
    with _alone(folder):
        checkup = Checkup(folder)
    if as_json:
        click.echo(json.dumps(_findings(checkup), indent=2))
    else:
        for fault in checkup.damage:
            click.echo(fault.sentence())
        for fault in checkup.torn:
            click.echo(f"{fault.sentence()}; a crash left that, and nothing of it was confirmed")
        click.echo(_verdict(checkup))
    if checkup.damage:
        raise SystemExit(_DAMAGED)


def _findings(checkup: Checkup) -> dict[str, Any]:
    return {
        "data_dir": checkup.folder,
        "sound": not checkup.damage,
        "damage": [
            {"file": fault.path, "octet": fault.at, "octets": fault.octets, "what": fault.what}
            for fault in checkup.damage
        ],
        "torn": [
            {"file": fault.path, "octet": fault.at, "octets": fault.octets}
            for fault in checkup.torn
        ],
    }


def _verdict(checkup: Checkup) -> str:
    if not checkup.damage:
        return f"{checkup.folder} is sound"
    count = len(checkup.damage)
    places = "at one place" if count == 1 else f"at {count} places"
    return (
        f"{checkup.folder} is damaged {places}.  Restore a backup, or save what can be read with"
        " 'leveret store repair'."
    )


@store.command()
@_folder
def repair(place: str | None, data_dir: str | None, config: str | None) -> None:
    """Save everything that can be read, and say what is lost.

    What is damaged is moved into a folder named damaged-1 (or -2, ...) inside DIR; nothing is
    deleted.  Afterwards the broker starts.

    Exit status: 0 repaired or sound, 69 a broker uses the folder.
    """
    folder = _settings(place, data_dir, config).data_dir
    with _alone(folder):
        checkup = Checkup(folder)
        if not checkup.damage:
            click.echo(f"{folder} is sound: there is nothing to repair")
            return
        for fault in checkup.damage:
            click.echo(fault.sentence())
        work = Repair(checkup)
        work.perform()
    for sentence in work.said:
        click.echo(sentence)
    click.echo(f"Repaired.  What was damaged is in {work.aside}; delete it when you are content.")
