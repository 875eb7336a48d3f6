"""The programs of examples/, each pair as two real processes."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pika import BlockingConnection, URLParameters
from tests.clients.processes import Program, run

EXAMPLES = Path(__file__).parents[2] / "examples"
PAIRS = [("python", "python"), ("ruby", "ruby"), ("python", "ruby"), ("ruby", "python")]
NAMES = [f"{sender} to {receiver}" for sender, receiver in PAIRS]


def command(language: str, program: str, *arguments: str) -> list[str]:
    if language == "python":
        return [sys.executable, str(EXAMPLES / "python" / f"{program}.py"), *arguments]
    return ["ruby", str(EXAMPLES / "ruby" / f"{program}.rb"), *arguments]


class Pair:
    """Who speaks and who listens, in which languages, over which broker."""

    def __init__(self, sender: str, receiver: str, url: str) -> None:
        self._sender = sender
        self._receiver = receiver
        self._environment = {"AMQP_URL": url}

    def receiver(self, program: str, *arguments: str) -> Program:
        return Program(command(self._receiver, program, *arguments), self._environment)

    def send(self, program: str, *arguments: str) -> list[str]:
        return run(command(self._sender, program, *arguments), self._environment).splitlines()


@pytest.fixture(params=PAIRS, ids=NAMES)
def pair(request: pytest.FixtureRequest, broker: Any) -> Pair:
    sender, receiver = request.param
    if "ruby" in request.param:
        request.getfixturevalue("bunny")
    # What an interrupted receiver had printed and not yet acknowledged would come again.
    with BlockingConnection(URLParameters(broker.url)) as connection:
        for queue in ("greetings", "jobs", "factors", "orders"):
            connection.channel().queue_delete(queue)
    return Pair(sender, receiver, broker.url)


def test_hello_world(pair: Pair) -> None:
    assert pair.send("1_hello_send", "Hello,", "Grüße") == ["sent: Hello, Grüße"]
    with pair.receiver("1_hello_receive") as receiver:
        receiver.wait_for("received: Hello, Grüße")
        assert receiver.interrupt() == 0
    assert receiver.lines == [
        "waiting for greetings, Ctrl-C ends",
        "received: Hello, Grüße",
        "bye",
    ]


def test_a_job_whose_worker_dies_is_given_to_another(pair: Pair) -> None:
    with pair.receiver("2_work_worker") as first, pair.receiver("2_work_worker") as second:
        first.wait_for("waiting")
        second.wait_for("waiting")
        # Half a minute of work each: each still has one when the first dies.
        assert pair.send("2_work_send", "shrink cat", "30") == ["handed over: shrink cat"]
        pair.send("2_work_send", "shrink dog", "30")
        first.wait_for("begins: shrink")
        second.wait_for("begins: shrink")
        lost = first.lines[1]
        first.kill()
        with pair.receiver("2_work_worker") as third:
            third.wait_for(f"{lost} (again)")


def test_work_is_shared_between_workers(pair: Pair) -> None:
    with pair.receiver("2_work_worker") as one, pair.receiver("2_work_worker") as other:
        one.wait_for("waiting")
        other.wait_for("waiting")
        for job in ("a", "b", "c", "d"):
            pair.send("2_work_send", job, "0")
        one.wait_for("done")
        other.wait_for("done")
        assert one.interrupt() == 0
        assert other.interrupt() == 0


def test_each_subscriber_gets_the_bulletin(pair: Pair) -> None:
    with pair.receiver("3_pubsub_subscribe") as one, pair.receiver("3_pubsub_subscribe") as other:
        one.wait_for("listening")
        other.wait_for("listening")
        assert pair.send("3_pubsub_publish", "Rain.") == ["broadcast: Rain."]
        for listener in (one, other):
            listener.wait_for("heard: Rain.")
            assert listener.interrupt() == 0
            assert listener.lines[-1] == "bye"


def test_routing_chooses_by_the_exact_key(pair: Pair) -> None:
    with pair.receiver("4_routing_subscribe", "warning", "error") as room:
        room.wait_for("watching warning, error")
        pair.send("4_routing_publish", "info", "All is well.")
        pair.send("4_routing_publish", "error", "Belt 4 is stuck.")
        room.wait_for("error: Belt 4 is stuck.")
        assert room.interrupt() == 0
    assert room.lines[1:] == ["error: Belt 4 is stuck.", "bye"]


def test_topics_choose_by_pattern(pair: Pair) -> None:
    with pair.receiver("5_topics_subscribe", "europe.#", "*.*.sports") as newspaper:
        newspaper.wait_for("reading")
        pair.send("5_topics_publish", "asia.japan.politics", "Not for us.")
        pair.send("5_topics_publish", "europe.norway.sports", "Fits twice.")
        pair.send("5_topics_publish", "asia.japan.sports", "Fits once.")
        newspaper.wait_for("Fits once.")
        assert newspaper.interrupt() == 0
    assert newspaper.lines[1:] == [
        "europe.norway.sports: Fits twice.",
        "asia.japan.sports: Fits once.",
        "bye",
    ]


def test_a_remote_procedure_answers(pair: Pair) -> None:
    with pair.receiver("6_rpc_server") as server:
        server.wait_for("waiting")
        assert pair.send("6_rpc_client", "360") == ["360 = 2 x 2 x 2 x 3 x 3 x 5"]
        assert pair.send("6_rpc_client", "nine") == ["nine = not a number"]
        assert server.interrupt() == 0
    assert server.lines[1:] == [
        "asked for 360, answers 2 x 2 x 2 x 3 x 3 x 5",
        "asked for nine, answers not a number",
        "bye",
    ]


def test_confirms_tell_the_safe_from_the_lost(pair: Pair) -> None:
    assert pair.send("7_confirms_publish", "2") == [
        "safe: order 1",
        "safe: order 2",
        "came back: order for nobody",
    ]
    with pair.receiver("7_confirms_receive") as warehouse:
        warehouse.wait_for("packed: order 2")
        assert warehouse.interrupt() == 0
    assert warehouse.lines[1:] == ["packed: order 1", "packed: order 2", "bye"]
