"""``leveret publish``: send messages through the API."""

import base64
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import click

from leveret.cli.address import USAGE
from leveret.cli.ask import DEFAULT_EXCHANGE, NOT_FOUND, asking, in_json, print_json
from leveret.cli.client import Api, Refusal
from leveret.cli.refusals import Failure

_NOT_ROUTED: Final = 1
_NUMBERS: Final = ("delivery_mode", "priority", "timestamp")
_NAMES: Final = (
    *("content_type", "content_encoding", "delivery_mode", "priority", "correlation_id"),
    *("reply_to", "expiration", "message_id", "timestamp", "type", "user_id", "app_id"),
    "cluster_id",
)


@click.command()
@click.argument("exchange")
@click.argument("key")
@click.argument("body", required=False)
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header.")
@click.option(
    "-P", "--property", "properties", multiple=True, metavar="NAME=VALUE", help="content_type=…, …"
)
@click.option("-d", "--persistent", is_flag=True, help="Have it survive restarts (mode 2).")
@click.option("-n", "--count", default=1, metavar="N", help="How many times.  [1]")
@click.option("-l", "--lines", is_flag=True, help="A message for each line of standard input.")
@in_json()
@asking
def publish(
    api: Api,
    exchange: str,
    key: str,
    body: str | None,
    headers: tuple[str, ...],
    properties: tuple[str, ...],
    persistent: bool,
    count: int,
    lines: bool,
    as_json: bool,
) -> None:
    """Send BODY to EXCHANGE with the routing key KEY; standard input for - or without BODY.

    '' is the default exchange, which takes a queue's name as KEY.

    Exit status: 0 every message reached a queue, 1 one did not, 64 bad words, 69 no broker.
    """
    told = properties_of(headers, properties, persistent)
    sent = missed = 0
    for octets in bodies(body, lines, sys.stdin.buffer):
        for _ in range(count):
            sent += 1
            missed += not send(api, exchange, key, octets, told)
    if as_json:
        print_json({"published": sent, "routed": sent - missed})
    elif not missed:
        click.echo(f"{sent} published" if sent != 1 else "published")
    if missed:
        where = exchange or "the default exchange"
        what = "the message" if sent == 1 else f"{missed} of {sent} messages"
        raise Failure(f"{what} reached no queue: none at {where} takes {key!r}", _NOT_ROUTED)


def bodies(body: str | None, lines: bool, source: BinaryIO) -> Iterator[bytes]:
    """What to send.  Raises Failure when there is nothing to send."""
    if lines:
        for line in source:
            yield line.removesuffix(b"\n")
    elif body is None or body == "-":
        if body is None and source.isatty():
            raise Failure("there is nothing to send: pass BODY, or - to type it", USAGE)
        yield source.read()
    else:
        yield body.encode("utf-8", "surrogateescape")


def properties_of(
    headers: tuple[str, ...], properties: tuple[str, ...], persistent: bool
) -> dict[str, Any]:
    """The properties as the API takes them.  Raises Failure."""
    told: dict[str, Any] = {"delivery_mode": 2} if persistent else {}
    for name, text in pairs(properties):
        if name not in _NAMES:
            raise Failure(f"there is no property {name!r}; there are {', '.join(_NAMES)}", USAGE)
        if name in _NUMBERS and not text.isdigit():
            raise Failure(f"property {name} is a number, not {text!r}", USAGE)
        told[name] = int(text) if name in _NUMBERS else text
    if headers:
        told["headers"] = dict(pairs(headers))
    return told


def pairs(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names and values.  Raises Failure."""
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or not name:
            raise Failure(f"{word!r} is not NAME=VALUE", USAGE)
        yield name, text


def send(api: Api, exchange: str, key: str, octets: bytes, told: dict[str, Any]) -> bool:
    """One message; whether it reached a queue."""
    try:
        payload, encoding = octets.decode(), "string"
    except UnicodeDecodeError:
        payload, encoding = base64.b64encode(octets).decode(), "base64"
    body = {
        "properties": told,
        "routing_key": key,
        "payload": payload,
        "payload_encoding": encoding,
    }
    vhost = api.address.vhost
    try:
        answer = api.post("exchanges", vhost, exchange or DEFAULT_EXCHANGE, "publish", body=body)
    except Refusal as refusal:
        if refusal.status == NOT_FOUND:
            text = f"there is no exchange {exchange!r} in virtual host {vhost!r}"
            raise Failure(text, 69) from None
        raise
    return bool(answer["routed"])
