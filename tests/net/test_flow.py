"""leveret.net over real sockets: nobody makes the broker buffer without limit, nobody starves."""

import threading
import time

import pytest
from tests.fakes import publish
from tests.wire import Wire, method

import leveret

# What may lie in the kernel's buffers of both ends, on top of the broker's own.
KERNEL_OCTETS = 12 * 1024 * 1024
BODY = b"x" * 65536


def opened(broker: leveret.Broker) -> Wire:
    wire = Wire(port=broker.port, timeout=20)
    wire.open()
    return wire


def waiting(wire: Wire, queue: str = "q") -> int:
    """How many messages wait, once the count has come to rest."""
    count, before = -1, -2
    while count != before:
        time.sleep(0.1)
        before = count
        count = wire.call("queue.declare", queue=queue, passive=True).message_count
    return count


def fill(wire: Wire, count: int) -> None:
    wire.call("queue.declare", queue="q")
    for number in range(count):
        wire.publish("", "q", b"%06d" % number + BODY)
    wire.call("basic.qos")


def test_a_consumer_that_never_reads_gets_no_more_than_fits_the_sockets(
    broker: leveret.Broker,
) -> None:
    with opened(broker) as stuck, opened(broker) as other:
        fill(other, 400)
        stuck.call("basic.qos")
        stuck.send("basic.consume", queue="q", no_ack=True)
        left = waiting(other)
        assert (400 - left) * len(BODY) < KERNEL_OCTETS + 1024 * 1024
        other.publish("", "q", b"last")
        got = [stuck.read() for _ in range(1 + 401)]
        assert [one.body[:6] for one in got[1:-1] if one] == [b"%06d" % n for n in range(400)]
        assert got[-1] is not None and got[-1].body == b"last"


def test_a_client_that_asks_and_never_reads_is_not_read_from(broker: leveret.Broker) -> None:
    with opened(broker) as flood, opened(broker) as other:
        fill(other, 400)
        for _ in range(50):
            flood.send_octets(method(1, "basic.get", queue="q", no_ack=True) * 8)
            time.sleep(0.002)
        left = waiting(other)
        assert (400 - left) * len(BODY) < KERNEL_OCTETS + 6 * 1024 * 1024
        assert left > 0
        got = [flood.read() for _ in range(400)]
        assert [one.body[:6] for one in got if one] == [b"%06d" % n for n in range(400)]


def test_others_are_served_while_one_floods(broker: leveret.Broker) -> None:
    octets = publish("nowhere", b"x" * 16) * 10_000
    enough = threading.Event()

    def flow(flood: Wire) -> None:
        while not enough.is_set():
            flood.send_octets(octets)

    with opened(broker) as flood, opened(broker) as other:
        sender = threading.Thread(target=flow, args=(flood,))
        sender.start()
        waits = []
        for _ in range(40):
            start = time.monotonic()
            assert other.call("basic.qos").name == "basic.qos-ok"
            waits.append(time.monotonic() - start)
        enough.set()
        sender.join()
        assert sorted(waits)[20] < 0.1
        assert flood.call("basic.qos").name == "basic.qos-ok"


@pytest.mark.parametrize("is_publishing", [True, False])
def test_others_are_served_beside_one_that_never_reads(
    broker: leveret.Broker, is_publishing: bool
) -> None:
    with opened(broker) as stuck, opened(broker) as other:
        fill(other, 300)
        octets = method(1, "basic.consume", queue="q", no_ack=True)
        if is_publishing:
            octets += publish("q", b"y" * 100) * 50
        stuck.send_octets(octets)
        start = time.monotonic()
        for _ in range(50):
            assert other.call("basic.qos").name == "basic.qos-ok"
        assert time.monotonic() - start < 5


def test_a_goodbye_is_read_even_by_those_who_come_late(broker: leveret.Broker) -> None:
    with opened(broker) as late, opened(broker) as other:
        fill(other, 50)
        late.send_octets(method(1, "basic.get", queue="q", no_ack=True) * 50)
        late.send("connection.close", 0, reply_code=200)
        time.sleep(0.3)
        got = [late.read() for _ in range(51)]
        assert len([one for one in got if one and one.name == "basic.get-ok"]) == 50
        assert got[-1] is not None and got[-1].name == "connection.close-ok"
        assert late.read() is None
