"""leveret.perf.amqp.deliveries"""

from hypothesis import given
from hypothesis import strategies as st
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from leveret.perf.amqp.deliveries import Deliveries
from leveret.perf.batches import filler
from leveret.perf.ledger import Ledger
from leveret.perf.meter import Meter
from leveret.ports import Clock

SIZE = 50
HEARTBEAT = frame.marshal(Heartbeat(), 0)


class StoppedClock(Clock):
    def now_ns(self) -> int:
        return 5_000


def delivery(tag: int, body: bytes, pieces: int = 1, pause: bytes = b"") -> bytes:
    """A delivery whose body comes in ``pieces`` frames with ``pause`` before each."""
    deliver = Basic.Deliver("leveret", tag, False, "some exchange", "some key")
    frames = [frame.marshal(deliver, 1), frame.marshal(ContentHeader(0, len(body)), 1)]
    step = max(1, -(-len(body) // pieces))
    parts = [body[start : start + step] for start in range(0, len(body), step)]
    frames += [frame.marshal(ContentBody(part), 1) for part in parts]
    return pause.join(frames)


def numbered(number: int, size: int = SIZE) -> bytes:
    return (4_000).to_bytes(8, "big") + (number).to_bytes(8, "big") + filler(size)[16:]


def read(reader: Deliveries, octets: bytes, cuts: list[int]) -> bytes:
    """Feed ``octets`` as a connection does; what the reader left for others."""
    rest, others, turn = b"", b"", 0
    while octets:
        size = cuts[turn % len(cuts)]
        data, octets, turn = rest + octets[:size], octets[size:], turn + 1
        at = 0
        while True:
            at = int(reader.scan(data, at))
            if not data[at:].startswith(HEARTBEAT):
                break
            at += len(HEARTBEAT)
            others += HEARTBEAT
        rest = data[at:]
    assert not rest
    return others


shapes = st.lists(st.tuples(st.integers(16, 300), st.integers(1, 4), st.booleans()), max_size=12)
cuts = st.lists(st.integers(1, 200), min_size=1, max_size=5)


@given(shapes, cuts, st.booleans(), st.integers(0, 3))
def test_where_the_chunks_are_cut_makes_no_difference(
    shape: list[tuple[int, int, bool]], cuts: list[int], checked: bool, ack_every: int
) -> None:
    meter, ledger = Meter(), Ledger(SIZE)
    reader = Deliveries(meter, StoppedClock(), ack_every, True, ledger if checked else None)
    octets = b""
    for number, (size, pieces, pause) in enumerate(shape):
        beat = HEARTBEAT if pause else b""
        # At least eight octets in the first frame, as any broker sends them.
        body = numbered(number, SIZE if checked else size)
        octets += delivery(number + 1, body, min(pieces, len(body) // 8), beat)
    read(reader, octets, cuts)
    assert meter.received == len(shape)
    assert meter.latency.count == len(shape)
    assert reader.fault == ""
    if shape:
        assert meter.latency.percentile(50) == 1_000
    if checked and shape:
        assert ledger.corrupt == 0
        assert ledger.streams[0].missing(len(shape)) == 0
    assert len(acks(reader.take_acks(False))) == (len(shape) // ack_every if ack_every else 0)


def acks(octets: bytes) -> list[tuple[int, bool]]:
    found: list[tuple[int, bool]] = []
    while octets:
        used, _, ack = frame.unmarshal(octets)
        assert isinstance(ack, Basic.Ack)
        found.append((ack.delivery_tag, ack.multiple))
        octets = octets[used:]
    return found


def after(count: int, ack_every: int) -> Deliveries:
    reader = Deliveries(Meter(), StoppedClock(), ack_every, True, None)
    read(reader, b"".join(delivery(n + 1, numbered(n)) for n in range(count)), [10_000])
    return reader


def test_every_message_is_acknowledged_alone_when_asked() -> None:
    assert acks(after(3, 1).take_acks(False)) == [(1, False), (2, False), (3, False)]


def test_acknowledgements_are_joined_when_asked() -> None:
    reader = after(7, 3)
    assert acks(reader.take_acks(False)) == [(3, True), (6, True)]
    assert reader.take_acks(False) == b""
    assert acks(reader.take_acks(True)) == [(7, True)]


def test_nothing_is_acknowledged_when_acknowledgement_is_automatic() -> None:
    assert after(7, 0).take_acks(True) == b""


def test_empty_and_tiny_bodies_count_and_carry_no_time() -> None:
    meter = Meter()
    reader = Deliveries(meter, StoppedClock(), 0, True, None)
    read(reader, delivery(1, b"") + delivery(2, b"abc") + delivery(3, numbered(0)), [33])
    assert (meter.received, meter.received_octets, meter.latency.count) == (3, SIZE + 3, 1)


def test_a_large_body_is_not_kept() -> None:
    meter = Meter()
    reader = Deliveries(meter, StoppedClock(), 1, True, None)
    octets = delivery(1, numbered(0, 1_000_000), 8)
    for start in range(0, len(octets), 1000):
        part = octets[start : start + 1000]
        assert len(part) - int(reader.scan(part, 0)) < 100
    assert (meter.received, meter.received_octets, meter.latency.count) == (1, 1_000_000, 1)


def test_a_corrupt_body_is_noticed() -> None:
    ledger = Ledger(SIZE)
    reader = Deliveries(Meter(), StoppedClock(), 0, True, ledger)
    read(reader, delivery(1, numbered(0)[:-1] + b"?") + delivery(2, numbered(1)), [10_000])
    assert ledger.corrupt == 1


def test_more_body_than_announced_is_a_fault() -> None:
    reader = Deliveries(Meter(), StoppedClock(), 0, True, None)
    deliver = frame.marshal(Basic.Deliver("leveret", 1, False, "", "q"), 1)
    header = frame.marshal(ContentHeader(0, 10), 1)
    reader.scan(deliver + header + frame.marshal(ContentBody(bytes(11)), 1), 0)
    assert "more body" in reader.fault
