"""A refused request leaves everything as it was: nothing is made, changed or lost."""

from tests.differential.peer import Trace
from tests.differential.stage import Stage


def scenario_refused_declare_makes_no_queue(c: Stage) -> Trace:
    wrong = [
        {"x-message-ttl": -1},
        {"x-expires": 0},
        {"x-max-length": -1},
        {"x-max-length-bytes": "many"},
        {"x-max-priority": 256},
        {"x-overflow": "drop-everything"},
        {"x-dead-letter-exchange": 1},
        {"x-dead-letter-routing-key": "without an exchange"},
        {"x-single-active-consumer": 1},
        {"x-queue-type": "nonsense"},
    ]
    for number, arguments in enumerate(wrong):
        name = c.q(str(number))
        c.attempt("queue.declare", queue=name, arguments=arguments)
        c.attempt("queue.declare", queue=name, passive=True)
    return c.trace


def scenario_refused_declare_changes_no_queue(c: Stage) -> Trace:
    """Not even what the two declares agree about, or what only one of them says."""
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length": 2})
    c.attempt("queue.declare", queue=q, arguments={"x-max-length": 1})
    c.attempt("queue.declare", queue=q, auto_delete=True, arguments={"x-max-length": 2})
    c.fill(q, 3)
    p.empty(q)
    p.call("queue.declare", queue=q, arguments={"x-max-length": 2})
    return c.trace


def scenario_refused_declare_makes_no_exchange(c: Stage) -> Trace:
    name = c.x()
    c.attempt("exchange.declare", exchange=name, type="direct", arguments={"alternate-exchange": 1})
    c.attempt("exchange.declare", exchange=name, type="direct", passive=True)
    c.attempt("exchange.declare", exchange=f"amq.{name}", type="direct")
    c.attempt("exchange.declare", exchange=f"amq.{name}", type="direct", passive=True)
    return c.trace


def scenario_refused_bind_binds_nothing(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "headers"), c.queue(p)
    c.attempt("queue.bind", queue=q, exchange=x, arguments={"x-match": "some"})
    c.attempt("queue.bind", queue=q, exchange=c.x("missing"))
    c.attempt("queue.bind", queue=c.q("missing"), exchange=x)
    c.attempt("exchange.bind", destination=c.x("missing"), source=x)
    c.attempt_publish(x, mandatory=True)
    # Nothing is bound, so that it is unused.
    c.attempt("exchange.delete", exchange=x, if_unused=True)
    return c.trace


def scenario_refused_consume_consumes_nothing(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 1)
    p.subscribe(q, "first")
    p.take()
    c.attempt("basic.consume", queue=q, consumer_tag="late", exclusive=True)
    c.attempt("basic.consume", queue=q, consumer_tag="odd", arguments={"x-priority": "high"})
    c.attempt("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_refused_delete_deletes_nothing(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "fanout"), c.queue(p)
    c.bind(p, q, x)
    c.fill(q, 2)
    p.subscribe(q, "t", no_ack=False)
    p.take(2)
    c.attempt("queue.delete", queue=q, if_unused=True)
    c.attempt("exchange.delete", exchange=x, if_unused=True)
    p.call("basic.cancel", consumer_tag="t")
    p.call("basic.recover", requeue=True)
    c.attempt("queue.delete", queue=q, if_empty=True)
    p.empty(q)
    return c.trace


def scenario_refused_publish_is_nowhere(c: Stage) -> Trace:
    """One that is refused, among others that are not: of the same fan-out nobody has it."""
    p = c.peer()
    x = c.exchange(p, "fanout")
    one, two = c.queue(p, "one"), c.queue(p, "two")
    for queue in (one, two):
        c.bind(p, queue, x)
    c.attempt_publish(x, body=b"1", properties={"expiration": "soon"})
    c.attempt_publish(x, body=b"2", properties={"user_id": "somebody"})
    c.attempt_publish(x, body=b"3", properties={"headers": {"CC": 1}})
    c.attempt_publish(x, body=b"4")
    p.empty(one)
    p.empty(two)
    return c.trace


def scenario_refused_ack_settles_nothing(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 2)
    p.get(q, no_ack=False)
    p.send("basic.ack", delivery_tag=5)
    p.take()
    p.reopen()
    p.empty(q)
    return c.trace


def scenario_refused_because_of_its_size(c: Stage) -> Trace:
    """Only when all of it has come; the largest that may be is taken."""
    p = c.peer()
    q = c.queue(p)
    largest = 16 << 20
    p.publish("", q, b"x" * largest)
    p.settle()
    p.get(q)
    p.publish("", q, b"x" * (largest + 1))
    p.take()
    p.reopen()
    p.get(q)
    return c.trace
