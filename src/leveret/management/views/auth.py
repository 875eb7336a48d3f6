"""How logins go: attempts that were counted, hashes of passwords, what the page's login may offer.

Behaviour: RabbitMQ 4.3, "HTTP API", /auth.
"""

from typing import Final

from starlette.responses import Response

from leveret.auth.passwords import PREFIX, SALT_OCTETS, hash_password
from leveret.management.api import ADMINISTRATOR, MONITORING, OPEN, Call, NotFound, Route, nothing
from leveret.management.api import reply as answer
from leveret.management.lists import Facts, reply_list


async def offers(call: Call) -> Response:
    """How the page lets people log in: by name and password only."""
    return await answer(call, {"oauth_enabled": False})


def _check_node(call: Call) -> None:
    if call.names["node"] != call.node.name:
        raise NotFound()


async def list_attempts(call: Call) -> Response:
    """How many logins there were by protocol, and how many of them failed."""
    _check_node(call)
    logins: dict[str, list[int]] = call.node.tally.logins
    found: list[Facts] = [
        {
            "protocol": protocol,
            "auth_attempts": good + bad,
            "auth_attempts_failed": bad,
            "auth_attempts_succeeded": good,
        }
        for protocol, (good, bad) in logins.items()
    ]
    return await reply_list(call, found, "protocol")


async def forget_attempts(call: Call) -> Response:
    """Count logins anew."""
    _check_node(call)
    call.node.tally.logins.clear()
    return nothing()


async def list_sources(call: Call) -> Response:
    """The same by where they came from, which is not counted."""
    _check_node(call)
    return await answer(call, [])


async def forget_sources(call: Call) -> Response:
    """Nothing is to be forgotten."""
    _check_node(call)
    return nothing()


async def hashed(call: Call) -> Response:
    """The hash of a password, as users are made with it."""
    node = call.node
    salt = node.random.octets(SALT_OCTETS)
    algorithm = PREFIX + node.settings.password_hashing
    return await answer(call, {"ok": hash_password(call.names["password"], salt, algorithm)})


_ATTEMPTS: Final = "/api/auth/attempts/{node}"
ROUTES: Final = [
    Route("/api/auth", OPEN, GET=offers),
    Route(_ATTEMPTS, MONITORING, GET=list_attempts),
    Route(_ATTEMPTS, ADMINISTRATOR, DELETE=forget_attempts),
    Route(_ATTEMPTS + "/source", MONITORING, GET=list_sources),
    Route(_ATTEMPTS + "/source", ADMINISTRATOR, DELETE=forget_sources),
    Route("/api/auth/hash_password/{password}", ADMINISTRATOR, GET=hashed),
]
