"""leveret.auth.sasl"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire

from leveret.auth.sasl import Sasl, read_amqplain, read_plain
from leveret.session import Peer, TlsFacts

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(WORDS, WORDS)
def test_plain_is_read(name: str, password: str) -> None:
    got = read_plain(f"\0{name}\0{password}".encode())
    assert got is not None
    assert (got.name, got.password) == (name, password)


@pytest.mark.parametrize(
    "response",
    [b"", b"guest", b"guest\0guest", b"\0guest", b"x\0guest\0guest", b"\0a\0b\0c", b"\0\xff\0a"],
)
def test_plain_of_another_shape_is_none(response: bytes) -> None:
    assert read_plain(response) is None


@given(WORDS, WORDS)
def test_amqplain_is_read(name: str, password: str) -> None:
    table = wire.encode_table({"LOGIN": name, "PASSWORD": password, "EXTRA": 1})
    got = read_amqplain(table[4:])
    assert got is not None
    assert (got.name, got.password) == (name, password)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"LOGIN": "guest"},
        {"PASSWORD": "guest"},
        {"LOGIN": "guest", "PASSWORD": 5},
        {"LOGIN": None, "PASSWORD": "guest"},
    ],
)
def test_amqplain_without_both_is_none(table: dict[str, object]) -> None:
    assert read_amqplain(wire.encode_table(table)[4:]) is None


@given(st.binary(max_size=60))
def test_any_octets_are_credentials_or_none(octets: bytes) -> None:
    read_plain(octets)
    read_amqplain(octets)


# ------------------------------------------------------------------------------ what is offered


def sasl(
    login_from: str = "distinguished_name", kind: str = "dns", index: int = 0, anonymous: str = "g"
) -> Sasl:
    mechanisms = ["EXTERNAL", "PLAIN", "AMQPLAIN", "ANONYMOUS"]
    return Sasl(mechanisms, anonymous, "secret", login_from, kind, index)


def peer(is_verified: bool | None) -> Peer:
    if is_verified is None:
        return Peer("127.0.0.1", 1, "127.0.0.1", 2)
    facts = TlsFacts("TLSv1.3", "AES")
    facts.is_verified = is_verified
    if is_verified:
        facts.subject = "CN=client,O=Example"
        facts.common_name = "client"
        facts.alternative_names = [("email", "a@b.example"), ("dns", "one"), ("dns", "two")]
    return Peer("127.0.0.1", 1, "127.0.0.1", 2, facts)


@pytest.mark.parametrize(("is_verified", "offered"), [(None, False), (False, False), (True, True)])
def test_external_is_for_who_showed_a_certificate_that_holds(
    is_verified: bool | None, offered: bool
) -> None:
    assert ("EXTERNAL" in sasl().offered(peer(is_verified))) is offered


@pytest.mark.parametrize("name", ["", "none"])
def test_anonymous_can_be_switched_off(name: str) -> None:
    assert sasl(anonymous=name).offered(peer(None)) == ["PLAIN", "AMQPLAIN"]


def test_mechanisms_are_offered_in_the_order_of_the_settings() -> None:
    assert sasl().offered(peer(True)) == ["EXTERNAL", "PLAIN", "AMQPLAIN", "ANONYMOUS"]


def test_anonymous_is_the_user_of_the_settings_whatever_the_response() -> None:
    got = sasl().read("ANONYMOUS", b"\xff someone", peer(None))
    assert got is not None
    assert (got.name, got.password, got.is_proven) == ("g", "secret", False)


@pytest.mark.parametrize(
    ("login_from", "kind", "index", "name"),
    [
        ("distinguished_name", "dns", 0, "CN=client,O=Example"),
        ("common_name", "dns", 0, "client"),
        ("subject_alternative_name", "dns", 0, "one"),
        ("subject_alternative_name", "dns", 1, "two"),
        ("subject_alternative_name", "dns", 2, ""),
        ("subject_alternative_name", "email", 0, "a@b.example"),
        ("subject_alternative_name", "uri", 0, ""),
    ],
)
def test_the_certificate_says_the_users_name(
    login_from: str, kind: str, index: int, name: str
) -> None:
    got = sasl(login_from, kind, index).read("EXTERNAL", b"root", peer(True))
    assert got is not None
    assert (got.name, got.is_proven) == (name, True)
