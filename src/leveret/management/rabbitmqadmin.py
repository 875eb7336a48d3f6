#!/usr/bin/env python3
"""Administers Leveret, or RabbitMQ, over the HTTP API: one file, for Python 3.10 and later.

A broker hands it out at ``/cli/rabbitmqadmin``.  It takes the words and options of the script of
the same name that RabbitMQ had, and shares no line with it.
"""

import argparse
import base64
import configparser
import http.client
import json
import os
import ssl
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

# What can be declared and deleted: its path, what must be said, and what is said otherwise.
OBJECTS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "exchange": (
        "exchanges/{vhost}/{name}",
        ("name", "type"),
        {"auto_delete": "false", "durable": "true", "internal": "false", "arguments": {}},
    ),
    "queue": (
        "queues/{vhost}/{name}",
        ("name",),
        {"auto_delete": "false", "durable": "true", "arguments": {}, "node": None},
    ),
    "binding": (
        "bindings/{vhost}/e/{source}/{destination_char}/{destination}",
        ("source", "destination"),
        {"destination_type": "queue", "routing_key": "", "arguments": {}},
    ),
    "vhost": (
        "vhosts/{name}",
        ("name",),
        {"tracing": None, "description": None, "tags": None, "default_queue_type": None},
    ),
    "user": (
        "users/{name}",
        ("name", "tags"),
        {"password": None, "password_hash": None, "hashing_algorithm": None},
    ),
    "permission": (
        "permissions/{vhost}/{user}",
        ("vhost", "user", "configure", "write", "read"),
        {},
    ),
    "topic_permission": (
        "topic-permissions/{vhost}/{user}",
        ("vhost", "user", "exchange", "write", "read"),
        {},
    ),
    "policy": (
        "policies/{vhost}/{name}",
        ("name", "pattern", "definition"),
        {"priority": 0, "apply-to": None},
    ),
    "operator_policy": (
        "operator-policies/{vhost}/{name}",
        ("name", "pattern", "definition"),
        {"priority": 0, "apply-to": None},
    ),
    "parameter": (
        "parameters/{component}/{vhost}/{name}",
        ("component", "name", "value"),
        {},
    ),
    "global_parameter": ("global-parameters/{name}", ("name", "value"), {}),
    "vhost_limit": ("vhost-limits/{vhost}/{name}", ("vhost", "name", "value"), {}),
    "user_limit": ("user-limits/{user}/{name}", ("user", "name", "value"), {}),
}
# What names a thing that is to be deleted, where that is not its name alone.
KEYS: dict[str, tuple[str, ...]] = {
    "binding": ("source", "destination_type", "destination", "properties_key"),
    "permission": ("vhost", "user"),
    "topic_permission": ("vhost", "user"),
    "parameter": ("component", "name"),
    "vhost_limit": ("vhost", "name"),
    "user_limit": ("user", "name"),
}
# What can be listed: its path, and the columns that are shown when none are named.
LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "users": ("users", ("name", "hashing_algorithm", "password_hash", "tags")),
    "vhosts": ("vhosts", ("name", "messages")),
    "connections": ("connections", ("name", "user", "channels")),
    "channels": ("channels", ("name", "user")),
    "consumers": ("consumers", ("channel_details.name", "queue.name", "consumer_tag")),
    "exchanges": ("exchanges", ("name", "type")),
    "queues": ("queues", ("name", "messages")),
    "bindings": ("bindings", ("source", "destination", "routing_key")),
    "nodes": ("nodes", ("name", "type", "mem_used")),
    "permissions": ("permissions", ("vhost", "user", "configure", "write", "read")),
    "topic_permissions": ("topic-permissions", ()),
    "parameters": ("parameters", ()),
    "global_parameters": ("global-parameters", ()),
    "policies": ("policies", ()),
    "operator_policies": ("operator-policies", ()),
    "vhost_limits": ("vhost-limits", ()),
    "user_limits": ("user-limits", ()),
}
OF_VHOSTS = ("exchanges", "queues", "bindings", "consumers", "policies", "operator_policies")
OVERVIEW = (*("rabbitmq_version", "cluster_name", "queue_totals.messages", "object_totals.queues"),)
JSON_VALUES = ("arguments", "definition", "properties", "value")
FORMATS = ("table", "long", "tsv", "kvp", "bash", "raw_json", "pretty_json")
DEFAULTS = {"hostname": "localhost", "port": "", "username": "guest", "password": "guest"}
CONFIG = "~/.rabbitmqadmin.conf"


class Refused(Exception):
    """It was not done; the text says why."""


# --- the broker ------------------------------------------------------------------------------


class Broker:
    """Asks the HTTP API."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        pair = f"{options.username}:{options.password}"
        token = base64.b64encode(pair.encode()).decode()
        self._headers = {"Authorization": "Basic " + token, "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: str | bytes | None = None) -> str:
        """What the broker answers with, as text.  Raises Refused."""
        options = self._options
        url = "{}/api/{}".format(options.path_prefix.rstrip("/"), path)
        connection = self._connection()
        try:
            connection.request(method, url, body, self._headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            where = f"{options.hostname}:{options.port}"
            raise Refused(f"Could not talk to {where}: {error}") from None
        finally:
            connection.close()
        if answer.status == 401:
            raise Refused(f"Access refused: {url}")
        if answer.status == 404:
            raise Refused(f"Not found: {url}")
        if not 200 <= answer.status < 300:
            raise Refused(f"{answer.status} {reason_of(text)}")
        return text

    def _connection(self) -> http.client.HTTPConnection:
        options = self._options
        port = int(options.port or (15671 if options.ssl else 15672))
        if not options.ssl:
            return http.client.HTTPConnection(options.hostname, port, timeout=options.timeout)
        context = ssl.create_default_context(cafile=options.ssl_ca_cert_file or None)
        if options.ssl_insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if options.ssl_cert_file:
            context.load_cert_chain(options.ssl_cert_file, options.ssl_key_file)
        return http.client.HTTPSConnection(
            options.hostname, port, timeout=options.timeout, context=context
        )


def reason_of(text: str) -> str:
    """Why the broker refused."""
    try:
        facts = json.loads(text)
        return "{}: {}".format(facts["error"], facts["reason"])
    except (ValueError, KeyError, TypeError):
        return text.strip()[:500]


def path_of(pattern: str, values: dict[str, Any]) -> str:
    """A path with ``values`` in it, encoded."""
    encoded = {name: quote(str(value), safe="") for name, value in values.items()}
    return pattern.format(**encoded)


# --- words -----------------------------------------------------------------------------------


def pairs_of(words: list[str]) -> dict[str, Any]:
    """``name=value`` words as a dictionary.  Raises Refused."""
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise Refused(f'"{word}" is not of the form name=value')
        pairs[name] = json_of(name, value) if name in JSON_VALUES else value
    return pairs


def json_of(name: str, text: str) -> Any:
    """A value that is JSON; a parameter's may also be plain text.  Raises Refused."""
    try:
        return json.loads(text)
    except ValueError:
        if name == "value":
            return text
        raise Refused(f"{name} is not JSON: {text}") from None


def complete(
    pairs: dict[str, Any],
    needed: tuple[str, ...],
    optional: dict[str, Any],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """``pairs`` with what was left out.  Raises Refused."""
    values = {name: value for name, value in optional.items() if value is not None}
    if options.vhost or "vhost" not in needed:
        values["vhost"] = options.vhost or "/"
    values.update(pairs)
    missing = [name for name in needed if name not in values]
    if missing:
        raise Refused("mandatory argument missing: {}".format(", ".join(missing)))
    unknown = [name for name in pairs if name not in (*needed, *optional, "vhost")]
    if unknown:
        raise Refused("unknown argument: {}".format(", ".join(unknown)))
    return values


def kind_of(words: list[str], kinds: Iterable[str]) -> tuple[str, list[str]]:
    """The first word, if it is one of ``kinds``, and the others.  Raises Refused."""
    if not words or words[0] not in kinds:
        raise Refused("say which: {}".format(", ".join(sorted(kinds))))
    return words[0], words[1:]


# --- verbs -----------------------------------------------------------------------------------


def declare(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Make something, or change it."""
    kind, rest = kind_of(words, OBJECTS)
    pattern, needed, optional = OBJECTS[kind]
    values = complete(pairs_of(rest), needed, optional, options)
    values["destination_char"] = values.get("destination_type", "queue")[:1]
    body = {name: value for name, value in values.items() if name != "destination_char"}
    if kind.endswith("_limit"):
        body["value"] = int(body["value"])
    if kind in ("policy", "operator_policy"):
        body["priority"] = int(body["priority"])
    method = "POST" if kind == "binding" else "PUT"
    broker.ask(method, path_of(pattern, values), json.dumps(body))
    tell(options, f"{kind} declared")


def delete(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Delete something."""
    kind, rest = kind_of(words, OBJECTS)
    keys = KEYS.get(kind, ("name",))
    optional: dict[str, Any] = {"exchange": None} if kind == "topic_permission" else {}
    values = complete(pairs_of(rest), keys, optional, options)
    pattern = OBJECTS[kind][0]
    if kind == "binding":
        pattern += "/{properties_key}"
        values["destination_char"] = values["destination_type"][:1]
    broker.ask("DELETE", path_of(pattern, values))
    tell(options, f"{kind} deleted")


def list_things(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """List things: of one virtual host, if the options name it."""
    kind, columns = kind_of(words, LISTS)
    path, usual = LISTS[kind]
    if options.vhost and kind in OF_VHOSTS:
        path += "/" + quote(options.vhost, safe="")
    columns = columns or (list(usual) if options.format in ("table", "bash") else [])
    query = {"columns": ",".join(columns)} if columns else {}
    if options.sort:
        query["sort"] = options.sort
        query["sort_reverse"] = "true" if options.sort_reverse else "false"
    text = broker.ask("GET", path + ("?" + urlencode(query) if query else ""))
    show_things(options, text, columns)


def show(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Show the broker at a glance."""
    _, columns = kind_of(words, ("overview",))
    columns = columns or list(OVERVIEW)
    text = broker.ask("GET", "overview?" + urlencode({"columns": ",".join(columns)}))
    show_things(options, f"[{text}]", columns)


def publish(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Publish a message; its payload may come from standard input."""
    optional: dict[str, Any] = {
        "payload": None,
        "properties": {},
        "exchange": "amq.default",
        "payload_encoding": "string",
    }
    values = complete(pairs_of(words), ("routing_key",), optional, options)
    if "payload" not in values:
        octets = sys.stdin.buffer.read()
        values["payload"] = base64.b64encode(octets).decode()
        values["payload_encoding"] = "base64"
    path = path_of("exchanges/{vhost}/{exchange}/publish", values)
    answer = json.loads(broker.ask("POST", path, json.dumps(values)))
    tell(options, "Message published" + ("" if answer["routed"] else " but NOT routed"))


def get(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Take messages out of a queue, or look at them and give them back."""
    optional = {
        "count": "1",
        "ackmode": "ack_requeue_true",
        "payload_file": None,
        "encoding": "auto",
    }
    values = complete(pairs_of(words), ("queue",), optional, options)
    path = path_of("queues/{vhost}/{queue}/get", values)
    text = broker.ask("POST", path, json.dumps(values))
    if "payload_file" in values:
        text = json.dumps(saved(json.loads(text), values["payload_file"]))
    show_things(options, text, [])


def saved(messages: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Write the payload of the first message into a file; what is left to be shown."""
    for message in messages[:1]:
        octets = message["payload"].encode()
        if message["payload_encoding"] == "base64":
            octets = base64.b64decode(octets)
        with open(name, "wb") as file:
            file.write(octets)
    kept = ("payload", "payload_encoding")
    return [{k: v for k, v in message.items() if k not in kept} for message in messages]


def purge(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Drop what waits in a queue."""
    _, rest = kind_of(words, ("queue",))
    values = complete(pairs_of(rest), ("name",), {}, options)
    broker.ask("DELETE", path_of("queues/{vhost}/{name}/contents", values))
    tell(options, "queue purged")


def close(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Close a connection."""
    _, rest = kind_of(words, ("connection",))
    values = complete(pairs_of(rest), ("name",), {}, options)
    broker.ask("DELETE", path_of("connections/{name}", values))
    tell(options, "connection closed")


def definitions_path(options: argparse.Namespace) -> str:
    """Of everything, or of the virtual host that the options name."""
    return "definitions" + ("/" + quote(options.vhost, safe="") if options.vhost else "")


def export_file(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Write the definitions into a file."""
    text = broker.ask("GET", definitions_path(options))
    with open(one_file(words), "w", encoding="utf-8") as file:
        file.write(text)
    tell(options, f'Exported definitions for {options.hostname} to "{words[0]}"')


def import_file(broker: Broker, options: argparse.Namespace, words: list[str]) -> None:
    """Declare what a file with definitions says."""
    with open(one_file(words), encoding="utf-8") as file:
        broker.ask("POST", definitions_path(options), file.read().encode())
    tell(options, f'Imported definitions for {options.hostname} from "{words[0]}"')


def one_file(words: list[str]) -> str:
    """The only word.  Raises Refused."""
    if len(words) != 1:
        raise Refused("say which file")
    return words[0]


VERBS = {
    "declare": declare,
    "delete": delete,
    "list": list_things,
    "show": show,
    "publish": publish,
    "get": get,
    "purge": purge,
    "close": close,
    "export": export_file,
    "import": import_file,
}


# --- what is shown ---------------------------------------------------------------------------


def tell(options: argparse.Namespace, words: str) -> None:
    """Say that it was done."""
    if not options.quiet:
        sys.stdout.write(words + "\n")


def show_things(options: argparse.Namespace, text: str, columns: list[str]) -> None:
    """Show a list of objects, given as JSON, in the form that the options ask for."""
    if options.format == "raw_json":
        sys.stdout.write(text + "\n")
        return
    things = json.loads(text)
    if options.format == "pretty_json":
        sys.stdout.write(json.dumps(things, indent=2) + "\n")
        return
    columns = columns or columns_of(things)
    rows = [[shown(value_of(thing, column)) for column in columns] for thing in things]
    WRITERS[options.format](columns, rows)


def columns_of(things: list[dict[str, Any]]) -> list[str]:
    """The names of all that things have, a name first."""
    found: dict[str, None] = {}
    for thing in things:
        found.update(flattened(thing, ""))
    ordered = [name for name in ("vhost", "name") if name in found]
    return ordered + sorted(name for name in found if name not in ordered)


def flattened(thing: dict[str, Any], before: str) -> dict[str, None]:
    """The dotted names of what a thing has."""
    found: dict[str, None] = {}
    for name, value in thing.items():
        if isinstance(value, dict) and value and name not in JSON_VALUES:
            found.update(flattened(value, before + name + "."))
        else:
            found[before + name] = None
    return found


def value_of(thing: Any, column: str) -> Any:
    """The value with a dotted name."""
    for name in column.split("."):
        thing = thing.get(name) if isinstance(thing, dict) else None
    return thing


def shown(value: Any) -> str:
    """A value in a cell."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


def write_table(columns: list[str], rows: list[list[str]]) -> None:
    """In boxes."""
    if not rows:
        sys.stdout.write("No items\n")
        return
    widths = [max(len(cell) for cell in cells) for cells in zip(columns, *rows, strict=True)]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+\n"
    head = [name.center(width) for name, width in zip(columns, widths, strict=True)]
    body = "".join([boxed(row, widths) for row in rows])
    sys.stdout.write(rule + boxed(head, widths) + rule + body + rule)


def boxed(cells: list[str], widths: list[int]) -> str:
    """One row."""
    filled = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "| " + " | ".join(filled) + " |\n"


def write_long(columns: list[str], rows: list[list[str]]) -> None:
    """One line for each value."""
    width = max([len(column) for column in columns] or [0])
    rule = "\n" + "-" * 80 + "\n\n"
    for row in rows:
        lines = [f"{name.rjust(width)}: {cell}\n" for name, cell in zip(columns, row, strict=True)]
        sys.stdout.write(rule + "".join(lines))
    sys.stdout.write(rule)


def write_tsv(columns: list[str], rows: list[list[str]]) -> None:
    """With tabs between."""
    for row in [columns, *rows]:
        sys.stdout.write("\t".join(row) + "\n")


def write_kvp(columns: list[str], rows: list[list[str]]) -> None:
    """name="value"."""
    for row in rows:
        pairs = [f'{name}="{cell}"' for name, cell in zip(columns, row, strict=True)]
        sys.stdout.write(" ".join(pairs) + "\n")


def write_bash(columns: list[str], rows: list[list[str]]) -> None:
    """Only what comes first, in one line."""
    sys.stdout.write(" ".join(row[0] for row in rows) + "\n")


WRITERS = {
    "table": write_table,
    "long": write_long,
    "tsv": write_tsv,
    "kvp": write_kvp,
    "bash": write_bash,
}


# --- the command line ------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    made = argparse.ArgumentParser(
        prog="rabbitmqadmin",
        description="Administers a broker over its HTTP API.",
        epilog="verbs: {}.  Things are said as name=value.".format(", ".join(VERBS)),
    )
    add = made.add_argument
    add("--version", action="version", version="rabbitmqadmin, as Leveret hands it out")
    add("verb", choices=sorted(VERBS), metavar="verb")
    add("words", nargs="*", metavar="word")
    add("-H", "--host", dest="hostname", help="default: localhost")
    add("-P", "--port", help="default: 15672, with --ssl 15671")
    add("-u", "--username", help="default: guest")
    add("-p", "--password", help="default: guest")
    add("-V", "--vhost", default="", help="default: all for list, / for declare")
    add("--path-prefix", default="", help="what all paths of the broker begin with")
    add("-s", "--ssl", action="store_true", help="connect with TLS")
    add("-k", "--ssl-insecure", action="store_true", help="trust whoever answers")
    add("--ssl-ca-cert-file", help="whom to trust")
    add("--ssl-cert-file", help="the client's own certificate")
    add("--ssl-key-file", help="its key")
    add("-t", "--request-timeout", dest="timeout", type=float, default=120, help="seconds")
    add("-f", "--format", choices=FORMATS, default="table", help=", ".join(FORMATS))
    add("-S", "--sort", help="the column to sort a list by")
    add("-R", "--sort-reverse", action="store_true", help="the other way round")
    add("-q", "--quiet", action="store_true", help="say nothing of what was done")
    add("-c", "--config", default=CONFIG, help=f"a file with options; default: {CONFIG}")
    add("-N", "--node", default="default", help="the section of it; default: default")
    return made


def with_config(options: argparse.Namespace) -> argparse.Namespace:
    """``options``, what they leave open taken from the file.  Raises Refused."""
    file = configparser.ConfigParser(interpolation=None)
    known = {}
    if file.read(os.path.expanduser(options.config)):
        if options.node not in file:
            raise Refused(f'there is no section "{options.node}" in {options.config}')
        known = dict(file[options.node])
    for name, usual in DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, known.get(name, usual))
    if not options.vhost:
        options.vhost = known.get("vhost", known.get("default_vhost", ""))
    options.ssl = options.ssl or known.get("ssl", "").lower() in ("true", "1", "yes")
    return options


def main(words: list[str] | None = None) -> int:
    """Do what the command line says; 0 if it was done."""
    try:
        options = with_config(parser().parse_intermixed_args(words))
        VERBS[options.verb](Broker(options), options, options.words)
    except (Refused, OSError) as refused:
        sys.stderr.write(f"*** {refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
