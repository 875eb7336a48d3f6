"""leveret.broker.properties"""

from typing import Any

import pamqp.commands
import pamqp.encode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire

from leveret.broker.properties import (
    NO_PROPERTIES,
    Properties,
    PropertiesError,
    read_properties,
    with_headers,
    with_reply_to,
)
from leveret.tables import plain, table_of

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
HEADERS = st.dictionaries(WORDS, WORDS | st.integers(-9, 9) | st.booleans(), max_size=3)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "s": WORDS,
    "o": st.integers(0, 255),
    "L": st.integers(0, (1 << 64) - 1),
    "t": HEADERS,
}
ALL = st.fixed_dictionaries({}, optional={name: KINDS[kind] for name, kind in wire.PROPERTIES})


def encode(values: dict[str, Any]) -> bytes:
    """Flags and list, as the tests' own codec writes them."""
    return wire.encode_header(0, values)[12:]


def decode(properties: Properties) -> dict[str, Any]:
    reader = wire.Reader(properties.octets)
    flags = reader.number(">H")
    values = {
        name: reader.field(letter)
        for index, (name, letter) in enumerate(wire.PROPERTIES)
        if flags & 1 << (15 - index)
    }
    assert reader.at == len(properties.octets)
    return values


@given(ALL)
def test_the_facts_are_read_and_the_octets_kept(values: dict[str, Any]) -> None:
    octets = encode(values)
    got = read_properties(octets)
    assert got.octets == octets
    assert got.priority == values.get("priority", 0)
    assert got.delivery_mode == values.get("delivery_mode", 1)
    assert got.is_persistent is (values.get("delivery_mode") == 2)
    assert got.reply_to == values.get("reply_to", "")
    assert got.expiration == values.get("expiration")
    assert got.user_id == values.get("user_id")
    assert {name: plain(f) for name, f in got.headers().items()} == values.get("headers", {})


@given(ALL)
def test_what_needs_care_is_never_missed(values: dict[str, Any]) -> None:
    careful = {"reply_to", "expiration", "user_id"} & set(values)
    is_odd = values.get("delivery_mode", 1) not in (1, 2)
    is_copied = bool({"CC", "BCC"} & set(values.get("headers", {})))
    got = read_properties(encode(values))
    assert got.needs_care or not (careful or is_odd or is_copied)


@pytest.mark.parametrize("name", ["CC", "BCC"])
def test_copies_need_care(name: str) -> None:
    assert read_properties(encode({"headers": {name: ["q"]}})).needs_care


def test_plain_messages_need_no_care() -> None:
    values = {"content_type": "CC", "delivery_mode": 2, "priority": 3, "message_id": "5"}
    assert not read_properties(encode(values)).needs_care
    assert not NO_PROPERTIES.needs_care


@given(ALL, st.data())
def test_octets_cut_short_are_refused(values: dict[str, Any], data: st.DataObject) -> None:
    octets = encode(values)
    with pytest.raises(PropertiesError):
        read_properties(octets[: data.draw(st.integers(0, len(octets) - 1))])


@given(ALL)
def test_octets_too_many_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(PropertiesError):
        read_properties(encode(values) + b"x")


@given(st.binary(max_size=40))
def test_any_octets_are_properties_or_refused(octets: bytes) -> None:
    try:
        read_properties(octets).headers()
    except PropertiesError:
        pass


@pytest.mark.parametrize("flags", [b"\x00\x01", b"\x80\x01"])
def test_more_flags_than_there_are_properties_are_refused(flags: bytes) -> None:
    with pytest.raises(PropertiesError):
        read_properties(flags + b"\0\0\0")


@given(ALL, WORDS)
def test_another_reply_to_leaves_the_rest_alone(values: dict[str, Any], address: str) -> None:
    values["reply_to"] = "amq.rabbitmq.reply-to"
    changed = with_reply_to(read_properties(encode(values)), address)
    assert decode(changed) == values | {"reply_to": address}
    assert changed.reply_to == address


@given(ALL, HEADERS)
def test_other_headers_leave_the_rest_alone(
    values: dict[str, Any], headers: dict[str, Any]
) -> None:
    changed = with_headers(read_properties(encode(values)), table_of(headers))
    assert decode(changed) == values | {"headers": headers}
    assert {name: plain(f) for name, f in changed.headers().items()} == headers


def test_what_pamqp_writes_is_read() -> None:
    written = pamqp.commands.Basic.Properties(
        content_type="text/plain",
        headers={"a": 1},
        delivery_mode=2,
        priority=7,
        reply_to="back",
        expiration="500",
        user_id="guest",
    )
    got = read_properties(written.marshal())
    facts = (got.priority, got.is_persistent, got.reply_to, got.expiration, got.user_id)
    assert facts == (7, True, "back", "500", "guest")
    assert {name: plain(field) for name, field in got.headers().items()} == {"a": 1}
