"""leveret.identity.scopes"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.identity.scopes import Scopes, matches, read_grant


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "", True),
        ("*", "anything", True),
        ("", "", True),
        ("", "x", False),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("a*", "abc", True),
        ("a*", "ba", False),
        ("*c", "abc", True),
        ("*a", "aba", True),
        ("a*a", "a", False),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c", False),
        ("%2F", "/", True),
        ("a%2Ab", "a*b", True),
        ("a%2Ab", "axb", False),
        ("a.c", "abc", False),
    ],
)
def test_stars_stand_for_anything(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=4), st.text("ab", max_size=8))
def test_stars_match_as_a_search_through_all_ways_does(parts: list[str], name: str) -> None:
    def naive(parts: list[str], name: str) -> bool:
        if len(parts) == 1:
            return name == parts[0]
        if not name.startswith(parts[0]):
            return False
        rest = name[len(parts[0]) :]
        return any(naive(parts[1:], rest[at:]) for at in range(len(rest) + 1))

    assert matches("*".join(parts), name) is naive(parts, name)


@pytest.mark.parametrize("scope", ["", "read", "read:", "read:a", "read:a/b/c/d", "drop:a/b"])
def test_what_is_no_grant_grants_nothing(scope: str) -> None:
    assert read_grant(scope) is None


def test_scopes_of_others_count_for_nothing() -> None:
    scopes = Scopes(["other.read:*/*", "read:*/*", "rabbit.write:%2F/q", "rabbit.tag:x"], "rabbit.")
    assert scopes.tags == ["x"]
    assert scopes.allows("write", "/", "q")
    assert not scopes.allows("read", "/", "q")
    assert not scopes.allows("write", "/", "other")
    assert (scopes.enters("/"), scopes.enters("v")) == (True, False)


def test_routing_keys_are_granted_where_a_scope_names_them() -> None:
    scopes = Scopes(["write:*/t", "write:*/u/a.*", "read:*/u/*"], "")
    assert not scopes.allows_key("write", "/", "t", "k")
    assert scopes.allows("write", "/", "t")
    assert scopes.allows_key("write", "/", "u", "a.b")
    assert not scopes.allows_key("write", "/", "u", "b")
    assert scopes.allows_key("read", "/", "u", "b")
