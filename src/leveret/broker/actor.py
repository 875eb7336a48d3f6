"""A user at work in a vhost: each deed's rights are checked first, then the vhost is asked.

Protocols read what a client wants and call these, and so does whatever acts for a user without a
protocol.  Nothing is done before every right is checked, for a check may raise Pending: then the
same is asked again later.  Behaviour: RabbitMQ 4.3, "Access control", for the rights of each.
"""

from typing import Final, final

from leveret.auth.access import Access
from leveret.broker.arguments import check_alternate
from leveret.broker.exchange import Exchange
from leveret.broker.kinds import check_kind
from leveret.broker.queue import Queue
from leveret.broker.vhost import REPLY_TO, VHost
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import AccessRefused
from leveret.tables import LONGSTR, Table

# The only type of exchange whose routing keys have rights of their own.
TOPIC: Final = "topic"


@final
class Actor:
    """Acts for the user of ``access``; ``owner_id`` is their connection, 0 for none.

    Every deed raises refusals, and Pending.
    """

    def __init__(self, vhost: VHost, access: Access, owner_id: int = 0) -> None:
        self.vhost: Final = vhost
        self.access: Final = access
        self._owner_id: Final = owner_id
        self._name: Final = access.user.name

    # --- queues ----------------------------------------------------------------------------

    def declare_queue(self, wish: QueueWish) -> Queue:
        """The queue that is wished for, made if need be."""
        self.check_declaration(wish.name, wish.arguments, wish.name not in self.vhost.queues)
        return self.vhost.declare_queue(wish, self._owner_id, self._name)

    def check_declaration(self, name: str, table: Table, is_new: bool) -> None:
        """The rights that declaring a queue needs."""
        access = self.access
        access.configure("queue", name)
        dead_letters = table.get("x-dead-letter-exchange")
        if is_new and dead_letters is not None and dead_letters.kind == LONGSTR:
            access.read("queue", name)
            access.write("exchange", str(dead_letters.value))

    def delete_queue(self, name: str, if_unused: bool, if_empty: bool) -> int:
        """Delete the queue, if there is one.  Returns how many messages waited."""
        self.access.configure("queue", name)
        if name not in self.vhost.queues:
            return 0
        queue = self.vhost.queue(name, self._owner_id)
        return self.vhost.delete_queue(queue, if_unused, if_empty, self._name)

    def purge_queue(self, name: str) -> int:
        """Drop what waits in the queue.  Returns how many messages."""
        return self.readable_queue(name).purge()

    def readable_queue(self, name: str) -> Queue:
        """The queue, to take messages out of it."""
        self.access.read("queue", name)
        return self.vhost.queue(name, self._owner_id)

    # --- exchanges -------------------------------------------------------------------------

    def declare_exchange(self, wish: ExchangeWish) -> Exchange:
        """The exchange that is wished for, made if need be."""
        check_not_default(wish.name)
        check_kind(wish.kind)
        self.access.configure("exchange", wish.name)
        if wish.name not in self.vhost.exchanges:
            self._check_alternate(wish.name, wish.arguments)
        return self.vhost.declare_exchange(wish, self._name)

    def _check_alternate(self, name: str, table: Table) -> None:
        """Whoever has messages moved on must be allowed to move them."""
        alternate = check_alternate(self.vhost.describe("exchange", name), table)
        if alternate:
            self.access.read("exchange", name)
            self.access.write("exchange", alternate)

    def delete_exchange(self, name: str, if_unused: bool) -> None:
        """Delete the exchange, if there is one."""
        check_not_default(name)
        self.access.configure("exchange", name)
        self.vhost.check_deletable(name)
        exchange = self.vhost.exchanges.get(name)
        if exchange is not None:
            self.vhost.delete_exchange(exchange, if_unused, self._name)

    # --- bindings --------------------------------------------------------------------------

    def bind_queue(self, source_name: str, name: str, key: str, table: Table) -> None:
        """Let messages flow from an exchange to a queue."""
        self._check_queue_binding(source_name, name, key)
        source = self.vhost.exchange(source_name)
        queue = self.vhost.queue(name, self._owner_id)
        self.vhost.bind(source, queue, None, key, table, self._name)

    def unbind_queue(self, source_name: str, name: str, key: str, table: Table) -> None:
        """Let them flow no longer; what is not there is not bound either."""
        self._check_queue_binding(source_name, name, key)
        source = self.vhost.exchanges.get(source_name)
        if source is not None and name in self.vhost.queues:
            queue = self.vhost.queue(name, self._owner_id)
            self.vhost.unbind(source, queue, None, key, table, self._name)

    def _check_queue_binding(self, source_name: str, name: str, key: str) -> None:
        if name in self.vhost.replies or name == REPLY_TO:
            raise AccessRefused("cannot bind or unbind to a volatile (direct reply-to) queue")
        self.access.write("queue", name)
        check_not_default(source_name)
        self._check_source(source_name, key)

    def _check_source(self, name: str, key: str) -> None:
        """The rights that a binding needs at the exchange that messages come from."""
        self.access.read("exchange", name)
        source = self.vhost.exchanges.get(name)
        if source is not None and source.kind == TOPIC:
            self.access.read_topic(name, key)

    def bind_exchange(self, source_name: str, name: str, key: str, table: Table) -> None:
        """Let messages flow from one exchange to another."""
        self._check_exchange_binding(source_name, name, key)
        source = self.vhost.exchange(source_name)
        self.vhost.bind(source, None, self.vhost.exchange(name), key, table, self._name)

    def unbind_exchange(self, source_name: str, name: str, key: str, table: Table) -> None:
        """Let them flow no longer; what is not there is not bound either."""
        self._check_exchange_binding(source_name, name, key)
        exchanges = self.vhost.exchanges
        if source_name in exchanges and name in exchanges:
            source = exchanges[source_name]
            self.vhost.unbind(source, None, exchanges[name], key, table, self._name)

    def _check_exchange_binding(self, source_name: str, name: str, key: str) -> None:
        self.access.write("exchange", name)
        check_not_default(name)
        check_not_default(source_name)
        self._check_source(source_name, key)


def clean_name(name: str) -> str:
    """``name`` as RabbitMQ uses it: without carriage returns and line feeds."""
    if "\r" in name or "\n" in name:
        return name.replace("\r", "").replace("\n", "")
    return name


def check_not_default(name: str) -> None:
    """Nobody changes the default exchange.  Raises AccessRefused."""
    if name == "":
        raise AccessRefused("operation not permitted on the default exchange")
