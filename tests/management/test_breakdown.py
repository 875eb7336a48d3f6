"""leveret.management.breakdown"""

from tests.fakes import Talk, new_node, publish

from leveret.management.breakdown import channel_breakdown, exchange_breakdown, queue_breakdown

READ = {
    "deliver": 0,
    "deliver_no_ack": 0,
    "get": 0,
    "get_no_ack": 0,
    "get_empty": 0,
    "redeliver": 0,
    "ack": 0,
    "deliver_get": 0,
}


def test_who_uses_what_is_seen_from_all_sides() -> None:
    talk = Talk(new_node()).open(1, 2)
    talk.call("queue.declare", queue="q")
    talk.call("queue.bind", queue="q", exchange="amq.fanout")
    talk.feed(publish("q") * 3 + publish("", exchange="amq.fanout", channel=2) * 2)
    talk.send("basic.get", channel=2, queue="q", no_ack=True)
    vhost = talk.node.vhosts["/"]
    (link,) = talk.node.connections.by_id.values()
    first, second = (
        {"name": f"{link.name} ({n})", "number": n, "connection_name": link.name} for n in (1, 2)
    )
    taken = {**READ, "get_no_ack": 1, "deliver_get": 1}
    queue = {"name": "q", "vhost": "/"}
    assert queue_breakdown(talk.node, vhost, vhost.queues["q"]) == {
        "incoming": [
            {"exchange": {"name": "", "vhost": "/"}, "stats": {"publish": 3}},
            {"exchange": {"name": "amq.fanout", "vhost": "/"}, "stats": {"publish": 2}},
        ],
        "deliveries": [{"channel_details": second, "stats": taken}],
    }
    assert exchange_breakdown(talk.node, vhost, vhost.exchanges[""]) == {
        "incoming": [{"channel_details": first, "stats": {"publish": 3}}],
        "outgoing": [{"queue": queue, "stats": {"publish": 3}}],
    }
    channel = link.channels[2]
    assert channel is not None
    assert channel_breakdown(channel, "/") == {
        "publishes": [
            {
                "exchange": {"name": "amq.fanout", "vhost": "/"},
                "stats": {
                    "publish": 2,
                    "confirm": 0,
                    "return_unroutable": 0,
                    "drop_unroutable": 0,
                },
            }
        ],
        "deliveries": [{"queue": queue, "stats": taken}],
    }
