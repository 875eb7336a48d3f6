"""leveret.broker.deaths"""

from leveret.broker.deaths import (
    EXPIRED,
    MAXLEN,
    REJECTED,
    DeadMessage,
    bury,
    is_cycle,
    keys_of,
)
from leveret.broker.message import Message, Origin
from leveret.broker.properties import NO_PROPERTIES, read_properties, with_headers
from leveret.tables import plain, table_of

DLX = Origin("dlx", "key")
# Expiration 7, and nothing else.
EXPIRING = read_properties(b"\x01\x00\x017")


def told(message: Message) -> dict[str, object]:
    return {name: plain(field) for name, field in message.properties.headers().items()}


def test_a_first_death_is_told() -> None:
    dead = bury(Message(Origin("x", "k"), EXPIRING, b"body"), "q", EXPIRED, 1234, DLX)
    assert (dead.origin, dead.body, dead.properties.expiration) == (DLX, b"body", None)
    entry = {
        "original-expiration": "7",
        "count": 1,
        "reason": "expired",
        "queue": "q",
        "time": 1234,
        "exchange": "x",
        "routing-keys": ["k"],
    }
    headers = told(dead)
    assert headers["x-death"] == [entry]
    assert list(headers["x-death"][0]) == list(entry)
    for when in ("first", "last"):
        assert headers[f"x-{when}-death-reason"] == "expired"
        assert headers[f"x-{when}-death-queue"] == "q"
        assert headers[f"x-{when}-death-exchange"] == "x"


def test_the_same_death_again_is_counted_and_comes_first() -> None:
    message: Message = Message(Origin("x", "k"), NO_PROPERTIES, b"")
    for second, (queue, reason) in enumerate((("q", REJECTED), ("r", MAXLEN), ("q", REJECTED))):
        message = bury(message, queue, reason, 100 + second, Origin("", f"to {second}"))
    assert isinstance(message, DeadMessage)
    deaths = [(d.queue, d.reason, d.count, d.unix_s, d.keys) for d in message.deaths]
    # The time and the keys are those of the first time.
    assert deaths == [("q", "rejected", 2, 100, ["k"]), ("r", "maxlen", 1, 101, ["to 0"])]
    assert told(message)["x-first-death-queue"] == "q"
    assert told(message)["x-last-death-queue"] == "q"


def test_headers_of_the_publisher_stay_but_are_not_believed() -> None:
    properties = with_headers(NO_PROPERTIES, table_of({"mine": 1, "x-death": "invented"}))
    dead = bury(Message(Origin("x", "k"), properties, b""), "q", REJECTED, 1, DLX)
    assert told(dead)["mine"] == 1
    assert [death.count for death in dead.deaths] == [1]


def test_copies_are_keys_too() -> None:
    properties = with_headers(NO_PROPERTIES, table_of({"CC": ["a", 5, "b"]}))
    assert keys_of(Message(Origin("x", "k"), properties, b"")) == ["k", "a", "b"]


def test_a_circle_is_one_only_while_nobody_has_a_hand_in_it() -> None:
    message: Message = Message(Origin("", "k"), NO_PROPERTIES, b"")
    assert not is_cycle(message, "a")
    message = bury(message, "a", EXPIRED, 1, DLX)
    assert is_cycle(message, "a")
    assert not is_cycle(message, "b")
    message = bury(message, "b", MAXLEN, 1, DLX)
    assert is_cycle(message, "a")
    message = bury(message, "c", REJECTED, 1, DLX)
    assert not is_cycle(message, "a")
