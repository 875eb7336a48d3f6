"""leveret.cli.banner"""

import shlex
import subprocess
import sys

import pytest

import leveret
from leveret.cli.banner import banner, is_held_back, url
from leveret.config.settings import Settings
from leveret.net.listener import Listener
from leveret.server import Server


def listener(host: str = "", **settings: object) -> tuple[Settings, Listener]:
    """Settings and the listener that a server makes of them."""
    made = Settings(host=host, **settings)
    return made, Server(made).listeners[0]


def test_every_interface_is_reached_as_localhost() -> None:
    settings, one = listener()
    assert (
        "AMQP 0-9-1 on every interface, port 5672: amqp://guest:guest@localhost:5672/%2F"
        " (guest: from this machine only)"
    ) in banner(settings, [one], False).splitlines()


@pytest.mark.parametrize(
    ("host", "changed"),
    [
        ("127.0.0.1", {}),
        ("::1", {}),
        ("localhost", {}),
        ("", {"default_user": "alice"}),
        ("", {"loopback_users": []}),
    ],
)
def test_nobody_is_held_back_who_can_come_from_wherever_it_listens(
    host: str, changed: dict[str, object]
) -> None:
    settings, one = listener(host, **changed)
    assert not is_held_back(settings, one)


def test_a_person_is_shown_a_first_message_that_prints_something() -> None:
    settings, one = listener()
    first = banner(settings, [one], True).splitlines()[-1]
    program = shlex.split(first.partition("): ")[2])
    assert program[:2] == ["python3", "-c"]
    with leveret.Broker() as broker:
        there = program[2].replace(url(settings, one), broker.url)
        done = subprocess.run(
            [sys.executable, "-c", there], capture_output=True, text=True, timeout=20, check=True
        )
    assert done.stdout == "b'Hello World!'\n"


def test_nobody_else_is() -> None:
    settings, one = listener()
    assert "First message" not in banner(settings, [one], False)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "localhost:5672"), ("::", "localhost:5672"), ("fd00::1", "[fd00::1]:5672")],
)
def test_an_address_is_reached_as_it_is(host: str, shown: str) -> None:
    settings, one = listener(host)
    assert url(settings, one) == f"amqp://guest:guest@{shown}/%2F"


def test_a_password_of_ones_own_is_not_shown() -> None:
    settings, one = listener(default_user="guest", default_pass="jackrabbit")
    text = banner(settings, [one], True)
    assert "jackrabbit" not in text
    assert "amqp://guest:PASSWORD@" in text


def test_user_and_vhost_are_quoted() -> None:
    settings, one = listener(default_user="a@b", default_vhost="my/vhost")
    assert url(settings, one) == "amqp://a%40b:PASSWORD@localhost:5672/my%2Fvhost"


def test_a_user_or_vhost_that_definitions_did_without_is_not_shown() -> None:
    settings, one = listener(default_user="admin", loopback_users=["admin"])
    text = banner(settings, [one], True, {"shop"}, {"v"})
    assert "admin" not in text
    assert "amqp://USER:PASSWORD@localhost:5672/VHOST" in text
    assert "First message" not in text
    there = banner(settings, [one], False, {"admin", "shop"}, {"/", "v"})
    assert "amqp://admin:PASSWORD@localhost:5672/%2F (admin: from this machine only)" in there


def test_each_protocol_has_a_line_with_its_own_kind_of_address() -> None:
    settings = Settings(host="127.0.0.1", web_mqtt_path="/mqtt")
    lines = banner(settings, Server(settings).listeners, False).splitlines()
    assert {
        "MQTT on 127.0.0.1:1883: mqtt://guest:guest@localhost:1883",
        "STOMP on 127.0.0.1:61613: stomp://guest:guest@localhost:61613",
        "MQTT over WebSockets on 127.0.0.1:15675: ws://localhost:15675/mqtt",
        "STOMP over WebSockets on 127.0.0.1:15674: ws://localhost:15674/ws",
    } <= set(lines)
