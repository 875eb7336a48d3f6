"""leveret.stomp.frames"""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stomp_wire import encode

from leveret.stomp.frames import BLOCK_MAX, FrameFault, FrameReader

FRAME_MAX = 200_000


def read(data: bytes, cuts: list[int] | None = None) -> list[tuple[bytes, bytes]]:
    """The blocks and bodies in ``data``, which comes in pieces of these sizes, over and over."""
    reader, got, turn = FrameReader(FRAME_MAX), [], 0
    while data:
        size = cuts[turn % len(cuts)] if cuts else len(data)
        reader.feed(data[:size])
        while reader.advance():
            got.append((reader.block, reader.body))
        data, turn = data[size:], turn + 1
    return got


def test_a_frame_is_its_block_and_its_body() -> None:
    assert read(b"SEND\na:b\n\nhello\0") == [(b"SEND\na:b\n\n", b"hello")]


def test_what_stands_between_frames_is_nothing() -> None:
    data = b"\n\r\n\0ACK\n\n\0\n\n\r\nNACK\n\n\0\n"
    assert read(data) == [(b"ACK\n\n", b""), (b"NACK\n\n", b"")]


def test_lines_may_end_with_cr_lf() -> None:
    frame = b"SEND\r\na:b\r\n\r\n"
    assert read(frame + b"one\0\r\n" + frame + b"two\0") == [(frame, b"one"), (frame, b"two")]


def test_one_client_may_end_its_lines_in_both_ways() -> None:
    data = b"SEND\r\na:b\r\n\r\n\n\nx\0SEND\na:b\n\n\r\ny\0SEND\r\n\r\nz\0SEND\n\n\0"
    assert [body for _, body in read(data)] == [b"\n\nx", b"\r\ny", b"z", b""]


def test_a_body_with_a_length_may_have_nul_octets() -> None:
    data = b"SEND\ncontent-length:3\n\na\0b\0SEND\ncontent-length: 0 \n\n\0"
    assert [body for _, body in read(data)] == [b"a\0b", b""]


def test_only_send_has_a_length_that_counts() -> None:
    assert read(b"ACK\ncontent-length:99\n\n\0") == [(b"ACK\ncontent-length:99\n\n", b"")]


def test_it_knows_a_send() -> None:
    reader = FrameReader(FRAME_MAX)
    reader.feed(b"SEND\n\n\0SENDER\n\n\0SEND\r\n\r\n\0")
    seen = []
    while reader.advance():
        seen.append(reader.is_send)
    assert seen == [True, False, True]


@pytest.mark.parametrize(
    "data",
    [
        b"SEND\ncontent-length:x\n\nab\0",
        b"SEND\ncontent-length:-1\n\nab\0",
        b"SEND\ncontent-length:\n\nab\0",
        b"SEND\ncontent-length:1\n\nab\0",
        b"SEND\ncontent-length:99999999999999999999\n\nab\0",
        b"SEND\ncontent-length:300000\n\n",
        b"SEND\n" + b"a" * (BLOCK_MAX + 1),
        b"SEND\n\n" + b"a" * (FRAME_MAX + 2),
        b"SEND\n\n" + b"a" * (FRAME_MAX + 2) + b"\0",
    ],
)
@pytest.mark.parametrize("size", [1 << 20, 1000])
def test_what_is_no_frame_or_too_large_is_refused(data: bytes, size: int) -> None:
    with pytest.raises(FrameFault):
        read(data, [size])


def test_a_large_body_in_small_pieces_is_kept_as_it_came() -> None:
    reader = FrameReader(FRAME_MAX)
    reader.feed(b"SEND\n\n")
    assert not reader.advance()
    for _ in range(FRAME_MAX):
        reader.feed(b"x")
        assert not reader.advance()
    reader.feed(b"\0")
    assert reader.advance()
    assert reader.body == b"x" * FRAME_MAX


@pytest.mark.parametrize("sizes", [(1,), (255, 256), (1, 1, 1000), (300, 3)])
def test_pieces_of_all_sizes_are_put_together_in_order(sizes: tuple[int, ...]) -> None:
    body = bytes(1 + number % 255 for number in range(100_000))
    assert read(b"SEND\n\n" + body + b"\0", list(sizes)) == [(b"SEND\n\n", body)]


def test_a_body_in_crumbs_does_not_take_tenfold() -> None:
    reader = FrameReader(FRAME_MAX)
    reader.feed(b"SEND\n\n")
    reader.advance()
    tracemalloc.start()
    try:
        for number in range(100_000):
            reader.feed(b"%d" % (100_000 + number))
            reader.advance()
            if number * 6 > FRAME_MAX - 100:
                break
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken < 3 * FRAME_MAX


def test_pieces_may_come_though_nobody_asks_for_frames() -> None:
    reader = FrameReader(FRAME_MAX)
    for piece in (b"SEND\n\nab", b"c", b"d\0SEND\n", b"\nx", b"\0"):
        reader.feed(piece)
    assert reader.advance() and reader.body == b"abcd"
    assert reader.advance() and reader.body == b"x"
    assert not reader.advance() and reader.is_empty


def test_pieces_of_a_body_may_come_though_nobody_asks_for_frames() -> None:
    reader = FrameReader(FRAME_MAX)
    reader.feed(b"SEND\n\nab")
    assert not reader.advance()
    for piece in (b"c", b"d\0SEND\n", b"\nx\0"):
        reader.feed(piece)
    assert not reader.is_empty
    assert reader.advance() and reader.body == b"abcd"
    assert reader.advance() and reader.body == b"x"


def test_it_forgets_what_it_is_told_to_forget() -> None:
    reader = FrameReader(FRAME_MAX)
    reader.feed(b"SEND\n\nab")
    assert not reader.advance()
    reader.clear()
    reader.feed(b"ACK\n\n\0")
    assert reader.advance() and reader.block == b"ACK\n\n"


TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
BODIES = st.binary(max_size=60)
FRAMES = st.lists(
    st.tuples(
        st.sampled_from(["SEND", "ACK", "COMMIT"]),
        st.dictionaries(TEXTS, TEXTS, max_size=4),
        BODIES,
    ),
    max_size=6,
)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@given(FRAMES, CUTS, st.booleans())
def test_what_is_written_is_read_back_wherever_the_chunks_are_cut(
    frames: list[tuple[str, dict[str, str], bytes]], cuts: list[int], has_cr: bool
) -> None:
    data, expected = b"", []
    for command, headers, body in frames:
        headers.pop("content-length", None)
        if command == "SEND":
            headers = {"content-length": str(len(body)), **headers}
        else:
            body = body.replace(b"\0", b"")
        block = encode(command, headers)[:-1]
        if has_cr:
            block = block.replace(b"\n", b"\r\n")
        data += block + body + b"\0\n"
        expected.append((block, body))
    assert read(data, cuts) == expected


@given(st.lists(st.tuples(st.sampled_from("ab"), BODIES), max_size=8), CUTS, st.booleans())
def test_frames_like_the_last_one_are_read_like_it(
    frames: list[tuple[str, bytes]], cuts: list[int], has_length: bool
) -> None:
    data, expected = b"", []
    for name, body in frames:
        body = body if has_length else body.replace(b"\0", b"")
        length = {"content-length": f"{len(body)}"} if has_length else {}
        block = encode("SEND", {"destination": f"/queue/{name}", **length})[:-1]
        data += block + body + b"\0\n"
        expected.append((block, body))
    assert read(data, cuts) == expected
    assert read(data) == expected


def test_a_length_is_that_of_its_own_frame() -> None:
    reader = FrameReader(FRAME_MAX)
    reader.feed(b"SEND\ncontent-length:3\n\na\0b\0SEND\n\nab\0SEND\n\ncde\0")
    got = []
    while reader.advance():
        got.append(reader.body)
    assert got == [b"a\0b", b"ab", b"cde"]


@given(st.binary(max_size=300), CUTS)
def test_garbage_is_refused_or_awaited_alike_however_it_is_cut(
    data: bytes, cuts: list[int]
) -> None:
    def outcome(cuts: list[int] | None) -> object:
        try:
            return read(data, cuts)
        except FrameFault as fault:
            return fault.detail

    assert outcome(None) == outcome(cuts) or isinstance(outcome(None), str)


@given(FRAMES, st.integers(0, 10_000), st.integers(0, 7), CUTS)
def test_a_flipped_bit_does_nothing_worse_than_to_be_refused(
    frames: list[tuple[str, dict[str, str], bytes]], at: int, bit: int, cuts: list[int]
) -> None:
    data = bytearray(b"".join(encode(*frame) for frame in frames))
    if data:
        data[at % len(data)] ^= 1 << bit
    try:
        got = read(bytes(data), cuts)
    except FrameFault:
        return
    assert sum(len(block) + len(body) for block, body in got) <= len(data)
