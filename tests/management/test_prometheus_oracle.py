"""The metrics of a real RabbitMQ 3.10 and ours, after the same work: names, types and labels."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests import oracle
from tests.management.client import Client
from tests.oracle import Oracle, free_port
from tests.wire import Wire

import leveret

PLUGIN = "rabbitmq_prometheus"
# Families that leveret has no counterpart of, by how their names begin, and why.
WITHOUT = {
    "erlang_": "Erlang's machine",
    "telemetry_": "how long RabbitMQ's own exporter takes",
    "rabbitmq_io_": "the journal has other operations than RabbitMQ's message store",
    "rabbitmq_raft_": "quorum queues have one copy and no Raft",
    "rabbitmq_schema_db_": "Mnesia",
    "rabbitmq_msg_store_": "the message store of RabbitMQ",
    "rabbitmq_queue_index_": "the queue index of RabbitMQ",
    "rabbitmq_detailed_raft_": "quorum queues have one copy and no Raft",
    "process_start_time_seconds": "rabbitmq_erlang_uptime_seconds says as much",
    "rabbitmq_erlang_net_ticktime_seconds": "there is one node",
    "rabbitmq_erlang_gc_reclaimed_bytes": "Python does not say",
    "rabbitmq_alarms_file_descriptor_limit": "there is no such alarm, as in RabbitMQ 4",
    "rabbitmq_channel_process_reductions": "Erlang's measure of work",
    "rabbitmq_connection_process_reductions": "Erlang's measure of work",
    "rabbitmq_queue_process_reductions": "Erlang's measure of work",
    "rabbitmq_queue_process_memory_bytes": "queues are not processes",
    "rabbitmq_queue_messages_persistent": "not counted",
    "rabbitmq_queue_head_message_timestamp": "leveret_queue_head_age_seconds does not need one",
    "rabbitmq_queue_disk_reads": "leveret does not read single messages",
    "rabbitmq_queue_disk_writes": "leveret does not write single messages",
    "rabbitmq_global_messages_dead_lettered_confirmed": "not counted",
    "rabbitmq_auth_attempts_detailed": "logins are not counted by where they come from",
    "rabbitmq_disk_space_": "this broker keeps nothing on a disk",
}
# Labels that differ, and why.
LABELS = {
    "rabbitmq_build_info": "ours says what product it is, as RabbitMQ 4 does",
    "rabbitmq_identity_info": "ours says what the page is about, as RabbitMQ 4 does",
    "rabbitmq_queue_messages_published": "by queue; RabbitMQ 4 has it so, too",
}

Families = dict[str, tuple[str, frozenset[frozenset[str]]]]


def work(wire: Wire) -> None:
    """Some of everything, until it is all settled."""
    wire.call("queue.declare", queue="q")
    wire.call("queue.declare", queue="lasting", durable=True)
    wire.call("basic.consume", queue="lasting", no_ack=True)
    wire.publish("", "q", b"x")
    wire.publish("", "nowhere", b"x")
    wire.call("basic.get", queue="q")
    wire.call("basic.get", queue="q")
    wire.send("basic.ack", delivery_tag=1)
    wire.call("queue.declare", queue="q", passive=True)


def families(port: int, path: str) -> Families:
    """By name: the type, and which labels the samples have."""
    answer = Client(f"http://127.0.0.1:{port}", "").ask("GET", path)
    assert answer.status == 200, answer.octets
    return {
        family.name: (family.type, frozenset(frozenset(s.labels) for s in family.samples))
        for family in text_string_to_metric_families(answer.octets.decode())
    }


@pytest.fixture(scope="module")
def theirs() -> Iterator[int]:
    """The port of a RabbitMQ's metrics, with work done and its client still there."""
    reason = oracle.missing()
    if reason is not None:
        pytest.skip(reason)
    if not oracle.is_installed(PLUGIN):
        pytest.skip(f"needs RabbitMQ's plugin {PLUGIN}")
    port = free_port()
    settings = (f"prometheus.tcp.port = {port}", "prometheus.tcp.ip = 127.0.0.1")
    with Oracle(settings=settings, plugins=(PLUGIN,)) as rabbitmq, Wire(port=rabbitmq.port) as wire:
        wire.open()
        work(wire)
        yield port


@pytest.fixture(scope="module")
def ours() -> Iterator[int]:
    """The same of a leveret."""
    settings = {"prometheus_listen": ["127.0.0.1:0"]}
    with leveret.Broker(settings=settings) as broker, Wire(port=broker.port) as wire:
        wire.open()
        work(wire)
        yield broker.call(
            lambda node: next(p.port for p in node.places if p.protocol == "http/prometheus")
        )


@pytest.mark.parametrize("path", ["/metrics", "/metrics/per-object"])
def test_what_rabbitmq_tells_leveret_tells_too(theirs: int, ours: int, path: str) -> None:
    wanted, got = families(theirs, path), families(ours, path)
    wanted = {name: of for name, of in wanted.items() if not name.startswith(tuple(WITHOUT))}
    assert set(wanted) - set(got) == set()
    kinds = {name: (of[0], got[name][0]) for name, of in wanted.items() if of[0] != got[name][0]}
    assert kinds == {}
    labels = {
        name: (sorted(map(sorted, of[1])), sorted(map(sorted, got[name][1])))
        for name, of in wanted.items()
        if of[1] and got[name][1] and of[1] != got[name][1] and name not in LABELS
    }
    assert labels == {}


@pytest.mark.parametrize(
    "family",
    [
        "connection_churn_metrics",
        "queue_coarse_metrics",
        "queue_consumer_count",
        "channel_metrics",
        "channel_exchange_metrics",
        "channel_queue_metrics",
        "connection_metrics",
        "vhost_status",
        "exchange_bindings",
        "exchange_names",
    ],
)
def test_families_have_the_same_metrics(theirs: int, ours: int, family: str) -> None:
    path = f"/metrics/detailed?family={family}"
    wanted, got = families(theirs, path), families(ours, path)
    without = tuple(name.replace("rabbitmq_", "rabbitmq_detailed_") for name in WITHOUT)
    skipped = (*WITHOUT, *without)
    assert {n for n in wanted if not n.startswith(skipped)} - set(got) == set()
