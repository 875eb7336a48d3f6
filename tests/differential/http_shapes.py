"""The HTTP API's answers on both brokers for one topology: names of fields, and JSON's types.

A field is called by its path: ``message_stats.publish_details.rate``; ``[]`` is each of a list.
Values do not count, nor does how many there are: clients depend on names and types.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote

import pika
from tests.management.client import Client

PATIENCE_S: Final = 90
_POLL_S: Final = 0.2
# Each is asked as it stands; what is in braces is filled in with what there is.
PATHS: Final = [
    "/api/overview",
    "/api/whoami",
    "/api/cluster-name",
    "/api/nodes",
    "/api/nodes/{node}",
    "/api/nodes/{node}?memory=true",
    "/api/nodes/{node}/memory",
    "/api/nodes/{node}/memory/relative",
    "/api/extensions",
    "/api/definitions",
    "/api/definitions/%2F",
    "/api/parameters",
    "/api/global-parameters",
    "/api/policies",
    "/api/policies/%2F",
    "/api/policies/%2F/shape",
    "/api/operator-policies",
    "/api/operator-policies/%2F/shape",
    "/api/vhost-limits",
    "/api/vhost-limits/%2F",
    "/api/user-limits",
    "/api/user-limits/guest",
    "/api/connections",
    "/api/connections/{connection}",
    "/api/connections/{connection}/channels",
    "/api/connections/username/guest",
    "/api/channels",
    "/api/channels/{channel}",
    "/api/vhosts/%2F/connections",
    "/api/vhosts/%2F/channels",
    "/api/consumers",
    "/api/consumers/%2F",
    "/api/exchanges",
    "/api/exchanges/%2F",
    "/api/exchanges/%2F/shape",
    "/api/exchanges/%2F/amq.default",
    "/api/exchanges/%2F/shape/bindings/source",
    "/api/exchanges/%2F/amq.direct/bindings/destination",
    "/api/queues",
    "/api/queues/%2F",
    "/api/queues/%2F/shape.classic",
    "/api/queues/%2F/shape.quorum",
    "/api/queues/%2F/shape.exclusive",
    "/api/queues/%2F/shape.single",
    "/api/queues/%2F/shape.classic/bindings",
    "/api/queues?page=1&page_size=2",
    "/api/queues?disable_stats=true",
    "/api/queues?disable_stats=true&enable_queue_totals=true",
    "/api/queues?columns=name,messages,message_stats.publish",
    "/api/bindings",
    "/api/bindings/%2F",
    "/api/bindings/%2F/e/shape/q/shape.classic",
    "/api/bindings/%2F/e/shape/e/amq.direct",
    "/api/bindings/%2F/e/shape/q/shape.quorum/%2523",
    "/api/vhosts",
    "/api/vhosts/%2F",
    "/api/vhosts/%2F/permissions",
    "/api/vhosts/%2F/topic-permissions",
    "/api/users",
    "/api/users/guest",
    "/api/users/guest/permissions",
    "/api/users/guest/topic-permissions",
    "/api/users/without-permissions",
    "/api/permissions",
    "/api/permissions/%2F/guest",
    "/api/topic-permissions",
    "/api/topic-permissions/%2F/guest",
    "/api/feature-flags",
    "/api/aliveness-test/%2F",
    "/api/healthchecks/node",
    "/api/health/checks/alarms",
    "/api/health/checks/local-alarms",
    "/api/health/checks/virtual-hosts",
    "/api/health/checks/node-is-quorum-critical",
    "/api/health/checks/port-listener/{port}",
    "/api/health/checks/port-listener/1",
    "/api/health/checks/protocol-listener/amqp",
    "/api/health/checks/protocol-listener/mqtt",
    "/api/health/checks/certificate-expiration/1/weeks",
    "/api/auth/hash_password/secret",
    "/api/auth/attempts/{node}",
    # What there is not.
    "/api/nothing",
    "/api/queues/nothing",
    "/api/queues/%2F/nothing",
    "/api/exchanges/%2F/nothing",
    "/api/connections/nothing",
    "/api/channels/nothing",
    "/api/vhosts/nothing",
    "/api/nodes/nothing",
    "/api/bindings/%2F/e/shape/q/shape.classic/nothing",
    "/api/queues?page=2&page_size=100",
    "/api/queues?page=x",
    "/api/queues?page=1&page_size=501",
    "/api/queues?page=1&name=%5B&use_regex=true",
]
# With samples: what the charts are drawn of.
_AGE: Final = "lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5"
_DATA: Final = "data_rates_age=60&data_rates_incr=5"
PATHS.extend(
    [
        f"/api/overview?{_AGE}",
        f"/api/queues/%2F/shape.classic?{_AGE}",
        f"/api/exchanges/%2F/shape?{_AGE}",
        f"/api/channels/{{channel}}?{_AGE}",
        f"/api/connections/{{connection}}?{_DATA}",
        "/api/nodes/{node}?node_stats_age=60&node_stats_incr=5",
    ]
)

Shape = dict[str, set[str]]


def type_of(value: object) -> str:
    """JSON's word."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list) else "object"


def shape_of(value: Any, path: str = "") -> Shape:
    """The types of all that is in ``value``, by path."""
    shape: Shape = {path: {type_of(value)}}
    pairs: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        pairs = [(f"{path}.{name}" if path else name, one) for name, one in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[]", one) for one in value]
    for inner, one in pairs:
        for name, types in shape_of(one, inner).items():
            shape.setdefault(name, set()).update(types)
    return shape


class Site:
    """One broker: its API, and the one connection that the topology needs."""

    def __init__(self, url: str, management_url: str) -> None:
        self.client = Client(management_url)
        parameters = pika.URLParameters(url)
        parameters.client_properties = {"connection_name": "shapes"}
        self.connection = pika.BlockingConnection(parameters)
        self.port = parameters.port
        self.build()

    def put(self, path: str, body: Any) -> None:
        answer = self.client.ask("PUT", path, body, {"content-type": "application/json"})
        assert answer.status in (201, 204), (path, answer.status, answer.octets)

    def build(self) -> None:
        """Some of everything that there is."""
        policy = {"pattern": "^shape", "definition": {"max-length": 1000}, "apply-to": "queues"}
        self.put("/api/policies/%2F/shape", policy)
        self.put("/api/operator-policies/%2F/shape", {**policy, "priority": 1})
        self.put("/api/vhost-limits/%2F/max-queues", {"value": 1000})
        self.put("/api/user-limits/guest/max-channels", {"value": 1000})
        topic = {"exchange": "amq.topic", "write": ".*", "read": ".*"}
        self.put("/api/topic-permissions/%2F/guest", topic)
        self.put("/api/users/nobody", {"password": "secret", "tags": "monitoring"})
        self.put("/api/global-parameters/shape", {"value": {"a": 1}})
        channel = self.connection.channel()
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=10)
        channel.exchange_declare("shape", "topic", arguments={"alternate-exchange": "amq.fanout"})
        channel.queue_declare("shape.classic", durable=True)
        channel.queue_declare("shape.quorum", durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_declare("shape.exclusive", exclusive=True)
        channel.queue_declare("shape.single", arguments={"x-single-active-consumer": True})
        channel.queue_bind("shape.classic", "shape", "a.*", {"x": 1})
        channel.queue_bind("shape.quorum", "shape", "#")
        channel.exchange_bind("amq.direct", "shape", "to")
        for tag in ("one", "two"):
            channel.basic_consume("shape.single", ignore, consumer_tag=tag)
        channel.basic_consume("shape.exclusive", ignore, exclusive=True, auto_ack=True)
        for _ in range(3):
            self.publish(channel)
        self.connection.process_data_events(0)
        self.channel = channel

    def publish(self, channel: Any) -> None:
        """Let every counter move."""
        channel.basic_publish("shape", "a.b", b"hello", pika.BasicProperties(delivery_mode=2))
        channel.basic_publish("", "shape.single", b"hello")
        channel.basic_publish("", "shape.exclusive", b"hello")
        channel.basic_publish("", "nowhere", b"hello")
        method, _, _ = channel.basic_get("shape.classic")
        channel.basic_ack(method.delivery_tag)
        channel.basic_get("shape.quorum", auto_ack=True)

    def is_settled(self) -> bool:
        """Whether the statistics have caught up; RabbitMQ's come every five seconds."""
        self.publish(self.channel)
        queues = {one["name"]: one for one in self.client.get("/api/queues")}
        channels = self.client.get("/api/channels")
        return bool(
            "ack_details" in queues["shape.classic"].get("message_stats", {})
            and "messages_details" in queues["shape.quorum"]
            and queues["shape.single"].get("single_active_consumer_tag")
            and queues["shape.exclusive"].get("exclusive_consumer_tag")
            and channels
            and "message_stats" in channels[0]
            and self.client.get("/api/connections")
            and self.client.get("/api/overview")["contexts"]
        )

    def fill(self, path: str) -> str:
        """``path`` with what there is in place of what is in braces."""
        connection = self.client.get("/api/connections")[0]["name"]
        channel = self.client.get("/api/channels")[0]["name"]
        node = self.client.get("/api/overview")["node"]
        names = {"connection": connection, "channel": channel, "node": node, "port": self.port}
        return path.format_map({name: quote(str(text), safe="") for name, text in names.items()})

    def shape(self, path: str) -> tuple[int, Shape]:
        """The status of the answer, and the shape of what is in it."""
        answer = self.client.ask("GET", self.fill(path))
        value = answer.json if answer.octets else ""
        node = self.client.get("/api/overview")["node"]
        # Some fields are called after the node.
        return answer.status, {
            name.replace(f".{node}", ".NODE"): types for name, types in shape_of(value).items()
        }

    def close(self) -> None:
        self.connection.close()


def ignore(*_: object) -> None:
    """A consumer that never acknowledges."""


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Ask again and again; fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what} took more than {PATIENCE_S} s"
        time.sleep(_POLL_S)


def differences(path: str, theirs: tuple[int, Shape], ours: tuple[int, Shape]) -> Iterator[str]:
    """``PATH: what`` for each difference: of status, of names, of types."""
    if theirs[0] != ours[0]:
        yield f"{path}: status {theirs[0]} here {ours[0]}"
        return
    for name in sorted(theirs[1].keys() | ours[1].keys()):
        # What is in something that only one of them has is not told separately.
        if any(is_alone(parent, theirs[1], ours[1]) for parent in parents(name)):
            continue
        mine, its = ours[1].get(name), theirs[1].get(name)
        if its is None:
            yield f"{path}: more {name}"
        elif mine is None:
            yield f"{path}: less {name}"
        elif not are_alike(its, mine):
            yield f"{path}: type {name} {'/'.join(sorted(its))} here {'/'.join(sorted(mine))}"


def is_alone(name: str, *shapes: Shape) -> bool:
    return any(name in shape for shape in shapes) and not all(name in shape for shape in shapes)


def parents(name: str) -> list[str]:
    """``a``, ``a.b`` and ``a.b[]`` for ``a.b[].c``."""
    ends = [i for i, letter in enumerate(name) if letter in ".["]
    return [name[:end] for end in ends if end > 0]


def are_alike(theirs: set[str], ours: set[str]) -> bool:
    """Whether a client that copes with theirs copes with ours."""
    return ours <= theirs or theirs <= ours
