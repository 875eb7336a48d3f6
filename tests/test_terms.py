"""leveret.terms"""

import pytest

from leveret.terms import atom, binary, frame, term, text


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"", "<<>>"),
        (b"plain text", '<<"plain text">>'),
        (b"a\x00\xff", "<<97,0,255>>"),
        (b"\x7f", "<<127>>"),
    ],
)
def test_octets_are_shown_as_erlang_shows_binaries(octets: bytes, shown: str) -> None:
    assert binary(octets) == shown


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"", "type 3, all octets = <<>>"),
        (b"x" * 16, 'type 3, all octets = <<"xxxxxxxxxxxxxxxx">>'),
        (b"x" * 17, 'type 3, first 16 octets = <<"xxxxxxxxxxxxxxxx">>'),
    ],
)
def test_a_frame_is_shown_by_its_first_octets(payload: bytes, shown: str) -> None:
    assert frame(3, payload) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "undefined"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        ("word", "word"),
        (1.5, "1.5"),
    ],
)
def test_a_plain_value_is_shown_as_erlang_shows_it(value: object, shown: str) -> None:
    assert atom(value) == shown


def test_a_string_is_in_double_quotes() -> None:
    assert text("a b") == '"a b"'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        ("a", '<<"a">>'),
        (True, "true"),
        (1.5, "1.5"),
        ([1, "a"], '[1,<<"a">>]'),
        ({"a": []}, '#{<<"a">> => []}'),
    ],
)
def test_a_value_out_of_json(value: object, shown: str) -> None:
    assert term(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("\udcff", "<<255>>"), ("a\ud800", "<<97,237,160,128>>"), ({"\udc80": 1}, "#{<<128>> => 1}")],
)
def test_text_that_is_no_unicode_is_shown_by_its_octets(value: object, shown: str) -> None:
    assert term(value) == shown
