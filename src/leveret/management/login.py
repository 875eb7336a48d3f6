"""Who asks: from the header ``authorization`` to a user and rights.

Behaviour: RabbitMQ 4.3, "Management plugin", "Authentication".  Control plane.
"""

import base64
import binascii
from typing import Any, Final

from starlette.requests import Request

from leveret.auth.backends import Attempt, Login
from leveret.auth.sasl import PLAIN, Credentials
from leveret.auth.users import LoginFailure
from leveret.broker.node import Node
from leveret.management.api import NotLoggedIn, decided
from leveret.session import Peer, TlsFacts

CHALLENGE: Final = 'Basic realm="RabbitMQ Management"'
_SAID: Final = "may only connect from this machine"


async def login(node: Node, request: Request) -> Login:
    """Whoever sends ``request``.  Raises NotLoggedIn."""
    credentials = credentials_of(request.headers.get("authorization", ""))
    peer = peer_of(request)
    attempt = Attempt(credentials, PLAIN, peer)
    found: Any = await decided(lambda: node.logins.login(attempt))
    node.tally.note_login("http", isinstance(found, Login))
    if isinstance(found, Login):
        return found
    assert isinstance(found, LoginFailure)
    node.notices.warn(f"HTTP login from {peer.host}:{peer.port} refused: {found.reason}")
    if _SAID in found.reason:
        raise NotLoggedIn("User can only log in via localhost", "not_authorised")
    raise NotLoggedIn()


def credentials_of(header: str) -> Credentials:
    """What the header claims: name and password, or a token.  Raises NotLoggedIn."""
    kind, _, value = header.strip().partition(" ")
    if kind.lower() == "bearer":
        return Credentials("", value.strip())
    if kind.lower() != "basic":
        raise NotLoggedIn()
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise NotLoggedIn() from None
    name, colon, password = text.partition(":")
    if not colon:
        raise NotLoggedIn()
    return Credentials(name, password)


def peer_of(request: Request) -> Peer:
    """Where the request comes from."""
    client, server = request.client, request.scope.get("server")
    tls = TlsFacts("", "") if request.url.scheme == "https" else None
    host, port = (client.host, client.port) if client is not None else ("", 0)
    local_host, local_port = server if server is not None else ("", 0)
    return Peer(_plain(host), port, _plain(local_host), local_port or 0, tls)


def _plain(host: str) -> str:
    """An IPv4 address that came to an IPv6 socket, as people know it: 127.0.0.1 is this machine."""
    return host.removeprefix("::ffff:")
