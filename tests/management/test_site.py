"""What the site makes of views: their failures, what they are sent, and where that comes from."""

import asyncio
import logging
from typing import Any

import pytest
from starlette.responses import Response
from tests.fakes import FakeClock, FakeRandom

from leveret.broker.node import Node
from leveret.config.settings import Settings
from leveret.management.api import (
    ADMINISTRATOR,
    OPEN,
    Call,
    Route,
    Routes,
    nothing,
    reply,
    split_path,
)
from leveret.management.site import Site


async def echo(call: Call) -> Response:
    return await reply(call, await call.json())


async def named(call: Call) -> Response:
    return await reply(call, call.names)


async def change(call: Call) -> Response:
    return nothing()


async def fail(call: Call) -> Response:
    raise KeyError("a bug")


async def odd(call: Call) -> Response:
    return await reply(call, {"half": b"\xff".decode("utf-8", "surrogateescape")})


ROUTES = [
    Route("/api/echo", OPEN, POST=echo, PUT=change),
    Route("/api/fail", OPEN, GET=fail),
    Route("/api/odd", OPEN, GET=odd),
    Route("/api/things/{name}", OPEN, GET=named),
    Route("/api/things/{name}", ADMINISTRATOR, DELETE=change),
    Route("/api/things/special", OPEN, GET=echo),
    Route("/api/things/{vhost}/{name}", OPEN, GET=named),
]


class Answer:
    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.octets = b""

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.octets += message["body"]


def ask(
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    **settings: object,
) -> Answer:
    """What the site answers; ``woken`` in its headers says whether the node was woken."""
    return asyncio.run(_ask(method, path, body, headers or {}, settings))


async def _ask(
    method: str, path: str, body: bytes, headers: dict[str, str], settings: dict[str, object]
) -> Answer:
    node = Node(Settings(**settings), FakeClock(), FakeRandom())
    woken: list[int] = []
    site = Site(node, lambda: woken.append(1), ROUTES)
    pieces = [body[at : at + 100] for at in range(0, max(len(body), 1), 100)]
    events = [
        {"type": "http.request", "body": piece, "more_body": index + 1 < len(pieces)}
        for index, piece in enumerate(pieces)
    ]

    async def receive() -> dict[str, Any]:
        if not events:
            await asyncio.Event().wait()
        return events.pop(0)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "scheme": "http",
    }
    answer = Answer()
    await site(scope, receive, answer.send)
    answer.headers["woken"] = str(len(woken))
    return answer


def test_a_view_that_fails_is_our_fault_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = ask("GET", "/api/fail")
    assert answer.status == 500
    assert answer.octets == b'{"error":"internal_server_error","reason":"see the broker\'s log"}'
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert "a bug" not in answer.octets.decode()


def test_a_body_is_read_as_json() -> None:
    assert ask("POST", "/api/echo", b'{"a": [1, null]}').octets == b'{"a":[1,null]}'
    assert ask("POST", "/api/echo", b"").octets == b"{}"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": nope}'])
def test_what_is_no_json_is_a_bad_request(body: bytes) -> None:
    answer = ask("POST", "/api/echo", body)
    assert answer.status == 400
    assert b'"error":"not_json"' in answer.octets


def test_a_body_has_an_end() -> None:
    small = {"management_max_body_size": 1024}
    assert ask("POST", "/api/echo", b'"' + b"x" * 1022 + b'"', **small).status == 200
    assert ask("POST", "/api/echo", b'"' + b"x" * 1023 + b'"', **small).status == 413
    said = {"content-length": "1025"}
    assert ask("POST", "/api/echo", b"", said, **small).status == 413


def test_a_body_must_arrive_in_time() -> None:
    async def story() -> None:
        node = Node(Settings(management_timeout_ms=100), FakeClock(), FakeRandom())
        site = Site(node, lambda: None, ROUTES)
        never = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await never.wait()
            return {}

        scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/api/echo"}
        scope |= {"query_string": b"", "headers": [], "client": None, "server": None}
        answer = Answer()
        await site(scope, receive, answer.send)
        assert answer.status == 408

    asyncio.run(story())


def test_only_what_may_have_changed_something_wakes_the_node() -> None:
    assert ask("PUT", "/api/echo").headers["woken"] == "1"
    assert ask("GET", "/api/things/a").headers["woken"] == "0"
    assert ask("OPTIONS", "/api/echo").headers["woken"] == "0"


def test_octets_that_are_no_text_are_told_as_such() -> None:
    assert ask("GET", "/api/odd").octets.decode() == '{"half":"\N{REPLACEMENT CHARACTER}"}'


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_sites_change_nothing(site: str) -> None:
    """A browser sends along what it knows of its user: that must not be enough."""
    headers = {"sec-fetch-site": site, "origin": "https://a.example"}
    assert ask("PUT", "/api/echo", b"", headers).status == 403
    assert ask("GET", "/api/things/a", b"", headers).status == 200
    welcome = {"management_cors_allow_origins": ["https://a.example"]}
    assert ask("PUT", "/api/echo", b"", headers, **welcome).status == 204
    assert ask("PUT", "/api/echo", b"", {"sec-fetch-site": "same-origin"}).status == 204


@pytest.mark.parametrize("origin", ["http://a.example", "http://leveret.example:80", "null"])
def test_nor_do_they_where_browsers_say_no_more_than_their_origin(origin: str) -> None:
    """As they do without TLS."""
    headers = {"origin": origin, "host": "leveret.example:15672"}
    assert ask("PUT", "/api/echo", b"", headers).status == 403
    assert ask("GET", "/api/things/a", b"", headers).status == 200
    assert ask("PUT", "/api/echo", b"", headers, management_cors_allow_origins=["*"]).status == 204
    # Those of other sites would have to ask for that header first, and are refused.
    proxied = {**headers, "x-requested-with": "XMLHttpRequest"}
    assert ask("PUT", "/api/echo", b"", proxied).status == 204


def test_the_page_itself_changes_things_without_tls() -> None:
    headers = {"origin": "http://leveret.example:15672", "host": "leveret.example:15672"}
    assert ask("PUT", "/api/echo", b"", headers).status == 204


def test_parts_of_paths_are_decoded_one_by_one() -> None:
    assert ask("GET", "/api/things/a%2Fb").octets == b'{"name":"a/b"}'
    assert ask("GET", "/api/things/%2F/a%20%C3%A9").octets.decode() == '{"vhost":"/","name":"a é"}'
    assert ask("GET", "/api/things/%FF").status == 200


def test_what_is_written_out_wins_over_what_may_be_any() -> None:
    assert ask("GET", "/api/things/special").octets == b"{}"
    assert ask("GET", "/api/things/special/").octets == b"{}"
    assert ask("GET", "/api/things/special/x").octets == b'{"vhost":"special","name":"x"}'


def test_methods_of_one_path_may_come_from_several_routes() -> None:
    answer = ask("OPTIONS", "/api/things/a")
    assert (answer.status, answer.headers["allow"]) == (200, "HEAD, GET, DELETE, OPTIONS")
    assert ask("DELETE", "/api/things/a").status == 401
    assert ask("PATCH", "/api/things/a").status == 405


def test_a_method_has_one_view() -> None:
    with pytest.raises(AssertionError):
        Routes([Route("/a/{b}", OPEN, GET=echo), Route("/a/{c}", OPEN, GET=named)])


def test_a_path_is_split_before_it_is_decoded() -> None:
    assert split_path("/a/b%2Fc/") == ["a", "b%2Fc"]
