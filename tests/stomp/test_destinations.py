"""leveret.stomp.destinations"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.stomp.destinations import (
    AMQ_QUEUE,
    EXCHANGE,
    QUEUE,
    REPLY_QUEUE,
    TEMP_QUEUE,
    TOPIC,
    read_destination,
    shown_destination,
    shown_reply_to,
)
from leveret.stomp.faults import StompFault


def parts(text: str, topics: str = "amq.topic") -> tuple[str, str, str]:
    found = read_destination(text, topics)
    return found.kind, found.exchange, found.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/queue/a", (QUEUE, "", "a")),
        ("/queue/a%2Fb%41", (QUEUE, "", "a/b%41")),
        ("plain name", (QUEUE, "", "plain name")),
        ("/amq/queue/a", (AMQ_QUEUE, "", "a")),
        ("/reply-queue/a/b%2F", (REPLY_QUEUE, "", "a/b%2F")),
        ("/topic/a.b", (TOPIC, "amq.topic", "a.b")),
        ("/exchange/x", (EXCHANGE, "x", "")),
        ("/exchange/x/", (EXCHANGE, "x", "")),
        ("/exchange/x%2Fy/k%2F", (EXCHANGE, "x/y", "k/")),
        ("/temp-queue/a", (TEMP_QUEUE, "", "a")),
    ],
)
def test_a_destination_names_an_exchange_and_a_key_or_queue(
    text: str, expected: tuple[str, str, str]
) -> None:
    assert parts(text) == expected


def test_topics_may_go_to_another_exchange() -> None:
    assert parts("/topic/k", "news") == (TOPIC, "news", "k")
    assert parts("/exchange/amq.topic/k", "news") == (EXCHANGE, "news", "k")
    assert parts("/exchange/x/k", "news") == (EXCHANGE, "x", "k")


@pytest.mark.parametrize(
    ("text", "message", "detail"),
    [
        ("", "Invalid destination", "Destination cannot be blank"),
        ("/queue", "Invalid destination", "'' is not a valid queue destination\n"),
        ("/queue/", "Invalid destination", "'/' is not a valid queue destination\n"),
        ("/queue/a/b", "Invalid destination", "'/a/b' is not a valid queue destination\n"),
        ("/topic/a/b", "Invalid destination", "'/a/b' is not a valid topic destination\n"),
        ("/amq/queue", "Invalid destination", "'' is not a valid amqqueue destination\n"),
        ("/temp-queue/", "Invalid destination", "'/' is not a valid temp_queue destination\n"),
        ("/exchange", "Invalid destination", "'' is not a valid exchange destination\n"),
        ("/exchange/", "Invalid destination", "'/' is not a valid exchange destination\n"),
        (
            "/exchange/a/b/c",
            "Invalid destination",
            "'/a/b/c' is not a valid exchange destination\n",
        ),
    ],
)
def test_what_no_destination_can_be_is_refused(text: str, message: str, detail: str) -> None:
    with pytest.raises(StompFault) as caught:
        read_destination(text, "amq.topic")
    assert (caught.value.message, caught.value.detail) == (message, detail)


@pytest.mark.parametrize("text", ["/foo/bar", "//", "/queues/a", "/", "/amq/queues/a", "a/b"])
def test_unknown_destinations_are_told_which_there_are(text: str) -> None:
    with pytest.raises(StompFault) as caught:
        read_destination(text, "amq.topic")
    assert caught.value.message == "Unknown destination"
    assert caught.value.detail == (
        f"'{text}' is not a valid destination.\nValid destination types are: "
        "/temp-queue, /exchange, /topic, /queue, /amq/queue, /reply-queue/.\n"
    )


@pytest.mark.parametrize(
    ("exchange", "key", "expected"),
    [
        ("", "a/b", "/queue/a%2Fb"),
        ("amq.topic", "a.b", "/topic/a.b"),
        ("x", "", "/exchange/x"),
        ("ex/1", "a b%é\n", "/exchange/ex%2F1/a b%25%C3%A9%0A"),
    ],
)
def test_a_message_shows_where_it_was_sent_to(exchange: str, key: str, expected: str) -> None:
    assert shown_destination(exchange, key) == expected


def test_a_reply_to_becomes_a_destination() -> None:
    assert shown_reply_to("amq.gen-1") == "/reply-queue/amq.gen-1"
    assert shown_reply_to("/queue/a") == "/queue/a"


@given(st.text(st.characters(codec="ascii", exclude_characters="%"), min_size=1))
def test_what_is_shown_of_a_queue_leads_back_to_it(name: str) -> None:
    if name.isprintable():
        assert parts(shown_destination("", name)) == (QUEUE, "", name)


@given(st.text(max_size=40))
def test_any_text_is_a_destination_or_refused(text: str) -> None:
    try:
        read_destination(text, "amq.topic")
    except StompFault as fault:
        assert "destination" in fault.message
