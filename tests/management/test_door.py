"""The door of the HTTP API: who comes in, what is refused, and how; on a real socket."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

import pytest
from tests.management.client import Client

import leveret


def test_who_asks_is_told_so(client: Client) -> None:
    who = client.get("/api/whoami")
    assert (who["name"], who["tags"]) == ("guest", ["administrator"])
    assert who["is_internal_user"] is True


def test_nobody_is_asked_for_name_and_password(managed: leveret.Broker) -> None:
    answer = Client(managed.management_url, "").ask("GET", "/api/whoami")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="RabbitMQ Management"'


def test_a_wrong_password_is_refused_in_rabbitmqs_words(managed: leveret.Broker) -> None:
    answer = Client(managed.management_url, "guest", "wrong").ask("GET", "/api/whoami")
    assert answer.status == 401
    assert answer.json == {"error": "not_authorized", "reason": "Login failed"}


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic Z3Vlc3Q=", "Digest x", "Bearer x"])
def test_a_header_that_makes_no_sense_is_a_failed_login(
    managed: leveret.Broker, header: str
) -> None:
    client = Client(managed.management_url, "")
    assert client.ask("GET", "/api/whoami", None, {"authorization": header}).status == 401


def test_a_script_is_not_challenged(managed: leveret.Broker) -> None:
    """Or else the browser would ask for a password before the page can."""
    asked = {"x-requested-with": "XMLHttpRequest"}
    answer = Client(managed.management_url, "").ask("GET", "/api/whoami", None, asked)
    assert (answer.status, "www-authenticate" in answer.headers) == (401, False)


def test_a_user_without_a_tag_may_nothing(somebody: Callable[..., Client]) -> None:
    answer = somebody("plain").ask("GET", "/api/whoami")
    assert answer.status == 401
    assert answer.json == {"error": "not_authorised", "reason": "Not management user"}


def test_what_is_not_there_is_not_found(client: Client) -> None:
    for path in ("/api/nothing", "/api/queues/nope", "/api/queues/%2F/nope", "/elsewhere/at/all"):
        answer = client.ask("GET", path)
        assert answer.status == 404
        assert answer.json == {"error": "Object Not Found", "reason": "Not Found"}


def test_a_vhost_that_one_may_not_use_is_not_authorised(somebody: Callable[..., Client]) -> None:
    answer = somebody("stranger", "management").ask("GET", "/api/queues/%2F")
    assert answer.status == 401
    assert answer.json["reason"] == "User not authorised to access virtual host"


def test_a_path_tells_what_may_be_done_with_it(client: Client) -> None:
    answer = client.ask("OPTIONS", "/api/overview")
    assert (answer.status, answer.headers["allow"]) == (200, "HEAD, GET, OPTIONS")
    answer = client.ask("DELETE", "/api/overview")
    assert (answer.status, answer.headers["allow"]) == (405, "HEAD, GET, OPTIONS")


def test_a_head_has_the_headers_of_a_get_and_no_body(client: Client) -> None:
    whole, head = client.ask("GET", "/api/whoami"), client.ask("HEAD", "/api/whoami")
    assert (head.status, head.octets) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


def test_answers_are_kept_by_nobody_and_run_nothing(client: Client) -> None:
    headers = client.ask("GET", "/api/whoami").headers
    assert headers["cache-control"] == "no-cache"
    assert headers["vary"] == "accept, accept-encoding, origin"
    assert headers["content-type"] == "application/json"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "date" in headers


def test_other_sites_may_not_look_unless_they_are_named(client: Client) -> None:
    headers = client.ask("GET", "/api/whoami", None, {"origin": "https://a.example"}).headers
    assert "access-control-allow-origin" not in headers


def test_other_sites_may_look_where_they_are_named() -> None:
    settings = {"management_cors_allow_origins": ["https://a.example"]}
    with leveret.Broker(management=True, settings=settings) as broker:
        client = Client(broker.management_url)
        asked = {"origin": "https://a.example"}
        headers = client.ask("GET", "/api/whoami", None, asked).headers
        assert headers["access-control-allow-origin"] == "https://a.example"
        other = {"origin": "https://b.example"}
        headers = client.ask("GET", "/api/whoami", None, other).headers
        assert "access-control-allow-origin" not in headers
        before = Client(broker.management_url, "").ask("OPTIONS", "/api/queues", None, asked)
        assert (before.status, before.headers["access-control-max-age"]) == (200, "1800")


def test_the_prefix_comes_first() -> None:
    settings = {"management_path_prefix": "/broker"}
    with leveret.Broker(management=True, settings=settings) as broker:
        client = Client(broker.management_url)
        assert client.get("/broker/api/whoami")["name"] == "guest"
        assert client.ask("GET", "/api/whoami").status == 404
        assert client.ask("GET", "/brokerapi/whoami").status == 404


def test_nothing_listens_unless_that_is_wanted(broker: leveret.Broker) -> None:
    with pytest.raises(RuntimeError, match="management=True"):
        broker.management_url  # noqa: B018


def test_the_port_is_kept(managed: leveret.Broker) -> None:
    port = managed.management_port
    assert Client(managed.management_url).get("/api/whoami")
    managed.stop()
    managed.start()
    assert managed.management_port == port
    assert Client(managed.management_url).get("/api/whoami")


def test_a_broker_stops_while_somebody_has_asked_for_nothing(managed: leveret.Broker) -> None:
    with socket.create_connection(("127.0.0.1", managed.management_port), timeout=30) as peer:
        managed.stop()
        with contextlib.suppress(ConnectionResetError):
            assert peer.recv(1) == b""


def raw(broker: leveret.Broker, octets: bytes) -> bytes:
    """All that comes back for ``octets`` until the broker hangs up."""
    with socket.create_connection(("127.0.0.1", broker.management_port), timeout=60) as peer:
        found = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            peer.sendall(octets)
            while chunk := peer.recv(65536):
                found += chunk
        return found


def test_what_is_no_http_is_refused(managed: leveret.Broker) -> None:
    assert raw(managed, b"AMQP\0\0\x09\x01\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_head_has_an_end(managed: leveret.Broker) -> None:
    endless = b"GET /api/whoami HTTP/1.1\r\n" + b"x: " + b"y" * 200_000
    assert raw(managed, endless).startswith(b"HTTP/1.1 431 ")


def test_a_request_must_arrive_in_time() -> None:
    settings = {"management_timeout_ms": 200}
    with leveret.Broker(management=True, settings=settings) as broker:
        assert raw(broker, b"GET /api/whoami HTT").startswith(b"HTTP/1.1 408 ")
        assert raw(broker, b"") == b""


def test_there_are_only_so_many_connections() -> None:
    settings = {"management_max_connections": 1}
    with leveret.Broker(management=True, settings=settings) as broker:
        where = ("127.0.0.1", broker.management_port)
        with socket.create_connection(where, timeout=60) as first:
            first.sendall(b"OPTIONS /api/whoami HTTP/1.1\r\nhost: x\r\n\r\n")
            assert first.recv(12) == b"HTTP/1.1 200"
            with socket.create_connection(where, timeout=60) as second:
                assert second.recv(12) == b"HTTP/1.1 503"


def test_two_requests_at_once_are_answered_in_order(managed: leveret.Broker) -> None:
    twice = (
        b"OPTIONS /api/whoami HTTP/1.1\r\nhost: x\r\n\r\n"
        b"OPTIONS /api/nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    found = raw(managed, twice)
    assert found.index(b"HTTP/1.1 200") < found.index(b"HTTP/1.1 404")


def test_a_broker_in_the_callers_loop_answers_too() -> None:
    async def story() -> None:
        async with leveret.Broker(management=True) as broker:
            client = Client(broker.management_url)
            who = await asyncio.to_thread(client.get, "/api/whoami")
            assert who["name"] == "guest"

    asyncio.run(story())
