"""leveret.mqtt.subscriptions: which of them a message is for, and their options as arguments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.mqtt.filters import matches, read_filter
from leveret.mqtt.subscriptions import Subscription, Subscriptions, read_subscription

level = st.sampled_from(["a", "b", "", "$a"])
topics = st.lists(level, min_size=1, max_size=4).map("/".join).filter(bool)
filters = st.builds(
    lambda levels, more: "/".join([*levels, *(["#"] if more else [])]),
    st.lists(st.one_of(level, st.just("+")), max_size=4),
    st.booleans(),
).filter(bool)


@given(st.lists(filters, max_size=8, unique=True), st.lists(filters, max_size=4), topics)
def test_the_trie_finds_what_matches(kept: list[str], gone: list[str], topic: str) -> None:
    found = Subscriptions()
    for text in [*gone, *kept]:
        found.add(Subscription(read_filter(text).key, 0))
    for text in gone:
        if text not in kept:
            found.remove(read_filter(text).key)
    keys = sorted(each.key for each in found.matching(topic.replace("/", ".")))
    assert keys == sorted(read_filter(text).key for text in kept if matches(text, topic))


@pytest.mark.parametrize("qos", (0, 1, 2))
@pytest.mark.parametrize("no_local", (False, True))
@pytest.mark.parametrize("retain", (False, True))
@pytest.mark.parametrize("identifier", (0, 268_435_455))
def test_the_options_survive_as_arguments(
    qos: int, no_local: bool, retain: bool, identifier: int
) -> None:
    one = Subscription("a.#", qos, no_local, retain, identifier)
    again = read_subscription("a.#", one.arguments(), min(qos, 1))
    assert (again.qos, again.is_no_local) == (qos, no_local)
    assert (again.is_retain_as_published, again.identifier) == (retain, identifier)


def test_plain_ones_need_no_arguments() -> None:
    assert Subscription("a", 0).arguments() == Subscription("a", 1).arguments() == {}


def test_the_highest_qos_and_all_identifiers_count() -> None:
    both = Subscriptions()
    both.add(Subscription("a.*", 2, False, False, 5))
    both.add(Subscription("#", 0, False, True, 6))
    verdict = both.verdict("a.b", False)
    assert (verdict.qos, verdict.is_retain_as_published) == (2, True)
    assert verdict.identifiers in (b"\x0b\x05\x0b\x06", b"\x0b\x06\x0b\x05")
    both.remove("a.*")
    assert both.verdict("a.b", False).qos == 0


def test_no_local_is_for_each_subscription() -> None:
    both = Subscriptions()
    both.add(Subscription("a", 1, True))
    assert both.verdict("a", False).is_wanted
    assert not both.verdict("a", True).is_wanted
    both.add(Subscription("#", 0))
    assert (both.verdict("a", True).is_wanted, both.verdict("a", True).qos) == (True, 0)


def test_whether_any_needs_a_look() -> None:
    found = Subscriptions()
    assert found.is_plain
    found.add(Subscription("a", 0))
    assert found.is_plain
    for other in (
        Subscription("b", 1),
        Subscription("b", 0, True),
        Subscription("b", 0, False, True),
        Subscription("b", 0, False, False, 1),
    ):
        found.add(other)
        assert not found.is_plain
        found.remove("b")
        assert found.is_plain
