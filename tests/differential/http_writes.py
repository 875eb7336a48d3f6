"""Requests that change things, good and bad, sent to both brokers: status and body are compared.

A refusal's words must be the same, another body must have the same fields with the same types.
What differs on purpose says so where the request is written down, in ``http_asks``.
"""

import html
import json
from collections.abc import Iterable
from typing import Any, Final

from tests.differential.http_ask import Ask
from tests.management.client import Answer, Client

PASSWORD: Final = "pw"
_BAD: Final = 400


def sent(url: str, node: str, ask: Ask) -> Answer:
    """What the broker at ``url`` answers to ``ask``."""
    password = "guest" if ask.user == "guest" else PASSWORD
    client = Client(url, ask.user, password)
    body = ask.body.encode() if isinstance(ask.body, str) else ask.body
    path = "/api/" + ask.path.replace("{node}", node)
    return client.ask(ask.method, path, body, {"content-type": "application/json"})


def difference(ask: Ask, ours: Answer, theirs: Answer) -> str:
    """What differs in the answers, in words; empty when nothing does."""
    if ours.status != theirs.status:
        return f"status {ours.status} {ours.octets!r}, not {theirs.status} {theirs.octets!r}"
    if ours.headers.get("location") != theirs.headers.get("location"):
        return f"location {ours.headers.get('location')}, not {theirs.headers.get('location')}"
    if not ours.octets or not theirs.octets:
        same = ours.octets == theirs.octets
        return "" if same else f"body {ours.octets!r}, not {theirs.octets!r}"
    mine, other = json.loads(ours.octets), json.loads(theirs.octets)
    if ours.status >= _BAD:
        mine, other = unescaped(mine), unescaped(other)
    else:
        mine, other = shape(mine), shape(other)
    return "" if mine == other else f"body {mine}, not {other}"


def unescaped(value: Any) -> Any:
    """RabbitMQ escapes some of its words for HTML, and some not."""
    if isinstance(value, str):
        return html.unescape(value)
    if isinstance(value, dict):
        return {key: unescaped(one) for key, one in value.items()}
    return [unescaped(one) for one in value] if isinstance(value, list) else value


def shape(value: Any) -> Any:
    """The names and types of what is in ``value``; of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return type(value).__name__


def compared(ours: str, theirs: str, asks: Iterable[Ask]) -> list[str]:
    """Send all to both, in order: a line for each difference that is not meant, or is gone."""
    names = [Client(url).get("/api/overview")["node"] for url in (ours, theirs)]
    found: list[str] = []
    for ask in asks:
        what = difference(ask, sent(ours, names[0], ask), sent(theirs, names[1], ask))
        if what and not ask.differs:
            found.append(f"{ask}: {what}")
        if not what and ask.differs:
            found.append(f"{ask}: differs no longer, though it is said to: {ask.differs}")
    return found
