"""Whatever octets come in: the broker lives, reports no fault of its own, and serves others."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import mqtt_wire as wire
from tests.amqp091.test_fuzz import Faults
from tests.mqtt_wire import MqttWire

import leveret

EXAMPLES = 600
RARE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

PROPS = {"user": ("a", "b"), "message_expiry": 5, "topic_alias": 3}
GOOD = [
    wire.publish("f/a", b"x" * 20, 5, qos=2, packet_id=9, props=PROPS),
    wire.publish("f/b", b"", 5, retain=True),
    wire.publish("f/c", b"x" * 200, 5, qos=1, packet_id=4),
    wire.subscribe([("f/+", 1), ("$share/g/#", 2), ("$SYS/#", 0)], 7, 5),
    wire.unsubscribe(["f/+", "$share/g/#"], 8, 5),
    *(wire.ack(kind, 9, 0, {}) for kind in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP")),
    wire.packet("PINGREQ", 0, b""),
    wire.disconnect(4, {"session_expiry": 3}),
    wire.connect("again", 5),
    wire.packet("AUTH", 0, b""),
]
HELLO = [
    wire.connect("f", 5, will=("f/will", b"x"), will_props={"will_delay": 1}, clean=False),
    wire.connect("f", 4, user="guest", password=b"guest"),
    wire.connect("f", 3),
]


class Target:
    """A broker to torment, and a client of it that must not notice."""

    def __init__(self, broker: leveret.Broker, faults: Faults) -> None:
        self.broker = broker
        self.faults = faults
        self.witness = MqttWire(port=broker.mqtt_port, version=5)
        assert self.witness.connect("witness").reason == 0
        self.witness.subscribe("witness/only", qos=1)
        self.count = 0

    def check(self) -> None:
        """A message still goes in and out, and nothing was reported."""
        self.count += 1
        body = b"%d" % self.count
        self.witness.publish("witness/only", body, qos=1)
        assert self.witness.message().body == body
        self.witness.need("PUBACK")
        found, self.faults.found = self.faults.found, []
        assert not found, found[0]

    def torment(self, octets: bytes, cuts: list[int]) -> None:
        """Send octets from a connection of their own, wait until the broker is done with it."""
        with MqttWire(port=self.broker.mqtt_port) as wire:
            while octets:
                size = cuts[0] if cuts else len(octets)
                cuts = cuts[1:]
                wire.send(octets[:size])
                octets = octets[size:]
            wire.end_output()
            try:
                while wire.socket.recv(65536):
                    pass
            except ConnectionError:
                pass
        self.check()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    faults = Faults()
    watched = [logging.getLogger(name) for name in ("leveret", "asyncio")]
    for logger in watched:
        logger.addHandler(faults)
    with leveret.Broker(mqtt=True, settings={"log_level": "error"}) as broker:
        target = Target(broker, faults)
        yield target
        target.witness.close()
    for logger in watched:
        logger.removeHandler(faults)


cuts = st.lists(st.integers(1, 60), max_size=4)


@settings(max_examples=EXAMPLES, suppress_health_check=RARE)
@given(octets=st.binary(max_size=300), cuts=cuts)
def test_random_octets(target: Target, octets: bytes, cuts: list[int]) -> None:
    target.torment(octets, cuts)


@settings(max_examples=EXAMPLES, suppress_health_check=RARE)
@given(
    hello=st.sampled_from(HELLO), kind=st.integers(0, 255), rest=st.binary(max_size=80), cuts=cuts
)
def test_random_packets_after_connect(
    target: Target, hello: bytes, kind: int, rest: bytes, cuts: list[int]
) -> None:
    target.torment(hello + bytes([kind]) + wire.variable(len(rest)) + rest, cuts)


@settings(max_examples=EXAMPLES, suppress_health_check=RARE)
@given(
    hello=st.sampled_from(HELLO),
    packets=st.lists(st.sampled_from(GOOD), max_size=8),
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 7)), max_size=3),
    lost=st.integers(0, 30),
    cuts=cuts,
)
def test_good_packets_in_any_order_flipped_and_cut_off(
    target: Target,
    hello: bytes,
    packets: list[bytes],
    flips: list[tuple[int, int]],
    lost: int,
    cuts: list[int],
) -> None:
    octets = bytearray(hello + b"".join(packets))
    for place, bit in flips:
        octets[place % len(octets)] ^= 1 << bit
    target.torment(bytes(octets[: len(octets) - lost]), cuts)
