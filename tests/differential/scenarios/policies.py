"""Policies and operator policies: what they say, which of them counts, and what comes of it."""

from typing import Any

from tests.differential.peer import Peer, Trace
from tests.differential.stage import Stage

# A queue hears of a policy before it gets what is published afterwards: once such a publish is
# confirmed, the policy counts.  Only what the policy does by itself must be waited for.


def _count(c: Stage, queue: str) -> None:
    """Write down how many messages wait."""
    c.note(f"{c.look(queue)[0]} wait")


def _rest(c: Stage, peer: Peer, queue: str, count: int) -> None:
    """Take the messages, once there are so many, without a line for each header."""
    c.holds(queue, count)
    peer.recording = False
    while (got := peer.get(queue)).name == "basic.get-ok":
        c.note(f"{got.exchange!r} {got.routing_key!r} {got.body!r}")
    peer.recording = True
    c.note(got.name)


def _rule(c: Stage, definition: dict[str, Any], *more: Any, suffix: str = "p") -> bool:
    """A policy for all that the scenario made."""
    return c.admin.set_policy(c.own(suffix), f"^{c.name}[.]", definition, *more)


# --- what a policy does ------------------------------------------------------------------------


def scenario_policy_max_length(c: Stage) -> Trace:
    """A living queue drops its oldest at once; without the policy it may grow again."""
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 5)
    _rule(c, {"max-length": 2})
    c.holds(q, 2)
    c.fill(q, 3)
    _count(c, q)
    c.admin.delete_policy(c.own("p"))
    c.fill(q, 3)
    _rest(c, p, q, 5)
    return c.trace


def scenario_policy_max_length_of_new_queues(c: Stage) -> Trace:
    _rule(c, {"max-length": 2})
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 4)
    _rest(c, p, q, 2)
    return c.trace


def scenario_policy_max_length_bytes(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.put(q, b"x" * 10, b"y" * 10, b"z" * 10)
    _rule(c, {"max-length-bytes": 25})
    c.holds(q, 2)
    c.put(q, b"a" * 30)
    _count(c, q)
    c.put(q, b"b" * 20, b"c" * 5)
    _rest(c, p, q, 2)
    return c.trace


def scenario_policy_max_length_of_what_is_unacknowledged(c: Stage) -> Trace:
    """What was handed out does not count, until it comes back."""
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 4)
    for _ in range(3):
        p.get(q, no_ack=False)
    _rule(c, {"max-length": 2})
    c.holds(q, 1)
    p.send("basic.nack", delivery_tag=3, multiple=True, requeue=True)
    _rest(c, p, q, 2)
    return c.trace


def scenario_policy_overflow(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 3)
    _rule(c, {"max-length": 2, "overflow": "reject-publish"})
    p.call("confirm.select")
    p.publish("", q, b"refused")
    p.confirms(1)
    _count(c, q)
    _rule(c, {"max-length": 2, "overflow": "drop-head"})
    p.publish("", q, b"taken")
    p.confirms(1, first=2)
    _rest(c, p, q, 2)
    return c.trace


def scenario_policy_message_ttl(c: Stage) -> Trace:
    """It counts for messages that are there already, from the time they came."""
    p = c.peer()
    q = c.queue(p)
    _rule(c, {"message-ttl": 100})
    c.fill(q, 2)
    c.holds(q, 0)
    c.admin.delete_policy(c.own("p"))
    c.fill(q, 2)
    c.wait(0.3)
    _count(c, q)
    return c.trace


def scenario_policy_message_ttl_zero(c: Stage) -> Trace:
    _rule(c, {"message-ttl": 0})
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 2)
    c.holds(q, 0)
    return c.trace


def scenario_policy_expires(c: Stage) -> Trace:
    """The time begins when the policy does."""
    p = c.peer()
    q = c.queue(p)
    c.wait(0.3)
    _rule(c, {"expires": c.ms(500)})
    c.wait(0.25)
    c.attempt("queue.declare", queue=q, passive=True)
    c.wait(0.8)
    c.attempt("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_policy_dead_letters(c: Stage) -> Trace:
    p = c.peer()
    q, grave = c.queue(p), c.queue(p, "grave")
    policy = {"dead-letter-exchange": "", "dead-letter-routing-key": grave}
    c.admin.set_policy(c.own("p"), f"^{c.name}[.]q$", policy)
    c.fill(q, 2)
    p.get(q, no_ack=False)
    p.send("basic.reject", delivery_tag=1, requeue=False)
    _rest(c, p, grave, 1)
    c.admin.delete_policy(c.own("p"))
    got = p.get(q, no_ack=False)
    p.send("basic.reject", delivery_tag=got.delivery_tag, requeue=False)
    p.get(q)
    _rest(c, p, grave, 0)
    return c.trace


def scenario_policy_dead_letters_what_it_drops(c: Stage) -> Trace:
    p = c.peer()
    q, grave = c.queue(p), c.queue(p, "grave")
    c.fill(q, 4)
    policy = {"dead-letter-exchange": "", "dead-letter-routing-key": grave, "max-length": 1}
    c.admin.set_policy(c.own("p"), f"^{c.name}[.]q$", policy)
    _rest(c, p, grave, 3)
    _rest(c, p, q, 1)
    return c.trace


def scenario_policy_alternate_exchange(c: Stage) -> Trace:
    """A channel that publishes already notices at once."""
    p = c.peer()
    x, q = c.exchange(p, "direct"), c.queue(p)
    other = c.exchange(p, "fanout", "other")
    c.bind(p, q, other)
    p.publish(x, "nowhere", b"before", mandatory=True)
    p.settle()
    c.admin.set_policy(c.own("p"), f"^{c.name}[.]x$", {"alternate-exchange": other}, 0, "exchanges")
    p.publish(x, "nowhere", b"during", mandatory=True)
    p.settle()
    c.admin.delete_policy(c.own("p"))
    p.publish(x, "nowhere", b"after", mandatory=True)
    p.settle()
    _rest(c, p, q, 1)
    return c.trace


# --- which one counts --------------------------------------------------------------------------


def scenario_policy_priorities(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 9)
    _rule(c, {"max-length": 7}, 1, suffix="low")
    c.holds(q, 7)
    _rule(c, {"max-length": 5}, 2, suffix="high")
    c.holds(q, 5)
    _rule(c, {"max-length": 3}, 0, suffix="lowest")
    c.fill(q, 1)
    _count(c, q)
    c.admin.delete_policy(c.own("high"))
    c.fill(q, 5)
    _count(c, q)
    return c.trace


def scenario_policies_are_not_added_up(c: Stage) -> Trace:
    """Only the one with the highest priority counts, though others say something else."""
    p = c.peer()
    q = c.queue(p)
    _rule(c, {"message-ttl": 100}, 1, suffix="low")
    _rule(c, {"max-length": 2}, 2, suffix="high")
    c.fill(q, 3)
    c.wait(0.3)
    _count(c, q)
    return c.trace


def scenario_policy_and_argument(c: Stage) -> Trace:
    """Of limits the smaller counts, wherever it is said."""
    p = c.peer()
    small = c.queue(p, "small", arguments={"x-max-length": 2})
    large = c.queue(p, "large", arguments={"x-max-length": 6})
    _rule(c, {"max-length": 4})
    for queue in (small, large):
        c.fill(queue, 9)
        _count(c, queue)
    c.admin.delete_policy(c.own("p"))
    for queue in (small, large):
        c.fill(queue, 9)
        _count(c, queue)
    return c.trace


def scenario_policy_and_argument_of_dead_letters(c: Stage) -> Trace:
    """An argument counts, whatever policies say."""
    p = c.peer()
    grave, other = c.queue(p, "grave"), c.queue(p, "other")
    mine = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": grave}
    q = c.queue(p, arguments=mine | {"x-max-length": 1})
    policy = {"dead-letter-exchange": "", "dead-letter-routing-key": other}
    c.admin.set_policy(c.own("p"), f"^{c.name}[.]q$", policy)
    c.fill(q, 3)
    _rest(c, p, grave, 2)
    _rest(c, p, other, 0)
    return c.trace


def scenario_policy_and_alternate_argument(c: Stage) -> Trace:
    p = c.peer()
    mine, theirs = c.exchange(p, "fanout", "mine"), c.exchange(p, "fanout", "theirs")
    x = c.exchange(p, "direct", arguments={"alternate-exchange": mine})
    q, other = c.queue(p), c.queue(p, "other")
    c.bind(p, q, mine)
    c.bind(p, other, theirs)
    c.admin.set_policy(c.own("p"), f"^{c.name}[.]x$", {"alternate-exchange": theirs})
    c.attempt_publish(x, "nowhere", b"message")
    _rest(c, p, q, 1)
    _rest(c, p, other, 0)
    return c.trace


def scenario_policy_apply_to(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 5)
    _rule(c, {"max-length": 1}, 0, "exchanges")
    c.fill(q, 1)
    _count(c, q)
    _rule(c, {"max-length": 3}, 0, "queues")
    c.holds(q, 3)
    _rule(c, {"max-length": 2}, 0, "all")
    c.holds(q, 2)
    return c.trace


def scenario_policy_with_a_key_of_another_type(c: Stage) -> Trace:
    """It is passed over, and one of lower priority counts."""
    p = c.peer()
    q = c.queue(p)
    _rule(c, {"max-length": 1, "delivery-limit": 3}, 9, suffix="quorum")
    _rule(c, {"max-length": 2}, 1, suffix="any")
    c.fill(q, 4)
    _count(c, q)
    return c.trace


def scenario_policy_patterns(c: Stage) -> Trace:
    """Found anywhere in the name, and what Perl takes for a pattern."""
    p = c.peer()
    names = ("abc", "xabcx", "ABC", "a.c", "team-7.mail", "team-7.", "")
    queues = [c.queue(p, name) for name in names]
    patterns = (
        "abc",
        "abc$",
        "(?i)ABC$",
        r"a\.c",
        r"team-\d+(\.[a-z]+)+$",
        "(?<=[.])$",
        "[[:upper:]]",
    )
    for number, pattern in enumerate(patterns):
        c.note(pattern)
        name = f"^{c.name}.*{pattern}"
        c.admin.set_policy(c.own("p"), name, {"max-length": number}, number)
        for queue in queues:
            c.fill(queue, number + 1)
            _count(c, queue)
    return c.trace


# --- operators ---------------------------------------------------------------------------------


def scenario_operator_policy(c: Stage) -> Trace:
    """Of limits the smaller counts; each stays when the other goes."""
    p = c.peer()
    q = c.queue(p)
    c.fill(q, 9)
    _rule(c, {"max-length": 6})
    c.holds(q, 6)
    c.admin.set_operator_policy(c.own("o"), f"^{c.name}[.]", {"max-length": 4})
    c.holds(q, 4)
    _rule(c, {"max-length": 3})
    c.holds(q, 3)
    c.admin.delete_policy(c.own("p"))
    c.fill(q, 5)
    _count(c, q)
    c.admin.delete_operator_policy(c.own("o"))
    c.fill(q, 5)
    _count(c, q)
    return c.trace


def scenario_operator_policy_adds(c: Stage) -> Trace:
    """What only one of the two says counts as well."""
    p = c.peer()
    q, grave = c.queue(p), c.queue(p, "grave")
    policy = {"dead-letter-exchange": "", "dead-letter-routing-key": grave}
    c.admin.set_policy(c.own("p"), f"^{c.name}[.]q$", policy)
    c.admin.set_operator_policy(c.own("o"), f"^{c.name}[.]q$", {"max-length": 1})
    c.fill(q, 3)
    _rest(c, p, grave, 2)
    _rest(c, p, q, 1)
    return c.trace


def scenario_operator_policy_message_ttl(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-message-ttl": 60000})
    c.admin.set_operator_policy(c.own("o"), f"^{c.name}[.]", {"message-ttl": 200})
    c.fill(q, 2)
    c.holds(q, 0)
    return c.trace


# --- refusals ----------------------------------------------------------------------------------


def scenario_policy_refusals(c: Stage) -> Trace:
    definitions: list[dict[str, Any]] = [
        {},
        {"x": 1},
        {"y": "z", "x": 1},
        {"max-length": -1},
        {"max-length": "a", "x": 1},
        {"max-length": 1.5},
        {"max-length-bytes": -1},
        {"message-ttl": -1},
        {"message-ttl": True},
        {"expires": 0},
        {"overflow": "foo"},
        {"dead-letter-exchange": 1},
        {"dead-letter-routing-key": 1},
        {"dead-letter-strategy": "foo"},
        {"delivery-limit": "x"},
        {"max-in-memory-length": -1},
        {"max-in-memory-bytes": -1},
        {"queue-mode": "foo"},
        {"queue-version": 3},
        {"queue-master-locator": "foo"},
        {"queue-leader-locator": 1},
        {"alternate-exchange": 1},
        {"federation-upstream": 1},
        {"federation-upstream-set": 1},
        {"federation-upstream": "a", "federation-upstream-set": "b"},
        {"max-age": "1x"},
        {"stream-max-segment-size-bytes": -1},
        {"initial-cluster-size": -1},
    ]
    for definition in definitions:
        _rule(c, definition)
    return c.trace


def scenario_operator_policy_refusals(c: Stage) -> Trace:
    definitions: list[dict[str, Any]] = [
        {},
        {"x": 1},
        {"max-length": -1},
        {"dead-letter-exchange": "a"},
        {"max-length": 1, "alternate-exchange": "a"},
        {"queue-mode": "lazy"},
    ]
    for definition in definitions:
        c.admin.set_operator_policy(c.own("o"), f"^{c.name}[.]", definition)
    return c.trace


def scenario_policy_that_is_not_there(c: Stage) -> Trace:
    c.admin.delete_policy(c.own("p"))
    c.admin.delete_operator_policy(c.own("o"))
    c.admin.delete_policy(c.own("p"), vhost="nowhere")
    return c.trace


def scenario_policy_that_is_refused_changes_nothing(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    _rule(c, {"max-length": 2})
    _rule(c, {"max-length": -1})
    c.fill(q, 4)
    _count(c, q)
    return c.trace
