"""Quorum queues: what they take and refuse, what comes back, how often, and who is served."""

from typing import Any

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage

QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}


def _quorum(c: Stage, peer: Peer, suffix: str = "q", **arguments: Any) -> str:
    return c.queue(peer, suffix, durable=True, arguments={**QUORUM, **arguments})


def _declare(c: Stage, arguments: dict[str, Any], **values: Any) -> None:
    """Declare on a channel of its own; delete what came of it."""
    name = c.q()
    reply = c.attempt("queue.declare", queue=name, arguments=arguments, **values)
    if reply.name == "queue.declare-ok":
        with_it = c.peer("d")
        with_it.unrecorded("queue.delete", queue=name)
        with_it.drop()


def _declare_each(c: Stage, kind: str, name: str, *values: Any) -> Trace:
    for value in values:
        c.note(f"{name}={value!r}")
        _declare(c, {"x-queue-type": kind, name: value}, durable=True)
    return c.trace


# --- what it may be ----------------------------------------------------------------------------


def scenario_quorum_properties(c: Stage) -> Trace:
    for values in (
        {"durable": True},
        {},
        {"durable": True, "exclusive": True},
        {"durable": True, "auto_delete": True},
        {"exclusive": True, "auto_delete": True},
    ):
        c.note(f"{sorted(values)}")
        _declare(c, QUORUM, **values)
    return c.trace


def scenario_quorum_without_a_name(c: Stage) -> Trace:
    c.attempt("queue.declare", queue="", durable=True, arguments=QUORUM)
    return c.trace


def scenario_quorum_overflow(c: Stage) -> Trace:
    return _declare_each(
        c, "quorum", "x-overflow", "drop-head", "reject-publish", "reject-publish-dlx", "burst", 5
    )


def scenario_quorum_delivery_limit_argument(c: Stage) -> Trace:
    return _declare_each(c, "quorum", "x-delivery-limit", -1, 0, 5, "5")


def scenario_quorum_dead_letter_strategy(c: Stage) -> Trace:
    strategies = ("at-most-once", "at-least-once", "at-random", 5)
    return _declare_each(c, "quorum", "x-dead-letter-strategy", *strategies)


def scenario_quorum_group_size(c: Stage) -> Trace:
    return _declare_each(c, "quorum", "x-quorum-initial-group-size", 3, 0, -1, "3")


def scenario_quorum_in_memory_limits(c: Stage) -> Trace:
    _declare_each(c, "quorum", "x-max-in-memory-length", 5, -5, "a")
    return _declare_each(c, "quorum", "x-max-in-memory-bytes", 5, -5, True)


def scenario_quorum_leader_locator(c: Stage) -> Trace:
    locators = ("client-local", "balanced", "least-leaders", "here", 5)
    return _declare_each(c, "quorum", "x-queue-leader-locator", *locators)


def scenario_quorum_numbers(c: Stage) -> Trace:
    for name in ("x-max-length", "x-max-length-bytes", "x-message-ttl", "x-expires"):
        _declare_each(c, "quorum", name, 0, 5, -5, "5")
    return c.trace


def scenario_quorum_single_active_argument(c: Stage) -> Trace:
    return _declare_each(c, "quorum", "x-single-active-consumer", True, False, "yes")


def scenario_quorum_dead_letter_arguments(c: Stage) -> Trace:
    _declare_each(c, "quorum", "x-dead-letter-exchange", "", "nowhere", 5)
    return _declare_each(c, "quorum", "x-dead-letter-routing-key", "a", 5)


def scenario_quorum_arguments_of_other_types(c: Stage) -> Trace:
    for name in (
        "x-max-priority",
        "x-queue-mode",
        "x-queue-version",
        "x-queue-master-locator",
        "x-max-age",
        "x-stream-max-segment-size-bytes",
        "x-initial-cluster-size",
    ):
        _declare_each(c, "quorum", name, 1, "a")
    return c.trace


def scenario_classic_arguments_of_quorum_queues(c: Stage) -> Trace:
    for name in (
        "x-delivery-limit",
        "x-dead-letter-strategy",
        "x-quorum-initial-group-size",
        "x-max-in-memory-length",
        "x-max-in-memory-bytes",
    ):
        _declare_each(c, "classic", name, 1, "a")
    return c.trace


def scenario_classic_consumer_timeout_argument(c: Stage) -> Trace:
    return _declare_each(c, "classic", "x-consumer-timeout", 5000)


def scenario_classic_leader_locator(c: Stage) -> Trace:
    return _declare_each(c, "classic", "x-queue-leader-locator", "balanced")


def scenario_quorum_unknown_argument(c: Stage) -> Trace:
    return _declare_each(c, "quorum", "x-unheard-of", 1)


# --- declared again ----------------------------------------------------------------------------


def _again(c: Stage, first: dict[str, Any], *others: dict[str, Any]) -> Trace:
    peer = c.peer()
    queue = c.queue(peer, durable=True, arguments=first)
    for other in others:
        c.note(f"{first} then {other}")
        c.attempt("queue.declare", queue=queue, durable=True, arguments=other)
    peer.unrecorded("queue.delete", queue=queue)
    return c.trace


def scenario_quorum_declared_again(c: Stage) -> Trace:
    _again(c, {**QUORUM}, QUORUM, {**QUORUM, "x-unheard-of": 1}, {"x-queue-type": "classic"})
    return _again(c, {"x-queue-type": "classic"}, {}, QUORUM)


def scenario_quorum_declared_again_without_its_type(c: Stage) -> Trace:
    return _again(c, QUORUM, {})


def scenario_quorum_declared_again_with_other_limits(c: Stage) -> Trace:
    for name, value, other in (
        ("x-delivery-limit", 5, 6),
        ("x-dead-letter-strategy", "at-most-once", "at-least-once"),
        ("x-quorum-initial-group-size", 3, 5),
        ("x-max-in-memory-length", 5, 6),
        ("x-queue-leader-locator", "balanced", "client-local"),
        ("x-max-length", 5, 6),
        ("x-overflow", "reject-publish", "drop-head"),
        ("x-single-active-consumer", True, False),
    ):
        given = {**QUORUM, name: value}
        _again(c, given, given, {**QUORUM, name: other}, QUORUM)
        _again(c, QUORUM, given)
    return c.trace


def scenario_quorum_declared_again_with_other_flags(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    for values in (
        {"durable": False},
        {"durable": True, "auto_delete": True},
        {"durable": True, "exclusive": True},
    ):
        c.attempt("queue.declare", queue=queue, arguments=QUORUM, **values)
    c.attempt("queue.declare", queue=queue, passive=True)
    return c.trace


# --- what it refuses ---------------------------------------------------------------------------


def scenario_quorum_delete_if(c: Stage) -> Trace:
    queue = _quorum(c, c.peer())
    c.attempt("queue.delete", queue=queue, if_unused=True)
    c.attempt("queue.delete", queue=queue, if_empty=True)
    c.attempt("queue.delete", queue=queue, if_empty=True, if_unused=True)
    c.fill(queue, 2)
    c.attempt("queue.delete", queue=queue)
    return c.trace


def scenario_quorum_global_prefetch(c: Stage) -> Trace:
    queue = _quorum(c, c.peer())
    peer = c.peer()
    peer.call("basic.qos", prefetch_count=3, **{"global": True})
    peer.subscribe(queue, "c")
    return c.trace


def scenario_quorum_global_prefetch_of_none(c: Stage) -> Trace:
    queue = _quorum(c, c.peer())
    peer = c.peer()
    peer.call("basic.qos", prefetch_count=0, **{"global": True})
    peer.subscribe(queue, "c")
    return c.trace


def scenario_quorum_get_from_single_active(c: Stage) -> Trace:
    queue = _quorum(c, c.peer(), **{"x-single-active-consumer": True})
    c.attempt("basic.get", queue=queue)
    c.attempt("basic.get", queue=queue, no_ack=True)
    return c.trace


def scenario_quorum_exclusive_consumers(c: Stage) -> Trace:
    queue = _quorum(c, c.peer())
    a, b = c.peer(), c.peer()
    a.subscribe(queue, "1", exclusive=True)
    b.subscribe(queue, "2", exclusive=True)
    b.subscribe(queue, "3")
    return c.trace


def scenario_quorum_wrong_priority_of_a_consumer(c: Stage) -> Trace:
    queue = _quorum(c, c.peer())
    c.attempt("basic.consume", queue=queue, arguments={"x-priority": "high"})
    return c.trace


# --- in and out --------------------------------------------------------------------------------


def scenario_quorum_messages(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    c.fill(queue, 3)
    peer.call("queue.declare", queue=queue, passive=True)
    peer.get(queue)
    got = peer.get(queue, no_ack=False)
    peer.send("basic.ack", delivery_tag=got.delivery_tag)
    peer.settle()
    peer.call("queue.purge", queue=queue)
    peer.get(queue)
    peer.call("queue.delete", queue=queue)
    return c.trace


def scenario_quorum_confirms(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    peer.call("confirm.select")
    for number in range(5):
        peer.publish("", queue, b"%d" % number)
    peer.confirms(5)
    c.note(f"{peer.empty(queue)}")
    return c.trace


def scenario_quorum_rejects_come_back_in_order(c: Stage) -> Trace:
    peer = c.peer()
    # With a limit they go first, without one last.
    queue = _quorum(c, peer, **{"x-delivery-limit": 10})
    c.fill(queue, 4)
    taken = [peer.get(queue, no_ack=False) for _ in range(3)]
    for count, got in enumerate((taken[2], taken[0], taken[1]), 2):
        peer.send("basic.reject", delivery_tag=got.delivery_tag, requeue=True)
        c.holds(queue, count)
    for _ in range(4):
        peer.get(queue, no_ack=False)
    return c.trace


def scenario_quorum_recover(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    c.fill(queue, 3)
    for _ in range(3):
        peer.get(queue, no_ack=False)
    peer.call("basic.recover", requeue=True)
    c.holds(queue, 3)
    c.note(f"{[peer.get(queue, no_ack=False).body for _ in range(3)]}")
    return c.trace


def scenario_quorum_nacks_of_several(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    c.fill(queue, 3)
    taken = [peer.get(queue, no_ack=False) for _ in range(3)]
    peer.send("basic.nack", delivery_tag=taken[-1].delivery_tag, multiple=True, requeue=True)
    c.holds(queue, 3)
    for _ in range(3):
        peer.get(queue, no_ack=False)
    return c.trace


def scenario_quorum_channel_that_ends(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    c.fill(queue, 2)
    other = c.peer()
    other.subscribe(queue, "c")
    other.take(2)
    other.unrecorded("channel.close")
    c.holds(queue, 2)
    for _ in range(2):
        peer.get(queue, no_ack=False)
    return c.trace


def scenario_quorum_headers_of_a_redelivery(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    c.put(queue, b"m", content_type="a/b", headers={"mine": 1}, message_id="i")
    got = peer.get(queue, no_ack=False)
    peer.send("basic.reject", delivery_tag=got.delivery_tag, requeue=True)
    c.holds(queue, 1)
    peer.get(queue, no_ack=False)
    return c.trace


def scenario_quorum_delivery_limit(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer, **{"x-delivery-limit": 2})
    c.fill(queue)
    for _ in range(3):
        c.holds(queue, 1)
        got = peer.get(queue, no_ack=False)
        peer.send("basic.reject", delivery_tag=got.delivery_tag, requeue=True)
    c.wait(0.2)
    peer.get(queue)
    peer.call("queue.declare", queue=queue, passive=True)
    return c.trace


def _grave(c: Stage, peer: Peer, **arguments: Any) -> tuple[str, str]:
    exchange = c.exchange(peer, "fanout", "dlx")
    grave = c.queue(peer, "grave")
    c.bind(peer, grave, exchange)
    return _quorum(c, peer, **{"x-dead-letter-exchange": exchange, **arguments}), grave


def _dead(c: Stage, peer: Peer, grave: str) -> None:
    """What the headers of one dead letter tell, but for times and what came after 3.10."""
    c.until("there is a dead letter", lambda: c.look(grave)[0] > 0)
    got = peer.unrecorded("basic.get", queue=grave, no_ack=True)
    headers = {name: _plain(value) for name, value in got.properties.get("headers", {}).items()}
    for death in headers.pop("x-death", []):
        death.pop("time", None)
        c.note(f"{sorted(death.items())}")
    kept = {n: v for n, v in sorted(headers.items()) if not n.startswith("x-last-death")}
    c.note(f"{got.routing_key!r} {got.body!r} {kept}")


def _plain(value: Any) -> Any:
    value = getattr(value, "value", value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def scenario_quorum_dead_by_the_delivery_limit(c: Stage) -> Trace:
    peer = c.peer()
    queue, grave = _grave(c, peer, **{"x-delivery-limit": 1})
    c.put(queue, b"m", headers={"mine": 1})
    for _ in range(2):
        c.holds(queue, 1)
        got = peer.unrecorded("basic.get", queue=queue)
        peer.send("basic.reject", delivery_tag=got.delivery_tag, requeue=True)
    _dead(c, peer, grave)
    return c.trace


def scenario_quorum_dead_by_rejection(c: Stage) -> Trace:
    peer = c.peer()
    queue, grave = _grave(c, peer)
    c.fill(queue)
    got = peer.get(queue, no_ack=False)
    peer.send("basic.reject", delivery_tag=got.delivery_tag, requeue=False)
    _dead(c, peer, grave)
    return c.trace


def scenario_quorum_dead_by_age(c: Stage) -> Trace:
    peer = c.peer()
    queue, grave = _grave(c, peer, **{"x-message-ttl": 200})
    c.fill(queue)
    _dead(c, peer, grave)
    return c.trace


def scenario_quorum_dead_by_length(c: Stage) -> Trace:
    peer = c.peer()
    queue, grave = _grave(c, peer, **{"x-max-length": 1})
    c.fill(queue, 3)
    _dead(c, peer, grave)
    _dead(c, peer, grave)
    c.note(f"{peer.empty(queue)}")
    return c.trace


def scenario_quorum_dead_at_least_once(c: Stage) -> Trace:
    peer = c.peer()
    given = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    queue, grave = _grave(c, peer, **given)
    c.fill(queue)
    got = peer.get(queue, no_ack=False)
    peer.send("basic.reject", delivery_tag=got.delivery_tag, requeue=False)
    _dead(c, peer, grave)
    return c.trace


def scenario_quorum_expiration(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    c.put(queue, b"short", expiration="100")
    c.put(queue, b"long", expiration="60000")
    c.holds(queue, 1)
    c.note(f"{peer.empty(queue)}")
    return c.trace


# --- whose turn it is --------------------------------------------------------------------------


def scenario_quorum_consumers_take_turns(c: Stage) -> Trace:
    first = c.peer()
    queue = _quorum(c, first)
    second = c.peer()
    for peer, tag in ((first, "1"), (second, "2")):
        peer.call("basic.qos", prefetch_count=1)
        peer.subscribe(queue, tag)
    c.put(queue, b"a", b"b", b"c")
    first.take()
    second.take()
    return c.trace


def scenario_quorum_consumer_priorities(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    low, high = c.peer("low"), c.peer("high")
    low.subscribe(queue, "low")
    high.unrecorded("basic.qos", prefetch_count=2)
    high.subscribe(queue, "high", arguments={"x-priority": 5})
    c.put(queue, b"1", b"2", b"3")
    high.take(2)
    low.take()
    return c.trace


def scenario_quorum_single_active_consumer(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer, **{"x-single-active-consumer": True})
    first, second = c.peer("1"), c.peer("2")
    first.subscribe(queue, "first")
    second.subscribe(queue, "second")
    c.put(queue, b"a", b"b")
    first.take(2)
    first.call("basic.cancel", consumer_tag="first")
    c.put(queue, b"c")
    second.take()
    return c.trace


def scenario_quorum_single_active_exclusive(c: Stage) -> Trace:
    queue = _quorum(c, c.peer(), **{"x-single-active-consumer": True})
    c.attempt("basic.consume", queue=queue, exclusive=True, consumer_tag="c")
    return c.trace


# --- policies ----------------------------------------------------------------------------------


def scenario_policy_of_a_length_rules_at_once(c: Stage) -> Trace:
    peer = c.peer()
    for kind in ("classic", "quorum"):
        queue = c.queue(peer, kind, durable=True, arguments={"x-queue-type": kind})
        c.fill(queue, 5)
        c.admin.set_policy(c.own(kind), f"^{queue}$", {"max-length": 2})
        c.holds(queue, 2)
        c.note(f"{peer.empty(queue)}")
    return c.trace


def scenario_policy_of_a_time_to_live_is_for_later_messages(c: Stage) -> Trace:
    peer = c.peer()
    for kind in ("classic", "quorum"):
        queue = c.queue(peer, kind, durable=True, arguments={"x-queue-type": kind})
        c.put(queue, b"old")
        c.admin.set_policy(c.own(kind), f"^{queue}$", {"message-ttl": 100})
        c.put(queue, b"new")
        c.wait(0.3)
        c.holds(queue, 2)
        c.note(f"{peer.empty(queue)}")
    return c.trace


def scenario_policy_of_dead_letters_rules_at_once(c: Stage) -> Trace:
    peer = c.peer()
    grave = c.queue(peer, "grave")
    for kind in ("classic", "quorum"):
        queue = c.queue(peer, kind, durable=True, arguments={"x-queue-type": kind})
        c.fill(queue)
        definition = {"dead-letter-exchange": "", "dead-letter-routing-key": grave}
        c.admin.set_policy(c.own(kind), f"^{queue}$", definition)
        got = peer.get(queue, no_ack=False)
        peer.send("basic.reject", delivery_tag=got.delivery_tag, requeue=False)
        _dead(c, peer, grave)
    return c.trace


def scenario_policy_gives_way_to_the_smaller_argument(c: Stage) -> Trace:
    peer = c.peer()
    for kind in ("classic", "quorum"):
        given = {"x-queue-type": kind, "x-max-length": 2}
        queue = c.queue(peer, kind, durable=True, arguments=given)
        c.admin.set_policy(c.own(kind), f"^{queue}$", {"max-length": 4})
        c.fill(queue, 5)
        c.holds(queue, 2)
    return c.trace


def scenario_policy_of_an_expiry_deletes_a_classic_queue(c: Stage) -> Trace:
    peer = c.peer()
    queue = c.queue(peer, durable=True)
    c.admin.set_policy(c.own("p"), f"^{queue}$", {"expires": 200})
    c.wait(0.8)
    c.attempt("queue.declare", queue=queue, passive=True)
    return c.trace


def scenario_policy_of_a_delivery_limit(c: Stage) -> Trace:
    peer = c.peer()
    queue = _quorum(c, peer)
    c.admin.set_policy(c.own("p"), f"^{queue}$", {"delivery-limit": 0})
    c.fill(queue)
    got = peer.get(queue, no_ack=False)
    peer.send("basic.reject", delivery_tag=got.delivery_tag, requeue=True)
    c.wait(0.3)
    peer.get(queue)
    return c.trace
