"""Routing: topic patterns, headers matching, CC and BCC, order and copies."""

from typing import Any

from tests.differential.peer import Trace
from tests.differential.stage import Stage
from tests.wire import Typed


def _topic(c: Stage, pattern: str, *keys: str) -> None:
    """Note which of ``keys`` the pattern lets through."""
    p = c.peer("p")
    x, q = c.exchange(p, "topic"), c.queue(p)
    c.bind(p, q, x, pattern)
    for key in keys:
        p.publish(x, key, key.encode())
    p.recording = False
    bodies = p.empty(q)
    p.recording = True
    c.note(f"{pattern!r} matches {[body.decode() for body in bodies]}")
    p.unrecorded("queue.unbind", queue=q, exchange=x, routing_key=pattern)


KEYS = ("", ".", "..", "a", "a.", ".a", "a.b", "a..b", "a.b.c", "a.b.b.c", "b", "b.a", "*", "#")


def scenario_topic_patterns_of_one_word(c: Stage) -> Trace:
    for pattern in ("", "a", "*", "#", ".", "*.", ".*", "a.", ".a", "*a", "#a", "a*"):
        _topic(c, pattern, *KEYS)
    return c.trace


def scenario_topic_patterns_of_two_words(c: Stage) -> Trace:
    for pattern in ("a.*", "*.b", "*.*", "#.a", "a.#", "*.#", "#.*", "#.#", "a.b", "..", "a.."):
        _topic(c, pattern, *KEYS)
    return c.trace


def scenario_topic_patterns_of_more_words(c: Stage) -> Trace:
    patterns = (
        "a.*.c",
        "a.#.c",
        "#.b.#",
        "*.#.*",
        "a.*.*.c",
        "#.b.*",
        "*.*.#",
        "a.#.b.c",
        "#.a.#.c",
    )
    for pattern in patterns:
        _topic(c, pattern, *KEYS, "a.x.b.y.c", "c.a.c", "a.c.a.c")
    return c.trace


def scenario_topic_three_hashes(c: Stage) -> Trace:
    p = c.peer()
    c.queue(p)
    c.attempt("queue.bind", queue=c.q(), exchange="amq.topic", routing_key="#.a.#.b.#")
    c.attempt("queue.bind", queue=c.q(), exchange="amq.topic", routing_key="#.#.#")
    c.attempt("queue.bind", queue=c.q(), exchange="amq.topic", routing_key="#.#")
    c.attempt("queue.bind", queue=c.q(), exchange="amq.topic", routing_key="a#.b#.c#")
    return c.trace


def scenario_topic_one_copy_per_queue(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "topic"), c.queue(p)
    for pattern in ("#", "a.*", "*.b", "a.b"):
        p.call("queue.bind", queue=q, exchange=x, routing_key=pattern)
    p.publish(x, "a.b", b"once")
    p.empty(q)
    p.call("queue.unbind", queue=q, exchange=x, routing_key="#")
    p.publish(x, "a.b", b"still once")
    p.publish(x, "c", b"not at all", mandatory=True)
    p.take()
    p.empty(q)
    return c.trace


def scenario_topic_binding_arguments_are_apart(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "topic"), c.queue(p)
    p.call("queue.bind", queue=q, exchange=x, routing_key="a", arguments={"n": 1})
    p.call("queue.bind", queue=q, exchange=x, routing_key="a", arguments={"n": 2})
    p.call("queue.unbind", queue=q, exchange=x, routing_key="a", arguments={"n": 1})
    p.publish(x, "a", b"the second is left")
    p.empty(q)
    p.call("queue.unbind", queue=q, exchange=x, routing_key="a", arguments={"n": 2})
    p.publish(x, "a", b"none", mandatory=True)
    p.take()
    return c.trace


def scenario_topic_key_of_255_octets(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "topic"), c.queue(p)
    key = ".".join("a" * 128)
    p.call("queue.bind", queue=q, exchange=x, routing_key=".".join("*" * 128))
    p.publish(x, key, b"128 words", mandatory=True)
    p.publish(x, key[:-2], b"127 words", mandatory=True)
    p.take()
    p.empty(q)
    return c.trace


def scenario_direct_and_fanout_keys(c: Stage) -> Trace:
    p = c.peer()
    q, r = c.queue(p), c.queue(p, "r")
    x, y = c.exchange(p, "direct"), c.exchange(p, "fanout", "y")
    for key in ("", "k", "*", "#"):
        p.call("queue.bind", queue=q, exchange=x, routing_key=key)
    for key in ("", "k", "K", "*", "#", "é"):
        p.publish(x, key, key.encode(), mandatory=True)
    p.quiet()
    p.empty(q)
    p.call("queue.bind", queue=r, exchange=y, routing_key="not looked at")
    p.call("queue.bind", queue=r, exchange=y, routing_key="nor this")
    p.publish(y, "anything", b"one copy")
    p.empty(r)
    return c.trace


def _headers(c: Stage, arguments: dict[str, Any], *candidates: dict[str, Any] | None) -> None:
    """Note which of the candidates' numbers the binding arguments let through."""
    p = c.peer("p")
    x, q = c.exchange(p, "headers"), c.queue(p)
    p.send("queue.bind", queue=q, exchange=x, arguments=arguments)
    p.recording = False
    got = p.read()
    p.recording = True
    if got is None or got.name != "queue.bind-ok":
        c.note(f"{arguments} refused: {got!r}")
        return
    for number, headers in enumerate(candidates):
        p.publish(x, "", b"%d" % number, {} if headers is None else {"headers": headers})
    p.recording = False
    bodies = p.empty(q)
    p.recording = True
    c.note(f"{arguments} matches {[candidates[int(body)] for body in bodies]}")
    p.unrecorded("queue.delete", queue=q)


CANDIDATES: tuple[dict[str, Any] | None, ...] = (
    None,
    {},
    {"a": 1},
    {"b": 2},
    {"a": 1, "b": 2},
    {"a": 1, "b": 2, "c": 3},
    {"a": 2, "b": 1},
    {"x-a": 1},
    {"x-a": 1, "a": 1},
    {"a": None},
)


def scenario_headers_all_and_any(c: Stage) -> Trace:
    for match in ({}, {"x-match": "all"}, {"x-match": "any"}):
        _headers(c, match | {"a": 1, "b": 2}, *CANDIDATES)
        _headers(c, match | {"a": 1}, *CANDIDATES)
        _headers(c, match, *CANDIDATES)
    return c.trace


def scenario_headers_with_x(c: Stage) -> Trace:
    for match in ("all", "any", "all-with-x", "any-with-x"):
        _headers(c, {"x-match": match, "x-a": 1}, *CANDIDATES)
        _headers(c, {"x-match": match, "x-a": 1, "a": 1}, *CANDIDATES)
    return c.trace


def scenario_headers_with_x_and_no_key(c: Stage) -> Trace:
    _headers(c, {"x-match": "all-with-x"}, *CANDIDATES)
    _headers(c, {"x-match": "any-with-x"}, *CANDIDATES)
    return c.trace


def scenario_headers_void_is_presence(c: Stage) -> Trace:
    candidates = ({"a": 5}, {"a": "text"}, {"a": None}, {"b": 1}, {"a": [1]}, {})
    for match in ("all", "any"):
        _headers(c, {"x-match": match, "a": None}, *candidates)
        _headers(c, {"x-match": match, "a": None, "b": 1}, *candidates)
    return c.trace


def scenario_headers_match_refusals(c: Stage) -> Trace:
    for match in ("nonsense", "", "ALL", 5, None, True, [1], b"all"):
        _headers(c, {"x-match": match})
    return c.trace


def scenario_headers_integers_of_any_width(c: Stage) -> Trace:
    candidates = [{"a": Typed(kind, 1)} for kind in "bBsuIilL"]
    candidates += [{"a": Typed("T", 1)}, {"a": 1.0}, {"a": Typed("f", 1.0)}, {"a": "1"}]
    candidates += [{"a": True}, {"a": Typed("D", (0, 1))}, {"a": b"1"}]
    for kind in "bIl":
        _headers(c, {"a": Typed(kind, 1)}, *candidates)
    return c.trace


def scenario_headers_values_of_every_type(c: Stage) -> Trace:
    values = [1, 1.0, Typed("f", 1.0), "1", b"1", True, False, Typed("T", 1), Typed("D", (0, 1))]
    values += [{"a": 1}, {"a": Typed("l", 1)}, [1], [Typed("l", 1)], [], {}, ""]
    for value in values:
        _headers(c, {"a": value}, *({"a": each} for each in values))
    return c.trace


def scenario_headers_binding_ignores_the_key(c: Stage) -> Trace:
    p = c.peer()
    x, q = c.exchange(p, "headers"), c.queue(p)
    p.call("queue.bind", queue=q, exchange=x, routing_key="one", arguments={"a": 1})
    p.call("queue.bind", queue=q, exchange=x, routing_key="two", arguments={"a": 1})
    p.publish(x, "three", b"one copy", {"headers": {"a": 1}})
    p.empty(q)
    p.call("queue.unbind", queue=q, exchange=x, routing_key="one", arguments={"a": 1})
    p.publish(x, "one", b"by the second", {"headers": {"a": 1}})
    p.empty(q)
    return c.trace


def scenario_carbon_copies(c: Stage) -> Trace:
    p = c.peer()
    queues = [c.queue(p, name) for name in ("to", "cc", "bcc")]
    headers = {"CC": [queues[1]], "BCC": [queues[2]], "other": 1}
    p.publish("", queues[0], b"three copies", {"headers": headers})
    for queue in queues:
        p.empty(queue)
    p.publish("", queues[0], b"one copy", {"headers": {"CC": [queues[0], queues[0]]}})
    p.empty(queues[0])
    p.publish("", c.q("missing"), b"only bcc", {"headers": {"BCC": [queues[2]]}}, mandatory=True)
    p.empty(queues[2])
    p.publish("", c.q("missing"), b"none", {"headers": {"CC": ["x"], "BCC": ["y"]}}, mandatory=True)
    p.take()
    return c.trace


def scenario_carbon_copies_by_topic(c: Stage) -> Trace:
    p = c.peer()
    x, q, r = c.exchange(p, "topic"), c.queue(p), c.queue(p, "r")
    c.bind(p, q, x, "a.*")
    c.bind(p, r, x, "*.b")
    p.publish(x, "none", b"1", {"headers": {"CC": ["a.b", "a.c"]}})
    p.empty(q)
    p.empty(r)
    return c.trace


def scenario_carbon_copies_of_wrong_type(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    for value in (q, 5, {"a": q}, None, True, [5], [q, 5], []):
        c.attempt_publish("", q, b"x", properties={"headers": {"CC": value}})
    c.attempt_publish("", q, b"x", properties={"headers": {"BCC": "text"}})
    c.attempt_publish("", q, b"x", properties={"headers": {"cc": "not a copy"}})
    p.empty(q)
    return c.trace
