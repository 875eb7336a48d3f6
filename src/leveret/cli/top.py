"""``leveret top``: the broker at work, full screen, until q."""

import os
import select
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from leveret.cli.address import USAGE
from leveret.cli.ask import asking, in_json, is_terminal, print_json
from leveret.cli.client import Api
from leveret.cli.queues import find_queues, queue_lines
from leveret.cli.refusals import Failure
from leveret.cli.show import clean, fit, short

_ENTER: Final = "\x1b[?1049h\x1b[?25l"  # the other screen, without a cursor
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_TO_END_OF_LINE: Final = "\x1b[K"
_TO_END: Final = "\x1b[J"
_INVERSE: Final = "\x1b[7m"
_PLAIN: Final = "\x1b[0m"
_QUIT: Final = ("q", "Q", "\x03", "\x1b")
_SORTS: Final = {
    "l": "length",
    "r": "ready",
    "u": "unacked",
    "i": "in",
    "o": "out",
    "c": "consumers",
    "n": "name",
}
_KEYS: Final = "q quit   sort by: l length  r ready  u unacked  i in  o out  c consumers  n name"
_ABOVE: Final = 6  # lines before the first queue
_OVERVIEW: Final = "node,cluster_name,message_stats,queue_totals,object_totals,churn_rates"


@click.command()
@click.option("-i", "--interval", default=2.0, metavar="SECONDS", help="Between looks.  [2]")
@click.option("-a", "--all-vhosts", is_flag=True, help="Queues of every virtual host.")
@click.option("-n", "--count", default=0, metavar="N", help="With --json: looks.  [for ever]")
@in_json()
@asking
def top(api: Api, interval: float, all_vhosts: bool, count: int, as_json: bool) -> None:
    """Watch rates, totals and the busiest queues; keys sort, q quits."""
    interval = max(0.1, interval)
    if as_json:
        stream(api, interval, all_vhosts, count)
        return
    if not is_terminal() or not sys.stdin.isatty():
        raise Failure("top needs a terminal: 'leveret top --json' is for programs", USAGE)
    with full_screen() as keys:
        watch(api, interval, all_vhosts, keys)


def stream(api: Api, interval: float, all_vhosts: bool, count: int) -> None:
    """A document a look."""
    looks = 0
    while not count or looks < count:
        if looks:
            time.sleep(interval)
        overview, page = look(api, all_vhosts, "length", 50)
        print_json({"overview": overview, "queues": page["items"]})
        sys.stdout.flush()
        looks += 1


def watch(api: Api, interval: float, all_vhosts: bool, keys: int) -> None:
    """Draw, and wait for a key or the next look."""
    sort = "length"
    while True:
        size = shutil.get_terminal_size((80, 24))
        overview, page = look(api, all_vhosts, sort, max(1, size.lines - _ABOVE - 1))
        shown = (overview, page, sort, all_vhosts)
        draw(screen(api.address.url, shown, size.columns, size.lines))
        key = read_key(keys, interval)
        if key in _QUIT:
            return
        sort = _SORTS.get(key.lower(), sort)


def look(api: Api, all_vhosts: bool, sort: str, limit: int) -> tuple[dict[str, Any], Any]:
    """What one screen shows."""
    overview = api.get("overview", columns=_OVERVIEW)
    return overview, find_queues(api, None, all_vhosts, sort, min(limit, 500))


def screen(
    url: str, shown: tuple[dict[str, Any], Any, str, bool], width: int, height: int
) -> list[str]:
    """The lines of a screen, each as wide as it."""
    overview, page, sort, with_vhost = shown
    found = page["items"]
    lines = [
        f"{_INVERSE}{fit(head(url, overview), width)}{_PLAIN}",
        fit(rates(overview), width),
        fit(totals(overview), width),
        fit(f"{page['filtered_count']} queues by {sort}", width),
        "",
    ]
    table = queue_lines(found, with_vhost, width) if found else ["no queues yet"]
    room = max(1, height - len(lines) - 1)
    lines += [fit(line, width) for line in table[:room]]
    lines += [""] * (height - 1 - len(lines))
    return [*lines, f"{_INVERSE}{fit(_KEYS, width)}{_PLAIN}"]


def head(url: str, overview: dict[str, Any]) -> str:
    """Which broker, and what time it is."""
    return clean(f"{overview.get('node', '')}  {url}  {time.strftime('%H:%M:%S')}")


def rates(overview: dict[str, Any]) -> str:
    """What happens in a second."""
    stats = overview.get("message_stats") or {}
    names = {"publish": "published", "deliver_get": "delivered", "ack": "acknowledged"}
    words = [
        f"{short((stats.get(f'{name}_details') or {}).get('rate') or 0)}/s {word}"
        for name, word in names.items()
    ]
    return "   ".join(words)


def totals(overview: dict[str, Any]) -> str:
    """What there is."""
    queued, there = overview.get("queue_totals") or {}, overview.get("object_totals") or {}
    words = [
        f"{short(queued.get('messages_ready') or 0)} ready",
        f"{short(queued.get('messages_unacknowledged') or 0)} unacked",
    ]
    names = ("connections", "channels", "consumers", "exchanges", "queues")
    return "   ".join(words + [f"{there.get(name, 0)} {name}" for name in names])


def draw(lines: list[str]) -> None:
    """The whole screen in one write: no flicker."""
    text = (_TO_END_OF_LINE + "\r\n").join(lines)
    sys.stdout.write(_HOME + text + _TO_END)
    sys.stdout.flush()


def read_key(keys: int, seconds: float) -> str:
    """The key that was pressed meanwhile; nothing when none was, and q when nobody is there."""
    ready, _, _ = select.select([keys], [], [], seconds)
    if not ready:
        return ""
    typed = os.read(keys, 16)
    if not typed:
        return "q"
    # A key such as an arrow sends several octets that begin with escape: it means nothing here.
    return "" if typed[:1] == b"\x1b" and len(typed) > 1 else chr(typed[0])


@contextmanager
def full_screen() -> Iterator[int]:
    """The screen for us alone and keys as they are pressed; all as before when it ends."""
    import termios  # not on every system, and needed by nothing else
    import tty

    keys = sys.stdin.fileno()
    before = termios.tcgetattr(keys)
    try:
        tty.setcbreak(keys)
        sys.stdout.write(_ENTER)
        yield keys
    except KeyboardInterrupt:
        pass
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
