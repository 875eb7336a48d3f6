"""``leveret tail``: show messages of an exchange as they come.

Through a queue of its own that the API is asked about several times a second, and not over AMQP:
so one port, one login and one way through proxies do for all commands.  A message is shown up to a
quarter of a second late, and whoever cannot read 10,000 messages in that time misses some: the
queue is bounded, so that a tail nobody looks at costs the broker next to nothing.
"""

import secrets
import time
from typing import Any, Final

import click

from leveret.cli.ask import NOT_FOUND, asking, in_json, is_terminal, print_json
from leveret.cli.client import Api, Refusal
from leveret.cli.get import take
from leveret.cli.refusals import Failure
from leveret.cli.show import message_text

_POLL_S: Final = 0.25
_BATCH: Final = 200
# The broker removes the queue of a tail that was killed.
_EXPIRES_MS: Final = 60_000
_MOST_MESSAGES: Final = 10_000


@click.command()
@click.argument("pattern", default="#")
@click.option("-x", "--exchange", default="amq.topic", metavar="NAME", help="[amq.topic]")
@click.option("-n", "--count", default=0, metavar="N", help="End after so many.  [never]")
@in_json()
@asking
def tail(api: Api, pattern: str, exchange: str, count: int, as_json: bool) -> None:
    """Show messages that EXCHANGE gets from now on, with keys like PATTERN, until Ctrl-C.

    PATTERN is a binding key: orders.# for a topic exchange.  Others get their messages all the
    same.
    """
    vhost, name = api.address.vhost, f"leveret.tail.{secrets.token_hex(6)}"
    arguments = {"x-expires": _EXPIRES_MS, "x-max-length": _MOST_MESSAGES}
    api.put("queues", vhost, name, body={"durable": True, "arguments": arguments})
    try:
        bind(api, exchange, name, pattern)
        click.echo(f"{exchange} → {pattern}: waiting for messages; Ctrl-C ends it", err=True)
        follow(api, name, count, as_json)
    except KeyboardInterrupt:
        pass
    finally:
        remove(api, name)


def remove(api: Api, queue: str) -> None:
    """Leave nothing behind; somebody else may have removed it already."""
    try:
        api.delete("queues", api.address.vhost, queue)
    except Refusal as refusal:
        if refusal.status != NOT_FOUND:
            raise


def bind(api: Api, exchange: str, queue: str, pattern: str) -> None:
    """Let the exchange's messages into the queue.  Raises Failure."""
    vhost = api.address.vhost
    try:
        api.post(
            *("bindings", vhost, "e", exchange, "q", queue),
            body={"routing_key": pattern, "arguments": {}},
        )
    except Refusal as refusal:
        if refusal.status == NOT_FOUND:
            text = f"there is no exchange {exchange!r} in virtual host {vhost!r}"
            raise Failure(text, 69) from None
        raise


def follow(api: Api, queue: str, count: int, as_json: bool) -> None:
    """Print what comes, for ever or so many."""
    shown = 0
    while not count or shown < count:
        most = min(_BATCH, count - shown) if count else _BATCH
        found = take(api, queue, most, requeue=False)
        for message in found:
            print_message(message, as_json)
        shown += len(found)
        if len(found) < most:
            time.sleep(_POLL_S)


def print_message(message: dict[str, Any], as_json: bool) -> None:
    """One message, at once."""
    if as_json:
        print_json(message)
        return
    now = time.strftime("%H:%M:%S")
    click.echo(message_text(message, now, is_terminal()) + "\n")
