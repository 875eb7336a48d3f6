"""leveret.stomp.headers"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stomp_wire import encode, take_frame

from leveret.stomp.faults import StompFault
from leveret.stomp.headers import (
    MAX_HEADERS,
    V1_0,
    V1_1,
    V1_2,
    frame_octets,
    number_of,
    read_frame,
)


def read(block: bytes, version: int = V1_2) -> dict[str, str]:
    frame = read_frame(block, version)
    assert frame.command == "SEND"
    return frame.headers


def test_of_headers_with_the_same_name_the_first_counts() -> None:
    assert read(b"SEND\na:1\na:2\nb:\n\n") == {"a": "1", "b": ""}


def test_a_value_may_have_colons_and_lines_may_end_with_cr_lf() -> None:
    assert read(b"SEND\r\na:b:c\r\n\r\n") == {"a": "b:c"}


def test_escapes_are_those_of_1_2() -> None:
    assert read(rb"SEND" b"\n" rb"a\c:1\n2\\3\r" b"\n\n") == {"a:": "1\n2\\3\r"}


def test_1_0_knows_no_escapes_and_has_blanks_behind_its_colons() -> None:
    assert read(b"SEND\na: b\\c\\t \n\n", V1_0) == {"a": "b\\c\\t "}
    assert read(b"SEND\na: b\n\n", V1_1) == {"a": " b"}


def test_a_connect_may_be_escaped_or_not() -> None:
    assert read(b"SEND\npasscode:a\\cb\\tc\\\n\n", 0) == {"passcode": "a:b\\tc\\"}


@pytest.mark.parametrize(
    "block",
    [
        b"SEND\na:\\t\n\n",
        b"SEND\na:\\\n\n",
        b"SEND\nno colon\n\n",
        b"SEND\na:b\rc\n\n",
        b"SEND\n" + b"a:b\n" * (MAX_HEADERS + 1) + b"\n",
    ],
)
def test_what_means_nothing_is_refused(block: bytes) -> None:
    with pytest.raises(StompFault) as caught:
        read_frame(block, V1_2)
    assert caught.value.message == "Malformed frame"


def test_flags_and_numbers() -> None:
    frame = read_frame(b"SEND\na:true\nb:False\nc: -12 \nd:maybe\n\n", V1_2)
    assert (frame.flag("a"), frame.flag("b"), frame.flag("none")) == (True, False, None)
    assert (frame.number("c"), frame.number("none")) == (-12, None)
    for wrong in (lambda: frame.flag("d"), lambda: frame.number("d")):
        with pytest.raises(StompFault):
            wrong()


@pytest.mark.parametrize("text", ["", "-", "1.5", "0x1", "9" * 30, "--1", "1_0", "²"])
def test_no_number(text: str) -> None:
    with pytest.raises(StompFault):
        number_of("priority", text)


def test_a_frame_has_the_length_of_its_body_and_a_line_feed_behind_it() -> None:
    octets = frame_octets("ERROR", {"message": "a:b"}, "why\n", V1_2)
    assert octets == b"ERROR\nmessage:a\\cb\ncontent-length:4\n\nwhy\n\0\n"


def test_what_would_break_a_frame_is_escaped_in_1_0_too() -> None:
    octets = frame_octets("M", {"a:b\nc": "d:\\e\nf\r"}, "", V1_0)
    assert octets == b"M\na\\cb\\nc:d:\\e\\nf\\r\n\n\0\n"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
HEADERS = st.dictionaries(TEXTS, TEXTS, max_size=5)


@given(HEADERS)
def test_what_a_client_writes_is_read(headers: dict[str, str]) -> None:
    assert read(encode("SEND", headers)[:-1]) == headers


@given(HEADERS, TEXTS, st.sampled_from([V1_1, V1_2]))
def test_what_is_written_a_client_reads(headers: dict[str, str], body: str, version: int) -> None:
    headers.pop("content-length", None)
    frame, rest = take_frame(frame_octets("MESSAGE", headers, body, version))
    assert frame is not None and rest == b"\n"
    assert {n: v for n, v in frame.pairs if n != "content-length"} == headers
    assert frame.body == body.encode()


@given(HEADERS)
def test_whatever_is_written_in_1_0_has_as_many_lines_as_headers(headers: dict[str, str]) -> None:
    octets = frame_octets("MESSAGE", headers, "", V1_0)
    assert octets.count(b"\n") == len(headers) + 3
    assert b"\r" not in octets
    for line in octets.split(b"\n")[1:-2]:
        assert b":" in line or line == b""
