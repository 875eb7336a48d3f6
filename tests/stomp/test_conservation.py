"""Whatever clients do with their messages, none is lost and none is doubled."""

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import new_node
from tests.stomp_talk import StompTalk
from tests.stomp_wire import Frame

MODES = ("auto", "client", "client-individual")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("send", "send", "subscribe", "unsubscribe", "ack", "nack", "drop", "leave"),
                *("begin", "send in t", "ack in t", "commit", "abort"),
            ]
        ),
        st.integers(0, 1),
        st.integers(0, 9),
    ),
    max_size=40,
)


class Client:
    """One connection, and what it has in its hands: deliveries by subscription, in order."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.join()

    def join(self) -> None:
        """Connect, with nothing in hand."""
        self.talk = StompTalk(self.world.node).open()
        self.modes: dict[str, str] = {}
        self.open: list[str] = []
        self.hands: dict[str, list[Frame]] = {}
        self.held: list[bytes] | None = None
        self.answers: list[tuple[str, Frame]] = []

    def hear(self) -> None:
        for frame in self.talk.read():
            assert frame.command == "MESSAGE", frame
            name = frame["subscription"]
            if self.modes[name] == "auto":
                self.world.done.append(frame.body)
            else:
                self.hands.setdefault(name, []).append(frame)

    def settle(self, name: str, frame: Frame, verb: str) -> None:
        """What an answer for ``frame`` takes out of the client's hands."""
        hand = self.hands[name]
        count = hand.index(frame) + 1
        taken = hand[:count] if self.modes[name] == "client" else [frame]
        self.hands[name] = [each for each in hand if each not in taken]
        if verb != "nack":
            self.world.done += [each.body for each in taken]

    def leave(self) -> None:
        self.talk.session.lost()
        self.join()


class World:
    """A broker, two clients, and what became of every message."""

    def __init__(self) -> None:
        self.node = new_node()
        self.sent: list[bytes] = []
        self.done: list[bytes] = []
        self.clients = [Client(self), Client(self)]
        self.last = 0

    def body(self) -> bytes:
        self.last += 1
        return b"%d" % self.last

    def step(self, what: str, client: Client, number: int) -> None:
        talk = client.talk
        free = [
            (name, frame)
            for name, hand in client.hands.items()
            for frame in hand
            if all(frame is not other for _, other in client.answers)
        ]
        if what == "send":
            self.sent.append(self.body())
            talk.send("SEND", {"destination": "/queue/q"}, self.sent[-1])
        elif what == "subscribe":
            name = f"s{len(client.modes)}"
            client.modes[name] = MODES[number % 3]
            client.open.append(name)
            headers = {"destination": "/queue/q", "id": name, "ack": MODES[number % 3]}
            talk.send("SUBSCRIBE", headers | {"prefetch-count": str(number)})
        elif what == "unsubscribe" and client.open:
            # What it has delivered stays in the client's hands.
            talk.send("UNSUBSCRIBE", id=client.open.pop(number % len(client.open)))
        elif what == "leave":
            client.leave()
        elif what in ("ack", "nack", "drop") and free and client.held is None:
            name, frame = free[number % len(free)]
            more = {"requeue": "false"} if what == "drop" else {}
            client.settle(name, frame, what)
            talk.send("ACK" if what == "ack" else "NACK", {"id": frame["ack"]} | more)
        else:
            self.transact(what, client, free, number)

    def transact(
        self, what: str, client: Client, free: list[tuple[str, Frame]], number: int
    ) -> None:
        talk, held = client.talk, client.held
        if what == "begin" and held is None:
            client.held, client.answers = [], []
            talk.send("BEGIN", transaction="t")
        elif held is None:
            return
        elif what == "send in t":
            held.append(self.body())
            talk.send("SEND", {"destination": "/queue/q", "transaction": "t"}, held[-1])
        elif what == "ack in t" and free:
            client.answers.append(free[number % len(free)])
            talk.send("ACK", id=client.answers[-1][1]["ack"], transaction="t")
        elif what in ("commit", "abort"):
            if what == "commit":
                self.sent += held
                for name, frame in client.answers:
                    if frame in client.hands[name]:
                        client.settle(name, frame, "ack")
            client.held, client.answers = None, []
            talk.send(what.upper(), transaction="t")


@given(STEPS)
def test_none_is_lost_and_none_is_doubled(steps: list[tuple[str, int, int]]) -> None:
    world = World()
    # Something to begin with, in each client's hands and in the queue.
    beginning = [("send", 0, 0)] * 12 + [("subscribe", who, 4 + who) for who in (0, 1)]
    for what, who, number in beginning + steps:
        world.step(what, world.clients[who], number)
        for client in world.clients:
            client.hear()
    out = [frame.body for client in world.clients for h in client.hands.values() for frame in h]
    queue = world.node.vhosts["/"].queues["q"]
    assert queue.unacked_count == len(out)
    for client in world.clients:
        client.leave()
        # What it had in its hands may come to the other.
        for other in world.clients:
            other.hear()
    waiting = []
    while (found := queue.get(True)) is not None:
        waiting.append(found.message.body)
    assert sorted(waiting + world.done, key=int) == sorted(world.sent, key=int)
    assert set(out) <= set(waiting + world.done)
