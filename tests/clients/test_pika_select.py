"""pika, SelectConnection: the callback style, on pika's own event loop."""

from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel

PATIENCE_S = 20


class Loop:
    """pika's event loop, run until something has happened."""

    def __init__(self, url: str) -> None:
        self.ioloop = IOLoop()
        self.ioloop.activate_poller()
        self.closed_because: Exception | None = None
        self.connection = SelectConnection(
            pika.URLParameters(url),
            on_open_error_callback=self._on_close,
            on_close_callback=self._on_close,
            custom_ioloop=self.ioloop,
        )

    def _on_close(self, _connection: SelectConnection, reason: Exception) -> None:
        self.closed_because = reason

    def until(self, happened: Callable[[], object]) -> None:
        """Run the loop, turn by turn, until ``happened``."""
        late: list[bool] = []
        timer = self.ioloop.call_later(PATIENCE_S, lambda: late.append(True))
        while not happened():
            assert not late, "nothing happened"
            self.ioloop.poll()
            self.ioloop.process_timeouts()
        self.ioloop.remove_timeout(timer)

    def open(self) -> None:
        self.until(lambda: self.connection.is_open or self.closed_because)
        assert self.closed_because is None

    def channel(self) -> Channel:
        opened: list[Channel] = []
        self.connection.channel(on_open_callback=opened.append)
        self.until(lambda: opened)
        return opened[0]

    def call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """The broker's answer to a method that takes a callback."""
        answers: list[Any] = []
        method(*arguments, callback=answers.append, **named)
        self.until(lambda: answers)
        return answers[0].method

    def close(self) -> None:
        if self.connection.is_open:
            self.connection.close()
        self.until(lambda: self.connection.is_closed)
        self.ioloop.deactivate_poller()
        self.ioloop.close()


@pytest.fixture
def loop(broker: Any) -> Iterator[Loop]:
    started = Loop(broker.url)
    started.open()
    yield started
    started.close()


@pytest.fixture
def channel(loop: Loop) -> Channel:
    return loop.channel()


@pytest.fixture
def queue(loop: Loop, channel: Channel, name: str) -> str:
    loop.call(channel.queue_declare, name, exclusive=True)
    return name


class Inbox:
    """What was delivered to one consumer."""

    def __init__(self, loop: Loop, channel: Channel, queue: str, auto_ack: bool = False) -> None:
        self.items: list[tuple[Any, pika.BasicProperties, bytes]] = []
        ready: list[object] = []
        self.tag = channel.basic_consume(queue, self._add, auto_ack=auto_ack, callback=ready.append)
        loop.until(lambda: ready)

    def _add(self, _channel: Channel, method: Any, props: Any, body: bytes) -> None:
        self.items.append((method, props, body))

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.items]


def test_every_message_is_confirmed(loop: Loop, channel: Channel, queue: str) -> None:
    confirmed: set[int] = set()
    highest = 0

    def on_confirm(frame: Any) -> None:
        nonlocal highest
        assert isinstance(frame.method, pika.spec.Basic.Ack)
        tag = frame.method.delivery_tag
        confirmed.update(range(highest + 1 if frame.method.multiple else tag, tag + 1))
        while highest + 1 in confirmed:
            highest += 1

    selected: list[object] = []
    channel.confirm_delivery(on_confirm, selected.append)
    loop.until(lambda: selected)
    for _ in range(1000):
        channel.basic_publish("", queue, b"x", pika.BasicProperties(delivery_mode=2))
    loop.until(lambda: highest == 1000)
    assert loop.call(channel.queue_declare, queue, passive=True).message_count == 1000


def test_deliveries_wait_for_acks(loop: Loop, channel: Channel, queue: str) -> None:
    loop.call(channel.basic_qos, prefetch_count=3)
    for number in range(10):
        channel.basic_publish("", queue, b"%d" % number)
    inbox = Inbox(loop, channel, queue)
    loop.until(lambda: len(inbox.items) >= 3)
    assert loop.call(channel.queue_declare, queue, passive=True).message_count == 7
    assert inbox.bodies == [b"0", b"1", b"2"]
    channel.basic_ack(inbox.items[2][0].delivery_tag, multiple=True)
    loop.until(lambda: len(inbox.items) >= 6)
    channel.basic_ack(0, multiple=True)  # nought means: all there are
    loop.until(lambda: len(inbox.items) >= 9)
    assert inbox.bodies == [b"%d" % number for number in range(9)]


def test_a_rejected_message_is_redelivered(loop: Loop, channel: Channel, queue: str) -> None:
    inbox = Inbox(loop, channel, queue)
    channel.basic_publish("", queue, b"x")
    loop.until(lambda: len(inbox.items) == 1)
    channel.basic_reject(inbox.items[0][0].delivery_tag, requeue=True)
    loop.until(lambda: len(inbox.items) == 2)
    assert [method.redelivered for method, _, _ in inbox.items] == [False, True]


def test_get_answers_with_a_message_or_with_empty(loop: Loop, channel: Channel, queue: str) -> None:
    empty: list[object] = []
    channel.add_callback(empty.append, [pika.spec.Basic.GetEmpty], one_shot=False)
    got: list[tuple[Any, bytes]] = []
    channel.basic_publish("", queue, b"x")
    channel.basic_get(queue, lambda _c, m, _p, body: got.append((m, body)), auto_ack=True)
    loop.until(lambda: got)
    assert (got[0][0].message_count, got[0][1]) == (0, b"x")
    channel.basic_get(queue, lambda _c, m, _p, body: got.append((m, body)), auto_ack=True)
    loop.until(lambda: empty)
    assert len(got) == 1


def test_a_question_is_answered_directly(loop: Loop, channel: Channel, queue: str) -> None:
    def answer(_channel: Channel, _method: Any, asked: Any, body: bytes) -> None:
        mark = pika.BasicProperties(correlation_id=asked.correlation_id)
        channel.basic_publish("", asked.reply_to, body.upper(), mark)

    answers = Inbox(loop, channel, "amq.rabbitmq.reply-to", auto_ack=True)
    channel.basic_consume(queue, answer, auto_ack=True)
    asked = pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id="q")
    channel.basic_publish("", queue, b"what?", asked)
    loop.until(lambda: answers.items)
    assert (answers.items[0][1].correlation_id, answers.bodies) == ("q", [b"WHAT?"])


def test_topics_and_headers_choose(loop: Loop, channel: Channel, queue: str) -> None:
    loop.call(channel.queue_bind, queue, "amq.topic", f"{queue}.*.end")
    pattern = {"x-match": "all", "for": queue}
    loop.call(channel.queue_bind, queue, "amq.headers", "", arguments=pattern)
    inbox = Inbox(loop, channel, queue, auto_ack=True)
    channel.basic_publish("amq.topic", f"{queue}.a.end", b"topic")
    channel.basic_publish("amq.topic", f"{queue}.a.b.end", b"no topic")
    channel.basic_publish("amq.headers", "", b"header", pika.BasicProperties(headers=pattern))
    channel.basic_publish("amq.headers", "", b"no header")
    channel.basic_publish("", queue, b"last")
    loop.until(lambda: b"last" in inbox.bodies)
    assert inbox.bodies == [b"topic", b"header", b"last"]


def test_a_return_comes_before_its_confirm(loop: Loop, channel: Channel, name: str) -> None:
    seen: list[tuple[str, object]] = []
    channel.add_on_return_callback(lambda _c, m, _p, body: seen.append(("return", m.reply_code)))
    selected: list[object] = []
    channel.confirm_delivery(lambda f: seen.append(("ack", f.method.delivery_tag)), selected.append)
    loop.until(lambda: selected)
    channel.basic_publish("", name, b"lost?", mandatory=True)
    loop.until(lambda: len(seen) == 2)
    assert seen == [("return", 312), ("ack", 1)]


def test_a_consumer_is_cancelled_with_its_queue(loop: Loop, channel: Channel, queue: str) -> None:
    cancelled: list[Any] = []
    channel.add_on_cancel_callback(cancelled.append)
    inbox = Inbox(loop, channel, queue)
    loop.call(channel.queue_delete, queue)
    loop.until(lambda: cancelled)
    assert cancelled[0].method.consumer_tag == inbox.tag


def test_a_channel_error_leaves_the_connection_open(
    loop: Loop, channel: Channel, name: str
) -> None:
    reasons: list[Any] = []
    channel.add_on_close_callback(lambda _channel, reason: reasons.append(reason))
    channel.queue_bind(name, "amq.direct", "key")
    loop.until(lambda: reasons)
    assert (reasons[0].reply_code, loop.connection.is_open) == (404, True)
    declared = loop.call(loop.channel().queue_declare, name, exclusive=True)
    assert declared.queue == name


def test_many_channels_share_a_connection(loop: Loop, name: str) -> None:
    channels = [loop.channel() for _ in range(20)]
    for number, one in enumerate(channels):
        loop.call(one.queue_declare, f"{name}.{number}", exclusive=True)
    inboxes = [Inbox(loop, one, f"{name}.{n}", True) for n, one in enumerate(channels)]
    for number in range(20):
        channels[-1 - number].basic_publish("", f"{name}.{number}", b"%d" % number)
    loop.until(lambda: all(inbox.items for inbox in inboxes))
    assert [inbox.bodies for inbox in inboxes] == [[b"%d" % number] for number in range(20)]


def test_a_client_comes_back_after_a_restart(restartable: Any, name: str) -> None:
    first = Loop(restartable.url)
    first.open()
    restartable.stop()
    first.until(lambda: first.closed_because)
    assert isinstance(first.closed_because, pika.exceptions.ConnectionClosedByBroker)
    assert first.closed_because.reply_code == 320
    first.close()
    restartable.start()
    second = Loop(restartable.url)
    second.open()
    channel = second.channel()
    second.call(channel.queue_declare, name, exclusive=True)
    inbox = Inbox(second, channel, name, auto_ack=True)
    channel.basic_publish("", name, b"back")
    second.until(lambda: inbox.items)
    second.close()
