"""Which method goes where, once its channel is found open."""

from leveret.amqp091.arguments import Arguments, MethodFrame
from leveret.amqp091.channel import Channel
from leveret.amqp091.entities import on_entity_method
from leveret.amqp091.spec import (
    ACCESS_REQUEST,
    ACCESS_REQUEST_OK,
    BASIC_ACK,
    BASIC_CANCEL,
    BASIC_CANCEL_OK,
    BASIC_CONSUME,
    BASIC_GET,
    BASIC_NACK,
    BASIC_QOS,
    BASIC_RECOVER,
    BASIC_RECOVER_ASYNC,
    BASIC_REJECT,
    CHANNEL_FLOW,
    CONFIRM_SELECT,
    TX_COMMIT,
    TX_ROLLBACK,
    TX_SELECT,
)


def on_channel_method(channel: Channel, method: int, arguments: Arguments) -> bool:
    """Handle any method of a channel but publishing, opening and closing.

    False when there is no such method.  Raises refusals, AmqpFault.
    """
    return (
        _on_basic(channel, method, arguments)
        or on_entity_method(channel, method, arguments)
        or _on_mode(channel, method, arguments)
    )


def _on_basic(channel: Channel, method: int, arguments: Arguments) -> bool:
    if method == BASIC_CONSUME:
        channel.on_consume(arguments)
    elif method == BASIC_CANCEL:
        channel.on_cancel(arguments)
    elif method == BASIC_QOS:
        channel.on_qos(arguments)
    elif method == BASIC_GET:
        channel.on_get(arguments)
    elif method in (BASIC_ACK, BASIC_NACK, BASIC_REJECT):
        _on_answer(channel, method, arguments)
    elif method in (BASIC_RECOVER, BASIC_RECOVER_ASYNC):
        channel.on_recover(arguments, method == BASIC_RECOVER)
    else:
        return False
    return True


def _on_answer(channel: Channel, method: int, arguments: Arguments) -> None:
    tag = arguments.longlong()
    bits = arguments.octet()
    arguments.end()
    if method == BASIC_ACK:
        channel.on_ack(tag, bits & 1 == 1)
    elif method == BASIC_NACK:
        channel.on_nack(tag, bits & 1 == 1, bits & 2 == 2)
    else:
        channel.on_reject(tag, bits & 1 == 1)


def _on_mode(channel: Channel, method: int, arguments: Arguments) -> bool:
    if method == CONFIRM_SELECT:
        channel.on_confirm_select(arguments)
        return True
    if method == CHANNEL_FLOW:
        channel.on_flow(arguments)
        return True
    if method == BASIC_CANCEL_OK:
        # The answer to the broker's own basic.cancel, which expects none; some clients give it.
        return True
    if method == ACCESS_REQUEST:
        # Of AMQP 0-8; old clients still ask, and any ticket will do.
        channel.context.outbox.send(channel.number, MethodFrame(ACCESS_REQUEST_OK).short(1))
        return True
    if method not in (TX_SELECT, TX_COMMIT, TX_ROLLBACK):
        return False
    arguments.end()
    if method == TX_SELECT:
        channel.on_tx_select()
    elif method == TX_COMMIT:
        channel.on_tx_commit()
    else:
        channel.on_tx_rollback()
    return True
