"""leveret.perf.stomp: what its clients write and read, octet by octet"""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter
from tests.perf.test_mqtt_clients import Transport

from leveret.perf.address import STOMP, read_address
from leveret.perf.batches import Batches, Target, filler
from leveret.perf.consumer import Arrivals
from leveret.perf.ledger import Ledger
from leveret.perf.link import Watch
from leveret.perf.meter import Meter
from leveret.perf.stomp import wire
from leveret.perf.stomp.connection import Connection
from leveret.perf.stomp.publisher import Receipted, StompPublisher, prepare
from leveret.perf.stomp.settings import StompSettings
from leveret.perf.stomp.subscriber import Subscriber
from leveret.ports import Clock

cuts = st.lists(st.integers(1, 90), min_size=1, max_size=6)
ADDRESS = read_address("stomp://h", STOMP)


def settings(**changed: object) -> StompSettings:
    made = StompSettings()
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def message(number: int, size: int, with_length: bool, end: bytes) -> bytes:
    """A MESSAGE as brokers send them; a body without a length has no NUL in it."""
    body = (4_000).to_bytes(8, "big") + number.to_bytes(8, "big") + filler(size)[16:]
    if not with_length:
        body = body.replace(b"\0", b"0")
    lines = [b"MESSAGE", b"destination:/queue/a", b"message-id:m" + str(number).encode()]
    lines += [b"ack:k" + str(number).encode(), b"subscription:0"]
    lines += [b"content-length:" + str(size).encode()] if with_length else []
    return b"\n".join(lines) + b"\n\n" + body + b"\0" + end


def heard(chosen: StompSettings, octets: bytes, cut: list[int]) -> tuple[Ledger, Meter, bytes, str]:
    """What a subscriber makes of ``octets`` that come in pieces."""

    async def listen() -> tuple[Ledger, Meter, bytes, str]:
        ledger, meter, watch, left = Ledger(chosen.size), Meter(), Watch(), octets
        subscriber = Subscriber(chosen, "/queue/a", Arrivals(chosen, meter, Clock(), ledger, None))
        connection = Connection(ADDRESS, subscriber, watch, chosen.protocol)
        transport = Transport()
        connection.connection_made(transport)
        starting = asyncio.create_task(subscriber.start(connection, []))
        await asyncio.sleep(0)
        connection.data_received(b"RECEIPT\nreceipt-id:ready\n\n\0\n")
        await starting
        transport.written = b""
        turn = 0
        while left:
            size = cut[turn % len(cut)]
            connection.data_received(left[:size])
            left, turn = left[size:], turn + 1
        return ledger, meter, transport.written, watch.failure

    return asyncio.run(listen())


def test_frames_leave_out_what_has_no_value() -> None:
    assert wire.frame("CONNECT", [("a", "1"), ("b", "")]) == b"CONNECT\na:1\n\n\0"


def test_headers_are_escaped() -> None:
    assert wire.escaped("/queue/a:b\\c\n") == "/queue/a\\cb\\\\c\\n"


@given(st.integers(0, 9_999_999_999))
def test_numbers_are_written_and_read(number: int) -> None:
    out = BytesWriter()
    wire.write_number(out, number)
    assert out.getvalue() == b"%010d" % number
    assert int(wire.read_number(b"x" + out.getvalue() + b"\n", 1)) == number


def test_what_is_no_number_is_none() -> None:
    assert int(wire.read_number(b"ready", 0)) == -1
    assert int(wire.read_number(b"1" * 40, 0)) == -1


@pytest.mark.parametrize("size", [0, 5, 8, 16, 100])
@pytest.mark.parametrize("receipts", [0, 10])
def test_messages_are_as_the_specification_wants_them(size: int, receipts: int) -> None:
    chosen = settings(size=size, receipts=receipts, persistent=True)
    target = Target("/queue/a:b", 0)
    prepare(target, chosen, [])
    made = (
        Receipted([target], size, Clock()) if receipts else Batches([target], size, True, Clock())
    )
    head, _, body = made.build(1).partition(b"\n\n")
    lines = head.split(b"\n")
    assert lines[:4] == [
        b"SEND",
        b"destination:/queue/a\\cb",
        b"persistent:true",
        b"content-length:%d" % size,
    ]
    assert lines[4:] == ([b"receipt:0000000001"] if receipts else [])
    assert len(body) == size + 1 and body.endswith(b"\0")


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize("ack", ["auto", "client", "client-individual"])
@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("1.0", "ACK\nmessage-id:m{}\n\n\0"),
        ("1.1", "ACK\nsubscription:0\nmessage-id:m{}\n\n\0"),
        ("1.2", "ACK\nid:k{}\n\n\0"),
    ],
)
@given(count=st.integers(0, 8), size=st.integers(16, 200), cut=cuts, every=st.integers(1, 3))
def test_where_the_octets_are_cut_makes_no_difference(
    with_length: bool,
    ack: str,
    version: str,
    form: str,
    count: int,
    size: int,
    cut: list[int],
    every: int,
) -> None:
    every = every if ack == "client" else 1
    chosen = settings(ack=ack, protocol=version, size=size, ack_every=every)
    ends = [b"\n", b"", b"\r\n", b"\n\n"]
    octets = b"".join(message(n, size, with_length, ends[n % 4]) for n in range(count))
    ledger, meter, acks, failure = heard(chosen, octets, cut)
    assert (failure, meter.received, meter.received_octets) == ("", count, count * size)
    if with_length:
        assert ledger.corrupt == 0
    due = [] if ack == "auto" else range(every - 1, count, every)
    assert acks == "".join(form.format(number) for number in due).encode()


@given(octets=st.binary(max_size=80), cut=cuts)
def test_noise_is_refused_or_awaited(octets: bytes, cut: list[int]) -> None:
    heard(settings(), octets, cut)
    heard(settings(ack="client"), b"MESSAGE\n" + octets, cut)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"MESSAGE\ncontent-length:2\n\nabc", "without NUL"),
        (b"MESSAGE\n\nabc\0", "nobody can acknowledge"),
        (b"ERROR\nmessage:not so\n\nbecause\nof that\0", "not so: because"),
        (b"ERROR\r\nmessage:not so\r\n\r\n\0", "not so"),
    ],
)
def test_what_is_wrong_is_said(octets: bytes, words: str) -> None:
    assert words in heard(settings(ack="client"), octets, [1000])[3]


@given(st.permutations(range(1, 9)), cuts)
def test_receipts_in_any_order_are_counted_once(order: list[int], cut: list[int]) -> None:
    async def send_eight() -> Meter:
        chosen, meter = settings(receipts=8, messages=8), Meter()
        publisher = StompPublisher(chosen, [Target("t", 0)], 0.0, meter, Clock())
        connection = Connection(ADDRESS, publisher, Watch(), "1.2")
        connection.connection_made(Transport())
        publisher.start(connection, [])
        publisher.go()
        publisher.tick()
        octets = b"".join(b"RECEIPT\nreceipt-id:%010d\n\n\0\n" % number for number in order)
        turn = 0
        while octets:
            size = cut[turn % len(cut)]
            connection.data_received(octets[:size])
            octets, turn = octets[size:], turn + 1
        assert publisher.is_done
        return meter

    meter = asyncio.run(send_eight())
    assert (meter.sent, meter.confirmed) == (8, 8)


def test_only_the_first_message_to_each_destination_declares_it() -> None:
    async def send() -> bytes:
        meter, targets = Meter(), [Target("/queue/a", 0), Target("/queue/b", 1)]
        publisher = StompPublisher(settings(messages=6), targets, 0.0, meter, Clock())
        connection = Connection(ADDRESS, publisher, Watch(), "1.2")
        transport = Transport()
        connection.connection_made(transport)
        publisher.start(connection, [("auto-delete", "true")])
        publisher.go()
        publisher.tick()
        publisher.tick()
        return transport.written

    sent = asyncio.run(send())
    frames = sent.split(b"SEND\n")[1:]
    assert [b"auto-delete:true" in part for part in frames] == [True, True, *[False] * 4]
    assert [b"/queue/a" in part for part in frames] == [True, False] * 3
