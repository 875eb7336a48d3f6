"""The description of the API, and requests of all kinds that are made from it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from tests.management.client import Client

import leveret

PATH = "/api/openapi.json"
METHODS = ("get", "put", "post", "delete")
# What parts of paths are called that are there, and one that is not.
VHOST, NOTHING = "a/b ä", "nothing"
NAMES = {
    "vhost": [VHOST, NOTHING],
    "name": ["q", "x", "p", "max-queues", "somebody", "limits", NOTHING],
    "user": ["somebody", NOTHING],
    "source": ["x", "", NOTHING],
    "destination": ["q", "x", NOTHING],
    "exchange": ["x", NOTHING],
    "props": ["~", "k", NOTHING],
    "limit": ["max-queues", "max-connections", NOTHING],
    "component": ["vhost-limits", "operator_policy", "policy", NOTHING],
    "node": ["leveret", NOTHING],
    "unit": ["days", NOTHING],
    "within": ["1", NOTHING],
    "port": ["1", NOTHING],
    "protocols": ["amqp", "mqtt,amqp", NOTHING],
}


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(PATH)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    found = list(operations(document))
    assert len(found) > 140
    assert all(operation["summary"].endswith(".") for _, _, operation in found)
    assert len({operation["operationId"] for _, _, operation in found}) == len(found)


def test_no_two_paths_have_one_shape(document: dict[str, Any]) -> None:
    shapes = [re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]]
    assert len(set(shapes)) == len(shapes)


def test_the_methods_are_those_that_are_allowed(document: dict[str, Any], client: Client) -> None:
    for path, item in document["paths"].items():
        answer = client.ask("OPTIONS", re.sub(r"\{\w+\}", "x", path))
        allowed = {one.lower() for one in answer.headers["allow"].split(", ")}
        assert allowed - {"head", "options"} == set(item) & set(METHODS), path


def test_what_is_called_a_list_is_one_and_nothing_else(
    document: dict[str, Any], client: Client
) -> None:
    make_things(client, "%2F")
    names = {"vhost": "%2F", "name": "q", "user": "guest", "source": "x", "destination": "q"}
    asked = 0
    for method, path, operation in operations(document):
        if method != "get" or "/health/" in path:
            continue
        kind = operation["responses"]["200"]["content"]["application/json"]["schema"].get("type")
        url = re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], "x"), path)
        answer = client.ask("GET", url)
        if answer.status == 200:
            asked += 1
            assert isinstance(answer.json, list) is (kind is not None), path
            paged = client.ask("GET", url + "?page=1")
            assert kind is None or isinstance(paged.json, dict) is (kind != "array"), path
    assert asked > 40


def make_things(client: Client, vhost: str) -> None:
    """Things of every kind in ``vhost``, there already or not."""
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    policy = {"pattern": "^q", "definition": {"max-length": 100}}
    for path, body in (
        (f"vhosts/{vhost}", {}),
        (f"permissions/{vhost}/guest", everything),
        ("users/somebody", {"password": "secret", "tags": "management"}),
        (f"permissions/{vhost}/somebody", everything),
        (f"topic-permissions/{vhost}/somebody", {"exchange": "x", "write": "", "read": ""}),
        (f"exchanges/{vhost}/x", {"type": "topic"}),
        (f"queues/{vhost}/q", {}),
        (f"policies/{vhost}/p", policy),
        (f"operator-policies/{vhost}/p", policy),
        (f"vhost-limits/{vhost}/max-queues", {"value": 100}),
        ("user-limits/somebody/max-connections", {"value": 5}),
        ("global-parameters/p", {"value": 1}),
    ):
        answer = client.ask("PUT", f"/api/{path}", body)
        assert answer.status in (201, 204), (path, answer.octets)
    for source, key in (("x", "k"), ("x", "")):
        client.ask("POST", f"/api/bindings/{vhost}/e/{source}/q/q", {"routing_key": key})
    message = {"properties": {}, "routing_key": "q", "payload": "", "payload_encoding": "string"}
    client.ask("POST", f"/api/exchanges/{vhost}/amq.default/publish", message)


def with_names(document: dict[str, Any]) -> dict[str, Any]:
    """``document``, with names in it of what is there."""
    changed: dict[str, Any] = json.loads(json.dumps(document))
    for item in changed["paths"].values():
        for parameter in item["parameters"]:
            if parameter["name"] in NAMES:
                parameter["schema"] = {"type": "string", "enum": NAMES[parameter["name"]]}
    return changed


@pytest.mark.timeout(600)
def test_no_request_breaks_anything(
    document: dict[str, Any], client: Client, managed: leveret.Broker
) -> None:
    schema = schemathesis.openapi.from_dict(with_names(document))
    vhost = "a%2Fb%20%C3%A4"
    count = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        make_things(client, vhost)

        @settings(
            max_examples=6,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            nonlocal count
            response = case.call(base_url=managed.management_url, auth=("guest", "guest"))
            what = f"{case.method} {case.formatted_path} {case.body!r}: {response.status_code}"
            known = case.operation.definition.raw["responses"]
            assert response.status_code == 405 or str(response.status_code) in known, what
            assert response.status_code < 500 or response.status_code == 503, what
            count += 1

        send()
    assert count > 500
    assert client.get("/api/whoami")["name"] == "guest"
