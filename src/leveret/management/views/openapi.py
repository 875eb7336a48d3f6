"""The description of this API for programs: OpenAPI 3.1, made from the very routes that answer.

Source: OpenAPI Specification 3.1.0.  Control plane.
"""

from collections.abc import Iterable
from typing import Any, Final

from starlette.responses import Response

from leveret.management.api import (
    ADMINISTRATOR,
    ANYBODY,
    MANAGEMENT,
    MONITORING,
    OPEN,
    POLICYMAKER,
    Call,
    Route,
    View,
    reply,
)
from leveret.version import VERSION

PATH: Final = "/api/openapi.json"
_API: Final = "/api/"
_ROLES: Final = {
    ANYBODY: "any user",
    MANAGEMENT: "the tag management, or a higher one",
    POLICYMAKER: "the tag policymaker or administrator",
    MONITORING: "the tag monitoring or administrator",
    ADMINISTRATOR: "the tag administrator",
}
# What else than an object a GET answers with, by the end of its path.
_LIST_ENDS: Final = frozenset(
    (
        *("users", "permissions", "topic-permissions", "without-permissions", "user-limits"),
        *("vhosts", "vhost-limits", "parameters", "global-parameters", "policies"),
        *("operator-policies", "exchanges", "queues", "detailed", "bindings", "source"),
        *("destination", "connections", "channels", "consumers", "nodes", "sessions"),
        *("feature-flags", "deprecated-features", "used", "messages", "extensions"),
    )
)
_LISTS: Final = frozenset(
    (
        *("/api/user-limits/{name}", "/api/vhost-limits/{vhost}", "/api/parameters/{component}"),
        *("/api/parameters/{component}/{vhost}", "/api/policies/{vhost}"),
        *("/api/operator-policies/{vhost}", "/api/exchanges/{vhost}", "/api/queues/{vhost}"),
        *("/api/bindings/{vhost}", "/api/consumers/{vhost}", "/api/connections/username/{user}"),
        *("/api/bindings/{vhost}/e/{source}/q/{destination}",),
        *("/api/bindings/{vhost}/e/{source}/e/{destination}",),
        *("/api/topic-permissions/{vhost}/{user}",),
        *("/api/topic-permissions/{vhost}/{user}/{exchange}",),
        *("/api/auth/attempts/{node}",),
    )
)
_UNPAGED: Final = ("/messages", "/extensions", "/sessions")
_WHOLE: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": "string"}
_LIST_QUERY: Final[dict[str, dict[str, Any]]] = {
    "page": {"type": "integer", "minimum": 1},
    "page_size": {"type": "integer", "minimum": 1, "maximum": 500},
    "name": _TEXT,
    "use_regex": {"type": "boolean"},
    "sort": _TEXT,
    "sort_reverse": {"type": "boolean"},
    "columns": _TEXT,
}
_MESSAGES_QUERY: Final[dict[str, dict[str, Any]]] = {
    "offset": _WHOLE,
    "count": _WHOLE,
    "truncate": _WHOLE,
    "state": {"type": "string", "enum": ["ready", "unacked"]},
    "encoding": {"type": "string", "enum": ["auto", "base64"]},
}
_DELETE_QUERY: Final = {
    "/api/queues/{vhost}/{name}": ("if-unused", "if-empty"),
    "/api/exchanges/{vhost}/{name}": ("if-unused",),
}
_ERROR: Final = {
    "type": "object",
    "properties": {"error": _TEXT, "reason": {}},
    "required": ["error", "reason"],
}


def is_list(path: str) -> bool:
    """Whether a GET of the route ``path`` is answered with a list."""
    return path in _LISTS or (not path.endswith("}") and path.rpartition("/")[2] in _LIST_ENDS)


def is_paged(path: str) -> bool:
    """Whether that list comes in pages when they are asked for."""
    return is_list(path) and not path.endswith(_UNPAGED) and "/auth/" not in path


def document(routes: Iterable[Route], prefix: str) -> dict[str, Any]:
    """The description of those of ``routes`` that are of the API."""
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(routes, key=lambda one: one.path):
        if not route.path.startswith(_API):
            continue
        item = paths.setdefault(route.path, {})
        item["parameters"] = [_parameter("path", name, _TEXT) for name in _names(route)]
        for method, view in route.views.items():
            item[method.lower()] = _operation(route, method, view)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Leveret HTTP API",
            "version": VERSION,
            "description": "The HTTP API of RabbitMQ's management plugin, and some more.",
        },
        "servers": [{"url": "/" + prefix.strip("/")}],
        "paths": paths,
        "security": [{"basic": []}],
        "components": {
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            "schemas": {"Error": _ERROR},
        },
    }


def _names(route: Route) -> list[str]:
    return [part[1:-1] for part in route.parts if part.startswith("{")]


def _parameter(place: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _operation(route: Route, method: str, view: View) -> dict[str, Any]:
    lines = (view.__doc__ or "").strip().splitlines()
    said = getattr(view, "schema", None)
    found: dict[str, Any] = {
        "operationId": f"{method.lower()}:{route.path}",
        "summary": lines[0] if lines else "",
        "tags": [route.parts[1]],
        "parameters": _query(route, method),
        "responses": _responses(route, method),
    }
    if route.role == OPEN:
        found["security"] = []
    else:
        found["description"] = f"For {_ROLES[route.role]}."
    if said is not None:
        found["requestBody"] = {
            "required": bool(said["required"]),
            "content": {"application/json": {"schema": said}},
        }
    return found


def _query(route: Route, method: str) -> list[dict[str, Any]]:
    wanted: dict[str, dict[str, Any]] = {}
    if method == "DELETE":
        wanted = {one: {"type": "boolean"} for one in _DELETE_QUERY.get(route.path, ())}
    elif method == "GET" and route.path.endswith("/messages"):
        wanted = _MESSAGES_QUERY
    elif method == "GET" and is_paged(route.path):
        wanted = _LIST_QUERY
    return [_parameter("query", name, schema) for name, schema in wanted.items()]


def _responses(route: Route, method: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if method == "GET":
        kind = {"type": ["array", "object"] if is_paged(route.path) else "array"}
        schema: dict[str, Any] = kind if is_list(route.path) else {}
        found["200"] = {
            "description": "what was asked for",
            "content": {"application/json": {"schema": schema}},
        }
    else:
        for status in _STATUSES[method]:
            found[status] = {"description": _DONE[status]}
    refusals = ["400", "401", *(["404"] if _names(route) else []), "413"]
    if method == "DELETE" and route.role == ADMINISTRATOR:
        refusals.append("412")
    if "/health/" in route.path or route.path.endswith("/publish"):
        refusals.append("503")
    for status in refusals:
        found[status] = {
            "description": _REFUSED[status],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    return found


_STATUSES: Final = {"PUT": ("201", "204"), "POST": ("200", "201", "204"), "DELETE": ("204",)}
_DONE: Final = {"200": "done, with an answer", "201": "made", "204": "done"}
_REFUSED: Final = {
    "400": "the request makes no sense, or contradicts what is there",
    "401": "who asks is not known, or may not",
    "404": "there is no such thing",
    "412": "it is protected from deletion",
    "413": "the body is too large",
    "503": "the check failed, or publishers are held",
}


def routes_for(routes: list[Route], prefix: str) -> list[Route]:
    """The route of the description of ``routes``, and of itself."""

    async def describe(call: Call) -> Response:
        """This description."""
        # Made anew: it is large, and hardly anybody asks for it twice.
        return await reply(call, document([*routes, *own], prefix))

    own = [Route(PATH, MANAGEMENT, GET=describe)]
    return own
