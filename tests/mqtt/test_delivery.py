"""leveret.mqtt.delivery and publishing: QoS 0, 1 and 2 in both directions, on a real socket."""

import pika
import pytest
from tests.mqtt.conftest import Join
from tests.mqtt_wire import MqttWire

import leveret

VERSIONS = (3, 4, 5)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("published", (0, 1, 2))
@pytest.mark.parametrize("granted", (0, 1, 2))
def test_a_message_comes_once_with_the_lower_of_both_qos(
    join: Join, version: int, published: int, granted: int
) -> None:
    reader, writer = join("r", version=version), join("w", version=version)
    assert reader.subscribe("t/#", qos=granted) == [granted]
    send(writer, "t/a", b"hello", published)
    found = reader.message()
    assert (found.topic, found.body, found.qos) == ("t/a", b"hello", min(published, granted))
    assert not found.is_duplicate
    assert not found.is_retained
    assert reader.messages_before_pong() == []


def send(wire: MqttWire, topic: str, body: bytes, qos: int, packet_id: int = 7) -> None:
    """Publish, and go through all of the handshake."""
    wire.publish(topic, body, qos=qos, packet_id=packet_id)
    if qos == 1:
        assert wire.need("PUBACK").packet_id == packet_id
    elif qos == 2:
        assert wire.need("PUBREC").packet_id == packet_id
        wire.ack("PUBREL", packet_id)
        assert wire.need("PUBCOMP").packet_id == packet_id


def test_a_message_of_qos_2_that_comes_twice_is_taken_in_once(join: Join) -> None:
    reader, writer = join("r"), join("w")
    reader.subscribe("t", qos=2)
    for is_again in (False, True, True):
        writer.publish("t", b"x", qos=2, packet_id=3, dup=is_again)
        assert writer.need("PUBREC").packet_id == 3
    writer.ack("PUBREL", 3)
    assert writer.need("PUBCOMP").packet_id == 3
    writer.publish("t", b"y", qos=2, packet_id=3)
    assert [reader.message().body, reader.message().body] == [b"x", b"y"]
    assert reader.messages_before_pong() == []


def test_messages_keep_their_order(join: Join) -> None:
    reader, writer = join("r"), join("w")
    reader.subscribe("t", qos=2)
    for n in range(100):
        writer.publish("t", b"%d" % n, qos=n % 3, packet_id=n + 1)
    assert [int(reader.message().body) for _ in range(100)] == list(range(100))


def test_overlapping_subscriptions_get_one_message_at_the_highest_qos(join: Join) -> None:
    reader, writer = join("r", version=5), join("w")
    reader.subscribe("t/#", qos=0, props={"subscription_identifier": 5})
    reader.subscribe("t/+", qos=2, props={"subscription_identifier": 6})
    reader.subscribe("t/a", qos=1)
    writer.publish("t/a", b"x", qos=2)
    found = reader.message()
    assert found.qos == 2
    assert sorted(found.props["subscription_identifier"]) == [5, 6]
    assert reader.messages_before_pong() == []


def test_a_message_of_amqp_reaches_mqtt_and_the_other_way_round(
    broker: leveret.Broker, join: Join
) -> None:
    reader = join("r")
    reader.subscribe("from/amqp", qos=1)
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("q", exclusive=True)
        channel.queue_bind("q", "amq.topic", "from.*")
        lasting = pika.BasicProperties(delivery_mode=2)
        channel.basic_publish("amq.topic", "from.amqp", b"to mqtt", lasting)
        found = reader.message()
        assert (found.topic, found.body, found.qos) == ("from/amqp", b"to mqtt", 1)
        send(join("w"), "from/mqtt", b"to amqp", 1)
        assert channel.basic_get("q", auto_ack=True)[2] == b"to mqtt"
        method, properties, body = channel.basic_get("q", auto_ack=True)
        assert (method.routing_key, properties.delivery_mode, body) == ("from.mqtt", 2, b"to amqp")


def test_no_more_than_the_receive_maximum_is_on_its_way(join: Join) -> None:
    reader, writer = join("r", version=5, props={"receive_maximum": 2}), join("w")
    reader.subscribe("t", qos=2)
    for n in range(5):
        send(writer, "t", b"%d" % n, 1 + n % 2)
    first = reader.need("PUBLISH")
    second = reader.need("PUBLISH")
    assert reader.messages_before_pong() == []
    reader.ack("PUBACK", first.packet_id)
    third = reader.need("PUBLISH")
    assert reader.messages_before_pong() == []
    # Of QoS 2 the window opens with PUBCOMP.
    reader.ack("PUBREC", second.packet_id)
    reader.need("PUBREL")
    assert reader.messages_before_pong() == []
    reader.ack("PUBCOMP", second.packet_id)
    assert [first.body, second.body, third.body] == [b"0", b"1", b"2"]
    assert reader.message().body == b"3"


def test_a_packet_larger_than_the_client_takes_is_not_sent(join: Join) -> None:
    reader, writer = join("r", version=5, props={"maximum_packet_size": 100}), join("w")
    reader.subscribe("t", qos=1)
    for qos in (0, 1):
        send(writer, "t", bytes(100), qos)
        send(writer, "t", b"small", qos)
    assert [reader.message().body, reader.message().body] == [b"small", b"small"]


def test_the_largest_messages_pass(join: Join) -> None:
    reader, writer = join("r"), join("w")
    reader.subscribe("t", qos=1)
    body = bytes(range(256)) * 40_000
    for qos in (0, 1):
        send(writer, "t", body, qos)
        assert reader.message().body == body


def test_no_local_keeps_own_messages_away(join: Join) -> None:
    both, other = join("both", version=5), join("other")
    both.subscribe("t", qos=1, options=4)
    send(both, "t", b"mine", 1)
    send(other, "t", b"others", 1)
    assert both.message().body == b"others"
    assert both.messages_before_pong() == []


def test_retain_as_published(join: Join) -> None:
    as_published, plain, writer = join("a", version=5), join("b", version=5), join("w")
    as_published.subscribe("t", options=8)
    plain.subscribe("t")
    writer.publish("t", b"x", retain=True)
    assert as_published.message().is_retained
    assert not plain.message().is_retained
    writer.publish("t", b"", retain=True)
    writer.ping()


def test_wildcards_do_not_match_topics_that_begin_with_a_dollar(join: Join) -> None:
    reader, writer = join("r"), join("w")
    reader.subscribe("#", "+/a", qos=1)
    reader.subscribe("$x/b")
    for qos in (0, 1):
        send(writer, "$x/a", b"hidden", qos)
        send(writer, "$x/b", b"seen", qos)
    assert [reader.message().body, reader.message().body] == [b"seen", b"seen"]
    assert reader.messages_before_pong() == []


def test_unsubscribe_ends_it(join: Join) -> None:
    reader, writer = join("r", version=5), join("w")
    reader.subscribe("a", "b", qos=1)
    assert reader.unsubscribe("a", "nothing") == [0, 0x11]
    send(writer, "a", b"x", 1)
    send(writer, "b", b"y", 1)
    assert reader.message().body == b"y"


def test_subscribing_again_changes_the_options(join: Join) -> None:
    reader, writer = join("r", version=5), join("w")
    for qos in (0, 2, 1, 0):
        assert reader.subscribe("t", qos=qos) == [qos]
        send(writer, "t", b"x", 2)
        assert reader.message().qos == qos
        assert reader.messages_before_pong() == []


def test_who_publishes_to_nobody_is_told(join: Join) -> None:
    writer = join("w", version=5)
    writer.publish("nobody/listens", qos=1, packet_id=1)
    assert writer.need("PUBACK").reason == 0x10
    writer.publish("nobody/listens", qos=2, packet_id=1)
    assert writer.need("PUBREC").reason == 0x10


def test_answers_to_unknown_identifiers(join: Join) -> None:
    client = join("c", version=5)
    client.ack("PUBACK", 5)
    client.ack("PUBCOMP", 5)
    client.ack("PUBREC", 5)
    assert client.need("PUBREL").reason == 0x92
    client.ack("PUBREL", 5)
    assert client.need("PUBCOMP").reason == 0x92
    client.ping()
