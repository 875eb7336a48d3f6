"""Which RabbitMQ to be like where 4.3 took away what its users had before.

The one place that knows: whoever has such a question asks here.
Behaviour: RabbitMQ 4.3, "Deprecated Features".
"""

from collections.abc import Sequence
from typing import Final, final

from leveret.errors import Withdrawn

RABBITMQ: Final = "rabbitmq"
STRICT: Final = "4.3-strict"
TRANSIENT: Final = "transient_nonexcl_queues"
GLOBAL_QOS: Final = "global_qos"
MASTER_LOCATOR: Final = "queue_master_locator"


@final
class Compat:
    """``rabbitmq`` keeps what older versions had; ``4.3-strict`` refuses it as 4.3 does.

    ``denied`` are those deprecated features, by RabbitMQ's names, that are refused in any case.
    """

    def __init__(self, name: str = RABBITMQ, denied: Sequence[str] = ()) -> None:
        self.name: Final = name
        self._denied: Final = frozenset(denied)
        is_strict = name == STRICT
        self._has_transient: Final = not is_strict and TRANSIENT not in denied
        self._has_master_locator: Final = not is_strict and MASTER_LOCATOR not in denied
        # basic.qos with global set is one limit for all consumers of the channel.
        self.has_global_prefetch: Final = not is_strict and GLOBAL_QOS not in denied
        # Consumers of classic queues may be given a time to acknowledge.
        self.has_classic_timeouts: Final = not is_strict
        self.queue_versions: Final[tuple[int, ...]] = (2,) if is_strict else (1, 2)

    def permits(self, feature: str) -> bool:
        """Whether the deprecated feature of that name may be used."""
        return self.name != STRICT and feature not in self._denied

    def check_transient(self, is_durable: bool, is_exclusive: bool) -> None:
        """Refuse a queue that is neither durable nor exclusive.  Raises Withdrawn."""
        if not self._has_transient and not is_durable and not is_exclusive:
            raise _withdrawn(TRANSIENT, "declare the queue durable or exclusive")

    def check_master_locator(self) -> None:
        """Refuse to say where mirrors are to have their master.  Raises Withdrawn."""
        if not self._has_master_locator:
            raise _withdrawn(MASTER_LOCATOR, "use x-queue-leader-locator")


def _withdrawn(feature: str, cure: str) -> Withdrawn:
    return Withdrawn(
        f"Feature `{feature}` is deprecated.\nBy default, this feature is not permitted anymore:"
        f' {cure}, or configure compat = "{RABBITMQ}" and do not deny it.'
    )
