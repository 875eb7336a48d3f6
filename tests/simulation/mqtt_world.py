"""MQTT clients that keep to the specification, and connections that end anywhere.

One seed drives it all: run a failing one again with ``run(seed)``, or all of many with

    python -m tests.simulation.mqtt_world 10000 --seed 1

Octets travel when the seed says so, in pieces cut anywhere; with a connection all that was on its
way is lost, or a part of it.  In a world that ``lasts`` the broker has a disk, which works when the
seed says so, and the process is killed now and then.
"""

import argparse
import logging
import random
import tempfile
from pathlib import Path
from typing import Any

from tests.fakes import LOCAL, FakeBell, FakeClock, FakeRandom, new_node
from tests.mqtt_model import RECEIVE_MAXIMUM, Model
from tests.store.disk import FakeDisk
from tests.store.workers import FakeWorker

from leveret.broker.alarms import DISK
from leveret.broker.node import Node
from leveret.broker.shelf import Shelf, Sizes
from leveret.broker.storage import DiskWatch, Storage
from leveret.config.settings import Settings
from leveret.mqtt.session import MqttSession
from leveret.mqtt.state import clients_of
from leveret.notices import Notices
from leveret.store.catalog import Catalog

TOPICS = ["t/0", "t/1", "t/2"]
FOLDER = "data"
MANY_TURNS = 2_000
GROUP = "$share/group/"


class Memory:
    """A broker that keeps nothing when it ends."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.node = new_node(**settings)

    def end_turn(self) -> None:
        pass

    def work(self, count: int) -> None:
        pass


class Disked:
    """A broker on ``disk``, its catalog in ``home``, from one start to its end."""

    def __init__(self, settings: dict[str, Any], disk: FakeDisk, home: Path) -> None:
        self.worker = FakeWorker()
        clock = FakeClock()
        for name in ("journal", "queues"):
            disk.make_folder(f"{FOLDER}/{name}")
        self.catalog = Catalog(str(home / "catalog.sqlite"), self.worker)
        is_first = not self.catalog.rows("vhosts")
        watch = DiskWatch(Notices(clock), clock)
        shelf = Shelf(disk, FOLDER, self.worker, self.worker, clock, watch, Sizes(*[1 << 20] * 3))
        self.node = Node(Settings(**settings), clock, FakeRandom(), shelf, is_first)
        self.storage = Storage(self.node, shelf, self.catalog, clock)
        self.storage.recover(is_first)
        self.node.commits = self.storage
        if is_first:
            # Users and vhosts are there before anybody comes.
            self.end_turn()
            self.work(1000)

    def end_turn(self) -> None:
        self.storage.end_turn()

    def work(self, count: int) -> None:
        self.worker.work(count)


class Line:
    """One connection of ``model``.  What is on its way, in both directions."""

    def __init__(self, model: Model, node: Node) -> None:
        self.model = model
        self.session = MqttSession(node, FakeBell(), LOCAL)
        self.to_broker = b""
        self.to_client = b""
        # The client has gone, and the broker does not know yet.
        self.is_orphan = False
        self.is_paused = False
        self.is_flushed = False

    def flush(self) -> None:
        """As the network does at the end of a turn, after the disk was written to."""
        session = self.session
        session.rung = False
        if session.is_held:
            self.to_client += b"".join(session.take_urgent())
        elif not self.is_paused or session.closed:
            self.to_client += b"".join(session.take_output())
            self.is_flushed = not session.closed

    def go_on(self) -> None:
        """As the network does after all were flushed."""
        if self.is_flushed and not self.session.closed:
            self.session.flushed()
        self.is_flushed = False

    def hear(self, size: int) -> None:
        """The broker receives so many octets."""
        chunk, self.to_broker = self.to_broker[:size], self.to_broker[size:]
        if chunk and not self.session.closed:
            self.session.receive(chunk)

    def tell(self, size: int) -> None:
        """The client receives so many octets."""
        chunk, self.to_client = self.to_client[:size], self.to_client[size:]
        self.model.feed(chunk)


class World:
    """One history, and what must be true of it."""

    def __init__(self, seed: int, lasts: bool = False, loses_power: bool = False) -> None:
        self.rng = random.Random(seed)
        rng = self.rng
        self.home = tempfile.TemporaryDirectory() if lasts else None
        self.disk = FakeDisk()
        self.loses_power = loses_power
        self.settings: dict[str, Any] = {"mqtt_prefetch": rng.choice([1, 2, 10])}
        if lasts:
            self.settings["mqtt_durable_queue_type"] = rng.choice(["classic", "quorum"])
        self.life: Memory | Disked = self._new_life()
        self.models: list[Model] = []
        self.lines: dict[str, Line] = {}
        self.orphans: list[Line] = []
        self.published: dict[bytes, tuple[str, int]] = {}
        self.cuts = 0
        self.crashes = 0
        self._make_models()

    def _new_life(self) -> Memory | Disked:
        if self.home is None:
            return Memory(self.settings)
        return Disked(self.settings, self.disk, Path(self.home.name))

    def _make_models(self) -> None:
        rng = self.rng
        self.publishers = [self._model(f"p{index}") for index in range(rng.randint(1, 2))]
        self.subscribers = [self._model(f"s{index}") for index in range(rng.randint(1, 3))]
        self.members = [self._model(f"m{index}") for index in range(rng.choice([0, 0, 2]))]
        for model in self.subscribers:
            qos = rng.choice([2, 2, 1])
            model.filters = rng.choice(
                [
                    [("t/#", qos)],
                    [("t/0", qos), ("t/1", 2), ("t/2", qos)],
                    [("t/+", rng.choice([0, 1])), ("t/0", 2)],
                ]
            )
        for model in self.members:
            model.filters = [(f"{GROUP}t/#", 2)]

    def _model(self, name: str) -> Model:
        rng = self.rng
        version = rng.choice([3, 4, 5])
        maximum = rng.choice([1, 3, RECEIVE_MAXIMUM]) if version == 5 else RECEIVE_MAXIMUM
        if version < 5:
            maximum = self.settings["mqtt_prefetch"]
        model = Model(name, version, rng.choice([1, 5, 30]), rng.random() < 0.5, maximum)
        if version < 5:
            model.receive_maximum = maximum
        self.models.append(model)
        return model

    # --- the story -------------------------------------------------------------------------

    def run(self, steps: int = 400) -> None:
        try:
            for model in [*self.subscribers, *self.members]:
                self._connect(model)
                self._until(lambda model=model: model.is_open)  # type: ignore[misc]
                model.subscribe()
                self._until(lambda model=model: model.is_subscribed)  # type: ignore[misc]
            for _ in range(self.rng.randrange(10, steps)):
                self.step()
            self.end()
        finally:
            if isinstance(self.life, Disked):
                self.life.catalog.close()
            if self.home is not None:
                self.home.cleanup()

    def step(self) -> None:
        weights = {
            self.publish: 25.0,
            self.go_out: 40.0,
            self.hear: 40.0,
            self.flush: 40.0,
            self.tell: 40.0,
            self.cut: 6.0,
            self.leave_half_open: 2.0,
            self.forget_orphan: 3.0,
            self.reconnect: 40.0,
            self.go_on: 20.0,
            self.send_again: 4.0,
            self.pause: 3.0,
            self.alarm: 1.0,
            self.work: 30.0,
            self.crash: 1.5 if self.home is not None else 0.0,
        }
        self.rng.choices(list(weights), list(weights.values()))[0]()
        self._check_faults()

    def _check_faults(self) -> None:
        for model in self.models:
            assert not model.faults, model.faults[0]

    def _line(self) -> Line | None:
        return self.rng.choice(list(self.lines.values())) if self.lines else None

    def publish(self) -> None:
        ready = [model for model in self.publishers if model.is_open]
        if not ready:
            return
        model = self.rng.choice(ready)
        for _ in range(self.rng.choice([1, 1, 3])):
            topic, qos = self.rng.choice(TOPICS), self.rng.choice([2, 2, 2, 1, 0])
            body = b"%s-%d" % (model.name.encode(), len(self.published))
            if model.publish(topic, body, qos):
                self.published[body] = (topic, qos)

    def go_out(self) -> None:
        """A client writes to its socket."""
        line = self._line()
        if line is not None:
            line.to_broker += line.model.take(self.rng.choice([1, 2, 100]))

    def hear(self) -> None:
        lines = [*self.lines.values(), *self.orphans]
        if lines:
            line = self.rng.choice(lines)
            line.hear(self._size(line.to_broker))

    def tell(self) -> None:
        line = self._line()
        if line is not None:
            line.tell(self._size(line.to_client))
            if line.session.closed and not line.to_client and not line.session.rung:
                # An older connection of the client's came later.
                self._cut(line)

    def _size(self, octets: bytes) -> int:
        return self.rng.choice([len(octets), len(octets), self.rng.randint(0, len(octets))])

    def flush(self) -> None:
        """The turn ends: what happened is written, then sessions may write to their sockets."""
        lines = [*self.lines.values(), *self.orphans]
        self._flush([line for line in lines if self.rng.random() < 0.7])

    def _flush(self, lines: list[Line]) -> None:
        self.life.end_turn()
        for line in lines:
            line.flush()
        for line in lines:
            line.go_on()

    def work(self) -> None:
        self.life.work(self.rng.choice([1, 100]))

    def pause(self) -> None:
        """A socket is full, or is no more."""
        line = self._line()
        if line is None or line.session.closed:
            return
        line.is_paused = not line.is_paused
        if line.is_paused:
            line.session.pause()
        else:
            line.session.resume()

    def alarm(self) -> None:
        alarms = self.life.node.alarms
        if alarms.is_set:
            alarms.clear("simulated")
        else:
            alarms.set("simulated", DISK)

    def send_again(self) -> None:
        model = self.rng.choice(self.models)
        if model.version < 5 and model.is_open:
            model.send_again(self.rng)

    # --- ends and beginnings ---------------------------------------------------------------

    def cut(self) -> None:
        """A connection is gone, and both sides notice: of what was on its way, a part came."""
        line = self._line()
        if line is not None:
            self._cut(line)

    def _cut(self, line: Line) -> None:
        self.cuts += 1
        line.tell(self.rng.choice([0, self.rng.randint(0, len(line.to_client))]))
        line.hear(self.rng.choice([0, self.rng.randint(0, len(line.to_broker))]))
        line.session.lost()
        line.model.lost()
        del self.lines[line.model.name]

    def leave_half_open(self, model: Model | None = None) -> None:
        """A client is gone, and the broker does not see it: it may take over from itself."""
        line = self._line() if model is None else self.lines[model.name]
        if line is not None:
            self.cuts += 1
            line.tell(self.rng.choice([0, self.rng.randint(0, len(line.to_client))]))
            line.model.lost()
            self.orphans.append(line)
            del self.lines[line.model.name]

    def forget_orphan(self) -> None:
        if self.orphans:
            self.orphans.pop(self.rng.randrange(len(self.orphans))).session.lost()

    def reconnect(self) -> None:
        model = self.rng.choice(self.models)
        if model.name not in self.lines:
            self._connect(model)
            if self.rng.random() < 0.7:
                self._go_on(self.lines[model.name])
        elif self.rng.random() < 0.1:
            self.leave_half_open(model)

    def _connect(self, model: Model) -> None:
        model.begin()
        self.lines[model.name] = Line(model, self.life.node)

    def go_on(self) -> None:
        """Everything of one connection arrives."""
        line = self._line()
        if line is not None:
            self._go_on(line)

    def _go_on(self, line: Line) -> None:
        line.to_broker += line.model.take(100)
        line.hear(len(line.to_broker))
        self._flush([line])
        line.tell(len(line.to_client))

    def crash(self) -> None:
        """The process is killed: what it wrote to files and sockets is written, no more."""
        assert isinstance(self.life, Disked)
        self.crashes += 1
        for line in list(self.lines.values()):
            line.tell(self.rng.choice([0, self.rng.randint(0, len(line.to_client))]))
            line.model.lost()
        self.lines.clear()
        self.orphans.clear()
        self.life.catalog.close()
        if self.loses_power:
            self.disk.crash(self.rng)
        self.life = self._new_life()

    # --- the end ---------------------------------------------------------------------------

    def _until(self, is_so: Any) -> None:
        """Have everything arrive, until it is so."""
        for _ in range(MANY_TURNS):
            if is_so():
                return
            for line in list(self.lines.values()):
                if line.session.closed:
                    self._cut(line)
            for model in self.models:
                if model.name in self.lines:
                    line = self.lines[model.name]
                    line.to_broker += model.take(100)
                    line.hear(len(line.to_broker))
            for _ in range(3):
                self.life.end_turn()
                self.life.work(100)
                self._flush(list(self.lines.values()))
                for line in self.lines.values():
                    line.tell(len(line.to_client))
            self._check_faults()
        raise AssertionError(f"it does not come to rest: {self._unrest()}")

    def end(self) -> None:
        """Let everybody come back, and everything arrive; then look."""
        self.life.node.alarms.clear("simulated")
        for line in self.lines.values():
            if line.is_paused:
                line.is_paused = False
                line.session.resume()

        def is_over() -> bool:
            for model in self.models:
                if model.name not in self.lines:
                    self._connect(model)
            return not self._unrest()

        self._until(is_over)
        self._check_messages()

    def _unrest(self) -> list[str]:
        """What is still to be done."""
        found = [f"{model}: {vars(model)}" for model in self.models if not self._is_quiet(model)]
        found += [f"{model} is out" for model in self.models if not model.is_open]
        clients = clients_of(self.life.node)
        for model in self.models:
            client = clients.find("/", model.name)
            if client is not None and (client.incoming or client.flights or client.markers):
                found.append(f"the broker has {model.name}: {vars_of(client)}")
        for queue in self.life.node.vhosts["/"].queues.values():
            if queue.ready_count or queue.unacked_count:
                found.append(f"{queue.name}: {queue.ready_count}, {queue.unacked_count}")
        return found

    def _is_quiet(self, model: Model) -> bool:
        # What a member of a group held in a crash may have become another's.
        is_left = self.crashes > 0 and model in self.members
        return not model.out and not model.unanswered and (is_left or not model.held)

    def _check_messages(self) -> None:
        for model in self.subscribers:
            qos_of = {topic: qos_for(model, topic) for topic in TOPICS}
            self._check_received(str(model), [model], qos_of)
            self._check_order(model, qos_of)
        if self.members:
            # After a crash nobody knows which member has what: better twice than never.
            most = 1 if self.crashes else 2
            self._check_received("the group", self.members, dict.fromkeys(TOPICS, most))

    def _check_received(self, who: str, models: list[Model], qos_of: dict[str, int]) -> None:
        times: dict[bytes, int] = {}
        fresh: dict[bytes, int] = {}
        for model in models:
            for got in model.got:
                assert self.published[got.body][0] == got.topic, f"{who}: {got}"
                times[got.body] = times.get(got.body, 0) + 1
                fresh[got.body] = fresh.get(got.body, 0) + (not got.is_duplicate)
        for body, (topic, qos) in self.published.items():
            count = times.get(body, 0)
            what = f"{who}: {body!r}, QoS {qos} of {qos_of[topic]}, came {count} times"
            sent = max(model.times.get(body, 0) for model in self.publishers)
            qos = min(qos, qos_of[topic])
            if qos == 2:
                assert count == 1, what
            elif qos == 1:
                assert count >= 1, what
            if qos > 0 or not self.crashes:
                # Whatever is published twice, comes twice.
                most = sent if self.published[body][1] == 1 else 1
                assert fresh.get(body, 0) <= most, f"{what}, {fresh[body]} without DUP"

    def _check_order(self, model: Model, qos_of: dict[str, int]) -> None:
        """By topic, publisher and QoS, as each comes for the first time."""
        last: dict[tuple[str, bytes, int], int] = {}
        seen: set[bytes] = set()
        for got in model.got:
            if got.body in seen:
                continue
            seen.add(got.body)
            publisher, _, number = got.body.partition(b"-")
            qos = self.published[got.body][1]
            if qos == 1 and qos_of[got.topic] == 0:
                # Published again, and perhaps it came the first time only to be lost.
                continue
            key = (got.topic, publisher, qos)
            assert int(number) > last.get(key, -1), f"{model}: {got} after {last[key]}"
            last[key] = int(number)


def qos_for(model: Model, topic: str) -> int:
    """The most that a client has subscribed to ``topic`` with."""
    return max(qos for text, qos in model.filters if text in (topic, "t/#", "t/+"))


def vars_of(client: Any) -> dict[str, Any]:
    return {name: getattr(client, name) for name in ("incoming", "markers", "flights")}


def run(seed: int, lasts: bool = False, loses_power: bool = False) -> World:
    """One history.  What is wrong with it names the seed."""
    world = World(seed, lasts, loses_power)
    try:
        world.run()
    except Exception as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    return world


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lasts", action="store_true", help="with a disk, and crashes")
    parser.add_argument("--power", action="store_true", help="what is not synced is lost")
    options = parser.parse_args()
    logging.disable()
    cuts = crashes = messages = 0
    for seed in range(options.seed, options.seed + options.rounds):
        world = run(seed, options.lasts or options.power, options.power)
        cuts += world.cuts
        crashes += world.crashes
        messages += len(world.published)
    print(f"{options.rounds} rounds: {messages} messages, {cuts} cuts, {crashes} crashes")


if __name__ == "__main__":
    main()
