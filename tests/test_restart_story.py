"""Whatever is declared and deleted, in whatever order: a restart changes no definition."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import leveret
from leveret.auth.permissions import Permission, TopicPermission
from leveret.broker.definition_export import export_definitions
from leveret.broker.node import Node
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import BrokerError
from leveret.tables import (
    ARRAY,
    BINARY,
    BOOL,
    DOUBLE,
    FLOAT,
    INT8,
    INT16,
    INT32,
    INT64,
    LONGLONG,
    LONGSTR,
    TABLE,
    TIMESTAMP,
    UINT8,
    UINT16,
    UINT32,
    VOID,
    Field,
    Table,
)

NAMES = st.sampled_from(["a", "b", "ü", 'q"\\', "x" * 200])
VHOSTS = st.sampled_from(["/", "other", "limits"])
USERS = st.sampled_from(["one", "twö", "guest"])
KEYS = st.sampled_from(["", "k", "a.*.#", "\0", "ключ"])
KINDS = st.sampled_from(["direct", "fanout", "topic", "headers", "x-random", "x-consistent-hash"])
# Plain pairs of kind and value: fields are made of them in the rules.
PLAIN = st.one_of(
    st.tuples(st.just(LONGSTR), st.sampled_from(["", "text", "\udcff\udcfe", "\0"])),
    st.tuples(st.just(BINARY), st.binary(max_size=3)),
    st.tuples(st.just(INT8), st.integers(-128, 127)),
    st.tuples(st.just(UINT8), st.integers(0, 255)),
    st.tuples(st.just(INT16), st.integers(-(1 << 15), (1 << 15) - 1)),
    st.tuples(st.just(UINT16), st.integers(0, (1 << 16) - 1)),
    st.tuples(st.sampled_from([INT32]), st.integers(-(1 << 31), (1 << 31) - 1)),
    st.tuples(st.just(UINT32), st.integers(0, (1 << 32) - 1)),
    st.tuples(st.sampled_from([INT64, LONGLONG]), st.integers(-(1 << 63), (1 << 63) - 1)),
    st.tuples(st.just(TIMESTAMP), st.integers(0, 1 << 40)),
    st.tuples(st.just(FLOAT), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just(DOUBLE), st.floats(allow_nan=False)),
    st.tuples(st.just(BOOL), st.booleans()),
    st.tuples(st.just(VOID), st.none()),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: (
        st.tuples(st.just(ARRAY), st.lists(inner, max_size=2))
        | st.tuples(st.just(TABLE), st.dictionaries(NAMES, inner, max_size=2))
    ),
    max_leaves=4,
)
TABLES = st.dictionaries(st.sampled_from(["x-note", "n", "ü", ""]), VALUES, max_size=3)


def field(drawn: Any) -> Field:
    kind, value = drawn
    if kind == ARRAY:
        return Field(kind, [field(one) for one in value])
    if kind == TABLE:
        return Field(kind, table(value))
    return Field(kind, value)


def table(drawn: dict[str, Any]) -> Table:
    return {name: field(one) for name, one in drawn.items()}


def lasting(node: Node) -> dict[str, Any]:
    """What a restart must not change, in an order of its own."""
    told = export_definitions(node)
    for kind in ("queues", "exchanges"):
        found = told[kind]
        assert isinstance(found, list)
        told[kind] = [one for one in found if one["durable"]]
    exchanges = told["exchanges"]
    queues = told["queues"]
    assert isinstance(exchanges, list)
    assert isinstance(queues, list)
    durable = {(one["vhost"], one["name"]) for one in [*exchanges, *queues]}
    bindings = told["bindings"]
    assert isinstance(bindings, list)
    told["bindings"] = [
        one
        for one in bindings
        if (one["vhost"], one["destination"]) in durable
        and ((one["vhost"], one["source"]) in durable or one["source"].startswith("amq."))
    ]
    return {
        kind: sorted(map(repr, found)) if isinstance(found, list) else found
        for kind, found in told.items()
    }


class Restarts(RuleBasedStateMachine):
    """A broker with a folder of its own, and rules that change and restart it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()

    @initialize()
    def begin(self) -> None:
        self.broker = leveret.Broker(data_dir=Path(self.home.name) / "data")
        self.broker.start()

    def teardown(self) -> None:
        try:
            self.restart()
        finally:
            self.broker.stop()
            self.home.cleanup()

    def do(self, action: Any) -> None:
        def perform(node: Node) -> None:
            try:
                action(node)
            except (BrokerError, KeyError):
                # Refused, or in a vhost that is not there.
                pass

        self.broker.call(perform)

    @rule(vhost=VHOSTS, kind=st.sampled_from(["", "classic", "quorum"]), tags=st.lists(NAMES))
    def add_vhost(self, vhost: str, kind: str, tags: list[str]) -> None:
        self.do(lambda node: node.add_vhost(vhost, "of " + vhost, tags, kind))

    @rule(vhost=st.sampled_from(["other", "limits"]), again=st.booleans())
    def delete_vhost(self, vhost: str, again: bool) -> None:
        def action(node: Node) -> None:
            node.delete_vhost(vhost)
            if again:
                node.add_vhost(vhost)

        self.do(action)

    @rule(vhost=VHOSTS, name=NAMES, durable=st.booleans(), gone=st.booleans(), drawn=TABLES)
    def declare_queue(
        self, vhost: str, name: str, durable: bool, gone: bool, drawn: dict[str, Any]
    ) -> None:
        wish = QueueWish(name, durable, gone, 0, table(drawn))
        self.do(lambda node: node.vhosts[vhost].declare_queue(wish, 1))

    @rule(vhost=VHOSTS, name=NAMES)
    def delete_queue(self, vhost: str, name: str) -> None:
        def action(node: Node) -> None:
            node.vhosts[vhost].delete_queue(node.vhosts[vhost].queues[name], False, False)

        self.do(action)

    @rule(vhost=VHOSTS, name=NAMES, kind=KINDS, durable=st.booleans(), drawn=TABLES)
    def declare_exchange(
        self, vhost: str, name: str, kind: str, durable: bool, drawn: dict[str, Any]
    ) -> None:
        wish = ExchangeWish(name, kind, durable, False, len(name) > 1, table(drawn))
        self.do(lambda node: node.vhosts[vhost].declare_exchange(wish))

    @rule(vhost=VHOSTS, name=NAMES)
    def delete_exchange(self, vhost: str, name: str) -> None:
        def action(node: Node) -> None:
            node.vhosts[vhost].delete_exchange(node.vhosts[vhost].exchanges[name], False)

        self.do(action)

    @rule(
        vhost=VHOSTS,
        source=NAMES | st.sampled_from(["amq.topic", "amq.headers"]),
        to_queue=st.booleans(),
        name=NAMES,
        key=KEYS,
        drawn=TABLES,
        undo=st.sampled_from([False, False, True]),
    )
    def bind(
        self,
        vhost: str,
        source: str,
        to_queue: bool,
        name: str,
        key: str,
        drawn: dict[str, Any],
        undo: bool,
    ) -> None:
        def action(node: Node) -> None:
            here = node.vhosts[vhost]
            queue = here.queues[name] if to_queue else None
            exchange = None if to_queue else here.exchanges[name]
            here.bind(here.exchanges[source], queue, exchange, key, table(drawn))
            if undo:
                here.unbind(here.exchanges[source], queue, exchange, key, table(drawn))

        self.do(action)

    @rule(vhost=VHOSTS, name=NAMES, length=st.integers(0, 9), operators=st.booleans())
    def set_policy(self, vhost: str, name: str, length: int, operators: bool) -> None:
        def action(node: Node) -> None:
            here = node.vhosts[vhost]
            policies = here.operator_policies if operators else here.policies
            policies.set(name, "^a|b$", {"max-length": length}, length, "queues")

        self.do(action)

    @rule(vhost=VHOSTS, name=NAMES, operators=st.booleans())
    def delete_policy(self, vhost: str, name: str, operators: bool) -> None:
        def action(node: Node) -> None:
            here = node.vhosts[vhost]
            (here.operator_policies if operators else here.policies).delete(name)

        self.do(action)

    @rule(vhost=VHOSTS, most=st.integers(-1, 3))
    def limit(self, vhost: str, most: int) -> None:
        wanted: dict[str, object] = {"max-queues": most} if most >= 0 else {}
        self.do(lambda node: node.vhosts[vhost].limits.replace(wanted))

    @rule(name=USERS, tags=st.lists(NAMES, max_size=2))
    def add_user(self, name: str, tags: list[str]) -> None:
        self.do(lambda node: node.users.add(name, "secret", tags))

    @rule(name=USERS)
    def delete_user(self, name: str) -> None:
        self.do(lambda node: node.users.delete(name))

    @rule(name=USERS, most=st.integers(-1, 3))
    def limit_user(self, name: str, most: int) -> None:
        self.do(lambda node: node.users.set_limits(name, {"max-connections": most}))

    @rule(name=USERS, vhost=VHOSTS, pattern=st.sampled_from(["", ".*", "^ü"]), undo=st.booleans())
    def grant(self, name: str, vhost: str, pattern: str, undo: bool) -> None:
        def action(node: Node) -> None:
            user = node.users.get(name)
            assert node.vhosts[vhost]
            user.grant(vhost, Permission(pattern, ".*", pattern))
            user.grant_topic(vhost, "amq.topic", TopicPermission(pattern, ""))
            if undo:
                user.revoke(vhost)
                user.revoke_topic(vhost)

        self.do(action)

    @rule(name=NAMES, value=st.sampled_from([None, 1, "ü", [], {"a": [1.5, None]}]))
    def set_global_parameter(self, name: str, value: object) -> None:
        self.do(lambda node: node.global_parameters.set(name, value))

    @rule(name=NAMES)
    def delete_global_parameter(self, name: str) -> None:
        self.do(lambda node: node.global_parameters.delete(name))

    @rule()
    def restart(self) -> None:
        before = self.broker.call(lasting)
        self.broker.stop()
        self.broker.start()
        assert self.broker.call(lasting) == before


Restarts.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestRestarts = Restarts.TestCase
