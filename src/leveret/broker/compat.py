"""Which RabbitMQ to be like where 4.3 took away what its users had before.

The one place that knows: whoever has such a question asks here.
Behaviour: RabbitMQ 4.3, "Deprecated Features".
"""

from typing import Final, final

from leveret.errors import Withdrawn

RABBITMQ: Final = "rabbitmq"
STRICT: Final = "4.3-strict"


@final
class Compat:
    """``rabbitmq`` keeps what older versions had; ``4.3-strict`` refuses it as 4.3 does."""

    def __init__(self, name: str = RABBITMQ) -> None:
        self.name: Final = name
        is_strict = name == STRICT
        self._is_strict: Final = is_strict
        # basic.qos with global set is one limit for all consumers of the channel.
        self.has_global_prefetch: Final = not is_strict
        # Consumers of classic queues may be given a time to acknowledge.
        self.has_classic_timeouts: Final = not is_strict
        self.queue_versions: Final[tuple[int, ...]] = (2,) if is_strict else (1, 2)

    def check_transient(self, is_durable: bool, is_exclusive: bool) -> None:
        """Refuse a queue that is neither durable nor exclusive.  Raises Withdrawn."""
        if self._is_strict and not is_durable and not is_exclusive:
            raise _withdrawn("transient_nonexcl_queues", "declare the queue durable or exclusive")

    def check_master_locator(self) -> None:
        """Refuse to say where mirrors are to have their master.  Raises Withdrawn."""
        if self._is_strict:
            raise _withdrawn("queue_master_locator", "use x-queue-leader-locator")


def _withdrawn(feature: str, cure: str) -> Withdrawn:
    return Withdrawn(
        f"Feature `{feature}` is deprecated.\nBy default, this feature is not permitted anymore:"
        f' {cure}, or configure compat = "{RABBITMQ}".'
    )
