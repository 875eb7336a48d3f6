"""leveret.perf.batches: what publishers write is read by pamqp, which shares nothing with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from leveret.perf.amqp.publisher import prepare
from leveret.perf.amqp.settings import AmqpSettings
from leveret.perf.batches import NUMBER_BITS, Batches, Target, filler
from leveret.ports import Clock


class StoppedClock(Clock):
    def now_ns(self) -> int:
        return 1_000_007


def batches(
    sizes: int, targets: list[Target], stamp: bool = True, frame_max: int = 4096
) -> Batches:
    settings = AmqpSettings()
    settings.size, settings.persistent = sizes, True
    for target in targets:
        prepare(target, settings, frame_max)
    return Batches(targets, sizes, stamp, StoppedClock())


def messages(octets: bytes) -> list[tuple[str, str, bytes]]:
    """Exchange, routing key and body of all publishes in ``octets``."""
    found: list[tuple[str, str, bytes]] = []
    while octets:
        used, channel, part = frame.unmarshal(octets)
        assert channel == 1
        octets = octets[used:]
        if isinstance(part, Basic.Publish):
            found.append((part.exchange, part.routing_key, b""))
        elif isinstance(part, ContentHeader):
            assert part.properties.delivery_mode == 2
            size = part.body_size
        else:
            assert isinstance(part, ContentBody)
            exchange, key, body = found.pop()
            found.append((exchange, key, body + part.value))
            assert len(body + part.value) <= size
    return found


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_every_size_is_published_as_asked(size: int, count: int) -> None:
    batch = batches(size, [Target("a.b", 3, "news")])
    got = messages(batch.build(min(count, batch.full)))
    assert len(got) == min(count, batch.full)
    for number, (exchange, key, body) in enumerate(got):
        assert (exchange, key, len(body)) == ("news", "a.b", size)
        variable = 16 if size >= 16 else 8 if size >= 8 else 0
        assert body[variable:] == filler(size)[variable:]
        if variable:
            assert body[:8] == (1_000_007).to_bytes(8, "big")
        if variable == 16:
            assert body[8:16] == (3 << NUMBER_BITS | number).to_bytes(8, "big")


@given(st.integers(16_000, 40_000), st.integers(1, 5))
def test_pieces_are_the_same_octets(size: int, count: int) -> None:
    whole, pieces = (batches(size, [Target("a", 0), Target("b", 1)]) for _ in range(2))
    count = min(count, whole.full)
    assert b"".join(pieces.pieces(count)) == whole.build(count)
    assert b"".join(pieces.pieces(1)) == whole.build(1)


def test_targets_take_turns_across_batches() -> None:
    targets = [Target("a", 0), Target("b", 1), Target("c", 2)]
    batch = batches(16, targets)
    keys = [key for count in (2, 2, 5) for _, key, _ in messages(batch.build(count))]
    assert "".join(keys) == "abcabcabc"
    assert [int(target.number) for target in targets] == [3, 3, 3]


@pytest.mark.parametrize("size", [0, 5, 16, 100])
def test_without_stamps_a_full_batch_is_the_same_octets(size: int) -> None:
    targets = [Target("a", 0), Target("b", 1)]
    batch = batches(size, targets, stamp=False)
    before = [int(target.number) for target in targets]
    first = batch.build(batch.full)
    assert batch.build(batch.full) is first
    assert len(messages(first)) == batch.full
    gained = [int(target.number) - was for target, was in zip(targets, before, strict=True)]
    assert gained == [batch.full, batch.full]


def test_a_batch_is_bounded() -> None:
    batch = batches(16, [Target("q", 0)])
    assert 100_000 < len(batch.build(batch.full)) <= 131_072
    assert batches(1_000_000, [Target("q", 0)]).full == 1
