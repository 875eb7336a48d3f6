"""Dead letters that go on: from queue to queue, by every kind of exchange, with all they carry."""

from typing import Any

from tests.differential.letters import dead_letters, grave_of
from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage


def _to(queue: str) -> dict[str, Any]:
    """Arguments of a queue whose dead letters go to another queue."""
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}


def _reject(p: Peer, queue: str) -> None:
    got = p.unrecorded("basic.get", queue=queue, no_ack=False)
    p.send("basic.reject", delivery_tag=got.delivery_tag, requeue=False)
    p.unrecorded("basic.qos", prefetch_count=0)


def scenario_chain_of_four_queues(c: Stage) -> Trace:
    """Rejected, then too old, then too many: each death has its line."""
    p = c.peer()
    last = c.queue(p, "last")
    third = c.queue(p, "third", arguments={**_to(last), "x-max-length": 0})
    second = c.queue(p, "second", arguments={**_to(third), "x-message-ttl": 50})
    first = c.queue(p, "first", arguments=_to(second))
    c.put(first, b"far")
    _reject(p, first)
    dead_letters(c, p, last)
    return c.trace


def scenario_chain_of_retries(c: Stage) -> Trace:
    """What many programs do: rejected work waits and comes back, and its deaths are counted."""
    p = c.peer()
    work, wait = c.q("work"), c.q("wait")
    c.queue(p, "work", arguments=_to(wait))
    c.queue(p, "wait", arguments={**_to(work), "x-message-ttl": 30})
    c.put(work, b"one", b"two")
    for _ in range(3):
        c.holds(work, 2)
        for _ in range(2):
            _reject(p, work)
    dead_letters(c, p, work, 2)
    return c.trace


def scenario_chain_to_itself(c: Stage) -> Trace:
    """By rejection a queue may bury in itself; by age it may not."""
    p = c.peer()
    by_hand, by_age = c.q("hand"), c.q("age")
    c.queue(p, "hand", arguments=_to(by_hand))
    c.queue(p, "age", arguments={**_to(by_age), "x-message-ttl": 30})
    c.put(by_hand, b"again")
    c.put(by_age, b"never again")
    for _ in range(2):
        c.holds(by_hand, 1)
        _reject(p, by_hand)
    dead_letters(c, p, by_hand)
    dead_letters(c, p, by_age, 0)
    return c.trace


def scenario_chain_circle_with_a_rejection(c: Stage) -> Trace:
    """A circle that somebody had a hand in goes on; the part that nobody had ends."""
    p = c.peer()
    first, second = c.q("first"), c.q("second")
    c.queue(p, "first", arguments=_to(second))
    c.queue(p, "second", arguments={**_to(first), "x-max-length": 0})
    c.put(first, b"round")
    for _ in range(3):
        c.holds(first, 1)
        _reject(p, first)
    dead_letters(c, p, first)
    return c.trace


def scenario_chain_by_topic(c: Stage) -> Trace:
    """A dead letter is routed like any message: to several queues, once to each."""
    p = c.peer()
    x = c.exchange(p, "topic", "dlx")
    one, two, three = c.queue(p, "one"), c.queue(p, "two"), c.queue(p, "three")
    for queue, key in ((one, "a.*"), (one, "#"), (two, "*.b"), (three, "x")):
        c.bind(p, queue, x, key)
    own = {"x-dead-letter-exchange": x, "x-max-length": 0, "x-dead-letter-routing-key": "a.b"}
    c.put(c.queue(p, arguments=own), b"by a key of its own")
    for queue, count in ((one, 1), (two, 1), (three, 0)):
        dead_letters(c, p, queue, count)
    return c.trace


def scenario_chain_by_headers(c: Stage) -> Trace:
    """The headers that the broker adds can be matched, too."""
    p = c.peer()
    x = c.exchange(p, "headers", "dlx")
    old, many = c.queue(p, "old"), c.queue(p, "many")
    for queue, reason in ((old, "expired"), (many, "maxlen")):
        match = {"x-match": "all-with-x", "x-first-death-reason": reason}
        c.bind(p, queue, x, arguments=match)
    c.put(c.queue(p, arguments={"x-dead-letter-exchange": x, "x-max-length": 0}), b"too many")
    aging = {"x-dead-letter-exchange": x, "x-message-ttl": 30}
    c.put(c.queue(p, "aging", arguments=aging), b"too old")
    dead_letters(c, p, old)
    dead_letters(c, p, many)
    return c.trace


def scenario_chain_over_exchanges(c: Stage) -> Trace:
    """The dead letters' exchange feeds another one, and has an alternate one."""
    p = c.peer()
    other = c.exchange(p, "fanout", "other")
    x = c.exchange(p, "direct", "dlx", arguments={"alternate-exchange": other})
    fed = c.exchange(p, "fanout", "fed")
    p.unrecorded("exchange.bind", destination=fed, source=x, routing_key="known")
    left, right = c.queue(p, "left"), c.queue(p, "right")
    c.bind(p, left, fed)
    c.bind(p, right, other)
    for key in ("known", "unknown"):
        own = {"x-dead-letter-exchange": x, "x-dead-letter-routing-key": key, "x-max-length": 0}
        c.put(c.queue(p, key, arguments=own), key.encode())
    dead_letters(c, p, left)
    dead_letters(c, p, right)
    return c.trace


def scenario_chain_exchange_comes_and_goes(c: Stage) -> Trace:
    """Only the name of the exchange is kept: dead letters are lost while there is none."""
    p = c.peer()
    x = c.x("dlx")
    grave = c.queue(p, "grave")
    q = c.queue(p, arguments={"x-dead-letter-exchange": x, "x-max-length": 0})
    c.put(q, b"before")
    c.exchange(p, "fanout", "dlx")
    c.bind(p, grave, x)
    c.put(q, b"while it is there")
    c.holds(grave, 1)
    p.call("exchange.delete", exchange=x)
    c.put(q, b"after")
    c.holds(q, 0)
    dead_letters(c, p, grave)
    return c.trace


def scenario_chain_of_an_internal_exchange(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "fanout", "dlx", internal=True)
    grave = c.queue(p, "grave")
    c.bind(p, grave, x)
    c.put(c.queue(p, arguments={"x-dead-letter-exchange": x, "x-max-length": 0}), b"x")
    dead_letters(c, p, grave)
    return c.trace


def scenario_chain_not_by_purge_nor_delete(c: Stage) -> Trace:
    """Who throws messages away on purpose buries none."""
    p = c.peer()
    q, grave = grave_of(c, p)
    c.fill(q, 3)
    p.get(q, no_ack=False)
    p.call("queue.purge", queue=q)
    c.fill(q, 2)
    p.call("queue.delete", queue=q)
    dead_letters(c, p, grave, 0)
    return c.trace


def scenario_chain_not_by_what_requeues(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p)
    c.fill(q, 3)
    for _ in range(3):
        p.get(q, no_ack=False)
    p.send("basic.nack", delivery_tag=1, requeue=True)
    p.call("basic.recover", requeue=True)
    p.get(q, no_ack=False)
    p.call("channel.close", reply_code=200, reply_text="", class_id=0, method_id=0)
    p.call("channel.open")
    p.settle()
    p.empty(q)
    dead_letters(c, p, grave, 0)
    return c.trace


def scenario_chain_keeps_every_property(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p, **{"x-max-length": 0})
    given = {
        "content_type": "text/plain",
        "content_encoding": "gzip",
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "c",
        "reply_to": "r",
        "message_id": "m",
        "timestamp": 1234567890,
        "type": "t",
        "user_id": "guest",
        "app_id": "a",
    }
    c.put(q, b"x", **given)
    c.put(q, b"y", expiration="60000", headers={})
    dead_letters(c, p, grave, 2)
    return c.trace


def scenario_chain_of_the_dead_in_order(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p)
    c.fill(q, 6)
    for _ in range(6):
        p.unrecorded("basic.get", queue=q, no_ack=False)
    p.send("basic.nack", delivery_tag=4, multiple=True, requeue=False)
    p.send("basic.reject", delivery_tag=6, requeue=False)
    p.send("basic.reject", delivery_tag=5, requeue=False)
    p.settle()
    c.holds(grave, 6)
    p.recording = False
    c.note(str(p.empty(grave)))
    return c.trace


def scenario_chain_to_a_consumer(c: Stage) -> Trace:
    """A dead letter is delivered like any other, and may be rejected again."""
    p = c.peer()
    last = c.queue(p, "last")
    middle = c.queue(p, "middle", arguments=_to(last))
    q = c.queue(p, arguments={**_to(middle), "x-max-length": 0})
    reader = c.peer()
    reader.recording = False
    reader.subscribe(middle, "reader")
    c.put(q, b"x")
    got = reader.read()
    assert got is not None
    c.note(f"{got.name} {got.exchange!r} {got.routing_key!r} {got.redelivered}")
    reader.send("basic.reject", delivery_tag=got.delivery_tag, requeue=False)
    reader.settle()
    dead_letters(c, p, last)
    return c.trace


def scenario_chain_into_a_full_queue(c: Stage) -> Trace:
    """The grave refuses what is too many: it is lost, and nobody is told."""
    p = c.peer()
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    grave = c.queue(p, "grave", arguments=full)
    q = c.queue(p, arguments={**_to(grave), "x-max-length": 0})
    p.call("confirm.select")
    for number in range(3):
        p.publish("", q, b"%d" % number)
    p.confirms(3)
    c.holds(q, 0)
    dead_letters(c, p, grave)
    return c.trace


def scenario_chain_in_a_transaction(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p)
    c.fill(q, 2)
    p.call("tx.select")
    for tag in (1, 2):
        p.get(q, no_ack=False)
        p.send("basic.reject", delivery_tag=tag, requeue=False)
    dead_letters(c, c.peer(), grave, 0)
    p.call("tx.commit")
    dead_letters(c, c.peer(), grave, 2)
    return c.trace


def scenario_chain_of_a_priority_queue(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p, **{"x-max-priority": 5, "x-max-length": 2})
    for number, priority in enumerate((1, 5, 3, 1)):
        c.put(q, b"%d" % number, priority=priority)
    dead_letters(c, p, grave, 2)
    p.empty(q)
    return c.trace


def scenario_chain_of_a_queue_that_expires(c: Stage) -> Trace:
    """Its messages go with it, and are not buried."""
    p = c.peer()
    q, grave = grave_of(c, p, **{"x-expires": 100})
    c.fill(q, 2)
    c.wait(0.5)
    c.attempt("queue.declare", queue=q, passive=True)
    dead_letters(c, p, grave, 0)
    return c.trace
