#!/usr/bin/env python3
"""Write docs/reference/http-endpoints.md: RabbitMQ's answers and ours, path by path.

Starts Debian's rabbitmq-server and a broker of ours; run it from here with PYTHONPATH=src:.
"""

import tempfile
from pathlib import Path

from tests.differential.http_known import reason_for
from tests.differential.http_shapes import PATHS, Shape, Site, differences, wait_until
from tests.oracle import MANAGEMENT, Oracle

import leveret

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "http-endpoints.md"
HEAD = """\
# The HTTP API beside RabbitMQ's

The same things were made on RabbitMQ 3.10 and on Leveret, and both were asked for each path below.
*Alike* is how many fields have the same name and type in both answers (a field in a list counts
once); then what only one of them has. The reasons are at the end. `tools/http_table.py` writes this
page; `tests/differential/test_http_shapes.py` fails when a difference comes up that has no reason.

| path | status | alike | only RabbitMQ | only Leveret |
|---|---|---|---|---|
"""
MIDDLE = """
## Why

| differing | reason |
|---|---|
"""
Answer = tuple[int, Shape]


def row(path: str, theirs: Answer, ours: Answer, why: dict[str, set[str]]) -> str:
    """The line about one path; what differs is added to ``why``, by reason."""
    found: dict[str, list[str]] = {"less": [], "more": [], "type": [], "status": []}
    for difference in differences(path, theirs, ours):
        how, _, what = difference.partition(": ")[2].partition(" ")
        name = path if how == "status" else last(what.split(" ")[0])
        found[how].append(name)
        if not name.endswith("_details"):
            why.setdefault(reason_for(difference) or "not known", set()).add(name)
    same = len(theirs[1].keys() & ours[1].keys())
    status = str(theirs[0]) if theirs[0] == ours[0] else f"{theirs[0]}, here {ours[0]}"
    cells = [f"`{path}`", status, str(same), short(found["less"]), short(found["more"])]
    return f"| {' | '.join(cells)} |\n"


def last(name: str) -> str:
    """The last part of a field's path."""
    return name.removesuffix("[]").rpartition(".")[2] or name


def short(names: list[str]) -> str:
    """Some of the names, and how many more there are."""
    shown = sorted({name for name in names if not name.endswith("_details")})
    more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
    return ", ".join([f"`{name}`" for name in shown[:4]]) + more


def main() -> None:
    """Ask both, and write."""
    why: dict[str, set[str]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Oracle(plugins=(MANAGEMENT,)) as oracle,
        leveret.Broker(management=True, data_dir=folder) as broker,
    ):
        theirs = Site(oracle.url, f"http://{oracle.host}:{oracle.management_port}")
        ours = Site(broker.url, broker.management_url)
        for site in (theirs, ours):
            wait_until(site.is_settled, "the statistics")
        rows = [row(path, theirs.shape(path), ours.shape(path), why) for path in PATHS]
        theirs.close()
        ours.close()
    reasons = [
        f"| {', '.join([f'`{name}`' for name in sorted(names)])} | {reason} |\n"
        for reason, names in sorted(why.items())
    ]
    PAGE.write_text(HEAD + "".join(rows) + MIDDLE + "".join(reasons))


if __name__ == "__main__":
    main()
