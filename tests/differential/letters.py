"""Dead letters: how scenarios make them and write them down."""

from typing import Any

from tests.differential.peer import Peer
from tests.differential.stage import Stage


def dead_letters(c: Stage, peer: Peer, queue: str, count: int = 1) -> None:
    """Take the dead letters of a queue and write down what their headers tell of them.

    Dead letters move on in their own time: ``count`` of them are waited for.  In a fixed order and
    without times; `x-last-death-…` came with RabbitMQ 3.13.
    """
    c.holds(queue, count)
    while True:
        peer.recording = False
        got = peer.get(queue)
        peer.recording = True
        if got.name != "basic.get-ok":
            c.note(got.name)
            return
        headers = plain(got.properties.get("headers", {}))
        rest = {name: got.properties[name] for name in got.properties if name != "headers"}
        c.note(f"{got.exchange!r} {got.routing_key!r} {got.body!r} {got.redelivered} {rest}")
        for death in headers.pop("x-death", []):
            death.pop("time", None)
            c.note(f"  {sorted(death.items())}")
        kept = {n: v for n, v in sorted(headers.items()) if not n.startswith("x-last-death")}
        c.note(f"  {kept}")


def plain(value: Any) -> Any:
    """A value of a table without its type."""
    value = getattr(value, "value", value)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def grave_of(c: Stage, peer: Peer, **arguments: Any) -> tuple[str, str]:
    """A queue whose dead letters go to a second one; the names of both."""
    exchange = c.exchange(peer, "fanout", "dlx")
    grave = c.queue(peer, "grave")
    c.bind(peer, grave, exchange)
    given = {"x-dead-letter-exchange": exchange, **arguments}
    return c.queue(peer, arguments=given), grave
