"""leveret.amqp091.outbox"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import wire
from tests.fakes import LOCAL, FakeBell, frames, new_node

from leveret.amqp091.arguments import MethodFrame
from leveret.amqp091.outbox import Outbox
from leveret.amqp091.session import AmqpSession
from leveret.amqp091.spec import CHANNEL_CLOSE_OK
from leveret.sessions.output import FULL_OCTETS, OVERFLOW_OCTETS


class Box:
    """An outbox, its bell, and the session that both are for."""

    def __init__(self, frame_max: int = 4096) -> None:
        self.bell = FakeBell()
        self.session = AmqpSession(new_node(), self.bell, LOCAL)
        self.outbox = Outbox(self.session, self.bell, frame_max)

    def take(self) -> bytes:
        self.session.rung = False
        return b"".join(self.outbox.take())


def test_what_is_sent_is_taken_in_order_and_once() -> None:
    box = Box()
    box.outbox.send(1, MethodFrame(CHANNEL_CLOSE_OK))
    box.outbox.send_octets(b"second")
    assert box.take() == wire.method(1, "channel.close-ok") + b"second"
    assert box.outbox.take() == []


def test_it_rings_once_until_it_is_flushed() -> None:
    box = Box()
    for _ in range(3):
        box.outbox.send_octets(b"x")
    assert box.bell.rings == 1
    box.take()
    box.outbox.send_octets(b"x")
    assert box.bell.rings == 2


SIZES = st.integers(0, 30_000) | st.sampled_from([4087, 4088, 4089, 8176, 8192, 8193, 16384])


@given(SIZES, st.sampled_from([4096, 8200, 8201, 10_000, 131_072]))
@settings(max_examples=60, deadline=None)
def test_a_body_is_split_at_the_frame_size_and_nothing_is_lost(size: int, frame_max: int) -> None:
    box = Box(frame_max)
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    box.outbox.send_octets(wire.method(5, "basic.get-ok"))
    box.outbox.send_content(5, b"\0\0", body)
    box.outbox.send_octets(wire.method(5, "channel.close-ok"))
    got = frames(box.take())
    assert {channel for channel, _ in got} == {5}
    parts = [part.value for _, part in got[2:-1]]
    assert got[1][1].body_size == size
    assert b"".join(parts) == body
    assert [len(part) for part in parts[:-1]] == [frame_max - 8] * (len(parts) - 1)
    assert all(0 < len(part) <= frame_max - 8 for part in parts)
    assert got[-1][1].name == "Channel.CloseOk"


@pytest.mark.parametrize("size", [100, 9000])
def test_there_is_room_until_one_turn_has_enough_output(size: int) -> None:
    box = Box(131_072)
    sent = 0
    while box.outbox.has_room():
        box.outbox.write_body(1, bytes(size))
        sent += size + 8
    assert FULL_OCTETS <= sent < FULL_OCTETS + size + 8
    assert len(box.take()) == sent
    assert box.outbox.has_room()


def test_there_is_no_room_while_it_is_paused() -> None:
    box = Box()
    box.outbox.is_paused = True
    assert not box.outbox.has_room()
    box.outbox.is_paused = False
    assert box.outbox.has_room()


def test_the_header_of_a_content_is_what_another_codec_writes() -> None:
    box = Box()
    payload = wire.encode_header(3, {"delivery_mode": 2})
    box.outbox.send_content(7, payload[12:], b"abc")
    frames_of_both = wire.frame(wire.CONTENT, 7, payload) + wire.frame(wire.BODY, 7, b"abc")
    assert box.take() == frames_of_both


@pytest.mark.parametrize("size", [100, 9000])
def test_it_overflows_when_nobody_takes_the_replies(size: int) -> None:
    box = Box(131_072)
    sent = 0
    while not box.outbox.is_overflowing():
        assert sent <= OVERFLOW_OCTETS
        box.outbox.write_body(1, bytes(size))
        sent += size + 8
    assert not box.outbox.has_room()
    assert len(box.take()) == sent
    assert not box.outbox.is_overflowing()
