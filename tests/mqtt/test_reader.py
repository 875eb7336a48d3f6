"""leveret.mqtt.reader: octets to packets, cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import mqtt_wire as wire

from leveret.mqtt.codes import MALFORMED_PACKET, PACKET_TOO_LARGE, MqttFault
from leveret.mqtt.reader import PacketReader

packets = st.lists(
    st.tuples(st.integers(0, 255), st.one_of(st.binary(max_size=300), st.just(b"x" * 20_000))),
    max_size=8,
)


def octets(of: list[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes([first]) + wire.variable(len(rest)) + rest for first, rest in of)


def drain(reader: PacketReader) -> list[tuple[int, bytes]]:
    found = []
    while reader.advance():
        first = int(reader.kind) << 4 | int(reader.flags)
        found.append((first, reader.data[int(reader.start) : int(reader.end)]))
    return found


@given(packets, st.lists(st.integers(1, 500), min_size=1))
def test_where_the_chunks_are_cut_makes_no_difference(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    reader, data, got, turn = PacketReader(30_000), octets(sent), [], 0
    while data:
        size = cuts[turn % len(cuts)]
        reader.feed(data[:size])
        got += drain(reader)
        data, turn = data[size:], turn + 1
    assert got == sent


@given(packets, st.lists(st.integers(1, 500), min_size=1))
def test_whoever_stops_in_between_misses_nothing(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    reader, data, got, turn = PacketReader(30_000), octets(sent), [], 0
    while data:
        size = cuts[turn % len(cuts)]
        reader.feed(data[:size])
        if reader.advance():
            first = int(reader.kind) << 4 | int(reader.flags)
            got.append((first, reader.data[int(reader.start) : int(reader.end)]))
        data, turn = data[size:], turn + 1
    assert got + drain(reader) == sent
    assert reader.buffered == 0 or reader.data == b"" or not reader.advance()


@given(st.binary(max_size=100))
def test_any_octets_are_packets_or_awaited_or_refused(data: bytes) -> None:
    reader = PacketReader(50)
    reader.feed(data)
    try:
        drain(reader)
    except MqttFault as fault:
        assert fault.reason in (MALFORMED_PACKET, PACKET_TOO_LARGE)


def test_a_packet_that_is_too_large_is_refused_before_it_is_there() -> None:
    reader = PacketReader(1000)
    reader.feed(b"\x30" + wire.variable(998))
    with pytest.raises(MqttFault, match="PUBLISH has 1001 octets, at most 1000") as caught:
        reader.advance()
    assert caught.value.reason == PACKET_TOO_LARGE


def test_the_largest_packet_is_taken() -> None:
    reader = PacketReader(1000)
    reader.feed(b"\x30" + wire.variable(997) + b"x" * 997)
    assert reader.advance()
    assert reader.size == 997


def test_a_length_of_five_octets_is_refused_even_if_it_is_not_whole() -> None:
    reader = PacketReader(1 << 30)
    reader.feed(b"\x30\x80\x80\x80\x80")
    with pytest.raises(MqttFault) as caught:
        reader.advance()
    assert caught.value.reason == MALFORMED_PACKET


def test_the_largest_length_is_understood() -> None:
    reader = PacketReader(1 << 30)
    reader.feed(b"\x30\xff\xff\xff\x7f")
    assert not reader.advance()


def test_a_large_packet_in_small_pieces_is_joined_once() -> None:
    reader = PacketReader(1 << 24)
    body = bytes(range(256)) * 400
    data = octets([(0x30, body)])
    for at in range(0, len(data), 7):
        reader.feed(data[at : at + 7])
        if at + 7 < len(data):
            assert not reader.advance()
            assert reader.buffered == at + 7
    assert drain(reader) == [(0x30, body)]


def test_after_clear_nothing_is_read() -> None:
    reader = PacketReader(100)
    reader.feed(b"\xc0\x00\xc0")
    reader.clear()
    assert not reader.advance()
    reader.feed(b"\xc0\x00")
    assert reader.advance()
