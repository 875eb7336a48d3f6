"""Queue arguments: validation, and equivalence at a second declaration, per type and width."""

from typing import Any

from tests.differential.peer import Trace
from tests.differential.stage import Stage
from tests.wire import Typed, encode_value, long, short


def _each(c: Stage, argument: str, *values: Any, **flags: Any) -> Trace:
    """Declare one queue per value with the argument; the refusals are the trace."""
    for number, value in enumerate(values):
        c.attempt("queue.declare", queue=c.q(str(number)), arguments={argument: value}, **flags)
    return c.trace


def _again(c: Stage, argument: str, first: Any, *others: Any) -> Trace:
    """Declare with ``first``, then declare the same queue with each of ``others`` and without."""
    q = c.q()
    c.attempt("queue.declare", queue=q, arguments={argument: first})
    for other in others:
        c.attempt("queue.declare", queue=q, arguments={argument: other})
    c.attempt("queue.declare", queue=q)
    plain = c.q("plain")
    c.attempt("queue.declare", queue=plain)
    c.attempt("queue.declare", queue=plain, arguments={argument: first})
    return c.trace


WIDTHS = [Typed(kind, 100) for kind in "bBsuIilLT"]


def scenario_argument_max_priority_values(c: Stage) -> Trace:
    return _each(c, "x-max-priority", 1, 10, 255, 256, 0, -1, 100000)


def scenario_argument_max_priority_types(c: Stage) -> Trace:
    return _each(c, "x-max-priority", *(Typed(kind, 5) for kind in "bBsuIilL"))


def scenario_argument_max_priority_wrong_types(c: Stage) -> Trace:
    return _each(c, "x-max-priority", "10", 5.0, True, None, b"5", {"a": 1}, [5], Typed("f", 5.0))


def scenario_argument_max_priority_more_wrong_types(c: Stage) -> Trace:
    return _each(c, "x-max-priority", Typed("T", 5), Typed("D", (0, 5)))


def scenario_argument_max_priority_again(c: Stage) -> Trace:
    return _again(c, "x-max-priority", 100, *WIDTHS[:-1], 99, 101)


def scenario_argument_message_ttl_values(c: Stage) -> Trace:
    return _each(
        c, "x-message-ttl", 0, 1, -1, 4294967295, 4294967296, 315360000000, 315360000001, "5", 5.0
    )


def scenario_argument_message_ttl_again(c: Stage) -> Trace:
    return _again(c, "x-message-ttl", 100, *WIDTHS[:-1], 101, "100", 100.0, True)


def scenario_argument_expires_values(c: Stage) -> Trace:
    return _each(c, "x-expires", 100000, 0, -1, 315360000001, "100000", None, True)


def scenario_argument_expires_again(c: Stage) -> Trace:
    return _again(c, "x-expires", 60000, Typed("l", 60000), Typed("u", 60000), 60001)


def scenario_argument_max_length_values(c: Stage) -> Trace:
    return _each(c, "x-max-length", 0, 1, -1, 1 << 40, "1", 1.5, Typed("B", 200))


def scenario_argument_max_length_again(c: Stage) -> Trace:
    return _again(c, "x-max-length", 100, *WIDTHS[:-1], 101)


def scenario_argument_max_length_bytes(c: Stage) -> Trace:
    return _each(c, "x-max-length-bytes", 0, 1, -1, 1 << 40, "1")


def scenario_argument_max_length_bytes_again(c: Stage) -> Trace:
    return _again(c, "x-max-length-bytes", 1000, Typed("l", 1000), 1001)


def scenario_argument_overflow(c: Stage) -> Trace:
    names = ("drop-head", "reject-publish", "reject-publish-dlx", "nonsense", "", 5, True)
    return _each(c, "x-overflow", *names)


def scenario_argument_overflow_again(c: Stage) -> Trace:
    return _again(c, "x-overflow", "reject-publish", "reject-publish", "drop-head")


def scenario_argument_dead_letter_exchange(c: Stage) -> Trace:
    _each(
        c, "x-dead-letter-exchange", "", "amq.fanout", c.x("missing"), 5, True, None, b"amq.topic"
    )
    return _again(c, "x-dead-letter-exchange", "amq.fanout", "amq.fanout", "amq.topic")


def scenario_argument_dead_letter_routing_key(c: Stage) -> Trace:
    _each(c, "x-dead-letter-routing-key", "k", 5, None)
    q = c.q("both")
    for key in ("k", "k", "other", 5):
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": key}
        c.attempt("queue.declare", queue=q, arguments=arguments)
    c.attempt("queue.declare", queue=q, arguments={"x-dead-letter-exchange": ""})
    return c.trace


def scenario_argument_dead_letter_routing_key_too_long(c: Stage) -> Trace:
    for name, size in (("fits", 255), ("long", 256)):
        given = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k" * size}
        c.attempt("queue.declare", queue=c.q(name), arguments=given)
    return c.trace


def scenario_argument_single_active_consumer(c: Stage) -> Trace:
    return _each(c, "x-single-active-consumer", True, False, 1, "true", None)


def scenario_argument_single_active_consumer_again(c: Stage) -> Trace:
    return _again(c, "x-single-active-consumer", True, True, False)


def scenario_argument_queue_type(c: Stage) -> Trace:
    return _each(c, "x-queue-type", "classic", "nonsense", "", 5, None)


def scenario_argument_queue_type_again(c: Stage) -> Trace:
    return _again(c, "x-queue-type", "classic", "classic")


def scenario_argument_queue_mode_and_version(c: Stage) -> Trace:
    _each(c, "x-queue-mode", "lazy", "default")
    for number, version in enumerate((2, "2", 3)):
        arguments = {"x-queue-version": version}
        c.attempt("queue.declare", queue=c.q(f"version{number}"), arguments=arguments)
    return c.trace


def scenario_argument_unknown(c: Stage) -> Trace:
    _each(c, "x-nonsense", 5, "text", {"a": 1}, [1, 2], None)
    return _again(c, "x-nonsense", 5, 6, "six")


def scenario_argument_without_prefix(c: Stage) -> Trace:
    _each(c, "max-priority", 5, "text")
    return _again(c, "message-ttl", 5, 6)


def scenario_argument_of_another_queue_type(c: Stage) -> Trace:
    _each(c, "x-delivery-limit", 5)
    q = c.q("stream")
    c.attempt("queue.declare", queue=q, arguments={"x-max-age": "1h"})
    c.attempt("queue.declare", queue=c.q("group"), arguments={"x-quorum-initial-group-size": 3})
    return c.trace


def scenario_argument_first_wrong_of_two(c: Stage) -> Trace:
    c.attempt("queue.declare", queue=c.q(), arguments={"x-max-priority": -1, "x-expires": 0})
    c.attempt("queue.declare", queue=c.q(), arguments={"x-expires": 0, "x-max-priority": -1})
    return c.trace


def scenario_argument_wrong_on_an_existing_queue(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.attempt("queue.declare", queue=q, arguments={"x-max-priority": -1})
    c.attempt("queue.declare", queue=q, durable=True, arguments={"x-max-priority": 5})
    c.attempt("queue.declare", queue=q, exclusive=True, arguments={"x-max-priority": 5})
    return c.trace


def scenario_argument_same_key_twice(c: Stage) -> Trace:
    pairs = [("x-max-priority", 5), ("x-max-priority", 300)]
    octets = b"".join(short(name) + encode_value(value) for name, value in pairs)
    c.attempt("queue.declare", queue=c.q(), arguments=long(octets))
    octets = b"".join(short(name) + encode_value(value) for name, value in reversed(pairs))
    c.attempt("queue.declare", queue=c.q("other"), arguments=long(octets))
    return c.trace


def scenario_argument_of_exchange_unknown(c: Stage) -> Trace:
    values = {"exchange": c.x(), "type": "direct"}
    c.attempt("exchange.declare", arguments={"x-nonsense": 1}, **values)
    c.attempt("exchange.declare", arguments={"x-nonsense": "2"}, **values)
    c.attempt("exchange.declare", **values)
    return c.trace


def scenario_argument_of_consumer_priority(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    for value in (5, -5, Typed("l", 1 << 40), Typed("B", 3), 0):
        c.attempt("basic.consume", queue=q, arguments={"x-priority": value})
    for value in ("5", 5.0, True, None, [1]):
        c.attempt("basic.consume", queue=q, arguments={"x-priority": value})
    c.attempt("basic.consume", queue=q, arguments={"x-nonsense": "anything"})
    return c.trace
