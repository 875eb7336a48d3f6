"""Consuming: tags, order, prefetch, priorities, exclusive ones, cancelling, acknowledging."""

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage


def scenario_consume_refusals(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.attempt("basic.consume", queue=c.q("missing"))
    c.attempt("basic.get", queue=c.q("missing"))
    p.subscribe(q, "t")
    p.subscribe(q, "t")
    return c.trace


def scenario_consume_tag_per_channel(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p)
    p.subscribe(q, "t", 1)
    p.subscribe(q, "t", 2)
    p.call("basic.cancel", 1, consumer_tag="t")
    p.subscribe(q, "t", 1)
    return c.trace


def scenario_consume_generated_tag(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    first, second = p.subscribe(q, ""), p.subscribe(q, "")
    c.note(f"{len(first.consumer_tag)} {first.consumer_tag != second.consumer_tag}")
    p.call("basic.cancel", consumer_tag=first.consumer_tag)
    return c.trace


def scenario_consume_nowait(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.send("basic.consume", queue=q, consumer_tag="t", nowait=True)
    p.publish("", q, b"1")
    p.take()
    p.send("basic.cancel", consumer_tag="t", nowait=True)
    p.settle()
    c.put(q, b"2")
    p.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_consume_nowait_with_errors(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.send("basic.consume", queue=q, nowait=True, no_ack=True)
    p.publish("", q, b"1")
    p.take()
    p.send("basic.consume", queue=c.q("missing"), consumer_tag="u", nowait=True)
    p.take()
    return c.trace


def scenario_consume_ok_comes_first(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 3)
    p.send("basic.consume", queue=q, consumer_tag="t")
    p.take(4)
    return c.trace


def scenario_consume_no_local_is_ignored(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.subscribe(q, "t", no_local=True, no_ack=True)
    p.publish("", q, b"my own")
    p.take()
    return c.trace


def scenario_cancel(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.subscribe(q, "t")
    c.fill(q, 2)
    p.take(2)
    p.call("basic.cancel", consumer_tag="t")
    p.call("basic.cancel", consumer_tag="t")
    p.call("basic.cancel", consumer_tag="never")
    p.call("queue.declare", queue=q, passive=True)
    p.publish("", q, b"after")
    p.send("basic.ack", delivery_tag=1)
    p.send("basic.nack", delivery_tag=2, requeue=True)
    p.empty(q)
    return c.trace


def scenario_cancel_notify(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    p.subscribe(q, "one")
    p.publish("", q, b"held")
    p.take()
    other.call("queue.delete", queue=q)
    p.take()
    p.send("basic.ack", delivery_tag=1)
    p.settle()
    p.call("basic.cancel", consumer_tag="one")
    return c.trace


def scenario_cancel_notify_to_itself(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.subscribe(q, "one")
    p.send("queue.delete", queue=q)
    got = sorted(repr(one) for one in _unrecorded(p, 2))
    c.note(str(got))
    return c.trace


def _unrecorded(p: Peer, count: int) -> list[object]:
    p.recording = False
    got: list[object] = [p.read() for _ in range(count)]
    p.recording = True
    return got


def scenario_cancel_notify_not_wanted(c: Stage) -> Trace:
    p, other = c.peer(properties={}), c.peer()
    q = c.queue(p)
    p.subscribe(q, "one")
    other.call("queue.delete", queue=q)
    p.quiet()
    p.settle()
    p.call("basic.cancel", consumer_tag="one")
    return c.trace


def scenario_exclusive_consumer(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2, 3))
    q = c.queue(p)
    p.subscribe(q, "sole", 1, exclusive=True)
    p.subscribe(q, "second", 2)
    p.subscribe(q, "third", 3, exclusive=True)
    c.attempt("basic.get", queue=q)
    c.attempt("queue.declare", queue=q, passive=True)
    p.call("basic.cancel", 1, consumer_tag="sole")
    c.attempt("basic.consume", queue=q)
    return c.trace


def scenario_exclusive_consumer_comes_late(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p)
    p.subscribe(q, "first", 1)
    p.subscribe(q, "sole", 2, exclusive=True)
    return c.trace


def scenario_round_robin(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    for tag in ("one", "two", "three"):
        p.subscribe(q, tag, no_ack=True)
    for number in range(7):
        other.publish("", q, b"%d" % number)
        p.take()
    return c.trace


def scenario_consumer_priority(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    p.call("basic.qos", prefetch_count=2)
    for tag, priority in (("low", -1), ("usual", None), ("high", 5), ("high too", 5)):
        arguments = {} if priority is None else {"x-priority": priority}
        p.subscribe(q, tag, arguments=arguments)
    for number in range(7):
        other.publish("", q, b"%d" % number)
        p.take()
    p.send("basic.ack", delivery_tag=1)
    p.settle()
    other.publish("", q, b"last")
    p.take()
    return c.trace


def scenario_prefetch_per_consumer(c: Stage) -> Trace:
    p = c.peer()
    q, r = c.queue(p), c.queue(p, "r")
    c.fill(q, 5)
    c.fill(r, 5)
    p.call("basic.qos", prefetch_count=2)
    p.subscribe(q, "two")
    p.quiet()
    p.call("basic.qos", prefetch_count=1)
    p.subscribe(r, "one")
    p.quiet()
    p.send("basic.ack", delivery_tag=1)
    p.quiet()
    p.send("basic.ack", delivery_tag=4, multiple=True)
    p.quiet()
    return c.trace


def scenario_prefetch_changes_later_consumers(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.call("basic.qos", prefetch_count=1)
    p.subscribe(q, "one")
    p.call("basic.qos", prefetch_count=0)
    c.fill(q, 4)
    p.quiet()
    p.subscribe(q, "all")
    p.quiet()
    return c.trace


def scenario_prefetch_does_not_bind_get_or_no_ack(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 5)
    p.call("basic.qos", prefetch_count=1)
    p.get(q, no_ack=False)
    p.get(q, no_ack=False)
    p.subscribe(q, "t", no_ack=True)
    p.quiet()
    return c.trace


def scenario_prefetch_global(c: Stage) -> Trace:
    p = c.peer()
    q, r = c.queue(p), c.queue(p, "r")
    c.fill(q, 4)
    c.fill(r, 4)
    p.call("basic.qos", prefetch_count=3, global_=True)
    p.subscribe(q, "one")
    p.quiet()
    p.subscribe(r, "two")
    p.quiet()
    p.send("basic.ack", delivery_tag=3, multiple=True)
    c.note(f"{len(_counted(c, p))} more")
    return c.trace


def _counted(c: Stage, p: Peer) -> list[object]:
    p.recording = False
    got: list[object] = list(p.read_all(c.idle))
    p.recording = True
    return got


def scenario_prefetch_global_after_the_consumer(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.subscribe(q, "t")
    p.call("basic.qos", prefetch_count=2, global_=True)
    c.fill(q, 5)
    p.quiet()
    p.call("basic.qos", prefetch_count=4, global_=True)
    p.quiet()
    return c.trace


def scenario_prefetch_size(c: Stage) -> Trace:
    c.attempt("basic.qos", prefetch_size=1)
    c.attempt("basic.qos", prefetch_size=100000, prefetch_count=5, global_=True)
    c.attempt("basic.qos", prefetch_count=65535)
    return c.trace


def scenario_get_counts_and_tags(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p)
    c.fill(q, 4)
    p.get(q, 1, no_ack=False)
    p.get(q, 2, no_ack=False)
    p.get(q, 1, no_ack=True)
    p.get(q, 1, no_ack=False)
    p.get(q, 1)
    p.call("queue.declare", queue=q, passive=True)
    p.send("basic.ack", 1, delivery_tag=2)
    p.settle(1)
    return c.trace


def scenario_ack_unknown_tags(c: Stage) -> Trace:
    for name in ("basic.ack", "basic.reject", "basic.nack"):
        for tag in (0, 1, 1 << 63):
            p = c.peer()
            p.send(name, delivery_tag=tag)
            p.settle()
    return c.trace


def scenario_ack_all_when_nothing_is_out(c: Stage) -> Trace:
    p = c.peer()
    p.send("basic.ack", delivery_tag=0, multiple=True)
    p.settle()
    p.send("basic.nack", delivery_tag=0, multiple=True)
    p.settle()
    p.send("basic.ack", delivery_tag=3, multiple=True)
    p.settle()
    return c.trace


def scenario_ack_twice(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 1)
    p.get(q, no_ack=False)
    p.send("basic.ack", delivery_tag=1)
    p.settle()
    p.send("basic.ack", delivery_tag=1)
    p.settle()
    return c.trace


def scenario_ack_of_a_no_ack_delivery(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 1)
    p.get(q)
    p.send("basic.ack", delivery_tag=1)
    p.settle()
    return c.trace


def scenario_ack_on_another_channel(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p)
    c.fill(q, 1)
    p.get(q, 1, no_ack=False)
    p.send("basic.ack", 2, delivery_tag=1)
    p.settle(2)
    p.send("basic.ack", 1, delivery_tag=1)
    p.settle(1)
    return c.trace


def scenario_ack_multiple(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    c.fill(q, 5)
    p.subscribe(q, "t")
    p.take(5)
    p.send("basic.ack", delivery_tag=2)
    p.send("basic.ack", delivery_tag=3, multiple=True)
    p.send("basic.nack", delivery_tag=0, multiple=True, requeue=False)
    p.settle()
    p.call("basic.cancel", consumer_tag="t")
    other.get(q)
    return c.trace


def scenario_ack_multiple_of_a_settled_tag(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 3)
    for _ in range(3):
        p.get(q, no_ack=False)
    p.send("basic.ack", delivery_tag=2)
    p.send("basic.ack", delivery_tag=2, multiple=True)
    p.take()
    p.reopen()
    p.empty(q)
    return c.trace


def scenario_reject_to_the_old_place(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 5)
    for _ in range(4):
        p.get(q, no_ack=False)
    p.send("basic.reject", delivery_tag=3, requeue=True)
    p.send("basic.reject", delivery_tag=1, requeue=True)
    p.send("basic.reject", delivery_tag=2, requeue=False)
    p.settle()
    p.empty(q)
    p.send("basic.nack", delivery_tag=4, requeue=True)
    p.empty(q)
    return c.trace


def scenario_nack_multiple(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 6)
    for _ in range(5):
        p.get(q, no_ack=False)
    p.send("basic.nack", delivery_tag=2, multiple=True, requeue=True)
    p.send("basic.nack", delivery_tag=0, multiple=True, requeue=True)
    p.empty(q)
    return c.trace


def scenario_reject_to_the_same_consumer(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 2)
    p.call("basic.qos", prefetch_count=1)
    p.subscribe(q, "t")
    p.take()
    p.send("basic.reject", delivery_tag=1, requeue=True)
    p.take()
    p.send("basic.reject", delivery_tag=2, requeue=False)
    p.take()
    p.send("basic.nack", delivery_tag=3, requeue=True)
    p.take()
    return c.trace


def scenario_recover(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 3)
    p.get(q, no_ack=False)
    p.get(q, no_ack=False)
    p.call("basic.recover", requeue=True)
    p.send("basic.ack", delivery_tag=1)
    p.take()
    p.reopen()
    p.empty(q)
    return c.trace


def scenario_recover_nothing(c: Stage) -> Trace:
    p = c.peer()
    p.call("basic.recover", requeue=True)
    p.call("basic.recover", requeue=False)
    return c.trace


def scenario_recover_async(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 2)
    p.get(q, no_ack=False)
    p.send("basic.recover-async", requeue=True)
    p.empty(q)
    p.send("basic.recover-async", requeue=False)
    p.take()
    return c.trace


def scenario_recover_to_a_consumer(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 3)
    p.subscribe(q, "t")
    p.take(3)
    p.send("basic.recover", requeue=True)
    replies = [repr(one) for one in _unrecorded(p, 4)]
    c.note(str(sorted(replies)))
    return c.trace


def scenario_channel_close_requeues(c: Stage) -> Trace:
    p, other = c.peer(channels=(1, 2)), c.peer()
    q = c.queue(p)
    c.fill(q, 4)
    p.subscribe(q, "t", 2)
    p.take(4)
    p.send("basic.ack", 2, delivery_tag=2)
    p.call("channel.close", 2)
    other.empty(q)
    return c.trace


def scenario_connection_close_requeues(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    c.fill(q, 3)
    p.get(q, no_ack=False)
    p.get(q, no_ack=False)
    p.call("connection.close", 0, reply_code=200)
    other.empty(q)
    return c.trace


def scenario_connection_lost_requeues(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    c.fill(q, 3)
    p.get(q, no_ack=False)
    p.drop()
    c.holds(q, 3)
    other.empty(q)
    return c.trace


def scenario_delivery_tags_of_one_channel(c: Stage) -> Trace:
    p = c.peer()
    q, r = c.queue(p), c.queue(p, "r")
    p.subscribe(q, "t")
    p.publish("", q, b"1")
    p.take()
    p.publish("", r, b"2")
    p.get(r, no_ack=False)
    p.publish("", q, b"3")
    p.take()
    p.send("basic.ack", delivery_tag=3, multiple=True)
    p.settle()
    return c.trace


def scenario_single_active_consumer(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p, arguments={"x-single-active-consumer": True})
    p.subscribe(q, "one", 1)
    p.subscribe(q, "two", 2)
    for number in range(3):
        p.publish("", q, b"%d" % number)
        p.take()
    p.call("basic.cancel", 1, consumer_tag="one")
    p.publish("", q, b"next")
    p.take()
    c.attempt("basic.consume", queue=q, exclusive=True)
    return c.trace


def scenario_queue_deleted_with_unacked(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 3)
    p.get(q, no_ack=False)
    p.get(q, no_ack=False)
    p.call("queue.delete", queue=q)
    p.call("queue.declare", queue=q)
    p.send("basic.nack", delivery_tag=1, requeue=True)
    p.send("basic.ack", delivery_tag=2)
    p.settle()
    p.get(q)
    return c.trace


def scenario_fifo_of_many(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.subscribe(q, "t", no_ack=True)
    for number in range(1000):
        p.publish("", q, b"%d" % number)
    p.recording = False
    bodies = []
    while len(bodies) < 1000:
        got = p.read()
        assert got is not None
        bodies.append(int(got.body))
    c.note(str(bodies == list(range(1000))))
    return c.trace
