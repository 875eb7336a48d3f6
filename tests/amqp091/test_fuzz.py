"""Whatever octets come in: the broker lives, reports no fault of its own, and serves others."""

import logging
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.wire import (
    BODY,
    CONTENT,
    HEADER,
    METHOD,
    SPEC,
    Typed,
    Wire,
    encode_header,
    encode_method,
    frame,
    method,
    short,
)

import leveret

EXAMPLES = 2500  # four tests: 10,000 in all
RARE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


class Faults(logging.Handler):
    """Collects what the broker or its loop report as an error of the program."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


class Target:
    """A broker to torment, and a client of it that must not notice."""

    def __init__(self, broker: leveret.Broker, faults: Faults) -> None:
        self.broker = broker
        self.faults = faults
        self.witness = Wire(port=broker.port)
        self.witness.open()
        self.queue = self.witness.call("queue.declare", exclusive=True).queue
        self.count = 0

    def check(self) -> None:
        """A message still goes in and out, and nothing was reported."""
        self.count += 1
        body = b"%d" % self.count
        self.witness.publish("", self.queue, body)
        assert self.witness.call("basic.get", queue=self.queue, no_ack=True).body == body
        found, self.faults.found = self.faults.found, []
        assert not found, found[0]

    def torment(self, octets: bytes, *, opened: bool = False) -> None:
        """Send octets from a connection of their own, wait until the broker is done with it."""
        with Wire(port=self.broker.port, timeout=10) as wire:
            if opened:
                wire.open()
            wire.send_octets(octets)
            wire.end_output()
            while not wire.ended:
                wire.buffer = b""
                wire.read_octets(1)
        self.check()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    faults = Faults()
    watched = [logging.getLogger(name) for name in ("leveret", "asyncio")]
    for logger in watched:
        logger.addHandler(faults)
    with leveret.Broker() as broker:
        target = Target(broker, faults)
        yield target
        target.witness.close()
    for logger in watched:
        logger.removeHandler(faults)


def conversation() -> bytes:
    """All that an ordinary client sends, from its header to its goodbye."""
    start_ok: dict[str, Any] = {"mechanism": "PLAIN", "response": "\0guest\0guest"}
    start_ok["client_properties"] = {"product": "fuzz", "capabilities": {"basic.nack": True}}
    arguments = {"x-max-priority": 5, "n": Typed("l", 7), "a": [1, {"b": None}], "d": 1.5}
    headers = {"CC": ["other"], "x": Typed("D", (1, 2)), "t": Typed("T", 1)}
    properties = {"headers": headers, "delivery_mode": 2, "expiration": "1000", "type": "t"}
    parts = [
        HEADER,
        method(0, "connection.start-ok", locale="en_US", **start_ok),
        method(0, "connection.tune-ok", channel_max=100, frame_max=65536, heartbeat=0),
        method(0, "connection.open", virtual_host="/"),
        method(1, "channel.open"),
        method(1, "confirm.select"),
        method(1, "queue.declare", queue="fuzz", exclusive=True, arguments=arguments),
        method(1, "queue.bind", queue="fuzz", exchange="amq.headers", arguments=arguments),
        method(1, "basic.qos", prefetch_count=3),
        method(1, "basic.consume", queue="fuzz", consumer_tag="c"),
        method(1, "basic.publish", routing_key="fuzz", mandatory=True),
        frame(CONTENT, 1, encode_header(5, properties)),
        frame(BODY, 1, b"12345"),
        method(1, "basic.ack", delivery_tag=1),
        method(1, "channel.close"),
        method(0, "connection.close", reply_code=200),
    ]
    return b"".join(parts)


CONVERSATION = conversation()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The conversation with bits flipped, octets removed or put in, or its end cut off."""
    octets = bytearray(CONVERSATION)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(octets) - 1))
        how = draw(st.integers(0, 3))
        if how < 2:
            octets[at] ^= 1 << draw(st.integers(0, 7))
        elif how == 2:
            del octets[at : at + draw(st.integers(1, 4))]
        else:
            octets[at:at] = draw(st.binary(min_size=1, max_size=4))
    if draw(st.booleans()):
        del octets[draw(st.integers(0, len(octets))) :]
    return bytes(octets)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Frames that are well formed, whatever they hold."""
    kinds = st.sampled_from([METHOD, METHOD, CONTENT, BODY, 8, 0, 255])
    channels = st.sampled_from([0, 1, 1, 1, 2, 65535])
    each = st.tuples(kinds, channels, st.binary(max_size=40))
    return b"".join(frame(*one) for one in draw(st.lists(each, min_size=1, max_size=6)))


SENSIBLE = {"o": 1, "h": 1, "l": 5, "L": 1, "s": "name", "S": "long", "t": {"a": 1}, "b": 1}


@st.composite
def methods(draw: st.DrawFn) -> bytes:
    """Any methods in any order with sensible arguments, the payloads then cut or damaged a bit."""
    octets = b""
    for name in draw(st.lists(st.sampled_from(sorted(SPEC)), min_size=1, max_size=8)):
        values = {key: SENSIBLE[letter] for letter, key in SPEC[name][2] if key != "nowait"}
        payload = bytearray(encode_method(name, **values))
        if draw(st.integers(0, 3)) == 0:
            payload[draw(st.integers(4, max(4, len(payload)))) :] = draw(st.binary(max_size=8))
        octets += frame(METHOD, draw(st.sampled_from([0, 1, 1, 1])), bytes(payload))
        if draw(st.booleans()):
            octets += frame(CONTENT, 1, encode_header(0, {}))
    return octets


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=RARE)
@given(octets=st.binary(max_size=200))
def test_random_octets_disturb_nobody(target: Target, octets: bytes) -> None:
    target.torment(octets)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=RARE)
@given(octets=damaged())
def test_a_damaged_conversation_disturbs_nobody(target: Target, octets: bytes) -> None:
    target.torment(octets)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=RARE)
@given(octets=frames())
def test_random_frames_disturb_nobody(target: Target, octets: bytes) -> None:
    target.torment(octets, opened=True)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=RARE)
@given(octets=methods())
def test_random_methods_disturb_nobody(target: Target, octets: bytes) -> None:
    target.torment(octets, opened=True)


def nested_table(depth: int) -> bytes:
    """A table in a table in a table …, with its size in front."""
    octets = b""
    for _ in range(depth):
        octets = short("") + b"F" + len(octets).to_bytes(4, "big") + octets
    return len(octets).to_bytes(4, "big") + octets


def nested_array(depth: int) -> bytes:
    """A table with an array in an array in an array …"""
    octets = b""
    for _ in range(depth):
        octets = b"A" + len(octets).to_bytes(4, "big") + octets
    return (len(octets) + 2).to_bytes(4, "big") + short("a") + octets


DEEP = pytest.mark.parametrize(
    "table", [nested_table(10_000), nested_array(10_000)], ids=["F", "A"]
)


@DEEP
@pytest.mark.parametrize(
    "name", ["queue.declare", "exchange.declare", "queue.bind", "basic.consume"]
)
def test_a_deeply_nested_argument_is_refused(target: Target, name: str, table: bytes) -> None:
    with Wire(port=target.broker.port) as wire:
        wire.open()
        reply = wire.call(name, arguments=table)
        assert (reply.name, reply.reply_code) == ("connection.close", 502)
    target.check()


@DEEP
def test_a_deeply_nested_header_is_refused(target: Target, table: bytes) -> None:
    with Wire(port=target.broker.port) as wire:
        wire.open()
        queue = wire.call("queue.declare", exclusive=True).queue
        for exchange in ("amq.headers", ""):
            wire.publish(exchange, queue, b"", {"headers": table})
        reply = wire.call("basic.qos")
        assert (reply.name, reply.reply_code) == ("connection.close", 502)
    target.check()


def test_deeply_nested_client_properties_are_refused(target: Target) -> None:
    with Wire(port=target.broker.port) as wire:
        reply = wire.open(properties=nested_table(1_300))  # type: ignore[arg-type]
        assert (reply.name, reply.reply_code) == ("connection.close", 502)
    target.check()


def test_a_storm_of_damaged_clients_at_once_disturbs_nobody(target: Target) -> None:
    dice = random.Random(5)
    wires = [Wire(port=target.broker.port) for _ in range(100)]
    for wire in wires:
        octets = bytearray(CONVERSATION)
        octets[dice.randrange(len(octets))] ^= 1 << dice.randrange(8)
        wire.send_octets(bytes(octets))
    target.check()
    for wire in wires:
        wire.drop()
    target.check()
