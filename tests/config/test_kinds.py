"""leveret.config.kinds"""

import pytest

from leveret.config.kinds import (
    UNLIMITED,
    Amount,
    Duration,
    File,
    Flag,
    Limit,
    Names,
    Number,
    Real,
    Setting,
    Size,
    Text,
    octets_of,
)

SIZE = Size("a_size", 5, 1, 2_000_000, "How large.")
MILLISECONDS = Duration("wait_ms", 5, 0, 3_600_000, "How long.")
SECONDS = Duration("wait_s", 5, 0, 3600, "How long.")
LIMIT = Limit("most", UNLIMITED, "things", 100, "How many.")
REAL = Real("part", 0.6, "", 0.0, 1.0, "How much.")
AMOUNT = Amount("amount", 0.6, "", "How much.")
FLAG = Flag("on", False, "Whether.")
WORDS = Names("words", ["a"], "", "Which.", ["a", "b"])


@pytest.mark.parametrize(
    ("setting", "value", "kept"),
    [
        (SIZE, 7, 7),
        (SIZE, "1MB", 1_000_000),
        (MILLISECONDS, 7, 7),
        (MILLISECONDS, "30s", 30_000),
        (SECONDS, 7, 7),
        (SECONDS, "5min", 300),
        (LIMIT, 0, 0),
        (LIMIT, "unlimited", UNLIMITED),
        (LIMIT, "Infinity", UNLIMITED),
        (LIMIT, -1, UNLIMITED),
        (REAL, 1, 1.0),
        (REAL, 0.25, 0.25),
        (AMOUNT, 0.25, 0.25),
        (AMOUNT, 1.0, 1.0),
        (AMOUNT, 0, 0),
        (AMOUNT, 2_000_000_000, 2_000_000_000),
        (AMOUNT, "2GB", 2_000_000_000),
        (AMOUNT, "0.5", 0.5),
        (FLAG, True, True),
        (WORDS, ["b", "a"], ["b", "a"]),
        (File("f", "Which."), "", ""),
        (Text("long", "", "What.", 0, 300), "x" * 300, "x" * 300),
    ],
)
def test_a_good_value_is_kept(setting: Setting, value: object, kept: object) -> None:
    assert setting.check(value) == kept


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (SIZE, "3MB"),
        (SIZE, True),
        (SIZE, 1.0),
        (MILLISECONDS, "30"),
        (MILLISECONDS, "2h"),
        (SECONDS, "1500ms"),
        (LIMIT, 101),
        (LIMIT, -2),
        (LIMIT, "none"),
        (REAL, 1.01),
        (REAL, float("nan")),
        (REAL, True),
        (AMOUNT, True),
        (AMOUNT, -0.1),
        (AMOUNT, 1),
        (AMOUNT, 100.5),
        (AMOUNT, float("nan")),
        (AMOUNT, "half"),
        (AMOUNT, [0.5]),
        (FLAG, 1),
        (FLAG, "true"),
        (WORDS, ["c"]),
        (WORDS, "a"),
        (File("f", "Which."), "a\0b"),
    ],
)
def test_a_bad_value_is_refused(setting: Setting, value: object) -> None:
    with pytest.raises(ValueError):
        setting.check(value)


@pytest.mark.parametrize(
    ("setting", "text", "kept"),
    [
        (SIZE, "64k", 65536),
        (SIZE, "7", 7),
        (MILLISECONDS, "7", 7),
        (MILLISECONDS, "7s", 7000),
        (LIMIT, "7", 7),
        (LIMIT, "unlimited", UNLIMITED),
        (REAL, "0.5", 0.5),
        (AMOUNT, "0.5", 0.5),
        (AMOUNT, "50MB", 50_000_000),
        (AMOUNT, "4096", 4096),
        (FLAG, "True", True),
        (FLAG, "on", True),
        (FLAG, "0", False),
        (WORDS, "a, b", ["a", "b"]),
        (Number("n", 1, "", 0, 9, "How many."), "3", 3),
    ],
)
def test_text_of_an_option_or_a_variable_is_read(setting: Setting, text: str, kept: object) -> None:
    assert setting.read(text) == kept


@pytest.mark.parametrize(
    ("setting", "text"), [(FLAG, "maybe"), (WORDS, "c"), (LIMIT, "-3"), (REAL, "x"), (SIZE, "x")]
)
def test_text_that_means_nothing_is_refused(setting: Setting, text: str) -> None:
    with pytest.raises(ValueError):
        setting.read(text)


def test_a_value_is_shown_as_people_write_it() -> None:
    assert (LIMIT.shown(UNLIMITED), LIMIT.shown(3)) == ("'unlimited'", "3")
    assert (FLAG.shown(True), FLAG.shown(False)) == ("true", "false")


def test_an_amount_comes_to_octets_and_keeps_its_kind() -> None:
    assert octets_of(AMOUNT.check(0.5), 1_000_000) == 500_000
    assert octets_of(AMOUNT.check("2.0"), 1_000_000) == 2_000_000
    assert octets_of(AMOUNT.check("20kB"), 1_000_000) == 20_000
    with pytest.raises(ValueError, match=r"write 1\.0 for a share"):
        AMOUNT.check(1)


def test_what_is_allowed_says_how_to_write_it() -> None:
    assert SIZE.allowed().endswith("or text such as '64MB' or '1GiB'")
    assert LIMIT.allowed() == "a whole number from 0 to 100, or 'unlimited'"
    assert WORDS.allowed() == "a list of a, b"
