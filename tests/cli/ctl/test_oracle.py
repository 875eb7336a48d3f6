"""``leveret ctl`` beside ``rabbitmqctl``: one story told to both, each command's outcome compared.

rabbitmqctl tells it to a RabbitMQ, leveret ctl to a Leveret.  Compared are exit status and standard
output, lines in order of the alphabet.  What differs on purpose is in DIFFERENT with its reason.
At the end leveret ctl asks the RabbitMQ too, and has to show what rabbitmqctl showed.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator

import pika
import pytest
from tests.cli.conftest import call
from tests.oracle import MANAGEMENT, SBIN, Oracle, is_installed, missing

import leveret

pytestmark = [
    pytest.mark.oracle,
    # rabbitmqctl takes a second or two for each call: half of the suite tells the story.
    pytest.mark.skipif(
        os.environ.get("LEVERET_EXPECT") == "interpreted", reason="told with the compiled broker"
    ),
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(not is_installed(MANAGEMENT), reason="needs RabbitMQ's management plugin"),
]

QUEUES = (
    *("name", "durable", "auto_delete", "policy", "messages_ready", "messages_unacknowledged"),
    *("messages", "consumers", "state", "type"),
)
CLASSIC = ("name", "exclusive", "message_bytes", "message_bytes_ready")
CONNECTIONS = (
    *("user", "vhost", "peer_host", "host", "ssl", "state", "channels", "protocol"),
    *("auth_mechanism", "frame_max", "channel_max", "peer_cert_subject", "client_properties"),
)
CHANNELS = (
    *("number", "user", "vhost", "transactional", "confirm", "consumer_count"),
    *("messages_unacknowledged", "messages_uncommitted", "acks_uncommitted"),
    *("messages_unconfirmed", "prefetch_count"),
)
CONSUMERS = ("queue_name", "consumer_tag", "ack_required", "prefetch_count", "active", "arguments")

STORY: list[list[str]] = [
    # what there is
    ["list_queues", *QUEUES],
    ["list_queues", *QUEUES, "--formatter", "json"],
    ["list_queues", *QUEUES, "--formatter", "csv"],
    ["list_queues", "-q", *CLASSIC, "-p", "c"],
    ["list_queues", "name", "arguments", "-p", "c"],
    ["list_queues", "-s"],
    ["list_queues", "name", "leader", "members", "online", "-s"],
    ["list_unresponsive_queues"],
    ["list_exchanges", "name", "type", "durable", "auto_delete", "internal", "policy"],
    ["list_exchanges", "-p", "c", "name", "arguments"],
    ["list_exchanges", "-p", "c", "name", "type", "--formatter", "json"],
    ["list_bindings"],
    ["list_bindings", "-p", "c", "source_name", "routing_key", "arguments"],
    [
        "list_bindings",
        "-q",
        "-p",
        "c",
        "destination_name",
        "destination_kind",
        "--formatter",
        "csv",
    ],
    ["list_connections"],
    ["list_connections", *CONNECTIONS],
    ["list_channels", *CHANNELS],
    ["list_consumers", *CONSUMERS],
    ["list_vhosts"],
    ["list_vhosts", "name", "tracing", "--formatter", "json"],
    ["list_feature_flags", "-s"],
    # users
    ["add_user", "anna", "secret"],
    ["add_user", "anna", "secret"],
    ["authenticate_user", "anna", "secret"],
    ["authenticate_user", "anna", "wrong"],
    ["change_password", "anna", "other"],
    ["set_user_tags", "anna", "monitoring", "policymaker"],
    ["set_user_tags", "nobody", "monitoring"],
    ["list_users"],
    ["list_users", "--formatter", "json"],
    ["set_user_limits", "anna", '{"max-connections":3}'],
    ["list_user_limits", "--user", "anna"],
    ["list_user_limits", "--global"],
    ["clear_user_limits", "anna", "max-connections"],
    # virtual hosts
    ["add_vhost", "v1"],
    ["add_vhost", "v1"],
    ["add_vhost", "v2", "--description", "A place", "--tags", "a,b"],
    ["list_vhosts", "name", "description"],
    ["set_vhost_tags", "v1", "x", "y"],
    ["list_vhosts", "name", "tags"],
    ["set_vhost_limits", "-p", "v1", '{"max-connections":10}'],
    ["set_vhost_limits", "-p", "v1", '{"nonsense":10}'],
    ["list_vhost_limits", "-p", "v1"],
    ["list_vhost_limits", "--global"],
    ["clear_vhost_limits", "-p", "v1"],
    ["trace_on", "-p", "v1"],
    ["trace_off", "-p", "v1"],
    ["delete_vhost", "nov"],
    # rights
    ["set_permissions", "-p", "v1", "anna", "^a", ".*", ""],
    ["set_permissions", "-p", "nov", "anna", "", "", ""],
    ["set_permissions", "anna", "(", "", ""],
    ["list_permissions"],
    ["list_permissions", "-p", "v1"],
    ["list_permissions", "-p", "nov"],
    ["list_user_permissions", "anna"],
    ["list_user_permissions", "nobody"],
    ["set_topic_permissions", "-p", "v1", "anna", "amq.topic", "^x", ".*"],
    ["list_topic_permissions", "-p", "v1"],
    ["list_user_topic_permissions", "anna"],
    ["clear_topic_permissions", "-p", "v1", "anna", "amq.topic"],
    ["clear_permissions", "-p", "v1", "anna"],
    # policies and parameters
    ["set_policy", "lim", "^short", '{"max-length":5}', "--priority", "3", "--apply-to", "queues"],
    ["set_policy", "bad", "^x", '{"foo":1}'],
    ["set_policy", "bad", "^x", "{bad"],
    ["list_policies"],
    ["list_policies", "--formatter", "json"],
    ["list_queues", "name", "policy"],
    ["clear_policy", "lim"],
    ["clear_policy", "lim"],
    ["set_operator_policy", "op", "^plain", '{"max-length":100}'],
    ["list_operator_policies"],
    ["list_parameters"],
    ["clear_operator_policy", "op"],
    ["set_parameter", "bogus", "a", "{}"],
    ["set_global_parameter", "mine", '{"a":1}'],
    ["list_global_parameters"],
    ["clear_global_parameter", "mine"],
    # queues and connections
    ["purge_queue", "short"],
    ["purge_queue", "nope"],
    ["delete_queue", "plain", "--if-empty"],
    ["delete_queue", "short"],
    ["delete_queue", "short"],
    ["list_queues", "name", "messages"],
    ["close_connection", "bogus", "for a reason"],
    ["close_all_user_connections", "nobody", "for a reason"],
    ["close_all_connections", "-p", "v2", "for a reason"],
    # the broker
    ["ping", "-q"],
    ["await_startup"],
    ["set_cluster_name", "here"],
    ["status", "-q"],
    ["cluster_status", "-q"],
    ["node_health_check", "-q"],
    ["export_definitions", "FOLDER/out.json"],
    ["import_definitions", "FOLDER/out.json"],
    ["import_definitions", "FOLDER/nothing.json"],
    ["delete_user", "anna"],
    ["delete_vhost", "v1"],
    # mistakes
    ["add_vhost"],
    ["list_users", "extra"],
    ["list_queues", "bogus"],
    ["list_queues", "--bogus"],
    ["list_queu"],
]

# A call, and why its outcome is not that of RabbitMQ 3.10.
DIFFERENT: dict[str, str] = {
    "list_feature_flags -s": "Leveret has nothing old to be compatible with, so no flag to enable",
    "list_queues name arguments -p c": "as in 4.3, arguments name the type of each queue",
    "list_queues name leader members online -s": "the node has another name",
    "list_vhosts name tags": "3.10 shows tags as a text when they were set by its command line",
    "set_permissions -p nov anna   ": "no such virtual host is 65 for every command, as elsewhere",
    "list_permissions -p v1": "who makes a virtual host over HTTP may use it, also in RabbitMQ",
    "list_user_permissions nobody": "no such user is 67 for every command, as elsewhere",
    "list_user_topic_permissions anna": "3.10 forgets the names of the columns",
    "list_parameters": "the keys of the JSON are in another order",
    "list_global_parameters": "3.10 has a parameter with the id of its cluster",
    "import_definitions FOLDER/out.json": "when the command ends it is done, and not only begun",
    "status -q": "there is no Erlang to tell about",
    "cluster_status -q": "the node and its listeners have other names",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("ctl"))


@pytest.fixture(scope="module")
def environment(folder: str) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", folder)
        for name in ("LEVERET_URL", "LEVERET_USER", "LEVERET_PASSWORD"):
            patch.delenv(name, raising=False)
        yield patch


@pytest.fixture(scope="module")
def theirs(folder: str) -> Iterator[tuple[Oracle, list[tuple[int, str]]]]:
    """The RabbitMQ, and what rabbitmqctl made of the story."""
    with Oracle(plugins=(MANAGEMENT,)) as oracle:
        assert rabbitmqctl(oracle, ["add_vhost", "c"])[0] == 0
        rabbitmqctl(oracle, ["set_permissions", "-p", "c", "guest", ".*", ".*", ".*"])
        with topology(oracle.url), classics(oracle.url):
            place = f"{folder}/theirs"
            yield oracle, [rabbitmqctl(oracle, placed(words, place)) for words in STORY]


@pytest.fixture(scope="module")
def ours(folder: str, environment: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """What leveret ctl made of it."""
    with leveret.Broker(management=True) as broker:
        environment.setenv("LEVERET_URL", broker.management_url)
        assert call("add_vhost", "c").status == 0
        with topology(broker.url), classics(broker.url):
            done = [call(*placed(words, f"{folder}/ours")) for words in STORY]
        return [(one.status, one.out) for one in done]


def placed(words: list[str], folder: str) -> list[str]:
    return [word.replace("FOLDER/", f"{folder}-") for word in words]


def rabbitmqctl(oracle: Oracle, words: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        [str(SBIN / "rabbitmqctl"), *words],
        env=oracle.environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return done.returncode, done.stdout


def topology(url: str) -> pika.BlockingConnection:
    """A bit of everything, and somebody who consumes."""
    connection = pika.BlockingConnection(pika.URLParameters(url + "?heartbeat=0"))
    channel = connection.channel()
    channel.exchange_declare("orders", "topic", durable=True)
    channel.exchange_declare("lost", "fanout")
    channel.exchange_declare("inner", "direct", durable=True, internal=True)
    channel.queue_declare("plain", durable=True)
    channel.queue_declare("short")
    channel.queue_declare("quorum", durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_declare("with space\tand tab", auto_delete=True)
    channel.queue_declare("ünï", durable=True)
    channel.queue_bind("plain", "orders", "orders.#", arguments={"a": 1})
    channel.queue_bind("plain", "orders", "")
    channel.exchange_bind("inner", "orders", "in.*")
    channel.confirm_delivery()
    for queue in ["plain"] * 7 + ["short"] * 3:
        channel.basic_publish("", queue, b"x" * 10, pika.BasicProperties(delivery_mode=2))
    channel.basic_qos(prefetch_count=2)
    channel.basic_consume("plain", lambda *_: None, consumer_tag="eater")
    priority = {"x-priority": 3}
    channel.basic_consume("ünï", lambda *_: None, consumer_tag="c2", arguments=priority)
    return connection


def classics(url: str) -> pika.BlockingConnection:
    """In a virtual host of their own: what RabbitMQ shows of classic queues only."""
    connection = pika.BlockingConnection(
        pika.URLParameters(f"{url[: url.rindex('/')]}/c?heartbeat=0")
    )
    channel = connection.channel()
    channel.queue_declare("mine", exclusive=True)
    channel.queue_declare("limited", arguments={"x-max-length": 10})
    channel.exchange_declare("origin", "headers", arguments={"alternate-exchange": "amq.fanout"})
    channel.queue_bind("limited", "origin", "key", arguments={"x-match": "any", "list": "[1]"})
    channel.confirm_delivery()
    channel.basic_publish("", "limited", b"12345", pika.BasicProperties(delivery_mode=2))
    return connection


def comparable(outcome: tuple[int, str]) -> tuple[int, list[str]]:
    """Status and lines, without what is by nature another's."""
    status, text = outcome
    text = re.sub(r"<[\w@.]+>", "PID", text)
    text = re.sub(r"127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+( \(\d+\))?", "PID", text)
    text = re.sub(r"(127\.0\.0\.1)\t\d+\t", r"\1\tPORT\t", text)
    text = re.sub(r"/\S*/(theirs|ours)-", "FOLDER/", text)
    text = text.replace("rabbitmqctl help", "leveret ctl help")
    # rabbitmqctl ends some empty lists with an empty line.
    lines = [line.removeprefix(",") for line in text.splitlines() if line]
    return status, sorted([tables_in_order(line) for line in lines])


def tables_in_order(line: str) -> str:
    """The HTTP API of RabbitMQ forgets in which order an AMQP table was."""
    found = re.fullmatch(r"(.*\t\[)(\{.*\})(\])", line)
    if found is None:
        return line
    depth, pairs, start = 0, [], 0
    for at, sign in enumerate(found[2]):
        depth += (sign in "{[") - (sign in "}]")
        if depth == 0 and sign == "}":
            pairs.append(found[2][start : at + 1].removeprefix(","))
            start = at + 1
    return found[1] + ",".join(sorted(pairs)) + found[3]


def known(words: list[str]) -> str:
    return DIFFERENT.get(" ".join(words), "")


@pytest.mark.parametrize("index", range(len(STORY)), ids=[" ".join(words) for words in STORY])
def test_the_outcome_is_that_of_rabbitmqctl(
    index: int,
    ours: list[tuple[int, str]],
    theirs: tuple[Oracle, list[tuple[int, str]]],
) -> None:
    there, here = comparable(theirs[1][index]), comparable(ours[index])
    if known(STORY[index]):
        assert here != there, "no longer different: take it out of DIFFERENT"
        assert (here[0] == 0) == (there[0] == 0)
    else:
        assert here == there


def test_the_story_has_more_than_thirty_commands() -> None:
    assert len({words[0] for words in STORY}) > 30
    assert set(DIFFERENT) <= {" ".join(words) for words in STORY}


@pytest.mark.parametrize(
    "words",
    [
        ["list_queues", *QUEUES],
        ["list_queues", "-p", "c", "name", "arguments"],
        ["list_exchanges", "name", "type", "durable", "auto_delete", "internal", "arguments"],
        ["list_bindings"],
        ["list_connections", *CONNECTIONS],
        ["list_channels", *CHANNELS],
        ["list_consumers"],
        ["list_users"],
        ["list_permissions", "-p", "c"],
        ["list_feature_flags"],
    ],
    ids=" ".join,
)
def test_asked_about_rabbitmq_it_shows_what_rabbitmqctl_shows(
    words: list[str],
    theirs: tuple[Oracle, list[tuple[int, str]]],
    environment: pytest.MonkeyPatch,
) -> None:
    oracle = theirs[0]
    environment.setenv("LEVERET_URL", f"http://127.0.0.1:{oracle.management_port}")
    expected = comparable(rabbitmqctl(oracle, words))
    # RabbitMQ's API knows counts some seconds later than RabbitMQ.
    deadline = time.monotonic() + 120
    while (shown := asked(words)) != expected and time.monotonic() < deadline:
        time.sleep(1)
    assert shown == expected


def asked(words: list[str]) -> tuple[int, list[str]]:
    done = call(*words)
    return comparable((done.status, done.out))
