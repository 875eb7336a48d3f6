"""Direct reply-to: the pseudo queue amq.rabbitmq.reply-to and its refusals."""

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage

PSEUDO = "amq.rabbitmq.reply-to"


def _ask(client: Peer, server: Peer, queue: str) -> str:
    """Send a request as ``client``; returns the reply-to that ``server`` sees."""
    client.publish("", queue, b"question", {"reply_to": PSEUDO, "correlation_id": "1"})
    client.settle()
    got = server.get(queue)
    reply_to: str = got.properties["reply_to"]
    return reply_to


def scenario_reply_round_trip(c: Stage) -> Trace:
    client, server = c.peer(), c.peer()
    q = c.queue(server)
    client.subscribe(PSEUDO, "replies", no_ack=True)
    address = _ask(client, server, q)
    server.publish("", address, b"answer", {"correlation_id": "1"}, mandatory=True)
    client.take()
    server.publish("", address, b"second answer")
    client.take()
    server.settle()
    return c.trace


def scenario_reply_generated_tag(c: Stage) -> Trace:
    p = c.peer()
    p.subscribe(PSEUDO, "", no_ack=True)
    return c.trace


def scenario_reply_needs_no_ack(c: Stage) -> Trace:
    c.attempt("basic.consume", queue=PSEUDO, consumer_tag="t")
    return c.trace


def scenario_reply_consumer_twice(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    p.subscribe(PSEUDO, "one", 1, no_ack=True)
    p.subscribe(PSEUDO, "two", 2, no_ack=True)
    p.subscribe(PSEUDO, "three", 1, no_ack=True)
    return c.trace


def scenario_reply_consumer_tag_reuse(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.subscribe(q, "t", no_ack=True)
    p.subscribe(PSEUDO, "t", no_ack=True)
    return c.trace


def scenario_reply_without_a_consumer(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.attempt_publish("", q, b"x", properties={"reply_to": PSEUDO})
    p.get(q)
    return c.trace


def scenario_reply_after_cancel(c: Stage) -> Trace:
    client, server = c.peer(), c.peer()
    q = c.queue(server)
    client.subscribe(PSEUDO, "replies", no_ack=True)
    address = _ask(client, server, q)
    client.call("basic.cancel", consumer_tag="replies")
    server.publish("", address, b"too late", mandatory=True)
    server.settle()
    client.quiet()
    client.subscribe(PSEUDO, "again", no_ack=True)
    client.publish("", q, b"x", {"reply_to": PSEUDO})
    client.settle()
    return c.trace


def scenario_reply_to_a_channel_that_is_gone(c: Stage) -> Trace:
    client, server = c.peer(channels=(1, 2)), c.peer()
    q = c.queue(server)
    client.subscribe(PSEUDO, "replies", 1, no_ack=True)
    address = _ask(client, server, q)
    server.call("queue.declare", queue=address, passive=True)
    client.call("channel.close", 1)
    server.publish("", address, b"x", mandatory=True)
    server.settle()
    server.call("queue.declare", queue=address, passive=True)
    return c.trace


def scenario_reply_pseudo_queue_methods(c: Stage) -> Trace:
    c.attempt("queue.declare", queue=PSEUDO)
    c.attempt("queue.declare", queue=PSEUDO, passive=True)
    c.attempt("queue.declare", queue=f"{PSEUDO}.nonsense", passive=True)
    return c.trace


def scenario_reply_pseudo_queue_refusals(c: Stage) -> Trace:
    c.attempt("queue.bind", queue=PSEUDO, exchange="amq.direct", routing_key="k")
    c.attempt("queue.unbind", queue=PSEUDO, exchange="amq.direct", routing_key="k")
    c.attempt("queue.purge", queue=PSEUDO)
    c.attempt("queue.delete", queue=PSEUDO)
    c.attempt("basic.get", queue=PSEUDO, no_ack=True)
    return c.trace


def scenario_reply_publish_to_the_pseudo_queue(c: Stage) -> Trace:
    p = c.peer()
    p.subscribe(PSEUDO, "t", no_ack=True)
    p.publish("", PSEUDO, b"to itself", mandatory=True)
    p.publish("", f"{PSEUDO}.nonsense", b"to nobody", mandatory=True)
    p.quiet()
    p.settle()
    return c.trace


def scenario_reply_with_mandatory_and_confirms(c: Stage) -> Trace:
    client, server = c.peer(), c.peer()
    q = c.queue(server)
    client.subscribe(PSEUDO, "replies", no_ack=True)
    address = _ask(client, server, q)
    server.call("confirm.select")
    server.publish("", address, b"answer", mandatory=True)
    server.take(1)
    client.take()
    return c.trace


def scenario_reply_delivery_tags(c: Stage) -> Trace:
    client, server = c.peer(), c.peer()
    q = c.queue(server)
    client.subscribe(PSEUDO, "replies", no_ack=True)
    address = _ask(client, server, q)
    for number in range(3):
        server.publish("", address, b"%d" % number)
    client.take(3)
    client.publish("", q, b"own message")
    client.get(q, no_ack=False)
    client.send("basic.ack", delivery_tag=4)
    client.settle()
    return c.trace


def scenario_reply_on_the_channel_itself(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.subscribe(PSEUDO, "replies", no_ack=True)
    address = _ask(p, p, q)
    p.publish("", address, b"to myself")
    p.take()
    return c.trace
