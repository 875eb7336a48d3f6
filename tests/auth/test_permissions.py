"""leveret.auth.permissions"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.auth.permissions import Permission, TopicPermission, expand

NAMES = {"username": "alice", "vhost": "/", "client_id": "c.1"}


@pytest.mark.parametrize(
    ("pattern", "key", "granted"),
    [
        ("^orders\\.", "orders.new", True),
        ("^orders\\.", "my.orders.new", False),
        ("", "anything", False),
        ("", "", True),
        (".*", "anything", True),
        ("^{username}\\.", "alice.x", True),
        ("^{username}\\.", "{username}.x", False),
        ("^{username}\\.", "bob.x", False),
        ("^{vhost}$", "/", True),
        ("^{client_id}$", "c.1", True),
        ("^{client_id}$", "cx1", False),
        ("^{nothing}$", "alice", False),
        ("^a{2}$", "aa", True),
    ],
)
def test_a_pattern_over_keys_may_have_variables(pattern: str, key: str, granted: bool) -> None:
    assert TopicPermission(pattern, "never").allows("write", key, NAMES) is granted
    assert TopicPermission("never", pattern).allows("read", key, NAMES) is granted


def test_what_has_no_value_is_left_as_it_is() -> None:
    assert expand("^{client_id}.{username}", {"username": "a"}) == "^{client_id}.a"


@given(st.text())
def test_a_name_in_a_pattern_matches_itself_and_nothing_else(name: str) -> None:
    permission = TopicPermission("^{username}\\Z", "")
    variables = {"username": name}
    assert permission.allows("write", name, variables)
    assert not permission.allows("write", name + "x", variables)


@pytest.mark.parametrize("pattern", ["(", "[a", "*"])
def test_a_bad_pattern_is_refused_with_a_sentence(pattern: str) -> None:
    with pytest.raises(ValueError, match="is wrong"):
        Permission("", pattern, "")
    with pytest.raises(ValueError, match="is wrong"):
        TopicPermission("", pattern)
