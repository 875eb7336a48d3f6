"""leveret.auth.users"""

import pytest
from tests.fakes import FakeRandom

from leveret.auth.passwords import SHA256, hash_password
from leveret.auth.permissions import Permission, TopicPermission
from leveret.auth.users import Bouncer, LoginFailure, User, Users
from leveret.auth.validators import ACCEPT_EVERYTHING, MinLength
from leveret.errors import NotAllowed, NotFound, PreconditionFailed
from leveret.events import Event, Events, Listener


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


# --------------------------------------------------------------------------- changes of users


class Heard(Listener):
    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []

    def on_event(self, event: Event) -> None:
        self.told.append((event.name, event.facts))


class Door(Bouncer):
    def __init__(self) -> None:
        self.shown: list[str] = []

    def user_deleted(self, name: str) -> None:
        self.shown.append(name)


def test_there_are_no_two_users_of_one_name() -> None:
    with pytest.raises(PreconditionFailed, match="user 'alice' already exists"):
        users().add("alice", "x", [])


@pytest.mark.parametrize("name", ["", "x" * 256, "ä" * 128])
def test_a_name_is_a_short_string(name: str) -> None:
    with pytest.raises(PreconditionFailed, match="1 to 255 octets"):
        users().add(name, "x", [])


def test_a_deleted_user_is_gone_with_its_rights_and_its_connections() -> None:
    known = users()
    door = Door()
    known.bouncer = door
    user = known.by_name["alice"]
    user.grant("/", Permission(".*", ".*", ".*"))
    epoch = user.epoch
    known.delete("alice")
    assert door.shown == ["alice"]
    assert "alice" not in known.by_name
    assert (user.permissions, user.epoch > epoch) == ({}, True)
    assert isinstance(known.authenticate("alice", "secret", True), LoginFailure)
    again = known.add("alice", "secret", [])
    assert again is not user and again.permissions == {}


def test_a_protected_user_cannot_be_deleted() -> None:
    known = users()
    known.set_tags("alice", ["protected"])
    with pytest.raises(NotAllowed, match="protected"):
        known.delete("alice")
    assert "alice" in known.by_name


@pytest.mark.parametrize("change", ["delete", "clear_password", "clear_limits", "get"])
def test_who_is_not_there_cannot_be_changed(change: str) -> None:
    with pytest.raises(NotFound, match="no user 'nobody'"):
        getattr(users(), change)("nobody")


def test_a_user_without_password_logs_in_by_none() -> None:
    known = users()
    known.add("robot", None, [])
    known.clear_password("alice")
    for name in ("robot", "alice"):
        for password in ("", "secret", "None"):
            assert isinstance(known.authenticate(name, password, True), LoginFailure)
        assert isinstance(known.admit(name, True), User)


def test_a_blank_password_never_logs_in_even_where_the_hash_is_its_own() -> None:
    known = users()
    known.add("blank", "", [])
    assert reason(known.authenticate("blank", "", True)) == (
        "user 'blank' gave a blank password, which never logs in"
    )


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "md5"])
def test_a_hash_of_any_known_algorithm_is_a_password(algorithm: str) -> None:
    known, full = users(), "rabbit_password_hashing_" + algorithm
    known.set_hash("alice", hash_password("new", b"salt", full), full)
    assert isinstance(known.authenticate("alice", "new", True), User)
    assert isinstance(known.authenticate("alice", "secret", True), LoginFailure)


@pytest.mark.parametrize(
    ("stored", "algorithm"),
    [
        ("", "rabbit_password_hashing_sha1"),
        ("no base64!", SHA256),
        ("c2hvcnQ=", SHA256),
        (hash_password("x", b"salt", "rabbit_password_hashing_md5"), SHA256),
    ],
)
def test_what_is_no_hash_is_refused(stored: str, algorithm: str) -> None:
    known = users()
    with pytest.raises(PreconditionFailed):
        known.set_hash("alice", stored, algorithm)
    with pytest.raises(PreconditionFailed):
        known.add_hashed("new", stored, algorithm, [])
    assert "new" not in known.by_name
    assert isinstance(known.authenticate("alice", "secret", True), User)


def test_a_hash_from_definitions_makes_a_user_or_changes_it() -> None:
    known = users()
    stored = hash_password("p", b"salt", SHA256)
    user = known.add_hashed("new", stored, SHA256, ["monitoring"])
    assert known.authenticate("new", "p", True) is user
    assert known.add_hashed("new", "", SHA256, []) is user
    assert (user.tags, user.password_hash) == ([], "")


def test_new_passwords_are_hashed_as_the_settings_say() -> None:
    known = Users(FakeRandom(), [], Events(), ACCEPT_EVERYTHING, "rabbit_password_hashing_sha512")
    assert known.add("alice", "x", []).algorithm == "rabbit_password_hashing_sha512"
    assert isinstance(known.authenticate("alice", "x", False), User)


def test_the_validator_is_asked_when_a_password_is_set_and_for_the_first_user_is_not() -> None:
    known = Users(FakeRandom(), [], Events(), MinLength(5))
    first = known.add_first("admin", "pw", [])
    assert known.authenticate("admin", "pw", False) is first
    for act in (known.add, known.put):
        with pytest.raises(PreconditionFailed, match="minimum required password length is 5"):
            act("alice", "1234", [])
    assert "alice" not in known.by_name
    with pytest.raises(PreconditionFailed):
        known.set_password("admin", "1234")
    assert known.authenticate("admin", "pw", False) is first


def test_tags_are_free_but_not_too_many_and_none_twice() -> None:
    known = users()
    assert known.set_tags("alice", ["b", "a", "b"]).tags == ["b", "a"]
    with pytest.raises(PreconditionFailed, match="33 tags"):
        known.set_tags("alice", [f"t{n}" for n in range(33)])
    assert known.by_name["alice"].tags == ["b", "a"]


def test_limits_are_set_one_by_one_and_lifted() -> None:
    known = users()
    user = known.set_limits("alice", {"max-connections": 2})
    known.set_limits("alice", {"max-channels": -1})
    assert (user.limit("max-connections"), user.limit("max-channels")) == (2, -1)
    known.clear_limits("alice", "max-connections")
    assert user.limits == {"max-channels": -1}
    known.clear_limits("alice")
    assert user.limits == {}
    with pytest.raises(PreconditionFailed, match="there is no user limit 'max-hats'"):
        known.set_limits("alice", {"max-hats": 1})


def test_a_vhost_that_goes_takes_with_it_what_was_granted_there() -> None:
    known = users()
    user = known.by_name["alice"]
    user.grant("/", Permission("", "", ""))
    user.grant("gone", Permission("", "", ""))
    user.grant_topic("gone", "t", TopicPermission("", ""))
    known.forget_vhost("gone")
    assert (list(user.permissions), user.topic_permissions) == (["/"], {})


def test_events_tell_what_happens_to_users() -> None:
    events = Events()
    heard = Heard()
    events.listen(heard)
    known = Users(FakeRandom(), [], events)
    user = known.add("alice", "x", ["management"])
    user.grant("/", Permission("c", "w", "r"), "admin")
    user.grant_topic("/", "t", TopicPermission("w", "r"))
    known.set_password("alice", "y")
    known.clear_password("alice")
    known.set_limits("alice", {"max-channels": 1})
    known.clear_limits("alice")
    user.revoke_topic("/", "t")
    user.revoke_topic("/")
    user.revoke("/")
    user.revoke("/")
    known.delete("alice")
    assert [name for name, _ in heard.told] == [
        "user.created",
        "user.tags.set",
        "permission.created",
        "topic.permission.created",
        "user.password.changed",
        "user.password.cleared",
        "user.limits.set",
        "user.limits.cleared",
        "topic.permission.deleted",
        "permission.deleted",
        "user.deleted",
    ]
    assert heard.told[2][1] == {
        "user": "alice",
        "vhost": "/",
        "configure": "c",
        "write": "w",
        "read": "r",
        "user_who_performed_action": "admin",
    }
    assert heard.told[0][1]["user_who_performed_action"] == "rmq-internal"
    assert not any("y" in facts.values() for _, facts in heard.told)
