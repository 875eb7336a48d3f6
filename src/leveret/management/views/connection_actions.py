"""Connections closed from outside.

Behaviour: RabbitMQ 4.3, "HTTP API", /connections.
"""

from typing import Final

from starlette.responses import Response

from leveret.broker.connections import Link
from leveret.management.api import MANAGEMENT, Call, NotAuthorised, NotFound, Route, nothing
from leveret.management.deeds import perform

_REASON: Final = "Closed via management plugin"
_SHOWN: Final = 200


def _links(call: Call) -> list[Link]:
    return list(call.node.connections.by_id.values())


async def close_connection(call: Call) -> Response:
    """Close one connection; the header X-Reason says why."""
    name = call.names["name"]
    links = [link for link in _links(call) if link.name == name]
    if not links:
        raise NotFound()
    await _close(call, links)
    return nothing()


async def close_of_user(call: Call) -> Response:
    """Close every connection of one user; the header X-Reason says why."""
    user = call.names["user"]
    _check(call, user)
    await _close(call, [link for link in _links(call) if link.user.name == user])
    return nothing()


def _check(call: Call, user: str) -> None:
    """Everybody may close their own.  Raises NotAuthorised."""
    if not call.is_administrator and user != call.user.name:
        raise NotAuthorised("User not authorised to access object")


async def _close(call: Call, links: list[Link]) -> None:
    for link in links:
        _check(call, link.user.name)
    said = call.request.headers.get("x-reason", "")
    reason = "".join([one for one in said if one.isprintable()])[:_SHOWN] or _REASON

    def shut() -> None:
        for link in links:
            link.shut(reason)

    await perform(call, shut)


ROUTES: Final = [
    Route("/api/connections/{name}", MANAGEMENT, DELETE=close_connection),
    Route("/api/connections/username/{user}", MANAGEMENT, DELETE=close_of_user),
]
