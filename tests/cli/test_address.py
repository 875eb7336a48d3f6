"""leveret.cli.address"""

from pathlib import Path

import click
import pytest

from leveret.cli.address import find_address


def settings(home: Path, text: str) -> dict[str, str]:
    """An environment whose file for settings says ``text``."""
    (home / "leveret").mkdir()
    (home / "leveret" / "ctl.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(home)}


@pytest.fixture
def nothing(tmp_path: Path) -> dict[str, str]:
    """An environment that says nothing."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "none")}


def test_guest_on_this_machine_is_meant_when_nobody_says_otherwise(nothing: dict[str, str]) -> None:
    address = find_address({}, nothing)
    assert address.url == "http://127.0.0.1:15672"
    assert (address.user, address.password, address.vhost) == ("guest", "guest", "/")


def test_options_are_stronger_than_the_environment_and_that_than_the_file(tmp_path: Path) -> None:
    environment = settings(tmp_path, 'url = "http://file:1"\nvhost = "w"\n')
    assert find_address({}, environment).url == "http://file:1"
    environment["LEVERET_URL"] = "http://variable:2"
    address = find_address({}, environment)
    assert (address.url, address.vhost) == ("http://variable:2", "w")
    address = find_address({"url": "http://option:3", "vhost": "v"}, environment)
    assert (address.url, address.vhost) == ("http://option:3", "v")


def test_another_user_does_not_get_the_password_of_the_one_before(tmp_path: Path) -> None:
    environment = settings(tmp_path, 'user = "f"\npassword = "p"\n')
    assert find_address({"user": "f"}, environment).password == "p"
    assert find_address({"user": "other"}, environment).password is None
    assert find_address({"user": "other", "password": "q"}, environment).password == "q"


def test_a_password_for_one_host_is_not_sent_to_another(tmp_path: Path) -> None:
    said = 'url = "http://there:15672"\nuser = "someone"\npassword = "secret"\n'
    environment = settings(tmp_path, said)
    for options in ({"url": "http://elsewhere"}, {"host": "elsewhere"}):
        found = find_address(options, environment)
        assert (found.host, found.user, found.password) == ("elsewhere", "guest", "guest")
    found = find_address({"url": "http://there:1"}, environment)
    assert (found.user, found.password) == ("someone", "secret")
    found = find_address({"host": "elsewhere"}, {"LEVERET_USER": "me", "LEVERET_PASSWORD": "mine"})
    assert (found.user, found.password) == ("me", "mine"), "meant for any host"


def test_a_url_may_hold_all_of_it(nothing: dict[str, str]) -> None:
    address = find_address({"url": "https://a%40b:p%3Aw@[::1]/prefix/api"}, nothing)
    assert address.url == "https://[::1]:15671/prefix"
    assert (address.user, address.password) == ("a@b", "p:w")


def test_host_and_port_are_parts_of_it(nothing: dict[str, str]) -> None:
    assert find_address({"host": "h", "port": "1"}, nothing).url == "http://h:1"
    assert find_address({"url": "h:2"}, nothing).url == "http://h:2"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"url": "amqp://broker"}, "such as http://broker:15672"),
        ({"url": "http://broker:port"}, "is not a URL: Port could not be"),
        ({"port": "x"}, "is not a port"),
        ({"port": "65536"}, "is not a port"),
        ({"timeout_s": "soon"}, "is not a timeout"),
    ],
)
def test_what_is_no_address_is_refused(
    options: dict[str, str], sentence: str, nothing: dict[str, str]
) -> None:
    with pytest.raises(click.ClickException, match=sentence) as refused:
        find_address(options, nothing)
    assert refused.value.exit_code == 64


@pytest.mark.parametrize("text", ['ulr = "x"', "url = ", b"\xff".decode("latin-1")])
def test_a_wrong_file_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match=r"ctl\.toml") as refused:
        find_address({}, settings(tmp_path, text))
    assert refused.value.exit_code == 78
