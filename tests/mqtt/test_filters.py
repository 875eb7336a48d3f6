"""leveret.mqtt.filters: topics and topic filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.broker.exchange import Binding
from leveret.broker.message import MAX_KEY_OCTETS
from leveret.broker.properties import NO_PROPERTIES
from leveret.broker.topic import TopicExchange
from leveret.broker.wishes import ExchangeWish
from leveret.mqtt.codes import TOPIC_FILTER_INVALID, TOPIC_NAME_INVALID, MqttFault
from leveret.mqtt.filters import matches, read_filter, routing_key, topic_of
from leveret.mqtt.packets import topic_name

level = st.sampled_from(["a", "b", "", "$a", "é"])
topics = st.lists(level, min_size=1, max_size=5).map("/".join).filter(bool)
filters = st.builds(
    lambda levels, more: "/".join([*levels, *(["#"] if more else [])]),
    st.lists(st.one_of(level, st.just("+")), max_size=5),
    st.booleans(),
).filter(bool)

# From MQTT 5.0, section 4.7, and what mosquitto's own tests ask.
CASES = [
    ("sport/tennis/player1/#", "sport/tennis/player1", True),
    ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
    ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
    ("sport/#", "sport", True),
    ("sport/tennis/+", "sport/tennis/player1", True),
    ("sport/tennis/+", "sport/tennis/player1/ranking", False),
    ("sport/+", "sport", False),
    ("sport/+", "sport/", True),
    ("+/+", "/finance", True),
    ("/+", "/finance", True),
    ("+", "/finance", False),
    ("#", "a/b", True),
    ("#", "$SYS/a", False),
    ("+/monitor/Clients", "$SYS/monitor/Clients", False),
    ("$SYS/#", "$SYS/", True),
    ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
    ("a/+/+/e", "a//c/e", True),
    ("a/b", "a/B", False),
    ("a/$b", "a/$b", True),
    ("a/+", "a/$b", True),
]


@pytest.mark.parametrize(("topic_filter", "topic", "does"), CASES)
def test_a_filter_matches_what_it_should(topic_filter: str, topic: str, does: bool) -> None:
    assert matches(topic_filter, topic) is does
    assert read_filter(topic_filter).matches(topic) is does


@given(filters, topics)
def test_the_exchange_agrees_about_what_matches(topic_filter: str, topic: str) -> None:
    """But for topics that begin with a dollar, which wildcards do not match in MQTT."""
    exchange = TopicExchange(ExchangeWish("x", "topic", True, False, False, {}))
    pattern = read_filter(topic_filter).key
    found = _matching(exchange, pattern, routing_key(topic))
    hides = topic.startswith("$") and topic_filter[0] in "+#"
    assert matches(topic_filter, topic) == (found and not hides)


def _matching(exchange: TopicExchange, pattern: str, key: str) -> bool:
    binding = Binding(exchange, None, exchange, pattern, {})
    exchange.added(binding)
    return bool(exchange.matches(key, NO_PROPERTIES))


@pytest.mark.parametrize(
    "wrong",
    [
        "x" * 256,
        "é" * 128,
        "",
        "a+",
        "a/+b",
        "a#",
        "#/a",
        "a/#/b",
        "##",
        "++",
        "+a/b",
        "a/b#",
        "a/#/",
    ],
)
def test_a_wrong_filter_is_refused(wrong: str) -> None:
    for text in (wrong, f"$share/g/{wrong}"):
        with pytest.raises(MqttFault) as caught:
            read_filter(text)
        assert caught.value.reason == TOPIC_FILTER_INVALID


@pytest.mark.parametrize("fine", ["a", "/", "//", "+", "#", "+/+/#", "a//#", "$SYS/+", "a b/ü"])
def test_a_filter_that_is_fine_is_taken(fine: str) -> None:
    found = read_filter(fine)
    assert (found.text, found.filter, found.group) == (fine, fine, "")
    assert not found.is_shared


# --- shared ----------------------------------------------------------------------------------


def test_a_group_shares_a_filter() -> None:
    found = read_filter("$share/consumers/sport/+/#")
    assert (found.group, found.filter, found.key) == ("consumers", "sport/+/#", "sport.*.#")
    assert found.is_shared and found.has_wildcards
    assert found.queue_name == "mqtt-shared-consumers/sport/+/#"


def test_a_shared_filter_may_begin_with_a_slash() -> None:
    assert read_filter("$share/g//a").filter == "/a"


@pytest.mark.parametrize("wrong", ["$share/", "$share/g", "$share//a", "$share/g+/a", "$share/#/a"])
def test_a_wrong_group_is_refused(wrong: str) -> None:
    with pytest.raises(MqttFault) as caught:
        read_filter(wrong)
    assert caught.value.reason == TOPIC_FILTER_INVALID


def test_what_only_begins_like_a_shared_filter_is_a_common_one() -> None:
    assert read_filter("$share").group == ""
    assert read_filter("$shared/g/a").filter == "$shared/g/a"


def test_groups_and_filters_never_share_a_queue_by_accident() -> None:
    names = {read_filter(f"$share/{each}").queue_name for each in ("a/b/c", "a-b/c", "a/b-c")}
    assert len(names) == 3


def test_a_long_shared_filter_has_a_queue_with_a_short_name() -> None:
    first = read_filter("$share/g/" + "x" * 250)
    second = read_filter("$share/g/" + "x" * 251)
    read_filter("x" * 255)
    assert len(first.queue_name.encode()) <= MAX_KEY_OCTETS
    assert first.queue_name != second.queue_name


# --- routing keys ----------------------------------------------------------------------------


@given(topics)
def test_a_topic_comes_back_from_its_routing_key(topic: str) -> None:
    assert topic_of(routing_key(topic)).decode() == topic


def test_a_dot_is_a_slash() -> None:
    assert routing_key("a.b/c") == routing_key("a/b.c") == "a.b.c"
    assert topic_of("a.b.c") == b"a/b/c"
    assert matches("a.+", "a/b") and matches("a/b", "a.b")


def test_a_topic_that_is_too_long_for_amqp_is_refused() -> None:
    assert len(routing_key("x" * 255)) == 255
    for topic in ("x" * 256, "é" * 128):
        with pytest.raises(MqttFault) as caught:
            routing_key(topic)
        assert caught.value.reason == TOPIC_NAME_INVALID


@given(st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_the_routing_key_the_topic_is_a_valid_one(octets: bytes) -> None:
    key = octets.decode("utf-8", "surrogateescape")
    topic_name(topic_of(key))


def test_what_no_topic_may_hold_is_replaced() -> None:
    assert topic_of("a.#.+.\0.*") == b"a/_/_/_/*"
    assert topic_of("a\udcff.é") == "a_/é".encode()
