"""Gives a node the back ends that its settings name, and loads only those.

``http`` and ``oauth2`` are here; others come as entry points of the group
``leveret.auth_backends``: a function of the node and the pool that makes a ``Backend``.
"""

import importlib
from collections.abc import Callable
from typing import Any, Final

from leveret.auth.backends import Backend
from leveret.broker.node import Node
from leveret.config.faults import ConfigError
from leveret.identity.pool import Pool

GROUP: Final = "leveret.auth_backends"
# Loaded when they are named: a broker that asks nobody should not carry an HTTP client about.
_OURS: Final = {
    "http": ("leveret.identity.http", "HttpBackend"),
    "oauth2": ("leveret.identity.oauth2", "TokenBackend"),
}
Maker = Callable[[Node, Pool], Backend]


def connect(node: Node) -> Pool:
    """Register every back end that ``node`` needs; returns what their errands run in.

    Raises ConfigError for one that does not exist or is not set up.
    """
    pool = Pool()
    for name in node.logins.missing():
        node.logins.register(name, _maker(name, node)(node, pool))
    return pool


def _maker(name: str, node: Node) -> Maker:
    ours = _OURS.get(name)
    if ours is not None:
        return _ours(name, ours[0], ours[1])
    # Also loaded when it is needed: it brings half the library for mail with it.
    metadata: Any = importlib.import_module("importlib.metadata")
    for point in metadata.entry_points(group=GROUP):
        if point.name == name:
            maker: Maker = point.load()
            return maker
    origin = node.settings.origin["auth_backends"]
    raise ConfigError(
        f"auth_backends ({origin}) names {name!r}, which is none: there are internal, "
        f"{', '.join(_OURS)}, and what packages install as {GROUP}.",
        origin,
    )


def _ours(name: str, module: str, maker: str) -> Maker:
    try:
        found: Any = getattr(importlib.import_module(module), maker)
    except ImportError as error:
        raise ConfigError(
            f"auth_backends names {name!r}, which needs a package that is not installed "
            f"({error.name}): pip install 'leveret[{name}]'.",
            "auth_backends",
        ) from error
    made: Maker = found
    return made
