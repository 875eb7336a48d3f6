"""What the commands that ask a running broker share: who and where, and what they look like.

The commands themselves are in ``queues``, ``publish``, ``get``, ``peek``, ``tail`` and ``top``.
"""

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any, Final

import click

from leveret.cli.address import find_address
from leveret.cli.client import Api, Refusal
from leveret.cli.refusals import Failure

NOT_FOUND: Final = 404
# How the API calls the exchange without a name.
DEFAULT_EXCHANGE: Final = "amq.default"
_OPTIONS: Final = (
    click.option("--url", metavar="URL", help="The broker's API.  [http://127.0.0.1:15672]"),
    click.option("-u", "--user", metavar="NAME", help="Who asks.  [guest]"),
    click.option(
        "--password", metavar="TEXT", help="Better set LEVERET_PASSWORD: all see options."
    ),
    click.option("-p", "--vhost", metavar="NAME", help="The virtual host.  [/]"),
    click.option("--ca-file", metavar="FILE", help="What signed its certificate, for https://."),
)


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose first parameter is the API of the broker that its options name."""

    @functools.wraps(command)
    def run(**options: Any) -> Any:
        names = ("url", "user", "password", "vhost", "ca_file")
        api = Api(find_address({name: options.pop(name) for name in names}, os.environ))
        try:
            return command(api, **options)
        finally:
            api.close()

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


def in_json() -> Callable[[Any], Any]:
    """The option that every one of them has."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: object) -> None:
    """One document a line, so that a program may read them one by one."""
    click.echo(json.dumps(value, ensure_ascii=False))


def no_queue(api: Api, queue: str) -> Failure:
    """What to say when there is none."""
    return Failure(
        f"there is no queue {queue!r} in virtual host {api.address.vhost!r}: 'leveret queues' lists"
        " what there is",
        69,
    )


def post_to_queue(api: Api, queue: str, *path: str, body: object) -> Any:
    """Have something done with a queue.  Raises Failure when it is not there."""
    try:
        return api.post("queues", api.address.vhost, queue, *path, body=body)
    except Refusal as refusal:
        if refusal.status == NOT_FOUND:
            raise no_queue(api, queue) from None
        raise


def is_terminal() -> bool:
    """Whether a person reads it, rather than a program."""
    return sys.stdout is not None and sys.stdout.isatty()
