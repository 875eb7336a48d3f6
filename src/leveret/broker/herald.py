"""Tells events of what comes and goes in one vhost.  Costs next to nothing while nobody listens."""

from typing import Final, final

from leveret.broker.exchange import Binding, Exchange
from leveret.broker.facts import (
    INTERNAL,
    binding_facts,
    exchange_facts,
    name_facts,
    policy_facts,
    queue_facts,
)
from leveret.broker.policy import Policy
from leveret.broker.queue import Queue
from leveret.events import Events


@final
class Herald:
    """One method for each thing that can happen; ``by`` is the user who did it."""

    def __init__(self, vhost: str, events: Events) -> None:
        self._vhost: Final = vhost
        self._events: Final = events

    def queue_created(self, queue: Queue, by: str) -> None:
        """``queue`` was declared."""
        if self._events.is_heard:
            self._events.tell("queue.created", queue_facts(self._vhost, queue, by), queue)

    def rearranged(self, queue: Queue) -> None:
        """``queue`` has other arguments than before: for those who write them down."""
        if self._events.is_heard:
            facts = queue_facts(self._vhost, queue, INTERNAL)
            self._events.tell("queue.arguments.changed", facts, queue)

    def queue_deleted(self, queue: Queue, by: str) -> None:
        """``queue`` is gone."""
        if self._events.is_heard:
            self._events.tell("queue.deleted", name_facts(self._vhost, queue.name, by), queue)

    def exchange_created(self, exchange: Exchange, by: str) -> None:
        """``exchange`` was declared."""
        if self._events.is_heard:
            self._events.tell(
                "exchange.created", exchange_facts(self._vhost, exchange, by), exchange
            )

    def exchange_deleted(self, exchange: Exchange, by: str) -> None:
        """``exchange`` is gone."""
        if self._events.is_heard:
            facts = name_facts(self._vhost, exchange.name, by)
            self._events.tell("exchange.deleted", facts, exchange)

    def bound(self, binding: Binding, by: str) -> None:
        """``binding`` was made."""
        if self._events.is_heard:
            self._events.tell("binding.created", binding_facts(self._vhost, binding, by), binding)

    def unbound(self, binding: Binding, by: str) -> None:
        """``binding`` is gone."""
        if self._events.is_heard:
            self._events.tell("binding.deleted", binding_facts(self._vhost, binding, by), binding)

    def ruled(self, queue: Queue, policy: Policy | None, by: str) -> None:
        """Other policies rule ``queue``, as ``policy`` was set, or as one was deleted."""
        if not self._events.is_heard:
            return
        facts = name_facts(self._vhost, queue.name, by)
        facts["type"] = f"rabbit_{queue.kind}_queue"
        if policy is None:
            self._events.tell("queue.policy.cleared", facts)
        else:
            self._events.tell("queue.policy.updated", facts | policy_facts(policy, by))

    def vhost_deleted(self, by: str) -> None:
        """The vhost and all that was in it are gone."""
        if self._events.is_heard:
            facts: dict[str, object] = {"name": self._vhost, "user_who_performed_action": by}
            self._events.tell("vhost.deleted", facts)
