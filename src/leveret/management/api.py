"""The door that every request of the API comes through: who asks, what for, and the answer's form.

A view is an ``async`` function of a ``Call`` that returns a ``Response``: that of ``reply`` for
JSON.  What cannot be answered is raised as a ``Refusal``.
Behaviour: RabbitMQ 4.3, "Management plugin", "HTTP API"; its words for refusals.  Control plane.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, final
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from leveret.auth.rights import Inquiry, Pending, Rights, Waiter
from leveret.auth.users import User
from leveret.broker.node import Node
from leveret.broker.vhost import VHost

JSON: Final = "application/json"
# Who may call a view, each more than the one before; OPEN is whoever comes, logged in or not.
OPEN: Final = 0
ANYBODY: Final = 1
MANAGEMENT: Final = 2
POLICYMAKER: Final = 3
MONITORING: Final = 4
ADMINISTRATOR: Final = 5

_ENTERING: Final = frozenset(("administrator", "monitoring", "policymaker", "management"))
# Answers from here on are compressed; and by so much at once, that others have their turns.
_COMPRESSED_FROM: Final = 1024
_SLICE_OCTETS: Final = 65_536
_ENCODE: Final = msgspec.json.Encoder(enc_hook=str)


class Refusal(Exception):
    """The request cannot be answered: status, RabbitMQ's word for the error, and why."""

    def __init__(self, status: int, error: str, reason: object) -> None:
        super().__init__(f"{status} {error}: {reason}")
        self.status: Final = status
        self.error: Final = error
        self.reason: Final = reason

    def response(self) -> Response:
        """What the client is told."""
        facts = {"error": self.error, "reason": self.reason}
        return Response(encode(facts), self.status, media_type=JSON)


class BadRequest(Refusal):
    """What is asked for makes no sense."""

    def __init__(self, reason: object, error: str = "bad_request") -> None:
        super().__init__(400, error, reason)


class NotFound(Refusal):
    """What is asked for does not exist."""

    def __init__(self) -> None:
        super().__init__(404, "Object Not Found", "Not Found")


class NotAuthorised(Refusal):
    """Whoever asks may not."""

    def __init__(self, reason: str) -> None:
        super().__init__(401, "not_authorised", reason)


class NotLoggedIn(Refusal):
    """Nobody knows who asks: the client is told how to say it."""

    def __init__(self, reason: str = "Login failed", error: str = "not_authorized") -> None:
        super().__init__(401, error, reason)


class TooLarge(Refusal):
    """The body is."""

    def __init__(self, most: int) -> None:
        super().__init__(413, "payload_too_large", f"the body is larger than {most} octets")


@final
class Asker(Waiter):
    """Somebody who waits for an inquiry about rights."""

    def __init__(self) -> None:
        self.answered: Final = asyncio.Event()

    def go_on(self) -> None:
        """The answer is there."""
        self.answered.set()


async def answered(inquiry: Inquiry) -> None:
    """Wait until whoever decides has decided."""
    asker = Asker()
    inquiry.begin(asker)
    try:
        await asker.answered.wait()
    except asyncio.CancelledError:
        inquiry.abandon()
        raise


async def decided(decide: Callable[[], Any]) -> Any:
    """What ``decide`` gives, asked again as often as it raises Pending."""
    while True:
        try:
            return decide()
        except Pending as pending:
            await answered(pending.inquiry)


@final
class Call:
    """One request of somebody who has logged in, unless the view is for everybody.

    ``names`` are the parts of the path that its route calls so, ``query`` what follows its ``?``.
    ``wake`` is for whoever changes something and waits until it is on the disk.
    """

    def __init__(self, node: Node, request: Request, names: dict[str, str]) -> None:
        self.node: Final = node
        self.request: Final = request
        self.names: Final = names
        self.query: Final = request.query_params
        self.wake: Callable[[], None] = nobody
        self._user: User | None = None
        self._rights: Rights | None = None
        self._vhosts: list[VHost] | None = None

    # --- who -------------------------------------------------------------------------------

    def is_of(self, user: User, rights: Rights) -> None:
        """``user`` asks."""
        self._user = user
        self._rights = rights

    @property
    def user(self) -> User:
        """Who asks."""
        assert self._user is not None, "this view is for everybody"
        return self._user

    @property
    def rights(self) -> Rights:
        """What the user may do in the vhosts."""
        assert self._rights is not None, "this view is for everybody"
        return self._rights

    def has_tag(self, *tags: str) -> bool:
        """Whether the user has one of them."""
        return any(tag in self.user.tags for tag in tags)

    @property
    def is_administrator(self) -> bool:
        """Whether the user may do everything."""
        return self.has_tag("administrator")

    @property
    def is_monitor(self) -> bool:
        """Whether the user may see everything that is not a secret."""
        return self.has_tag("administrator", "monitoring")

    @property
    def is_policymaker(self) -> bool:
        """Whether the user may set policies and parameters, where it has access."""
        return self.has_tag("administrator", "policymaker")

    def check(self, role: int) -> None:
        """Refuse who is less than ``role``.  Raises NotAuthorised."""
        if role >= MANAGEMENT and not _ENTERING & set(self.user.tags):
            raise NotAuthorised("Not management user")
        if role == POLICYMAKER and not self.is_policymaker:
            raise NotAuthorised("User not authorised to access object")
        if role == MONITORING and not self.is_monitor:
            raise NotAuthorised("Not monitor user")
        if role == ADMINISTRATOR and not self.is_administrator:
            raise NotAuthorised("Not administrator user")

    # --- where -----------------------------------------------------------------------------

    async def enters(self, vhost: str) -> bool:
        """Whether the user may use ``vhost``."""
        rights = self.rights
        return bool(await decided(lambda: rights.enters(vhost)))

    async def allows(self, operation: str, kind: str, vhost: str, name: str) -> bool:
        """Whether the user may ``operation`` (configure, write, read) the queue or exchange."""
        rights = self.rights
        return bool(await decided(lambda: rights.allows(operation, kind, vhost, name)))

    async def vhosts(self) -> list[VHost]:
        """Those that the user may use, or the one of the header ``x-vhost``."""
        found = self._vhosts
        if found is None:
            only = self.request.headers.get("x-vhost", "")
            every = [v for v in self.node.vhosts.values() if only in ("", v.name)]
            found = [vhost for vhost in every if await self.enters(vhost.name)]
            self._vhosts = found
        return found

    async def visible_vhosts(self) -> list[VHost]:
        """Those that the user may know of."""
        return list(self.node.vhosts.values()) if self.is_monitor else await self.vhosts()

    async def vhost(self) -> VHost:
        """The one that the path names.  Raises NotFound, NotAuthorised."""
        found = self.node.vhosts.get(self.names["vhost"])
        if found is None:
            raise NotFound()
        if not await self.enters(found.name):
            raise NotAuthorised("User not authorised to access virtual host")
        return found

    async def some_vhosts(self) -> list[VHost]:
        """The one that the path names, if it names one, else all that the user may use."""
        return [await self.vhost()] if "vhost" in self.names else await self.vhosts()

    # --- what ------------------------------------------------------------------------------

    def flag(self, name: str) -> bool:
        """Whether the query says that ``name`` is true."""
        return self.query.get(name, "") == "true"

    @property
    def wants_statistics(self) -> bool:
        """Whether rates and what goes through things are to be told, too."""
        mode = self.node.settings.management_rates_mode
        return mode != "none" and not self.flag("disable_stats")

    async def body(self) -> bytes:
        """What the client sent.  Raises TooLarge, Refusal when it does not come."""
        settings = self.node.settings
        most = settings.management_max_body_size
        said = self.request.headers.get("content-length", "")
        if said.isdecimal() and int(said) > most:
            raise TooLarge(most)
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(settings.management_timeout_ms / 1000):
                async for chunk in self.request.stream():
                    size += len(chunk)
                    if size > most:
                        raise TooLarge(most)
                    chunks.append(chunk)
        except TimeoutError:
            raise Refusal(408, "timeout", "the body did not arrive in time") from None
        return b"".join(chunks)

    async def json(self) -> Any:
        """What the client sent, as JSON; an empty body is an empty object.  Raises BadRequest."""
        body = await self.body()
        if not body.strip():
            return {}
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest(str(error), "not_json") from None


def nobody() -> None:
    """Nobody needs to know."""


View = Callable[[Call], Awaitable[Response]]


@final
class Route:
    """A path, the least role that may use it, and a view for each method.

    ``/api/queues/{vhost}/{name}``: a part in braces is any, and ``Call.names`` has it.
    """

    def __init__(self, path: str, role: int, **views: View) -> None:
        self.path: Final = path
        self.role: Final = role
        self.views: Final = views
        self.parts: Final = split_path(path)

    def names_in(self, raw_path: str) -> dict[str, str]:
        """What its names stand for in a path that it matches, encoded as the client sent it."""
        return {
            wanted[1:-1]: unquote(part)
            for wanted, part in zip(self.parts, split_path(raw_path), strict=True)
            if wanted.startswith("{")
        }


def split_path(path: str) -> list[str]:
    """The parts of a path, still encoded; a slash at its end does not count."""
    return path.strip("/").split("/")


@final
class Place:
    """A path with all its routes, which differ in their methods."""

    def __init__(self) -> None:
        self.by_method: Final[dict[str, Route]] = {}

    def add(self, route: Route) -> None:
        """One more route of this path."""
        for method in route.views:
            assert method not in self.by_method, f"two routes for {method} {route.path}"
            self.by_method[method] = route

    @property
    def methods(self) -> list[str]:
        """What may be done with it."""
        return [*(["HEAD"] if "GET" in self.by_method else []), *self.by_method, "OPTIONS"]


@final
class Routes:
    """Finds the route of a path.  Parts that are written out win over those that may be any."""

    def __init__(self, routes: Iterable[Route]) -> None:
        # A tree: what comes next by its text, "{}" for any; a route under "".
        self._tree: Final[dict[str, Any]] = {}
        for route in routes:
            here = self._tree
            for part in route.parts:
                here = here.setdefault("{}" if part.startswith("{") else part, {})
            here.setdefault("/", Place()).add(route)

    def find(self, raw_path: str) -> Place | None:
        """Where ``raw_path`` leads, which is encoded as the client sent it."""
        return _walk(self._tree, split_path(raw_path), 0)


def _walk(tree: dict[str, Any], parts: list[str], at: int) -> Place | None:
    if at == len(parts):
        found: Place | None = tree.get("/")
        return found
    for branch in (unquote(parts[at]), "{}"):
        if branch in tree and branch != "/":
            route = _walk(tree[branch], parts, at + 1)
            if route is not None:
                return route
    return None


def encode(value: object) -> bytes:
    """JSON.  Octets that are no text became half characters: they are told as U+FFFD."""
    try:
        return _ENCODE.encode(value)
    except UnicodeEncodeError:
        return _ENCODE.encode(_clean(value))


def _clean(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {str(_clean(key)): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value


async def reply(call: Call, value: object, status: int = 200) -> Response:
    """The answer that is ``value``."""
    return await reply_octets(call, encode(value), status)


async def reply_octets(call: Call, octets: bytes, status: int = 200) -> Response:
    """The answer that is ``octets`` of JSON, compressed if that is worth it."""
    headers = {"cache-control": "no-cache", "vary": "accept, accept-encoding, origin"}
    if len(octets) >= _COMPRESSED_FROM and takes_gzip(call.request):
        headers["content-encoding"] = "gzip"
        octets = await compressed(octets)
    return Response(octets, status, headers, JSON)


def takes_gzip(request: Request) -> bool:
    """Whether the client does."""
    for item in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = item.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


async def compressed(octets: bytes) -> bytes:
    """``octets`` in the form of gzip."""
    packer = zlib.compressobj(5, zlib.DEFLATED, 31)
    parts: list[bytes] = []
    for at in range(0, len(octets), _SLICE_OCTETS):
        if at > 0:
            await asyncio.sleep(0)
        parts.append(packer.compress(octets[at : at + _SLICE_OCTETS]))
    parts.append(packer.flush())
    return b"".join(parts)


def nothing(status: int = 204) -> Response:
    """The answer without a body: what was asked for is done."""
    return Response(b"", status)
