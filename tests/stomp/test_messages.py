"""leveret.stomp.messages: a turn's output as frames of their own."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from leveret.stomp.messages import split_frames


def frame(body: bytes, has_length: bool, trail: bytes) -> bytes:
    length = b"content-length:%d\n" % len(body) if has_length else b""
    return b"MESSAGE\nsubscription:a\n" + length + b"redelivered:false\n\n" + body + b"\0" + trail


FRAMES = st.builds(
    frame, st.binary(max_size=50), st.just(True), st.sampled_from([b"", b"\n", b"\n\n"])
) | st.builds(
    frame,
    st.binary(max_size=50).map(lambda body: body.replace(b"\0", b"").replace(b"\n\n", b"")),
    st.just(False),
    st.sampled_from([b"", b"\n"]),
)


@given(frames=st.lists(FRAMES, max_size=5), cuts=st.lists(st.integers(0, 200), max_size=4))
def test_frames_are_found_however_the_output_is_cut(frames: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frames)
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    parts = [stream[begin:end] for begin, end in pairwise(ends)]
    assert split_frames(parts) == frames


def test_a_heart_beat_is_a_message_of_its_own() -> None:
    one = frame(b"x", True, b"\n")
    assert split_frames([b"\n", one, b"\n"]) == [b"\n", one + b"\n"]
    assert split_frames([]) == []


def test_what_has_no_end_is_not_lost() -> None:
    assert split_frames([b"ERROR\nmessage:x"]) == [b"ERROR\nmessage:x"]
    assert split_frames([b"ERROR\n\nx"]) == [b"ERROR\n\nx"]
