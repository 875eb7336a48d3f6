"""leveret.mqtt.packets: what a client sends, decoded; what the server sends, encoded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter
from tests import mqtt_wire as wire

from leveret.mqtt import packets
from leveret.mqtt.codes import (
    CONNECT,
    MALFORMED_PACKET,
    NOT_AUTHORIZED,
    PACKET_TOO_LARGE,
    PINGREQ,
    PROTOCOL_ERROR,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    TOPIC_ALIAS_INVALID,
    UNSUBSCRIBE,
    UNSUPPORTED_PROTOCOL_VERSION,
    MqttFault,
)
from leveret.mqtt.packets import (
    Publish,
    check_flags,
    check_ping,
    plain_ack_id,
    read_ack,
    read_auth,
    read_connect,
    read_disconnect,
    read_subscribe,
    read_unsubscribe,
    topic_name,
)
from leveret.mqtt.properties import PAYLOAD_FORMAT, SESSION_EXPIRY, WILL_DELAY
from leveret.mqtt.properties import read_packet_properties as read_properties
from leveret.mqtt.reader import PacketReader

names = st.text(st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), max_size=12)
versions = st.sampled_from([3, 4, 5])
FAULTS = {
    *(MALFORMED_PACKET, PROTOCOL_ERROR, UNSUPPORTED_PROTOCOL_VERSION, TOPIC_ALIAS_INVALID),
    PACKET_TOO_LARGE,
}


def at(octets: bytes) -> PacketReader:
    """A reader that is at the packet."""
    reader = PacketReader(1 << 28)
    reader.feed(octets)
    assert reader.advance()
    return reader


def split(octets: bytes, version: int) -> Publish:
    publish = Publish()
    publish.split(at(octets), version)
    return publish


def back(octets: bytes, version: int) -> wire.Packet:
    """What the test's own decoder makes of a packet from the broker."""
    cursor = wire.Cursor(octets)
    first = cursor.octet()
    rest = cursor.take(cursor.variable())
    assert not cursor.data
    return wire.decode(wire.TYPES[first >> 4], first & 15, rest, version)


# --- CONNECT ---------------------------------------------------------------------------------


@given(
    version=versions,
    client_id=names,
    clean=st.booleans(),
    keep_alive=st.integers(0, 65535),
    user=st.none() | names,
    password=st.none() | st.binary(max_size=10),
    will=st.none() | st.tuples(names.filter(bool), st.binary(max_size=10)),
    will_qos=st.integers(0, 2),
    will_retain=st.booleans(),
)
def test_connect_is_read(version: int, client_id: str, **given: Any) -> None:
    if given["user"] is None and version < 5:
        given["password"] = None
    props = {"session_expiry": 7, "user": [("a", "b")]}
    will_props = {"will_delay": 3}
    found = read_connect(
        at(wire.connect(client_id, version, props=props, will_props=will_props, **given))
    )
    assert (found.version, found.client_id, found.is_clean) == (version, client_id, given["clean"])
    assert found.keep_alive_s == given["keep_alive"]
    assert (found.user_name, found.password) == (given["user"], given["password"])
    if version == 5:
        assert found.properties.number(SESSION_EXPIRY, 0) == 7
        assert found.properties.user == [("a", "b")]
    if given["will"] is None:
        assert found.will is None
    else:
        assert found.will is not None
        assert (found.will.topic, found.will.payload) == given["will"]
        assert (found.will.qos, found.will.is_retained) == (given["will_qos"], given["will_retain"])
        assert found.will.properties.number(WILL_DELAY, 0) == (3 if version == 5 else 0)


def raw_connect(name: bytes, level: int, flags: int, rest: bytes = b"\0\0") -> bytes:
    return wire.packet("CONNECT", 0, wire.string(name) + bytes([level, flags, 0, 0]) + rest)


WRONG_CONNECTS: dict[str, tuple[bytes, int]] = {
    "level": (raw_connect(b"MQTT", 6, 2), UNSUPPORTED_PROTOCOL_VERSION),
    "level 3 with the new name": (raw_connect(b"MQTT", 3, 2), UNSUPPORTED_PROTOCOL_VERSION),
    "level of a bridge": (raw_connect(b"MQTT", 0x84, 2), UNSUPPORTED_PROTOCOL_VERSION),
    "name": (raw_connect(b"MQTX", 4, 2), PROTOCOL_ERROR),
    "reserved flag": (raw_connect(b"MQTT", 4, 3), MALFORMED_PACKET),
    "flags": (b"\x11" + raw_connect(b"MQTT", 4, 2)[1:], MALFORMED_PACKET),
    "QoS without a will": (raw_connect(b"MQTT", 4, 2 | 8), MALFORMED_PACKET),
    "retain without a will": (raw_connect(b"MQTT", 4, 2 | 32), MALFORMED_PACKET),
    "will of QoS 3": (wire.connect("a", will=("t", b""), will_qos=3), MALFORMED_PACKET),
    "will to a wildcard": (wire.connect("a", will=("t/#", b"")), MALFORMED_PACKET),
    "will to nothing": (wire.connect("a", will=("", b"")), MALFORMED_PACKET),
    "password alone": (wire.connect("a", password=b"x"), MALFORMED_PACKET),
    "client id with U+0000": (wire.connect("a\0"), MALFORMED_PACKET),
    "client id of other octets": (wire.connect(b"\xff"), MALFORMED_PACKET),
    "client id with half a character": (wire.connect("\ud83d"), MALFORMED_PACKET),
    "octets to spare": (raw_connect(b"MQTT", 4, 2, b"\0\0\0"), MALFORMED_PACKET),
    "nothing": (wire.packet("CONNECT", 0, b""), MALFORMED_PACKET),
    "will delay beside a will": (
        wire.connect("a", 5, props={"will_delay": 1}),
        MALFORMED_PACKET,
    ),
}


@pytest.mark.parametrize("name", WRONG_CONNECTS)
def test_a_wrong_connect_is_refused(name: str) -> None:
    octets, reason = WRONG_CONNECTS[name]
    with pytest.raises(MqttFault) as caught:
        read_connect(at(octets))
    assert caught.value.reason == reason


def test_mqtt_5_has_passwords_without_user_names() -> None:
    assert read_connect(at(wire.connect("a", 5, password=b"x"))).password == b"x"


# --- PUBLISH ---------------------------------------------------------------------------------


@given(
    version=versions,
    topic=names.filter(bool),
    body=st.binary(max_size=300),
    qos=st.integers(0, 2),
    packet_id=st.integers(1, 65535),
    retain=st.booleans(),
    dup=st.booleans(),
    props=st.sampled_from([{}, {"payload_format": 1, "user": [("a", "b" * 200)]}]),
)
def test_publish_is_split(version: int, topic: str, body: bytes, **given: Any) -> None:
    given["dup"] = given["dup"] and given["qos"] > 0
    found = split(wire.publish(topic, body, version, **given), version)
    assert topic_name(found.topic) == topic
    assert found.body == body
    assert (found.qos, found.is_retained) == (given["qos"], given["retain"])
    assert found.packet_id == (given["packet_id"] if given["qos"] else 0)
    assert found.is_duplicate == given["dup"]
    if version == 5:
        properties = read_properties(found.properties, PUBLISH)
        assert properties.number(PAYLOAD_FORMAT, 0) == given["props"].get("payload_format", 0)
        assert properties.user == given["props"].get("user", [])


def test_nothing_of_one_publish_is_left_in_the_next() -> None:
    publish = Publish()
    publish.split(at(wire.publish("a", b"x", 5, qos=1, props={"payload_format": 1})), 5)
    publish.split(at(wire.publish("b", b"", 5)), 5)
    found = (publish.topic, publish.packet_id, publish.properties, publish.body, publish.qos)
    assert found == (b"b", 0, b"", b"", 0)


WRONG_PUBLISHES: dict[str, tuple[bytes, int]] = {
    "QoS 3": (b"\x36\x05\x00\x01a\x00\x01", 4),
    "packet identifier 0": (wire.publish("a", qos=1, packet_id=0), 4),
    "no packet identifier": (b"\x32\x03\x00\x01a", 4),
    "duplicate of QoS 0": (wire.publish("a", dup=True), 4),
    "no topic": (b"\x30\x00", 4),
    "topic cut off": (b"\x30\x03\x00\x05a", 4),
    "no properties": (b"\x30\x03\x00\x01a", 5),
    "properties cut off": (b"\x30\x05\x00\x01a\x05\x01", 5),
}


@pytest.mark.parametrize("name", WRONG_PUBLISHES)
def test_a_wrong_publish_is_refused(name: str) -> None:
    octets, version = WRONG_PUBLISHES[name]
    with pytest.raises(MqttFault) as caught:
        split(octets, version)
    assert caught.value.reason == MALFORMED_PACKET


@pytest.mark.parametrize("topic", [b"a/#", b"+", b"a\0", b"\xff", b"\xed\xa0\x80"])
def test_a_wrong_topic_is_refused(topic: bytes) -> None:
    with pytest.raises(MqttFault) as caught:
        topic_name(topic)
    assert caught.value.reason == MALFORMED_PACKET


@given(
    version=versions,
    topic=names.filter(bool),
    body=st.binary(max_size=20_000),
    packet_id=st.integers(0, 65535),
    properties=st.sampled_from([{}, {"topic_alias": 3}, {"user": [("k", "v" * 300)]}]),
    flags=st.tuples(st.booleans(), st.booleans()),
)
def test_what_is_published_a_client_reads(
    version: int,
    topic: str,
    body: bytes,
    packet_id: int,
    properties: dict[str, Any],
    flags: tuple[bool, bool],
) -> None:
    out = BytesWriter()
    qos = 1 if packet_id else 0
    first = packets.publish_flags(qos, *flags)
    data = wire.Cursor(wire.properties(properties))
    bare = data.take(data.variable()) if version == 5 else None
    packets.write_publish(out, first, topic.encode(), packet_id, bare, body)
    found = back(out.getvalue(), version)
    assert (found.topic, found.body, found.qos) == (topic, body, qos)
    assert (found.packet_id or 0) == packet_id
    assert (found.is_retained, found.is_duplicate) == flags
    assert found.props == (properties if version == 5 else {})
    size = packets.publish_size(topic.encode(), packet_id, bare, len(body))
    assert size == len(out.getvalue())


# --- acknowledgements ------------------------------------------------------------------------

ACKS = {"PUBACK": PUBACK, "PUBREC": PUBREC, "PUBREL": PUBREL, "PUBCOMP": PUBCOMP}


@pytest.mark.parametrize("kind", ACKS)
def test_an_acknowledgement_is_read(kind: str) -> None:
    for version in (3, 4, 5):
        assert read_ack(at(wire.ack(kind, 7)), version).packet_id == 7
        assert plain_ack_id(at(wire.ack(kind, 7))) == 7
    found = read_ack(at(wire.ack(kind, 9, 0x92)), 5)
    assert (found.packet_id, found.reason) == (9, 0x92)
    found = read_ack(at(wire.ack(kind, 9, 0x92, {"user": ("a", "b")})), 5)
    assert found.properties.user == [("a", "b")]
    assert plain_ack_id(at(wire.ack(kind, 9, 0))) == 0


@pytest.mark.parametrize("kind", ACKS)
def test_a_wrong_acknowledgement_is_refused(kind: str) -> None:
    wrong = [
        (wire.ack(kind, 0), 4, PROTOCOL_ERROR),
        (wire.ack(kind, 7, 0), 4, MALFORMED_PACKET),
        (wire.packet(kind, 2 if kind == "PUBREL" else 0, b"\1"), 4, MALFORMED_PACKET),
        (wire.packet(kind, 0 if kind == "PUBREL" else 2, b"\0\1"), 4, MALFORMED_PACKET),
        (wire.ack(kind, 7, 0, {"topic_alias": 1}), 5, MALFORMED_PACKET),
        (wire.ack(kind, 7, 0, {}) + b"", 4, MALFORMED_PACKET),
    ]
    for octets, version, reason in wrong:
        with pytest.raises(MqttFault) as caught:
            read_ack(at(octets), version)
        assert caught.value.reason == reason


@pytest.mark.parametrize("kind", ACKS)
@pytest.mark.parametrize("reason", [0, 0x10, 0x97])
@pytest.mark.parametrize("text", ["", "why", "x" * 200])
def test_an_acknowledgement_is_written(kind: str, reason: int, text: str) -> None:
    props = {"reason_string": text} if text else {}
    bare = wire.one_property("reason_string", text) if text else b""
    found = back(packets.ack(ACKS[kind], 513, reason, bare), 5)
    assert (found.kind, found.packet_id, found.reason) == (kind, 513, reason)
    assert found.props == props
    assert found.flags == (2 if kind == "PUBREL" else 0)
    assert len(packets.ack(ACKS[kind], 513, reason, bare, 4)) == 4


# --- SUBSCRIBE and UNSUBSCRIBE ---------------------------------------------------------------


@given(versions, st.lists(names, min_size=1, max_size=5), st.integers(1, 65535))
def test_subscribe_and_unsubscribe_are_read(
    version: int, filters: list[str], packet_id: int
) -> None:
    props = {"user": [("a", "b")]}
    pairs: list[tuple[str | bytes, int]] = [(each, 2) for each in filters]
    found = read_subscribe(at(wire.subscribe(pairs, packet_id, version, props)), version)
    assert [wish.filter for wish in found.wishes] == filters
    assert found.packet_id == packet_id
    assert found.properties.user == (props["user"] if version == 5 else [])
    gone = read_unsubscribe(at(wire.unsubscribe(filters, packet_id, version, props)), version)
    assert (gone.filters, gone.packet_id) == (filters, packet_id)


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("handling", [0, 1, 2])
@pytest.mark.parametrize("flags", [(False, False), (True, False), (False, True)])
def test_the_options_of_a_filter_are_read(
    qos: int, handling: int, flags: tuple[bool, bool]
) -> None:
    options = qos | flags[0] << 2 | flags[1] << 3 | handling << 4
    wish = read_subscribe(at(wire.subscribe([("a", options)], version=5)), 5).wishes[0]
    assert (wish.qos, wish.retain_handling) == (qos, handling)
    assert (wish.is_no_local, wish.is_retain_as_published) == flags


WRONG_SUBSCRIBES: dict[str, tuple[bytes, int, int]] = {
    "nothing wished": (wire.subscribe([]), 4, PROTOCOL_ERROR),
    "packet identifier 0": (wire.subscribe([("a", 0)], 0), 4, PROTOCOL_ERROR),
    "QoS 3": (wire.subscribe([("a", 3)]), 4, MALFORMED_PACKET),
    "options of MQTT 5": (wire.subscribe([("a", 4)]), 4, MALFORMED_PACKET),
    "reserved options": (wire.subscribe([("a", 64)], version=5), 5, MALFORMED_PACKET),
    "retain handling 3": (wire.subscribe([("a", 0x30)], version=5), 5, PROTOCOL_ERROR),
    "no options": (wire.packet("SUBSCRIBE", 2, b"\0\1\0\1a"), 4, MALFORMED_PACKET),
    "flags": (wire.packet("SUBSCRIBE", 0, b"\0\1\0\1a\0"), 4, MALFORMED_PACKET),
    "other octets": (wire.subscribe([(b"\xfe", 0)]), 4, MALFORMED_PACKET),
    "two identifiers": (
        wire.subscribe([("a", 0)], 1, 5, {"subscription_identifier": [1, 2]}),
        5,
        PROTOCOL_ERROR,
    ),
}


@pytest.mark.parametrize("name", WRONG_SUBSCRIBES)
def test_a_wrong_subscribe_is_refused(name: str) -> None:
    octets, version, reason = WRONG_SUBSCRIBES[name]
    with pytest.raises(MqttFault) as caught:
        read_subscribe(at(octets), version)
    assert caught.value.reason == reason


def test_a_wrong_unsubscribe_is_refused() -> None:
    for octets in (wire.unsubscribe([]), wire.unsubscribe(["a"], 0)):
        with pytest.raises(MqttFault) as caught:
            read_unsubscribe(at(octets), 4)
        assert caught.value.reason == PROTOCOL_ERROR


def test_in_mqtt_31_a_subscribe_may_say_that_it_comes_again() -> None:
    again = wire.packet("SUBSCRIBE", 2 | 8, b"\0\1\0\1a\0")
    assert read_subscribe(at(again), 3).packet_id == 1
    with pytest.raises(MqttFault):
        read_subscribe(at(again), 4)


@given(versions, st.lists(st.sampled_from([0, 1, 2, 0x80, 0x87]), min_size=1, max_size=200))
def test_suback_and_unsuback_are_written(version: int, codes: list[int]) -> None:
    bare = wire.one_property("reason_string", "why") if version == 5 else b""
    found = back(packets.suback(version, 700, codes, bare), version)
    assert found.packet_id == 700
    assert found.codes == (codes if version == 5 else [min(code, 0x80) for code in codes])
    gone = back(packets.unsuback(version, 700, codes, bare), version)
    assert gone.codes == (codes if version == 5 else [])
    assert found.props == gone.props == ({"reason_string": "why"} if version == 5 else {})


# --- the rest --------------------------------------------------------------------------------


def test_disconnect_is_read() -> None:
    assert read_disconnect(at(wire.disconnect()), 4).reason == 0
    assert read_disconnect(at(wire.disconnect()), 5).reason == 0
    assert read_disconnect(at(wire.disconnect(4)), 5).reason == 4
    found = read_disconnect(at(wire.disconnect(0, {"session_expiry": 9})), 5)
    assert found.properties.number(SESSION_EXPIRY, 0) == 9
    with pytest.raises(MqttFault):
        read_disconnect(at(wire.disconnect(4)), 4)


def test_auth_is_read() -> None:
    props = {"authentication_method": "SCRAM", "authentication_data": b"\0"}
    rest = b"\x19" + wire.properties(props)
    assert read_auth(at(wire.packet("AUTH", 0, rest))).reason == 0x19


def test_a_ping_is_empty() -> None:
    check_ping(at(wire.packet("PINGREQ", 0, b"")), 4)
    for wrong in (wire.packet("PINGREQ", 0, b"x"), wire.packet("PINGREQ", 1, b"")):
        with pytest.raises(MqttFault):
            check_ping(at(wrong), 4)


@pytest.mark.parametrize("present", [True, False])
def test_connack_is_written(present: bool) -> None:
    found = back(packets.connack(4, present, 0), 4)
    assert (found.reason, found.is_session_present) == (0, present)
    found = back(packets.connack(5, present, 0, wire.one_property("receive_maximum", 9)), 5)
    assert (found.reason, found.is_session_present) == (0, present)
    assert found.props == {"receive_maximum": 9}


def test_who_is_refused_has_no_session() -> None:
    assert packets.connack(4, True, NOT_AUTHORIZED) == b"\x20\x02\x00\x05"
    assert back(packets.connack(5, True, NOT_AUTHORIZED), 5).reason == NOT_AUTHORIZED


@pytest.mark.parametrize(
    ("reason", "code"), [(0x84, 1), (0x85, 2), (0x88, 3), (0x86, 4), (0x87, 5), (0x97, 3)]
)
def test_before_mqtt_5_connack_has_codes_of_its_own(reason: int, code: int) -> None:
    assert packets.connack(4, False, reason) == bytes([0x20, 2, 0, code])


def test_disconnect_is_written() -> None:
    found = back(packets.disconnect(0x8E, wire.one_property("reason_string", "x" * 300)), 5)
    assert (found.reason, found.props) == (0x8E, {"reason_string": "x" * 300})


def test_pingresp_is_written() -> None:
    assert back(packets.PINGRESP_OCTETS, 4).kind == "PINGRESP"


def test_flags_that_must_be_are_asked_for() -> None:
    check_flags(at(wire.packet("PINGREQ", 0, b"")), 4)
    with pytest.raises(MqttFault, match="PINGREQ with flags 4"):
        check_flags(at(wire.packet("PINGREQ", 4, b"")), 4)


# --- whatever comes --------------------------------------------------------------------------


def read(octets: bytes, version: int) -> None:
    """Read all packets as a session would."""
    reader = PacketReader(1000)
    reader.feed(octets)
    publish = Publish()
    while reader.advance():
        kind = reader.kind
        if kind == CONNECT:
            read_connect(reader)
        elif kind == PUBLISH:
            publish.split(reader, version)
            topic_name(publish.topic)
            read_properties(publish.properties, PUBLISH)
        elif kind in ACKS.values():
            plain_ack_id(reader)
            read_ack(reader, version)
        elif kind == SUBSCRIBE:
            read_subscribe(reader, version)
        elif kind == UNSUBSCRIBE:
            read_unsubscribe(reader, version)
        elif kind == PINGREQ:
            check_ping(reader, version)
        elif kind == 14:
            read_disconnect(reader, version)
        else:
            read_auth(reader)


GOOD = [
    wire.connect("a", 5, will=("t", b"x"), user="u", password=b"p", props={"session_expiry": 1}),
    wire.connect("a", 4),
    wire.publish("a/b", b"x" * 20, 5, qos=1, props={"user": ("a", "b"), "message_expiry": 5}),
    wire.publish("a/b", b"x" * 200),
    wire.subscribe([("a/+", 1), ("$share/g/#", 2)], 7, 5, {"subscription_identifier": 300}),
    wire.unsubscribe(["a", "b"], 9, 5),
    *(wire.ack(kind, 300, 0x10, {"reason_string": "why"}) for kind in ACKS),
    wire.disconnect(4, {"session_expiry": 3}),
]


@given(st.binary(max_size=200), versions)
def test_random_octets_are_refused_or_awaited(octets: bytes, version: int) -> None:
    try:
        read(octets, version)
    except MqttFault as fault:
        assert fault.reason in FAULTS


@given(st.sampled_from(GOOD), st.sampled_from(GOOD), st.data(), versions)
def test_packets_with_a_flipped_bit_are_refused_or_awaited(
    first: bytes, second: bytes, data: st.DataObject, version: int
) -> None:
    octets = bytearray(first + second)
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read(bytes(octets), version)
    except MqttFault as fault:
        assert fault.reason in FAULTS


@pytest.mark.parametrize("octets", GOOD, ids=lambda o: wire.TYPES[o[0] >> 4])
def test_a_packet_whose_length_is_too_short_is_refused(octets: bytes) -> None:
    """However much is missing at its end, unless what is left makes sense by itself."""
    cursor = wire.Cursor(octets)
    first = cursor.octet()
    rest = cursor.take(cursor.variable())
    for size in range(len(rest)):
        try:
            read(bytes([first]) + wire.variable(size) + rest[:size], 5)
        except MqttFault as fault:
            assert fault.reason in FAULTS
