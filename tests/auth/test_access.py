"""leveret.auth.access"""

from collections.abc import Callable

import pytest

from leveret.auth.access import Access
from leveret.auth.permissions import Permission
from leveret.auth.rights import Rights
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


# --------------------------------------------------------------------------- what is remembered


class Counting(Rights):
    """Says yes, and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.is_old = False

    def enters(self, vhost: str) -> bool:
        return True

    def allows(self, operation: str, kind: str, vhost: str, name: str) -> bool:
        self.asked += 1
        return True

    def allows_topic(
        self, operation: str, vhost: str, exchange: str, key: str, variables: dict[str, str]
    ) -> bool:
        self.asked += 1
        return variables == {"username": "alice", "vhost": "/", "client_id": "c"} and key == "k"

    def grow_old(self, now_ns: int) -> bool:
        return self.is_old


def counting() -> tuple[Counting, Access]:
    rights = Counting()
    return rights, Access(User("alice", "", "", []), "/", rights, {"client_id": "c"})


def test_a_decision_is_remembered_until_the_users_epoch_changes() -> None:
    rights, access = counting()
    for _ in range(3):
        access.read("queue", "q")
    assert rights.asked == 1
    access.user.epoch += 1
    access.read("queue", "q")
    assert rights.asked == 2


def test_each_right_and_name_is_a_decision_of_its_own() -> None:
    rights, access = counting()
    access.read("queue", "q")
    access.write("queue", "q")
    access.read("exchange", "q")
    access.read("queue", "r")
    assert rights.asked == 4


def test_not_every_decision_is_remembered_for_ever() -> None:
    rights, access = counting()
    for number in range(5000):
        access.read("queue", str(number))
    assert len(access._decisions) <= 256
    access.read("queue", "0")
    assert rights.asked == 5001


def test_new_rights_are_asked_and_so_are_old_ones_that_have_aged() -> None:
    rights, access = counting()
    access.read("queue", "q")
    access.grow_old(0)
    access.read("queue", "q")
    assert rights.asked == 1
    rights.is_old = True
    access.grow_old(0)
    access.read("queue", "q")
    assert rights.asked == 2
    newer = Counting()
    access.renew(newer)
    access.read("queue", "q")
    assert (rights.asked, newer.asked) == (2, 1)


def test_routing_keys_are_asked_with_what_the_connection_has() -> None:
    _, access = counting()
    access.write_topic("x", "k")
    with pytest.raises(AccessRefused) as refused:
        access.read_topic("x", "other")
    assert refused.value.detail == (
        "read access to topic 'other' in exchange 'x' in vhost '/' refused for user 'alice'"
    )


def test_the_default_exchange_has_a_name_for_rights() -> None:
    user = User("alice", "", "", [])
    user.grant("/", Permission("", "^amq\\.default$", ""))
    access = Access(user, "/")
    access.write("exchange", "")
    with pytest.raises(AccessRefused) as refused:
        access.read("exchange", "")
    assert "exchange 'amq.default' in vhost '/'" in refused.value.detail
