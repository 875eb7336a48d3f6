"""leveret.broker.definitions and leveret.broker.definition_export"""

import json
from typing import Any

import pytest
from tests.broker_documents import COMPLETE, HASH
from tests.fakes import FakeClock, FakeRandom

from leveret.auth.passwords import SHA512
from leveret.broker.definition_export import export_definitions, export_vhost, json_of
from leveret.broker.definitions import ImportReport, import_definitions
from leveret.broker.node import Node
from leveret.broker.wishes import QueueWish
from leveret.config.settings import Settings
from leveret.errors import Invalid, NotFound
from leveret.tables import BINARY, DECIMAL, INT64, LONGSTR, TIMESTAMP, VOID, Field

ALL: dict[str, Any] = {"rabbit_version": "3.10.8", **COMPLETE}


def new_node(**settings: object) -> Node:
    return Node(Settings(**settings), FakeClock(), FakeRandom())


def imported(document: object, vhost: str | None = None) -> tuple[Node, ImportReport]:
    node = new_node()
    return node, import_definitions(node, document, vhost)


def refused(document: object, node: Node | None = None, vhost: str | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        import_definitions(node or new_node(), document, vhost)
    return caught.value.detail


def queue(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "vhost": "/", "durable": True, "auto_delete": False} | more


def test_everything_is_imported() -> None:
    node, report = imported(ALL)
    vhost = node.vhosts["v"]
    alice = node.users.by_name["alice"]
    assert (alice.password_hash, alice.algorithm, alice.tags) == (HASH, SHA512, ["monitoring", "x"])
    assert alice.limits == {"max-channels": 5}
    assert alice.permissions["v"].allows("configure", "ab")
    assert alice.topic_permissions["v"]["e"].write == "^w"
    assert (vhost.description, vhost.tags) == ("d", ["t1", "t2"])
    assert vhost.limits.values == {"max-connections": 9, "max-queues": 50}
    assert node.global_parameters.values["g"] == {"a": [1, None]}
    assert [policy.priority for policy in vhost.policies] == [3]
    assert vhost.queues["q"].effective_policy == {"message-ttl": 5, "max-length": 7}
    assert vhost.exchanges["e"].alternate == "amq.fanout"
    assert vhost.exchanges["f"].is_internal
    assert vhost.queues["qq"].arguments["x-queue-type"].value == "quorum"
    assert vhost.queues["q"].arguments["x-max-length"].kind == INT64
    assert len(list(vhost.bindings())) == 2
    assert report.skipped == []
    assert report.summary().startswith("1 users, 1 vhosts, 1 permissions, 1 topic permissions")


def test_what_is_exported_is_imported_the_same() -> None:
    node, _ = imported(ALL)
    first = export_definitions(node)
    other, report = imported(json.loads(json.dumps(first)))
    assert export_definitions(other) == first
    assert report.skipped == []


def test_importing_twice_changes_nothing() -> None:
    node, _ = imported(ALL)
    before = export_definitions(node)
    report = import_definitions(node, ALL)
    assert export_definitions(node) == before
    assert report.skipped == []


def test_an_export_says_what_it_is() -> None:
    document = export_definitions(new_node())
    assert document["rabbitmq_definition_format"] == "cluster"
    assert document["product_name"] == "Leveret"
    assert [key for key in ALL if key not in document] == []


def test_what_is_there_by_itself_and_exclusive_queues_are_not_exported() -> None:
    node = new_node()
    vhost = node.vhosts["/"]
    mine = vhost.declare_queue(QueueWish("mine", False, False, 7, {}), 7)
    vhost.bind(vhost.exchanges["amq.direct"], mine, None, "k", {})
    document = export_definitions(node)
    assert (document["queues"], document["exchanges"], document["bindings"]) == ([], [], [])


def test_one_vhost_goes_from_one_node_to_another_vhost() -> None:
    node, _ = imported(ALL)
    document = json.loads(json.dumps(export_vhost(node, "v")))
    assert document["rabbitmq_definition_format"] == "single_virtual_host"
    assert document["original_vhost_name"] == "v"
    assert "vhost" not in document["queues"][0]
    other = new_node()
    other.add_vhost("w")
    import_definitions(other, document, "w")
    again = export_vhost(other, "w")
    for kind in ("queues", "exchanges", "bindings", "policies", "parameters", "limits"):
        assert again[kind] == document[kind]
    assert list(other.users.by_name) == ["guest"]


def test_the_definitions_of_one_vhost_need_one() -> None:
    document = export_vhost(new_node(), "/")
    assert "import them into one that you name" in refused(document)
    assert "Virtual host 'nix' does not exist" in refused(
        document | {"queues": [queue("q")]}, vhost="nix"
    )
    with pytest.raises(NotFound):
        export_vhost(new_node(), "nix")


def test_a_whole_document_into_one_vhost_leaves_users_alone() -> None:
    node, _ = imported(ALL, "/")
    assert list(node.users.by_name) == ["guest"]
    assert list(node.vhosts) == ["/"]
    assert sorted(node.vhosts["/"].queues) == ["q", "qq"]


def test_what_exists_is_kept_and_contradictions_are_told() -> None:
    node, _ = imported({"queues": [queue("q", arguments={"x-max-length": 5})]})
    report = import_definitions(node, {"queues": [queue("q", durable=False), queue("r")]})
    assert node.vhosts["/"].queues["q"].is_durable
    assert "r" in node.vhosts["/"].queues
    (told,) = report.skipped
    assert told.startswith("queues[0]: kept as it is: ")
    assert "inequivalent arg 'durable'" in told


def test_an_exchange_of_another_type_is_kept() -> None:
    node, _ = imported(ALL)
    again = {"name": "e", "vhost": "v", "type": "fanout", "durable": True}
    report = import_definitions(node, {"exchanges": [again]})
    assert node.vhosts["v"].exchanges["e"].kind == "topic"
    assert "inequivalent arg 'type'" in report.skipped[0]


def test_reserved_names_and_bindings_without_ends_are_passed_over() -> None:
    binding = {"vhost": "/", "destination_type": "queue", "routing_key": "", "arguments": {}}
    _, report = imported(
        {
            "exchanges": [{"name": "amq.x", "vhost": "/", "type": "fanout"}],
            "queues": [queue("amq.gen-x"), queue("q")],
            "bindings": [
                binding | {"source": "amq.direct", "destination": "nix"},
                binding | {"source": "nix", "destination": "q"},
                binding | {"source": "", "destination": "q"},
            ],
        }
    )
    assert report.skipped == [
        "exchanges[0]: exchange 'amq.x' is the broker's own",
        "queues[0]: queue 'amq.gen-x' is the broker's own",
        "bindings[0]: there is no queue 'nix' in vhost '/'",
        "bindings[1]: there is no exchange 'nix' in vhost '/'",
        "bindings[2]: the default exchange has its bindings by itself",
    ]


def test_users_and_policies_are_changed() -> None:
    node, _ = imported(ALL)
    user = {"name": "alice", "tags": "administrator,foo", "password": "new"}
    policy = ALL["policies"][0] | {"priority": 9}
    import_definitions(node, {"users": [user], "policies": [policy]})
    alice = node.users.by_name["alice"]
    assert alice.tags == ["administrator", "foo"]
    assert node.users.authenticate("alice", "new", True) is alice
    assert [one.priority for one in node.vhosts["v"].policies] == [9]


def test_a_user_without_password_does_not_log_in_by_one() -> None:
    node, _ = imported({"users": [{"name": "a", "tags": []}, {"name": "b", "password_hash": ""}]})
    assert node.users.by_name["a"].password_hash == ""
    assert node.users.by_name["b"].password_hash == ""


def test_what_a_document_says_of_a_vhost_is_new_and_the_rest_stays() -> None:
    node, _ = imported({"vhosts": [{"name": "v", "description": "d", "tags": ["a"]}]})
    import_definitions(
        node, {"vhosts": [{"name": "v", "metadata": {"protected_from_deletion": True}}]}
    )
    vhost = node.vhosts["v"]
    assert (vhost.description, vhost.tags, vhost.is_protected) == ("d", [], True)


def test_a_default_queue_type_is_for_queues_that_come_after_it() -> None:
    vhost = {"name": "v", "default_queue_type": "quorum"}
    node, _ = imported({"vhosts": [vhost], "queues": [queue("q", vhost="v")]})
    assert node.vhosts["v"].queues["q"].arguments["x-queue-type"].value == "quorum"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "the document must be an object, not a list"),
        ({"queues": {}}, "queues must be a list, not an object"),
        ({"queues": [{"vhost": "/"}]}, "queues[0] has no 'name': it must be a string"),
        ({"queues": [{"name": "q"}]}, "queues[0] has no 'vhost': it must be a string"),
        ({"queues": [queue("q", arguments={"x": None})]}, "queues[0].arguments.x must be"),
        ({"queues": [queue("q", vhost="nix")]}, "queues[0]: Virtual host 'nix' does not exist"),
        ({"users": [{"name": "a", "password_hash": "xx"}]}, "users[0]: the password hash is no"),
        ({"users": [{"name": "a", "hashing_algorithm": "x"}]}, "users[0]: unknown hashing"),
        ({"policies": [{"vhost": "/", "name": "p", "definition": 1}]}, "policies[0].definition"),
        (
            {
                "policies": [
                    {"vhost": "/", "name": "p", "pattern": "(", "definition": {"expires": 1}}
                ]
            },
            "policies[0]: Validation failed\n\npattern should be regular expression but is invalid",
        ),
        (
            {"policies": [{"vhost": "/", "name": "p", "pattern": "", "definition": {"nix": 1}}]},
            'policies[0]: Validation failed\n\n[{<<"nix">>,1}] are not recognised policy settings',
        ),
        (
            {"permissions": [ALL["permissions"][0] | {"vhost": "/"}]},
            "permissions[0]: no user 'alice'",
        ),
        (
            {"permissions": [ALL["permissions"][0] | {"vhost": "/", "user": "guest", "read": "("}]},
            "permissions[0]: ",
        ),
        (
            {"parameters": [{"vhost": "/", "component": "nix", "name": "s", "value": {}}]},
            "parameters[0]: Validation failed\n\ncomponent nix not found",
        ),
        (
            {"exchanges": [{"name": "x", "vhost": "/", "type": "nix"}]},
            "exchanges[0]: ",
        ),
        (
            {
                "bindings": [
                    {"vhost": "/", "source": "", "destination": "", "destination_type": "x"}
                ]
            },
            "bindings[0].destination_type must be queue or exchange",
        ),
        (
            {"queues": [queue("q", arguments={"x-max-length": "no"})]},
            "queues[0]: invalid arg 'x-max-length' for queue 'q' in vhost '/'",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document: object, sentence: str) -> None:
    assert refused(document).startswith(sentence)


@pytest.mark.parametrize("component", ["shovel", "federation-upstream", "federation-upstream-set"])
def test_parameters_of_plugins_that_are_not_there_are_passed_over(component: str) -> None:
    parameter = {"vhost": "/", "component": component, "name": "s", "value": {"uri": "amqp://"}}
    node, report = imported({"parameters": [parameter], "queues": [queue("q")]})
    assert list(node.vhosts["/"].parameters) == []
    assert list(node.vhosts["/"].queues) == ["q"]
    (skipped,) = report.skipped
    assert skipped.startswith(f"parameters[0]: {component} 's' in vhost '/' has no effect: there ")


def test_a_document_of_the_wrong_shape_changes_nothing() -> None:
    node = new_node()
    refused({"users": [{"name": "a"}], "queues": [queue("q"), queue("r", durable=1)]}, node)
    assert list(node.users.by_name) == ["guest"]
    assert node.vhosts["/"].queues == {}


def test_a_refusal_leaves_what_came_before() -> None:
    node = new_node()
    refused({"queues": [queue("q"), queue("r", arguments={"x-expires": 0}), queue("s")]}, node)
    assert list(node.vhosts["/"].queues) == ["q"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field(LONGSTR, "x"), "x"),
        (Field(BINARY, b"x\xff"), "x\udcff"),
        (Field(DECIMAL, (2, 314)), 3.14),
        (Field(TIMESTAMP, 5), 5),
        (Field(VOID, None), None),
    ],
)
def test_arguments_become_what_json_can_say(field: Field, value: object) -> None:
    assert json_of(field) == value
