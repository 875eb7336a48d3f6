"""leveret.auth.users"""

import pytest
from tests.fakes import FakeRandom

from leveret.auth.permissions import Permission
from leveret.auth.users import LoginFailure, User, Users
from leveret.events import Events


def users() -> Users:
    made = Users(FakeRandom(), ["guest"], Events())
    made.add("guest", "guest", ["administrator"])
    made.add("alice", "secret", [])
    return made


def reason(found: User | LoginFailure) -> str:
    assert isinstance(found, LoginFailure)
    return found.reason


def test_name_and_password_let_a_user_in() -> None:
    user = users().authenticate("alice", "secret", False)
    assert isinstance(user, User) and user.name == "alice"


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "wrong"), ("alice", ""), ("nobody", "secret"), ("", ""), ("Alice", "secret")],
)
def test_wrong_credentials_do_not(name: str, password: str) -> None:
    assert isinstance(users().authenticate(name, password, True), LoginFailure)


def test_a_password_that_is_no_unicode_is_wrong_and_no_accident() -> None:
    assert reason(users().authenticate("alice", "\udcff", True)) == (
        "the password of user 'alice' is another one"
    )
    assert reason(users().authenticate("nobody\udcff", "\udcff", True)) == (
        "there is no user 'nobody\udcff'"
    )


def test_guest_comes_from_this_machine_only() -> None:
    assert isinstance(users().authenticate("guest", "guest", True), User)
    assert reason(users().authenticate("guest", "guest", False)) == (
        "user 'guest' may only connect from this machine (setting loopback_users)"
    )


def test_putting_a_user_again_changes_password_and_tags_and_keeps_permissions() -> None:
    known = users()
    before = known.by_name["alice"]
    before.grant("/", Permission("", "", ""))
    epoch = before.epoch
    after = known.put("alice", "new", ["monitoring"])
    assert after is before
    assert (after.tags, list(after.permissions)) == (["monitoring"], ["/"])
    assert after.epoch > epoch
    assert known.authenticate("alice", "new", True) is after
    assert isinstance(known.authenticate("alice", "secret", True), LoginFailure)


def test_the_same_password_is_stored_differently_each_time() -> None:
    known = users()
    first = known.by_name["alice"].password_hash
    known.set_password("alice", "secret")
    assert known.by_name["alice"].password_hash != first


def test_every_change_of_rights_raises_the_epoch() -> None:
    user = User("alice", "", "", [])
    epochs = [user.epoch]
    user.grant("/", Permission(".*", ".*", ".*"))
    epochs.append(user.epoch)
    user.revoke("/")
    epochs.append(user.epoch)
    user.revoke("/")
    assert epochs == sorted(set(epochs))
    assert user.permissions == {}


@pytest.mark.parametrize(
    ("pattern", "name", "granted"),
    [
        (".*", "anything", True),
        (".*", "", True),
        ("", "anything", False),
        ("", "", True),
        ("^orders", "orders.new", True),
        ("^orders", "my.orders", False),
        ("orders", "my.orders.new", True),
        ("^$", "", True),
        ("^$", "x", False),
        ("^(a|b)$", "b", True),
        ("^(a|b)$", "ab", False),
    ],
)
def test_a_pattern_is_searched_for(pattern: str, name: str, granted: bool) -> None:
    permission = Permission(pattern, "never", "never")
    assert permission.allows("configure", name) is granted


def test_each_operation_has_its_own_pattern() -> None:
    permission = Permission("^c", "^w", "^r")
    allowed = {
        (operation, name)
        for operation in ("configure", "write", "read")
        for name in ("c", "w", "r")
        if permission.allows(operation, name)
    }
    assert allowed == {("configure", "c"), ("write", "w"), ("read", "r")}


def test_a_bad_pattern_is_refused() -> None:
    with pytest.raises(ValueError):
        Permission("(", "", "")
