"""leveret.patterns"""

import logging

import pytest

from leveret.patterns import MAX_PATTERN, compiled


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", "anything", None),
        ("^$", "", "a"),
        (".*", "anything", None),
        ("^a.c$", "abc", "a\nc"),
        ("(?i)^QUEUE-[a-f]$", "queue-D", "queue-g"),
        ("^(?!amq[.]).*", "mine", "amq.topic"),
        ("(?<=x)a", "xa", "ya"),
        ("[[:alpha:][:digit:]]{3}", "a1b", "a-b"),
        ("(?|a|b)c", "bc", "cc"),
        ("^a++b", "aab", "b"),
        ("^(tenant|team)-[0-9]+([.][a-z]+)*$", "team-7.mail.out", "team-7."),
        ("^é.ü$", "éxü", "éxx"),
        ("(?P<first>a)(?<second>b)", "ab", "ac"),
    ],
)
def test_what_is_found_where(pattern: str, matching: str, other: str | None) -> None:
    assert compiled(pattern).matches(matching)
    assert other is None or not compiled(pattern).matches(other)


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("(", r"the pattern '\(' is wrong: missing \) at position 1"),
        ("[a", r"unterminated character set at position 2"),
        ("*a", "nothing to repeat at position 0"),
        ("a" * (MAX_PATTERN + 1), "it has 1025 characters, at most 1024 are allowed"),
    ],
)
def test_what_is_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        compiled(pattern)


@pytest.mark.parametrize("pattern", ["^(([a-z])+.)+[A-Z]([a-z])+$", "^(a|aa)+$", "(.*)*x$"])
def test_what_would_take_for_ever_counts_as_not_found(
    pattern: str, caplog: pytest.LogCaptureFixture
) -> None:
    slow = compiled(pattern)
    with caplog.at_level(logging.WARNING, logger="leveret"):
        assert not slow.matches("a" * 254 + "!")
        assert not slow.matches("a" * 254 + "!")
    # Some the library sees through; what it does not is told once.
    assert len(caplog.records) <= 1


def test_a_pattern_that_takes_too_long_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    slow = compiled("^(([a-z])+.)+[A-Z]([a-z])+$")
    with caplog.at_level(logging.WARNING, logger="leveret"):
        assert not slow.matches("a" * 254 + "!")
        assert not slow.matches("a" * 254 + "!")
    (record,) = caplog.records
    assert "write it without repetitions inside repetitions" in record.getMessage()


def test_a_pattern_that_takes_too_long_too_often_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A policy is asked about every queue there is: all those limits together are a standstill."""
    slow = compiled("^(([a-z])+.)+[A-Z]([a-z])+$")
    assert slow.matches("abCd")
    with caplog.at_level(logging.WARNING, logger="leveret"):
        for _ in range(1000):
            assert not slow.matches("a" * 254 + "!")
    assert len(caplog.records) == 2
    assert "took too long 10 times" in caplog.records[1].getMessage()
    assert not slow.matches("abCd")
