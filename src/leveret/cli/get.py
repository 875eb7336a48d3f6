"""``leveret get``: take messages from a queue, or take and put them back."""

import sys
from typing import Any, Final

import click

from leveret.cli.ask import asking, in_json, is_terminal, post_to_queue, print_json
from leveret.cli.client import Api
from leveret.cli.refusals import Failure
from leveret.cli.show import message_text, payload_octets

_EMPTY: Final = 1


@click.command()
@click.argument("queue")
@click.option("-n", "--count", default=1, metavar="N", help="How many at most.  [1]")
@click.option("-r", "--requeue", is_flag=True, help="Put them back, marked as redelivered.")
@click.option("-b", "--body", "only_body", is_flag=True, help="Print bodies only, as they are.")
@in_json()
@asking
def get(api: Api, queue: str, count: int, requeue: bool, only_body: bool, as_json: bool) -> None:
    """Take messages from QUEUE and print them; 'leveret peek' only looks.

    Exit status: 0 printed, 1 the queue is empty, 69 no such queue or no broker.
    """
    found = take(api, queue, count, requeue)
    if as_json:
        print_json(found)
    elif only_body:
        for message in found:
            sys.stdout.buffer.write(payload_octets(message))
            sys.stdout.buffer.write(b"\n" if len(found) > 1 else b"")
        sys.stdout.buffer.flush()
    elif found:
        texts = [message_text(message, "", is_terminal()) for message in found]
        click.echo("\n\n".join(texts))
        click.echo(f"\n{found[-1].get('message_count', 0)} left in {queue}", err=True)
    if not found:
        raise Failure(f"queue {queue!r} is empty", _EMPTY)


def take(api: Api, queue: str, count: int, requeue: bool) -> list[dict[str, Any]]:
    """Messages as the API gives them."""
    body = {
        "count": count,
        "ackmode": "ack_requeue_true" if requeue else "ack_requeue_false",
        "encoding": "auto",
    }
    found: list[dict[str, Any]] = post_to_queue(api, queue, "get", body=body)
    return found
