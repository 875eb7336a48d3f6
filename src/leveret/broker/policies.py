"""The policies of a vhost and those of its operators, and which of them rules what.

Control plane: a change looks at every queue and exchange of the vhost.
Behaviour: RabbitMQ 4.3, "Policies", "Operator Policies".
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.exchange import Exchange
from leveret.broker.facts import INTERNAL, name_facts, policy_facts
from leveret.broker.policy import ALL, EXCHANGES, QUEUES, TYPE_OF_SCOPE, Policy
from leveret.broker.policy_keys import check_definition, invalid, merged, supports
from leveret.broker.queue import Queue
from leveret.errors import NotFound
from leveret.events import Events
from leveret.terms import term

_SCOPES: Final = (ALL, QUEUES, EXCHANGES, *TYPE_OF_SCOPE)


@mypyc_attr(allow_interpreted_subclasses=True)
class Ruled(ABC):
    """What the policies are for."""

    @abstractmethod
    def policies_changed(self, policy: Policy | None, by: str) -> None:
        """``policy`` was set, or one was deleted: let what there is now rule.

        ``by`` is the user who did it.
        """


@final
class Policies:
    """Those of one kind, by name.  ``is_operators``: fewer keys, and merged with the others."""

    def __init__(self, vhost: str, is_operators: bool, ruled: Ruled, events: Events) -> None:
        self._vhost: Final = vhost
        self._is_operators: Final = is_operators
        self._ruled: Final = ruled
        self._events: Final = events
        self._by_name: Final[dict[str, Policy]] = {}
        # The same, the most important first.
        self._ranked: list[Policy] = []

    def __iter__(self) -> Iterator[Policy]:
        return iter(list(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> Policy | None:
        """The policy called ``name``, if there is one."""
        return self._by_name.get(name)

    def set(
        self,
        name: str,
        pattern: str,
        definition: dict[str, object],
        priority: int = 0,
        apply_to: str = ALL,
        by: str = INTERNAL,
    ) -> None:
        """Let the policy rule from now on, in place of one of that name.  Raises Invalid."""
        if apply_to not in _SCOPES:
            raise invalid(
                f"apply-to '{apply_to}' unrecognised; should be one of: 'queues', "
                "'classic_queues',  'quorum_queues', 'streams', 'exchanges', or 'all'"
            )
        check_definition(definition, self._is_operators)
        try:
            policy = Policy(name, pattern, dict(definition), priority, apply_to)
        except ValueError as wrong:
            why = f"pattern should be regular expression but is invalid: {wrong}"
            raise invalid(why) from None
        before = self._by_name.get(name)
        if before is not None and before.same_as(policy):
            # What it rules stays as it is, and nobody hears of it.
            return
        self._by_name[name] = policy
        self._rank()
        self._tell_parameter("parameter.set", name, policy, by)
        self._ruled.policies_changed(policy, by)
        if self._events.is_heard:
            facts: dict[str, object] = {"name": name, "vhost": self._vhost}
            self._events.tell("policy.set", facts | policy_facts(policy, by))

    def delete(self, name: str, by: str = INTERNAL) -> None:
        """Forget the policy called ``name``.  Raises NotFound."""
        if self._by_name.pop(name, None) is None:
            raise NotFound(f"no policy '{name}' in vhost '{self._vhost}'")
        self._rank()
        self._tell_parameter("parameter.cleared", name, None, by)
        self._ruled.policies_changed(None, by)
        if self._events.is_heard:
            event = "operator.policy.cleared" if self._is_operators else "policy.cleared"
            self._events.tell(event, name_facts(self._vhost, name, by))

    def _rank(self) -> None:
        # Which of two equals counts is for nobody to rely on; but it is always the same one.
        ranked = [(-policy.priority, policy.name) for policy in self._by_name.values()]
        self._ranked = [self._by_name[name] for _, name in sorted(ranked)]

    def _tell_parameter(self, event: str, name: str, policy: Policy | None, by: str) -> None:
        """To RabbitMQ the operators' policies are parameters like any other."""
        if not self._events.is_heard or not self._is_operators:
            return
        facts: dict[str, object] = {"vhost": self._vhost, "component": "operator_policy"}
        facts["name"] = name
        if policy is not None:
            value = policy_facts(policy, by)
            del value["user_who_performed_action"]
            facts["value"] = value
        facts["user_who_performed_action"] = by
        self._events.tell(event, facts)

    def of_queue(self, name: str, queue_type: str) -> Policy | None:
        """The one that rules a queue of this name and type."""
        for policy in self._ranked:
            if policy.rules_queue(name, queue_type) and supports(queue_type, policy.definition):
                return policy
        return None

    def of_exchange(self, name: str) -> Policy | None:
        """The one that rules an exchange of this name."""
        for policy in self._ranked:
            if policy.rules_exchange(name):
                return policy
        return None


def checked_policy(value: dict[str, object], name: str) -> tuple[str, dict[str, object], int, str]:
    """Pattern, definition, priority and apply-to of a policy that came as JSON.

    For programs that pass on what a user wrote.  Raises Invalid.
    """
    pattern, definition = value.get("pattern"), value.get("definition")
    priority, apply_to = value.get("priority", 0), value.get("apply-to", ALL)
    for key in ("definition", "pattern"):
        if key not in value:
            raise invalid(f'Key "{key}" not found in {name}')
    if not isinstance(pattern, str):
        raise invalid(f"pattern should be a binary but was {term(pattern)}")
    if not isinstance(definition, dict):
        raise invalid(f"definition must be a dictionary: {term(definition)}")
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise invalid(f"priority should be a number, actually was {term(priority)}")
    if not isinstance(apply_to, str):
        raise invalid(f"apply-to should be binary, actually was {term(apply_to)}")
    return pattern, definition, priority, apply_to


def rule_queue(queue: Queue, user: Policies, operator: Policies) -> bool:
    """Give ``queue`` the policies that rule it now.  Whether they are others than before."""
    policy = user.of_queue(queue.name, queue.kind)
    operators = operator.of_queue(queue.name, queue.kind)
    if policy is queue.policy and operators is queue.operator_policy:
        return False
    queue.policy = policy
    queue.operator_policy = operators
    queue.apply(_effective(policy, operators))
    return True


def rule_exchange(exchange: Exchange, user: Policies, operator: Policies) -> bool:
    """Give ``exchange`` the policies that rule it now.  Whether they are others than before."""
    policy = user.of_exchange(exchange.name)
    operators = operator.of_exchange(exchange.name)
    if policy is exchange.policy and operators is exchange.operator_policy:
        return False
    exchange.policy = policy
    exchange.operator_policy = operators
    exchange.effective_policy = _effective(policy, operators)
    if "alternate-exchange" not in exchange.arguments:
        exchange.alternate = str(exchange.effective_policy.get("alternate-exchange", ""))
    return True


def _effective(user: Policy | None, operator: Policy | None) -> dict[str, object]:
    return merged(
        user.definition if user is not None else {},
        operator.definition if operator is not None else {},
    )
