"""What several families of commands ask in the same way."""

import getpass
import json
import sys
from typing import Any

from leveret.cli.client import Refusal
from leveret.cli.ctl.command import BAD_DATA, NO_USER, UNAVAILABLE, BadCall, Call
from leveret.cli.refusals import Failure

NOT_FOUND = 404


def user_of(call: Call, name: str) -> dict[str, Any]:
    """The user as the API has it.  Raises Failure where there is none."""
    user: dict[str, Any] | None = call.api.find("users", name)
    if user is None:
        raise Failure(f'User "{name}" does not exist', NO_USER)
    return user


def vhost_of(call: Call, name: str = "") -> dict[str, Any]:
    """The virtual host as the API has it.  Raises Failure where there is none."""
    name = name or call.vhost
    vhost: dict[str, Any] | None = call.api.find("vhosts", name)
    if vhost is None:
        raise Failure(f"Virtual host '{name}' does not exist", BAD_DATA)
    return vhost


def of_vhost(call: Call, *path: str, **query: object) -> Any:
    """What lies at a path of a virtual host.  Raises Failure where there is no such host."""
    try:
        return call.api.get(*path, **query)
    except Refusal as refusal:
        if refusal.status != NOT_FOUND:
            raise
        vhost_of(call)
        raise


def remove(call: Call, what: str, *path: str, **query: object) -> None:
    """Delete what lies at a path.  ``what`` is said when nothing does."""
    try:
        call.api.delete(*path, **query)
    except Refusal as refusal:
        if refusal.status != NOT_FOUND:
            raise
        raise Failure(what, UNAVAILABLE) from None


def document(text: str) -> Any:
    """JSON of the command line.  Raises Failure."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(f"JSON decoding error: {error} in {text}", UNAVAILABLE) from None


def table_of(text: str) -> dict[str, Any]:
    """A JSON object of the command line.  Raises Failure."""
    value = document(text)
    if not isinstance(value, dict):
        raise Failure(f"{text} is not a JSON object", UNAVAILABLE)
    return value


def password_of(call: Call, index: int) -> str:
    """The password among the arguments; asked for where it is not, so that nobody sees it."""
    if index < len(call.arguments):
        return call.arguments[index]
    if sys.stdin is not None and sys.stdin.isatty():
        return getpass.getpass("Password: ")
    text = sys.stdin.readline().rstrip("\n") if sys.stdin is not None else ""
    if not text:
        raise BadCall("no password was given: pass it as an argument or on standard input")
    return text


def compact(value: object) -> str:
    """JSON as rabbitmqctl shows definitions: without blanks, keys in order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
