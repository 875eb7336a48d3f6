"""leveret.amqp091.frames"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import wire

from leveret.amqp091.frames import FrameReader
from leveret.amqp091.replies import FrameFault

Frame = tuple[int, int, bytes]
FRAMES = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=8
)
MOST = 4096


def read(reader: FrameReader, most: int = 1 << 30) -> list[Frame]:
    """At most ``most`` frames, as far as there are any."""
    got: list[Frame] = []
    while len(got) < most and reader.advance():
        got.append((reader.kind, reader.number, reader.data[reader.start : reader.end]))
    return got


def octets(frames: list[Frame]) -> bytes:
    return b"".join(wire.frame(*frame) for frame in frames)


@given(FRAMES, st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), min_size=1))
def test_neither_cuts_nor_pauses_make_a_difference(
    frames: list[Frame], steps: list[tuple[int, int]]
) -> None:
    reader, left, got, turn = FrameReader(MOST), octets(frames), [], 0
    while left:
        size, most = steps[turn % len(steps)]
        reader.feed(left[:size])
        got += read(reader, most)
        left, turn = left[size:], turn + 1
    assert got + read(reader) == frames
    assert not reader.advance()


@given(FRAMES, st.data())
def test_a_frame_that_is_cut_off_is_awaited(frames: list[Frame], data: st.DataObject) -> None:
    whole = octets([*frames, (1, 1, b"last")])
    cut = data.draw(st.integers(len(octets(frames)), len(whole) - 1))
    reader = FrameReader(MOST)
    reader.feed(whole[:cut])
    assert read(reader) == frames
    reader.feed(whole[cut:])
    assert read(reader) == [(1, 1, b"last")]


@pytest.mark.parametrize("cut", range(8))
def test_a_frame_over_the_limit_is_refused_by_its_head(cut: int) -> None:
    head = wire.frame(3, 1, bytes(MOST + 1))[:7]
    reader = FrameReader(MOST)
    reader.feed(wire.frame(1, 1, bytes(MOST)) + head[:cut])
    with pytest.raises(FrameFault, match="frame_too_large,4097,4088"):
        read(reader)
        reader.feed(head[cut:])
        read(reader)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_frame_without_its_end_is_refused(size: int) -> None:
    reader = FrameReader(MOST)
    faulty = wire.frame(1, 1, b"abc", end=0)
    with pytest.raises(FrameFault, match="invalid_frame_end_marker,0"):
        for at in range(0, len(faulty), size):
            reader.feed(faulty[at : at + size])
            read(reader)


def test_nothing_is_left_after_clearing() -> None:
    reader = FrameReader(MOST)
    reader.feed(wire.frame(1, 1, b"abc") + b"\x01")
    reader.clear()
    assert not reader.advance()
    reader.feed(wire.frame(2, 2, b""))
    assert read(reader) == [(2, 2, b"")]
