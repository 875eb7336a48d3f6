"""leveret.mqtt.connect: who is let in, to which vhost, and what CONNACK says."""

import pytest
from tests import mqtt_wire
from tests.fakes import new_node
from tests.mqtt_talk import MqttTalk

from leveret.auth.permissions import Permission, TopicPermission
from leveret.broker.node import Node
from leveret.session import Peer, TlsFacts

VERSIONS = (3, 4, 5)


def node_with_users(**settings: object) -> Node:
    """With the vhosts a and a:b, and dora, who may enter both."""
    node = new_node(**settings)
    dora = node.users.add("dora", "secret", [])
    for name in ("a", "a:b"):
        node.add_vhost(name)
        dora.grant(name, Permission(".*", ".*", ".*"))
    return node


def vhosts(node: Node) -> list[str]:
    """Those that the open connections are in."""
    return [link.vhost for link in node.connections.by_id.values()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("user", "password", "codes"),
    [
        ("guest", "wrong", (4, 4, 0x86)),
        ("nobody", "guest", (4, 4, 0x86)),
        ("nowhere:guest", "guest", (4, 4, 0x86)),
        ("guest", b"\xff", (4, 4, 0x86)),
        ("dora", "secret", (5, 5, 0x87)),
    ],
)
def test_who_is_not_let_in_is_told_why(
    version: int, user: str, password: str, codes: tuple[int, int, int]
) -> None:
    talk = MqttTalk(node_with_users(), version)
    assert talk.connect("a", user=user, password=password).reason == codes[version - 3]
    assert talk.session.closed
    assert vhosts(talk.node) == []


def test_a_stranger_does_not_learn_who_is_known() -> None:
    node = node_with_users()
    said = [
        MqttTalk(node, 5).connect("a", user=user, password="wrong").props["reason_string"]
        for user in ("guest", "nobody", "a:dora", "nowhere:dora")
    ]
    assert said == ["login refused"] * 4


def test_a_user_name_needs_a_password() -> None:
    assert MqttTalk().connect("a", user="guest").reason == 4
    assert MqttTalk(version=5).connect("a", password="guest").reason == 0x86


def test_the_vhost_stands_before_the_last_colon_of_the_user_name() -> None:
    node = node_with_users()
    MqttTalk(node).open("1", user="a:dora", password="secret")
    MqttTalk(node).open("2", user="a:b:dora", password="secret")
    MqttTalk(node).open("3", user="guest", password="guest")
    assert vhosts(node) == ["a", "a:b", "/"]


def test_the_port_may_choose_the_vhost() -> None:
    node = node_with_users()
    node.global_parameters.set("mqtt_port_to_vhost_mapping", {"1884": "a"})
    for port in (1883, 1884):
        peer = Peer("127.0.0.1", 50000, "127.0.0.1", port)
        user, password = ("dora", "secret") if port == 1884 else ("guest", "guest")
        MqttTalk(node, peer=peer).open(f"{port}", user=user, password=password)
    assert vhosts(node) == ["/", "a"]


def test_the_settings_may_choose_the_vhost() -> None:
    node = node_with_users(mqtt_vhost="a")
    MqttTalk(node).open("1", user="dora", password="secret")
    assert vhosts(node) == ["a"]


def test_nobody_is_guest() -> None:
    talk = MqttTalk().open("a")
    (link,) = talk.node.connections.by_id.values()
    assert (link.user.name, link.protocol) == ("guest", "MQTT 3-1-1")


def test_nobody_may_be_somebody_else_or_not_be_let_in() -> None:
    node = node_with_users(mqtt_default_user="a:dora", mqtt_default_pass="secret")
    MqttTalk(node).open("a")
    assert vhosts(node) == ["a"]
    assert MqttTalk(new_node(mqtt_allow_anonymous=False)).connect("a").reason == 4
    assert MqttTalk(new_node(anonymous_login_user="none")).connect("a").reason == 4


def test_limits_of_vhosts_and_users() -> None:
    node = new_node()
    node.vhosts["/"].limits.set("max-connections", 1)
    MqttTalk(node).open("a")
    assert MqttTalk(node).connect("b").reason == 3
    assert MqttTalk(node, 5).connect("b").reason == 0x97
    node.vhosts["/"].limits.clear()
    node.users.by_name["guest"].limits["max-connections"] = 1
    assert MqttTalk(node, 5).connect("b").reason == 0x97


def test_the_same_client_that_comes_back_counts_once() -> None:
    node = new_node()
    MqttTalk(node).open("a")
    MqttTalk(node).open("a")
    assert vhosts(node) == ["/"]


# --- client identifiers ----------------------------------------------------------------------


def test_a_client_without_an_identifier_is_given_one() -> None:
    node = new_node()
    found = MqttTalk(node, 5).connect("")
    assert len(found.props["assigned_client_identifier"]) == 22
    assert "assigned_client_identifier" not in MqttTalk(node, 5).connect("own").props
    for version in (3, 4):
        MqttTalk(node, version).open("")
    assert len(vhosts(node)) == 4


def test_a_session_that_is_kept_needs_an_identifier_before_mqtt_5() -> None:
    for version in (3, 4):
        assert MqttTalk(version=version).connect("", clean=False).reason == 2


def test_an_identifier_must_fit_into_the_name_of_a_queue() -> None:
    assert MqttTalk().connect("x" * 234).reason == 2
    talk = MqttTalk().open("x" * 233)
    assert talk.subscribe("a", "b", qos=1) == [1, 1]


# --- certificates ----------------------------------------------------------------------------


def certified(subject: str, names: list[tuple[str, str]]) -> Peer:
    facts = TlsFacts("TLSv1.3", "AES")
    facts.is_verified = True
    facts.subject = subject
    facts.alternative_names = names
    return Peer("127.0.0.1", 50000, "127.0.0.1", 8883, facts)


def test_a_certificate_says_who_somebody_is() -> None:
    node = new_node(mqtt_ssl_cert_login=True)
    node.users.add("CN=dora", None, [])
    node.users.by_name["CN=dora"].grant("/", Permission(".*", ".*", ".*"))
    MqttTalk(node, peer=certified("CN=dora", [])).open("a")
    # Who gives a name and a password is who that says.
    MqttTalk(node, peer=certified("CN=dora", [])).open("b", user="guest", password="guest")
    assert MqttTalk(node, peer=certified("CN=other", [])).connect("c").reason == 4
    names = [link.user.name for link in node.connections.by_id.values()]
    assert names == ["CN=dora", "guest"]


def test_a_certificate_may_choose_the_vhost() -> None:
    node = node_with_users(mqtt_ssl_cert_login=True)
    node.global_parameters.set("mqtt_default_vhosts", {"dora": "a"})
    MqttTalk(node, peer=certified("dora", [])).open("1")
    assert vhosts(node) == ["a"]


def test_a_certificate_may_have_the_client_identifier() -> None:
    node = new_node(mqtt_ssl_cert_client_id_from="subject_alternative_name")
    peer = certified("CN=x", [("email", "e"), ("dns", "device-1")])
    talk = MqttTalk(node, peer=peer).open("")
    assert talk.subscribe("a") == [0]
    assert "mqtt-subscription-device-1qos0" in node.vhosts["/"].queues
    assert MqttTalk(node, peer=peer).connect("device-2").reason == 2
    assert MqttTalk(node, 5, certified("CN=x", [])).connect("device-1").reason == 0x85
    node = new_node(mqtt_ssl_cert_client_id_from="distinguished_name")
    MqttTalk(node, peer=certified("CN=x", [])).open("CN=x")


# --- CONNACK ---------------------------------------------------------------------------------


def test_what_connack_says() -> None:
    found = MqttTalk(version=5).connect("a")
    assert found.props == {"maximum_packet_size": 16_777_216, "topic_alias_maximum": 16}
    node = new_node(mqtt_topic_alias_maximum=0, mqtt_retained_store="none")
    found = MqttTalk(node, 5).connect("a")
    assert found.props == {"maximum_packet_size": 16_777_216, "retain_available": 0}


def test_the_session_expiry_has_a_limit() -> None:
    node = new_node(mqtt_max_session_expiry_interval_s=100)
    found = MqttTalk(node, 5).connect("a", props={"session_expiry": 101})
    assert found.props["session_expiry"] == 100
    assert "session_expiry" not in MqttTalk(node, 5).connect("a", props={"session_expiry": 9}).props
    talk = MqttTalk(new_node(mqtt_max_session_expiry_interval_s=0xFFFFFFFF), 5)
    assert "session_expiry" not in talk.connect("a", props={"session_expiry": 0xFFFFFFFF}).props
    talk.subscribe("a")
    assert "x-expires" not in talk.node.vhosts["/"].queues["mqtt-subscription-aqos0"].arguments


# --- permissions -----------------------------------------------------------------------------


def limited(configure: str, write: str, read: str, **settings: object) -> Node:
    node = new_node(**settings)
    node.users.by_name["guest"].grant("/", Permission(configure, write, read))
    return node


QUEUE = "mqtt-subscription-.*"


@pytest.mark.parametrize(
    ("configure", "write", "read"),
    [("", ".*", ".*"), (".*", "amq.topic", ".*"), (".*", ".*", QUEUE), (".*", ".*", "amq.topic")],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_to_subscribe_takes_all_rights(version: int, configure: str, write: str, read: str) -> None:
    talk = MqttTalk(limited(configure, write, read), version).open("a")
    talk.feed(subscribe(version))
    found = [(p.kind, p.codes, p.reason) for p in talk.read()]
    expected: dict[int, list[object]] = {
        3: [],
        4: [("SUBACK", [0x80], None)],
        5: [("SUBACK", [0x87], None), ("DISCONNECT", [], 0x87)],
    }
    assert found == expected[version]
    assert talk.session.closed


def subscribe(version: int) -> bytes:
    return mqtt_wire.subscribe([("a", 1)], 1, version)


def test_subscribing_needs_no_more_than_these() -> None:
    talk = MqttTalk(limited(QUEUE, f"{QUEUE}|amq.topic", f"{QUEUE}|amq.topic")).open("a")
    assert talk.subscribe("a", qos=1) == [1]
    talk.publish("a", b"x", qos=1)
    assert talk.bodies() == [b"x"]


@pytest.mark.parametrize("qos", (0, 1, 2))
@pytest.mark.parametrize("version", VERSIONS)
def test_who_publishes_what_it_may_not_is_cut_off(version: int, qos: int) -> None:
    talk = MqttTalk(limited(".*", "", ".*"), version).open("a")
    talk.publish("a", b"x", qos=qos)
    assert [p.reason for p in talk.read()] == ([0x87] if version == 5 else [])
    assert talk.session.closed


def test_or_told_so_if_the_settings_want_that() -> None:
    node = limited(".*", "", ".*", mqtt_disconnect_on_unauthorized=False)
    talk = MqttTalk(node, 5).open("a")
    talk.publish("a", b"x", qos=0)
    talk.publish("a", b"x", qos=1, packet_id=1)
    talk.publish("a", b"x", qos=2, packet_id=2)
    assert [(p.kind, p.reason) for p in talk.read()] == [("PUBACK", 0x87), ("PUBREC", 0x87)]
    assert not talk.session.closed


def test_topics_have_rights_of_their_own() -> None:
    node = new_node()
    words = r"^{username}\..*\.{client_id}\."
    node.users.by_name["guest"].grant_topic("/", "amq.topic", TopicPermission(words, words))
    talk = MqttTalk(node, 5).open("me")
    assert talk.subscribe("guest/x/me/#", qos=1) == [1]
    talk.publish("guest/x/me/x", b"x", qos=1)
    assert talk.bodies() == [b"x"]
    talk.publish("guest/x/you/x", b"x", qos=1)
    assert [p.reason for p in talk.read()] == [0x87]
    talk = MqttTalk(node, 5).open("me")
    talk.feed(subscribe(5))
    assert [p.codes for p in talk.read()] == [[0x87], []]


# --- reasons in words ------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", (0, 1))
def test_refusals_are_told_in_words_to_who_wants_them(wanted: int) -> None:
    node = limited(".*", "mqtt.*", ".*", mqtt_disconnect_on_unauthorized=False)
    talk = MqttTalk(node, 5).open("a", props={"request_problem_information": wanted})
    talk.publish("a", b"x", qos=1)
    talk.feed(mqtt_wire.subscribe([("a#", 0)], 1, 5))
    talk.feed(mqtt_wire.unsubscribe(["b#"], 1, 5))
    talk.session.shut("go away")
    words = [p.props.get("reason_string", "") for p in talk.read()]
    expected = [
        "write access to exchange 'amq.topic' in vhost '/' refused for user 'guest'",
        "'a#' is no filter: '+' must stand for a whole level, '#' for all levels at the end",
        "'b#' is no filter: '+' must stand for a whole level, '#' for all levels at the end",
    ]
    assert words == [*(expected if wanted else [""] * 3), "go away"]


def test_words_that_do_not_fit_are_left_out() -> None:
    node = limited(".*", "mqtt.*", ".*", mqtt_disconnect_on_unauthorized=False)
    talk = MqttTalk(node, 5).open("a", props={"maximum_packet_size": 60})
    talk.publish("a", b"x", qos=1)
    talk.session.shut("x" * 200)
    assert [(p.kind, p.props) for p in talk.read()] == [("PUBACK", {}), ("DISCONNECT", {})]
