"""leveret.perf.amqp.settings and leveret.perf.address"""

import pytest

from leveret.perf.address import AMQP, read_address
from leveret.perf.amqp.settings import FANOUT, ROUND_ROBIN, AmqpSettings
from leveret.perf.faults import BadSetting


def settings(**changed: object) -> AmqpSettings:
    made = AmqpSettings()
    for name, value in changed.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"ack_every": 100, "prefetch": 10}, "wait for ever"),
        ({"verify": True, "size": 15}, "--size 16"),
        ({"verify": True, "stamp": False}, "--no-latency"),
        ({"verify": True, "consumers": 0}, "needs consumers"),
        ({"verify": True, "queues": 2, "routing_key": "k"}, "--routing-key"),
        ({"warmup": 5.0, "duration": 5.0}, "--warmup"),
        ({"publishers": 0, "consumers": 0}, "nothing to do"),
        ({"publishers": 0}, "a queue made up for the run stays empty"),
        ({"queues": 0}, "--queues"),
        ({"existing": True}, "--queue"),
        ({"publishers": 3000, "queues": 3000}, "four million"),
    ],
)
def test_what_cannot_work_is_refused(changed: dict[str, object], word: str) -> None:
    with pytest.raises(BadSetting, match=word):
        settings(**changed).check()


@pytest.mark.parametrize("named", [{"queue": "q"}, {"exchange": "e"}])
def test_consuming_only_is_for_what_others_publish(named: dict[str, object]) -> None:
    settings(publishers=0, **named).check()


def test_counts_follow_the_pattern() -> None:
    own, turns, fan = (
        settings(publishers=2, consumers=3, queues=5, pattern=pattern)
        for pattern in ("own", ROUND_ROBIN, FANOUT)
    )
    assert (own.publisher_count, own.consumer_count, own.fan) == (10, 15, 1)
    assert (turns.publisher_count, turns.consumer_count, turns.fan) == (2, 15, 1)
    assert (fan.publisher_count, fan.consumer_count, fan.fan) == (2, 15, 5)


def test_a_url_is_taken_apart() -> None:
    address = read_address("amqp://me%40home:p%2Fw@example.org:1234/a%2Fb", AMQP)
    assert (address.user, address.password, address.vhost) == ("me@home", "p/w", "a/b")
    assert (address.place, address.secure) == ("example.org:1234", False)


def test_what_a_url_leaves_out_has_the_usual_values() -> None:
    address = read_address("amqp://example.org", AMQP)
    assert (address.user, address.password, address.vhost) == ("guest", "guest", "/")
    assert address.port == 5672
    assert read_address("amqps://example.org/", AMQP).port == 5671
    assert read_address("amqp://example.org/", AMQP).vhost == ""
    assert read_address("amqp://[::1]:5/%2F", AMQP).place == "[::1]:5"


@pytest.mark.parametrize("url", ["localhost:5672", "http://localhost", "amqp://h:99999", ""])
def test_a_wrong_url_is_named(url: str) -> None:
    with pytest.raises(BadSetting, match="--url"):
        read_address(url, AMQP)
