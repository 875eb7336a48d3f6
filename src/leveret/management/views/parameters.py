"""Runtime parameters of virtual hosts, and global ones: listed, set, deleted.

RabbitMQ keeps the limits of virtual hosts and operators' policies among the former.
Behaviour: RabbitMQ 4.3, "HTTP API", /parameters and /global-parameters.
"""

from typing import Final

from starlette.responses import Response

from leveret.broker.definition_export import OPERATOR_POLICY, parameters_of
from leveret.broker.parameters import GlobalParameters, Parameters
from leveret.broker.policies import Policies, checked_policy
from leveret.broker.vhost import VHost
from leveret.errors import Invalid
from leveret.management.api import POLICYMAKER, BadRequest, Call, NotFound, Route, nothing
from leveret.management.deeds import body_of, perform, short, takes
from leveret.management.lists import Facts, reply_list, reply_one
from leveret.management.rights import check_component, policymakers_vhost

_POLICY: Final = "policy"
_ANYTHING: Final[dict[str, object]] = {"required": True}


# --- of virtual hosts ------------------------------------------------------------------------


def _facts(vhost: VHost) -> list[Facts]:
    return [{**one, "vhost": vhost.name} for one in parameters_of(vhost)]


async def list_parameters(call: Call) -> Response:
    """The parameters of all virtual hosts that one may use, or of one component."""
    vhosts = await call.some_vhosts()
    component = call.names.get("component")
    found = [one for vhost in vhosts for one in _facts(vhost)]
    if component is not None:
        found = [one for one in found if one["component"] == component]
    return await reply_list(call, found, "component", "vhost", "name")


def _find(call: Call, vhost: VHost) -> Facts | None:
    component, name = call.names["component"], call.names["name"]
    for one in _facts(vhost):
        if one["component"] == component and one["name"] == name:
            return one
    return None


async def get_parameter(call: Call) -> Response:
    """One parameter."""
    found = _find(call, await call.vhost())
    if found is None:
        raise NotFound()
    return await reply_one(call, found)


@takes(value=_ANYTHING)
async def put_parameter(call: Call) -> Response:
    """Give a parameter a value."""
    vhost = await policymakers_vhost(call)
    check_component(call, call.names["component"])
    value = (await body_of(call, "value")).values["value"]
    component, name = call.names["component"], short("name", call.names["name"])
    if component == _POLICY:
        raise BadRequest("policies may not be set using this method")
    is_new = _find(call, vhost) is None
    await perform(call, lambda: _set(vhost, component, name, value, call.user.name))
    return nothing(201 if is_new else 204)


def _set(vhost: VHost, component: str, name: str, value: object, by: str) -> None:
    if component != OPERATOR_POLICY:
        parameters: Parameters = vhost.parameters
        parameters.set(component, name, value, by)
        return
    if not isinstance(value, dict):
        raise Invalid("Validation failed\n\nan operator policy must be an object\n")
    policies: Policies = vhost.operator_policies
    pattern, definition, priority, apply_to = checked_policy(value, name)
    policies.set(name, pattern, definition, priority, apply_to, by)


async def delete_parameter(call: Call) -> Response:
    """Delete a parameter."""
    vhost = await policymakers_vhost(call)
    check_component(call, call.names["component"])
    if _find(call, vhost) is None:
        raise NotFound()
    await perform(call, lambda: _delete(call, vhost))
    return nothing()


def _delete(call: Call, vhost: VHost) -> None:
    component, name, by = call.names["component"], call.names["name"], call.user.name
    if component == OPERATOR_POLICY:
        vhost.operator_policies.delete(name, by)
    else:
        vhost.parameters.delete(component, name, by)


# --- global ones -----------------------------------------------------------------------------


async def list_globals(call: Call) -> Response:
    """The parameters of the whole node."""
    values: dict[str, object] = call.node.global_parameters.values
    found: list[Facts] = [{"name": name, "value": value} for name, value in values.items()]
    return await reply_list(call, found, "name")


async def get_global(call: Call) -> Response:
    """One parameter of the whole node."""
    name, values = call.names["name"], call.node.global_parameters.values
    if name not in values:
        raise NotFound()
    return await reply_one(call, {"name": name, "value": values[name]})


@takes(value=_ANYTHING)
async def put_global(call: Call) -> Response:
    """Give a parameter of the whole node a value."""
    value = (await body_of(call, "value")).values["value"]
    name = short("name", call.names["name"])
    parameters: GlobalParameters = call.node.global_parameters
    is_new = name not in parameters.values
    await perform(call, lambda: parameters.set(name, value, call.user.name))
    return nothing(201 if is_new else 204)


async def delete_global(call: Call) -> Response:
    """Delete a parameter of the whole node."""
    name, parameters = call.names["name"], call.node.global_parameters
    if name not in parameters.values:
        raise NotFound()
    await perform(call, lambda: parameters.delete(name, call.user.name))
    return nothing()


ROUTES: Final = [
    Route("/api/parameters", POLICYMAKER, GET=list_parameters),
    Route("/api/parameters/{component}", POLICYMAKER, GET=list_parameters),
    Route("/api/parameters/{component}/{vhost}", POLICYMAKER, GET=list_parameters),
    Route(
        "/api/parameters/{component}/{vhost}/{name}",
        POLICYMAKER,
        GET=get_parameter,
        PUT=put_parameter,
        DELETE=delete_parameter,
    ),
    Route("/api/global-parameters", POLICYMAKER, GET=list_globals),
    Route(
        "/api/global-parameters/{name}",
        POLICYMAKER,
        GET=get_global,
        PUT=put_global,
        DELETE=delete_global,
    ),
]
