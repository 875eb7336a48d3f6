"""Stories that are played on RabbitMQ's STOMP and on ours: what comes back must be alike."""

from tests.differential.peer import Trace
from tests.differential.stomp_stage import StompStage

BAD_DESTINATIONS = (
    *("/foo/bar", "/exchange", "/exchange/", "/exchange/nope", "/exchange/nope/k"),
    *("/exchange/amq.direct/a/b", "/queue", "/queue/", "/queue/a/b", "/topic", "/topic/"),
    *("/topic/a/b", "/amq/queue", "/temp-queue/a", "", "//"),
)
ARGUMENTS = {
    "x-dead-letter-exchange": " amq.fanout ",
    "x-expires": "100000",
    "x-max-length-bytes": " 5000",
    "x-max-priority": "4",
    "x-message-ttl": "100000",
}
PROPERTIES = {
    "content-type": "text/plain",
    "content-encoding": "utf-8",
    "persistent": "true",
    "priority": "4",
    "correlation-id": "c:1",
    "reply-to": "answers",
    "expiration": "60000",
    "amqp-message-id": "m",
    "timestamp": "77",
    "type": "t",
    "user-id": "guest",
    "app-id": "app",
    "cluster-id": "mine",
    "own": "a:b\\c\nd",
}


# --- connecting ----------------------------------------------------------------------------------


def scenario_connect_versions(c: StompStage) -> Trace:
    for offered in ("1.0", "1.1", "1.2", "1.0,1.1", "1.2,1.1,1.0", "1.1,9.9", "1.3", "nonsense"):
        peer = c.raw("a")
        peer.send("CONNECT", accept_version=offered, host="/", login="guest", passcode="guest")
        peer.take()
    peer = c.raw("b")
    peer.send("STOMP", accept_version="1.2", host="/", login="guest", passcode="guest")
    peer.take()
    peer = c.raw("c")
    peer.send("CONNECT", login="guest", passcode="guest")
    peer.take()
    return c.trace


def scenario_connect_refusals(c: StompStage) -> Trace:
    for headers in (
        {"passcode": "wrong"},
        {"login": "nobody"},
        {"host": "nowhere"},
        {"heart_beat": "abc"},
    ):
        peer = c.raw("a")
        given = {"accept_version": "1.2", "host": "/", "login": "guest", "passcode": "guest"}
        peer.send("CONNECT", **(given | headers))
        peer.take()
    return c.trace


def scenario_connect_with_the_default_user(c: StompStage) -> Trace:
    peer = c.raw()
    peer.send("CONNECT", accept_version="1.1", host="/")
    peer.take()
    return c.trace


def scenario_connect_heart_beats(c: StompStage) -> Trace:
    for beats in ("0,0", "1500,500", "10000,0", "0,20000", "1,1"):
        peer = c.raw("a")
        given = {"accept_version": "1.2", "host": "/", "login": "guest", "passcode": "guest"}
        peer.send("CONNECT", heart_beat=beats, **given)
        peer.take()
        peer.drop()
    return c.trace


def scenario_connect_first(c: StompStage) -> Trace:
    peer = c.raw()
    peer.send("SEND", destination="/queue/x")
    peer.take()
    return c.trace


# --- destinations --------------------------------------------------------------------------------


def scenario_send_to_bad_destinations(c: StompStage) -> Trace:
    for destination in BAD_DESTINATIONS:
        c.attempt("SEND", destination=destination)
    c.attempt("SEND")
    return c.trace


def scenario_subscribe_to_bad_destinations(c: StompStage) -> Trace:
    for destination in (*BAD_DESTINATIONS, "/amq/queue/no.such.queue"):
        c.attempt("SUBSCRIBE", destination=destination, id="1")
    c.attempt("SUBSCRIBE", id="1")
    return c.trace


def scenario_destinations_of_queues(c: StompStage) -> Trace:
    a = c.peer()
    plain, slashed = c.q(), c.q("a/b%")
    names = {plain: plain, slashed: slashed.replace("/", "%2F")}
    for number, (name, shown) in enumerate(names.items()):
        a.send("SUBSCRIBE", destination=f"/queue/{shown}", id=str(number), receipt="1")
        a.take()
        for destination in (f"/queue/{shown}", f"/amq/queue/{shown}", f"/reply-queue/{name}"):
            a.send("SEND", destination=destination, body=b"x")
            a.take()
    a.send("SEND", destination=plain, body=b"x")
    a.take()
    return c.trace


def scenario_destinations_of_exchanges(c: StompStage) -> Trace:
    a = c.peer()
    for number, destination in enumerate(
        (
            "/topic/x1.*",
            "/exchange/amq.direct/x1.k",
            "/exchange/amq.fanout",
            "/exchange/amq.topic/x2",
        )
    ):
        a.send("SUBSCRIBE", destination=destination, id=str(number), receipt="1")
        a.take()
    for destination in (
        *("/topic/x1.a", "/exchange/amq.direct/x1.k", "/exchange/amq.fanout", "/topic/x2"),
        *("/exchange/amq.fanout/key", "/exchange/amq.topic/x1.b", "/topic/x1.a b"),
    ):
        a.send("SEND", destination=destination, body=b"x")
        a.take()
    a.quiet()
    return c.trace


def scenario_two_topics_of_one_message(c: StompStage) -> Trace:
    a = c.peer()
    for number in ("1", "2"):
        a.send("SUBSCRIBE", destination="/topic/two.#", id=number, receipt=number)
        a.take()
    a.send("SEND", destination="/topic/two.x", body=b"x")
    got = a.read(), a.read()
    shown = sorted(frame["subscription"] for frame in got if frame is not None)
    c.note(f"a copies for {shown}")
    return c.trace


# --- messages ------------------------------------------------------------------------------------


def scenario_echo_in_each_version(c: StompStage) -> Trace:
    name = c.q()
    for version in ("1.0", "1.1", "1.2"):
        for mode in ("auto", "client", "client-individual"):
            a = c.peer(version, "a")
            headers = {"destination": f"/queue/{name}", "id": "s:1", "ack": mode}
            if version == "1.0":
                headers["id"] = "s1"
            a.send("SUBSCRIBE", headers, receipt="1")
            a.take()
            a.send("SEND", destination=f"/queue/{name}", body=b"hello")
            for frame in a.take() if mode != "auto" else a.take()[:0]:
                header = "id" if version == "1.2" else "message-id"
                a.send("ACK", {header: frame["message-id"], "subscription": headers["id"]})
            a.send("DISCONNECT", receipt="bye")
            a.quiet()
    return c.trace


def scenario_properties_to_stomp_and_amqp(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    for _ in range(2):
        a.send("SEND", {"destination": f"/queue/{name}"} | PROPERTIES, b"a\xffb")
    c.got(name)
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1")
    a.take()
    return c.trace


def scenario_properties_from_amqp(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1", receipt="1")
    a.take()
    wire = c.amqp()
    headers = {"s": "x", "i": 5, "l": 1 << 40, "e": "", "list": [1], "n": None}
    for properties in (
        {},
        {"headers": headers, "delivery_mode": 2, "reply_to": "/queue/x", "message_id": ""},
        {"priority": 0, "timestamp": 5, "content_type": "a/b", "cluster_id": "c"},
    ):
        wire.publish("", name, b"hi", properties)
        a.take()
    wire.publish("", name, b"")
    a.take()
    return c.trace


def scenario_destination_of_what_amqp_sent(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1", receipt="1")
    a.take()
    for exchange, key in (("amq.direct", "a b%/é"), ("amq.topic", "x.y"), ("amq.fanout", "")):
        c.call("queue.bind", queue=name, exchange=exchange, routing_key=key)
        c.amqp().publish(exchange, key, b"x")
        a.take()
    return c.trace


def scenario_bodies(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    target = f"/queue/{name}"
    a.send("SUBSCRIBE", destination=target, id="1", receipt="1")
    a.take()
    head = f"SEND\ndestination:{target}\n"
    for octets in (
        f"{head}content-length:3\n\na\0b\0",
        f"{head}content-length: 3 \n\na\0b\0\n\n",
        f"{head}\n\0",
        f"{head}content-length:0\n\n\0",
        f"SEND\r\ndestination:{target}\r\n\r\nx\r\n\0\r\n",
        f"\n\n\0{head}own:a\nown:b\n\ntwice\0",
        f"{head}own:colon:inside\n\nx\0",
        f"{head}o\\cw\\\\n:\\r\\n\n\nx\0",
    ):
        a.send_octets(octets.encode())
        a.take()
    return c.trace


def scenario_frames_that_are_none(c: StompStage) -> Trace:
    for octets in (
        b"SEND\nno colon\n\n\0",
        b"SEND\na:\\t\n\n\0",
        b"SEND\ndestination:/queue/x\ncontent-length:abc\n\nxx\0",
        b"SEND\ndestination:/queue/x\ncontent-length:1\n\nxx\0",
        b"SEND\ndesti\rnation:/queue/x\n\n\0",
    ):
        c.attempt_octets(octets)
    return c.trace


def scenario_send_refusals(c: StompStage) -> Trace:
    target = f"/queue/{c.q()}"
    for headers in (
        {"message-id": "1"},
        {"priority": "x"},
        {"expiration": "x"},
        {"expiration": "-1"},
        {"user-id": "somebody"},
    ):
        c.attempt("SEND", {"destination": target} | headers)
    c.attempt("SEND", destination=f"/queue/{c.q('new')}", x_message_ttl="x")
    return c.trace


def scenario_unknown_commands(c: StompStage) -> Trace:
    for command in ("FOO", "send", "MESSAGE"):
        c.attempt(command)
    return c.trace


def scenario_an_error_is_the_end(c: StompStage) -> Trace:
    a = c.peer()
    a.send("FOO")
    a.take()
    a.send("BEGIN", transaction="t", receipt="1")
    a.quiet()
    return c.trace


def scenario_an_error_names_the_receipt(c: StompStage) -> Trace:
    a = c.peer()
    a.send("SEND", destination="/nowhere/x", receipt="1")
    a.take()
    return c.trace


# --- acknowledging -------------------------------------------------------------------------------


def _out(c: StompStage, count: int, mode: str, **headers: str) -> tuple[str, list[str]]:
    """A queue and the ids of so many messages in the hands of connection a."""
    a, name = c.peer(label="a"), c.q()
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1", ack=mode, **headers)
    for number in range(count):
        a.send("SEND", destination=f"/queue/{name}", body=b"%d" % number)
    return name, [frame["message-id"] for frame in a.take(count)]


def _settled(c: StompStage, peer_index: int = 0) -> None:
    """What connection a sent before has been handled, and what came of it is recorded."""
    a = c.peers[peer_index]
    a.send("BEGIN", transaction="settled", receipt="settled")
    a.quiet()


def scenario_ack_all_so_far(c: StompStage) -> Trace:
    name, ids = _out(c, 3, "client")
    c.peers[0].send("ACK", id=ids[1], receipt="1")
    _settled(c)
    c.peers[0].send("DISCONNECT", receipt="2")
    c.peers[0].take()
    c.ready(name, 1)
    return c.trace


def scenario_ack_one(c: StompStage) -> Trace:
    name, ids = _out(c, 3, "client-individual")
    c.peers[0].send("ACK", id=ids[1], receipt="1")
    _settled(c)
    c.peers[0].send("DISCONNECT", receipt="2")
    c.peers[0].take()
    c.ready(name, 2)
    return c.trace


def scenario_nack(c: StompStage) -> Trace:
    _, ids = _out(c, 2, "client-individual")
    c.peers[0].send("NACK", id=ids[0])
    _settled(c)
    return c.trace


def scenario_nack_without_requeue(c: StompStage) -> Trace:
    name, ids = _out(c, 2, "client-individual")
    c.peers[0].send("NACK", id=ids[0], requeue="false")
    _settled(c)
    c.peers[0].send("DISCONNECT", receipt="2")
    c.peers[0].take()
    c.ready(name, 1)
    return c.trace


def scenario_nack_all_so_far(c: StompStage) -> Trace:
    _, ids = _out(c, 3, "client", prefetch_count="3")
    c.peers[0].send("NACK", id=ids[1])
    _settled(c)
    return c.trace


def scenario_ack_refusals(c: StompStage) -> Trace:
    for headers in ({}, {"id": "xx"}, {"message-id": "1"}, {"id": "a@@b"}):
        c.attempt("ACK", headers)
        c.attempt("NACK", headers)
    for version in ("1.0", "1.1"):
        c.attempt("ACK", {"id": "1"}, version=version)
        c.attempt("ACK", {"message-id": "1"}, version=version)
    return c.trace


def scenario_ack_twice(c: StompStage) -> Trace:
    _, ids = _out(c, 1, "client")
    for _ in range(2):
        c.peers[0].send("ACK", id=ids[0])
    c.peers[0].take()
    return c.trace


def scenario_prefetch(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1", ack="client", prefetch_count="2")
    for number in range(5):
        a.send("SEND", destination=f"/queue/{name}", body=b"%d" % number)
    got = a.take(2)
    a.quiet()
    a.send("ACK", id=got[1]["ack"])
    a.take(2)
    a.quiet()
    return c.trace


def scenario_redelivered_after_the_end(c: StompStage) -> Trace:
    name, _ = _out(c, 2, "client")
    c.peers[0].drop()
    c.ready(name, 2)
    b = c.peer(label="b")
    b.send("SUBSCRIBE", destination=f"/queue/{name}", id="2", receipt="1")
    b.take(3)
    return c.trace


# --- subscriptions -------------------------------------------------------------------------------


def scenario_unsubscribe(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1", receipt="1")
    a.take()
    a.send("UNSUBSCRIBE", id="1", receipt="2")
    a.take()
    a.send("SEND", destination=f"/queue/{name}")
    c.ready(name, 1)
    a.send("SUBSCRIBE", destination=f"/queue/{name}", receipt="4")
    a.take(2)
    a.send("UNSUBSCRIBE", destination=f"/queue/{name}", receipt="5")
    a.take()
    c.counts(name)
    return c.trace


def scenario_unsubscribe_refusals(c: StompStage) -> Trace:
    for headers in (
        {},
        {"id": "4"},
        {"destination": "/queue/x"},
        {"id": "/temp-queue/4"},
        {"durable": "true", "destination": "/topic/x"},
    ):
        c.attempt("UNSUBSCRIBE", headers)
    return c.trace


def scenario_subscribe_refusals(c: StompStage) -> Trace:
    target = f"/queue/{c.q()}"
    for headers in (
        {"ack": "foo", "id": "1"},
        {"prefetch-count": "foo", "id": "1"},
        {"durable": "true"},
        {"persistent": "true"},
        {"id": "/temp-queue/4"},
    ):
        c.attempt("SUBSCRIBE", {"destination": target} | headers)
    return c.trace


def scenario_subscribe_twice(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1", receipt="1")
    a.take()
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1")
    a.take(2)
    return c.trace


def scenario_durable_subscription(c: StompStage) -> Trace:
    headers = {"destination": "/topic/durable.x", "id": "d", "durable": "true"}
    headers["auto-delete"] = "false"
    a = c.peer()
    a.send("SUBSCRIBE", headers, receipt="1")
    a.take()
    a.send("DISCONNECT", receipt="2")
    a.take()
    b = c.peer()
    b.send("SEND", destination="/topic/durable.x", body=b"x")
    b.send("BEGIN", transaction="t", receipt="3")
    b.take()
    # The queue has the same name on both: RabbitMQ's own subscriptions would be found again.
    c.counts("stomp-subscription-5QO9jMnmHC_8EA2ByKr9RA")
    b.send("SUBSCRIBE", headers)
    b.take()
    b.send("UNSUBSCRIBE", id="d", durable="true", receipt="4")
    b.take()
    c.counts("stomp-subscription-5QO9jMnmHC_8EA2ByKr9RA")
    return c.trace


def scenario_queue_arguments(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    target = f"/queue/{name}"
    a.send("SEND", {"destination": target, "x-max-length": "2"}, receipt="1")
    a.take()
    for arguments in ({}, {"x-max-length": 2}):
        reply = c.call("queue.declare", queue=name, durable=True, arguments=arguments)
        c.note(f"amqp {reply.name} {reply.fields.get('reply_text', '')}")
    for number, (argument, value) in enumerate(ARGUMENTS.items()):
        target = f"/queue/{c.q(str(number))}"
        a.send("SEND", {"destination": target, argument: value}, receipt="2")
        a.take()
        c.attempt("SEND", {"destination": target})
    target = f"/queue/{name}"
    c.attempt("SEND", {"destination": target, "x-max-length": "3"})
    return c.trace


def scenario_queues_that_are_otherwise(c: StompStage) -> Trace:
    for suffix, values in (
        ("transient", {}),
        ("auto", {"durable": True, "auto_delete": True}),
        ("exclusive", {"exclusive": True}),
    ):
        name = c.q(suffix)
        c.call("queue.declare", queue=name, **values)
        c.attempt("SEND", destination=f"/queue/{name}")
        c.attempt("SUBSCRIBE", destination=f"/queue/{name}", id="1")
    return c.trace


def scenario_queue_name_of_a_subscription(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    a.send("SUBSCRIBE", destination="/topic/named.x", id="1", x_queue_name=name, receipt="1")
    a.take()
    c.amqp().publish("", name, b"x")
    a.take()
    return c.trace


def scenario_cancelled_by_the_broker(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    a.send("SUBSCRIBE", destination=f"/queue/{name}", id="1", receipt="1")
    a.take()
    c.call("queue.delete", queue=name)
    a.take()
    a.send("BEGIN", transaction="t", receipt="2")
    a.take()
    return c.trace


# --- transactions, receipts, answers -------------------------------------------------------------


def scenario_transactions(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    target = f"/queue/{name}"
    a.send("SUBSCRIBE", destination=target, id="1", receipt="1")
    a.take()
    for end in ("COMMIT", "ABORT"):
        a.send("BEGIN", transaction="t", receipt=f"begin-{end}")
        a.take()
        for body in (b"1", b"2"):
            a.send("SEND", destination=target, transaction="t", body=body)
        a.quiet()
        a.send(end, transaction="t", receipt=f"end-{end}")
        a.quiet()
    return c.trace


def scenario_ack_in_a_transaction(c: StompStage) -> Trace:
    name, ids = _out(c, 2, "client-individual")
    a = c.peers[0]
    for end, message_id in (("ABORT", ids[0]), ("COMMIT", ids[1])):
        a.send("BEGIN", transaction=end)
        a.send("ACK", id=message_id, transaction=end, receipt=f"ack-{end}")
        a.send(end, transaction=end, receipt=end)
        a.take(2)
    a.send("DISCONNECT", receipt="bye")
    a.take()
    c.ready(name, 1)
    return c.trace


def scenario_transaction_refusals(c: StompStage) -> Trace:
    target = f"/queue/{c.q()}"
    for command in ("BEGIN", "COMMIT", "ABORT"):
        c.attempt(command)
    for command in ("COMMIT", "ABORT", "SEND"):
        c.attempt(command, transaction="zz", destination=target)
    return c.trace


def scenario_receipts(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    for number in range(3):
        headers = {"destination": f"/queue/{name}", "persistent": "true"}
        a.send("SEND", headers, receipt=f"r:{number}")
        a.take()
    a.send("SEND", destination="/topic/nowhere.at.all", receipt="nowhere")
    a.take()
    a.send("DISCONNECT", receipt="bye")
    a.quiet()
    return c.trace


def scenario_disconnect_without_a_receipt(c: StompStage) -> Trace:
    a = c.peer()
    a.send("DISCONNECT")
    a.quiet()
    return c.trace


def scenario_headers_for_the_broker(c: StompStage) -> Trace:
    a, name = c.peer(), c.q()
    headers = {"destination": f"/queue/{name}", "content-length": "1", "receipt": "1"}
    a.send("SEND", headers, b"x")
    a.take()
    c.got(name)
    return c.trace


def scenario_answers_to_a_temporary_queue(c: StompStage) -> Trace:
    asker, server, name = c.peer(), c.peer(), c.q()
    server.send("SUBSCRIBE", destination=f"/queue/{name}", id="s", receipt="1")
    server.take()
    for number in ("1", "2"):
        headers = {"destination": f"/queue/{name}", "reply-to": "/temp-queue/me"}
        asker.send("SEND", headers | {"correlation-id": number})
        (question,) = server.take()
        server.send("SEND", {"destination": question["reply-to"]}, b"answer " + number.encode())
        asker.take()
    return c.trace
