"""leveret.config.rabbitmq_lines"""

import pytest

from leveret.config.faults import ConfigError
from leveret.config.rabbitmq_lines import read_lines

ENVIRONMENT = {"USER": "alice", "PASSWORD": "h#re's $(USER)"}


def read(text: str) -> dict[str, str]:
    faults: list[ConfigError] = []
    lines = read_lines("f", text, ENVIRONMENT, faults)
    assert faults == []
    return {line.key: line.value for line in lines}


def faults_of(text: str) -> list[str]:
    faults: list[ConfigError] = []
    read_lines("f", text, ENVIRONMENT, faults)
    return [str(fault) for fault in faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a = b", "b"),
        ("a=b", "b"),
        ("  a  =  b c  ", "b c"),
        ("a = b # c", "b"),
        ("a = b#c", "b"),
        ("a = b = c", "b = c"),
        ("a = 'b # c'  # d", "b # c"),
        ("a = ''", ""),
        (r"a = 'it\'s'", "it's"),
        ("a = '$(USER)'", "$(USER)"),
        ("a = $(USER)", "alice"),
        ("a = x-$(USER)-$(USER)", "x-alice-alice"),
        ("a = $(PASSWORD)", "h#re's $(USER)"),
        ('a = "b"', '"b"'),
        ("a = 'b", "'b"),
        ("a = ^[a-z]{3,}$", "^[a-z]{3,}$"),
    ],
)
def test_a_line_has_a_value(text: str, value: str) -> None:
    assert read(text) == {"a": value}


def test_comments_and_empty_lines_say_nothing() -> None:
    assert read("# a = b\n\n   \n\t# c\n## d") == {}


def test_the_last_of_two_lines_with_one_key_counts() -> None:
    assert read("a = 1\nb = 2\na = 3") == {"b": "2", "a": "3"}


def test_a_key_has_parts_and_a_dot_may_be_escaped() -> None:
    (line,) = read_lines("f", r"\nx.a\.b.c-1 = d"[2:], ENVIRONMENT, [])
    assert line.parts == ["x", "a.b", "c-1"]
    assert line.origin == "f:1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a b", "f:1 is not 'key = value'."),
        ("= b", "f:1 is not 'key = value'."),
        ("a =", "a (f:1) has no value."),
        ("a = $(NOBODY)", "a (f:1) needs the environment variable NOBODY, which is not set."),
        ("[a]", "f:1 is not 'key = value'."),
    ],
)
def test_what_is_no_line_is_told(text: str, sentence: str) -> None:
    assert faults_of(text) == [sentence]


def test_an_encrypted_value_gets_a_cure() -> None:
    (fault,) = faults_of("default_pass = encrypted:cPAymwqmMnbPXXRVqVzpxJdrS8mHEKuo")
    assert "$(NAME)" in fault
    assert "cPAy" not in fault


def test_every_fault_is_told_and_the_rest_is_read() -> None:
    faults: list[ConfigError] = []
    lines = read_lines("f", "a\nb = 1\nc", ENVIRONMENT, faults)
    assert [line.key for line in lines] == ["b"]
    assert [fault.origin for fault in faults] == ["f:1", "f:3"]
