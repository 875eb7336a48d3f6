"""The last part of a binding's path: its routing key, and what tells its arguments from others'.

::

    ~             no routing key and no arguments
    a.b           the routing key, encoded as in a query
    a.b~Xk3_9w    the same with arguments, of which this is a digest

Behaviour: RabbitMQ 4.3, "HTTP API", ``properties_key``.  There the arguments become a hash of
Erlang's; any will do, as clients only hand it back.
"""

import base64
import hashlib
from typing import Final
from urllib.parse import quote_plus

from leveret.broker.exchange import Binding
from leveret.tables import Table, table_octets

_NOTHING: Final = "~"
_DIGEST_OCTETS: Final = 6


def properties_key(routing_key: str, arguments: Table) -> str:
    """What stands for a binding among those of the same source and destination."""
    key = quote_plus(routing_key, errors="surrogateescape").replace("~", "%7E")
    if arguments:
        return f"{key}~{_digest(arguments)}"
    return key if key else _NOTHING


def _digest(arguments: Table) -> str:
    ordered = {name: arguments[name] for name in sorted(arguments)}
    digest = hashlib.sha256(table_octets(ordered)).digest()[:_DIGEST_OCTETS]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def key_of(binding: Binding) -> str:
    """That of ``binding``."""
    return properties_key(binding.routing_key, binding.arguments)
