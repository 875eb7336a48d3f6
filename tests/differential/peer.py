"""A connection of a scenario that writes down all it receives.

The trace is a list of lines, one for each method that came.  What differs from run to run (the
random part of generated names) is replaced by a star; nothing else is touched.
"""

import itertools
import re
import zlib
from collections.abc import Iterable
from typing import Any

from tests.wire import Method, Silence, Wire

Trace = list[str]

_RANDOM = (
    (re.compile(r"amq\.gen-[A-Za-z0-9_-]{22}"), "amq.gen-*"),
    (re.compile(r"amq\.ctag-[A-Za-z0-9_-]{22}"), "amq.ctag-*"),
    (re.compile(r"amq\.rabbitmq\.reply-to\.[A-Za-z0-9_.+/=-]+"), "amq.rabbitmq.reply-to.*"),
)
_CLOSES = ("channel.close", "connection.close")
_DELIVER = "basic.deliver"


def _shown(octets: bytes) -> str:
    if len(octets) <= 80:
        return repr(octets)
    return f"<{len(octets)} octets, crc {zlib.crc32(octets):08x}>"


def render(got: Method) -> str:
    """A method as one line of a trace."""
    line = repr(got)
    for pattern, star in _RANDOM:
        line = pattern.sub(star, line)
    if got.name in (_DELIVER, "basic.return", "basic.get-ok"):
        properties = ", ".join(f"{name}={value!r}" for name, value in got.properties.items())
        for pattern, star in _RANDOM:
            properties = pattern.sub(star, properties)
        line += f" {{{properties}}} {_shown(got.body)}"
        if len(got.frames) > 1:
            line += f" in frames of {got.frames}"
    return line


class Peer(Wire):
    """One connection of a scenario; whatever it reads goes into the trace."""

    def __init__(self, port: int, label: str, trace: Trace, idle: float, timeout: float) -> None:
        super().__init__(port=port, timeout=timeout, typed=True)
        self.label = label
        self.client = f"127.0.0.1:{self.socket.getsockname()[1]} ->"
        self.recording = True
        self.told_end = False
        self._trace = trace
        self._idle = idle
        # Which queue a consumer tag of a channel reads.
        self._queues: dict[tuple[int, str], str] = {}

    def note(self, text: str) -> None:
        self._trace.append(f"{self.label} {text}")

    def read(self, timeout: float | None = None) -> Method | None:
        got = super().read(timeout)
        if self.recording:
            if got is not None:
                self.note(render(got))
            else:
                self._note_end()
        return got

    def _note_end(self) -> None:
        if not self.told_end:
            self.told_end = True
            self.note("end of connection")

    def unrecorded(self, name: str, channel: int = 1, **values: Any) -> Method:
        """A call that leaves no line in the trace."""
        was_recording, self.recording = self.recording, False
        try:
            return self.call(name, channel, **values)
        finally:
            self.recording = was_recording

    def take(self, count: int = 1) -> list[Method]:
        """Record ``count`` methods, or that they did not come."""
        got: list[Method] = []
        is_silent = False
        self.recording = False
        try:
            while len(got) < count and (one := self.read()) is not None:
                got.append(one)
        except Silence:
            is_silent = True
        finally:
            self.recording = True
            self._note_all(got)
        if is_silent:
            self.note("silence")
        elif len(got) < count:
            self._note_end()
        return got

    def quiet(self) -> list[Method]:
        """Record whatever comes until nothing did for the stage's ``idle`` seconds."""
        self.recording = False
        got = self.read_all(self._idle)
        self.recording = True
        self._note_all(got)
        if self.ended:
            self._note_end()
        self.note("quiet")
        return got

    def _note_all(self, got: list[Method]) -> None:
        """Write down what came; deliveries in a row go by queue, not by which came first.

        In RabbitMQ each queue and each channel is a process: what two queues deliver to one
        connection may come in either order, and whoever is first gets the lower delivery tag.  The
        order within one queue is a promise, and is kept; the tags that a row has are dealt out
        again in the order of the lines.
        """
        for is_delivery, row in itertools.groupby(got, lambda one: one.name == _DELIVER):
            for line in map(render, self._by_queue(row) if is_delivery else row):
                self.note(line)

    def _by_queue(self, row: Iterable[Method]) -> list[Method]:
        came = list(row)
        lines = sorted(came, key=self._source)
        tags = {channel: iter(sorted(_tags(came, channel))) for channel in _channels(came)}
        return [_with_tag(one, next(tags[one.channel])) for one in lines]

    def _source(self, delivery: Method) -> tuple[int, str]:
        tag = (delivery.channel, delivery.consumer_tag)
        return delivery.channel, self._queues.get(tag, "")

    def settle(self, channel: int = 1) -> Method:
        """A round trip on the channel: what the broker had to say about it comes before."""
        return self.call("basic.qos", channel, prefetch_count=0)

    def get(self, queue: str, channel: int = 1, no_ack: bool = True) -> Method:
        return self.call("basic.get", channel, queue=queue, no_ack=no_ack)

    def empty(self, queue: str, channel: int = 1) -> list[bytes]:
        """Get messages until there are none; returns their bodies."""
        bodies = []
        for _ in range(200):
            got = self.get(queue, channel)
            if got.name != "basic.get-ok":
                break
            bodies.append(got.body)
        return bodies

    def confirms(self, count: int, channel: int = 1, first: int = 1) -> None:
        """Record what was acked and nacked of ``count`` publishes from tag ``first`` on.

        How the broker groups its confirms is its own affair: only the sets are recorded, after
        everything else that came.
        """
        self.recording = False
        waiting, acked, nacked = set(range(first, first + count)), [], []
        try:
            while waiting:
                got = self.read()
                if got is None or got.name not in ("basic.ack", "basic.nack"):
                    self.note("end of connection" if got is None else render(got))
                    if got is None or got.name in _CLOSES:
                        break
                    continue
                upto = got.delivery_tag
                tags = {tag for tag in waiting if tag <= upto} if got.multiple else {upto}
                if not tags <= waiting:
                    self.note(f"confirmed again or never published: {sorted(tags - waiting)}")
                (acked if got.name == "basic.ack" else nacked).extend(tags & waiting)
                waiting -= tags
        except Silence:
            self.note("silence")
        finally:
            self.recording = True
        self.note(f"acked {sorted(acked)} nacked {sorted(nacked)} waiting {sorted(waiting)}")

    def subscribe(self, queue: str, tag: str, channel: int = 1, **values: Any) -> Method:
        reply = self.call("basic.consume", channel, queue=queue, consumer_tag=tag, **values)
        if reply.name == "basic.consume-ok":
            self._queues[(channel, reply.consumer_tag)] = queue
        return reply

    def reopen(self, channel: int = 1) -> None:
        """Answer a channel.close and open the channel again."""
        self.send("channel.close-ok", channel)
        self.unrecorded("channel.open", channel)


def _channels(deliveries: list[Method]) -> set[int]:
    return {one.channel for one in deliveries}


def _tags(deliveries: list[Method], channel: int) -> list[int]:
    return [one.delivery_tag for one in deliveries if one.channel == channel]


def _with_tag(delivery: Method, tag: int) -> Method:
    """The same delivery as if it had come with this delivery tag."""
    copy = Method(delivery.channel, delivery.name, delivery.fields | {"delivery_tag": tag})
    copy.properties, copy.body, copy.frames = delivery.properties, delivery.body, delivery.frames
    return copy
