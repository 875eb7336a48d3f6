"""leveret.broker.storage and cataloguer: what a node is after a restart."""

from pathlib import Path

import pytest
from tests.broker.lives import Life

from leveret.auth.permissions import Permission, TopicPermission
from leveret.broker.definition_export import export_definitions
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.store.catalog import CommitWaiter
from leveret.tables import INT32, INT64, LONGSTR, TIMESTAMP, Field


class Waiter(CommitWaiter):
    def __init__(self) -> None:
        self.told = 0

    def on_committed(self, number: int) -> None:
        self.told += 1


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def test_what_is_declared_is_there_after_a_restart(life: Life, tmp_path: Path) -> None:
    node, vhost = life.node, life.vhost
    node.add_vhost("other", "of others", ["a"], "quorum")
    node.vhosts["other"].limits.set("max-queues", 3)
    user = node.users.add("worker", "secret", ["management"])
    user.grant("/", Permission("^a", "", ".*"))
    user.grant_topic("/", "amq.topic", TopicPermission("^x", "^y"))
    node.users.set_limits("worker", {"max-channels": 7})
    node.global_parameters.set("mine", {"deep": [1, None, 1.5]})
    vhost.policies.set("short", "^q", {"max-length": 5}, 3, "queues")
    vhost.operator_policies.set("never", ".*", {"expires": 5000})
    exchange = vhost.declare_exchange(ExchangeWish("x", "headers", True, False, False, {}))
    odd = {"when": Field(TIMESTAMP, 5), "n": Field(INT64, 5), "x-match": Field(LONGSTR, "any")}
    wish = QueueWish("q", True, False, 0, {"x-max-priority": Field(INT32, 4)})
    vhost.bind(exchange, vhost.declare_queue(wish, 0), None, "key", odd)
    before = life.end()
    again = Life(tmp_path)
    assert export_definitions(again.node) == before
    (binding,) = again.vhost.exchanges["x"].bindings.values()
    assert {name: (field.kind, field.value) for name, field in binding.arguments.items()} == {
        name: (field.kind, field.value) for name, field in odd.items()
    }
    assert again.vhost.queues["q"].effective_policy == {"max-length": 5, "expires": 5000}
    again.end()


def test_what_is_transient_or_exclusive_is_forgotten(life: Life, tmp_path: Path) -> None:
    vhost = life.vhost
    vhost.declare_queue(QueueWish("transient", False, False, 0, {}), 0)
    vhost.declare_queue(QueueWish("mine", True, False, 9, {}), 9)
    vhost.declare_exchange(ExchangeWish("passing", "direct", False, False, False, {}))
    lasting = vhost.declare_queue(QueueWish("q", True, False, 0, {}), 0)
    vhost.bind(vhost.exchanges["passing"], lasting, None, "key", {})
    life.end()
    again = Life(tmp_path)
    assert list(again.vhost.queues) == ["q"]
    assert "passing" not in again.vhost.exchanges
    again.end()


def test_what_is_deleted_stays_deleted(life: Life, tmp_path: Path) -> None:
    vhost = life.vhost
    queue = vhost.declare_queue(QueueWish("q", True, False, 0, {}), 0)
    vhost.bind(vhost.exchanges["amq.topic"], queue, None, "key", {})
    life.node.users.add("worker", "secret", [])
    vhost.policies.set("short", "^q", {"max-length": 5})
    life.storage.end_turn()
    life.worker.work()
    vhost.delete_queue(queue, False, False)
    life.node.users.delete("worker")
    vhost.policies.delete("short")
    before = life.end()
    again = Life(tmp_path)
    assert export_definitions(again.node) == before
    assert not again.vhost.queues
    assert not list(again.vhost.bindings())
    assert [kind for kind in ("queues", "bindings", "policies") if again.catalog.rows(kind)] == []
    again.end()


def test_nobody_is_told_of_a_declaration_before_it_is_on_the_disk(life: Life) -> None:
    waiter = Waiter()
    life.vhost.declare_queue(QueueWish("q", True, False, 0, {}), 0)
    life.storage.wait_for_commit(waiter)
    life.storage.end_turn()
    assert waiter.told == 0
    life.worker.work()
    assert waiter.told == 1
    life.end()


def test_nobody_is_told_of_a_declaration_because_others_are_committed(life: Life) -> None:
    """A commit that ends between a declaration and the end of its turn begins another."""
    for name in ("first", "second"):
        life.vhost.declare_queue(QueueWish(name, True, False, 0, {}), 0)
        life.storage.end_turn()
    waiter = Waiter()
    life.vhost.declare_queue(QueueWish("third", True, False, 0, {}), 0)
    life.storage.wait_for_commit(waiter)
    life.worker.work()
    queues = [key[1] for key, _ in life.catalog.rows("queues")]
    assert "third" in queues or waiter.told == 0
    life.end()
    assert waiter.told == 1
