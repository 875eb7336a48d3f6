"""Messages and queues that grow old or too many, and where dead letters go."""

from tests.differential.letters import dead_letters, grave_of
from tests.differential.peer import Trace
from tests.differential.stage import Stage


def _counts(c: Stage, queue: str) -> None:
    c.note(f"{c.look(queue)[0]} wait")


# --- time to live ----------------------------------------------------------------------------


def scenario_ttl_of_a_queue(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-message-ttl": c.ms(300)})
    c.fill(q, 3)
    _counts(c, q)
    p.get(q)
    c.wait(0.6)
    _counts(c, q)
    p.get(q)
    return c.trace


def scenario_ttl_of_a_message(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.put(q, b"short", expiration="200")
    c.put(q, b"long", expiration="60000")
    c.put(q, b"for ever")
    c.wait(0.5)
    _counts(c, q)
    p.empty(q)
    return c.trace


def scenario_ttl_is_the_shorter_of_both(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-message-ttl": 300})
    r = c.queue(p, "r", arguments={"x-message-ttl": 60000})
    c.put(q, b"as the queue says", expiration="60000")
    c.put(r, b"as it says itself", expiration="300")
    c.wait(0.6)
    p.get(q)
    p.get(r)
    return c.trace


def scenario_ttl_counts_at_the_head_only(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.put(q, b"long", expiration="60000")
    c.put(q, b"short", expiration="200")
    c.wait(0.5)
    _counts(c, q)
    p.get(q)
    p.get(q)
    return c.trace


def scenario_ttl_of_zero(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-message-ttl": 0})
    r = c.queue(p, "r")
    c.put(q, b"nobody is there")
    c.put(r, b"nobody is there", expiration="0")
    c.wait(0.2)
    p.get(q)
    p.get(r)
    p.subscribe(q, "there", no_ack=True)
    p.subscribe(r, "here", no_ack=True)
    c.put(q, b"somebody is there")
    p.take()
    c.put(r, b"somebody is here", expiration="0")
    p.take()
    return c.trace


def scenario_ttl_goes_on_in_the_hands_of_a_consumer(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-message-ttl": c.ms(500)})
    c.fill(q, 2)
    p.get(q, no_ack=False)
    c.wait(0.8)
    _counts(c, q)
    p.send("basic.nack", delivery_tag=1, requeue=True)
    p.settle()
    c.wait(0.2)
    p.get(q)
    return c.trace


def scenario_ttl_goes_on_after_a_requeue(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.put(q, b"twice", expiration=str(c.ms(700)))
    p.get(q, no_ack=False)
    p.send("basic.reject", delivery_tag=1, requeue=True)
    p.settle()
    p.get(q, no_ack=False)
    p.send("basic.reject", delivery_tag=2, requeue=True)
    p.settle()
    c.wait(1.0)
    p.get(q)
    return c.trace


def scenario_ttl_in_a_priority_queue(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-priority": 5})
    c.put(q, b"low, long", expiration="60000", priority=1)
    c.put(q, b"low, short", expiration="200", priority=1)
    c.put(q, b"high, short", expiration="200", priority=4)
    c.put(q, b"high", priority=4)
    c.wait(0.5)
    p.get(q)
    p.get(q)
    return c.trace


# --- queues that expire ----------------------------------------------------------------------


def scenario_expires(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-expires": c.ms(400)})
    c.fill(q, 1)
    c.wait(1.0)
    c.attempt("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_expires_is_put_off_by_use(c: Stage) -> Trace:
    p = c.peer()
    got, declared = (c.queue(p, name, arguments={"x-expires": c.ms(900)}) for name in ("g", "d"))
    for _ in range(3):
        c.wait(0.5)
        p.get(got)
        p.call("queue.declare", queue=declared, arguments={"x-expires": c.ms(900)})
    c.wait(1.6)
    c.attempt("queue.declare", queue=got, passive=True)
    c.attempt("queue.declare", queue=declared, passive=True)
    return c.trace


def scenario_expires_not_while_somebody_consumes(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-expires": c.ms(300)})
    p.subscribe(q, "here")
    c.wait(0.9)
    _counts(c, q)
    p.call("basic.cancel", consumer_tag="here")
    c.wait(0.9)
    c.attempt("queue.declare", queue=q, passive=True)
    return c.trace


# --- limits ----------------------------------------------------------------------------------


def scenario_limit_drops_the_oldest(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length": 3})
    c.fill(q, 6)
    p.empty(q)
    return c.trace


def scenario_limit_of_octets(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length-bytes": 10})
    c.put(q, b"12345", b"67890", b"abc", b"larger than all of it", b"x")
    p.empty(q)
    return c.trace


def scenario_limit_of_both(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length-bytes": 10, "x-max-length": 2})
    c.put(q, b"1", b"2", b"3", b"four....", b"five..")
    p.empty(q)
    return c.trace


def scenario_limit_of_zero(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length": 0})
    c.put(q, b"nobody is there")
    p.get(q)
    p.subscribe(q, "there", no_ack=True)
    c.put(q, b"somebody is there")
    p.take()
    return c.trace


def scenario_limit_counts_what_waits_only(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length": 2})
    c.fill(q, 2)
    p.get(q, no_ack=False)
    c.put(q, b"third")
    _counts(c, q)
    p.send("basic.nack", delivery_tag=1, requeue=True)
    p.settle()
    p.empty(q)
    return c.trace


def scenario_limit_in_a_priority_queue(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length": 2, "x-max-priority": 5})
    c.put(q, b"high", priority=5)
    c.put(q, b"low", priority=1)
    c.put(q, b"middle", priority=3)
    c.put(q, b"higher", priority=5)
    p.empty(q)
    return c.trace


def scenario_limit_refuses_octets(c: Stage) -> Trace:
    p = c.peer()
    limits = {"x-max-length-bytes": 10, "x-overflow": "reject-publish"}
    q = c.queue(p, arguments=limits)
    p.call("confirm.select")
    for number, body in enumerate((b"12345678", b"123", b"12", b"1"), 1):
        p.publish("", q, body)
        p.confirms(1, first=number)
    p.empty(q)
    return c.trace


def scenario_limit_refuses_without_confirms(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    p.publish("", q, b"first")
    p.publish("", q, b"second", mandatory=True)
    p.settle()
    p.empty(q)
    return c.trace


def scenario_limit_of_one_of_two_refuses(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "fanout")
    full = c.queue(p, "full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    free = c.queue(p, "free")
    c.bind(p, full, x)
    c.bind(p, free, x)
    p.call("confirm.select")
    for number in (1, 2):
        p.publish(x, "", b"%d" % number)
        p.confirms(1, first=number)
    p.empty(full)
    p.empty(free)
    return c.trace


def scenario_limit_does_not_refuse_a_requeue(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    c.put(q, b"first")
    p.get(q, no_ack=False)
    c.put(q, b"second")
    p.send("basic.nack", delivery_tag=1, requeue=True)
    p.settle()
    p.empty(q)
    return c.trace


# --- dead letters ----------------------------------------------------------------------------


def scenario_dead_by_rejection(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p)
    c.fill(q, 4)
    for _ in range(4):
        p.get(q, no_ack=False)
    p.send("basic.reject", delivery_tag=1, requeue=False)
    p.send("basic.nack", delivery_tag=3, multiple=True, requeue=False)
    p.send("basic.ack", delivery_tag=4)
    p.settle()
    dead_letters(c, p, grave, 3)
    return c.trace


def scenario_dead_by_age(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p)
    c.put(q, b"its own", expiration="100", headers={"mine": 1}, message_id="m", delivery_mode=2)
    dead_letters(c, p, grave)
    return c.trace


def scenario_dead_by_the_queues_ttl(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p, **{"x-message-ttl": 100})
    c.put(q, b"old", content_type="text/plain")
    dead_letters(c, p, grave)
    return c.trace


def scenario_dead_by_length(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p, **{"x-max-length": 1})
    c.fill(q, 3)
    dead_letters(c, p, grave, 2)
    return c.trace


def scenario_dead_by_refusal(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p, **{"x-max-length": 1, "x-overflow": "reject-publish-dlx"})
    p.call("confirm.select")
    for number in (1, 2):
        p.publish("", q, b"%d" % number)
        p.confirms(1, first=number)
    dead_letters(c, p, grave)
    return c.trace


def scenario_dead_with_a_key_of_its_own(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "direct", "dlx")
    grave, other = c.queue(p, "grave"), c.queue(p, "other")
    c.bind(p, grave, x, "lost")
    c.bind(p, other, x, "cc")
    given = {"x-dead-letter-exchange": x, "x-dead-letter-routing-key": "lost"}
    q = c.queue(p, arguments={**given, "x-max-length": 0})
    p.publish("", q, b"x", {"headers": {"CC": ["cc"]}})
    p.settle()
    dead_letters(c, p, grave)
    dead_letters(c, p, other, 0)
    return c.trace


def scenario_dead_with_the_keys_it_had(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "direct", "dlx")
    grave, other, blind = c.queue(p, "grave"), c.queue(p, "other"), c.queue(p, "blind")
    q = c.queue(p, arguments={"x-dead-letter-exchange": x, "x-max-length": 0})
    c.bind(p, grave, x, q)
    c.bind(p, other, x, "cc")
    c.bind(p, blind, x, "bcc")
    p.publish("", q, b"x", {"headers": {"CC": ["cc"], "BCC": ["bcc"]}})
    p.settle()
    for queue in (grave, other, blind):
        dead_letters(c, p, queue)
    return c.trace


def scenario_dead_without_an_exchange(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-dead-letter-exchange": c.x("missing"), "x-max-length": 1})
    c.fill(q, 3)
    p.empty(q)
    return c.trace


def scenario_dead_to_the_default_exchange(c: Stage) -> Trace:
    p = c.peer()
    grave = c.queue(p, "grave")
    given = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": grave}
    q = c.queue(p, arguments={**given, "x-max-length": 0})
    c.put(q, b"x")
    dead_letters(c, p, grave)
    return c.trace


def scenario_dead_twice(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "fanout", "dlx")
    retry = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": c.q()}
    wait = c.queue(p, "wait", arguments={**retry, "x-message-ttl": 100})
    c.bind(p, wait, x)
    q = c.queue(p, arguments={"x-dead-letter-exchange": x})
    c.put(q, b"again and again", expiration="60000")
    for tag in (1, 2, 3):
        p.recording = False
        p.get(q, no_ack=False)
        p.send("basic.reject", delivery_tag=tag, requeue=False)
        p.settle()
        p.recording = True
        c.holds(q, 1)
    dead_letters(c, p, q)
    return c.trace


def scenario_dead_in_a_circle(c: Stage) -> Trace:
    """Nobody has a hand in it, so it goes round once and is dropped."""
    p = c.peer()
    first, second = c.q("first"), c.q("second")
    for name, to in (("first", second), ("second", first)):
        given = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": to}
        c.queue(p, name, arguments={**given, "x-message-ttl": 50})
    c.put(first, b"round and round")
    c.wait(0.3)
    for name in (first, second):
        c.holds(name, 0)
    c.note("gone")
    return c.trace


def scenario_dead_headers_of_the_publisher(c: Stage) -> Trace:
    p = c.peer()
    q, grave = grave_of(c, p, **{"x-max-length": 0})
    p.publish("", q, b"x", {"headers": {"x-first-death-queue": "mine", "other": "kept"}})
    p.settle()
    dead_letters(c, p, grave)
    return c.trace
