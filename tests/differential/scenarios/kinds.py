"""Exchange types that RabbitMQ has as plugins: by hash, by chance, with a history."""

from typing import Any

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage
from tests.wire import Typed


def _declare(c: Stage, suffix: str, kind: str, **arguments: Any) -> None:
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    c.attempt("exchange.declare", exchange=c.x(suffix), type=kind, arguments=given)


def _count(c: Stage, peer: Peer, *queues: str) -> None:
    """Note how many messages there are in all ``queues`` together."""
    counts = [peer.unrecorded("queue.declare", queue=q, passive=True) for q in queues]
    c.note(f"{sum(count.message_count for count in counts)} in {len(queues)} queues")


def scenario_kinds_of_plugins(c: Stage) -> Trace:
    for kind in ("x-consistent-hash", "x-random", "x-modulus-hash", "x-recent-history"):
        _declare(c, kind, kind)
        _declare(c, kind, kind)
        _declare(c, kind, "fanout")
    return c.trace


def scenario_hash_arguments(c: Stage) -> Trace:
    _declare(c, "header", "x-consistent-hash", hash_header="h")
    _declare(c, "empty", "x-consistent-hash", hash_header="")
    for name in ("message_id", "correlation_id", "timestamp"):
        _declare(c, name, "x-consistent-hash", hash_property=name)
    for name in ("app_id", "", "message-id"):
        _declare(c, "bad", "x-consistent-hash", hash_property=name)
    _declare(c, "both", "x-consistent-hash", hash_property="message_id", hash_header="h")
    _declare(c, "header", "x-consistent-hash")
    _declare(c, "header", "x-consistent-hash", hash_header="other")
    return c.trace


def scenario_hash_arguments_of_wrong_type(c: Stage) -> Trace:
    _declare(c, "a", "x-consistent-hash", hash_header=5)
    _declare(c, "b", "x-consistent-hash", hash_property=True)
    _declare(c, "c", "x-consistent-hash", hash_header=Typed("x", b"h"))
    return c.trace


def scenario_hash_weights(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "x-consistent-hash"), c.queue(p)
    for key in ("1", "0", "-1", "", "abc", "1.5", " 1", "1 ", "010", "+5", "1e3", "0x1"):
        c.note(repr(key))
        c.attempt("queue.bind", queue=q, exchange=x, routing_key=key)
        c.attempt("queue.unbind", queue=q, exchange=x, routing_key=key)
    return c.trace


def scenario_hash_leads_to_one_queue(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "x-consistent-hash")
    queues = [c.queue(p, name) for name in "abcd"]
    p.publish(x, "nobody", b"nobody", mandatory=True)
    p.settle()
    for queue in queues:
        c.bind(p, queue, x, "2")
    p.call("confirm.select")
    for number in range(40):
        p.publish(x, f"key{number}", b"m", {"headers": {"CC": ["one", "two"]}}, mandatory=True)
    p.confirms(40)
    _count(c, p, *queues)
    return c.trace


def scenario_hash_is_steady(c: Stage) -> Trace:
    p = c.peer()
    for suffix, arguments, vary in (
        ("key", {}, "key"),
        ("header", {"hash-header": "h"}, "header"),
        ("property", {"hash-property": "message_id"}, "property"),
    ):
        x = c.exchange(p, "x-consistent-hash", suffix, arguments=arguments)
        queues = [c.queue(p, f"{suffix}{number}") for number in range(4)]
        for queue in queues:
            c.bind(p, queue, x, "1")
        p.unrecorded("confirm.select")
        p.recording = False
        for _ in range(10):
            properties: dict[str, Any] = {"headers": {"h": "same"}, "message_id": "same"}
            p.publish(x, "same", b"m", properties)
            p.expect("basic.ack")
        p.recording = True
        counts = [
            p.unrecorded("queue.declare", queue=queue, passive=True).message_count
            for queue in queues
        ]
        c.note(f"hashing the {vary}: {sorted(counts)}")
    return c.trace


def scenario_modulus_leads_to_one_queue(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "x-modulus-hash")
    queues = [c.queue(p, name) for name in "abc"]
    for queue in queues:
        c.bind(p, queue, x, "whatever")
    p.call("confirm.select")
    for number in range(30):
        p.publish(x, f"key{number}", b"m", {"headers": {"CC": ["one", "two"]}})
    p.confirms(30)
    _count(c, p, *queues)
    for queue in queues:
        p.unrecorded("queue.unbind", queue=queue, exchange=x, routing_key="whatever")
    p.publish(x, "k", b"nobody", mandatory=True)
    p.confirms(1, first=31)
    return c.trace


def scenario_random_leads_to_one_queue(c: Stage) -> Trace:
    p = c.peer()
    x = c.exchange(p, "x-random")
    p.publish(x, "k", b"nobody", mandatory=True)
    p.settle()
    queues = [c.queue(p, name) for name in "abc"]
    for queue in queues:
        c.bind(p, queue, x, "whatever")
    p.call("confirm.select")
    for _ in range(30):
        p.publish(x, "k", b"m", {"headers": {"CC": ["one", "two"]}})
    p.confirms(30)
    _count(c, p, *queues)
    return c.trace


def scenario_history_lengths(c: Stage) -> Trace:
    values = (5, 0, -1, "5", True, 3.0, None, Typed("L", 3), Typed("b", 3), Typed("s", 3))
    for number, value in enumerate(values):
        _declare(c, f"x{number}", "x-recent-history", x_recent_history_length=value)
    _declare(c, "x0", "x-recent-history", x_recent_history_length=6)
    _declare(c, "x0", "x-recent-history")
    return c.trace


def scenario_history_for_queues(c: Stage) -> Trace:
    p = c.peer()
    arguments = {"x-recent-history-length": 3}
    x, q = c.exchange(p, "x-recent-history", arguments=arguments), c.queue(p)
    for number in range(5):
        p.publish(x, f"k{number}", b"%d" % number, mandatory=True)
    p.publish(x, "n", b"not kept", {"headers": {"x-recent-history-no-store": True}})
    p.publish(x, "n", b"kept", {"headers": {"x-recent-history-no-store": 1}})
    p.settle()
    c.bind(p, q, x, "any")
    p.empty(q)
    p.publish(x, "other", b"new")
    p.settle()
    p.empty(q)
    c.note("the same binding again")
    c.bind(p, q, x, "any")
    p.empty(q)
    c.note("another binding")
    c.bind(p, q, x, "another")
    p.empty(q)
    return c.trace


def scenario_history_is_twenty_long(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "x-recent-history"), c.queue(p)
    for number in range(25):
        p.publish(x, "k", b"%d" % number)
    p.settle()
    c.bind(p, q, x)
    p.empty(q)
    return c.trace


def scenario_history_behind_others(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "x-recent-history"), c.queue(p)
    f = c.exchange(p, "fanout", "f")
    p.unrecorded("exchange.bind", source=f, destination=x)
    p.publish(f, "k", b"bound")
    a = c.exchange(p, "fanout", "a", arguments={"alternate-exchange": x})
    p.publish(a, "k", b"alternate")
    p.settle()
    c.bind(p, q, x)
    p.empty(q)
    return c.trace


def scenario_history_for_exchanges(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "x-recent-history"), c.queue(p)
    d = c.exchange(p, "direct", "d")
    c.bind(p, q, d, "k")
    p.publish(x, "k", b"only")
    p.settle()
    p.call("exchange.bind", source=x, destination=d)
    p.empty(q)
    return c.trace
