"""leveret.auth.access"""

from collections.abc import Callable

import pytest

from leveret.auth.access import Access
from leveret.auth.permissions import Permission
from leveret.auth.users import User
from leveret.errors import AccessRefused, NotAllowed


def access(configure: str = "^$", write: str = "^$", read: str = "^$") -> Access:
    user = User("alice", "", "", [])
    user.grant("/", Permission(configure, write, read))
    return Access(user, "/")


def test_a_user_without_any_permission_may_not_enter() -> None:
    with pytest.raises(NotAllowed, match="access to vhost 'other' refused for user 'alice'"):
        Access(User("alice", "", "", []), "other").check_vhost()
    access().check_vhost()


def test_what_is_granted_passes() -> None:
    access(configure="^a").configure("queue", "a1")
    access(write="^a").write("exchange", "a1")
    access(read="^a").read("queue", "a1")


@pytest.mark.parametrize(
    ("operation", "check"),
    [
        ("configure", lambda a: a.configure("queue", "b")),
        ("write", lambda a: a.write("queue", "b")),
        ("read", lambda a: a.read("queue", "b")),
        ("configure", lambda a: a.any("queue", "b")),
    ],
)
def test_what_is_not_granted_is_refused_in_rabbitmqs_words(
    operation: str, check: Callable[[Access], None]
) -> None:
    with pytest.raises(AccessRefused) as refused:
        check(access("^a", "^a", "^a"))
    assert refused.value.detail == (
        f"{operation} access to queue 'b' in vhost '/' refused for user 'alice'"
    )


def test_without_permission_in_the_vhost_everything_is_refused() -> None:
    stranger = Access(User("alice", "", "", []), "/")
    with pytest.raises(AccessRefused):
        stranger.read("queue", "q")
    with pytest.raises(AccessRefused):
        stranger.any("queue", "q")


@pytest.mark.parametrize("patterns", [("q", "", ""), ("", "q", ""), ("", "", "q")])
def test_any_one_right_lets_know_that_it_exists(patterns: tuple[str, str, str]) -> None:
    access(*patterns).any("queue", "q")


def test_the_default_exchange_is_called_amq_default() -> None:
    access(write="^amq\\.default$").write("exchange", "")
    with pytest.raises(AccessRefused):
        access(write="^$").write("exchange", "")


def test_a_change_of_permissions_counts_at_once() -> None:
    user = User("alice", "", "", [])
    user.grant("/", Permission(".*", ".*", ".*"))
    rights = Access(user, "/")
    rights.read("queue", "q")
    user.revoke("/")
    with pytest.raises(AccessRefused):
        rights.read("queue", "q")
