"""Files of definitions: what the setting ``load_definitions`` names is imported before the start.

Loaded only when that setting says something.
"""

import json
import os
from typing import Final

from leveret.broker.definitions import import_definitions
from leveret.broker.node import Node
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.errors import Invalid, NotFound

# More than any real one, and little enough to have in memory several times over.
MAX_OCTETS: Final = 268_435_456
_ENDING: Final = ".json"


def load_definitions(node: Node, settings: Settings) -> None:
    """Import the file, or every ``*.json`` of the folder in the order of their names.

    A document with users or vhosts has all of them: then what the settings made first goes, unless
    it is named there too.  Raises ConfigError.  Behaviour: RabbitMQ 4.3, "Definitions".
    """
    setting = f"load_definitions ({settings.origin['load_definitions']})"
    current = settings.load_definitions
    try:
        documents = {path: read(path) for path in files_of(settings.load_definitions)}
        take_back(node, settings, list(documents.values()))
        for path, document in documents.items():
            current = path
            report = import_definitions(node, document)
            for skipped in report.skipped:
                node.notices.warn(f"{path}: {skipped}")
            node.notices.inform(f"Definitions imported from {path}: {report.summary()}")
    except Invalid as refused:
        detail = refused.detail.replace("\n\n", ": ")  # RabbitMQ's, of two paragraphs
        raise ConfigError(
            f"{setting}: in {current}, {detail}.", settings.origin["load_definitions"]
        ) from None
    except ValueError as error:
        raise ConfigError(f"{setting}: {error}.", settings.origin["load_definitions"]) from None


def files_of(path: str) -> list[str]:
    """The files that a path names.  Raises ValueError for a path that cannot be read."""
    if not os.path.isdir(path):
        return [path]
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    return [os.path.join(path, name) for name in names if name.endswith(_ENDING)]


def read(path: str) -> object:
    """What the file says as JSON.  Raises ValueError with a sentence."""
    try:
        with open(path, "rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(octets) > MAX_OCTETS:
        raise ValueError(f"{path} has more than {MAX_OCTETS} octets")
    try:
        return json.loads(octets, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError(f"{path} is nested too deep") from None
    except ValueError as error:  # also for what is not UTF-8
        raise ValueError(f"{path} is not JSON: {error}") from error


def refuse_constant(name: str) -> object:
    """NaN and its like, which Python would take."""
    raise ValueError(f"{name} is no number")


def take_back(node: Node, settings: Settings, documents: list[object]) -> None:
    """Delete the first user and the first vhost where documents have others but not these."""
    users, vhosts = names_in(documents, "users"), names_in(documents, "vhosts")
    if users and settings.default_user not in users:
        try:
            node.users.delete(settings.default_user)
        except NotFound:
            pass
    if users and settings.default_user in users:
        node.users.get(settings.default_user).revoke(settings.default_vhost)
    if vhosts and settings.default_vhost not in vhosts:
        node.delete_vhost(settings.default_vhost)


def names_in(documents: list[object], kind: str) -> set[str]:
    """What the things of one kind are called, as far as the documents are well-formed."""
    names: set[str] = set()
    for document in documents:
        things = document.get(kind) if isinstance(document, dict) else None
        for thing in things if isinstance(things, list) else []:
            name = thing.get("name") if isinstance(thing, dict) else None
            if isinstance(name, str):
                names.add(name)
    return names
