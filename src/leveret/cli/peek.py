"""``leveret peek``: look at the messages of a queue without taking any."""

import time
from typing import Any, Final

import click

from leveret.cli.ask import NOT_FOUND, asking, in_json, is_terminal, no_queue, print_json
from leveret.cli.client import Api, Refusal
from leveret.cli.refusals import Failure
from leveret.cli.show import clean, message_text

_EMPTY: Final = 1
# RabbitMQ answers with any of these where it has no such path.
_ABSENT: Final = (400, NOT_FOUND, 405)


@click.command()
@click.argument("queue")
@click.option("-n", "--count", default=10, metavar="N", help="How many at most.  [10]")
@click.option("-o", "--offset", default=0, metavar="N", help="Leave out so many.  [0]")
@click.option("--unacked", is_flag=True, help="Those that a consumer has and did not acknowledge.")
@click.option("--truncate", default=50_000, metavar="OCTETS", help="How much of a body.  [50000]")
@in_json()
@asking
def peek(
    api: Api, queue: str, count: int, offset: int, unacked: bool, truncate: int, as_json: bool
) -> None:
    """Show messages of QUEUE, and leave every one as and where it is.

    Exit status: 0 printed, 1 there are none, 69 no such queue or no broker.
    """
    state = "unacked" if unacked else "ready"
    found = look(api, queue, offset=offset, count=count, state=state, truncate=truncate)
    if as_json:
        print_json(found)
    elif found:
        shown = [
            message_text(one, f"#{one.get('position', '')}", is_terminal()) + holder(one)
            for one in found
        ]
        click.echo("\n\n".join(shown))
    if not found:
        raise Failure(f"queue {queue!r} has no {state} messages there", _EMPTY)


def look(api: Api, queue: str, **query: object) -> list[dict[str, Any]]:
    """The messages as the API gives them.  Raises Failure."""
    vhost = api.address.vhost
    try:
        found: list[dict[str, Any]] = api.get("queues", vhost, queue, "messages", **query)
    except Refusal as refusal:
        if refusal.status not in _ABSENT or (refusal.status == 400 and refusal.reason):
            raise
        if api.find("queues", vhost, queue) is None:
            raise no_queue(api, queue) from None
        raise Failure(
            "this broker cannot show messages without taking them, which needs Leveret:"
            " 'leveret get --requeue' takes them and puts them back",
            69,
        ) from None
    return found


def holder(message: dict[str, Any]) -> str:
    """Who has it, and for how long."""
    if message.get("state") != "unacked":
        return ""
    held_s = time.time() - (message.get("held_since") or 0) / 1000
    who = message.get("consumer_tag") or "basic.get"
    since = f" for {held_s:.0f} s" if message.get("held_since") else ""
    where = message.get("channel") or message.get("connection")
    return "\n" + clean(f"held by {who} on {where}{since}")
