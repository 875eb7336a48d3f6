"""One message of a user who has no channel: taken in as basic.publish would take it.

Behaviour: RabbitMQ 4.3, "HTTP API", "publish".  Control plane: nothing is remembered for the next.
"""

from typing import Final, final

from leveret.broker.actor import TOPIC, Actor
from leveret.broker.claims import check_claims, copies
from leveret.broker.message import BlindMessage, Message, Origin
from leveret.broker.one_offs import count_publish
from leveret.broker.properties import Properties, with_headers
from leveret.broker.queue import Queue
from leveret.broker.routing import Routing
from leveret.broker.vhost import REPLY_TO
from leveret.errors import AccessRefused, PreconditionFailed


@final
class Receipt:
    """What became of a message.

    ``owed`` is the batch of the journal that must be on the disk for it to be safe, 0 for none.
    """

    def __init__(self, is_routed: bool, is_accepted: bool, owed: int) -> None:
        self.is_routed: Final = is_routed
        self.is_accepted: Final = is_accepted
        self.owed: Final = owed


def take_in(
    actor: Actor, exchange: str, key: str, properties: Properties, body: bytes, sender: str
) -> Receipt:
    """Publish for the user of ``actor``; ``sender`` is what the firehose calls the connection.

    Raises refusals, and Pending before anything is done.
    """
    vhost = actor.vhost
    actor.access.write("exchange", exchange)
    found = vhost.exchange(exchange)
    if found.is_internal:
        raise AccessRefused(f"cannot publish to internal {vhost.describe('exchange', exchange)}")
    check_claims(properties, actor.access.user)
    if properties.reply_to == REPLY_TO:
        raise PreconditionFailed("fast reply consumer does not exist")
    if vhost.interceptors is not None:
        properties = vhost.interceptors.intercept(properties)
    message, keys = _addressed(Origin(exchange, key), properties, body)
    if found.kind == TOPIC:
        for each in keys:
            actor.access.write_topic(exchange, each)
    routing = vhost.route(found, keys, message.properties)
    if vhost.is_traced:
        user = actor.access.user.name
        vhost.firehose.tap_in(message, keys, routing.queues, sender, 1, user)
    receipt = _enqueued(actor, message, routing)
    count_publish(vhost, found, routing, len(body), receipt.is_accepted)
    return receipt


def _addressed(origin: Origin, properties: Properties, body: bytes) -> tuple[Message, list[str]]:
    """The message as it is sent, and the keys it is sent with."""
    headers = properties.headers()
    keys = [origin.routing_key, *copies(headers, "CC")]
    if "BCC" not in headers:
        return Message(origin, properties, body), keys
    blind_keys = copies(headers, "BCC")
    del headers["BCC"]
    message = BlindMessage(origin, with_headers(properties, headers), body, blind_keys)
    return message, keys + blind_keys


def _enqueued(actor: Actor, message: Message, routing: Routing) -> Receipt:
    is_accepted = True
    for queue in routing.queues:
        if not queue.publish(message):
            is_accepted = False
    owed = written(actor, message, routing.queues)
    for keeper in routing.keepers:
        keeper.keep(message, routing.keys)
    ledger = actor.vhost.ledger
    if ledger is not None and routing.is_held and ledger.journal.owed > ledger.journal.safe:
        owed = ledger.journal.owed
    if actor.vhost.dying:
        actor.vhost.hold_funerals()
    return Receipt(bool(routing.queues) or routing.is_held, is_accepted, owed)


def written(actor: Actor, message: Message, queues: list[Queue]) -> int:
    """Write down that ``queues`` were just given ``message``.

    The batch of the journal that must be on the disk for it to be safe, 0 if nobody keeps it.
    """
    ledger = actor.vhost.ledger
    return ledger.published(message, queues) if ledger is not None else 0
