"""What is there again when a broker with a folder starts: definitions, messages, their marks."""

import asyncio
import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pika
import pytest
from tests.wire import Typed, Wire

import leveret
from leveret.auth.permissions import Permission, TopicPermission
from leveret.broker.definition_export import export_definitions
from leveret.broker.definitions import import_definitions
from leveret.broker.node import Node
from leveret.config.faults import ConfigError
from leveret.vault import VaultError

PERSISTENT = pika.BasicProperties(delivery_mode=2)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[leveret.Broker]:
    """One that keeps what is durable."""
    broker = leveret.Broker(data_dir=tmp_path / "data")
    yield broker
    stop(broker)


CONNECTIONS: list[Any] = []


def channel_of(broker: leveret.Broker) -> Any:
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    CONNECTIONS.append(connection)
    channel = connection.channel()
    channel.confirm_delivery()
    return channel


def stop(broker: leveret.Broker) -> None:
    """Stop it, and let the clients see that: only then do they close their sockets."""
    broker.stop()
    while CONNECTIONS:
        with contextlib.suppress(pika.exceptions.AMQPError):
            CONNECTIONS.pop().process_data_events(time_limit=1)


def restart(broker: leveret.Broker) -> Any:
    """Stop and start it; a channel of a new connection."""
    stop(broker)
    broker.start()
    return channel_of(broker)


def all_of(channel: Any, queue: str) -> list[tuple[bytes, bool]]:
    """Every message of ``queue``, which is empty then, and whether it was redelivered."""
    found = []
    while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
        found.append((got[2], got[0].redelivered))
    return found


def definitions(broker: leveret.Broker) -> dict[str, Any]:
    """All of them, in an order of their own."""
    told: dict[str, Any] = broker.call(export_definitions)
    return {
        kind: sorted(map(repr, found)) if isinstance(found, list) else found
        for kind, found in told.items()
    }


def test_definitions_of_every_kind_are_there_again(broker: leveret.Broker) -> None:
    broker.start()

    def define(node: Node) -> None:
        node.add_vhost("other", "another one", ["a", "b"], "quorum")
        user = node.users.add("reader", "secret", ["monitoring"])
        user.grant("other", Permission("^a", "", ".*"))
        user.grant_topic("other", "amq.topic", TopicPermission("x", "y"))
        node.users.set_limits("reader", {"max-connections": 5})
        node.vhosts["other"].limits.replace({"max-queues": 50})
        node.vhosts["other"].policies.set("p", "^a", {"max-length": 7}, 3, "queues")
        node.vhosts["other"].operator_policies.set("o", "", {"expires": 70000}, 0, "queues")
        node.global_parameters.set("colour", {"of": ["grey", None]})

    broker.call(define)
    channel = channel_of(broker)
    for kind in ("direct", "fanout", "topic", "headers", "x-random", "x-consistent-hash"):
        channel.exchange_declare(f"e-{kind}", kind, durable=True, arguments={"x-note": kind})
        channel.queue_declare(f"q-{kind}", durable=True, arguments={"x-max-length": 3})
        arguments = {"x-match": "all", "n": 1} if kind == "headers" else {}
        channel.queue_bind(f"q-{kind}", f"e-{kind}", "1", arguments)
        channel.exchange_bind(f"e-{kind}", "amq.topic", "to.#")
    channel.queue_declare("lines", durable=True, arguments={"x-queue-type": "quorum"})
    before = definitions(broker)
    restart(broker)
    assert definitions(broker) == before
    channel = restart(broker)
    assert definitions(broker) == before
    channel.basic_publish("amq.topic", "to.x", b"routed", PERSISTENT)
    channel.basic_publish("e-direct", "1", b"routed", PERSISTENT)
    assert all_of(channel, "q-direct") == [(b"routed", False)]
    user = pika.PlainCredentials("reader", "secret")
    pika.BlockingConnection(
        pika.ConnectionParameters(broker.host, broker.port, "other", user)
    ).close()


def test_what_is_deleted_stays_deleted(broker: leveret.Broker) -> None:
    broker.start()
    broker.call(lambda node: node.add_vhost("other"))
    broker.call(lambda node: node.vhosts["other"].policies.set("p", "", {"expires": 9}, 0, "all"))
    broker.call(lambda node: node.users.add("reader", "secret", []))
    channel = channel_of(broker)
    empty = definitions(broker)
    channel.exchange_declare("e", "topic", durable=True)
    channel.queue_declare("q", durable=True)
    channel.queue_bind("q", "e", "a")
    channel.queue_bind("q", "e", "b")
    channel.queue_unbind("q", "e", "a")
    channel = restart(broker)
    assert len(definitions(broker)["bindings"]) == 1
    channel.queue_delete("q")
    channel.exchange_delete("e")
    channel = restart(broker)
    assert definitions(broker) == empty
    broker.call(lambda node: node.delete_vhost("other"))
    broker.call(lambda node: node.users.delete("reader"))
    restart(broker)
    assert broker.call(lambda node: list(node.vhosts)) == ["/"]
    assert broker.call(lambda node: list(node.users.by_name)) == ["guest"]


def test_transient_and_exclusive_things_are_gone(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    channel.exchange_declare("passing", "direct", durable=False)
    channel.queue_declare("kept", durable=True)
    channel.queue_bind("kept", "passing", "k")
    channel.queue_declare("mine", durable=True, exclusive=True)
    channel.basic_publish("", "kept", b"transient")
    channel.basic_publish("", "kept", b"persistent", PERSISTENT)
    with Wire(port=broker.port) as wire:
        wire.open()
        wire.call("queue.declare", queue="fleeting", exclusive=True)
    channel = restart(broker)
    names = broker.call(lambda node: sorted(node.vhosts["/"].queues))
    assert names == ["kept"]
    assert "passing" not in broker.call(lambda node: list(node.vhosts["/"].exchanges))
    assert all_of(channel, "kept") == [(b"persistent", False)]


def test_messages_keep_their_order_and_their_marks(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    channel.queue_declare("q", durable=True)
    for number in range(10):
        channel.basic_publish("", "q", b"%d" % number, PERSISTENT)
    # 0 is done, 1 comes back, 2 is held when the broker stops.
    for number in range(3):
        got, _, body = channel.basic_get("q")
        assert body == b"%d" % number
        if number == 0:
            channel.basic_ack(got.delivery_tag)
        if number == 1:
            last = got.delivery_tag
    channel.basic_nack(last, requeue=True)
    channel = restart(broker)
    found = all_of(channel, "q")
    assert found == [(b"%d" % number, number < 3) for number in range(1, 10)]


def test_a_message_is_as_it_was(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    channel.queue_declare("q", durable=True)
    sent = pika.BasicProperties(
        content_type="text/plain",
        headers={"x": [1, {"y": None}], "z": "ü"},
        delivery_mode=2,
        priority=7,
        correlation_id="c",
        reply_to="r",
        message_id="m",
        timestamp=1234567890,
        type="t",
        user_id="guest",
        app_id="a",
    )
    channel.basic_publish("", "q", bytes(range(256)) * 1000, sent)
    channel = restart(broker)
    _, properties, body = channel.basic_get("q")
    assert body == bytes(range(256)) * 1000
    assert properties == sent


def test_a_quorum_queue_keeps_transient_messages_and_a_classic_one_does_not(
    tmp_path: Path,
) -> None:
    # So small that most of them are on the disk only.
    sizes = {"queue_memory": 65_536}
    bodies = [b"%d" % number + bytes(1000) for number in range(500)]
    live = leveret.Broker(data_dir=tmp_path / "live", settings=sizes)
    with live as broker, Wire(port=broker.port) as wire:
        wire.open()
        wire.call("confirm.select")
        for kind in ("classic", "quorum"):
            arguments = {"x-queue-type": kind}
            wire.call("queue.declare", queue=kind, durable=True, arguments=arguments)
            wire.call("queue.bind", queue=kind, exchange="amq.fanout")
        for body in bodies:
            wire.publish("amq.fanout", "", body, {"delivery_mode": 1})
        while wire.expect("basic.ack").delivery_tag < len(bodies):
            pass
        # What is done before a crash is done after it, what is out comes back.
        assert wire.call("basic.get", queue="quorum", no_ack=True).body == bodies[0]
        assert wire.call("basic.get", queue="quorum").body == bodies[1]
        shutil.copytree(tmp_path / "live", tmp_path / "crashed")
    for folder in ("crashed", "live"):
        # Once more: the first start has them from the journal, this one from a checkpoint.
        for _ in range(2):
            with leveret.Broker(data_dir=tmp_path / folder, settings=sizes) as broker:
                assert ready_count(broker, "classic") == 0
                assert ready_count(broker, "quorum") == len(bodies) - 1
        with leveret.Broker(data_dir=tmp_path / folder) as broker, Wire(port=broker.port) as wire:
            wire.open()
            for number, body in enumerate(bodies[1:]):
                got = wire.call("basic.get", queue="quorum", no_ack=True)
                assert (got.body, got.redelivered) == (body, number == 0)
                assert got.properties["delivery_mode"] == 1


def test_priorities_hold(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    channel.queue_declare("q", durable=True, arguments={"x-max-priority": 5})
    for number in range(12):
        wanted = pika.BasicProperties(delivery_mode=2, priority=number % 3)
        channel.basic_publish("", "q", b"%d" % number, wanted)
    channel = restart(broker)
    order = [2, 5, 8, 11, 1, 4, 7, 10, 0, 3, 6, 9]
    assert [body for body, _ in all_of(channel, "q")] == [b"%d" % number for number in order]


def test_a_quorum_queue_goes_on_counting(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    channel.queue_declare("dead", durable=True)
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 3,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "dead",
    }
    channel.queue_declare("q", durable=True, arguments=arguments)
    channel.basic_publish("", "q", b"hot potato", PERSISTENT)
    counts = []
    for _ in range(4):
        got, properties, _ = channel.basic_get("q")
        counts.append((properties.headers or {}).get("x-delivery-count"))
        channel.basic_reject(got.delivery_tag, requeue=True)
        # It was read when this is answered.
        channel.basic_qos()
        channel = restart(broker)
    assert counts == [None, 1, 2, 3]
    assert channel.basic_get("q")[0] is None
    assert [body for body, _ in all_of(channel, "dead")] == [b"hot potato"]
    channel = restart(broker)
    assert all_of(channel, "dead") == []


def test_what_expired_meanwhile_is_dead_at_the_start(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    channel.queue_declare("dead", durable=True)
    buried = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    channel.queue_declare("q", durable=True, arguments=buried)
    channel.queue_declare("silent", durable=True, arguments={"x-message-ttl": 300})
    soon = pika.BasicProperties(delivery_mode=2, expiration="300")
    late = pika.BasicProperties(delivery_mode=2, expiration="600000")
    channel.basic_publish("", "q", b"soon", soon)
    channel.basic_publish("", "q", b"late", late)
    channel.basic_publish("", "silent", b"never seen", PERSISTENT)
    stop(broker)
    time.sleep(0.4)
    broker.start()
    channel = channel_of(broker)
    until(lambda: channel.queue_declare("dead", passive=True).method.message_count == 1)
    _, properties, body = channel.basic_get("dead")
    assert (body, properties.headers["x-death"][0]["reason"]) == (b"soon", "expired")
    assert all_of(channel, "q") == [(b"late", False)]
    assert all_of(channel, "silent") == []


def ready_count(broker: leveret.Broker, queue: str) -> int:
    return broker.call(lambda node: node.vhosts["/"].queues[queue].ready_count)


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(200):
        if is_so():
            return
        time.sleep(0.02)
    raise AssertionError("it never was")


def test_delayed_messages_are_sent_after_a_restart(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    arguments = {"x-delayed-type": "direct"}
    channel.exchange_declare("later", "x-delayed-message", durable=True, arguments=arguments)
    channel.queue_declare("q", durable=True)
    channel.queue_bind("q", "later", "k")
    for mode, body in ((2, b"persistent"), (1, b"transient")):
        wanted = pika.BasicProperties(delivery_mode=mode, headers={"x-delay": 600})
        channel.basic_publish("later", "k", body, wanted)
    channel = restart(broker)
    assert ready_count(broker, "q") == 0
    until(lambda: ready_count(broker, "q") == 1)
    assert all_of(channel, "q") == [(b"persistent", False)]
    channel = restart(broker)
    assert all_of(channel, "q") == []


def test_times_run_on_after_a_restart(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    channel.queue_declare("dead", durable=True)
    buried = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    channel.queue_declare("q", durable=True, arguments=buried)
    channel.queue_declare("brief", durable=True, arguments={"x-expires": 1000})
    soon = pika.BasicProperties(delivery_mode=2, expiration="1000")
    channel.basic_publish("", "q", b"soon", soon)
    stop(broker)
    broker.start()
    # Nobody does anything.
    until(lambda: ready_count(broker, "dead") == 1)
    until(lambda: broker.call(lambda node: "brief" not in node.vhosts["/"].queues))


def test_a_dead_letter_keeps_its_history(broker: leveret.Broker) -> None:
    broker.start()
    channel = channel_of(broker)
    channel.queue_declare("dead", durable=True)
    buried = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    channel.queue_declare("q", durable=True, arguments=buried)
    channel.basic_publish("", "q", b"refused", PERSISTENT)
    got, _, _ = channel.basic_get("q")
    channel.basic_reject(got.delivery_tag, requeue=False)
    channel = restart(broker)
    got, properties, body = channel.basic_get("dead")
    assert body == b"refused"
    assert properties.headers["x-first-death-reason"] == "rejected"
    assert properties.headers["x-death"][0]["count"] == 1


@pytest.mark.parametrize("way", ["purge", "delete", "drop"])
def test_what_was_removed_does_not_come_back(broker: leveret.Broker, way: str) -> None:
    broker.start()
    channel = channel_of(broker)
    arguments = {"x-max-length": 2} if way == "drop" else {}
    channel.queue_declare("q", durable=True, arguments=arguments)
    for number in range(5):
        channel.basic_publish("", "q", b"%d" % number, PERSISTENT)
    if way == "purge":
        channel.queue_purge("q")
    if way == "delete":
        channel.queue_delete("q")
        channel.queue_declare("q", durable=True)
    channel = restart(broker)
    expected = [(b"3", False), (b"4", False)] if way == "drop" else []
    assert all_of(channel, "q") == expected


def test_a_long_queue_is_whole_though_its_share_of_memory_shrinks(tmp_path: Path) -> None:
    messages = [b"%d" % number + bytes(2000) for number in range(3000)]
    sizes = {"queue_memory": 4_000_000}
    with (
        leveret.Broker(data_dir=tmp_path, settings=sizes) as broker,
        Wire(port=broker.port) as wire,
    ):
        wire.open()
        wire.call("confirm.select")
        wire.call("queue.declare", queue="q", durable=True)
        for body in messages:
            wire.publish("", "q", body, {"delivery_mode": 2})
        confirmed = 0
        while confirmed < len(messages):
            confirmed = wire.expect("basic.ack").delivery_tag
    with leveret.Broker(data_dir=tmp_path, settings={"queue_memory": 65_536}) as broker:
        assert [body for body, _ in all_of(channel_of(broker), "q")] == messages
        stop(broker)


def test_names_that_are_no_text_are_kept(broker: leveret.Broker) -> None:
    broker.start()
    odd = {"a": Typed("x", b"\x00\xff"), "b": Typed("S", b"\xfe"), "c": Typed("D", (2, 7))}
    with Wire(port=broker.port) as wire:
        wire.open()
        wire.call("queue.declare", queue="q", durable=True)
        key = "kéy\x00"
        bound = wire.call(
            "queue.bind", queue="q", exchange="amq.direct", routing_key=key, arguments=odd
        )
        assert bound.name == "queue.bind-ok"
    before = definitions(broker)
    broker.stop()
    broker.start()
    assert definitions(broker) == before
    with Wire(port=broker.port) as wire:
        wire.open()
        wire.publish("amq.direct", key, b"found", {"delivery_mode": 2})
        got = wire.call("basic.get", queue="q", no_ack=True)
        assert got.body == b"found"


def test_it_is_the_same_from_a_loop_with_aio_pika(tmp_path: Path) -> None:
    async def story() -> None:
        broker = leveret.Broker(data_dir=tmp_path)
        async with broker:
            connection = await aio_pika.connect(broker.url)
            channel = await connection.channel()
            queue = await channel.declare_queue("q", durable=True)
            for number in range(5):
                message = aio_pika.Message(b"%d" % number, delivery_mode=2)
                await channel.default_exchange.publish(message, "q")
            held = await queue.get()
            assert held.body == b"0"
        async with broker:
            connection = await aio_pika.connect(broker.url)
            channel = await connection.channel()
            queue = await channel.declare_queue("q", durable=True)
            found = [await queue.get(no_ack=True) for _ in range(5)]
            assert [one.body for one in found] == [b"0", b"1", b"2", b"3", b"4"]
            assert [one.redelivered for one in found] == [True] + [False] * 4
            await connection.close()

    asyncio.run(story())


def test_nothing_is_left_open(tmp_path: Path) -> None:
    with leveret.Broker(data_dir=tmp_path):  # what the first of a process opens for good
        pass
    threads, files = threading.enumerate(), len(os.listdir("/proc/self/fd"))
    with leveret.Broker(data_dir=tmp_path, settings={"queue_memory": 65_536}) as broker:
        channel = channel_of(broker)
        channel.queue_declare("q", durable=True)
        for _ in range(20):
            channel.basic_publish("", "q", bytes(100_000), PERSISTENT)
        stop(broker)
    assert threading.enumerate() == threads
    assert len(os.listdir("/proc/self/fd")) == files


def test_two_brokers_cannot_have_one_folder(tmp_path: Path) -> None:
    second = leveret.Broker(data_dir=tmp_path)
    with (
        leveret.Broker(data_dir=tmp_path),
        pytest.raises(VaultError, match="in use by another leveret"),
    ):
        second.start()
    with leveret.Broker(data_dir=tmp_path):
        pass


def test_a_start_that_fails_lets_go_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    bad = {"load_definitions": str(tmp_path / "nothing.json")}
    with pytest.raises(ConfigError, match=r"nothing\.json"):
        leveret.Broker(data_dir=folder, settings=bad).start()
    with leveret.Broker(data_dir=folder):
        pass


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    with leveret.Broker(settings={"data_dir": str(tmp_path / "data")}) as broker:
        channel_of(broker).queue_declare("q", durable=True)
        stop(broker)
    assert list(tmp_path.iterdir()) == []


def test_what_a_program_defines_is_kept_when_it_is_killed(broker: leveret.Broker) -> None:
    broker.start()
    broker.call(lambda node: import_definitions(node, {"vhosts": [{"name": "imported"}]}))

    def is_there() -> bool:
        # As another process would see it.
        path = Path(broker.settings.data_dir) / "catalog.sqlite-wal"
        return b"imported" in path.read_bytes()

    until(is_there)


def test_what_waits_again_in_a_quorum_queue_without_limit_is_redelivered(
    broker: leveret.Broker,
) -> None:
    broker.start()
    channel = channel_of(broker)
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": -1}
    channel.queue_declare("q", durable=True, arguments=arguments)
    channel.basic_publish("", "q", b"again", PERSISTENT)
    channel.basic_publish("", "q", b"new", PERSISTENT)
    for acquired in (None, 1, 2):
        got, properties, body = channel.basic_get("q")
        headers = properties.headers or {}
        assert (body, headers.get("x-acquired-count")) == (b"again", acquired)
        assert got.redelivered == (acquired is not None)
        channel.basic_nack(got.delivery_tag, requeue=True)
        # Behind the other one; the journal tells so, then a checkpoint does.
        assert channel.basic_get("q", auto_ack=True)[2] == b"new"
        channel.basic_publish("", "q", b"new", PERSISTENT)
        channel = restart(broker)
        channel = restart(broker)
    assert all_of(channel, "q") == [(b"again", True), (b"new", False)]


def test_it_is_so_after_a_crash_too(tmp_path: Path) -> None:
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": Typed("I", -1)}
    live = leveret.Broker(data_dir=tmp_path / "live")
    with live as broker, Wire(port=broker.port) as wire:
        wire.open()
        wire.call("confirm.select")
        wire.call("queue.declare", queue="q", durable=True, arguments=arguments)
        wire.publish("", "q", b"again", {"delivery_mode": 2})
        wire.expect("basic.ack")
        got = wire.call("basic.get", queue="q")
        wire.send("basic.nack", delivery_tag=got.delivery_tag, requeue=True)
        wire.call("basic.qos")
        shutil.copytree(tmp_path / "live", tmp_path / "crashed")
    with leveret.Broker(data_dir=tmp_path / "crashed") as broker, Wire(port=broker.port) as wire:
        wire.open()
        got = wire.call("basic.get", queue="q", no_ack=True)
        assert (got.body, got.redelivered) == (b"again", True)
        assert got.properties["headers"]["x-acquired-count"] == 1
