"""What is changed over HTTP: rights, refusals, and what other clients see of it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pika
import pytest
from tests.management.client import Client

import leveret
from leveret.auth.backends import Attempt, Backend, Login
from leveret.auth.rights import Inquiry, Pending, Rights, Waiter
from leveret.auth.users import LoginFailure, User
from leveret.broker.alarms import MEMORY
from leveret.events import Event, Listener

QUEUES = "/api/queues/%2F"
DEFAULT = "/api/exchanges/%2F/amq.default/publish"
MODES = ("ack_requeue_true", "ack_requeue_false", "reject_requeue_true", "reject_requeue_false")


def message(payload: str = "hello", key: str = "q", **properties: Any) -> dict[str, Any]:
    return {
        "properties": properties,
        "routing_key": key,
        "payload": payload,
        "payload_encoding": "string",
    }


def wish(mode: str = MODES[0], count: int = 10, **more: Any) -> dict[str, Any]:
    return {"count": count, "ackmode": mode, "encoding": "auto", **more}


@pytest.fixture
def channel(managed: leveret.Broker) -> Any:
    connection = pika.BlockingConnection(pika.URLParameters(managed.url))
    yield connection.channel()
    if connection.is_open:
        connection.close()


# --- rights ----------------------------------------------------------------------------------


def test_a_user_declares_only_what_it_may_configure(
    managed: leveret.Broker, client: Client, somebody: Callable[..., Client]
) -> None:
    user = somebody("somebody", "management")
    rights = {"configure": "^mine", "write": "^mine|^amq", "read": "^mine"}
    client.ask("PUT", "/api/permissions/%2F/somebody", rights)

    assert user.ask("PUT", f"{QUEUES}/mine", {}).status == 201
    refused = user.ask("PUT", f"{QUEUES}/yours", {})
    assert refused.status == 401
    assert refused.json == {"error": "not_authorised", "reason": "Access refused."}
    client.ask("PUT", f"{QUEUES}/yours", {})
    for method, path, body in (
        ("DELETE", f"{QUEUES}/yours", None),
        ("DELETE", f"{QUEUES}/yours/contents", None),
        ("POST", f"{QUEUES}/yours/get", wish()),
        ("GET", f"{QUEUES}/yours/messages", None),
        ("POST", f"{QUEUES}/yours/move", {"destination": "mine"}),
        ("PUT", "/api/exchanges/%2F/other", {"type": "fanout"}),
        ("POST", "/api/bindings/%2F/e/amq.fanout/q/mine", {}),
        ("POST", "/api/exchanges/%2F/secret/publish", message()),
    ):
        assert user.ask(method, path, body).status == 401, path
    assert [queue["name"] for queue in client.get("/api/queues?sort=name")] == ["mine", "yours"]


def test_rights_that_somebody_else_decides_on_are_waited_for() -> None:
    with leveret.Broker(management=True) as broker:
        slow = Slow()
        broker.call(lambda node: node.logins.register("internal", slow))
        client = Client(broker.management_url)

        assert client.ask("PUT", f"{QUEUES}/allowed", {}).status == 201
        assert client.ask("PUT", f"{QUEUES}/refused", {}).status == 401
        assert broker.call(lambda node: list(node.vhosts["/"].queues)) == ["allowed"]
        assert slow.rights.asked == ["allowed", "refused"]


class Slow(Backend):
    """Lets everybody in, and decides about queues only when asked a second time."""

    def __init__(self) -> None:
        self.rights = SlowRights()

    def authenticate(self, attempt: Attempt) -> User | LoginFailure:
        return User(attempt.credentials.name, "", "", ["administrator"])

    def authorise(self, user: User, attempt: Attempt) -> Login | LoginFailure:
        return Login(user, self.rights, self)


class SlowRights(Rights):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def enters(self, vhost: str) -> bool:
        return True

    def allows(self, operation: str, kind: str, vhost: str, name: str) -> bool:
        if name not in self.asked:
            raise Pending(Question(self, name))
        return name == "allowed"

    def allows_topic(
        self, operation: str, vhost: str, exchange: str, key: str, variables: dict[str, str]
    ) -> bool:
        return True


class Question(Inquiry):
    def __init__(self, rights: SlowRights, name: str) -> None:
        self.rights, self.name = rights, name

    def begin(self, waiter: Waiter) -> None:
        self.rights.asked.append(self.name)
        asyncio.get_running_loop().call_soon(waiter.go_on)


def test_a_policymaker_imports_into_a_vhost_of_its_own_only(
    client: Client, somebody: Callable[..., Client]
) -> None:
    client.ask("PUT", "/api/vhosts/v")
    user = somebody("somebody", "policymaker", vhosts=("v",))
    document = {"queues": [{"name": "q", "durable": True, "auto_delete": False, "arguments": {}}]}

    assert user.ask("POST", "/api/definitions/v", document).status == 204
    assert user.ask("POST", "/api/definitions/%2F", document).status == 401
    assert user.ask("GET", "/api/definitions").status == 401
    assert [queue["name"] for queue in user.get("/api/definitions/v")["queues"]] == ["q"]


def test_a_policymaker_lifts_neither_limits_nor_operators_policies(
    client: Client, somebody: Callable[..., Client]
) -> None:
    """By no way round, either."""
    client.ask("PUT", "/api/vhosts/v")
    policy = {"pattern": "", "definition": {"max-length": 1}}
    assert client.ask("PUT", "/api/operator-policies/v/short", policy).status == 201
    assert client.ask("PUT", "/api/vhost-limits/v/max-queues", {"value": 5}).status == 204
    user = somebody("somebody", "policymaker", vhosts=("v",))
    own, limits = "/api/parameters/operator_policy/v/short", {"max-queues": -1}

    assert user.ask("PUT", own, {"value": policy}).status == 401
    assert user.ask("DELETE", own).status == 401
    parameter = "/api/parameters/vhost-limits/v/limits"
    assert user.ask("PUT", parameter, {"value": limits}).status == 401
    assert user.ask("DELETE", parameter).status == 401
    written = {"component": "operator_policy", "name": "short", "value": policy}
    for document in ({"limits": limits}, {"parameters": [written]}):
        assert user.ask("POST", "/api/definitions/v", document).status == 401
        assert client.ask("POST", "/api/definitions/v", document).status == 204


# --- messages --------------------------------------------------------------------------------


def test_what_is_published_arrives_with_its_properties(client: Client, channel: Any) -> None:
    channel.queue_declare("q")
    properties = {"delivery_mode": 2, "priority": 3, "headers": {"a": [1, "b", {"c": True}]}}
    properties |= {"content_type": "text/plain", "timestamp": 5, "message_id": "m"}

    answer = client.ask("POST", DEFAULT, message("höllo", **properties))

    assert answer.json == {"routed": True}
    _, got, body = channel.basic_get("q", auto_ack=True)
    assert body.decode() == "höllo"
    assert (got.delivery_mode, got.priority, got.timestamp) == (2, 3, 5)
    assert (got.content_type, got.message_id) == ("text/plain", "m")
    assert got.headers == {"a": [1, "b", {"c": True}]}


def test_a_message_that_queues_refuse_is_told_so(client: Client) -> None:
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    client.ask("PUT", f"{QUEUES}/q", {"arguments": arguments})

    assert client.ask("POST", DEFAULT, message()).json == {"routed": True}
    refused = client.ask("POST", DEFAULT, message())
    assert (refused.status, refused.json["reason"]) == (400, "rejected")


def test_nothing_is_published_while_memory_runs_low(
    client: Client, managed: leveret.Broker
) -> None:
    client.ask("PUT", f"{QUEUES}/q", {})
    managed.call(lambda node: node.alarms.set("a test", MEMORY))

    assert client.ask("POST", DEFAULT, message()).status == 503
    assert client.ask("GET", "/api/health/checks/alarms").status == 503

    managed.call(lambda node: node.alarms.clear("a test"))
    assert client.ask("POST", DEFAULT, message()).status == 200


@pytest.mark.parametrize("mode", MODES)
def test_what_becomes_of_messages_depends_on_the_mode(mode: str, client: Client) -> None:
    client.ask("PUT", f"{QUEUES}/dead", {})
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    client.ask("PUT", f"{QUEUES}/q", {"arguments": arguments})
    for payload in ("0", "1", "2"):
        client.ask("POST", DEFAULT, message(payload))

    got = client.ask("POST", f"{QUEUES}/q/get", wish(mode, 2)).json

    assert [(one["payload"], one["message_count"]) for one in got] == [("0", 2), ("1", 1)]
    left = client.ask("POST", f"{QUEUES}/q/get", wish()).json
    dead = client.ask("POST", f"{QUEUES}/dead/get", wish()).json
    is_kept = mode.endswith("true")
    assert [one["payload"] for one in left] == (["0", "1", "2"] if is_kept else ["2"])
    assert [one["redelivered"] for one in left] == ([True, True, False] if is_kept else [False])
    expected = ["0", "1"] if mode == "reject_requeue_false" else []
    assert [one["payload"] for one in dead] == expected


def test_what_goes_over_http_is_counted_like_the_rest(client: Client) -> None:
    client.ask("PUT", f"{QUEUES}/q", {})
    client.get("/api/queues/%2F/q")
    for key in ("q", "q", "nowhere"):
        client.ask("POST", DEFAULT, message(key=key))
    client.ask("POST", f"{QUEUES}/q/get", wish(count=1))
    client.ask("POST", f"{QUEUES}/q/get", wish("ack_requeue_false"))
    client.ask("POST", f"{QUEUES}/q/get", wish())

    stats = client.get("/api/queues/%2F/q")["message_stats"]
    counted = ("publish", "get", "get_no_ack", "get_empty", "redeliver")
    assert [stats[name] for name in counted] == [2, 1, 2, 1, 1]
    stats = client.get("/api/exchanges/%2F/amq.default")["message_stats"]
    assert (stats["publish_in"], stats["publish_out"]) == (3, 2)


def test_ends_of_lines_are_no_part_of_a_name(client: Client) -> None:
    assert client.ask("PUT", f"{QUEUES}/one%0D%0Aname", {}).status == 201
    assert client.ask("PUT", "/api/exchanges/%2F/an%0Aexchange", {}).status == 201

    assert [queue["name"] for queue in client.get("/api/queues")] == ["onename"]
    assert client.ask("GET", "/api/exchanges/%2F/anexchange").status == 200


def test_octets_that_are_no_text_come_in_base64(client: Client, channel: Any) -> None:
    channel.queue_declare("q")
    for body in (b"\xff\xfe", "ä".encode() * 3, b""):
        channel.basic_publish("", "q", body)

    got = client.ask("POST", f"{QUEUES}/q/get", wish(truncate=3)).json

    assert [(one["payload"], one["payload_encoding"]) for one in got] == [
        ("//4=", "base64"),
        ("ä", "string"),
        ("", "string"),
    ]
    assert [one["payload_bytes"] for one in got] == [2, 6, 0]


# --- looking and moving ----------------------------------------------------------------------


def test_looking_at_messages_takes_none(client: Client, channel: Any) -> None:
    channel.queue_declare("q")
    for number in range(10):
        channel.basic_publish("", "q", b"%d" % number)
    channel.basic_get("q")

    page = client.get(f"{QUEUES}/q/messages?offset=2&count=3&truncate=0")

    assert [one["position"] for one in page] == [2, 3, 4]
    assert {(one["state"], one["redelivered"], one["truncated"]) for one in page} == {
        ("ready", False, True)
    }
    assert [one["payload"] for one in client.get(f"{QUEUES}/q/messages")] == list("123456789")
    bodies = [channel.basic_get("q", auto_ack=True)[2] for _ in range(9)]
    assert bodies == [b"%d" % number for number in range(1, 10)]


def test_who_holds_a_message_and_since_when_is_told(
    client: Client, channel: Any, managed: leveret.Broker
) -> None:
    before_ms = managed.call(lambda node: node.clock.unix_ms())
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"held")
    deliveries = channel.consume("q")
    next(deliveries)

    (held,) = client.get(f"{QUEUES}/q/messages?state=unacked")

    (connection,) = client.get("/api/connections")
    assert (held["payload"], held["state"]) == ("held", "unacked")
    assert held["connection"] == connection["name"]
    assert held["channel"] == f"{connection['name']} (1)"
    assert held["consumer_tag"].startswith("ctag")
    after_ms = managed.call(lambda node: node.clock.unix_ms())
    assert before_ms - 1 <= held["held_since"] <= after_ms + 1
    assert client.get(f"{QUEUES}/q/messages") == []
    channel.cancel()


def test_messages_are_moved_as_they_are(client: Client, channel: Any) -> None:
    channel.queue_declare("from")
    channel.queue_declare("to")
    channel.queue_bind("from", "amq.topic", "a.#")
    for number in range(5):
        channel.basic_publish("amq.topic", "a.b", b"%d" % number)

    answer = client.ask("POST", f"{QUEUES}/from/move", {"destination": "to", "count": 3})
    assert answer.json == {"moved": 3, "messages": 2}
    assert client.ask("POST", f"{QUEUES}/from/move", {"destination": "to"}).json["moved"] == 2

    got = [channel.basic_get("to", auto_ack=True) for _ in range(5)]
    assert [body for _, _, body in got] == [b"0", b"1", b"2", b"3", b"4"]
    assert {(how.exchange, how.routing_key) for how, _, _ in got} == {("amq.topic", "a.b")}


def test_a_move_ends_where_the_destination_is_full(client: Client, channel: Any) -> None:
    channel.queue_declare("from")
    channel.queue_declare("to", arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    for number in range(4):
        channel.basic_publish("", "from", b"%d" % number)

    answer = client.ask("POST", f"{QUEUES}/from/move", {"destination": "to"})

    assert answer.json == {"moved": 2, "messages": 2}
    assert [one["payload"] for one in client.get(f"{QUEUES}/from/messages")] == ["2", "3"]


# --- definitions and connections -------------------------------------------------------------


def test_a_form_uploads_definitions(client: Client) -> None:
    document = json.dumps({"vhosts": [{"name": "uploaded"}]}).encode()
    body = b"\r\n".join(
        (
            b"--edge",
            b'Content-Disposition: form-data; name="file"; filename="d.json"',
            b"Content-Type: application/json",
            b"",
            document,
            b"--edge--",
            b"",
        )
    )
    kind = {"content-type": "multipart/form-data; boundary=edge"}

    assert client.ask("POST", "/api/definitions", body, kind).status == 204
    assert [vhost["name"] for vhost in client.get("/api/vhosts")] == ["/", "uploaded"]
    without_file = body.replace(b'name="file"', b'name="other"')
    assert client.ask("POST", "/api/definitions", without_file, kind).status == 400


def test_definitions_can_be_saved_as_a_file(client: Client) -> None:
    answer = client.ask("GET", "/api/definitions?download=../a%0d%0ab.json")

    assert answer.headers["content-disposition"] == 'attachment; filename="..ab.json"'


def test_a_connection_is_closed_for_the_reason_that_is_given(
    client: Client, channel: Any, somebody: Callable[..., Client]
) -> None:
    (connection,) = client.get("/api/connections")
    name = connection["name"].replace(" ", "%20")
    other = somebody("somebody", "management", vhosts=("/",))
    assert other.ask("DELETE", f"/api/connections/{name}").status == 401

    answer = client.ask("DELETE", f"/api/connections/{name}", None, {"X-Reason": "gone fishing"})

    assert answer.status == 204
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="gone fishing"):
        channel.queue_declare("q")


def test_what_is_protected_is_not_deleted(client: Client) -> None:
    client.ask("PUT", "/api/vhosts/v", {"protected_from_deletion": True})
    client.ask("PUT", "/api/users/u", {"password": "x", "tags": "protected"})

    assert client.ask("DELETE", "/api/vhosts/v").status == 412
    assert client.ask("DELETE", "/api/users/u").status == 412
    assert client.ask("POST", "/api/users/bulk-delete", {"users": ["u"]}).status == 412

    assert client.ask("DELETE", "/api/vhosts/v/deletion/protection").status == 204
    assert client.ask("DELETE", "/api/vhosts/v").status == 204


class Heard(Listener):
    """Remembers who did what."""

    def __init__(self) -> None:
        self.deeds: list[tuple[str, object]] = []

    def on_event(self, event: Event) -> None:
        self.deeds.append((event.name, event.facts.get("user_who_performed_action")))


def test_events_say_who_did_it(managed: leveret.Broker, somebody: Callable[..., Client]) -> None:
    boss = somebody("boss", "administrator", vhosts=("/",))
    heard = Heard()
    managed.call(lambda node: node.events.listen(heard))

    boss.ask("PUT", f"{QUEUES}/q", {})
    boss.ask("PUT", "/api/exchanges/%2F/x", {"type": "fanout"})
    boss.ask("POST", "/api/bindings/%2F/e/x/q/q", {})
    boss.ask("PUT", "/api/policies/%2F/p", {"pattern": "^q", "definition": {"max-length": 5}})
    boss.ask("PUT", "/api/vhosts/v")
    boss.ask("PUT", "/api/users/other", {"password": "secret", "tags": ""})
    boss.ask("PUT", "/api/vhost-limits/v/max-queues", {"value": 5})
    boss.ask("DELETE", f"{QUEUES}/q")

    done = {name for name, _ in heard.deeds}
    assert done >= {
        *("queue.created", "exchange.created", "binding.created", "policy.set"),
        *("vhost.created", "user.created", "vhost.limits.set", "queue.deleted"),
    }
    by_hand = [one for one in heard.deeds if one[0] not in ("binding.deleted",)]
    assert {who for _, who in by_hand} <= {"boss", None}
