"""Definitions, of everything or of one virtual host: handed out and taken in.

Behaviour: RabbitMQ 4.3, "Definition Export and Import", "HTTP API", /definitions.
"""

import asyncio
import time
from typing import Any, Final

import msgspec
from starlette.responses import Response

from leveret.broker.definition_export import export_definitions, export_vhost
from leveret.broker.definitions import Importer
from leveret.broker.limits import COMPONENT as LIMITS
from leveret.broker.shapes import Shape
from leveret.broker.vhost import VHost
from leveret.management.api import (
    ADMINISTRATOR,
    MANAGEMENT,
    BadRequest,
    Call,
    NotAuthorised,
    Refusal,
    Route,
    nothing,
    reply,
)
from leveret.management.deeds import perform, takes
from leveret.management.rights import check_component
from leveret.management.uploads import form_parts, is_form

# How long to import without leaving others their turn.
_SLICE_S: Final = 0.005
_SAFE_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@")
_BODY: Final[dict[str, dict[str, object]]] = {
    name: {"type": "array", "items": {"type": "object"}}
    for name in (
        *("users", "vhosts", "permissions", "topic_permissions", "global_parameters"),
        *("parameters", "policies", "queues", "exchanges", "bindings"),
    )
}


# --- out -------------------------------------------------------------------------------------


async def export_all(call: Call) -> Response:
    """Everything that is declared."""
    return await _told(call, export_definitions(call.node))


async def export_one(call: Call) -> Response:
    """What is declared in one virtual host, for import into any."""
    name = call.names["vhost"]
    if name not in call.node.vhosts:
        raise BadRequest("vhost_not_found")
    await _check(call, call.node.vhosts[name])
    return await _told(call, export_vhost(call.node, name))


async def _told(call: Call, document: dict[str, object]) -> Response:
    response = await reply(call, document)
    name = "".join([one for one in call.query.get("download", "") if one in _SAFE_NAME])
    if name:
        response.headers["content-disposition"] = f'attachment; filename="{name}"'
    return response


async def _check(call: Call, vhost: VHost) -> None:
    """Administrators may, and those who may set policies where they do.  Raises NotAuthorised."""
    if call.is_administrator:
        return
    if not call.is_policymaker or not await call.enters(vhost.name):
        raise NotAuthorised("Not administrator user")


# --- in --------------------------------------------------------------------------------------


@takes(**_BODY)
async def import_all(call: Call) -> Response:
    """Declare what a document says; what is there already stays."""
    return await _import(call, None)


@takes(**_BODY)
async def import_one(call: Call) -> Response:
    """Declare in one virtual host what a document says."""
    name = call.names["vhost"]
    if name not in call.node.vhosts:
        raise Refusal(404, "not_found", "vhost_not_found")
    await _check(call, call.node.vhosts[name])
    return await _import(call, name)


async def _import(call: Call, vhost: str | None) -> Response:
    parts = await _parts(call)
    document = _decoded(parts["file"])
    _check_imposed(call, document)
    importer = Importer(call.node, vhost, call.user.name)
    await perform(call, lambda: importer.read(Shape("", document)))
    while importer.has_more:
        await perform(call, lambda: _perform_some(importer))
        await asyncio.sleep(0)
    return _afterwards(parts.get("redirect", b""))


def _check_imposed(call: Call, document: dict[str, Any]) -> None:
    """Let nobody lift by a document what only administrators may.  Raises NotAuthorised."""
    if document.get("limits"):
        check_component(call, LIMITS)
    parameters = document.get("parameters")
    for one in parameters if isinstance(parameters, list) else []:
        if isinstance(one, dict):
            check_component(call, one.get("component"))


def _perform_some(importer: Importer) -> None:
    """Import for a while, but not for so long that others would notice."""
    until = time.perf_counter() + _SLICE_S
    while importer.has_more and time.perf_counter() < until:
        importer.perform_next()


async def _parts(call: Call) -> dict[str, bytes]:
    """The document as ``file``, however it was sent.  Raises BadRequest."""
    body = await call.body()
    content_type = call.request.headers.get("content-type", "")
    if not is_form(content_type):
        return {"file": body}
    parts = form_parts(content_type, body)
    if "file" not in parts:
        raise BadRequest("the form has no file")
    return parts


def _decoded(octets: bytes) -> Any:
    try:
        document = msgspec.json.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("failed_to_parse_json") from None
    if not isinstance(document, dict):
        raise BadRequest("failed_to_parse_json")
    return document


def _afterwards(redirect: bytes) -> Response:
    """Where the form says that the browser is to go on, if it is a form."""
    where = redirect.decode("ascii", "replace").strip()
    if not where.startswith("#") or not where.isprintable():
        return nothing()
    response = nothing(303)
    response.headers["location"] = f"../{where}"
    return response


ROUTES: Final = [
    Route("/api/definitions", ADMINISTRATOR, GET=export_all, POST=import_all),
    Route("/api/all-configuration", ADMINISTRATOR, GET=export_all, POST=import_all),
    Route("/api/definitions/{vhost}", MANAGEMENT, GET=export_one, POST=import_one),
    Route("/api/all-configuration/{vhost}", MANAGEMENT, GET=export_one, POST=import_one),
]
