"""What a client asks to be declared, before it is known whether it can be."""

from typing import Final, final

from leveret.tables import Table


@final
class QueueWish:
    """What a queue.declare asks for; ``owner_id`` is the asking connection if exclusive, else 0."""

    def __init__(
        self, name: str, is_durable: bool, is_auto_delete: bool, owner_id: int, arguments: Table
    ) -> None:
        self.name: Final = name
        self.is_durable: Final = is_durable
        self.is_auto_delete: Final = is_auto_delete
        self.owner_id: Final = owner_id
        self.arguments: Final = arguments


@final
class ExchangeWish:
    """What an exchange.declare asks for."""

    def __init__(
        self,
        name: str,
        kind: str,
        is_durable: bool,
        is_auto_delete: bool,
        is_internal: bool,
        arguments: Table,
    ) -> None:
        self.name: Final = name
        self.kind: Final = kind
        self.is_durable: Final = is_durable
        self.is_auto_delete: Final = is_auto_delete
        self.is_internal: Final = is_internal
        self.arguments: Final = arguments
