"""Meant differences in frames, contents and handshakes: mostly faults that 3.10 does not name."""

from typing import Final

from tests.differential.differences import Known, closed, differ, named, silence

_OPENING: Final = "CHANNEL_ERROR - unexpected method in connection state opening"
_SILENT: Final = "the fault is named; 3.10 cuts the line without a word, after three seconds"
_CRASH: Final = "the fault is named; in 3.10 it crashes the connection's process"
_SYNTAX: Final = "a malformed table is 502 SYNTAX_ERROR; 3.10 crashes or says 501"


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
