"""Publishing: properties, bodies, returns, confirms, transactions."""

from tests.differential.peer import Trace
from tests.differential.stage import Stage
from tests.wire import BODY, CONTENT, Typed, encode_header, frame, method

EVERY_TYPE = {
    "bool": True,
    "void": None,
    "text": "Grüße",
    "empty": "",
    "octets": b"\x00\xff",
    "int8": Typed("b", -5),
    "uint8": Typed("B", 200),
    "int16": Typed("s", -300),
    "uint16": Typed("u", 60000),
    "int32": Typed("I", -70000),
    "uint32": Typed("i", 4000000000),
    "int64": Typed("l", -(1 << 40)),
    "float": Typed("f", 1.5),
    "double": -2.25,
    "decimal": Typed("D", (2, 314)),
    "time": Typed("T", 1234567890),
    "table": {"inner": {"more": [1, "two", {"three": 3}]}},
    "array": [1, Typed("l", 2), "three", None, [], {}],
}

EVERY_PROPERTY = {
    "content_type": "text/plain",
    "content_encoding": "gzip",
    "headers": {"a": 1},
    "delivery_mode": 2,
    "priority": 7,
    "correlation_id": "correlation",
    "reply_to": "somewhere",
    "expiration": "100000",
    "message_id": "message",
    "timestamp": 1234567890,
    "type": "type",
    "user_id": "guest",
    "app_id": "app",
    "cluster_id": "cluster",
}


def scenario_properties_every_one(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.publish("", q, b"all", EVERY_PROPERTY)
    for name, value in EVERY_PROPERTY.items():
        p.publish("", q, name.encode(), {name: value})
    p.publish("", q, b"none")
    p.empty(q)
    return c.trace


def scenario_properties_at_their_limits(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    long = "n" * 255
    limits = {"delivery_mode": 1, "priority": 255, "timestamp": (1 << 64) - 1, "type": long}
    p.publish("", q, b"high", limits | {"correlation_id": "é" * 127, "content_type": long})
    p.publish("", q, b"low", {"priority": 0, "timestamp": 0, "type": "", "headers": {}})
    p.empty(q)
    return c.trace


def scenario_delivery_mode_unknown(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    for mode in (0, 3, 255):
        c.attempt_publish("", q, b"x", properties={"delivery_mode": mode})
    p.empty(q)
    return c.trace


def scenario_headers_table_of_every_type(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.publish("", q, b"x", {"headers": EVERY_TYPE})
    p.subscribe(q, "t", no_ack=True)
    p.take()
    return c.trace


def scenario_headers_table_of_type_L(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.publish("", q, b"x", {"headers": {"L": Typed("L", 5)}})
    p.empty(q)
    return c.trace


def scenario_expiration_refusals(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    for text in ("abc", "", "-1", "10s", "1.5", " 10", "315360000001", "+5", "315360000000"):
        c.attempt_publish("", q, b"x", properties={"expiration": text})
    c.attempt_publish("", c.q("missing"), b"x", properties={"expiration": "abc"})
    return c.trace


def scenario_expiration_is_kept(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.publish("", q, b"x", {"expiration": "60000"})
    p.publish("", q, b"y", {"expiration": "060000"})
    p.empty(q)
    return c.trace


def scenario_user_id(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    for user in ("guest", "other", ""):
        c.attempt_publish("", q, b"x", properties={"user_id": user})
    p.empty(q)
    return c.trace


def scenario_body_sizes(c: Stage) -> Trace:
    p = c.peer(tune={"frame_max": 8192})
    q = c.queue(p)
    for size in (0, 1, 8183, 8184, 8185, 16368, 16369, 100000):
        p.publish("", q, bytes(range(256)) * (size // 256) + b"z" * (size % 256))
    p.empty(q)
    p.publish("", q, b"y" * 20000)
    p.subscribe(q, "t", no_ack=True)
    p.take()
    return c.trace


def scenario_body_between_frame_sizes(c: Stage) -> Trace:
    p, small = c.peer(), c.peer(tune={"frame_max": 8192})
    q = c.queue(p)
    p.publish("", q, b"1" * 300000)
    p.settle()
    small.get(q)
    small.publish("", q, b"2" * 300000)
    small.settle()
    p.get(q)
    return c.trace


def scenario_body_in_odd_frames(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.send_octets(
        method(1, "basic.publish", routing_key=q) + frame(CONTENT, 1, encode_header(6, {}))
    )
    for part in (b"a", b"", b"bc", b"def"):
        p.send_octets(frame(BODY, 1, part))
    p.publish("", q, b"next")
    p.empty(q)
    return c.trace


def scenario_body_byte_by_byte(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    octets = method(1, "basic.publish", routing_key=q)
    octets += frame(CONTENT, 1, encode_header(3, {"priority": 1})) + frame(BODY, 1, b"abc")
    for at in range(len(octets)):
        p.send_octets(octets[at : at + 1])
    p.empty(q)
    return c.trace


def scenario_content_of_two_channels_interleaved(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p)
    for channel in (1, 2):
        p.send_octets(method(channel, "basic.publish", routing_key=q))
    for channel in (2, 1):
        p.send_octets(frame(CONTENT, channel, encode_header(4, {})))
    for channel in (1, 2):
        p.send_octets(frame(BODY, channel, b"%d " % channel))
    p.send_octets(frame(BODY, 1, b"1!"))
    p.settle(1)
    p.send_octets(frame(BODY, 2, b"2!"))
    p.settle(2)
    p.empty(q)
    return c.trace


def scenario_publish_refusals(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    c.attempt_publish(c.x("missing"), "k", b"x")
    c.attempt_publish(c.x("missing"), "k", b"x" * 200000)
    c.attempt_publish(c.x("missing"), "k", b"x", mandatory=True)
    c.attempt_publish("", q, b"x", immediate=True)
    c.attempt_publish("", q, b"x", immediate=True, mandatory=True)
    c.attempt_publish("", c.q("missing"), b"dropped without a word")
    p.empty(q)
    return c.trace


def scenario_publish_goes_on_after_a_refusal(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    q = c.queue(p)
    p.publish(c.x("missing"), "k", b"x" * 300000)
    for _ in range(3):
        p.publish("", q, b"swallowed")
    p.send("basic.ack", delivery_tag=77)
    p.send("queue.declare", queue=c.q("never"))
    p.take()
    p.publish("", q, b"swallowed too")
    p.settle(2)
    p.reopen()
    p.publish("", q, b"arrives")
    p.empty(q)
    c.attempt("queue.declare", queue=c.q("never"), passive=True)
    return c.trace


def scenario_mandatory_returns(c: Stage) -> Trace:
    p = c.peer()
    q, x = c.queue(p), c.exchange(p, "direct")
    c.bind(p, q, x, "k")
    p.publish("", c.q("missing"), b"1", EVERY_PROPERTY, mandatory=True)
    p.publish(x, "other", b"2" * 200000, mandatory=True)
    p.publish(x, "k", b"3", mandatory=True)
    p.publish(x, "other", b"", mandatory=True)
    p.publish(x, "other", b"5")
    p.take(3)
    p.empty(q)
    return c.trace


def scenario_mandatory_return_drops_bcc(c: Stage) -> Trace:
    p = c.peer()
    headers = {"CC": ["x"], "BCC": ["y"], "other": 1}
    p.publish("", c.q("missing"), b"1", {"headers": headers}, mandatory=True)
    p.take()
    return c.trace


def scenario_confirm_select(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.publish("", q, b"not counted")
    p.call("confirm.select")
    for number in range(5):
        p.publish("", q, b"%d" % number)
    p.confirms(5)
    p.call("confirm.select")
    p.publish("", q, b"6")
    p.confirms(1, first=6)
    p.send("confirm.select", nowait=True)
    p.publish("", q, b"7")
    p.confirms(1, first=7)
    return c.trace


def scenario_confirm_per_channel(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2, 3))
    q = c.queue(p)
    p.call("confirm.select", 1)
    p.call("confirm.select", 2)
    p.publish("", q, b"a", channel=1)
    p.take()
    p.publish("", q, b"b", channel=2)
    p.take()
    p.publish("", q, b"c", channel=3)
    p.settle(3)
    return c.trace


def scenario_confirm_after_return(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.call("confirm.select")
    p.publish("", c.q("missing"), b"1", mandatory=True)
    p.take(2)
    p.publish("", c.q("missing"), b"2")
    p.take()
    p.publish("", q, b"3", mandatory=True)
    p.take()
    p.publish(c.x("missing"), "", b"4")
    p.take()
    return c.trace


def scenario_confirm_many_with_returns(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.call("confirm.select")
    for number in range(40):
        p.publish("", q if number % 4 else c.q("missing"), b"%d" % number, mandatory=True)
    p.confirms(40)
    p.call("queue.declare", queue=q, passive=True)
    return c.trace


def scenario_confirm_persistent(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, durable=True)
    r = c.queue(p, "r", durable=True)
    x = c.exchange(p, "fanout")
    c.bind(p, q, x)
    c.bind(p, r, x)
    p.call("confirm.select")
    for number in range(20):
        p.publish(x, "", b"%d" % number, {"delivery_mode": 2})
    p.confirms(20)
    p.call("queue.declare", queue=r, passive=True)
    return c.trace


def scenario_confirm_of_a_deleted_queue(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.call("confirm.select")
    p.publish("", q, b"1")
    p.send("queue.delete", queue=q, nowait=True)
    p.publish("", q, b"2")
    p.confirms(2)
    return c.trace


def scenario_confirm_reject_publish(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    p.call("confirm.select")
    for number in range(5):
        p.publish("", q, b"%d" % number)
        p.confirms(1, first=number + 1)
    p.empty(q)
    return c.trace


def scenario_confirm_and_tx_exclude_each_other(c: Stage) -> Trace:
    p = c.peer(channels=(1, 2))
    p.call("confirm.select", 1)
    p.call("tx.select", 1)
    p.call("tx.select", 2)
    p.call("confirm.select", 2)
    return c.trace


def scenario_tx_without_select(c: Stage) -> Trace:
    c.attempt("tx.commit")
    c.attempt("tx.rollback")
    return c.trace


def scenario_tx_commit(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    p.call("tx.select")
    p.call("tx.select")
    p.call("tx.commit")
    p.publish("", q, b"1")
    p.publish("", q, b"2")
    p.settle()
    other.get(q)
    p.call("tx.commit")
    other.empty(q)
    return c.trace


def scenario_tx_rollback(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    p.call("tx.select")
    p.publish("", q, b"1")
    p.call("tx.rollback")
    p.call("tx.rollback")
    p.call("tx.commit")
    other.get(q)
    p.publish("", q, b"2")
    p.call("tx.commit")
    other.empty(q)
    return c.trace


def scenario_tx_returns_at_commit(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.call("tx.select")
    p.publish("", c.q("missing"), b"1", mandatory=True)
    p.publish("", q, b"2", mandatory=True)
    p.publish("", c.q("missing"), b"3", mandatory=True)
    p.settle()
    p.send("tx.commit")
    p.take(3)
    p.publish("", c.q("missing"), b"4", mandatory=True)
    p.call("tx.rollback")
    p.call("tx.commit")
    return c.trace


def scenario_tx_publish_errors_at_once(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.call("tx.select")
    p.publish("", q, b"lost with the channel")
    p.publish(c.x("missing"), "", b"x")
    p.take()
    p.reopen()
    p.get(q)
    p.call("tx.commit")
    return c.trace


def scenario_tx_acks(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    for number in range(4):
        p.publish("", q, b"%d" % number)
    p.call("tx.select")
    for _ in range(3):
        p.get(q, no_ack=False)
    p.send("basic.ack", delivery_tag=1)
    p.send("basic.nack", delivery_tag=2, requeue=True)
    p.settle()
    other.call("queue.declare", queue=q, passive=True)
    p.call("tx.rollback")
    other.call("queue.declare", queue=q, passive=True)
    p.send("basic.ack", delivery_tag=2, multiple=True)
    p.call("tx.commit")
    p.send("basic.reject", delivery_tag=3, requeue=True)
    p.call("tx.commit")
    other.empty(q)
    return c.trace


def scenario_tx_ack_twice(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    p.publish("", q, b"1")
    p.call("tx.select")
    p.get(q, no_ack=False)
    p.send("basic.ack", delivery_tag=1)
    p.settle()
    p.send("basic.ack", delivery_tag=1)
    p.take()
    return c.trace


def scenario_tx_ack_of_an_unknown_tag(c: Stage) -> Trace:
    p = c.peer()
    p.call("tx.select")
    p.send("basic.ack", delivery_tag=5)
    p.settle()
    return c.trace


def scenario_tx_channel_close_rolls_back(c: Stage) -> Trace:
    p, other = c.peer(), c.peer()
    q = c.queue(p)
    p.publish("", q, b"0")
    p.call("tx.select")
    p.get(q, no_ack=False)
    p.send("basic.ack", delivery_tag=1)
    p.publish("", q, b"1")
    p.call("channel.close")
    other.empty(q)
    return c.trace


def scenario_priority_order(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-priority": 5})
    for number, priority in enumerate((0, 3, 5, 9, 1, None, 5, 255, 3)):
        properties = {} if priority is None else {"priority": priority}
        p.publish("", q, b"%d" % number, properties)
    p.settle()
    p.empty(q)
    return c.trace


def scenario_priority_requeue(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-priority": 5})
    for number, priority in enumerate((1, 5, 5, 1, 3)):
        p.publish("", q, b"%d" % number, {"priority": priority})
    for _ in range(4):
        p.get(q, no_ack=False)
    p.send("basic.nack", delivery_tag=4, multiple=True, requeue=True)
    p.empty(q)
    return c.trace


def scenario_priority_without_the_argument(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p)
    for number, priority in enumerate((0, 9, 5)):
        p.publish("", q, b"%d" % number, {"priority": priority})
    p.empty(q)
    return c.trace


def scenario_priority_purge_and_counts(c: Stage) -> Trace:
    p = c.peer()
    q = c.queue(p, arguments={"x-max-priority": 3})
    for priority in (0, 1, 2, 3, 4):
        c.put(q, b"x", priority=priority)
    p.call("queue.declare", queue=q, passive=True)
    p.get(q, no_ack=False)
    p.call("queue.purge", queue=q)
    p.call("queue.delete", queue=q, if_empty=True)
    return c.trace
