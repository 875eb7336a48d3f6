"""leveret.identity.http, with a real service on one side and a real client on the other"""

import socket

import pytest
from tests.identity.service import Fields, Service
from tests.wire import Method, Wire

import leveret
from leveret.config.faults import ConfigError


def yes(path: str, fields: Fields) -> str:
    return "allow management" if path == "user" else "allow"


def broker(service: Service, **settings: object) -> leveret.Broker:
    return leveret.Broker(settings={**service.settings, **settings})


def opened(port: int, user: str = "alice", password: str = "pw") -> tuple[Wire, Method]:
    wire = Wire(port=port)
    return wire, wire.open(user, password)


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_service_is_asked_as_rabbitmqs_plugin_asks(method: str) -> None:
    with Service(yes) as service, broker(service, auth_http_method=method) as running:
        wire, reply = opened(running.port)
        with wire:
            assert reply.name == "connection.open-ok"
            wire.call("queue.declare", queue="q")
            wire.call("queue.bind", queue="q", exchange="amq.topic", routing_key="a.*")
        assert {command for command, _, _ in service.requests} == {method.upper()}
        assert service.asked("user") == [{"username": "alice", "password": "pw"}]
        assert service.asked("vhost") == [
            {"username": "alice", "vhost": "/", "ip": "127.0.0.1", "tags": "management"}
        ]
        common = {"username": "alice", "vhost": "/", "tags": "management"}
        assert service.asked("resource") == [
            {**common, "resource": "queue", "name": "q", "permission": "configure"},
            {**common, "resource": "queue", "name": "q", "permission": "write"},
            {**common, "resource": "exchange", "name": "amq.topic", "permission": "read"},
        ]
        assert service.asked("topic") == [
            {
                **common,
                "resource": "topic",
                "name": "amq.topic",
                "permission": "read",
                "routing_key": "a.*",
                "variable_map.username": "alice",
                "variable_map.vhost": "/",
            }
        ]


def test_a_denied_login_is_a_refused_login() -> None:
    with Service(lambda path, fields: "deny") as service, broker(service) as running:
        wire, reply = opened(running.port)
        with wire:
            assert reply.reply_text == (
                "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
                "For details see the broker logfile."
            )


def test_what_the_service_denies_is_refused_and_nothing_happens() -> None:
    def rule(path: str, fields: Fields) -> str:
        return "deny" if fields.get("permission") == "write" else "allow"

    with Service(rule) as service, broker(service) as running:
        wire, _ = opened(running.port)
        with wire:
            wire.call("queue.declare", queue="q")
            wire.publish("", "q", b"x")
            close = wire.expect("channel.close")
            assert close.reply_text == (
                "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost '/' refused for "
                "user 'alice'"
            )
            wire.send("channel.close-ok")
            wire.call("channel.open")
            assert wire.call("queue.declare", queue="q", passive=True).message_count == 0


def test_a_decision_is_asked_for_once_and_holds_for_others_of_the_same_user() -> None:
    with Service(yes) as service, broker(service) as running:
        for _ in range(3):
            wire, reply = opened(running.port)
            with wire:
                assert reply.name == "connection.open-ok"
                for _ in range(3):
                    wire.call("queue.declare", queue="q")
        assert [path for _, path, _ in service.requests] == ["user", "vhost", "resource"]


def test_a_name_cannot_be_made_to_look_like_another_question() -> None:
    def rule(path: str, fields: Fields) -> str:
        return "deny" if fields.get("name") == "secret" else "allow"

    with Service(rule) as service, broker(service) as running:
        wire, _ = opened(running.port)
        with wire:
            for name in ("secret&permission=9:configure", "x\0name\0secret", "secret\0"):
                assert wire.call("queue.declare", queue=name).name == "queue.declare-ok"
            assert wire.call("queue.declare", queue="secret").reply_code == 403


def test_another_password_is_another_question() -> None:
    def rule(path: str, fields: Fields) -> str:
        return "deny" if path == "user" and fields["password"] != "pw" else "allow"

    with Service(rule) as service, broker(service) as running:
        for password, name in (("pw", "connection.open-ok"), ("no", "connection.close")):
            wire, reply = opened(running.port, password=password)
            with wire:
                assert reply.name == name


def test_a_publisher_is_stopped_once_the_decision_is_too_old_and_another() -> None:
    answers = {"permission": "allow"}

    def rule(path: str, fields: Fields) -> str:
        return answers["permission"] if path == "resource" else "allow"

    with Service(rule) as service, broker(service, auth_cache_ttl_ms=1000) as running:
        wire, _ = opened(running.port)
        with wire:
            wire.call("queue.declare", queue="q")
            wire.call("confirm.select")
            wire.publish("", "q", b"x")
            wire.expect("basic.ack")
            answers["permission"] = "deny"
            while True:
                wire.publish("", "q", b"x")
                reply = wire.read()
                assert reply is not None
                if reply.name != "basic.ack":
                    break
            assert reply.reply_code == 403


@pytest.mark.parametrize("reply", ["500 allow", "maybe", "", "allowed", "404 x"])
def test_a_reply_that_is_none_is_a_no(reply: str) -> None:
    with Service(lambda path, fields: reply) as service, broker(service) as running:
        wire, close = opened(running.port)
        with wire:
            assert close.reply_code == 403


def test_a_service_that_is_not_there_is_a_no() -> None:
    with Service(yes) as service:
        settings = service.settings
    with leveret.Broker(settings=settings) as running:
        wire, close = opened(running.port)
        with wire:
            assert close.reply_code == 403


def test_a_service_that_does_not_answer_is_a_no_after_a_time_and_holds_nobody_else_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/user"
        with Service(yes) as service:
            settings = {**service.settings, "auth_http_user_path": address}
            settings |= {"auth_backends": ["internal", "http"], "auth_http_timeout_ms": 300}
            with leveret.Broker(settings=settings) as running:
                slow = Wire(port=running.port)
                quick = Wire(port=running.port)
                with slow, quick:
                    begin(slow)
                    assert quick.open().name == "connection.open-ok"
                    assert slow.expect("connection.close").reply_code == 403


def begin(wire: Wire) -> None:
    """Log in as somebody whom only the silent service may know, and do not wait."""
    wire.send_octets(b"AMQP\x00\x00\x09\x01")
    wire.expect("connection.start")
    properties = {"capabilities": {"authentication_failure_close": True}}
    values = {"client_properties": properties, "mechanism": "PLAIN", "response": "\0alice\0pw"}
    wire.send("connection.start-ok", 0, locale="en_US", **values)


def test_one_says_who_somebody_is_and_another_what_they_may_do() -> None:
    with Service(yes) as service, broker(service, auth_backends=["http/internal"]) as running:
        wire, close = opened(running.port, "guest", "whatever the service likes")
        with wire:
            assert close.name == "connection.open-ok"
            wire.call("queue.declare", queue="q")
        assert [path for _, path, _ in service.requests] == ["user"]
        wire, close = opened(running.port, "stranger")
        with wire:
            assert close.reply_code == 403


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"auth_backends": ["http"]}, "auth_http_user_path = '' "),
        ({"auth_backends": ["htp"]}, "names 'htp', which is none"),
        ({"auth_backends": ["a/b/c"]}, "'a/b/c' is no item of auth_backends"),
        ({"auth_backends": ["internal/"]}, "'internal/' is no item of auth_backends"),
    ],
)
def test_a_back_end_that_cannot_be_had_stops_the_start(
    settings: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match="auth_") as error:
        leveret.Broker(settings=settings).start()
    assert words in str(error.value)
