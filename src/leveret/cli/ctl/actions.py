"""Commands that do something to queues and connections, and carry definitions in and out."""

import json
import sys
import time
from collections.abc import Iterable
from typing import Any, Final

from leveret.cli.address import number
from leveret.cli.client import Refusal
from leveret.cli.ctl.asking import NOT_FOUND, remove
from leveret.cli.ctl.command import (
    BAD_DATA,
    CANNOT_CREATE,
    USAGE,
    Answer,
    BadCall,
    Call,
    Command,
    Facts,
)
from leveret.cli.refusals import Failure

_REASON: Final = "X-Reason"
_DELETED: Final = "Queue was successfully deleted with {count} ready messages"


def purge_queue(call: Call) -> Answer:
    """Throw away the messages of a queue that are ready."""
    name = call.arguments[0]
    call.say(f"Purging queue '{name}' in vhost '{call.vhost}' ...")
    remove(call, "not_found", "queues", call.vhost, name, "contents")
    return None


def delete_queue(call: Call) -> Answer:
    """Delete a queue with its messages."""
    name = call.arguments[0]
    conditions = [word for word in ("empty", "unused") if call.has(f"if-{word}")]
    only = " if queue is " + " and ".join(conditions) if conditions else ""
    call.say(f"Deleting queue '{name}' on vhost '{call.vhost}'{only} ...")
    query = {f"if-{word}": "true" for word in conditions}
    queue = call.api.find("queues", call.vhost, name) or {}
    try:
        call.api.delete("queues", call.vhost, name, **query)
    except Refusal as refusal:
        if refusal.status == NOT_FOUND:
            raise Failure("Queue not found", USAGE) from None
        if conditions:
            raise Failure(f"Queue cannot be deleted: {refusal.reason}", USAGE) from None
        raise
    # The API does not say how many were thrown away.
    count = queue.get("messages_ready") or 0
    return None if call.is_quiet else _DELETED.format(count=count)


def close_connection(call: Call) -> Answer:
    """Close the connection of this name."""
    name, reason = call.arguments
    call.say(f"Closing connection {name}, reason: {reason}...")
    if not close(call, name, reason):
        raise Failure(f"there is no connection {name!r}: list_connections name has them all", 69)
    return None


def close(call: Call, name: str, reason: str) -> bool:
    """Whether there was one to close."""
    try:
        call.api.ask("DELETE", ("connections", name), headers={_REASON: header(reason)})
    except Refusal as refusal:
        if refusal.status != NOT_FOUND:
            raise
        return False
    return True


def header(text: str) -> str:
    """What a header may carry."""
    return text.encode("ascii", "replace").decode().replace("\n", " ").replace("\r", " ")


def close_all_connections(call: Call) -> Answer:
    """Close every connection, or those of a virtual host, slowly if that is asked for."""
    reason = call.arguments[0]
    limit = number(call.text("limit", "0"), "limit", 2**31)
    delay_ms = number(call.text("per-connection-delay", "0"), "delay", 2**31)
    vhost = "" if call.has("global") else call.vhost
    where = f"in vhost {vhost}" if vhost else "across all vhosts"
    call.say(f"Closing {limit or 'all'} connections {where}, reason: {reason}...")
    names = [
        one["name"]
        for one in call.api.get("connections", columns="name,vhost")
        if vhost in ("", one.get("vhost"))
    ]
    count = close_each(call, names[: limit or None], reason, delay_ms)
    return f"Closed {count} connections"


def close_each(call: Call, names: Iterable[str], reason: str, delay_ms: int) -> int:
    """Close one after the other; how many were still there."""
    count = 0
    for name in names:
        count += close(call, name, reason)
        time.sleep(delay_ms / 1000)
    return count


def close_all_user_connections(call: Call) -> Answer:
    """Close every connection of a user."""
    name, reason = call.arguments
    call.say(f"Closing connections of user {name}, reason: {reason}...")
    found = call.api.get("connections", columns="name,user")
    close_each(call, [one["name"] for one in found if one.get("user") == name], reason, 0)
    return None


def export_definitions(call: Call) -> Answer:
    """Write what there is, as JSON, to a file; to standard output for ``-``."""
    if call.text("format", "json") != "json":
        raise BadCall("definitions are written as JSON only: leave out --format")
    place = call.argument(0, "-")
    if place == "-":
        definitions = call.api.get("definitions")
        return Facts(definitions, text_of(definitions))
    call.say(f'Exporting definitions in JSON to a file at "{place}" ...')
    definitions = call.api.get("definitions")
    try:
        with open(place, "w", encoding="utf-8") as file:
            file.write(text_of(definitions) + "\n")
    except OSError as error:
        raise Failure(f"cannot write {place}: {error.strerror}", CANNOT_CREATE) from None
    return None


def text_of(definitions: Any) -> str:
    """As JSON, which stays readable for people and for diff."""
    return json.dumps(definitions, ensure_ascii=False, indent=2)


def import_definitions(call: Call) -> Answer:
    """Have all be there that a file says; from standard input for ``-``."""
    place = call.argument(0, "-")
    shown = "standard input" if place == "-" else f'a file at "{place}"'
    try:
        text = sys.stdin.read() if place == "-" else read(place)
        definitions = json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read {place}: {error}", BAD_DATA) from None
    except ValueError as error:
        raise Failure(f"{place} is no JSON: {error}", BAD_DATA) from None
    if not isinstance(definitions, dict):
        raise Failure(f"{place} holds no definitions, which are a JSON object", BAD_DATA)
    call.say(f"Importing definitions in JSON from {shown} ...")
    call.api.post("definitions", body=definitions)
    return None


def read(place: str) -> str:
    """The text of a file."""
    with open(place, encoding="utf-8") as file:
        return file.read()


_QUEUES: Final = "Queues"
_CONNECTIONS: Final = "Connections"
_DEFINITIONS: Final = "Definitions"
COMMANDS: Final = (
    Command(
        "purge_queue", "<queue>", purge_queue, "Throws away a queue's ready messages", (), _QUEUES
    ),
    Command(
        "delete_queue",
        "<queue>",
        delete_queue,
        "Deletes a queue with its messages",
        ["if-empty", "if-unused"],
        _QUEUES,
    ),
    Command(
        "close_connection",
        "<name> <reason>",
        close_connection,
        "Closes the connection of this name",
        group=_CONNECTIONS,
    ),
    Command(
        "close_all_connections",
        "<reason>",
        close_all_connections,
        "Closes the connections of a virtual host, or all with --global",
        ["global", "limit=", "per-connection-delay="],
        _CONNECTIONS,
    ),
    Command(
        "close_all_user_connections",
        "<username> <reason>",
        close_all_user_connections,
        "Closes every connection of a user",
        group=_CONNECTIONS,
    ),
    Command(
        "export_definitions",
        "[<file>]",
        export_definitions,
        "Writes users, queues and all the rest as JSON",
        ["format="],
        _DEFINITIONS,
    ),
    Command(
        "import_definitions",
        "[<file>]",
        import_definitions,
        "Makes what a file of definitions says",
        ["format=", "skip-if-unchanged"],
        _DEFINITIONS,
    ),
)
