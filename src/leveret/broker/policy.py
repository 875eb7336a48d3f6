"""One policy: which queues and exchanges of a vhost it rules, and what it says of them.

Does not know what its keys mean.  Behaviour: RabbitMQ 4.3, "Policies".
"""

from typing import Final, final

from leveret.patterns import compiled

ALL: Final = "all"
QUEUES: Final = "queues"
EXCHANGES: Final = "exchanges"
# Which type of queue each narrower scope means.
TYPE_OF_SCOPE: Final = {
    "classic_queues": "classic",
    "quorum_queues": "quorum",
    "streams": "stream",
    "qos0_queues": "mqtt-qos0",
}


@final
class Policy:
    """Rules everything within its scope ``apply_to`` whose name has ``pattern`` anywhere in it.

    Of several the one with the highest ``priority`` counts.  Raises ValueError for a bad pattern.
    """

    def __init__(
        self,
        name: str,
        pattern: str,
        definition: dict[str, object],
        priority: int,
        apply_to: str,
    ) -> None:
        self.name: Final = name
        self.pattern: Final = pattern
        self.definition: Final = definition
        self.priority: Final = priority
        self.apply_to: Final = apply_to
        self._pattern: Final = compiled(pattern)

    def same_as(self, other: "Policy") -> bool:
        """Whether ``other`` says the same of the same things."""
        return (
            self.pattern == other.pattern
            and self.definition == other.definition
            and self.priority == other.priority
            and self.apply_to == other.apply_to
        )

    def rules_queue(self, name: str, queue_type: str) -> bool:
        """Whether a queue of this name and type is meant."""
        if self.apply_to not in (ALL, QUEUES) and TYPE_OF_SCOPE.get(self.apply_to) != queue_type:
            return False
        return self._pattern.matches(name)

    def rules_exchange(self, name: str) -> bool:
        """Whether an exchange of this name is meant."""
        return self.apply_to in (ALL, EXCHANGES) and self._pattern.matches(name)
