"""Users: listed, made, changed, deleted; their limits.

Behaviour: RabbitMQ 4.3, "HTTP API", /users and /user-limits.
"""

import base64
import binascii
from typing import Any, Final

from starlette.responses import Response

from leveret.auth.passwords import SHA256
from leveret.auth.users import ADMINISTRATOR as ADMINISTRATOR_TAG
from leveret.auth.users import MAX_CHANNELS, MAX_CONNECTIONS, PROTECTED, User, Users
from leveret.management.api import (
    ADMINISTRATOR,
    MANAGEMENT,
    BadRequest,
    Call,
    NotFound,
    Refusal,
    Route,
    nothing,
)
from leveret.management.deeds import Body, body_of, perform, short, takes
from leveret.management.lists import Facts, reply_list, reply_one
from leveret.terms import term

_LIMITS: Final = (MAX_CONNECTIONS, MAX_CHANNELS)
_TEXT: Final = {"type": "string"}


def facts_of(user: User) -> Facts:
    """What is told of a user."""
    return {
        "name": user.name,
        "password_hash": user.password_hash,
        "hashing_algorithm": user.algorithm,
        "tags": list(user.tags),
        "limits": dict(user.limits),
    }


def user_of(call: Call) -> User:
    """The one that the path names.  Raises NotFound."""
    found: User | None = call.node.users.by_name.get(call.names["name"])
    if found is None:
        raise NotFound()
    return found


# --- users -----------------------------------------------------------------------------------


async def list_users(call: Call) -> Response:
    """All users."""
    return await reply_list(call, [facts_of(one) for one in _all(call)], "name")


async def list_idle(call: Call) -> Response:
    """The users who may enter no virtual host."""
    idle = [facts_of(one) for one in _all(call) if not one.permissions]
    return await reply_list(call, idle, "name")


def _all(call: Call) -> list[User]:
    return list(call.node.users.by_name.values())


async def get_user(call: Call) -> Response:
    """One user."""
    return await reply_one(call, facts_of(user_of(call)))


@takes(
    tags={"type": ["string", "array"], "items": _TEXT, "required": True},
    password=_TEXT,
    password_hash=_TEXT,
    hashing_algorithm=_TEXT,
)
async def put_user(call: Call) -> Response:
    """Make a user, or give it another password and other tags."""
    body = await body_of(call)
    name = short("user", call.names["name"])
    wish = Wish(body)
    is_new = name not in call.node.users.by_name
    await perform(call, lambda: wish.grant(call.node.users, name, call.user.name))
    return nothing(201 if is_new else 204)


class Wish:
    """What a user is to become.  Raises BadRequest."""

    def __init__(self, body: Body) -> None:
        if "tags" not in body.values:
            raise BadRequest("tags_not_present")
        self._tags: Final = body.words("tags")
        if body.values.get("password") is not None and "password_hash" in body.values:
            raise BadRequest("both_password_and_password_hash_are_provided")
        has_password = body.values.get("password") is not None
        self._password: Final = body.text("password") if has_password else None
        self._hash: Final = body.text("password_hash")
        self._algorithm: Final = body.text("hashing_algorithm", SHA256)
        if self._hash:
            try:
                base64.b64decode(self._hash, validate=True)
            except (binascii.Error, ValueError):
                raise BadRequest(["not_base64", self._hash]) from None

    def grant(self, users: Users, name: str, by: str) -> None:
        """Do it.  With neither a password nor a hash nobody logs in by password."""
        if self._hash:
            users.add_hashed(name, self._hash, self._algorithm, self._tags, by)
        else:
            users.put(name, self._password, self._tags, by)


async def delete_user(call: Call) -> Response:
    """Delete a user and close its connections."""
    user = user_of(call)
    _check_unprotected(user)
    await perform(call, lambda: call.node.users.delete(user.name, call.user.name))
    return nothing()


def _check_unprotected(user: User) -> None:
    if PROTECTED in user.tags:
        why = f"user '{user.name}' is tagged as protected and cannot be deleted"
        raise Refusal(412, "precondition_failed", why)


@takes(users={"type": "array", "items": _TEXT, "required": True})
async def delete_users(call: Call) -> Response:
    """Delete many users; all of them or, if one is not there, none."""
    names = (await body_of(call, "users")).words("users")
    users = call.node.users
    for name in names:
        if name not in users.by_name:
            raise BadRequest(["no_such_user", name])
        _check_unprotected(users.by_name[name])

    def delete() -> None:
        for name in dict.fromkeys(names):
            users.delete(name, call.user.name)

    await perform(call, delete)
    return nothing()


# --- limits ----------------------------------------------------------------------------------


async def list_limits(call: Call) -> Response:
    """The limits of all users, or of the one that is named; others see their own."""
    users = [user_of(call)] if "name" in call.names else _all(call)
    if not call.has_tag(ADMINISTRATOR_TAG):
        users = [user for user in users if user.name == call.user.name]
    found: list[Facts] = [
        {"user": one.name, "value": dict(one.limits)} for one in users if one.limits
    ]
    return await reply_list(call, found, "user")


@takes(value={"type": "integer", "required": True})
async def put_limit(call: Call) -> Response:
    """Set one limit of a user; a negative number is none."""
    body = await body_of(call, "value")
    name, limit = call.names["name"], call.names["limit"]
    value = checked_limit(limit, body.values["value"])
    if name not in call.node.users.by_name:
        raise BadRequest(["no_such_user", name])
    await perform(call, lambda: call.node.users.set_limits(name, {limit: value}, call.user.name))
    return nothing()


def checked_limit(limit: str, value: Any) -> int:
    """The value of a limit.  Raises BadRequest."""
    if limit not in _LIMITS:
        raise BadRequest(f"Unrecognised terms [{{{term(limit)},{term(value)}}}] in user-limits")
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 63:
        raise BadRequest(f"{limit} should be a number, actually was {term(value)}")
    return value


async def delete_limit(call: Call) -> Response:
    """Lift one limit of a user."""
    user, limit = user_of(call), call.names["limit"]
    if limit in user.limits:
        users = call.node.users
        await perform(call, lambda: users.clear_limits(user.name, limit, call.user.name))
    return nothing()


ROUTES: Final = [
    Route("/api/users", ADMINISTRATOR, GET=list_users),
    Route("/api/users/without-permissions", ADMINISTRATOR, GET=list_idle),
    Route("/api/users/bulk-delete", ADMINISTRATOR, POST=delete_users),
    Route("/api/users/{name}", ADMINISTRATOR, GET=get_user, PUT=put_user, DELETE=delete_user),
    Route("/api/user-limits", MANAGEMENT, GET=list_limits),
    Route("/api/user-limits/{name}", MANAGEMENT, GET=list_limits),
    Route("/api/user-limits/{name}/{limit}", ADMINISTRATOR, PUT=put_limit, DELETE=delete_limit),
]
