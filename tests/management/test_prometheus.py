"""What Prometheus reads: leveret.management.prometheus, on its own port and on that of the API."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from tests.management.client import Client
from tests.wire import Wire

import leveret
from leveret.management.prometheus import FAMILIES

# What the panels of RabbitMQ's dashboards "RabbitMQ-Overview" ask for: that of 4.x, and before it
# those of 3.8 to 3.13, which many have imported.
OVERVIEW = {
    "rabbitmq_identity_info",
    "rabbitmq_build_info",
    "rabbitmq_queue_messages_ready",
    "rabbitmq_queue_messages_unacked",
    "rabbitmq_global_messages_received_total",
    "rabbitmq_global_messages_received_confirm_total",
    "rabbitmq_global_messages_confirmed_total",
    "rabbitmq_global_messages_routed_total",
    "rabbitmq_global_messages_unroutable_dropped_total",
    "rabbitmq_global_messages_unroutable_returned_total",
    "rabbitmq_global_messages_delivered_total",
    "rabbitmq_global_messages_redelivered_total",
    "rabbitmq_global_messages_delivered_consume_manual_ack_total",
    "rabbitmq_global_messages_delivered_consume_auto_ack_total",
    "rabbitmq_global_messages_delivered_get_manual_ack_total",
    "rabbitmq_global_messages_delivered_get_auto_ack_total",
    "rabbitmq_global_messages_get_empty_total",
    "rabbitmq_global_messages_acknowledged_total",
    "rabbitmq_global_publishers",
    "rabbitmq_global_consumers",
    "rabbitmq_connections",
    "rabbitmq_channels",
    "rabbitmq_consumers",
    "rabbitmq_queues",
    "rabbitmq_connections_opened_total",
    "rabbitmq_connections_closed_total",
    "rabbitmq_channels_opened_total",
    "rabbitmq_channels_closed_total",
    "rabbitmq_queues_declared_total",
    "rabbitmq_queues_created_total",
    "rabbitmq_queues_deleted_total",
    "rabbitmq_process_resident_memory_bytes",
    "rabbitmq_resident_memory_limit_bytes",
    "rabbitmq_disk_space_available_bytes",
    "rabbitmq_disk_space_available_limit_bytes",
    "rabbitmq_process_open_fds",
    "rabbitmq_process_max_fds",
    "rabbitmq_process_open_tcp_sockets",
    "rabbitmq_process_max_tcp_sockets",
    "rabbitmq_erlang_uptime_seconds",
    "rabbitmq_message_size_bytes_bucket",
    "rabbitmq_message_size_bytes_count",
    "rabbitmq_message_size_bytes_sum",
    "rabbitmq_queue_messages_published_total",
    "rabbitmq_queue_messages_bytes",
    "rabbitmq_channel_messages_published_total",
    "rabbitmq_channel_messages_confirmed_total",
    "rabbitmq_channel_messages_unconfirmed",
    "rabbitmq_channel_messages_unroutable_dropped_total",
    "rabbitmq_channel_messages_unroutable_returned_total",
    "rabbitmq_channel_messages_delivered_total",
    "rabbitmq_channel_messages_delivered_ack_total",
    "rabbitmq_channel_messages_redelivered_total",
    "rabbitmq_channel_messages_acked_total",
    "rabbitmq_channel_get_total",
    "rabbitmq_channel_get_ack_total",
    "rabbitmq_channel_get_empty_total",
}
# Of these none is known where nothing is kept on a disk.
OF_THE_DISK = {
    "rabbitmq_disk_space_available_bytes",
    "rabbitmq_disk_space_available_limit_bytes",
}


@pytest.fixture
def scraped() -> "Iterator[leveret.Broker]":
    """A broker with an HTTP API and a port for Prometheus."""
    settings = {"prometheus_listen": ["127.0.0.1:0"]}
    with leveret.Broker(management=True, settings=settings) as broker:
        yield broker


def place(broker: leveret.Broker) -> Client:
    """Who asks the port for Prometheus, and says no name."""
    (port,) = broker.call(
        lambda node: [p.port for p in node.places if p.protocol == "http/prometheus"]
    )
    return Client(f"http://127.0.0.1:{port}", "")


def samples(client: Client, path: str) -> list[Sample]:
    answer = client.ask("GET", path)
    assert answer.status == 200, answer.octets
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.octets.decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a metric is there twice"
    return [sample for family in families for sample in family.samples]


def values(found: list[Sample], name: str, **labels: str) -> list[float]:
    """Of the samples called ``name`` that have at least these labels."""
    return [s.value for s in found if s.name == name and labels.items() <= s.labels.items()]


def work(wire: Wire) -> None:
    """Some of everything."""
    wire.call("queue.declare", queue="q")
    wire.call("queue.bind", queue="q", exchange="amq.fanout")
    for _ in range(3):
        wire.publish("", "q", b"x" * 200)
    wire.publish("amq.fanout", "", b"")
    wire.publish("", "nowhere", b"")
    wire.call("basic.get", queue="q", no_ack=True)
    wire.call("basic.get", queue="q")
    wire.send("basic.ack", delivery_tag=2)
    wire.call("basic.get", queue="q")
    wire.call("queue.declare", queue="q", passive=True)


@pytest.fixture
def busy(scraped: leveret.Broker) -> "Iterator[leveret.Broker]":
    """The same, with a client that did some of everything."""
    with Wire(port=scraped.port) as wire:
        wire.open()
        work(wire)
        yield scraped


def test_everything_that_the_dashboard_asks_for_is_there(busy: leveret.Broker) -> None:
    found = {sample.name for sample in samples(place(busy), "/metrics")}
    assert OVERVIEW - found - OF_THE_DISK == set()


def test_the_disk_is_there_where_something_is_kept(tmp_path: "object") -> None:
    settings = {"prometheus_listen": ["127.0.0.1:0"]}
    with leveret.Broker(settings=settings, data_dir=str(tmp_path)) as broker:
        found = {sample.name for sample in samples(place(broker), "/metrics")}
    assert found >= OF_THE_DISK


def test_the_dashboard_finds_the_node(busy: leveret.Broker) -> None:
    found = samples(place(busy), "/metrics")
    (identity,) = [s for s in found if s.name == "rabbitmq_identity_info"]
    assert identity.labels["rabbitmq_node"] == busy.call(lambda node: node.name)
    assert identity.labels["rabbitmq_endpoint"] == "aggregated"
    assert identity.labels["rabbitmq_cluster"] != ""
    (build,) = [s for s in found if s.name == "rabbitmq_build_info"]
    assert build.labels["product_name"] == "Leveret"


def test_sums(busy: leveret.Broker) -> None:
    found = samples(place(busy), "/metrics")
    wanted = {
        "rabbitmq_queue_messages_ready": 1,
        "rabbitmq_queue_messages_unacked": 1,
        "rabbitmq_queue_messages": 2,
        "rabbitmq_queue_messages_ready_bytes": 0,
        "rabbitmq_queue_messages_unacked_bytes": 200,
        "rabbitmq_connections": 1,
        "rabbitmq_channels": 1,
        "rabbitmq_queues": 1,
        "rabbitmq_channel_messages_published_total": 5,
        "rabbitmq_channel_messages_unroutable_dropped_total": 1,
        "rabbitmq_channel_get_total": 1,
        "rabbitmq_channel_get_ack_total": 2,
        "rabbitmq_channel_messages_acked_total": 1,
        "rabbitmq_queue_messages_published_total": 4,
        "rabbitmq_exchange_messages_published_total": 5,
        "rabbitmq_queues_declared_total": 1,
        "rabbitmq_channel_messages_unacked": 1,
        "rabbitmq_alarms_memory_used_watermark": 0,
    }
    assert {name: values(found, name) for name in wanted} == {n: [v] for n, v in wanted.items()}
    amqp = {"protocol": "amqp091"}
    assert values(found, "rabbitmq_global_messages_received_total", **amqp) == [5]
    assert values(found, "rabbitmq_global_messages_routed_total", **amqp) == [4]
    classic = {**amqp, "queue_type": "rabbit_classic_queue"}
    assert values(found, "rabbitmq_global_messages_delivered_total", **classic) == [3]
    assert values(found, "rabbitmq_global_messages_acknowledged_total", **classic) == [1]
    assert values(found, "rabbitmq_message_size_bytes_bucket", le="100", **amqp) == [2]
    assert values(found, "rabbitmq_message_size_bytes_bucket", le="1000", **amqp) == [5]
    assert values(found, "rabbitmq_message_size_bytes_sum", **amqp) == [600]
    assert values(found, "rabbitmq_auth_attempts_succeeded_total", **amqp) == [1]
    (received,) = values(found, "rabbitmq_connection_incoming_bytes_total")
    assert received > 600


def test_what_is_gone_is_still_counted(busy: leveret.Broker) -> None:
    with Wire(port=busy.port) as wire:
        wire.open()
        wire.publish("", "q", b"")
        wire.call("queue.delete", queue="q")
    found = samples(place(busy), "/metrics")
    assert values(found, "rabbitmq_channel_messages_published_total") == [6]
    assert values(found, "rabbitmq_queue_messages_published_total") == [5]
    assert values(found, "rabbitmq_channel_get_ack_total") == [2]
    assert values(found, "leveret_messages_dropped_total", reason="queue_deleted") == [2]


def test_objects(busy: leveret.Broker) -> None:
    found = samples(place(busy), "/metrics/per-object")
    queue = {"vhost": "/", "queue": "q"}
    assert values(found, "rabbitmq_queue_messages_ready", **queue) == [1]
    assert values(found, "rabbitmq_queue_messages_published_total", **queue) == [4]
    assert values(found, "rabbitmq_queue_get_ack_total", **queue) == [2]
    fanout = {"exchange": "amq.fanout"}
    assert values(found, "rabbitmq_exchange_messages_published_total", **fanout) == [1]
    inflow = "rabbitmq_queue_exchange_messages_published_total"
    assert values(found, inflow, **queue, **fanout) == [1]
    assert values(found, "rabbitmq_channel_messages_published_total", **fanout) == [1]
    assert values(found, "rabbitmq_channel_get_ack_total", queue="q") == [2]
    assert values(found, "rabbitmq_connection_channels") == [1]


def test_all_objects_if_the_settings_want_them() -> None:
    settings = {"prometheus_listen": ["127.0.0.1:0"], "prometheus_per_object": True}
    with leveret.Broker(settings=settings) as broker, Wire(port=broker.port) as wire:
        wire.open()
        wire.call("queue.declare", queue="q")
        found = samples(place(broker), "/metrics")
    assert values(found, "rabbitmq_queue_messages_ready", queue="q") == [0]


def test_some_families(busy: leveret.Broker) -> None:
    client = place(busy)
    path = "/metrics/detailed?family=queue_coarse_metrics&family=vhost_status&family=unknown"
    names = {s.name for s in samples(client, path)}
    assert names == {
        "rabbitmq_build_info",
        "rabbitmq_identity_info",
        "rabbitmq_detailed_queue_messages_ready",
        "rabbitmq_detailed_queue_messages_unacked",
        "rabbitmq_detailed_queue_messages",
        "rabbitmq_cluster_vhost_status",
    }
    assert {s.name for s in samples(client, "/metrics/detailed")} == {
        "rabbitmq_build_info",
        "rabbitmq_identity_info",
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_has_something_to_tell(busy: leveret.Broker, family: str) -> None:
    found = samples(place(busy), f"/metrics/detailed?family={family}")
    assert len({sample.name for sample in found}) > 2


def test_queues_of_some_vhosts_and_names(busy: leveret.Broker) -> None:
    def more(node: leveret.broker.node.Node) -> None:
        node.add_vhost("other")

    busy.call(more)
    with Wire(port=busy.port) as wire:
        wire.open()
        wire.call("queue.declare", queue="another")
    client = place(busy)
    path = "/metrics/detailed?family=queue_coarse_metrics"
    name = "rabbitmq_detailed_queue_messages_ready"
    assert len(values(samples(client, path), name)) == 2
    assert len(values(samples(client, f"{path}&queue=%5Ea"), name)) == 1
    assert values(samples(client, f"{path}&vhost=other"), name) == []
    assert len(values(samples(client, f"{path}&vhost=other&vhost=%2F"), name)) == 2


def test_a_pattern_that_is_none_is_refused(scraped: leveret.Broker) -> None:
    assert place(scraped).ask("GET", "/metrics/detailed?queue=%28").status == 400


def test_the_head_of_a_queue_grows_older(busy: leveret.Broker) -> None:
    client = place(busy)
    for path, labels in (("/metrics", {}), ("/metrics/per-object", {"queue": "q"})):
        (age,) = values(samples(client, path), "leveret_queue_head_age_seconds", **labels)
        assert age >= 0
    (count,) = values(samples(client, "/metrics"), "leveret_queue_wait_seconds_count")
    assert count >= 0


def test_messages_that_lead_nowhere_are_told_by_what_became_of_them(busy: leveret.Broker) -> None:
    found = samples(place(busy), "/metrics")
    assert values(found, "leveret_messages_unroutable_total", reason="dropped") == [1]
    assert values(found, "leveret_messages_unroutable_total", reason="returned") == [0]


def test_there_are_only_metrics_on_the_port_of_prometheus(scraped: leveret.Broker) -> None:
    client = place(scraped)
    assert client.ask("GET", "/api/overview").status == 404
    assert client.ask("GET", "/").status == 404
    assert client.ask("POST", "/metrics").status == 405


def test_on_the_port_of_the_api_metrics_are_for_those_who_may_see_all(
    scraped: leveret.Broker,
) -> None:
    url = scraped.management_url
    scraped.call(lambda node: node.users.add("little", "secret", ["management"]))
    assert Client(url, "").ask("GET", "/metrics").status == 401
    assert Client(url, "little", "secret").ask("GET", "/metrics").status == 401
    assert values(samples(Client(url), "/metrics"), "rabbitmq_queues") == [0]


def test_prometheus_may_have_to_log_in() -> None:
    settings = {"prometheus_listen": ["127.0.0.1:0"], "prometheus_authentication": True}
    with leveret.Broker(settings=settings) as broker:
        nobody = place(broker)
        assert nobody.ask("GET", "/metrics").status == 401
        somebody = Client(f"http://{nobody.host}:{nobody.port}")
        assert samples(somebody, "/metrics")


def test_a_long_page_is_compressed_for_who_can_read_it(scraped: leveret.Broker) -> None:
    answer = place(scraped).ask("GET", "/metrics", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert b"rabbitmq_queues 0" in answer.octets
