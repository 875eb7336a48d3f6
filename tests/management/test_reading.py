"""What the HTTP API shows of a broker that is in use: each thing, found by its path."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pika
import pytest
from tests.management.client import Client

import leveret
from leveret.broker.alarms import MEMORY
from leveret.broker.node import Node
from leveret.broker.wishes import QueueWish


def ignore(*_: object) -> None:
    """A consumer that never acknowledges."""


@pytest.fixture
def channel(managed: leveret.Broker) -> Iterator[Any]:
    """A channel in use; what it did was done when it is there."""
    parameters = pika.URLParameters(managed.url)
    parameters.client_properties = {"connection_name": "story"}
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=10)
    channel.exchange_declare("events", "topic", arguments={"alternate-exchange": "amq.fanout"})
    channel.queue_declare("plain", arguments={"x-max-length": 100})
    channel.queue_declare("voted", durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_declare("mine", exclusive=True)
    channel.queue_declare("single", arguments={"x-single-active-consumer": True})
    channel.queue_bind("plain", "events", "a.*", {"x": 1})
    channel.queue_bind("voted", "events", "")
    channel.exchange_bind("amq.direct", "events", "to")
    for _ in range(3):
        channel.basic_publish("events", "a.b", b"12345")
    channel.basic_get("plain")
    channel.basic_consume("single", ignore, consumer_tag="first", arguments={"x-priority": 3})
    channel.basic_consume("single", ignore, consumer_tag="second", auto_ack=True)
    yield channel
    if connection.is_open:
        connection.close()


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def test_a_queue_tells_what_it_is_and_holds(client: Client, channel: Any) -> None:
    plain = client.get("/api/queues/%2F/plain")
    assert (plain["type"], plain["durable"], plain["exclusive"]) == ("classic", False, False)
    assert plain["arguments"]["x-max-length"] == 100
    assert (plain["messages"], plain["messages_ready"], plain["messages_unacknowledged"]) == (
        *(3, 2, 1),
    )
    assert (plain["message_bytes"], plain["message_bytes_unacknowledged"]) == (15, 5)
    assert (plain["policy"], plain["consumers"], plain["consumer_details"]) == (None, 0, [])


def test_each_type_of_queue_has_fields_of_its_own(client: Client, channel: Any) -> None:
    voted = client.get("/api/queues/%2F/voted")
    node = client.get("/api/overview")["node"]
    assert (voted["leader"], voted["members"], voted["online"]) == (node, [node], [node])
    mine = client.get("/api/queues/%2F/mine")
    connection = client.get("/api/connections")[0]
    assert mine["exclusive"] is True
    assert mine["owner_pid_details"] == {
        "name": connection["name"],
        "peer_host": "127.0.0.1",
        "peer_port": connection["peer_port"],
    }


def test_what_the_next_message_says_of_its_age_is_told(client: Client, channel: Any) -> None:
    assert client.get("/api/queues/%2F/plain")["head_message_timestamp"] is None
    properties = pika.BasicProperties(timestamp=1_700_000_000)
    channel.basic_publish("", "mine", b"", properties)
    channel.basic_publish("", "mine", b"")
    assert client.get("/api/queues/%2F/mine")["head_message_timestamp"] == 1_700_000_000
    assert client.get("/api/queues/%2F/voted")["messages_dlx"] == 0


def test_the_policies_that_rule_a_queue_are_told(
    managed: leveret.Broker, client: Client, channel: Any
) -> None:
    policy = {"pattern": "^plain$", "definition": {"max-length": 7}, "apply-to": "queues"}
    header = {"content-type": "application/json"}
    assert client.ask("PUT", "/api/policies/%2F/short", policy, header).status == 201
    plain = client.get("/api/queues/%2F/plain")
    assert (plain["policy"], plain["effective_policy_definition"]) == ("short", {"max-length": 7})


def test_who_consumes_is_told_with_the_channel(client: Client, channel: Any) -> None:
    single = client.get("/api/queues/%2F/single")
    assert single["single_active_consumer_tag"] == "first"
    first, second = sorted(single["consumer_details"], key=lambda one: one["consumer_tag"])
    assert (first["active"], first["activity_status"]) == (True, "single_active")
    assert (second["active"], second["activity_status"]) == (False, "waiting")
    assert (first["ack_required"], second["ack_required"]) == (True, False)
    assert (first["prefetch_count"], first["arguments"]) == (10, {"x-priority": 3})
    details = first["channel_details"]
    assert (details["number"], details["user"]) == (1, "guest")
    assert client.get("/api/consumers/%2F") == client.get("/api/consumers")
    assert {one["consumer_tag"] for one in client.get("/api/consumers")} == {"first", "second"}
    path = f"/api/channels/{quote(details['name'], safe='')}"
    assert {one["consumer_tag"] for one in client.get(path)["consumer_details"]} == {
        *("first", "second"),
    }


def test_a_connection_is_found_by_its_name(client: Client, channel: Any) -> None:
    (found,) = client.get("/api/connections")
    assert (found["user_provided_name"], found["protocol"]) == ("story", "AMQP 0-9-1")
    assert (found["user"], found["vhost"], found["channels"]) == ("guest", "/", 1)
    assert (found["ssl"], found["ssl_protocol"], found["auth_mechanism"]) == (False, None, "PLAIN")
    assert found["recv_oct"] > 100
    path = f"/api/connections/{quote(found['name'], safe='')}"
    assert client.get(path)["name"] == found["name"]
    assert names(client.get(f"{path}/channels")) == [f"{found['name']} (1)"]
    assert names(client.get("/api/connections/username/guest")) == [found["name"]]
    assert client.get("/api/connections/username/nobody") == []
    assert names(client.get("/api/vhosts/%2F/connections")) == [found["name"]]


def test_a_name_that_a_client_gives_itself_is_a_text_or_none(
    managed: leveret.Broker, client: Client
) -> None:
    parameters = pika.URLParameters(managed.url)
    parameters.client_properties = {"connection_name": {"tag": "a"}}
    connection = pika.BlockingConnection(parameters)
    (found,) = client.get("/api/connections")
    assert found["user_provided_name"] is None
    assert found["client_properties"]["connection_name"] == {"tag": "a"}
    connection.close()


def test_a_connection_that_is_held_says_so(
    managed: leveret.Broker, client: Client, channel: Any
) -> None:
    def state() -> str:
        return str(client.get("/api/connections")[0]["state"])

    assert state() == "running"
    managed.call(lambda node: node.alarms.set("test", MEMORY))
    assert state() == "blocking"
    raw = channel._impl
    raw.basic_publish("", "plain", b"held")
    deadline = time.monotonic() + 60
    while state() != "blocked":
        channel.connection.process_data_events(0)
        assert time.monotonic() < deadline
    managed.call(lambda node: node.alarms.clear("test"))
    while state() != "running":
        channel.connection.process_data_events(0)
        assert time.monotonic() < deadline


def test_a_channel_tells_what_is_under_way(client: Client, channel: Any) -> None:
    (found,) = client.get("/api/channels")
    assert (found["confirm"], found["transactional"], found["prefetch_count"]) == (True, False, 10)
    assert (found["consumer_count"], found["messages_unacknowledged"]) == (2, 1)
    assert found["connection_details"]["peer_host"] == "127.0.0.1"
    assert names(client.get("/api/vhosts/%2F/channels")) == [found["name"]]


@pytest.mark.parametrize(
    "name",
    ["x", "127.0.0.1:1 -> 127.0.0.1:2", "a:99999999 -> b:1", "1 (1)", "(1)", "x (y)", " (1)"],
)
def test_names_of_nothing_are_not_found(client: Client, channel: Any, name: str) -> None:
    for kind in ("connections", "channels"):
        assert client.ask("GET", f"/api/{kind}/{quote(name, safe='')}").status == 404


def test_a_channel_that_is_not_open_is_not_found(client: Client, channel: Any) -> None:
    (found,) = client.get("/api/channels")
    path = f"/api/channels/{quote(found['name'], safe='')}"
    assert client.get(path)["number"] == 1
    assert client.ask("GET", path.replace("%281%29", "%282%29")).status == 404
    assert client.ask("GET", path.replace("%281%29", "%2801%29")).status == 404


def test_bindings_are_found_from_either_end(client: Client, channel: Any) -> None:
    leaving = client.get("/api/exchanges/%2F/events/bindings/source")
    assert {(one["destination_type"], one["destination"]) for one in leaving} == {
        ("queue", "plain"),
        ("queue", "voted"),
        ("exchange", "amq.direct"),
    }
    (own, bound) = client.get("/api/queues/%2F/plain/bindings")
    assert (own["source"], own["routing_key"], own["properties_key"]) == ("", "plain", "plain")
    assert (bound["source"], bound["routing_key"], bound["arguments"]) == (
        *("events", "a.*", {"x": 1}),
    )
    assert bound["properties_key"].startswith("a.%2A~")
    (arriving,) = client.get("/api/exchanges/%2F/amq.direct/bindings/destination")
    assert arriving["properties_key"] == "to"


def test_one_binding_is_found_by_its_key(client: Client, channel: Any) -> None:
    (bound,) = client.get("/api/bindings/%2F/e/events/q/plain")
    path = f"/api/bindings/%2F/e/events/q/plain/{quote(bound['properties_key'], safe='')}"
    assert client.get(path) == bound
    (nameless,) = client.get("/api/bindings/%2F/e/events/q/voted")
    assert nameless["properties_key"] == "~"
    assert client.get("/api/bindings/%2F/e/events/q/voted/~") == nameless
    assert client.get("/api/bindings/%2F/e/events/e/amq.direct/to")["routing_key"] == "to"
    assert client.ask("GET", "/api/bindings/%2F/e/events/q/plain/other").status == 404
    assert client.get("/api/bindings/%2F/e/events/q/nowhere") == []


def test_the_default_exchange_has_a_name_in_paths(client: Client, channel: Any) -> None:
    assert client.get("/api/exchanges/%2F/amq.default")["name"] == ""
    leaving = client.get("/api/exchanges/%2F/amq.default/bindings/source")
    assert {one["destination"] for one in leaving} == {"plain", "voted", "mine", "single"}
    (bound,) = client.get("/api/bindings/%2F/e/amq.default/q/plain")
    assert client.get("/api/bindings/%2F/e//q/plain") == [bound]


def test_the_overview_counts_it_all(client: Client, channel: Any) -> None:
    overview = client.get("/api/overview")
    totals = overview["object_totals"]
    assert (totals["connections"], totals["channels"], totals["consumers"]) == (1, 1, 2)
    assert (totals["queues"], totals["exchanges"]) == (4, 8)
    assert overview["queue_totals"]["messages"] == 3
    assert overview["churn_rates"]["queue_created"] == 4
    assert {one["protocol"] for one in overview["listeners"]} == {"amqp", "http"}


def test_a_vhost_adds_up_its_queues(client: Client, channel: Any) -> None:
    (root,) = client.get("/api/vhosts")
    assert (root["name"], root["messages"], root["messages_ready"]) == ("/", 3, 2)
    assert client.get("/api/vhosts/%2F")["messages"] == 3


def test_the_node_tells_of_its_machine(client: Client) -> None:
    (node,) = client.get("/api/nodes")
    assert (node["running"], node["mem_alarm"], node["partitions"]) == (True, False, [])
    assert 0 < node["mem_used"] < node["mem_limit"]
    assert 0 < node["fd_used"] < node["fd_total"]
    memory = client.get(f"/api/nodes/{node['name']}/memory")["memory"]
    assert memory["total"]["rss"] > memory["queue_procs"]
    assert client.get(f"/api/nodes/{node['name']}/memory/relative")["memory"]["total"] == 100
    assert "memory" in client.get(f"/api/nodes/{node['name']}?memory=true")
    assert client.ask("GET", "/api/nodes/other").status == 404


def test_secrets_are_no_part_of_the_configuration(client: Client) -> None:
    config = client.get("/api/config/effective")
    assert config["heartbeat_s"] == {"value": 60, "origin": "default"}
    assert config["default_pass"]["value"] != "guest"


@pytest.mark.parametrize("query", ["?disable_stats=true", ""])
def test_numbers_may_be_left_out(query: str) -> None:
    settings = {} if query else {"management_rates_mode": "none"}
    with (
        leveret.Broker(management=True, settings=settings) as broker,
        pika.BlockingConnection(pika.URLParameters(broker.url)) as connection,
    ):
        connection.channel().queue_declare("plain")
        client = Client(broker.management_url)
        for path in ("queues", "queues/%2F/plain", "exchanges", "vhosts", "connections"):
            found = client.get(f"/api/{path}{query}")
            first = found[0] if isinstance(found, list) else found
            assert first["name"] is not None
            assert [name for name in first if name in ("message_stats", "messages_details")] == []
        assert "message_stats" not in client.get(f"/api/overview{query}")
        assert "name" in client.get(f"/api/nodes{query}")[0]


# --- who sees what -------------------------------------------------------------------------


def test_who_may_enter_no_vhost_sees_nothing_of_any(
    somebody: Callable[..., Client], channel: Any
) -> None:
    stranger = somebody("stranger", "management")
    for path in ("queues", "exchanges", "bindings", "consumers", "connections", "channels"):
        assert stranger.get(f"/api/{path}") == []
    assert stranger.get("/api/vhosts") == []
    overview = stranger.get("/api/overview")
    assert overview["object_totals"]["queues"] == 0
    assert "listeners" not in overview


def test_who_does_not_monitor_sees_the_sums_of_its_own_vhosts(
    managed: leveret.Broker, client: Client, somebody: Callable[..., Client], channel: Any
) -> None:
    def add(node: Node) -> None:
        node.add_vhost("other").declare_queue(QueueWish("theirs", False, False, 0, {}), 0)

    managed.call(add)
    manager = somebody("manager", "management", vhosts=("/", "other"))
    stranger = somebody("stranger", "management", vhosts=("other",))
    assert client.get("/api/overview")["queue_totals"]["messages"] == 3
    assert manager.get("/api/overview")["queue_totals"]["messages"] == 3
    assert manager.get("/api/overview")["message_stats"]["publish"] == 3
    assert stranger.get("/api/overview")["queue_totals"]["messages"] == 0
    assert stranger.get("/api/overview")["object_totals"]["queues"] == 1
    assert stranger.get("/api/overview")["message_stats"] == {}


def test_a_monitor_sees_vhosts_and_connections_but_only_its_own_queues(
    somebody: Callable[..., Client], channel: Any
) -> None:
    """As in RabbitMQ: lists of what is in vhosts go by permissions, whatever the tags."""
    monitor = somebody("monitor", "monitoring")
    assert names(monitor.get("/api/vhosts")) == ["/"]
    assert len(monitor.get("/api/connections")) == 1
    assert monitor.get("/api/queues") == []
    assert monitor.get("/api/nodes")
    assert somebody("guarded", "monitoring", vhosts=("/",)).get("/api/queues") != []


def test_connections_of_others_are_nobodys_business(
    client: Client, somebody: Callable[..., Client], channel: Any
) -> None:
    neighbour = somebody("neighbour", "management", vhosts=("/",))
    assert len(neighbour.get("/api/queues")) == 4
    assert neighbour.get("/api/connections") == []
    name = quote(client.get("/api/connections")[0]["name"], safe="")
    for path in (f"/api/connections/{name}", f"/api/connections/{name}/channels"):
        answer = neighbour.ask("GET", path)
        assert answer.status == 401
        assert answer.json["reason"] == "User not authorised to access object"
    assert neighbour.ask("GET", f"/api/channels/{name}%20(1)").status == 401


def test_nodes_are_for_those_who_monitor(somebody: Callable[..., Client]) -> None:
    answer = somebody("manager", "management", vhosts=("/",)).ask("GET", "/api/nodes")
    assert (answer.status, answer.json["reason"]) == (401, "Not monitor user")


def test_a_header_narrows_lists_down_to_a_vhost(
    managed: leveret.Broker, client: Client, channel: Any
) -> None:
    managed.call(lambda node: node.add_vhost("other"))
    assert len(client.ask("GET", "/api/queues", None, {"x-vhost": "/"}).json) == 4
    assert client.ask("GET", "/api/queues", None, {"x-vhost": "other"}).json == []
