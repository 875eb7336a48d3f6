"""leveret.auth.sasl"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire

from leveret.auth.sasl import read_amqplain, read_plain

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
