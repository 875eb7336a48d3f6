"""The commands beside ``ctl`` that ask a broker: queues, publish, get, peek, tail."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pika
import pytest
from click.testing import CliRunner, Result

import leveret
from leveret.cli.main import leveret as program
from leveret.cli.peek import holder

Ask = Callable[..., Result]


@pytest.fixture
def ask(managed: leveret.Broker) -> Ask:
    """Calls ``leveret`` in this process; ``stdin`` is what it reads."""

    def run(*words: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(program, list(words), input=stdin)

    return run


@pytest.fixture
def channel(managed: leveret.Broker) -> Any:
    """A channel of a client, and a queue ``jobs``."""
    with pika.BlockingConnection(pika.URLParameters(managed.url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("jobs")
        yield channel


# ------------------------------------------------------------------------------------------- queues


def test_the_longest_queue_comes_first_with_the_longest_bar(ask: Ask, channel: Any) -> None:
    channel.queue_declare("long", durable=True)
    for queue in ["long"] * 4 + ["jobs"]:
        channel.basic_publish("", queue, b"x")
    heads, first, second = ask("queues").stdout.splitlines()
    assert heads.split()[:4] == ["QUEUE", "TYPE", "READY", "UNACKED"]
    assert first.split()[:4] == ["long", "classic", "4", "0"]
    assert second.split()[:4] == ["jobs", "classic", "1", "0"]
    assert first.count("█") > second.count("█") > 0


def test_queues_are_sorted_filtered_and_limited(ask: Ask, channel: Any) -> None:
    for name in ("b", "a", "c"):
        channel.queue_declare(name)
    listed = ask("queues", "--sort", "name").stdout.splitlines()[1:]
    assert [line.split()[0] for line in listed] == ["a", "b", "c", "jobs"]
    matched = ask("queues", "^[ab]$", "--sort", "name").stdout.splitlines()[1:]
    assert [line.split()[0] for line in matched] == ["a", "b"]
    assert ask("queues", "-n", "1").stdout.splitlines()[-1].startswith("… and 3 more")
    assert "no queue matches '^z'" in ask("queues", "^z").stdout
    found = json.loads(ask("queues", "--json", "jobs").stdout)
    assert [(one["name"], one["messages"]) for one in found] == [("jobs", 0)]


def test_all_virtual_hosts_may_be_shown(ask: Ask, channel: Any) -> None:
    assert ask("ctl", "add_vhost", "other").exit_code == 0
    assert "VHOST" not in ask("queues").stdout
    shown = ask("queues", "--all-vhosts").stdout
    assert "VHOST" in shown
    assert "no queue yet" in ask("queues", "-p", "other").stdout


# ------------------------------------------------------------------------------ publish, get, peek


def test_what_is_published_is_got(ask: Ask, channel: Any) -> None:
    words = ["publish", "", "jobs", "hello", "-H", "who=me", "-P", "content_type=text/plain"]
    done = ask(*words, "-P", "priority=3", "-d")
    assert (done.exit_code, done.stdout) == (0, "published\n")
    _, properties, body = channel.basic_get("jobs", auto_ack=True)
    assert body == b"hello"
    assert properties.headers == {"who": "me"}
    assert properties.content_type == "text/plain"
    assert (properties.priority, properties.delivery_mode) == (3, 2)


def test_bodies_come_from_standard_input_too(ask: Ask, channel: Any) -> None:
    ask("publish", "", "jobs", stdin=b"\xff\x00")
    ask("publish", "", "jobs", "-", stdin=b"whole\ntext\n")
    ask("publish", "", "jobs", "--lines", stdin=b"one\ntwo\n")
    ask("publish", "", "jobs", "same", "-n", "2")
    bodies = [channel.basic_get("jobs", auto_ack=True)[2] for _ in range(7)]
    assert bodies == [b"\xff\x00", b"whole\ntext\n", b"one", b"two", b"same", b"same", None]


def test_a_message_for_nobody_is_no_success(ask: Ask) -> None:
    done = ask("publish", "amq.topic", "some.key", "x")
    assert done.exit_code == 1
    assert "none at amq.topic takes 'some.key'" in done.stderr
    done = ask("publish", "amq.topic", "some.key", "x", "--json")
    assert json.loads(done.stdout) == {"published": 1, "routed": 0}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["publish", "bogus", "k", "x"], 69),
        (["publish", "", "jobs", "x", "-H", "odd"], 64),
        (["publish", "", "jobs", "x", "-P", "odd=1"], 64),
        (["publish", "", "jobs", "x", "-P", "priority=high"], 64),
        (["get", "bogus"], 69),
        (["peek", "bogus"], 69),
        (["tail", "-x", "bogus"], 69),
    ],
)
def test_what_cannot_be_is_a_sentence(ask: Ask, words: list[str], status: int) -> None:
    done = ask(*words)
    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr.startswith("Error: ")


def test_getting_takes_and_requeueing_puts_back(ask: Ask, channel: Any) -> None:
    for body in (b'{"id": 1}', b"\xff\x00\x01"):
        channel.basic_publish("", "jobs", body)
    shown = ask("get", "jobs", "--requeue").stdout
    assert '"id": 1' in shown
    assert "(default) → jobs" in shown
    both = ask("get", "jobs", "-n", "2", "--json")
    assert [one["redelivered"] for one in json.loads(both.stdout)] == [True, False]
    done = ask("get", "jobs")
    assert done.exit_code == 1
    assert "queue 'jobs' is empty" in done.stderr


def test_a_body_alone_is_the_body_exactly(managed: leveret.Broker, channel: Any) -> None:
    channel.basic_publish("", "jobs", b"\xff\x00\n")
    command = [sys.executable, "-m", "leveret", "get", "jobs", "--body"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stdout == b"\xff\x00\n"


def test_a_consumer_cannot_steer_the_terminal_by_its_tag() -> None:
    text = holder({"state": "unacked", "consumer_tag": "\x1b[2J", "channel": "c\r(1)"})
    assert text == "\nheld by ·[2J on c·(1)"


def test_peeking_leaves_everything_as_it_is(ask: Ask, channel: Any) -> None:
    for number in range(3):
        channel.basic_publish("", "jobs", b"number %d" % number)
    channel.basic_get("jobs")
    for _ in range(2):
        shown = ask("peek", "jobs").stdout
        assert "number 1" in shown
        assert "number 2" in shown
        assert "number 0" not in shown
    assert "number 1" not in ask("peek", "jobs", "--offset", "1").stdout
    assert "number 2" not in ask("peek", "jobs", "-n", "1").stdout
    held = ask("peek", "jobs", "--unacked").stdout
    assert "number 0" in held
    assert "held by basic.get on " in held
    assert [one["redelivered"] for one in json.loads(ask("peek", "jobs", "--json").stdout)] == [
        *(False, False)
    ]
    channel.queue_declare("empty")
    assert ask("peek", "empty").exit_code == 1


# --------------------------------------------------------------------------------------------- tail


def test_tailing_shows_what_comes_and_leaves_nothing(
    ask: Ask, managed: leveret.Broker, channel: Any
) -> None:
    done = threading.Event()
    sender = threading.Thread(target=send_until, args=[managed.url, done])
    sender.start()
    result = ask("tail", "orders.#", "-n", "2", "--json")
    done.set()
    sender.join()
    shown = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["payload"] for one in shown] == ["yes", "yes"]
    assert {one["routing_key"] for one in shown} == {"orders.new"}
    assert "amq.topic → orders.#" in result.stderr
    found = json.loads(ask("queues", "--json").stdout)
    assert [one["name"] for one in found] == ["jobs"]


def send_until(url: str, done: threading.Event) -> None:
    """Publish again and again: nobody can know when the other side listens."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        while not done.is_set():
            channel.basic_publish("amq.topic", "orders.new", b"yes")
            channel.basic_publish("amq.topic", "other.new", b"no")
            done.wait(0.05)


def test_a_tail_whose_queue_is_deleted_says_so(
    ask: Ask, managed: leveret.Broker, start: Callable[..., subprocess.Popen[Any]]
) -> None:
    process = start([sys.executable, "-m", "leveret", "tail"], stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"waiting for messages" in process.stderr.readline()
    (queue,) = json.loads(ask("queues", "--json").stdout)
    assert ask("ctl", "delete_queue", queue["name"]).exit_code == 0
    assert process.wait(60) == 69
    assert b"there is no queue 'leveret.tail." in process.stderr.read()


def test_a_tail_ends_with_ctrl_c_and_takes_its_queue_along(
    ask: Ask, managed: leveret.Broker, start: Callable[..., subprocess.Popen[Any]]
) -> None:
    process = start(
        [sys.executable, "-m", "leveret", "tail"], stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stderr is not None
    assert b"waiting for messages" in process.stderr.readline()
    assert "leveret.tail." in ask("queues").stdout
    process.send_signal(2)
    assert process.wait(60) == 0
    deadline = time.monotonic() + 60
    while "leveret.tail." in ask("queues").stdout and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "leveret.tail." not in ask("queues").stdout
