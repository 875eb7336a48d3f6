"""leveret.broker.defaults: users"""

from tests.fakes import FakeClock, FakeRandom

from leveret.broker.node import Node
from leveret.config.settings import Settings


def new_node(**settings: object) -> Node:
    return Node(Settings(**settings), FakeClock(), FakeRandom())


def test_the_first_user_has_the_tags_and_rights_of_the_settings() -> None:
    node = new_node(
        default_user="alice",
        default_user_tags=["monitoring"],
        default_permissions_configure="^c",
        default_permissions_write="^w",
        default_permissions_read="",
    )
    alice = node.users.by_name["alice"]
    rights = alice.permissions["/"]
    assert alice.tags == ["monitoring"]
    assert (rights.configure, rights.write, rights.read) == ("^c", "^w", "")


def test_more_users_get_rights_in_the_vhosts_they_match() -> None:
    dev = {"password": "hare", "tags": ["x"], "vhost_pattern": "^dev", "read": "^r"}
    node = new_node(default_users={"dev": dev, "all": {}})
    assert list(node.users.by_name) == ["all", "guest"]
    node.add_vhost("dev-1")
    node.add_vhost("dev-2")
    user = node.users.by_name["dev"]
    assert user.tags == ["x"]
    assert sorted(user.permissions) == ["dev-1", "dev-2"]
    assert user.permissions["dev-1"].read == "^r"
    assert node.users.authenticate("dev", "hare", True) is user
    assert sorted(node.users.by_name["all"].permissions) == ["/", "dev-1", "dev-2"]


def test_a_user_without_a_password_logs_in_another_way() -> None:
    node = new_node(default_users={"a": {}})
    assert node.users.by_name["a"].password_hash == ""


def test_the_first_user_may_be_described_among_the_others() -> None:
    node = new_node(default_users={"guest": {"password": "hare", "tags": ["x"]}})
    guest = node.users.by_name["guest"]
    assert guest.tags == ["x"]
    assert node.users.authenticate("guest", "hare", True) is guest
