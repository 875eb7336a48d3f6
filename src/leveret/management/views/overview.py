"""The node at a glance, and who asks."""

from typing import Final

from starlette.responses import Response

from leveret.management.api import MANAGEMENT, Call, Route, reply


async def whoami(call: Call) -> Response:
    """Who asks."""
    user = call.user
    facts = {
        "name": user.name,
        "tags": list(user.tags),
        "is_internal_user": call.node.users.by_name.get(user.name) is user,
        "login_session_timeout": call.node.settings.management_login_session_timeout_s // 60,
    }
    return await reply(call, facts)


async def overview(call: Call) -> Response:
    """All of it in numbers."""
    return await reply(call, {})


ROUTES: Final = [
    Route("/api/whoami", MANAGEMENT, GET=whoami),
    Route("/api/overview", MANAGEMENT, GET=overview),
]
