"""leveret.perf.mqtt: what its clients write and read, octet by octet"""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.perf.address import MQTT, read_address
from leveret.perf.batches import Target, filler
from leveret.perf.consumer import Arrivals
from leveret.perf.ledger import Ledger
from leveret.perf.link import Watch
from leveret.perf.meter import Meter
from leveret.perf.mqtt import wire
from leveret.perf.mqtt.connection import Connection
from leveret.perf.mqtt.publisher import MqttPublisher, Packets, prepare
from leveret.perf.mqtt.settings import MqttSettings
from leveret.perf.mqtt.subscriber import Subscriber
from leveret.ports import Clock

SUBACKS = {"3.1.1": b"\x90\x03\0\x01\x02", "5": b"\x90\x04\0\x01\0\x02"}
cuts = st.lists(st.integers(1, 90), min_size=1, max_size=6)


def settings(**changed: object) -> MqttSettings:
    made = MqttSettings()
    for name, value in changed.items():
        setattr(made, name, value)
    return made


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def abort(self) -> None:
        pass


def size_octets(size: int) -> bytes:
    """As the specification's own pseudo code has it."""
    octets = b""
    while True:
        size, digit = size // 128, size % 128
        octets += bytes([digit | 128 if size else digit])
        if not size:
            return octets


def publish(number: int, size: int, qos: int, properties: bytes | None) -> bytes:
    """A PUBLISH as brokers send them."""
    content = b"\0\x05a/b/c"
    if qos:
        content += (number + 1).to_bytes(2, "big")
    if properties is not None:
        content += size_octets(len(properties)) + properties
    body = (4_000).to_bytes(8, "big") + number.to_bytes(8, "big") + filler(size)[16:]
    content += body
    return bytes([0x30 | qos << 1]) + size_octets(len(content)) + content


def heard(chosen: MqttSettings, octets: bytes, cut: list[int]) -> tuple[Ledger, Meter, bytes, str]:
    """What a subscriber makes of ``octets`` that come in pieces."""

    async def listen() -> tuple[Ledger, Meter, bytes, str]:
        ledger, meter, watch, left = Ledger(chosen.size), Meter(), Watch(), octets
        subscriber = Subscriber(chosen, "t", Arrivals(chosen, meter, Clock(), ledger, None))
        address = read_address("mqtt://h", MQTT)
        connection = Connection(address, subscriber, watch, chosen.level)
        transport = Transport()
        connection.connection_made(transport)
        starting = asyncio.create_task(subscriber.start(connection))
        await asyncio.sleep(0)
        connection.data_received(
            b"\x90\x03\0\x01\x02" if chosen.level < 5 else b"\x90\x04\0\x01\0\x02"
        )
        await starting
        transport.written = b""
        turn = 0
        while left:
            size = cut[turn % len(cut)]
            connection.data_received(left[:size])
            left, turn = left[size:], turn + 1
        return ledger, meter, transport.written, watch.failure

    return asyncio.run(listen())


@given(st.integers(0, 268_435_455))
def test_sizes_are_written_and_read(size: int) -> None:
    octets = size_octets(size)
    assert wire.packet(wire.PINGREQ, b"") == b"\xc0\0"
    assert tuple(map(int, wire.read_size(b"x" + octets + b"x", 1))) == (size, 1 + len(octets))
    assert tuple(map(int, wire.read_size(octets[:-1], 0))) == (0, 0)


def test_a_size_of_five_octets_is_none() -> None:
    assert int(wire.read_size(b"\xff\xff\xff\xff\x01", 0)[0]) == -1


@pytest.mark.parametrize(
    ("level", "octets"),
    [
        (3, b"\x10\x11\0\x06MQIsdp\x03\x02\0\x05\0\x03abc"),
        (4, b"\x10\x0f\0\x04MQTT\x04\x02\0\x05\0\x03abc"),
        (5, b"\x10\x10\0\x04MQTT\x05\x02\0\x05\0\0\x03abc"),
    ],
)
def test_versions_connect_each_in_their_way(level: int, octets: bytes) -> None:
    assert wire.connect(level, "abc", ("", ""), False, 5) == octets


def test_who_one_is_and_that_a_session_shall_stay() -> None:
    octets = wire.connect(5, "a", ("u", "p"), True, 0)
    assert octets[8:12] == b"\x05\xc0\0\0"
    assert octets[12:] == b"\x05\x11\0\0\x0e\x10\0\x01a\0\x01u\0\x01p"


@given(st.lists(st.binary(max_size=3), max_size=6), st.binary(max_size=30))
def test_properties_are_read_or_refused(values: list[bytes], noise: bytes) -> None:
    content = b"".join(b"\x1f" + len(value).to_bytes(2, "big") + value for value in values)
    found = wire.read_properties(size_octets(len(content)) + content, 0)
    assert found.get(0x1F, b"\0\0")[2:] == (values[-1] if values else b"")
    wire.read_properties(noise, 0)


def test_what_a_broker_says_is_understood() -> None:
    said = wire.read_properties(b"\x0a\x21\0\x0a\x1f\0\x02no\x25\x01", 0)
    assert wire.receive_maximum(said) == 10
    assert wire.reason(5, 0x87, said) == "not authorized (no)"
    assert wire.reason(4, 5, {}) == "not authorized"
    assert wire.reason(4, 77, {}) == "code 77"
    assert wire.receive_maximum({}) == 65535


@given(st.integers(0, 400), st.sampled_from(["0", "1", "2"]), st.sampled_from(["3.1.1", "5"]))
def test_messages_are_as_the_specification_wants_them(size: int, qos: str, version: str) -> None:
    chosen = settings(size=size, qos=qos, protocol=version, retain=True)
    target = Target("some/topic", 7)
    prepare(target, chosen)
    octets = Packets([target], size, Clock()).build(1) if qos != "0" else b""
    if qos == "0":
        octets = target.head + bytes(16 if size >= 16 else 8 if size >= 8 else 0) + target.tail
    head = bytes([0x31 | int(qos) << 1])
    assert octets[:1] == head
    announced, start = wire.read_size(octets, 1)
    content = octets[int(start) :]
    assert len(content) == int(announced)
    assert content[:12] == b"\0\x0asome/topic"
    extra = b"" if qos == "0" else b"\0\x01"
    assert content[12:].startswith(extra + (b"\0" if version == "5" else b""))
    assert len(content) == 12 + len(extra) + (version == "5") + size


def test_identifiers_begin_again_after_the_last() -> None:
    target = Target("t", 0)
    prepare(target, settings(qos="1", size=0))
    packets = Packets([target], 0, Clock())
    octets = b""
    while len(octets) < 7 * 65537:
        octets += packets.build(min(packets.full, 65537 - len(octets) // 7))
    found = [int.from_bytes(octets[at + 5 : at + 7], "big") for at in range(0, len(octets), 7)]
    assert found == [*range(1, 65536), 1, 2]


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("version", ["3.1.1", "5"])
@given(sizes=st.lists(st.integers(16, 300), max_size=12), cut=cuts)
def test_where_the_octets_are_cut_makes_no_difference(
    qos: int, version: str, sizes: list[int], cut: list[int]
) -> None:
    size = max(sizes, default=16)
    chosen = settings(qos=str(qos), protocol=version, size=size)
    properties = b"\x26\0\x01a\0\x01b" if version == "5" else None
    octets = b""
    for number in range(len(sizes)):
        octets += publish(number, size, qos, properties)
        octets += b"\x62\x02" + (number + 1).to_bytes(2, "big") if qos == 2 else b""
    ledger, meter, answers, failure = heard(chosen, octets, cut)
    assert (failure, ledger.corrupt, meter.received) == ("", 0, len(sizes))
    assert sum(int(stream.next) for stream in ledger.streams.values()) == len(sizes)
    wanted = b""
    for number in range(1, len(sizes) + 1):
        identifier = number.to_bytes(2, "big")
        wanted += b"\x40\x02" + identifier if qos == 1 else b""
        wanted += b"\x50\x02" + identifier + b"\x70\x02" + identifier if qos == 2 else b""
    assert answers == wanted


@given(octets=st.binary(max_size=80), cut=cuts, version=st.sampled_from(["3.1.1", "5"]))
def test_noise_is_refused_or_awaited(octets: bytes, cut: list[int], version: str) -> None:
    heard(settings(qos="2", protocol=version), octets, cut)


def test_a_message_shorter_than_its_header_is_refused() -> None:
    _, _, _, failure = heard(settings(qos="1"), b"\x32\x05\0\x09abc", [100])
    assert "shorter than its own header" in failure


@given(st.permutations(range(1, 9)), cuts)
def test_answers_in_any_order_are_counted_once(order: list[int], cut: list[int]) -> None:
    async def publish_eight() -> tuple[int, int, bytes]:
        chosen, meter = settings(qos="2", messages=8), Meter()
        publisher = MqttPublisher(chosen, [Target("t", 0)], 0.0, meter, Clock())
        connection = Connection(read_address("mqtt://h", MQTT), publisher, Watch(), 4)
        transport = Transport()
        connection.connection_made(transport)
        publisher.start(connection)
        publisher.go()
        publisher.tick()
        transport.written = b""
        octets = b"".join(b"\x50\x02\0" + bytes([n]) + b"\x70\x02\0" + bytes([n]) for n in order)
        turn = 0
        while octets:
            size = cut[turn % len(cut)]
            connection.data_received(octets[:size])
            octets, turn = octets[size:], turn + 1
        assert publisher.is_done
        return meter.sent, meter.confirmed, transport.written

    sent, confirmed, released = asyncio.run(publish_eight())
    assert (sent, confirmed) == (8, 8)
    assert released == b"".join(b"\x62\x02\0" + bytes([number]) for number in order)


def test_a_refused_message_is_counted() -> None:
    async def refused() -> Meter:
        chosen, meter = settings(qos="1", messages=2, protocol="5"), Meter()
        publisher = MqttPublisher(chosen, [Target("t", 0)], 0.0, meter, Clock())
        connection = Connection(read_address("mqtt://h", MQTT), publisher, Watch(), 5)
        connection.connection_made(Transport())
        publisher.start(connection)
        publisher.go()
        publisher.tick()
        long = b"\x97" + size_octets(140) + b"\x1f\0\x89" + b"x" * 137
        connection.data_received(b"\x40" + size_octets(2 + len(long)) + b"\0\x01" + long)
        connection.data_received(b"\x40\x04\0\x02\x10\0")
        return meter

    meter = asyncio.run(refused())
    assert (meter.nacked, meter.returned, meter.confirmed) == (1, 1, 2)
