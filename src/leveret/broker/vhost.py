"""A virtual host: its exchanges, queues and bindings, their coming and going.

Knows no protocol, no user and no socket.  Callers have checked the rights already.
"""

import base64
from collections import deque
from collections.abc import Iterator
from typing import Final, final

from leveret.broker.alarms import Alarms
from leveret.broker.arguments import (
    check_alternate,
    check_same,
    check_same_argument,
)
from leveret.broker.bindings import Inbound
from leveret.broker.classic import ClassicQueue
from leveret.broker.compat import Compat
from leveret.broker.consumer import Consumer
from leveret.broker.exchange import Binding, Exchange, binding_identity
from leveret.broker.facts import INTERNAL
from leveret.broker.firehose import TRACE, Firehose
from leveret.broker.funerals import Undertaker
from leveret.broker.herald import Herald
from leveret.broker.interceptors import Interceptors
from leveret.broker.kinds import check_kind, new_exchange, shown_kind
from leveret.broker.ledger import Ledger
from leveret.broker.limits import Limits, Totals
from leveret.broker.mailbox import MailboxQueue
from leveret.broker.parameters import Components, Parameters
from leveret.broker.policies import Policies, Ruled, rule_exchange, rule_queue
from leveret.broker.policy import Policy
from leveret.broker.post import Post
from leveret.broker.properties import Properties
from leveret.broker.queue import Dying, Keeper, Queue
from leveret.broker.queue_arguments import COMPARED
from leveret.broker.queue_kinds import check_nameless, check_queue, new_queue, with_kind
from leveret.broker.record import QueueRecord
from leveret.broker.routing import Router, Routing
from leveret.broker.rules import CLASSIC
from leveret.broker.shelf import Shelf
from leveret.broker.tallies import NodeTally, Past
from leveret.broker.timetable import Appointee, Timetable
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import AccessRefused, NotFound, PreconditionFailed, ResourceLocked
from leveret.events import Events
from leveret.ports import Clock, Random
from leveret.tables import Field, Table

REPLY_TO: Final = "amq.rabbitmq.reply-to"
_REPLY_PREFIX: Final = REPLY_TO + "."
_RESERVED: Final = "amq."
# How the names begin that the broker makes up for queues.
GENERATED: Final = "amq.gen-"
_PREDECLARED: Final = (
    ("amq.direct", "direct", False),
    ("amq.fanout", "fanout", False),
    ("amq.topic", "topic", False),
    ("amq.headers", "headers", False),
    ("amq.match", "headers", False),
    (TRACE, "topic", True),
)


@final
class _Ruling(Ruled):
    """Lets the policies of ``vhost`` rule it."""

    def __init__(self, vhost: "VHost") -> None:
        self._vhost: Final = vhost

    def policies_changed(self, policy: Policy | None, by: str) -> None:
        """``policy`` was set, or one was deleted."""
        self._vhost.be_ruled(policy, by)


@final
class VHost(Keeper):
    """One namespace.

    ``epoch`` rises with every change of exchanges and bindings, ``queue_epoch`` when a queue comes
    or goes: who keeps a routing compares the first, or the second if it is by name.
    ``default_queue_type`` is what a queue becomes that asks for no type, "" for classic.
    Behaviour: RabbitMQ 4.3, "Queues", "Exchanges", "Exchange to exchange bindings".
    """

    def __init__(
        self,
        name: str,
        random: Random,
        clock: Clock,
        timetable: Timetable,
        events: Events,
        components: Components | None = None,
        totals: Totals | None = None,
    ) -> None:
        self.name: Final = name
        # What people say of it.
        self.description = ""
        self.tags: list[str] = []
        self.default_queue_type = ""
        self.is_protected = False
        self.compat = Compat()
        # Those of the node: whoever publishes waits while one is set.
        self.alarms = Alarms(events)
        self.tally = NodeTally()  # that of the node
        self.past: Final = Past()
        # How long a delivery may be out where its queue and consumer do not say; 0 for ever.
        self.consumer_timeout_ms = 0
        self.events: Final = events
        self._herald: Final = Herald(name, events)
        self._random: Final = random
        self._clock: Final = clock
        self._timetable: Final = timetable
        self.epoch = 0
        self.queue_epoch = 0
        self.exchanges: Final[dict[str, Exchange]] = {}
        self.queues: Final[dict[str, Queue]] = {}
        # Volatile queues of direct reply-to: reachable by name, never listed or declared.
        self.replies: Final[dict[str, Queue]] = {}
        self._router: Final = Router(self.exchanges, self.queues, self.replies)
        self._undertaker: Final = Undertaker(self.exchanges, self._router, clock, timetable)
        self.post: Final = Post(self.exchanges, self._router, clock, random, timetable)
        self.firehose: Final = Firehose(name, self.post)
        # Whether publishes and deliveries must be told to the firehose.
        self.is_traced = False
        # What writes into every message that comes in, if anything does.
        self.interceptors: Interceptors | None = None
        self._inbound: Final = Inbound()
        self.limits: Final = Limits(name, events)
        self._totals: Final = totals if totals is not None else Totals()
        parts = components if components is not None else Components()
        self.parameters: Final = Parameters(name, parts, self.limits, events)
        ruling = _Ruling(self)
        self.policies: Final = Policies(name, False, ruling, events)
        self.operator_policies: Final = Policies(name, True, ruling, events)
        # Where durable queues and their messages are written down; None where nothing is.
        self.shelf: Shelf | None = None
        self.ledger: Ledger | None = None
        # The number of the queue that is being made again after a restart.
        self._number = 0
        self._owned: Final[dict[int, dict[Queue, None]]] = {}
        self._add_exchange(ExchangeWish("", "direct", True, False, False, {}))
        for exchange, kind, is_internal in _PREDECLARED:
            self._add_exchange(ExchangeWish(exchange, kind, True, False, is_internal, {}))

    # --- names -----------------------------------------------------------------------------

    def describe(self, kind: str, name: str) -> str:
        """How refusals name a ``kind`` (queue or exchange) of this vhost."""
        return f"{kind} '{name}' in vhost '{self.name}'"

    def exchange(self, name: str) -> Exchange:
        """The exchange called ``name``.  Raises NotFound."""
        found = self.exchanges.get(name)
        if found is None:
            raise NotFound(f"no {self.describe('exchange', name)}")
        return found

    def queue(self, name: str, owner_id: int) -> Queue:
        """The queue ``name``, if ``owner_id`` may use it.  Raises NotFound, ResourceLocked."""
        found = self.queues.get(name)
        if found is None:
            raise NotFound(f"no {self.describe('queue', name)}")
        self._check_owner(found, owner_id)
        return found

    def unused_name(self, prefix: str) -> str:
        """A name nobody can guess: ``prefix`` and 22 characters."""
        token = base64.urlsafe_b64encode(self._random.octets(16)).decode().rstrip("=")
        return prefix + token

    def _check_owner(self, queue: Queue, owner_id: int) -> None:
        if queue.owner_id not in (0, owner_id):
            raise self._locked(queue)

    def _locked(self, queue: Queue) -> ResourceLocked:
        return ResourceLocked(
            f"cannot obtain exclusive access to locked {self.describe('queue', queue.name)}. It "
            "could be originally declared on another connection or the exclusive property value "
            "does not match that of the original declaration."
        )

    def _check_new_name(self, kind: str, name: str) -> None:
        if name.startswith(_RESERVED):
            raise AccessRefused(f"{kind} name '{name}' contains reserved prefix 'amq.*'")

    # --- queues ----------------------------------------------------------------------------

    def declare_queue(self, wish: QueueWish, connection_id: int, by: str = INTERNAL) -> Queue:
        """The queue that is wished for, made if need be.

        Raises PreconditionFailed for bad arguments, a contradiction to what exists or one queue
        too many, ResourceLocked, AccessRefused for a reserved name.
        """
        what = self.describe("queue", wish.name)
        # Before looking: a name that the broker made up cannot be declared again either.
        self._check_new_name("queue", wish.name)
        found = self.queues.get(wish.name)
        self.tally.queues_declared += 1
        wish = self._typed(wish)
        if found is None:
            return self._add_queue(wish, by)
        self._check_owner(found, connection_id)
        if found.owner_id != wish.owner_id:
            raise self._locked(found)
        if wish.owner_id == 0:
            check_same(what, "durable", wish.is_durable, found.is_durable)
        check_same(what, "auto_delete", wish.is_auto_delete, found.is_auto_delete)
        found.touch()
        for name in COMPARED[found.kind]:
            check_same_argument(what, name, wish.arguments, found.arguments)
        return found

    def declare_anonymous_queue(self, wish: QueueWish, by: str = INTERNAL, name: str = "") -> Queue:
        """A new queue with a name of the broker's choice in place of the wish's empty one.

        ``name`` is one that ``unused_name`` gave, where the rights on it were checked.
        """
        wish = self._typed(wish)
        check_nameless(wish)
        self.tally.queues_declared += 1
        named = QueueWish(
            name or self.unused_name(GENERATED),
            wish.is_durable,
            wish.is_auto_delete,
            wish.owner_id,
            wish.arguments,
        )
        return self._add_queue(named, by)

    def _add_queue(self, wish: QueueWish, by: str) -> Queue:
        self.limits.check_queues(wish.name, len(self.queues))
        self._totals.check_queue(wish.name)
        check_queue(self.describe("queue", wish.name), wish, self.compat)
        queue = new_queue(wish, self)
        self._take_in(wish, queue)
        self.tally.queues_created += 1
        self._herald.queue_created(queue, by)
        return queue

    def add_mailbox(self, wish: QueueWish, limit: int, by: str = INTERNAL) -> Queue:
        """A new queue that keeps nothing, for the connection that the wish names.

        Raises PreconditionFailed for one queue too many.
        """
        self.limits.check_queues(wish.name, len(self.queues))
        self._totals.check_queue(wish.name)
        self.tally.queues_declared += 1
        self.tally.queues_created += 1
        queue = MailboxQueue(wish, self, limit)
        self._take_in(wish, queue)
        self._herald.queue_created(queue, by)
        return queue

    def _take_in(self, wish: QueueWish, queue: Queue) -> None:
        self.queues[wish.name] = queue
        if wish.owner_id != 0:
            self._owned.setdefault(wish.owner_id, {})[queue] = None
        if self.shelf is not None:
            self.shelf.opened(queue)
        rule_queue(queue, self.policies, self.operator_policies)
        self._totals.queue_count += 1
        self.queue_epoch += 1

    def give_argument(self, queue: Queue, name: str, field: Field | None) -> None:
        """Let ``queue`` have another argument than it was declared with, or none of that name."""
        if field is not None:
            queue.arguments[name] = field
        else:
            queue.arguments.pop(name, None)
        queue.apply(queue.effective_policy)
        self._herald.rearranged(queue)

    def keep_on(self, shelf: Shelf) -> None:
        """Write durable queues and their messages down on ``shelf``."""
        self.shelf = shelf
        self.ledger = shelf.ledger
        self._undertaker.ledger = shelf.ledger
        self.post.ledger = shelf.ledger
        self.post.shelf = shelf

    def restore_queue(self, wish: QueueWish, number: int) -> None:
        """Make a durable queue again, which has ``number``, after a restart: without messages."""
        self._number = number
        self._take_in(wish, new_queue(wish, self))

    def restore_exchange(self, wish: ExchangeWish, number: int) -> None:
        """Make a durable exchange again after a restart.

        ``number`` is that of one that holds messages, 0 for others.
        """
        self.post.number = number
        self._add_exchange(wish)
        self.post.number = 0

    def open_record(self, wish: QueueWish) -> QueueRecord | None:
        """Where a durable queue writes what must outlive the process, if anywhere."""
        if self.shelf is None:
            return None
        number = self._number
        self._number = 0
        return self.shelf.book.open_queue(number)

    def _typed(self, wish: QueueWish) -> QueueWish:
        return with_kind(wish, self.default_queue_type or CLASSIC)

    def delete_queue(
        self, queue: Queue, if_unused: bool, if_empty: bool, by: str = INTERNAL
    ) -> int:
        """Delete ``queue``.  Returns how many messages waited.  Raises PreconditionFailed."""
        queue.check_delete(self.describe("queue", queue.name), if_unused, if_empty)
        if if_unused and queue.consumer_count > 0:
            raise PreconditionFailed(f"{self.describe('queue', queue.name)} in use")
        if if_empty and queue.ready_count > 0:
            raise PreconditionFailed(f"{self.describe('queue', queue.name)} not empty")
        count = queue.ready_count
        self._remove_queue(queue, by)
        return count

    def _remove_queue(self, queue: Queue, by: str) -> None:
        del self.queues[queue.name]
        self._totals.queue_count -= 1
        if queue.owner_id != 0:
            self._owned[queue.owner_id].pop(queue, None)
        self.queue_epoch += 1
        for binding in self._inbound.take_to_queue(queue.name):
            self._unbind(binding, INTERNAL)
        queue.close()
        if self.shelf is not None:
            self.shelf.closed(queue)
        self.tally.queues_deleted += 1
        self._herald.queue_deleted(queue, by)

    def connection_lost(self, connection_id: int) -> None:
        """Delete the queues that ``connection_id`` had for itself."""
        for queue in list(self._owned.get(connection_id, {})):
            self._remove_queue(queue, INTERNAL)
        self._owned.pop(connection_id, None)

    def consume(self, queue: Queue, consumer: Consumer) -> None:
        """Subscribe ``consumer``.  Does not dispatch.  Raises AccessRefused."""
        try:
            queue.add_consumer(consumer)
        except AccessRefused as refused:
            raise AccessRefused(f"{self.describe('queue', queue.name)} {refused.detail}") from None

    def cancel(self, queue: Queue, consumer: Consumer) -> None:
        """End ``consumer``'s subscription; the last one takes an auto-delete queue with it."""
        if not queue.remove_consumer(consumer) or not queue.is_auto_delete:
            return
        if queue.consumer_count == 0 and self.queues.get(queue.name) is queue:
            self._remove_queue(queue, INTERNAL)

    # --- time and dead letters -------------------------------------------------------------

    def trace(self, on: bool) -> None:
        """Turn the firehose on or off."""
        self.is_traced = on
        # Whoever keeps a routing has to ask again: what is traced is not routed in advance.
        self.epoch += 1
        self.queue_epoch += 1

    def now_ns(self) -> int:
        """The time."""
        return self._clock.now_ns()

    def appoint(self, who: Appointee, due_ns: int) -> None:
        """Call ``who`` at ``due_ns`` at the latest."""
        self._timetable.appoint(who, due_ns)

    def call_off(self, who: Appointee) -> None:
        """Do not call ``who``."""
        self._timetable.cancel(who)

    def abandon(self, queue: Queue) -> None:
        """Delete ``queue``, which nobody used for as long as its rules allow."""
        if self.queues.get(queue.name) is queue:
            self._remove_queue(queue, INTERNAL)

    def bury(self, dying: Dying) -> None:
        """Send the message on to the queue's exchange for dead letters, with the next funeral."""
        self._undertaker.take(dying)

    def note_dead(self, queue: Queue, reason: str, count: int = 1) -> None:
        """Count messages that died in ``queue``."""
        self.tally.losses.note_dead(queue.kind, reason, queue.rules.dead_letter_strategy, count)

    def note_dropped(self, reason: str, count: int) -> None:
        """Count messages that nobody reads any more, and that are no dead letters."""
        self.tally.losses.note_dropped(reason, count)

    @property
    def dying(self) -> deque[Dying]:
        """The dead letters that wait for the next funeral."""
        return self._undertaker.dying

    def hold_funerals(self) -> None:
        """Publish the dead letters there are, and those that this causes, but not endlessly."""
        self._undertaker.hold_funerals()

    # --- direct reply-to -------------------------------------------------------------------

    def open_reply_queue(self) -> Queue:
        """A volatile queue for the replies to one requester."""
        queue = ClassicQueue(QueueWish(self.unused_name(_REPLY_PREFIX), False, False, 0, {}))
        self.replies[queue.name] = queue
        self.queue_epoch += 1
        return queue

    def close_reply_queue(self, queue: Queue) -> None:
        """The requester is gone; later replies are dropped."""
        if self.replies.pop(queue.name, None) is not None:
            self.queue_epoch += 1

    # --- exchanges -------------------------------------------------------------------------

    def declare_exchange(self, wish: ExchangeWish, by: str = INTERNAL) -> Exchange:
        """The exchange that is wished for, made if need be.

        Raises PreconditionFailed for an unknown type, bad arguments or a contradiction to what
        exists, AccessRefused for a reserved name.
        """
        check_kind(wish.kind)
        what = self.describe("exchange", wish.name)
        found = self.exchanges.get(wish.name)
        if found is None:
            self._check_new_name("exchange", wish.name)
            self._totals.check_exchange(what)
            made = self._add_exchange(wish)
            self._herald.exchange_created(made, by)
            return made
        check_same(what, "type", shown_kind(wish.kind), shown_kind(found.kind))
        check_same(what, "durable", wish.is_durable, found.is_durable)
        check_same(what, "auto_delete", wish.is_auto_delete, found.is_auto_delete)
        check_same(what, "internal", wish.is_internal, found.is_internal)
        check_same_argument(what, "alternate-exchange", wish.arguments, found.arguments)
        return found

    def _add_exchange(self, wish: ExchangeWish) -> Exchange:
        alternate = check_alternate(self.describe("exchange", wish.name), wish.arguments)
        made = new_exchange(wish, self.post)
        made.alternate = alternate
        rule_exchange(made, self.policies, self.operator_policies)
        self.exchanges[wish.name] = made
        self._totals.exchange_count += 1
        self.epoch += 1
        return made

    def install(self, exchange: Exchange) -> None:
        """Take in an exchange that the broker itself has made."""
        self.exchanges[exchange.name] = exchange
        self._totals.exchange_count += 1
        self.epoch += 1

    def check_deletable(self, name: str) -> None:
        """Refuse to delete an exchange of the system, there or not.  Raises AccessRefused."""
        if name.startswith(_RESERVED):
            what = self.describe("exchange", name)
            raise AccessRefused(f"deletion of system {what} not allowed")

    def delete_exchange(self, exchange: Exchange, if_unused: bool, by: str = INTERNAL) -> None:
        """Delete ``exchange``.  Raises PreconditionFailed."""
        if if_unused and exchange.bindings:
            raise PreconditionFailed(f"{self.describe('exchange', exchange.name)} in use")
        self._remove_exchange(exchange, by)

    def _remove_exchange(self, exchange: Exchange, by: str) -> None:
        """Remove ``exchange``, and the auto-delete ones that lead to nothing else any more."""
        # A list, not recursion: such a chain may be of any length.
        pending = [exchange]
        while pending:
            current = pending.pop()
            del self.exchanges[current.name]
            self._totals.exchange_count -= 1
            current.close()
            self.epoch += 1
            for binding in list(current.bindings.values()):
                del current.bindings[binding.identity]
                self._inbound.forget(binding)
                self._herald.unbound(binding, by)
            inbound = self._inbound.take_to_exchange(current.name)
            pending.extend([b.source for b in inbound if self._is_last(b, by)])
            self._herald.exchange_deleted(current, by)

    # --- bindings --------------------------------------------------------------------------

    def bindings(self) -> Iterator[Binding]:
        """All that somebody made; that each queue is bound to "" by its name goes without."""
        return iter(self._inbound)

    def bindings_to(self, queue: Queue) -> list[Binding]:
        """Those that lead to ``queue``."""
        return self._inbound.to_queue(queue.name)

    def bind(
        self,
        source: Exchange,
        queue: Queue | None,
        exchange: Exchange | None,
        key: str,
        arguments: Table,
        by: str = INTERNAL,
    ) -> None:
        """Bind a queue or an exchange to ``source``; the same binding twice is one.

        Raises PreconditionFailed for arguments that the source cannot keep.
        """
        binding = Binding(source, queue, exchange, key, arguments)
        source.check(binding)
        if binding.identity in source.bindings:
            return
        source.bindings[binding.identity] = binding
        source.added(binding)
        self._inbound.add(binding)
        self.epoch += 1
        self._herald.bound(binding, by)

    def unbind(
        self,
        source: Exchange,
        queue: Queue | None,
        exchange: Exchange | None,
        key: str,
        arguments: Table,
        by: str = INTERNAL,
    ) -> None:
        """Take a binding away; it is no error when there is none."""
        binding = source.bindings.get(binding_identity(queue, exchange, key, arguments))
        if binding is not None:
            self._inbound.forget(binding)
            self._unbind(binding, by)

    def _unbind(self, binding: Binding, by: str) -> None:
        if self._is_last(binding, by):
            self._remove_exchange(binding.source, by)

    def _is_last(self, binding: Binding, by: str) -> bool:
        """Take ``binding`` from its source.  Whether that, being auto-delete, has to go now."""
        source = binding.source
        if source.bindings.pop(binding.identity, None) is None:
            return False
        source.removed(binding)
        self.epoch += 1
        self._herald.unbound(binding, by)
        return source.is_auto_delete and not source.bindings

    # --- policies, and the end -------------------------------------------------------------

    def be_ruled(self, policy: Policy | None, by: str) -> None:
        """Give all there is the policies that rule it now; ``policy`` is new, if it is there."""
        for exchange in self.exchanges.values():
            if rule_exchange(exchange, self.policies, self.operator_policies):
                self.epoch += 1
        for queue in list(self.queues.values()):
            if rule_queue(queue, self.policies, self.operator_policies):
                self._herald.ruled(queue, policy, by)
        self.hold_funerals()

    def close(self, by: str = INTERNAL) -> None:
        """The vhost is deleted: leave nothing behind, not even something that is due one day."""
        for queue in list(self.queues.values()):
            self._remove_queue(queue, by)
        for queue in list(self.replies.values()):
            self.close_reply_queue(queue)
            queue.close()
        while self.exchanges:
            self._remove_exchange(next(iter(self.exchanges.values())), by)
        self._undertaker.close()
        self._herald.vhost_deleted(by)
        self.parameters.clear(by)
        self.limits.clear(by)

    # --- routing ---------------------------------------------------------------------------

    def route(self, exchange: Exchange, keys: list[str], properties: Properties) -> Routing:
        """The queues that a message published to ``exchange`` goes to, each once."""
        return self._router.route(exchange, keys, properties)
