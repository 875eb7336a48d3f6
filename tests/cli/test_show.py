"""leveret.cli.show"""

import base64

import pytest

from leveret.cli.show import (
    RIGHT,
    bar,
    body_text,
    clean,
    columns_of,
    fit,
    message_text,
    octets,
    short,
    table,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        (0.25, "0.2"),
        (7, "7"),
        (12.6, "13"),
        (999, "999"),
        (1234, "1.2k"),
        (45_678, "46k"),
        (2_500_000, "2.5M"),
    ],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert short(value) == text


def test_sizes_have_units() -> None:
    assert [octets(7), octets(1500), octets(2_000_000)] == ["7 B", "1.5 kB", "2.0MB"]


def test_bars_are_in_proportion_and_never_invisible() -> None:
    assert bar(100, 100, 10) == "█" * 10
    assert bar(50, 100, 10) == "█" * 5
    assert bar(1, 1_000_000, 10) == "▏"
    assert bar(0, 100, 10) == ""
    assert bar(0, 0, 10) == ""


def test_a_name_can_do_nothing_to_the_terminal() -> None:
    assert clean("a\x1b[2J\n\tb\u202ec") == "a·[2J··b·c"
    text = message_text(
        {"routing_key": "\x1b]0;", "payload": "\x1b[31mred\nlines\tstay"}, "", False
    )
    assert "\x1b" not in text
    assert "red\nlines\tstay" in text


def test_texts_are_cut_and_filled_by_columns_and_not_by_signs() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, RIGHT) == "  abc"
    assert fit("abcdef", 4) == "abc…"
    assert columns_of(fit("日本語のキュー", 6)) == 6
    assert columns_of("e\u0301") == 1


def test_a_table_keeps_to_its_width() -> None:
    lines = table(["NAME", "N"], ["<", ">"], [["x" * 50, "1"], ["y", "22"]], 30)
    assert max(columns_of(line) for line in lines) == 30
    assert lines[1].endswith("…   1")
    assert lines[2].endswith(" 22")


def test_bodies_are_shown_as_what_they_are() -> None:
    assert body_text({"payload": '{"a":1}', "payload_encoding": "string"}) == '{\n  "a": 1\n}'
    assert body_text({"payload": "{a", "payload_encoding": "string"}) == "{a"
    binary = base64.b64encode(b"\xff\x00abc" + bytes(300)).decode()
    shown = body_text({"payload": binary, "payload_encoding": "base64"})
    assert shown.startswith("000000  ff 00 61 62 63")
    assert shown.endswith("… 305 octets")


def test_a_message_says_where_it_comes_from_and_what_it_carries() -> None:
    message = {
        "exchange": "orders",
        "routing_key": "new",
        "redelivered": True,
        "payload": "hello",
        "payload_bytes": 5,
        "properties": {"content_type": "text/plain", "headers": {"tries": 2, "who": "me"}},
    }
    assert message_text(message, "#1", False).splitlines() == [
        "#1  orders → new  5 B  redelivered",
        "content_type=text/plain  tries: 2  who: me",
        "hello",
    ]
    assert "(default) → " in message_text({"exchange": "", "properties": []}, "", False)
