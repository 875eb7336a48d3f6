"""RabbitMQ's own plugins, beside ours: what they ask of a service, and what tokens grant there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.identity.service import Fields, Service
from tests.oracle import Oracle, is_installed, missing
from tests.wire import Wire

import leveret

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

HTTP = "rabbitmq_auth_backend_http"
OAUTH2 = "rabbitmq_auth_backend_oauth2"
Requests = list[tuple[str, Fields]]


def yes(path: str, fields: Fields) -> str:
    return "allow management" if path == "user" else "allow"


def do_everything(port: int) -> None:
    """One of each that needs rights."""
    with Wire(port=port) as wire:
        assert wire.open("shop", "secret").name == "connection.open-ok"
        wire.call("queue.declare", queue="q")
        wire.call("exchange.declare", exchange="t", type="topic")
        wire.call("queue.bind", queue="q", exchange="t", routing_key="a.#")
        wire.call("confirm.select")
        wire.publish("t", "a.b", b"x")
        wire.expect("basic.ack")
        wire.call("basic.get", queue="q", no_ack=True)
        wire.call("queue.purge", queue="q")
        wire.call("exchange.delete", exchange="t")
        wire.call("queue.delete", queue="q")


def told(service: Service) -> Requests:
    """What was asked, each question once: RabbitMQ remembers less."""
    seen: Requests = []
    for _, path, fields in service.requests:
        if (path, fields) not in seen:
            seen.append((path, fields))
    return seen


@pytest.mark.skipif(not is_installed(HTTP), reason=f"{HTTP} is not installed")
def test_a_service_is_asked_the_same_by_both() -> None:
    with Service(yes) as service:
        address = str(service.settings["auth_http_user_path"]).removesuffix("user")
        lines = ["auth_backends.1 = http", "auth_http.http_method = get"]
        names = ("user", "vhost", "resource", "topic")
        lines += [f"auth_http.{name}_path = {address}{name}" for name in names]
        with Oracle(settings=tuple(lines), plugins=(HTTP,)) as oracle:
            do_everything(oracle.port)
        theirs = told(service)
        service.requests.clear()
        with leveret.Broker(settings=service.settings) as broker:
            do_everything(broker.port)
        assert told(service) == theirs


SCOPES = [
    "rabbit.read:*/* rabbit.write:*/* rabbit.configure:*/*",
    "rabbit.read:*/*/* rabbit.write:*/*/* rabbit.configure:*/*",
    "rabbit.configure:%2F/q rabbit.write:%2F/q rabbit.read:%2F/t/a.*",
    "rabbit.configure:%2F/* rabbit.write:%2F/*/a.* rabbit.read:%2F/*/b.*",
    "rabbit.configure:*/* rabbit.write:*/t/*.b rabbit.read:*/*/*",
    "rabbit.configure:other/*",
    "other.configure:*/*",
    "rabbit.tag:administrator",
    "",
]


def outcome(port: int, password: str) -> list[str]:
    """What came of each operation; closed channels are opened again."""
    with Wire(port=port) as wire:
        opened = wire.open("", password)
        found = [opened.name]
        if opened.name != "connection.open-ok":
            return [f"{opened.name} {opened.fields.get('reply_text')}"]
        calls: list[tuple[str, dict[str, Any]]] = [
            ("queue.declare", {"queue": "q"}),
            ("exchange.declare", {"exchange": "t", "type": "topic"}),
            ("queue.bind", {"queue": "q", "exchange": "t", "routing_key": "a.b"}),
            ("queue.bind", {"queue": "q", "exchange": "t", "routing_key": "b.c"}),
            ("basic.get", {"queue": "q"}),
        ]
        for name, values in calls:
            found.append(again(wire, name, lambda n=name, v=values: wire.send(n, **v)))
        found += [again(wire, k, lambda key=k: publish(wire, key)) for k in ("a.b", "c.d")]
        return found


def publish(wire: Wire, key: str) -> None:
    wire.publish("t", key, b"x")
    wire.send("basic.qos", prefetch_count=0)


def again(wire: Wire, what: str, act: Callable[[], None]) -> str:
    act()
    reply = wire.read()
    assert reply is not None
    if reply.name == "channel.close":
        wire.send("channel.close-ok")
        wire.call("channel.open")
        return f"{what} {reply.reply_code}"
    return f"{what} {reply.name}"


@pytest.mark.skipif(not is_installed(OAUTH2), reason=f"{OAUTH2} is not installed")
def test_scopes_grant_the_same_on_both(tmp_path: Path) -> None:
    jwt = pytest.importorskip("joserfc.jwt")
    jwk = pytest.importorskip("joserfc.jwk")
    key = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    path = tmp_path / "key.pem"
    path.write_bytes(key.as_pem(private=False))
    header = {"alg": "RS256", "kid": "one"}
    claims = {"sub": "shop", "aud": ["rabbit"]}
    tokens = [jwt.encode(header, {**claims, "scope": scope}, key) for scope in SCOPES]
    lines = (
        "auth_backends.1 = rabbit_auth_backend_oauth2",
        "auth_oauth2.resource_server_id = rabbit",
        "auth_oauth2.default_key = one",
        f"auth_oauth2.signing_keys.one = {path}",
    )
    with Oracle(settings=lines, plugins=(OAUTH2,)) as oracle:
        theirs = [outcome(oracle.port, token) for token in tokens]
    settings = {
        "auth_backends": ["oauth2"],
        "auth_oauth2_resource_server_id": "rabbit",
        "auth_oauth2_key_file": str(path),
    }
    with leveret.Broker(settings=settings) as broker:
        ours = [outcome(broker.port, token) for token in tokens]
    assert json.dumps(ours, indent=1) == json.dumps(theirs, indent=1)
