"""leveret.config.addresses"""

import pytest

from leveret.config.addresses import Addresses, Networks, Origins, split_address

ADDRESSES = Addresses("listen", "Where.")
NETWORKS = Networks("sources", "Who.")
ORIGINS = Origins("pages", "Whose.")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:5672", ("127.0.0.1", 5672)),
        ("broker.example:0", ("broker.example", 0)),
        ("[::1]:5671", ("::1", 5671)),
        ("5672", ("", 5672)),
        (":5672", ("", 5672)),
        ("*:5672", ("", 5672)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert split_address(text) == address
    assert ADDRESSES.check([text]) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "::1",
        "::1:5672",
        "[]:5672",
        "host:",
        "host:65536",
        "host:-1",
        "host:٣",
        "none",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError):
        ADDRESSES.check(["127.0.0.1:5672", text])


def test_there_may_be_none_and_nothing_said() -> None:
    assert ADDRESSES.check(["none"]) == ["none"]
    assert ADDRESSES.check([]) == []
    assert ADDRESSES.read("127.0.0.1:1, [::1]:2") == ["127.0.0.1:1", "[::1]:2"]


def test_networks_are_addresses_and_masks() -> None:
    good = ["10.0.0.7", "10.0.0.1/8", "fd00::/8"]
    assert NETWORKS.check(good) == good
    assert NETWORKS.read("10.0.0.7, fd00::/8") == ["10.0.0.7", "fd00::/8"]


@pytest.mark.parametrize("value", ["10.0.0.1", ["10.0.0.256"], ["10.0.0.0/33"], [7], [""], None])
def test_what_is_no_network(value: object) -> None:
    with pytest.raises(ValueError):
        NETWORKS.check(value)


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "https://shop.example", "http://localhost:3000", "http://[::1]:8080"),
        *("moz-extension://1f2e", "app://-"),
    ],
)
def test_an_origin_is_what_a_browser_sends(origin: str) -> None:
    assert ORIGINS.check([origin]) == [origin]
    assert ORIGINS.read(f" {origin} ,") == [origin]


@pytest.mark.parametrize(
    "origin",
    [
        *("", "shop.example", "https://", "https://shop.example/", "https://shop.example/a"),
        *("https://Shop.example", "HTTPS://shop.example", "https://*.shop.example/*", "://a"),
    ],
)
def test_what_no_browser_sends_is_no_origin(origin: str) -> None:
    with pytest.raises(ValueError):
        ORIGINS.check(["*", origin])
