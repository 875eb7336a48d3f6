"""Where Leveret is meant to differ from RabbitMQ 3.10, and why: the only place for that.

Leveret follows RabbitMQ 4.3 where that differs from the 3.10 that Debian has.  Each entry names a
scenario, what stands in RabbitMQ's trace, and what stands in Leveret's instead.  An entry that no
longer fits RabbitMQ's trace fails its scenario, so that none outlives its reason.
"""

from typing import Final

from tests.differential.differences import Known, closed, differ, refused
from tests.differential.known_rights import RIGHTS
from tests.differential.known_wire import FRAMES, HANDSHAKE

_REPLIES: Final = "4.2: a direct reply is a delivery like others: routed, and with a tag of its own"
_NUMBERS: Final = "4.x: headers match by value and type: 1 is not 1.0"


def _unknown_types() -> list[Known]:
    kinds = {"nonsense": "unknown", "": "invalid", "DIRECT": "unknown"}
    pairs = []
    for kind, word in kinds.items():
        text = f"COMMAND_INVALID - {word} exchange type '{kind}'"
        mine = f"PRECONDITION_FAILED - unknown exchange type '{kind}'"
        pairs.append((closed("t", 503, text, 40, 10), refused(406, mine, 40, 10)))
    reason = "4.x: an unknown exchange type is 406, which closes only the channel"
    return differ(reason, "exchange_unknown_type", *pairs)


def _reply(scenario: str, theirs: str, mine: str) -> list[Known]:
    return differ(_REPLIES, scenario, (theirs, mine))


def _delivered(tag: int, body: str) -> str:
    route = "exchange='' routing_key='amq.rabbitmq.reply-to.*'"
    return (
        f"a 1 basic.deliver consumer_tag='replies' delivery_tag={tag} redelivered=False"
        f" {route} {{}} b'{body}'"
    )


_RETURNED: Final = (
    "b 1 basic.return reply_code=312 reply_text='NO_ROUTE' exchange=''"
    " routing_key='amq.rabbitmq.reply-to.*'"
)
_VOLATILE: Final = "ACCESS_REFUSED - cannot bind or unbind to a volatile (direct reply-to) queue"

REPLIES: Final = [
    *_reply("reply_round_trip", _delivered(1, "second answer"), _delivered(2, "second answer")),
    *_reply("reply_round_trip", f"{_RETURNED} {{correlation_id='1'}} b'answer'\n", ""),
    *_reply(
        "reply_with_mandatory_and_confirms",
        f"{_RETURNED} {{}} b'answer'",
        "b 1 basic.ack delivery_tag=1 multiple=False",
    ),
    *_reply("reply_delivery_tags", _delivered(1, "1"), _delivered(2, "1")),
    *_reply("reply_delivery_tags", _delivered(1, "2"), _delivered(3, "2")),
    *_reply(
        "reply_delivery_tags", "a 1 basic.get-ok delivery_tag=1", "a 1 basic.get-ok delivery_tag=4"
    ),
    *_reply(
        "reply_delivery_tags",
        "a 1 channel.close reply_code=406"
        " reply_text='PRECONDITION_FAILED - unknown delivery tag 4' class_id=60 method_id=80",
        "a 1 basic.qos-ok",
    ),
    *differ(
        "4.2: binding the pseudo queue is refused by name",
        "reply_pseudo_queue_refusals",
        (
            refused(404, "NOT_FOUND - no queue 'amq.rabbitmq.reply-to' in vhost '/'", 50, 20),
            refused(403, _VOLATILE, 50, 20),
        ),
        ("t 9 queue.unbind-ok", refused(403, _VOLATILE, 50, 50)),
    ),
]

_ONES: Final = "{'a': 1}, {'a': 1.0}, {'a': f:1.0}, {'a': T:1}"
_OCTETS: Final = (
    "reply_text=%sPRECONDITION_FAILED - Invalid x-match field type binary (value %s);"
    " expected longstr%s"
)
_LOCKED: Final = (
    "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'queue_exclusive_elsewhere.q'"
    " in vhost '/'. It could be originally declared on another connection or the exclusive property"
    " value does not match that of the original declaration."
)
_WIDTHS: Final = ", ".join(f"{{'a': {kind}:1}}" for kind in "bBsuIilLT")


def _first_wins() -> list[Known]:
    text = "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue 'argument_same_key_twice."
    rest = "' in vhost '/': {max_value_exceeded,300}"
    ok = "t 9 queue.declare-ok queue='argument_same_key_twice.%s' message_count=0 consumer_count=0"
    theirs = f"{ok % 'q'}\n{refused(406, f'{text}other{rest}', 50, 10)}"
    mine = f"{refused(406, f'{text}q{rest}', 50, 10)}\n{ok % 'other'}"
    reason = "a key that stands twice in a table: the last wins, not the first"
    return differ(reason, "argument_same_key_twice", (theirs, mine))


MESSAGES: Final = [
    *differ(
        "a reply text is cut between characters; 3.10 may cut one in two, which clients choke on",
        "queue_name_of_255_octets",
        ("\\udcc3...", "..."),
    ),
    *differ(
        "another connection's exclusive queue refuses an unbind even where nothing is bound",
        "queue_exclusive_elsewhere",
        ("t 9 queue.unbind-ok", refused(405, _LOCKED, 50, 50)),
    ),
    *differ(
        "values are not shown in Erlang's notation",
        "headers_match_refusals",
        ("[{signedint,1}]", "[1]"),
        (_OCTETS % ("'", '<<"all">>', "'"), _OCTETS % ('"', "b'all'", '"')),
    ),
    *differ(
        _NUMBERS,
        "headers_integers_of_any_width",
        (f"[{_WIDTHS}, {{'a': 1.0}}, {{'a': f:1.0}}]", f"[{_WIDTHS}]"),
    ),
    *differ(
        _NUMBERS,
        "headers_values_of_every_type",
        *(
            (f"{{'a': {one}}} matches [{_ONES}]", f"{{'a': {one}}} matches [{same}]")
            for one, same in {
                "1": "{'a': 1}, {'a': T:1}",
                "1.0": "{'a': 1.0}, {'a': f:1.0}",
                "f:1.0": "{'a': 1.0}, {'a': f:1.0}",
                "T:1": "{'a': 1}, {'a': T:1}",
            }.items()
        ),
    ),
    *differ(
        "an empty array is not an empty table, though Erlang writes them alike",
        "headers_values_of_every_type",
        ("{'a': []} matches [{'a': []}, {'a': {}}]", "{'a': []} matches [{'a': []}]"),
        ("{'a': {}} matches [{'a': []}, {'a': {}}]", "{'a': {}} matches [{'a': {}}]"),
    ),
]


_MANY_HASHES: Final = "".join(
    refused(
        406,
        f"PRECONDITION_FAILED - binding key '{key}' has 3 words '#', and a binding to a topic"
        " exchange may have 2: leave some out",
        50,
        20,
    )
    + "\n"
    for key in ("#.a.#.b.#", "#.#.#")
)


def _death(queue: str, reason: str) -> str:
    name = f"chain_of_four_queues.{queue}"
    return (
        f"  [('count', 1), ('exchange', ''), ('queue', '{name}'), ('reason', '{reason}'),"
        f" ('routing-keys', ['{name}'])]\n"
    )


_REJECTED: Final = _death("first", "rejected")
_EXPIRED: Final = _death("second", "expired")

NEWER: Final = [
    *differ(
        "4.x: of many deaths the newest stands first; 3.10 mixes the older ones",
        "chain_of_four_queues",
        (_REJECTED + _EXPIRED, _EXPIRED + _REJECTED),
    ),
    *differ(
        "4.0: ANONYMOUS is offered",
        "start_fields",
        ("mechanisms ['AMQPLAIN', 'PLAIN']", "mechanisms ['AMQPLAIN', 'ANONYMOUS', 'PLAIN']"),
    ),
    *differ(
        "4.3.5: more than two words '#' in one key are refused",
        "topic_three_hashes",
        ("\n".join(["t 9 queue.bind-ok"] * 4), _MANY_HASHES + "\n".join(["t 9 queue.bind-ok"] * 2)),
    ),
]

AGING: Final = [
    *differ(
        "no message can have such a routing key: better to say so at once",
        "argument_dead_letter_routing_key_too_long",
        (
            "t 9 queue.declare-ok queue='argument_dead_letter_routing_key_too_long.long' "
            "message_count=0 consumer_count=0",
            refused(
                406,
                "PRECONDITION_FAILED - invalid arg 'x-dead-letter-routing-key' for queue "
                "'argument_dead_letter_routing_key_too_long.long' in vhost '/': a routing key has "
                "at most 255 octets",
                50,
                10,
            ),
        ),
    ),
    *differ(
        "what has expired is never delivered; 3.10 forgets it in a priority queue's other lines",
        "ttl_in_a_priority_queue",
        (
            "delivery_tag=1 redelivered=False exchange=''"
            " routing_key='ttl_in_a_priority_queue.q' message_count=3"
            " {priority=4, expiration='200'} b'high, short'",
            "delivery_tag=1 redelivered=False exchange=''"
            " routing_key='ttl_in_a_priority_queue.q' message_count=2 {priority=4} b'high'",
        ),
        (
            "delivery_tag=2 redelivered=False exchange=''"
            " routing_key='ttl_in_a_priority_queue.q' message_count=2 {priority=4} b'high'",
            "delivery_tag=2 redelivered=False exchange=''"
            " routing_key='ttl_in_a_priority_queue.q' message_count=0"
            " {priority=1, expiration='60000'} b'low, long'",
        ),
    ),
    *differ(
        "4.x: a dead letter keeps its CC header, also when it gets a key of its own",
        "dead_with_a_key_of_its_own",
        ("  {'x-first-death-exchange'", "  {'CC': ['cc'], 'x-first-death-exchange'"),
    ),
]

POLICIES: Final = [
    *differ(
        "a policy to refuse publishes drops nothing; 3.10 sets its length while it still drops",
        "policy_overflow",
        ("2 wait", "3 wait"),
    ),
]

_TYPE: Final = """S:'{<<"x-queue-type">>,longstr,<<"classic">>}'"""
_CRASHED: Final = "t 0 connection.close reply_code=541 reply_text='INTERNAL_ERROR' class_id=0"
_BAD_TYPE: Final = "PRECONDITION_FAILED - invalid type '{}' for arg 'hash-{}'"


def _hash_types() -> list[Known]:
    wrong = [("signedint", "header"), ("bool", "property"), ("binary", "header")]
    told = [refused(406, _BAD_TYPE.format(*names), 40, 10) for names in wrong]
    crashed = "\n".join([f"{_CRASHED} method_id=0"] * len(told))
    reason = "the fault is named; in RabbitMQ it crashes"
    return differ(reason, "hash_arguments_of_wrong_type", (crashed, "\n".join(told)))


WATCHING: Final = [
    *_hash_types(),
    *differ(
        "4.x: a queue's arguments name its type",
        "events_of_entities",
        ("""<<"drop-head">>}'], 'auto""", f"""<<"drop-head">>}}', {_TYPE}], 'auto"""),
        (
            "queue.created {'arguments': A:[], 'auto",
            f"queue.created {{'arguments': A:[{_TYPE}], 'auto",
        ),
    ),
]

_COUNTS: Final = "4.x: a first delivery carries no counts, later ones carry two"
_RETURNS: Final = "4.3: what is given back with basic.nack or basic.recover has not failed"


def _counts() -> list[Known]:
    """The headers of deliveries from quorum queues."""
    one, none = "'x-delivery-count': l:1}", "'x-delivery-count': l:0, 'x-acquired-count': l:1}"
    returned = [
        *differ(_RETURNS, "quorum_recover", (one, none)),
        *differ(_RETURNS, "quorum_nacks_of_several", (one, none)),
    ]
    return returned + differ(
        _COUNTS,
        "*",
        ("{headers={'x-delivery-count': l:0}}", "{}"),
        ("{headers={'x-delivery-count': l:0}, ", "{"),
        (", 'x-delivery-count': l:0}", "}"),
        (one, "'x-delivery-count': l:1, 'x-acquired-count': l:1}"),
        ("'x-delivery-count': l:2}", "'x-delivery-count': l:2, 'x-acquired-count': l:2}"),
    )


def _quorum_arguments() -> list[Known]:
    """What 3.10 did not look at."""
    entries = []
    for scenario, name, value, why in (
        ("quorum_overflow", "x-overflow", "reject-publish-dlx", "invalid_overflow"),
        (
            "quorum_delivery_limit_argument",
            "x-delivery-limit",
            "5",
            '"expected integer, got longstr"',
        ),
    ):
        queue = f"{scenario}.q"
        taken = f"t 9 queue.declare-ok queue='{queue}' message_count=0 consumer_count=0"
        text = f"PRECONDITION_FAILED - invalid arg '{name}' for queue '{queue}' in vhost '/': {why}"
        said = f"{name}={value!r}\n"
        reason = "4.x: refused; 3.10 does not look at it"
        entries += differ(reason, scenario, (said + taken, said + refused(406, text, 50, 10)))
    return entries


QUORUM: Final = [
    *differ(
        "4.x: a classic queue may say where it wants to be, too",
        "classic_leader_locator",
        (
            refused(
                406,
                "PRECONDITION_FAILED - invalid arg 'x-queue-leader-locator' for queue"
                " 'classic_leader_locator.q' in vhost '/' of queue type rabbit_classic_queue",
                50,
                10,
            ),
            "t 9 queue.declare-ok queue='classic_leader_locator.q' message_count=0"
            " consumer_count=0",
        ),
    ),
    *_counts(),
    *_quorum_arguments(),
    *differ(
        "4.x: a queue that asks for no type asks for the default one",
        "quorum_declared_again_without_its_type",
        (
            "received none but current is the value 'quorum' of type 'longstr'\"",
            "received 'classic' but current is 'quorum'\"",
        ),
    ),
]

KNOWN: Final[list[Known]] = [
    *RIGHTS,
    *QUORUM,
    *WATCHING,
    *NEWER,
    *AGING,
    *POLICIES,
    *_unknown_types(),
    *HANDSHAKE,
    *FRAMES,
    *REPLIES,
    *MESSAGES,
    *_first_wins(),
]
