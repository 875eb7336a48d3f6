"""Every path of the HTTP port, and what all answers have in common.

``make_site`` is called when the first connection has come.  Control plane.
"""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Final, final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from uvicorn.config import Config
from uvicorn.server import ServerState

from leveret.broker.node import Node
from leveret.management.api import (
    OPEN,
    Call,
    NotFound,
    NotLoggedIn,
    Refusal,
    Route,
    Routes,
)
from leveret.management.login import CHALLENGE, login
from leveret.management.protocol import WebProtocol
from leveret.management.sampler import forget_statistics
from leveret.management.views import (
    auth,
    binding_actions,
    bindings,
    browsing,
    channels,
    command_line,
    connection_actions,
    connections,
    consumers,
    definitions,
    exchange_actions,
    exchanges,
    extensions,
    health,
    moving,
    nodes,
    openapi,
    overview,
    page,
    parameters,
    permissions,
    policies,
    queue_actions,
    queues,
    scraping,
    users,
    vhost_actions,
    vhosts,
)

_KEEP_ALIVE_S: Final = 60
_CLOSING_S: Final = 1.0
_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
# Each module brings its routes.
_VIEWS: Final = (
    overview,
    nodes,
    vhosts,
    exchanges,
    queues,
    bindings,
    consumers,
    connections,
    channels,
    users,
    permissions,
    parameters,
    policies,
    vhost_actions,
    exchange_actions,
    queue_actions,
    browsing,
    moving,
    command_line,
    page,
    binding_actions,
    connection_actions,
    definitions,
    health,
    extensions,
    auth,
    scraping,
)
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


def make_site(node: Node, wake: Callable[[], None]) -> "Site":
    """The site of ``node``; ``wake`` is called when a request may have changed something."""
    routes = [route for module in _VIEWS for route in module.ROUTES]
    routes += openapi.routes_for(routes, node.settings.management_path_prefix)
    return Site(node, wake, routes)


@final
class Site:
    """An ASGI application, and the connections that it answers."""

    def __init__(self, node: Node, wake: Callable[[], None], routes: list[Route]) -> None:
        self._node: Final = node
        self._wake: Final = wake
        self._routes: Final = Routes(routes)
        settings = node.settings
        prefix = settings.management_path_prefix.strip("/")
        self._prefix: Final = f"/{prefix}" if prefix else ""
        self._state: Final = ServerState()
        # Takes over connections that are asked to become WebSockets: path, transport, request.
        self.upgrade: Callable[[str, Any, bytes], bool] | None = None
        self._config: Final = Config(
            self,
            http=WebProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
        )
        self._config.load()

    # --- connections -----------------------------------------------------------------------

    def protocol(self) -> asyncio.Protocol:
        """What a new connection speaks."""
        settings = self._node.settings
        timeout_s = settings.management_timeout_ms / 1000
        most = settings.management_max_connections
        protocol = WebProtocol(self._config, self._state, timeout_s, most)
        protocol.upgrade = self.upgrade
        return protocol

    def shut(self) -> None:
        """Close connections that wait for nothing; the others when they have their answer."""
        for connection in list(self._state.connections):
            connection.shutdown()

    async def close(self) -> None:
        """Cut off whoever is still there."""
        forget_statistics(self._node)
        for task in list(self._state.tasks):
            task.cancel()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_CLOSING_S)
        for connection in list(self._state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        # The transports tell of their end in the next turns.
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CLOSING_S
        while self._state.connections and loop.time() < deadline:  # noqa: ASYNC110 soon over
            await asyncio.sleep(0)

    # --- requests --------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request.  Never raises but for being cancelled."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refusal as refusal:
            response = refusal.response()
            if isinstance(refusal, NotLoggedIn) and not _is_from_script(request):
                response.headers["www-authenticate"] = CHALLENGE
        except ClientDisconnect:
            return
        except Exception:
            self._node.notices.crash(f"HTTP {request.method} {scope['path']!r} failed")
            response = Refusal(500, "internal_server_error", "see the broker's log").response()
        finally:
            if request.method not in _SAFE:
                self._wake()
        self._finish(request, response)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("ascii")
        if not f"{path}/".startswith(f"{self._prefix}/"):
            raise NotFound()
        path = path[len(self._prefix) :]
        place = self._routes.find(path)
        if place is None:
            raise NotFound()
        method = "GET" if request.method == "HEAD" else request.method
        route = place.by_method.get(method)
        if route is None:
            allowed = {"allow": ", ".join(place.methods)}
            return Response(b"", 200 if method == "OPTIONS" else 405, allowed)
        call = Call(self._node, request, route.names_in(path))
        call.wake = self._wake
        if route.role != OPEN:
            entered = await login(self._node, request)
            call.is_of(entered.user, entered.rights)
            call.check(route.role)
        if method not in _SAFE and self._is_foreign(request):
            raise Refusal(403, "forbidden", "requests from pages of other sites change nothing")
        return await route.views[method](call)

    # --- what all have in common -----------------------------------------------------------

    def _is_foreign(self, request: Request) -> bool:
        """Whether a browser sends it for a page that is not ours: its user may know nothing."""
        headers = request.headers
        origin = headers.get("origin", "")
        if "sec-fetch-site" in headers:
            is_foreign = headers["sec-fetch-site"] in ("cross-site", "same-site")
        elif origin == "" or _is_from_script(request):
            # A page of another site cannot say that it is a script without having asked first.
            is_foreign = False
        else:
            # Without TLS, browsers say no more than this.
            is_foreign = origin.partition("://")[2] != headers.get("host", "")
        return is_foreign and not self._is_welcome(origin)

    def _is_welcome(self, origin: str) -> bool:
        allowed = self._node.settings.management_cors_allow_origins
        return bool(origin) and (origin in allowed or "*" in allowed)

    def _finish(self, request: Request, response: Response) -> None:
        headers = response.headers
        headers["date"] = formatdate(usegmt=True)
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("vary", "origin")
        origin = request.headers.get("origin", "")
        if not self._is_welcome(origin):
            return
        headers["access-control-allow-origin"] = origin
        headers["access-control-allow-credentials"] = "true"
        if request.method == "OPTIONS":
            age_s = self._node.settings.management_cors_max_age_s
            headers["access-control-max-age"] = str(age_s)
            headers["access-control-allow-methods"] = headers.get("allow", "")
            asked = request.headers.get("access-control-request-headers", "authorization")
            headers["access-control-allow-headers"] = asked


def _is_from_script(request: Request) -> bool:
    """A page asks for the name and password itself: the browser need not."""
    return request.headers.get("x-requested-with", "").lower() == "xmlhttprequest"
