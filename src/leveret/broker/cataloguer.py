"""What is declared, written to the catalog as it changes, and made again after a restart.

Listens to the node's events and notes what they were about; at the end of the turn it looks at
each thing and writes what it is now, or that it is gone.  Exclusive and transient things are not
written, nor what is there by itself.
"""

from typing import Final, final

from leveret.broker.definition_export import (
    OPERATOR_POLICY,
    is_declared,
    user_document,
    vhost_document,
)
from leveret.broker.definitions import import_definitions
from leveret.broker.delayed import DelayedExchange
from leveret.broker.exchange import Binding, Exchange
from leveret.broker.limits import COMPONENT as LIMITS
from leveret.broker.node import Node
from leveret.broker.policies import Policies
from leveret.broker.queue import Queue
from leveret.broker.vhost import VHost
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.events import Event, Listener
from leveret.store.catalog import Catalog, Commits
from leveret.tables import Table, read_table, table_octets

_Key = tuple[str, ...]
# What goes with its vhost.
_IN_VHOSTS: Final = (
    *("parameters", "policies", "operator_policies", "exchanges", "queues", "bindings", "retained"),
)


@final
class Cataloguer(Listener):
    """Keeps ``catalog`` as ``node`` is.  ``has_changes``: something is noted and not written."""

    def __init__(self, node: Node, catalog: Catalog, commits: Commits) -> None:
        self._node: Final = node
        self._commits: Final = commits
        self._catalog: Final = catalog
        # By kind and key; with the binding, which cannot be found by its key.
        self._noted: dict[tuple[str, _Key], Binding | None] = {}
        # Vhosts that were deleted, with all that is in them.
        self._deleted: list[str] = []

    @property
    def has_changes(self) -> bool:
        """Whether something is to be written at the end of this turn."""
        return bool(self._noted)

    def on_event(self, event: Event) -> None:
        """Note what ``event`` was about."""
        facts = event.facts
        kind = event.name.split(".")[0]
        name = str(facts.get("name", ""))
        vhost = str(facts.get("vhost", ""))
        if kind in ("queue", "exchange", "binding"):
            self._note_entity(vhost, event.subject)
        elif kind == "vhost":
            self._note("vhosts", (name,))
            if event.name == "vhost.deleted":
                self._deleted.append(name)
        elif kind in ("policy", "parameter", "operator"):
            self._note_parameter(event.name, vhost, name, str(facts.get("component", "")))
        elif kind == "user" or event.name.startswith(("permission.", "topic.permission.")):
            self._note_user(event)

    def _note_entity(self, vhost: str, subject: object) -> None:
        if isinstance(subject, Queue):
            if subject.record is not None:
                self._note("queues", (vhost, subject.name))
        elif isinstance(subject, Exchange):
            if subject.is_durable and is_declared(subject.name):
                self._note("exchanges", (vhost, subject.name))
        elif isinstance(subject, Binding) and _is_durable(subject):
            self._commits.change_count += 1
            self._noted[("bindings", _binding_key(vhost, subject))] = subject

    def _note_parameter(self, event: str, vhost: str, name: str, component: str) -> None:
        if event.startswith("operator") or component == OPERATOR_POLICY:
            self._note("operator_policies", (vhost, name))
        elif event.startswith("policy"):
            # Which of the two it is, the event does not tell.
            self._note("policies", (vhost, name))
            self._note("operator_policies", (vhost, name))
        elif component == "global" or not vhost:
            self._note("global_parameters", (name,))
        elif component == LIMITS:
            self._note("vhosts", (vhost,))
        else:
            self._note("parameters", (vhost, component, name))

    def _note_user(self, event: Event) -> None:
        if not event.name.startswith("user.authentication"):
            facts = event.facts
            name = facts.get("user") or facts.get("username") or facts.get("name")
            self._note("users", (str(name),))

    def _note(self, kind: str, key: _Key) -> None:
        self._commits.change_count += 1
        self._noted[(kind, key)] = None

    def note_all(self) -> None:
        """Note everything there is: the catalog is empty."""
        for user in self._node.users.by_name:
            self._note("users", (user,))
        for name in self._node.global_parameters.values:
            self._note("global_parameters", (name,))
        for vhost in self._node.vhosts.values():
            self._note("vhosts", (vhost.name,))
            for policy in vhost.operator_policies:
                self._note("operator_policies", (vhost.name, policy.name))

    # --- writing ---------------------------------------------------------------------------

    def write(self) -> None:
        """Write what was noted."""
        if not self._noted:
            return
        # First: one of that name may have been made meanwhile.
        for vhost in self._deleted:
            for kind in _IN_VHOSTS:
                self._catalog.remove_all_of(kind, vhost)
        self._deleted = []
        noted = self._noted
        self._noted = {}
        for (kind, key), binding in noted.items():
            facts = self._facts(kind, key, binding)
            if facts is None:
                self._catalog.remove(kind, key)
            else:
                self._catalog.put(kind, key, facts)

    def _facts(self, kind: str, key: _Key, binding: Binding | None) -> dict[str, object] | None:
        if kind == "users":
            user = self._node.users.by_name.get(key[0])
            return user_document(user) if user is not None else None
        if kind == "global_parameters":
            values = self._node.global_parameters.values
            return {"value": values[key[0]]} if key[0] in values else None
        vhost = self._node.vhosts.get(key[0])
        if vhost is None:
            return None
        if kind == "vhosts":
            return vhost_document(vhost)
        if kind == "queues":
            return _queue_facts(vhost.queues.get(key[1]))
        if kind == "exchanges":
            return _exchange_facts(vhost.exchanges.get(key[1]))
        if kind == "bindings":
            return _binding_facts(binding)
        if kind == "parameters":
            parameter = vhost.parameters.get(key[1], key[2])
            return {"value": parameter.value} if parameter is not None else None
        return _policy_facts(
            vhost.policies if kind == "policies" else vhost.operator_policies, key[1]
        )

    # --- restarts --------------------------------------------------------------------------

    def restore(self) -> None:
        """Make everything again that the catalog holds.  Raises CatalogError, Invalid."""
        catalog = self._catalog
        import_definitions(self._node, _document(catalog))
        for key, facts in catalog.rows("exchanges"):
            self._restore_exchange(self._node.vhosts[key[0]], key[1], facts)
        for key, facts in catalog.rows("queues"):
            self._restore_queue(self._node.vhosts[key[0]], key[1], facts)
        for key, _ in catalog.rows("bindings"):
            self._restore_binding(self._node.vhosts[key[0]], key)
        for key, facts in catalog.rows("vhosts"):
            limits = facts.get("limits")
            if isinstance(limits, dict):
                self._node.vhosts[key[0]].limits.replace(limits)
        self._noted.clear()
        self._deleted.clear()

    def _restore_exchange(self, vhost: VHost, name: str, facts: dict[str, object]) -> None:
        number = facts.get("number", 0)
        assert isinstance(number, int)
        vhost.restore_exchange(
            ExchangeWish(
                name,
                str(facts["type"]),
                True,
                facts["auto_delete"] is True,
                facts["internal"] is True,
                _table(facts["arguments"]),
            ),
            number,
        )

    def _restore_queue(self, vhost: VHost, name: str, facts: dict[str, object]) -> None:
        number = facts["number"]
        assert isinstance(number, int)
        wish = QueueWish(name, True, facts["auto_delete"] is True, 0, _table(facts["arguments"]))
        vhost.restore_queue(wish, number)

    def _restore_binding(self, vhost: VHost, key: list[str]) -> None:
        source = vhost.exchanges.get(key[1])
        queue = vhost.queues.get(key[3]) if key[2] == "queue" else None
        exchange = vhost.exchanges.get(key[3]) if key[2] == "exchange" else None
        if source is not None and (queue is not None or exchange is not None):
            vhost.bind(source, queue, exchange, key[4], _table(key[5]))


def _document(catalog: Catalog) -> dict[str, object]:
    """The rows that are written as definitions have them, as definitions."""
    users = [facts for _, facts in catalog.rows("users")]
    vhosts = [{**facts, "limits": []} for _, facts in catalog.rows("vhosts")]
    parameters: list[dict[str, object]] = [
        {"vhost": key[0], "component": key[1], "name": key[2], **facts}
        for key, facts in catalog.rows("parameters")
    ]
    for key, facts in catalog.rows("operator_policies"):
        where = {"vhost": key[0], "component": OPERATOR_POLICY, "name": key[1]}
        parameters.append({**where, "value": facts})
    return {
        "users": users,
        "permissions": _gathered(users, "permissions"),
        "topic_permissions": _gathered(users, "topic_permissions"),
        "vhosts": vhosts,
        "global_parameters": [
            {"name": key[0], **facts} for key, facts in catalog.rows("global_parameters")
        ],
        "policies": [
            {"vhost": key[0], "name": key[1], **facts} for key, facts in catalog.rows("policies")
        ],
        "parameters": parameters,
    }


def _gathered(users: list[dict[str, object]], kind: str) -> list[object]:
    found: list[object] = []
    for user in users:
        rights = user.pop(kind, [])
        assert isinstance(rights, list)
        found.extend(rights)
    return found


def _binding_key(vhost: str, binding: Binding) -> _Key:
    kind, name = "exchange", ""
    if binding.queue is not None:
        kind, name = "queue", binding.queue.name
    elif binding.exchange is not None:
        name = binding.exchange.name
    arguments = _octets(binding.arguments)
    return (vhost, binding.source.name, kind, name, binding.routing_key, arguments)


def _octets(table: Table) -> str:
    return table_octets(table).hex()


def _table(octets: object) -> Table:
    return read_table(bytes.fromhex(str(octets)), 0)[0]


def _queue_facts(queue: Queue | None) -> dict[str, object] | None:
    if queue is None or queue.record is None:
        return None
    return {
        "number": queue.record.number,
        "type": queue.kind,
        "auto_delete": queue.is_auto_delete,
        "arguments": _octets(queue.arguments),
    }


def _exchange_facts(exchange: Exchange | None) -> dict[str, object] | None:
    if exchange is None:
        return None
    return {
        "type": exchange.kind,
        "auto_delete": exchange.is_auto_delete,
        "internal": exchange.is_internal,
        # Of those that hold messages.
        "number": exchange.number if isinstance(exchange, DelayedExchange) else 0,
        "arguments": _octets(exchange.arguments),
    }


def _is_durable(binding: Binding) -> bool:
    if not binding.source.is_durable:
        return False
    if binding.queue is not None:
        return binding.queue.record is not None
    return binding.exchange is not None and binding.exchange.is_durable


def _binding_facts(binding: Binding | None) -> dict[str, object] | None:
    if binding is None or binding.identity not in binding.source.bindings:
        return None
    return {}


def _policy_facts(policies: Policies, name: str) -> dict[str, object] | None:
    for policy in policies:
        if policy.name == name:
            return {
                "pattern": policy.pattern,
                "apply-to": policy.apply_to,
                "priority": policy.priority,
                "definition": dict(policy.definition),
            }
    return None
