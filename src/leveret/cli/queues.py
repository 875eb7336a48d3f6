"""``leveret queues``: the queues there are, the longest first, with bars."""

import shutil
from typing import Any, Final

import click

from leveret.cli.ask import asking, in_json, is_terminal, print_json
from leveret.cli.client import Api
from leveret.cli.show import LEFT, RIGHT, bar, bold, short, table

_MOST: Final = 500  # of one page of the API
_BAR: Final = 20
_FIELDS: Final = (
    *("name", "vhost", "type", "state", "consumers", "messages", "messages_ready"),
    *("messages_unacknowledged", "message_stats"),
)
_KEYS: Final = {
    "length": "messages",
    "ready": "messages_ready",
    "unacked": "messages_unacknowledged",
    "consumers": "consumers",
    "name": "name",
    "in": "message_stats.publish_details.rate",
    "out": "message_stats.deliver_get_details.rate",
}


@click.command()
@click.argument("pattern", required=False)
@click.option("-a", "--all-vhosts", is_flag=True, help="Of every virtual host.")
@click.option(
    "-s", "--sort", type=click.Choice(list(_KEYS)), default="length", help="What comes first."
)
@click.option("-n", "--limit", default=50, metavar="N", help="How many at most.  [50]")
@in_json()
@asking
def queues(
    api: Api, pattern: str | None, all_vhosts: bool, sort: str, limit: int, as_json: bool
) -> None:
    """Show queues, the longest first; PATTERN is a regular expression for their names."""
    page = find_queues(api, pattern, all_vhosts, sort, max(1, min(limit, _MOST)))
    if as_json:
        print_json(page["items"])
        return
    if not page["items"]:
        click.echo("no queue" + (f" matches {pattern!r}" if pattern else " yet"))
        return
    width = shutil.get_terminal_size((120, 24)).columns
    heading, *lines = queue_lines(page["items"], all_vhosts, width)
    click.echo("\n".join([bold(heading, is_terminal()), *lines]))
    rest = page["filtered_count"] - len(page["items"])
    if rest > 0:
        click.echo(f"… and {rest} more: --limit shows more, PATTERN fewer")


def find_queues(
    api: Api, pattern: str | None, all_vhosts: bool, sort: str, limit: int
) -> dict[str, Any]:
    """One page of the API, sorted by it: there may be very many."""
    path = ("queues",) if all_vhosts else ("queues", api.address.vhost)
    query: dict[str, object] = {
        "page": 1,
        "page_size": limit,
        "sort": _KEYS[sort],
        "columns": ",".join(_FIELDS),
        "sort_reverse": None if sort == "name" else "true",
    }
    if pattern:
        query.update(name=pattern, use_regex="true")
    page: dict[str, Any] = api.get(*path, **query)
    return page


def rate(queue: dict[str, Any], name: str) -> float | None:
    """How many of something in a second; None where it is not known."""
    details = (queue.get("message_stats") or {}).get(f"{name}_details") or {}
    value = details.get("rate")
    return value if isinstance(value, int | float) else None


def queue_lines(found: list[dict[str, Any]], with_vhost: bool, width: int) -> list[str]:
    """The table, its heads first."""
    most = max([queue.get("messages") or 0 for queue in found], default=0)
    heads = ["QUEUE", "TYPE", "READY", "UNACKED", "LENGTH", "IN/S", "OUT/S", "CONSUMERS", "STATE"]
    sides = [LEFT, LEFT, RIGHT, RIGHT, LEFT, RIGHT, RIGHT, RIGHT, LEFT]
    rows = [cells(queue, most, _BAR if width >= 100 else 8) for queue in found]
    if with_vhost:
        heads.insert(1, "VHOST")
        sides.insert(1, LEFT)
        for row, queue in zip(rows, found, strict=True):
            row.insert(1, str(queue.get("vhost", "")))
    return table(heads, sides, rows, width)


def cells(queue: dict[str, Any], most: int, size: int) -> list[str]:
    """One queue."""
    return [
        str(queue["name"]),
        str(queue.get("type") or ""),
        short(queue.get("messages_ready")),
        short(queue.get("messages_unacknowledged")),
        bar(queue.get("messages") or 0, most, size),
        short(rate(queue, "publish")),
        short(rate(queue, "deliver_get")),
        str(queue.get("consumers") or 0),
        str(queue.get("state") or ""),
    ]
