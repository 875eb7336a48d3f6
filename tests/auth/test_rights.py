"""leveret.auth.rights"""

from leveret.auth.permissions import Permission, TopicPermission
from leveret.auth.rights import InternalRights
from leveret.auth.users import User

NAMES = {"username": "alice", "vhost": "/"}


def test_any_permission_opens_the_vhost_even_an_empty_one() -> None:
    user = User("alice", "", "", [])
    rights = InternalRights(user)
    assert not rights.enters("/")
    user.grant("/", Permission("", "", ""))
    assert rights.enters("/")
    assert not rights.enters("other")


def test_what_is_granted_in_one_vhost_counts_there_only() -> None:
    user = User("alice", "", "", [])
    user.grant("/", Permission("", ".*", ""))
    rights = InternalRights(user)
    assert rights.allows("write", "queue", "/", "q")
    assert not rights.allows("write", "queue", "other", "q")
    assert not rights.allows("read", "queue", "/", "q")


def test_an_exchange_without_topic_permission_takes_every_key() -> None:
    user = User("alice", "", "", [])
    rights = InternalRights(user)
    assert rights.allows_topic("write", "/", "t", "k", NAMES)
    user.grant_topic("/", "t", TopicPermission("^a", "^b"))
    assert not rights.allows_topic("write", "/", "t", "k", NAMES)
    assert rights.allows_topic("write", "/", "t", "a", NAMES)
    assert rights.allows_topic("read", "/", "t", "b", NAMES)
    assert rights.allows_topic("write", "/", "u", "k", NAMES)
    assert rights.allows_topic("write", "other", "t", "k", NAMES)
    user.revoke_topic("/", "t")
    assert rights.allows_topic("write", "/", "t", "k", NAMES)


def test_internal_rights_do_not_expire_nor_grow_old() -> None:
    rights = InternalRights(User("alice", "", "", []))
    assert rights.expires_s == 0
    assert not rights.grow_old(1 << 62)
