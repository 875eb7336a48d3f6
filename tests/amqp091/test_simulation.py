"""Several sessions on one node, without sockets, against a plain model of who has what.

The model: each message waits in its queue, is held by one channel, or is done.  Every delivery,
refusal, confirm and count must agree with it, whoever consumes, acknowledges, pauses or is lost.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pamqp import commands
from tests.fakes import Talk, new_node, publish

QUEUES = ("q0", "q1")
WHO = st.integers(0, 2)
CHANNELS = st.sampled_from([1, 2])
Held = dict[int, tuple[str, bytes, str]]


class Client:
    """One connection and what it must think it has."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.paused = False
        self.held: dict[int, Held] = {1: {}, 2: {}}
        self.last_tag = {1: 0, 2: 0}
        # By channel and tag: the queue, the prefetch (0 for none) and whether it acknowledges.
        self.consumers: dict[tuple[int, str], tuple[str, int, bool]] = {}


class Simulation(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.node = new_node()
        self.clients = [self.connect() for _ in range(3)]
        for queue in QUEUES:
            self.clients[0].talk.call("queue.declare", queue=queue)
        self.waiting: dict[str, dict[bytes, None]] = {queue: {} for queue in QUEUES}
        self.seen: set[bytes] = set()
        self.made = 0

    def connect(self) -> Client:
        talk = Talk(self.node).open(1, 2)
        for channel in (1, 2):
            talk.call("confirm.select", channel)
        return Client(talk)

    # --- what clients hear ------------------------------------------------------------------------

    def listen(self) -> None:
        """Take what every client is sent, and hold it against the model."""
        for client in self.clients:
            parts = client.talk.read() if not client.paused else []
            while parts:
                self.hear(client, parts)

    def hear(self, client: Client, parts: list[Any]) -> None:
        part = parts.pop(0)
        channel = 0
        if isinstance(part, commands.Basic.Deliver):
            header = parts.pop(0)
            body = parts.pop(0).value
            channel = int(part.consumer_tag[0])
            queue, prefetch, acks = client.consumers[channel, part.consumer_tag]
            assert header.body_size == len(body)
            self.hand_over(client, channel, part, queue, body, part.consumer_tag if acks else None)
            own = [1 for _, _, tag in client.held[channel].values() if tag == part.consumer_tag]
            assert prefetch == 0 or len(own) <= prefetch
        else:
            assert isinstance(part, commands.Basic.Ack), part

    def hand_over(
        self, client: Client, channel: int, part: Any, queue: str, body: bytes, tag: str | None
    ) -> None:
        del self.waiting[queue][body]
        assert part.redelivered is (body in self.seen)
        self.seen.add(body)
        client.last_tag[channel] += 1
        assert part.delivery_tag == client.last_tag[channel]
        if tag is not None:
            client.held[channel][part.delivery_tag] = (queue, body, tag)

    def give_back(self, held: list[tuple[str, bytes, str]]) -> None:
        for queue, body, _ in held:
            self.waiting[queue][body] = None

    # --- what clients do --------------------------------------------------------------------------

    @rule(who=WHO, channel=CHANNELS, queue=st.sampled_from(QUEUES), count=st.integers(1, 6))
    def publish(self, who: int, channel: int, queue: str, count: int) -> None:
        octets = b""
        for _ in range(count):
            self.made += 1
            body = b"%d" % self.made
            self.waiting[queue][body] = None
            octets += publish(queue, body, channel=channel)
        self.clients[who].talk.feed(octets)
        self.listen()

    @rule(
        who=WHO,
        channel=CHANNELS,
        queue=st.sampled_from(QUEUES),
        prefetch=st.integers(0, 3),
        acks=st.booleans(),
    )
    def consume(self, who: int, channel: int, queue: str, prefetch: int, acks: bool) -> None:
        client = self.clients[who]
        self.made += 1
        tag = f"{channel}-{self.made}"
        if client.paused:
            return
        client.talk.call("basic.qos", channel, prefetch_count=prefetch)
        client.consumers[channel, tag] = (queue, prefetch if acks else 0, acks)
        client.talk.send(
            "basic.consume", channel, queue=queue, consumer_tag=tag, no_ack=not acks, nowait=True
        )
        self.listen()

    @rule(who=WHO, channel=CHANNELS, data=st.data())
    def cancel(self, who: int, channel: int, data: st.DataObject) -> None:
        client = self.clients[who]
        mine = sorted(tag for at, tag in client.consumers if at == channel)
        if mine and not client.paused:
            tag = data.draw(st.sampled_from(mine))
            client.talk.send("basic.cancel", channel, consumer_tag=tag, nowait=True)
            self.listen()
            del client.consumers[channel, tag]

    @rule(who=WHO, channel=CHANNELS, queue=st.sampled_from(QUEUES))
    def get(self, who: int, channel: int, queue: str) -> None:
        client = self.clients[who]
        if client.paused:
            return
        client.talk.send("basic.get", channel, queue=queue)
        got, *content = client.talk.read()
        assert (got.name == "Basic.GetOk") is bool(self.waiting[queue])
        if content:
            body = content[-1].value
            first = min(self.waiting[queue], key=int)
            assert body == first, "not the head of the queue"
            self.hand_over(client, channel, got, queue, body, "")
            assert got.message_count == len(self.waiting[queue])

    @rule(
        who=WHO,
        channel=CHANNELS,
        data=st.data(),
        multiple=st.booleans(),
        how=st.sampled_from(["ack", "requeue", "drop"]),
    )
    def settle(self, who: int, channel: int, data: st.DataObject, multiple: bool, how: str) -> None:
        client = self.clients[who]
        held = client.held[channel]
        if not held:
            return
        tag = data.draw(st.sampled_from(sorted(held)))
        chosen = [t for t in sorted(held) if t == tag or (multiple and t < tag)]
        gone = [held.pop(t) for t in chosen]
        values: dict[str, Any] = {"delivery_tag": tag, "multiple": multiple}
        if how == "requeue":
            self.give_back(gone)
        if how != "ack":
            values["requeue"] = how == "requeue"
        client.talk.send("basic.ack" if how == "ack" else "basic.nack", channel, **values)
        self.listen()

    @rule(who=WHO, channel=CHANNELS)
    def recover(self, who: int, channel: int) -> None:
        client = self.clients[who]
        self.give_back(list(client.held[channel].values()))
        client.held[channel] = {}
        client.talk.send("basic.recover-async", channel, requeue=True)
        self.listen()

    @rule(who=WHO, channel=CHANNELS)
    def reopen_channel(self, who: int, channel: int) -> None:
        client = self.clients[who]
        if client.paused:
            return
        self.give_back(list(client.held[channel].values()))
        client.held[channel], client.last_tag[channel] = {}, 0
        client.consumers = {at: c for at, c in client.consumers.items() if at[0] != channel}
        client.talk.send("channel.close", channel, reply_code=200)
        parts = client.talk.read()
        (answer,) = [part for part in parts if isinstance(part, commands.Channel.CloseOk)]
        parts.remove(answer)
        # What came back may go to a consumer of the other channel at once.
        while parts:
            self.hear(client, parts)
        client.talk.call("channel.open", channel)
        client.talk.call("confirm.select", channel)
        self.listen()

    @rule(who=WHO)
    def lose(self, who: int) -> None:
        client = self.clients[who]
        if client.paused:
            return
        for held in client.held.values():
            self.give_back(list(held.values()))
        client.talk.session.lost()
        self.clients[who] = self.connect()
        self.listen()

    @rule(who=WHO)
    def pause_or_resume(self, who: int) -> None:
        client = self.clients[who]
        client.paused = not client.paused
        if client.paused:
            client.talk.session.pause()
        else:
            client.talk.session.resume()
        self.listen()

    @precondition(lambda self: any(self.waiting.values()))
    @rule(queue=st.sampled_from(QUEUES))
    def purge(self, queue: str) -> None:
        (client, *_) = [c for c in self.clients if not c.paused] or [None]
        if client is not None:
            client.talk.send("queue.purge", queue=queue)
            assert client.talk.read()[-1].message_count == len(self.waiting[queue])
            self.waiting[queue] = {}

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def the_counts_are_the_models(self) -> None:
        for name in QUEUES:
            queue = self.node.vhosts["/"].queues[name]
            held = [h for c in self.clients for held in c.held.values() for h in held.values()]
            assert queue.ready_count == len(self.waiting[name])
            out = [len(body) for at, body, _ in held if at == name]
            assert (queue.unacked_count, queue.unacked_octets) == (len(out), sum(out))
            consumers = [c for client in self.clients for c in client.consumers.values()]
            assert queue.consumer_count == len([1 for at, _, _ in consumers if at == name])

    @invariant()
    def nothing_waits_that_somebody_could_have(self) -> None:
        for client in self.clients:
            for (channel, tag), (queue, prefetch, _) in client.consumers.items():
                own = [1 for _, _, of in client.held[channel].values() if of == tag]
                is_free = not client.paused and (prefetch == 0 or len(own) < prefetch)
                assert not (is_free and self.waiting[queue])


TestSimulation = Simulation.TestCase
TestSimulation.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, report_multiple_bugs=False
)
