"""Leveret: a message broker that does RabbitMQ's job.

``leveret.Broker`` is the broker inside a program, and the only name to import from here.  It is
loaded when it is first asked for, so that ``leveret --version`` need not load a server.
"""

from typing import TYPE_CHECKING

from leveret.version import VERSION as __version__

__all__ = ["Broker", "__version__"]

# The one place where type checkers and editors are told what the interpreter finds out later.
if TYPE_CHECKING:
    from leveret.embedded import Broker


def __getattr__(name: str) -> object:
    if name != "Broker":
        raise AttributeError(f"module 'leveret' has no attribute {name!r}")
    from leveret.embedded import Broker

    return Broker
