"""Permissions and topic permissions: listed, granted, revoked.

Behaviour: RabbitMQ 4.3, "HTTP API", /permissions and /topic-permissions.
"""

from typing import Final

from starlette.responses import Response

from leveret.auth.permissions import Permission, TopicPermission
from leveret.auth.users import User
from leveret.management.api import ADMINISTRATOR, BadRequest, Call, NotFound, Route, nothing
from leveret.management.deeds import Body, body_of, perform, short, takes
from leveret.management.lists import Facts, reply_list, reply_one
from leveret.management.views.users import user_of

_PATTERN: Final = {"type": "string", "required": True}


def permissions_of(user: User) -> list[Facts]:
    """What a user was granted, vhost by vhost."""
    return [
        {
            "user": user.name,
            "vhost": vhost,
            "configure": one.configure,
            "write": one.write,
            "read": one.read,
        }
        for vhost, one in user.permissions.items()
    ]


def topic_permissions_of(user: User) -> list[Facts]:
    """How a user's routing keys are restricted, exchange by exchange."""
    return [
        {
            "user": user.name,
            "vhost": vhost,
            "exchange": exchange,
            "write": one.write,
            "read": one.read,
        }
        for vhost, exchanges in user.topic_permissions.items()
        for exchange, one in exchanges.items()
    ]


def _users(call: Call) -> list[User]:
    return list(call.node.users.by_name.values())


def _vhost_of(call: Call) -> str:
    name = call.names["vhost"]
    if name not in call.node.vhosts:
        raise NotFound()
    return name


def _pair(call: Call) -> tuple[str, User]:
    """The vhost and the user that the path names.  Raises NotFound."""
    user = call.node.users.by_name.get(call.names["user"])
    if user is None or call.names["vhost"] not in call.node.vhosts:
        raise NotFound()
    return call.names["vhost"], user


def _pair_to_grant(call: Call) -> tuple[str, User]:
    """The same, to grant something.  Raises BadRequest."""
    try:
        return _pair(call)
    except NotFound:
        raise BadRequest("vhost_or_user_not_found") from None


# --- permissions -----------------------------------------------------------------------------


async def list_all(call: Call) -> Response:
    """All permissions."""
    every = [one for user in _users(call) for one in permissions_of(user)]
    return await reply_list(call, every, "vhost", "user")


async def list_of_user(call: Call) -> Response:
    """The permissions of one user."""
    return await reply_list(call, permissions_of(user_of(call)), "vhost")


async def list_of_vhost(call: Call) -> Response:
    """The permissions of one virtual host."""
    vhost = _vhost_of(call)
    found = [one for user in _users(call) for one in permissions_of(user) if one["vhost"] == vhost]
    return await reply_list(call, found, "user")


async def get_permission(call: Call) -> Response:
    """What one user may do in one virtual host."""
    vhost, user = _pair(call)
    for one in permissions_of(user):
        if one["vhost"] == vhost:
            return await reply_one(call, one)
    raise NotFound()


@takes(configure=_PATTERN, write=_PATTERN, read=_PATTERN)
async def put_permission(call: Call) -> Response:
    """Let a user into a virtual host, with these rights in place of earlier ones."""
    body = await body_of(call, "configure", "write", "read")
    vhost, user = _pair_to_grant(call)
    patterns = [_pattern(body, key) for key in ("configure", "write", "read")]
    is_new = vhost not in user.permissions
    permission = Permission(*patterns)
    await perform(call, lambda: user.grant(vhost, permission, call.user.name))
    return nothing(201 if is_new else 204)


def _pattern(body: Body, key: str) -> str:
    pattern = body.text(key)
    try:
        TopicPermission(pattern, "")
    except ValueError as wrong:
        raise BadRequest(["invalid_regexp", pattern, str(wrong)]) from None
    return pattern


async def delete_permission(call: Call) -> Response:
    """Let a user into a virtual host no more."""
    vhost, user = _pair(call)
    if vhost not in user.permissions:
        raise NotFound()
    await perform(call, lambda: user.revoke(vhost, call.user.name))
    return nothing()


# --- topic permissions -----------------------------------------------------------------------


async def list_all_topics(call: Call) -> Response:
    """All topic permissions."""
    every = [one for user in _users(call) for one in topic_permissions_of(user)]
    return await reply_list(call, every, "vhost", "user", "exchange")


async def list_topics_of_user(call: Call) -> Response:
    """The topic permissions of one user."""
    return await reply_list(call, topic_permissions_of(user_of(call)), "vhost", "exchange")


async def list_topics_of_vhost(call: Call) -> Response:
    """The topic permissions of one virtual host."""
    vhost = _vhost_of(call)
    every = [one for user in _users(call) for one in topic_permissions_of(user)]
    found = [one for one in every if one["vhost"] == vhost]
    return await reply_list(call, found, "user", "exchange")


async def get_topics(call: Call) -> Response:
    """How the routing keys of one user are restricted in one virtual host."""
    vhost, user = _pair(call)
    found = [one for one in topic_permissions_of(user) if one["vhost"] == vhost]
    if "exchange" in call.names:
        found = [one for one in found if one["exchange"] == call.names["exchange"]]
    if not found:
        raise NotFound()
    return await reply_list(call, found, "exchange")


@takes(exchange={"type": "string", "required": True}, write=_PATTERN, read=_PATTERN)
async def put_topics(call: Call) -> Response:
    """Restrict the routing keys of one user at one exchange."""
    body = await body_of(call, "exchange", "write", "read")
    vhost, user = _pair_to_grant(call)
    exchange = short("exchange", body.text("exchange"))
    permission = TopicPermission(_pattern(body, "write"), _pattern(body, "read"))
    is_new = vhost not in user.topic_permissions
    await perform(call, lambda: user.grant_topic(vhost, exchange, permission, call.user.name))
    return nothing(201 if is_new else 204)


async def delete_topics(call: Call) -> Response:
    """Lift the restrictions of one user in one virtual host, or at one exchange of it."""
    vhost, user = _pair(call)
    exchange = call.names.get("exchange")
    known = user.topic_permissions.get(vhost, {})
    if not known or (exchange is not None and exchange not in known):
        raise NotFound()
    await perform(call, lambda: user.revoke_topic(vhost, exchange, call.user.name))
    return nothing()


_TOPICS: Final = "/api/topic-permissions"
ROUTES: Final = [
    Route("/api/permissions", ADMINISTRATOR, GET=list_all),
    Route("/api/users/{name}/permissions", ADMINISTRATOR, GET=list_of_user),
    Route("/api/vhosts/{vhost}/permissions", ADMINISTRATOR, GET=list_of_vhost),
    Route(
        "/api/permissions/{vhost}/{user}",
        ADMINISTRATOR,
        GET=get_permission,
        PUT=put_permission,
        DELETE=delete_permission,
    ),
    Route(_TOPICS, ADMINISTRATOR, GET=list_all_topics),
    Route("/api/users/{name}/topic-permissions", ADMINISTRATOR, GET=list_topics_of_user),
    Route("/api/vhosts/{vhost}/topic-permissions", ADMINISTRATOR, GET=list_topics_of_vhost),
    Route(
        _TOPICS + "/{vhost}/{user}",
        ADMINISTRATOR,
        GET=get_topics,
        PUT=put_topics,
        DELETE=delete_topics,
    ),
    Route(
        _TOPICS + "/{vhost}/{user}/{exchange}", ADMINISTRATOR, GET=get_topics, DELETE=delete_topics
    ),
]
