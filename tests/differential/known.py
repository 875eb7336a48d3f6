"""Where Leveret is meant to differ from RabbitMQ 3.10, and why: the only place for that.

Leveret follows RabbitMQ 4.3 where that differs from the 3.10 that Debian has.  Each entry names a
scenario, what stands in RabbitMQ's trace, and what stands in Leveret's instead.  An entry that no
longer fits RabbitMQ's trace fails its scenario, so that none outlives its reason.
"""

from typing import Final

_OPENING: Final = "CHANNEL_ERROR - unexpected method in connection state opening"
_SILENT: Final = "the fault is named; 3.10 cuts the line without a word, after three seconds"
_CRASH: Final = "the fault is named; in 3.10 it crashes the connection's process"
_SYNTAX: Final = "a malformed table is 502 SYNTAX_ERROR; 3.10 crashes or says 501"
_REPLIES: Final = "4.2: a direct reply is a delivery like others: routed, and with a tag of its own"
_NUMBERS: Final = "4.x: headers match by value and type: 1 is not 1.0"


class Known:
    """One difference that is meant to be.  ``rabbitmq`` may span several lines."""

    def __init__(self, scenario: str, rabbitmq: str, leveret: str, reason: str) -> None:
        self.scenario: Final = scenario
        self.rabbitmq: Final = rabbitmq
        self.leveret: Final = leveret
        self.reason: Final = reason


def closed(label: str, code: int, text: str, class_id: int = 0, method_id: int = 0) -> str:
    """The line of a connection.close."""
    ids = f"class_id={class_id} method_id={method_id}"
    return f"{label} 0 connection.close reply_code={code} reply_text={text!r} {ids}"


def refused(code: int, text: str, class_id: int, method_id: int) -> str:
    """The line of a channel.close, as `Stage.attempt` records it."""
    ids = f"class_id={class_id} method_id={method_id}"
    return f"t 9 channel.close reply_code={code} reply_text={text!r} {ids}"


def silence(label: str) -> str:
    """The line of a connection that ends without a word."""
    return f"{label} end of connection"


def differ(reason: str, scenario: str, *pairs: tuple[str, str]) -> list[Known]:
    """One entry for each pair (RabbitMQ's line, Leveret's line)."""
    return [Known(scenario, rabbitmq, leveret, reason) for rabbitmq, leveret in pairs]


def named(
    reason: str, scenario: str, ids: tuple[int, int], *closes: tuple[str, int, str]
) -> list[Known]:
    """Entries for connections that 3.10 just ends; closes are (label, code, text)."""
    pairs = [(silence(label), closed(label, code, text, *ids)) for label, code, text in closes]
    return differ(reason, scenario, *pairs)


def _unknown_types() -> list[Known]:
    kinds = {"nonsense": "unknown", "": "invalid", "DIRECT": "unknown"}
    pairs = []
    for kind, word in kinds.items():
        text = f"COMMAND_INVALID - {word} exchange type '{kind}'"
        mine = f"PRECONDITION_FAILED - unknown exchange type '{kind}'"
        pairs.append((closed("t", 503, text, 40, 10), refused(406, mine, 40, 10)))
    reason = "4.x: an unknown exchange type is 406, which closes only the channel"
    return differ(reason, "exchange_unknown_type", *pairs)


def _limit(label: str, what: str, text: str) -> tuple[str, int, str]:
    return (label, 530, f"NOT_ALLOWED - negotiated {what} {text}")


HANDSHAKE: Final = [
    *named(
        _SILENT,
        "login_plain_malformed",
        (10, 11),
        *((label, 502, "SYNTAX_ERROR - the PLAIN response is malformed") for label in "abcdef"),
    ),
    *named(
        _SILENT,
        "login_amqplain_malformed",
        (10, 11),
        *((label, 502, "SYNTAX_ERROR - the AMQPLAIN response is malformed") for label in "abc"),
    ),
    *named(
        _SILENT,
        "login_unknown_mechanism",
        (10, 11),
        *(
            (label, 503, f"COMMAND_INVALID - unknown authentication mechanism '{name}'")
            for label, name in (("a", "NONSENSE"), ("b", "EXTERNAL"), ("c", ""), ("d", "plain"))
        ),
    ),
    *named(
        _SILENT,
        "tune_channel_max",
        (10, 31),
        _limit("c", "channel_max = 2048", "is higher than the maximum allowed value (2047)"),
        _limit("d", "channel_max = 65535", "is higher than the maximum allowed value (2047)"),
        _limit(
            "e", "channel_max = 0", "(no limit) is higher than the maximum allowed value (2047)"
        ),
    ),
    *named(
        _SILENT,
        "tune_frame_max_too_high",
        (10, 31),
        _limit("a", "frame_max = 131073", "is higher than the maximum allowed value (131072)"),
        _limit(
            "b", "frame_max = 0", "(no limit) is higher than the maximum allowed value (131072)"
        ),
        _limit("c", "frame_max = 4294967295", "is higher than the maximum allowed value (131072)"),
    ),
    *named(
        _SILENT,
        "tune_frame_max_too_low",
        (10, 31),
        _limit("b", "frame_max = 1", "is lower than the minimum allowed value (4096)"),
        _limit("c", "frame_max = 4095", "is lower than the minimum allowed value (4096)"),
    ),
    *named(_SILENT, "open_before_start_ok", (10, 40), ("a", 504, _OPENING)),
    *named(_SILENT, "open_before_tune_ok", (10, 40), ("a", 504, _OPENING)),
    *named(_SILENT, "start_ok_twice", (10, 11), ("a", 504, _OPENING)),
    *named(
        _SILENT,
        "start_ok_on_a_channel",
        (0, 0),
        (
            "a",
            505,
            "UNEXPECTED_FRAME - type 1, first 16 octets ="
            " <<0,10,0,11,0,0,0,49,12,99,97,112,97,98,105,108>>",
        ),
    ),
    *named(
        _SILENT,
        "start_ok_malformed",
        (10, 11),
        ("a", 501, "FRAME_ERROR - cannot decode <<0,0,0,0,5,80,76,65,73,78,0,0,0>>"),
        ("b", 502, "SYNTAX_ERROR - a size inside the table points past its end"),
        (
            "c",
            501,
            "FRAME_ERROR - cannot decode <<0,0,0,0,5,80,76,65,73,78,0,0,0,0,0,109,111,114,101>>",
        ),
    ),
    *named(
        _SILENT,
        "start_ok_too_large",
        (0, 0),
        ("a", 501, "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,20098,8184}"),
    ),
    *differ(
        "a client may say goodbye at any time; 3.10 cuts the line during the handshake",
        "close_during_the_handshake",
        (silence("a"), f"a 0 connection.close-ok\n{silence('a')}"),
    ),
    *differ(
        "4.x: AMQP 0-8 is no longer spoken",
        "header_of_version_0_8",
        (r"b'\x01\x00\x00\x00'", "b'AMQP'"),
    ),
    *differ(
        "connection.blocked is not offered as long as it is never sent",
        "start_fields",
        ("capability connection.blocked t:True\n", ""),
    ),
    *differ(
        "clients that want to know are told that this is Leveret",
        "start_fields",
        ("'information:S', 'platform:S'", "'information:S', 'leveret:S', 'platform:S'"),
    ),
]

_LONGER: Final = "FRAME_ERROR - the body is longer than its header says"
_LATE: Final = "UNEXPECTED_FRAME - expected content body, got non content body frame instead"
_PAST: Final = "SYNTAX_ERROR - a size inside the table points past its end"
_ENDS: Final = "SYNTAX_ERROR - the table ends before its last field"


def _properties(scenario: str, *closes: tuple[str, int, str]) -> list[Known]:
    """Content headers that crash 3.10; closes are (label, code, text)."""
    pairs = []
    for label, code, text in closes:
        ids = (60, 40) if code == 502 else (0, 0)
        pairs.append((closed(label, 541, "INTERNAL_ERROR"), closed(label, code, text, *ids)))
    return differ(_CRASH, scenario, *pairs)


def _undecoded(scenario: str, *closes: tuple[str, str, str]) -> list[Known]:
    """Methods whose table 3.10 cannot decode; closes are (label, octets, Leveret's text)."""
    pairs = []
    for label, octets, text in closes:
        theirs = f"FRAME_ERROR - cannot decode <<{octets}>>"
        pairs.append((closed(label, 501, theirs, 50, 10), closed(label, 502, text, 50, 10)))
    return differ(_SYNTAX, scenario, *pairs)


# The payload of that scenario's method up to its table.
_DECLARE: Final = (
    "0,0,21,97,114,103,117,109,101,110,116,115,95,109,97,108,102,111,114,109,101,100,46,113,1"
)

FRAMES: Final = [
    *differ(
        "Erlang breaks a long term over several lines",
        "frame_bad_end",
        (rf"marker,\n{' ' * 51}205", "marker,205"),
    ),
    *differ(
        "a body longer than declared is 501 at once; 3.10 waits for the next frame",
        "content_body_too_long",
        *(
            (closed(label, 505, _LATE, 60, 40), closed(label, 501, text))
            for label, text in (("a", _LONGER), ("b", _LONGER))
        ),
    ),
    *differ(
        "4.x: a body over 512 MiB is 501 at its header",
        "content_of_enormous_size",
        (
            closed("a", 505, _LATE, 60, 40),
            closed("a", 501, "FRAME_ERROR - no message may have 18446744073709551615 octets"),
        ),
    ),
    *differ(
        "4.x: a body over 512 MiB is 501 at its header",
        "content_of_1_gib",
        (
            closed("a", 505, _LATE, 60, 40),
            closed("a", 501, "FRAME_ERROR - no message may have 1073741824 octets"),
        ),
    ),
    *_properties(
        "content_header_truncated",
        (
            "c",
            501,
            "FRAME_ERROR - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,0,160>>: unknown_frame",
        ),
        ("d", 502, f"SYNTAX_ERROR - the headers are malformed: {_ENDS[15:]}"),
        ("e", 502, f"SYNTAX_ERROR - the headers are malformed: {_PAST[15:]}"),
    ),
    *_properties(
        "content_header_with_octets_left_over",
        ("a", 502, "SYNTAX_ERROR - the properties and their flags disagree in size"),
    ),
    *_properties(
        "content_header_with_unknown_flags",
        ("b", 502, "SYNTAX_ERROR - more flags than basic has properties"),
    ),
    *_properties(
        "content_headers_malformed",
        ("a", 502, "SYNTAX_ERROR - the headers are malformed: a field is longer than its table"),
        ("b", 502, "SYNTAX_ERROR - the headers are malformed: no field has the type octet 63"),
        ("c", 502, f"SYNTAX_ERROR - the headers are malformed: {_PAST[15:]}"),
    ),
    *named(
        _CRASH, "method_unknown", (60, 99), ("a", 503, "COMMAND_INVALID - unimplemented method")
    ),
    *named(
        _CRASH, "method_unknown", (99, 10), ("b", 503, "COMMAND_INVALID - unimplemented method")
    ),
    *named(_CRASH, "method_unknown", (0, 0), ("c", 503, "COMMAND_INVALID - unimplemented method")),
    *named(
        _CRASH,
        "method_unknown_on_channel_0",
        (10, 99),
        ("a", 504, "CHANNEL_ERROR - unexpected method in connection state running"),
    ),
    *named(
        _CRASH,
        "method_unknown_on_channel_0",
        (99, 10),
        ("b", 504, "CHANNEL_ERROR - unexpected method in connection state running"),
    ),
    *differ(
        "some clients answer the broker's own basic.cancel, which expects no answer",
        "method_basic_cancel_ok",
        (
            closed("a", 503, "COMMAND_INVALID - unimplemented method", 60, 31),
            "a 1 basic.qos-ok",
        ),
    ),
    *differ(
        "tables nested deeper than 32 are refused, so that none can exhaust the stack",
        "arguments_nested_deeply",
        (
            'a 1 channel.close reply_code=404 reply_text="NOT_FOUND - no queue'
            " 'arguments_nested_deeply.q' in vhost '/'\" class_id=50 method_id=10",
            closed("a", 502, "SYNTAX_ERROR - tables nested deeper than 32", 50, 10),
        ),
    ),
    *_undecoded(
        "method_payload_truncated",
        ("g", "0,0,4,110,97,109,101,0", _ENDS),
        ("h", "0,0,4,110,97,109,101,0,0,0", _ENDS),
        ("i", "0,0,4,110,97,109,101,0,0,0,0,7,1,97,73,0,0,0", _PAST),
    ),
    *_undecoded(
        "arguments_malformed",
        ("a", f"{_DECLARE},0,0,1,0", _PAST),
        ("b", f"{_DECLARE},255,255,255,255", _PAST),
        (
            "c",
            f"{_DECLARE},0,0,0,3,1,97,73,0,0,0,5",
            "SYNTAX_ERROR - a field is longer than its table",
        ),
    ),
    *named(
        _CRASH,
        "arguments_malformed",
        (50, 10),
        ("d", 502, "SYNTAX_ERROR - no field has the type octet 63"),
        ("e", 502, _ENDS),
        ("f", 502, _PAST),
        ("g", 502, _ENDS),
        ("h", 502, _PAST),
        ("i", 502, _ENDS),
    ),
]


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

NEWER: Final = [
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
    *differ(
        "that a consumer is gone is told once; RabbitMQ tells it twice when its queue is deleted",
        "events_of_consumers",
        (
            "consumer.deleted {'channel': '*', 'consumer_tag': S:'u',"
            " 'queue': S:'events_of_consumers.q', 'timestamp_in_ms': '*', 'vhost': S:'/'}"
            " {'delivery_mode': 2} b''\n",
            "",
        ),
    ),
]

KNOWN: Final[list[Known]] = [
    *WATCHING,
    *NEWER,
    *AGING,
    *_unknown_types(),
    *HANDSHAKE,
    *FRAMES,
    *REPLIES,
    *MESSAGES,
    *_first_wins(),
]
