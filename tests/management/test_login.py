"""Who asks the HTTP API: users of our own, of a web service, and of a token; and from where."""

import json
from pathlib import Path

import pytest
from starlette.requests import Request
from tests.identity.service import Fields, Service
from tests.management.client import Client

import leveret
from leveret.management.api import NotLoggedIn
from leveret.management.login import credentials_of, peer_of


def test_name_and_password_are_what_is_before_and_after_the_first_colon() -> None:
    found = credentials_of("Basic YTpiOmM=")  # a:b:c
    assert (found.name, found.password) == ("a", "b:c")
    found = credentials_of("basic  dXNlcjrDpA==")
    assert (found.name, found.password) == ("user", "ä")


@pytest.mark.parametrize("header", ["", "Basic", "Basic YQ==", "Basic ====", "Basic /w==", "x y"])
def test_what_names_nobody_is_refused(header: str) -> None:
    with pytest.raises(NotLoggedIn):
        credentials_of(header)


def test_a_token_is_a_password_without_a_name() -> None:
    found = credentials_of("Bearer abc.def")
    assert (found.name, found.password) == ("", "abc.def")


@pytest.mark.parametrize(
    ("host", "is_near"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("", False),
    ],
)
def test_the_peer_is_where_the_socket_leads(host: str, is_near: bool) -> None:
    scope = {"type": "http", "scheme": "http", "path": "/", "query_string": b"", "headers": []}
    client = (host, 1234) if host else None
    request = Request({**scope, "client": client, "server": ("10.0.0.2", 15672)})
    peer = peer_of(request)
    assert (peer.is_loopback, peer.local_port) == (is_near, 15672)


def test_guest_gets_in_over_ipv4_where_every_interface_is_listened_on() -> None:
    with leveret.Broker(management=True, settings={"management_listen": [":0"]}) as broker:
        near = Client(f"http://127.0.0.1:{broker.management_port}")
        assert near.get("/api/whoami")["name"] == "guest"


def rule(path: str, fields: Fields) -> str:
    """Alice manages; anybody else is unknown.  She may enter every vhost but ``closed``."""
    if fields["username"] != "alice" or fields.get("password", "pw") != "pw":
        return "deny"
    if path == "user":
        return "allow management"
    return "deny" if fields["vhost"] == "closed" else "allow"


def test_a_web_service_may_know_who_asks() -> None:
    with (
        Service(rule) as service,
        leveret.Broker(management=True, settings=service.settings) as broker,
    ):
        broker.call(lambda node: node.add_vhost("closed"))
        alice = Client(broker.management_url, "alice", "pw")
        assert alice.get("/api/whoami")["tags"] == ["management"]
        assert [one["name"] for one in alice.get("/api/vhosts")] == ["/"]
        assert alice.ask("GET", "/api/queues/closed").status == 401
        assert alice.get("/api/queues/%2F") == []
        assert Client(broker.management_url, "alice", "no").ask("GET", "/api/whoami").status == 401
        assert Client(broker.management_url).ask("GET", "/api/whoami").status == 401


def test_a_token_may_say_who_asks(tmp_path: Path) -> None:
    jwt = pytest.importorskip("joserfc.jwt")
    jwk = pytest.importorskip("joserfc.jwk")
    key = jwk.ECKey.generate_key("P-256", {"kid": "one"})
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    scope = "rabbit.read:%2F/* rabbit.tag:monitoring"
    claims = {"sub": "alice", "aud": ["rabbit"], "scope": scope}
    token = jwt.encode({"alg": "ES256", "kid": "one"}, claims, key)
    settings = {
        "auth_backends": ["oauth2"],
        "auth_oauth2_resource_server_id": "rabbit",
        "auth_oauth2_key_file": str(keys),
    }
    with leveret.Broker(management=True, settings=settings) as broker:
        nobody = Client(broker.management_url, "")
        header = {"authorization": f"Bearer {token}"}
        who = nobody.ask("GET", "/api/whoami", None, header).json
        assert (who["name"], who["tags"]) == ("alice", ["monitoring"])
        assert who["is_internal_user"] is False
        assert nobody.ask("GET", "/api/nodes", None, header).status == 200
        assert nobody.ask("GET", "/api/queues/%2F", None, header).status == 200
        assert nobody.ask("GET", "/api/users", None, header).status == 401
        bad = {"authorization": f"Bearer {token}x"}
        assert nobody.ask("GET", "/api/whoami", None, bad).status == 401
