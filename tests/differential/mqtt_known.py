"""Where Leveret is meant to differ from RabbitMQ 3.10's MQTT plugin, or from mosquitto, and why."""

from typing import Final

from tests.differential.differences import Known, differ

_QOS_2: Final = "QoS 2 is exactly once here, and as QoS 1 in RabbitMQ"
_EXACT: Final = "what breaks the rules ends the connection, as the specification asks for"
_FILTER: Final = "a filter that is wrong is refused by itself, and the others of its packet are not"
_EARLY: Final = "a message of QoS 2 is handed on with PUBLISH, in mosquitto with PUBREL"
_OVER: Final = "end of connection"


def _wrong(label: str, what: str, theirs: str, mine: str) -> tuple[str, str]:
    """The lines of one wrong packet; the answers may be none."""
    head = f"{label} {what}\n"
    return (
        "".join([head, *(f"{label} {line}\n" for line in theirs.split("; ") if line)]),
        "".join([head, *(f"{label} {line}\n" for line in mine.split("; ") if line)]),
    )


RABBITMQ: Final[list[Known]] = [
    *differ(
        "a level that is not known is answered with code 1, as the specification asks for",
        "connect_of_another_level",
        ("a end of connection", "a CONNACK new reason=0x01\na end of connection"),
    ),
    *differ(_EXACT, "connect_twice", ("a CONNACK new reason=0x00", "a end of connection")),
    *differ(
        _QOS_2,
        "publish_qos_2",
        ("codes=['0x1']", "codes=['0x2']"),
        ("b'x' qos=1\na PUBACK 7", "b'x' qos=2\na PUBREC 7"),
        ("reason=0x00\na quiet\na quiet", "reason=0x00\na PUBREL #1 reason=0x00\na quiet\na quiet"),
        ("a quiet\na quiet", "a quiet\na PUBCOMP 7 reason=0x00\na quiet"),
    ),
    *differ(
        _QOS_2,
        "publish_qos_2_twice",
        ("PUBACK", "PUBREC"),
        ("a quiet\na quiet", "a quiet\na PUBCOMP 7 reason=0x00\na quiet"),
        ("b PUBLISH #2 'publish_qos_2_twice/a' b'once' qos=1 again\n", ""),
    ),
    *differ(
        "4.x: a subscription that is made again takes the place of the one before",
        "subscribe_again",
        (
            "b'x' qos=0\na PUBLISH #1 'subscribe_again/a' b'x' qos=1",
            "b'x' qos=1\na PUBLISH #1 'subscribe_again/a' b'x' qos=1",
        ),
        (
            "a PUBLISH 'subscribe_again/a' b'x' qos=1\na PUBLISH #1",
            "a PUBLISH #1",
        ),
        ("a PUBLISH #2 'subscribe_again/a' b'x' qos=1\n", ""),
    ),
    *differ(
        "wildcards find retained messages, as the specification asks for",
        "retained_for_wildcards",
        *(
            (
                f"{label} {what}\n{label} SUBACK 1001 codes=['0x0']\n",
                f"{label} {what}\n{label} SUBACK 1001 codes=['0x0']\n"
                f"{label} PUBLISH 'retained_for_wildcards/a/b' b'x' qos=0 retained\n",
            )
            for label, what in (("b", "a/+"), ("c", "#"), ("d", "a/b/#"))
        ),
    ),
    *differ(
        "who is taken over has not said goodbye: the will is published, as in mosquitto",
        "will_after_a_takeover",
        (
            "a quiet",
            "a PUBLISH 'will_after_a_takeover/will' b'gone' qos=0\na quiet",
        ),
    ),
    *differ(
        _EXACT,
        "wrong_packets",
        _wrong("b", "packet identifier 0", "PUBACK 0 reason=0x00", _OVER),
        _wrong("c", "topic with a wildcard", "", _OVER),
        _wrong("d", "topic that is empty", "", _OVER),
        _wrong("f", "nothing in SUBSCRIBE", "SUBACK 1", _OVER),
        _wrong("i", "type 0", "", _OVER),
        _wrong("j", "type 15", "", _OVER),
        _wrong("k", "packet of the server", "", _OVER),
        _wrong("l", "length of five octets", "", _OVER),
    ),
    *differ(
        _FILTER,
        "wrong_packets",
        ("SUBACK 1 codes=['0x0']", "SUBACK 1 codes=['0x80']"),
    ),
    *differ(
        "4.x: AMQP clients are not told of QoS and duplicates in headers",
        "crossing_to_amqp",
        *(
            (f"'headers': {{'x-mqtt-publish-qos': b:{qos}, 'x-mqtt-dup': t:False}}, ", "")
            for qos in (0, 1)
        ),
    ),
    *differ(
        "4.x: a message of AMQP that is not persistent has QoS 0",
        "crossing_from_amqp",
        (
            "a PUBLISH #1 'crossing_from_amqp/b/c' b'x' qos=1",
            "a PUBLISH 'crossing_from_amqp/b/c' b'x' qos=0",
        ),
        ("a PUBLISH #2", "a PUBLISH #1"),
    ),
    *differ(
        "4.x: the queues of a session that ends with its connection are exclusive",
        "crossing_queues",
        *(
            (f"-passingqos{qos} queue.declare-ok ", f"-passingqos{qos} channel.close 405")
            for qos in (0, 1)
        ),
    ),
]

MOSQUITTO: Final[list[Known]] = [
    *differ(
        _EARLY,
        "publish_qos_2",
        (
            "a PUBREC 7 reason=0x00\na quiet\na PUBLISH #1 'publish_qos_2/a' b'x' qos=2\n"
            "a PUBCOMP 7 reason=0x00\na PUBREL #1 reason=0x00\n",
            "a PUBLISH #1 'publish_qos_2/a' b'x' qos=2\n"
            "a PUBREC 7 reason=0x00\na PUBREL #1 reason=0x00\na quiet\na PUBCOMP 7 reason=0x00\n",
        ),
    ),
    *differ(
        _FILTER,
        "wrong_packets",
        _wrong("g", "filter that is wrong", _OVER, "SUBACK 1 codes=['0x80']"),
        _wrong("h", "filter that is empty", _OVER, "SUBACK 1 codes=['0x80']"),
    ),
    *differ(
        "who is taken over is told, as the specification asks for",
        "scenario5_takeover",
        ("a end of connection", "a DISCONNECT reason=0x8e\na end of connection"),
    ),
    *differ(
        "no retained messages for shared subscriptions: MQTT 5.0, section 4.8.2",
        "scenario5_shared_gets_nothing_retained",
        ("b PUBLISH 'scenario5_shared_gets_nothing_retained/a' b'x' qos=0 retained\n", ""),
    ),
    *differ(
        "a session without subscriptions leaves nothing, as in RabbitMQ",
        "scenario5_session_without_subscriptions",
        ("CONNACK present", "CONNACK new"),
    ),
    *differ(
        "mosquitto sends one more than the client wants to have at once",
        "scenario5_receive_maximum",
        ("b PUBLISH #4 'scenario5_receive_maximum/a' b'3' qos=1\n", ""),
    ),
    *differ(
        "that nobody is subscribed is said with QoS 2, too",
        "scenario5_publish_to_nobody",
        ("PUBREC 2 reason=0x00", "PUBREC 2 reason=0x10"),
    ),
    *differ(
        "the reason code is the one that the specification gives",
        "scenario5_topic_alias_that_is_wrong",
        ("b DISCONNECT reason=0x81", "b DISCONNECT reason=0x94"),
    ),
    *differ(
        "the reason code is the one that the specification gives",
        "scenario5_wrong_packets",
        _wrong("a", "retain handling 3", "DISCONNECT reason=0x81", "DISCONNECT reason=0x82"),
        _wrong("d", "identifier 0", "DISCONNECT reason=0x81", "DISCONNECT reason=0x82"),
        _wrong("h", "topic with a wildcard", "DISCONNECT reason=0x82", "DISCONNECT reason=0x81"),
    ),
    *differ(
        "what breaks the rules ends the connection, and the client is told why",
        "scenario5_wrong_packets",
        _wrong(
            "c",
            "no local for a group",
            "SUBACK 1 codes=['0x0']",
            f"DISCONNECT reason=0x82; {_OVER}",
        ),
        _wrong("e", "identifier of a client", "", f"DISCONNECT reason=0x82; {_OVER}"),
        _wrong("g", "property twice", _OVER, f"DISCONNECT reason=0x82; {_OVER}"),
        _wrong("k", "AUTH", _OVER, f"DISCONNECT reason=0x82; {_OVER}"),
    ),
]
