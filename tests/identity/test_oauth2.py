"""leveret.identity.oauth2, .keys and .claims, with tokens made here and real connections"""

import base64
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import new_node
from tests.identity.service import Fields, Service
from tests.wire import Wire

import leveret
from leveret.config.faults import ConfigError
from leveret.identity.claims import TokenRefused
from leveret.identity.pool import Pool

jwt = pytest.importorskip("joserfc.jwt")
jwk = pytest.importorskip("joserfc.jwk")

EVERYTHING = "rabbit.configure:*/* rabbit.write:*/*/* rabbit.read:*/*/* rabbit.tag:administrator"
KEY = jwk.RSAKey.generate_key(2048, {"kid": "one"})
OTHER = jwk.ECKey.generate_key("P-256", {"kid": "two"})


def token(key: Any = KEY, algorithm: str = "RS256", **claims: Any) -> str:
    values = {"sub": "alice", "aud": ["rabbit"], "scope": EVERYTHING, **claims}
    header = {"alg": algorithm, "kid": key.kid}
    text: str = jwt.encode(header, {k: v for k, v in values.items() if v is not None}, key)
    return text


def backend() -> Any:
    from leveret.identity.oauth2 import TokenBackend

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"keys": [KEY.as_dict(private=False)]}, file)
        file.flush()
        values = {"auth_oauth2_resource_server_id": "rabbit", "auth_oauth2_key_file": file.name}
        return TokenBackend(new_node(**values), Pool())


BACKEND = backend()


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [key.as_dict(private=False) for key in (KEY, OTHER)]}))
    return str(path)


def settings(key_file: str, **more: object) -> dict[str, object]:
    return {
        "auth_backends": ["oauth2"],
        "auth_oauth2_resource_server_id": "rabbit",
        "auth_oauth2_key_file": key_file,
        **more,
    }


def attempt(broker: leveret.Broker, password: str, user: str = "") -> tuple[Wire, str]:
    wire = Wire(port=broker.port)
    return wire, wire.open(user, password).name


@pytest.mark.parametrize("as_pem", [False, True])
def test_who_shows_a_good_token_is_who_it_says(key_file: str, tmp_path: Path, as_pem: bool) -> None:
    if as_pem:
        key_file = str(tmp_path / "key.pem")
        Path(key_file).write_bytes(KEY.as_pem(private=False))
    with leveret.Broker(settings=settings(key_file)) as broker:
        wire, reply = attempt(broker, token(), "whatever")
        with wire:
            assert reply == "connection.open-ok"
            users = broker.call(
                lambda node: [(k.user.name, k.user.tags) for k in node.connections.by_id.values()]
            )
            assert users == [("alice", ["administrator"])]
            assert wire.call("queue.declare", queue="q").name == "queue.declare-ok"


def test_keys_of_elliptic_curves_are_believed_too(key_file: str) -> None:
    with leveret.Broker(settings=settings(key_file)) as broker:
        wire, reply = attempt(broker, token(OTHER, "ES256"))
        with wire:
            assert reply == "connection.open-ok"


STRANGER = jwk.RSAKey.generate_key(2048, {"kid": "one"})
SECRET = jwk.OctKey.import_key("0123456789abcdef0123456789abcdef", {"kid": "one"})

BAD: dict[str, str] = {
    "signed by a stranger": token(STRANGER),
    "signed with a shared secret": token(SECRET, "HS256"),
    "expired": token(exp=int(time.time()) - 10),
    "of later": token(nbf=int(time.time()) + 1000),
    "for others": token(aud=["elsewhere"]),
    "for nobody": token(aud=None),
    "without scopes here": token(scope="other.read:*/*"),
    "no token": "guest",
    "empty": "",
    "half": token().rsplit(".", 1)[0],
    "unsigned": token().rsplit(".", 1)[0] + ".",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_token_lets_nobody_in(key_file: str, bad: str) -> None:
    with leveret.Broker(settings=settings(key_file)) as broker:
        wire, reply = attempt(broker, bad, "alice")
        with wire:
            assert reply == "connection.close"
        assert broker.call(lambda node: list(node.connections.by_id)) == []


def test_scopes_are_rights(key_file: str) -> None:
    scope = "rabbit.configure:%2F/mine-* rabbit.write:%2F/mine-* rabbit.read:%2F/mine-*"
    with leveret.Broker(settings=settings(key_file)) as broker:
        wire, _ = attempt(broker, token(scope=scope))
        with wire:
            assert wire.call("queue.declare", queue="mine-1").name == "queue.declare-ok"
            close = wire.call("queue.declare", queue="yours")
            assert close.reply_text == (
                "ACCESS_REFUSED - configure access to queue 'yours' in vhost '/' refused for user "
                "'alice'"
            )


def test_the_preferred_claim_is_the_name(key_file: str) -> None:
    more = {"auth_oauth2_preferred_username_claims": ["email", "name"]}
    with leveret.Broker(settings=settings(key_file, **more)) as broker:
        wire, _ = attempt(broker, token(name="Alice"))
        with wire:
            assert broker.call(lambda node: node.connections.count_of_user("Alice")) == 1


def test_further_scopes_may_stand_in_a_claim_of_their_own(key_file: str) -> None:
    more = {"auth_oauth2_additional_scopes_key": "extra"}
    with leveret.Broker(settings=settings(key_file, **more)) as broker:
        for extra in ("rabbit.read:*/*", ["rabbit.read:*/*"], {"rabbit": "read:*/*"}):
            wire, reply = attempt(broker, token(scope=None, extra=extra))
            with wire:
                assert reply == "connection.open-ok"


def test_a_token_that_expires_closes_the_connection(key_file: str) -> None:
    with leveret.Broker(settings=settings(key_file)) as broker:
        wire, _ = attempt(broker, token(exp=int(time.time()) + 2))
        with wire:
            close = wire.expect("connection.close", 10)
            assert (close.reply_code, close.reply_text) == (
                320,
                "CONNECTION_FORCED - credential expired",
            )


def test_a_newer_token_keeps_the_connection_and_its_scopes_count(key_file: str) -> None:
    with leveret.Broker(settings=settings(key_file)) as broker:
        wire, _ = attempt(broker, token(exp=int(time.time()) + 3))
        with wire:
            scope = "rabbit.read:*/*"
            newer = token(exp=int(time.time()) + 60, scope=scope)
            reply = wire.call("connection.update-secret", 0, new_secret=newer, reason="r")
            assert reply.name == "connection.update-secret-ok"
            close = wire.call("queue.declare", queue="q")
            assert close.reply_code == 403


@pytest.mark.parametrize(
    "secret", ["rubbish", token(STRANGER), token(sub="bob"), token(exp=int(time.time()) - 5)]
)
def test_a_new_secret_that_is_no_good_closes_the_connection(key_file: str, secret: str) -> None:
    with leveret.Broker(settings=settings(key_file)) as broker:
        wire, _ = attempt(broker, token())
        with wire:
            close = wire.call("connection.update-secret", 0, new_secret=secret, reason="r")
            assert (close.reply_code, close.reply_text) == (
                530,
                "NOT_ALLOWED - New secret was refused by one of the backends",
            )


def test_keys_are_fetched_when_a_token_needs_them_and_not_for_every_stranger() -> None:
    keys = {"keys": [KEY.as_dict(private=False)]}

    def rule(path: str, fields: Fields) -> str:
        return json.dumps(keys)

    with Service(rule) as service:
        url = str(service.settings["auth_http_user_path"]).replace("auth/user", "jwks")
        with leveret.Broker(settings=settings("", auth_oauth2_jwks_uri=url)) as broker:
            for _ in range(3):
                wire, reply = attempt(broker, token())
                with wire:
                    assert reply == "connection.open-ok"
            for _ in range(2):
                wire, reply = attempt(broker, token(STRANGER))
                with wire:
                    assert reply == "connection.close"
        assert len(service.requests) == 1


def test_keys_that_cannot_be_had_let_nobody_in() -> None:
    with Service(lambda path, fields: "500 no") as service:
        url = str(service.settings["auth_http_user_path"])
        with leveret.Broker(settings=settings("", auth_oauth2_jwks_uri=url)) as broker:
            wire, reply = attempt(broker, token())
            with wire:
                assert reply == "connection.close"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"auth_oauth2_key_file": ""}, "name one of them"),
        ({"auth_oauth2_key_file": "missing.json"}, "No such file"),
        ({"auth_oauth2_resource_server_id": ""}, "auth_oauth2_verify_aud = false"),
    ],
)
def test_what_is_not_set_up_stops_the_start(
    key_file: str, values: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError) as error:
        leveret.Broker(settings=settings(key_file, **values)).start()
    assert words in str(error.value)


def test_what_is_no_key_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    for text in ("", "{}", "[]", '{"keys": 1}', '{"keys": [{}]}', "-----BEGIN NOTHING-----"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="auth_oauth2_key_file"):
            leveret.Broker(settings=settings(str(path))).start()


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


HEADERS = st.one_of(
    st.just({"alg": "RS256", "kid": "one"}),
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip", "enc", "jwk"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3))),
    ),
    st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists, max_leaves=5),
)
PARTS = st.one_of(HEADERS.map(segment), st.text(max_size=12), st.just("["))


@given(st.lists(PARTS, min_size=1, max_size=5), st.integers(0, 2))
def test_whatever_the_password_is_it_is_refused_and_no_accident(
    parts: list[str], dots: int
) -> None:
    text = ".".join(parts) + "." * dots
    with pytest.raises(TokenRefused):
        BACKEND._read(text, "alice")


def test_deep_nesting_is_no_accident_either() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5000).decode()
    for text in (deep, f"{deep}.{deep}.x", f"{segment({'alg': 'RS256'})}.{deep}.x"):
        with pytest.raises(TokenRefused):
            BACKEND._read(text, "alice")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": None, "nbf": 1e30},
        {"aud": 5},
        {"aud": {"rabbit": 1}},
        {"exp": 1e400},
        {"exp": float("nan")},
    ],
)
def test_odd_claims_are_refused(claims: dict[str, Any]) -> None:
    values = {"sub": "alice", "aud": ["rabbit"], "scope": EVERYTHING, **claims}
    header = {"alg": "RS256", "kid": "one"}
    with pytest.raises(TokenRefused):
        BACKEND._read(jwt.encode(header, values, KEY), "alice")


def test_odd_scopes_grant_nothing() -> None:
    for scope in (5, {"a": 1}, [1, None, ["rabbit.read:*/*"]], None):
        assert not BACKEND._read(token(scope=scope), "alice").scopes.enters("/")
