"""Policies and operators' policies: listed, set, deleted.

Behaviour: RabbitMQ 4.3, "HTTP API", /policies and /operator-policies.
"""

from typing import Final

from starlette.responses import Response

from leveret.broker.policies import Policies, checked_policy
from leveret.broker.policy import Policy
from leveret.broker.vhost import VHost
from leveret.management.api import (
    ADMINISTRATOR,
    MANAGEMENT,
    POLICYMAKER,
    Call,
    NotFound,
    Route,
    nothing,
)
from leveret.management.deeds import Body, body_of, perform, short, takes, target
from leveret.management.lists import Facts, reply_list, reply_one
from leveret.management.rights import policymakers_vhost

_OPERATORS: Final = "operator-policies"
_FACTS: Final[dict[str, dict[str, object]]] = {
    "pattern": {"type": "string", "required": True},
    "definition": {"type": "object", "required": True},
    "priority": {"type": "integer"},
    "apply__to": {"type": "string"},
}


def facts_of(vhost: VHost, policy: Policy) -> Facts:
    """What is told of a policy."""
    return {
        "vhost": vhost.name,
        "name": policy.name,
        "pattern": policy.pattern,
        "apply-to": policy.apply_to,
        "definition": dict(policy.definition),
        "priority": policy.priority,
    }


def _users(vhost: VHost) -> Policies:
    return vhost.policies


def _operators(vhost: VHost) -> Policies:
    return vhost.operator_policies


# --- users' ----------------------------------------------------------------------------------


async def list_policies(call: Call) -> Response:
    """The policies of the virtual hosts that one may use."""
    vhosts = await call.some_vhosts()
    found = [facts_of(vhost, one) for vhost in vhosts for one in _users(vhost)]
    return await reply_list(call, found, "vhost", "name")


async def get_policy(call: Call) -> Response:
    """One policy."""
    vhost = await call.vhost()
    return await _told(call, vhost, _users(vhost))


@takes(**_FACTS)
async def put_policy(call: Call) -> Response:
    """Set a policy, in place of one of that name."""
    vhost = await policymakers_vhost(call)
    return await _set(call, _users(vhost))


async def delete_policy(call: Call) -> Response:
    """Delete a policy."""
    vhost = await policymakers_vhost(call)
    return await _delete(call, _users(vhost))


# --- operators' ------------------------------------------------------------------------------


async def list_operators(call: Call) -> Response:
    """The operators' policies of the virtual hosts that one may use."""
    vhosts = await call.some_vhosts()
    found = [facts_of(vhost, one) for vhost in vhosts for one in _operators(vhost)]
    return await reply_list(call, found, "vhost", "name")


async def get_operator(call: Call) -> Response:
    """One operators' policy."""
    vhost = await call.vhost()
    return await _told(call, vhost, _operators(vhost))


@takes(**_FACTS)
async def put_operator(call: Call) -> Response:
    """Set an operators' policy, in place of one of that name."""
    return await _set(call, _operators(await target(call)))


async def delete_operator(call: Call) -> Response:
    """Delete an operators' policy."""
    return await _delete(call, _operators(await call.vhost()))


# --- either ----------------------------------------------------------------------------------


async def _told(call: Call, vhost: VHost, policies: Policies) -> Response:
    policy = policies.get(call.names["name"])
    if policy is None:
        raise NotFound()
    return await reply_one(call, facts_of(vhost, policy))


async def _set(call: Call, policies: Policies) -> Response:
    body: Body = await body_of(call, "pattern", "definition")
    name = short("name", call.names["name"])
    is_new = policies.get(name) is None

    def deed() -> None:
        pattern, definition, priority, apply_to = checked_policy(body.values, name)
        policies.set(name, pattern, definition, priority, apply_to, call.user.name)

    await perform(call, deed)
    return nothing(201 if is_new else 204)


async def _delete(call: Call, policies: Policies) -> Response:
    name = call.names["name"]
    if policies.get(name) is None:
        raise NotFound()
    await perform(call, lambda: policies.delete(name, call.user.name))
    return nothing()


_OF_OPERATORS: Final = f"/api/{_OPERATORS}"
ROUTES: Final = [
    Route("/api/policies", MANAGEMENT, GET=list_policies),
    Route("/api/policies/{vhost}", MANAGEMENT, GET=list_policies),
    Route("/api/policies/{vhost}/{name}", MANAGEMENT, GET=get_policy),
    Route("/api/policies/{vhost}/{name}", POLICYMAKER, PUT=put_policy, DELETE=delete_policy),
    Route(_OF_OPERATORS, MANAGEMENT, GET=list_operators),
    Route(_OF_OPERATORS + "/{vhost}", MANAGEMENT, GET=list_operators),
    Route(_OF_OPERATORS + "/{vhost}/{name}", MANAGEMENT, GET=get_operator),
    Route(
        _OF_OPERATORS + "/{vhost}/{name}", ADMINISTRATOR, PUT=put_operator, DELETE=delete_operator
    ),
]
