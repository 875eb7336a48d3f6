"""Every setting there is, in the order of the documents.

To add one: a row in the list of its topic, and an attribute in ``Settings``.
"""

import importlib
from typing import Any, Final

from leveret.config.access import ACCESS
from leveret.config.defaults import DEFAULTS
from leveret.config.faults import ConfigError
from leveret.config.kinds import Setting
from leveret.config.management import MANAGEMENT
from leveret.config.mqtt import MQTT
from leveret.config.network import NETWORK
from leveret.config.node import NODE
from leveret.config.prometheus import PROMETHEUS
from leveret.config.queues import QUEUES
from leveret.config.stomp import STOMP
from leveret.config.telling import TELLING
from leveret.config.tls import SOCKETS, TLS
from leveret.config.websockets import WEBSOCKETS

# By the headings of docs/configuration.md.
TOPICS: Final[dict[str, list[Setting]]] = {
    "Listeners and connections": [*NETWORK, *SOCKETS],
    "TLS": TLS,
    "HTTP: the API and the page": MANAGEMENT,
    "Metrics": PROMETHEUS,
    "MQTT": MQTT,
    "STOMP": STOMP,
    "WebSockets": WEBSOCKETS,
    "Users and logins": ACCESS,
    "What is there from the start": DEFAULTS,
    "Queues": QUEUES,
    "Events and messages": TELLING,
    "The node": NODE,
}

TABLE: Final[list[Setting]] = [setting for topic in TOPICS.values() for setting in topic]

BY_NAME: Final[dict[str, Setting]] = {setting.name: setting for setting in TABLE}


def option_name(name: str) -> str:
    """How the setting is spelt on the command line."""
    return "--" + name.replace("_", "-")


def find(name: str, origin: str) -> Setting:
    """The setting with this name.  Raises ConfigError, which names the nearest one."""
    setting = BY_NAME.get(name)
    if setting is not None:
        return setting
    near = nearest(name, 0.5)
    help_text = f"did you mean {near}?" if near else "there are: " + ", ".join(BY_NAME) + "."
    raise ConfigError(f"There is no setting {name!r} ({origin}); {help_text}", origin)


def nearest(name: str, likeness: float) -> str:
    """The setting's name most like ``name``, or nothing when none is."""
    # Only a mistake needs it.
    difflib: Any = importlib.import_module("difflib")
    found = difflib.get_close_matches(name.lower().replace("-", "_"), BY_NAME, 1, likeness)
    return str(found[0]) if found else ""


def refusal(setting: Setting, value: object, origin: str, why: str = "") -> ConfigError:
    """The sentence about a value that is not allowed.  ``why``: what the setting says about it."""
    if why:
        return ConfigError(f"{setting.name} ({origin}) is not allowed: {why}.", origin)
    return ConfigError(
        f"{setting.name} = {setting.shown(value)} ({origin}) is not allowed:"
        f" it must be {setting.allowed()}.",
        origin,
    )
