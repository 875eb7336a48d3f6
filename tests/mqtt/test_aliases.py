"""leveret.mqtt.aliases: numbers that stand for topics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.mqtt.aliases import AliasesIn, AliasesOut
from leveret.mqtt.codes import PROTOCOL_ERROR, TOPIC_ALIAS_INVALID, MqttFault


def test_a_topic_is_remembered_for_its_alias() -> None:
    aliases = AliasesIn(16)
    assert aliases.topic(16, b"a/b") == b"a/b"
    assert aliases.topic(1, b"c") == b"c"
    assert aliases.topic(16, b"") == b"a/b"
    assert aliases.topic(16, b"new") == b"new"
    assert aliases.topic(16, b"") == b"new"


def test_an_alias_that_is_too_large_is_refused() -> None:
    for maximum, alias in ((16, 17), (0, 1)):
        with pytest.raises(MqttFault) as caught:
            AliasesIn(maximum).topic(alias, b"a")
        assert caught.value.reason == TOPIC_ALIAS_INVALID


def test_an_alias_that_stands_for_nothing_is_refused() -> None:
    with pytest.raises(MqttFault) as caught:
        AliasesIn(16).topic(3, b"")
    assert caught.value.reason == PROTOCOL_ERROR


@given(
    st.integers(1, 5), st.lists(st.sampled_from([b"top/%d" % n for n in range(8)]), max_size=200)
)
def test_the_client_always_knows_what_an_alias_stands_for(
    maximum: int, topics: list[bytes]
) -> None:
    aliases, client = AliasesOut(maximum), AliasesIn(maximum)
    for topic in topics:
        alias = aliases.alias(topic)
        if alias:
            assert client.topic(alias, topic if aliases.is_new else b"") == topic


def test_who_takes_no_aliases_gets_none() -> None:
    assert AliasesOut(0).alias(b"topic") == 0


def test_a_short_topic_is_not_worth_an_alias() -> None:
    assert AliasesOut(9).alias(b"a/b") == 0


def test_an_alias_is_told_once() -> None:
    aliases = AliasesOut(2)
    assert (aliases.alias(b"topic"), aliases.is_new) == (1, True)
    assert (aliases.alias(b"topic"), aliases.is_new) == (1, False)


def test_topics_that_come_once_do_not_drive_out_the_others() -> None:
    aliases = AliasesOut(1)
    assert aliases.alias(b"often") == 1
    for number in range(10):
        assert aliases.alias(b"once/%d" % number) == 0
        assert (aliases.alias(b"often"), aliases.is_new) == (1, False)


def test_a_topic_that_comes_again_takes_the_alias_used_least_lately() -> None:
    aliases = AliasesOut(2)
    assert (aliases.alias(b"first"), aliases.alias(b"second"), aliases.alias(b"first")) == (1, 2, 1)
    assert aliases.alias(b"third") == 0
    assert (aliases.alias(b"third"), aliases.is_new) == (2, True)
    assert aliases.alias(b"second") == 0


def test_an_alias_that_was_not_sent_is_new_again() -> None:
    aliases = AliasesOut(2)
    assert aliases.alias(b"topic") == 1
    aliases.forget(b"topic")
    assert (aliases.alias(b"topic"), aliases.is_new) == (1, True)
    aliases.alias(b"other")
    aliases.forget(b"topic")
    assert (aliases.alias(b"third"), aliases.is_new) == (1, True)
    assert (aliases.alias(b"other"), aliases.is_new) == (2, False)
