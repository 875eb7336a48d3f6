"""The handshake, octet by octet: header, login, tuning, opening."""

from typing import Any

import pytest
from tests.wire import HEADER, Wire, encode_table, method

import leveret

POLITE = {"capabilities": {"authentication_failure_close": True}}


def started(broker: leveret.Broker) -> Wire:
    wire = Wire(port=broker.port)
    wire.send_octets(HEADER)
    wire.start = wire.expect("connection.start")
    return wire


def logged_in(broker: leveret.Broker) -> Wire:
    wire = started(broker)
    wire.tune = login(wire, "\0guest\0guest")
    assert wire.tune.name == "connection.tune"
    return wire


def login(wire: Wire, response: str | bytes, mechanism: str = "PLAIN", **properties: Any) -> Any:
    values = {"mechanism": mechanism, "response": response, "locale": "en_US"}
    return wire.call("connection.start-ok", 0, client_properties=properties or POLITE, **values)


def test_the_broker_introduces_itself(broker: leveret.Broker) -> None:
    with started(broker) as wire:
        assert wire.start is not None
        assert (wire.start.version_major, wire.start.version_minor) == (0, 9)
        assert {"PLAIN", "AMQPLAIN"} <= set(wire.start.mechanisms.split())
        assert wire.start.locales == "en_US"
        assert {"product", "version", "platform", "capabilities"} <= set(
            wire.start.server_properties
        )


def test_the_capabilities_that_clients_look_for_are_offered(broker: leveret.Broker) -> None:
    with started(broker) as wire:
        assert wire.start is not None
        offered = wire.start.server_properties["capabilities"]
        for name in ("publisher_confirms", "exchange_exchange_bindings", "basic.nack"):
            assert offered[name] is True
        for name in ("consumer_cancel_notify", "consumer_priorities", "per_consumer_qos"):
            assert offered[name] is True
        for name in ("authentication_failure_close", "direct_reply_to"):
            assert offered[name] is True


def test_the_header_may_come_octet_by_octet(broker: leveret.Broker) -> None:
    with Wire(port=broker.port) as wire:
        for at in range(len(HEADER)):
            wire.send_octets(HEADER[at : at + 1])
        wire.expect("connection.start")


@pytest.mark.parametrize(
    "header",
    [
        b"HTTP/1.1",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"AMQP\0\0\x09\x02",
    ],
)
def test_another_protocol_is_told_what_is_spoken_here(
    broker: leveret.Broker, header: bytes
) -> None:
    with Wire(port=broker.port) as wire:
        wire.send_octets(header)
        answer = wire.read_octets(8)
        assert answer is not None and answer.startswith(b"AMQP")
        assert wire.read_octets(1) is None


def test_the_whole_handshake_may_come_in_one_piece(broker: leveret.Broker) -> None:
    values = {"mechanism": "PLAIN", "response": "\0guest\0guest", "locale": "en_US"}
    octets = HEADER + method(0, "connection.start-ok", client_properties=POLITE, **values)
    octets += method(0, "connection.tune-ok", channel_max=10, frame_max=8192)
    octets += method(0, "connection.open", virtual_host="/") + method(3, "channel.open")
    with Wire(port=broker.port) as wire:
        wire.send_octets(octets)
        for name in ("connection.start", "connection.tune", "connection.open-ok"):
            wire.expect(name)
        assert wire.expect("channel.open-ok").channel == 3


def test_tune_offers_the_settings() -> None:
    settings = {"channel_max": 7, "frame_max": 65536, "heartbeat_s": 13}
    with leveret.Broker(settings=settings) as broker, logged_in(broker) as wire:
        assert wire.tune is not None
        assert wire.tune.fields == {"channel_max": 7, "frame_max": 65536, "heartbeat": 13}


def test_amqplain_logs_in(broker: leveret.Broker) -> None:
    with started(broker) as wire:
        table = encode_table({"LOGIN": "guest", "PASSWORD": "guest"})[4:]
        assert login(wire, table, "AMQPLAIN").name == "connection.tune"


@pytest.mark.parametrize("response", ["\0guest\0wrong", "\0nobody\0guest", "\0guest\0"])
def test_a_wrong_password_is_refused_with_403(broker: leveret.Broker, response: str) -> None:
    with started(broker) as wire:
        refusal = login(wire, response)
        assert (refusal.name, refusal.reply_code) == ("connection.close", 403)
        assert refusal.reply_text == (
            "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
            " For details see the broker logfile."
        )
        assert (refusal.class_id, refusal.method_id) == (0, 0)


def test_a_client_that_cannot_be_told_of_a_wrong_password_is_cut_off(
    broker: leveret.Broker,
) -> None:
    with started(broker) as wire:
        wire.send(
            "connection.start-ok", 0, mechanism="PLAIN", response="\0guest\0wrong", locale="en_US"
        )
        assert wire.read() is None


def test_an_unknown_mechanism_is_refused_with_503(broker: leveret.Broker) -> None:
    with started(broker) as wire:
        refusal = login(wire, "", "NONSENSE")
        assert (refusal.name, refusal.reply_code) == ("connection.close", 503)
        assert "'NONSENSE'" in refusal.reply_text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"channel_max": 2048},
            "channel_max = 2048 is higher than the maximum allowed value (2047)",
        ),
        ({"channel_max": 0}, "(no limit) is higher than the maximum allowed value (2047)"),
        ({"frame_max": 131073}, "frame_max = 131073 is higher than the maximum allowed value"),
        ({"frame_max": 0}, "frame_max = 0 (no limit) is higher than the maximum allowed value"),
        ({"frame_max": 100}, "frame_max = 100 is lower than the minimum allowed value"),
    ],
)
def test_tuning_beyond_the_limits_is_refused_with_530(
    broker: leveret.Broker, values: dict[str, int], words: str
) -> None:
    with logged_in(broker) as wire:
        wire.send("connection.tune-ok", 0, **{"channel_max": 10, "frame_max": 131072} | values)
        refusal = wire.expect("connection.close")
        assert refusal.reply_code == 530
        assert words in refusal.reply_text


def test_an_unknown_vhost_is_refused_with_530(broker: leveret.Broker) -> None:
    with Wire(port=broker.port) as wire:
        refusal = wire.open(vhost="nowhere")
        assert (refusal.name, refusal.reply_code) == ("connection.close", 530)
        assert refusal.reply_text == "NOT_ALLOWED - vhost nowhere not found"
        assert (refusal.class_id, refusal.method_id) == (10, 40)


def test_channels_beyond_the_tuned_maximum_are_refused(broker: leveret.Broker) -> None:
    with Wire(port=broker.port) as wire:
        wire.open(tune={"channel_max": 2}, channels=(1, 2))
        refusal = wire.call("channel.open", 3)
        assert (refusal.name, refusal.reply_code) == ("connection.close", 530)


def test_who_does_not_finish_the_handshake_is_cut_off_in_time() -> None:
    with (
        leveret.Broker(settings={"handshake_timeout_ms": 500}) as broker,
        Wire(port=broker.port, timeout=5) as silent,
        started(broker) as slow,
    ):
        assert silent.read_octets(1) is None
        assert slow.read() is None


def test_who_finished_the_handshake_is_not_cut_off() -> None:
    with (
        leveret.Broker(settings={"handshake_timeout_ms": 500}) as broker,
        Wire(port=broker.port) as wire,
    ):
        wire.open()
        assert wire.read_all(1.5) == []
        assert wire.call("basic.qos").name == "basic.qos-ok"
