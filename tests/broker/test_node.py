"""leveret.broker.node"""

from tests.fakes import new_node


def test_a_node_begins_with_one_vhost_and_one_administrator() -> None:
    node = new_node(default_vhost="main", default_user="root", default_pass="secret")
    assert list(node.vhosts) == ["main"]
    user = node.users.authenticate("root", "secret", True)
    assert user is not None
    assert user.tags == ["administrator"]
    assert list(user.permissions) == ["main"]


def test_connection_ids_are_never_0_and_never_used_again() -> None:
    node = new_node()
    ids = [node.new_connection_id() for _ in range(100)]
    assert 0 not in ids
    assert len(set(ids)) == 100


def test_the_name_of_the_cluster_is_a_parameter() -> None:
    node = new_node(cluster_name="hutch")
    assert node.global_parameters.values["cluster_name"] == "hutch"
