"""leveret.cli.banner"""

import pytest

from leveret.cli.banner import banner, url
from leveret.config import Settings
from leveret.net.listener import Listener
from leveret.server import Server


def listener(host: str = "", **settings: object) -> tuple[Settings, Listener]:
    """Settings and the listener that a server makes of them."""
    made = Settings(host=host, **settings)
    return made, Server(made).listeners[0]


def test_every_interface_is_reached_as_localhost() -> None:
    settings, one = listener()
    assert "AMQP 0-9-1 on port 5672 of every interface: amqp://guest:guest@localhost:5672/%2F" in (
        banner(settings, [one]).splitlines()
    )


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "localhost:5672"), ("::", "localhost:5672"), ("fd00::1", "[fd00::1]:5672")],
)
def test_an_address_is_reached_as_it_is(host: str, shown: str) -> None:
    settings, one = listener(host)
    assert url(settings, one) == f"amqp://guest:guest@{shown}/%2F"


def test_a_password_of_ones_own_is_not_shown() -> None:
    settings, one = listener(default_user="guest", default_pass="hare")
    text = banner(settings, [one])
    assert "hare" not in text
    assert "amqp://guest:PASSWORD@" in text


def test_user_and_vhost_are_quoted() -> None:
    settings, one = listener(default_user="a@b", default_vhost="my/vhost")
    assert url(settings, one) == "amqp://a%40b:PASSWORD@localhost:5672/my%2Fvhost"
