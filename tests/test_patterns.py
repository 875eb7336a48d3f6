"""leveret.patterns, and leveret.pattern_nodes through it"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.patterns import MAX_PATTERN, compiled

# Not empty: Python, alone, finds no word edge in nothing.
letters = st.text("ab.-", min_size=1, max_size=8)
atoms = st.sampled_from(
    [
        *("a", "b", ".", "-", "[ab]", "[^a]", "[a-]", r"\.", r"\w", r"\W", "^", "$", r"\b", r"\B"),
        *(r"\A", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "(?i:A)", "[]]", r"[\w-]", r"\x61", "{"),
        *("a{2", "(?:)", r"\d", r"[^\w]"),
    ]
)
quantifiers = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, quantifiers).map(lambda p: f"(?:{p[0]}){p[1]}"),
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: f"({'|'.join(p)})"),
        inner.map(lambda p: f"(?={p})"),
        inner.map(lambda p: f"(?!{p})"),
    )


@given(st.recursive(atoms, grown, max_leaves=12), letters)
def test_it_finds_what_python_finds(pattern: str, name: str) -> None:
    assert compiled(pattern).matches(name) == (re.search(pattern, name) is not None)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", "anything", None),
        ("^$", "", "a"),
        (".*", "anything", None),
        ("^a.c$", "abc", "a\nc"),
        ("(?s)^a.c$", "a\nc", "abbc"),
        ("a$", "a\n", "a\n\n"),
        (r"a\z", "ba", "a\n"),
        (r"a\Z", "a\n", "ab"),
        ("(?m)^b$", "a\nb\nc", "a\nbb"),
        ("(?i)^QUEUE-[a-f]$", "queue-D", "queue-g"),
        ("(?i)é", "É", "e"),
        ("a(?i)b", "aB", "AB"),
        ("(a(?i)b)c", "aBc", "aBC"),
        ("(?i:a)b", "Ab", "AB"),
        ("(?x) a b # the two\n c", "abc", "a b c"),
        ("^(?!amq[.]).*", "mine", "amq.topic"),
        ("(?<=x)a", "xa", "ya"),
        ("(?<!x)a$", "ya", "xa"),
        (r"\Qa.b\E+$", "a.bbb", "axb"),
        (r"\Qa.b", "a.b", "axb"),
        ("[[:alpha:][:digit:]]{3}", "a1b", "a-b"),
        ("^[[:^digit:]]+$", "ab", "a1"),
        ("[]a]", "]", "b"),
        ("[^]a]", "b", "]"),
        (r"^[\d-x]$", "-", "e"),
        (r"[\]]", "]", "a"),
        (r"^[\b]$", "\b", "b"),
        (r"^\x41\x{42}\t\012$", "AB\t\n", "AB"),
        (r"^\N+\z", "ab", "a\n"),
        (r"^\h\H\v\V$", " a\nb", "abcd"),
        (r"^[\D]$", "a", "1"),
        ("^a{2,3}$", "aaa", "aaaa"),
        ("^a{2}$", "aa", "a"),
        ("^a{,2}$", "a{,2}", "aa"),
        ("^x{a}$", "x{a}", "x"),
        ("(?P<first>a)(?<second>b)(?'third'c)", "abc", "ab"),
        ("a(?#the first)b", "ab", "b"),
        ("(?|a|b)c", "bc", "cc"),
        ("^(tenant|team)-[0-9]+([.][a-z]+)*$", "team-7.mail.out", "team-7."),
        ("^é.ü$", "éxü", "éxx"),
        (r"^[^\x00-\x7f]$", "é", "e"),
        ("^(a?){300}b$", "aab", "aac"),
        ("^(ab){2,}?c", "ababc", "abc"),
    ],
)
def test_what_is_found_where(pattern: str, matching: str, other: str | None) -> None:
    assert compiled(pattern).matches(matching)
    assert other is None or not compiled(pattern).matches(other)


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("(", r"\) is missing, at character 2 of '\('"),
        ("a)", r"there is no \( for this \), at character 2"),
        ("[a", r"\] is missing"),
        ("*a", "there is nothing to repeat"),
        ("a**", "there is nothing to repeat"),
        ("a++", "possessive quantifiers are not supported"),
        ("(?>a)", "this kind of group is not supported"),
        ("(?(1)a)", "this kind of group is not supported"),
        ("(?R)", "this kind of group is not supported"),
        ("(?i", "this kind of group is not supported"),
        ("(*FAIL)", "verbs are not supported"),
        (r"(a)\1", "back references are not supported"),
        (r"\p{L}", r"\\p is not supported"),
        (r"\x{110000}", "there is no such character"),
        (r"\x{zz}", "this is no hexadecimal number"),
        ("a\\", "a backslash stands at the end"),
        ("a{3,2}", "out of order"),
        ("a{65536}", "a count is more than 65535"),
        ("[b-a]", "a range is out of order"),
        ("[[:nothing:]]", r"there is no class \[:nothing:\]"),
        ("(" * 40 + ")" * 40, "groups are nested more than 32 deep"),
        ("a" * (MAX_PATTERN + 1), "it has 1025 characters, at most 1024 are allowed"),
    ],
)
def test_what_is_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        compiled(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*b",
        "(a|aa)+$",
        "(.*)*x",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "a*" * 500 + "b",
        "(?:a?){255}a{255}b",
        "((((a*)*)*)*)*b",
        "(?=(?=(?=a*b)*)*)*b",
        "(a{1,255}){1,255}b",
    ],
)
def test_what_would_hang_python_ends(pattern: str) -> None:
    """Each of these would outlive the reader, or nearly so, if ways were tried one by one."""
    assert not compiled(pattern).matches("a" * 254 + "!")
