"""Definitions: users, vhosts, rights, policies, queues, exchanges and bindings as RabbitMQ's JSON.

What exists already is kept as it is, but users, rights, policies and parameters are changed to what
the document says.  A document whose shape is wrong changes nothing; a refusal later on leaves what
was imported before it, as in RabbitMQ.  Reads no file.
Behaviour: RabbitMQ 4.3, "Definition Export and Import"; 3.10, compared.
"""

from typing import Final, final

from leveret.broker.definition_export import OPERATOR_POLICY, SINGLE
from leveret.broker.definition_steps import (
    BindingStep,
    ExchangeStep,
    GlobalParameterStep,
    LimitsStep,
    ParameterStep,
    PermissionStep,
    PolicyStep,
    QueueStep,
    Step,
    TopicPermissionStep,
    UserStep,
    VHostStep,
)
from leveret.broker.facts import INTERNAL
from leveret.broker.node import Node
from leveret.broker.shapes import Shape
from leveret.errors import BrokerError, Invalid

# In the order of the import.  Those of the second list are of one vhost each.
_OF_NODE: Final = ("users", "vhosts", "permissions", "topic_permissions", "global_parameters")
_OF_VHOST: Final = ("policies", "parameters", "exchanges", "queues", "bindings")


@final
class ImportReport:
    """What an import did: how many of each kind were there, and what was passed over and why."""

    def __init__(self) -> None:
        self.counts: Final[dict[str, int]] = {}
        self.skipped: Final[list[str]] = []

    def count(self, kind: str) -> None:
        """One more was imported, or was there already."""
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def summary(self) -> str:
        """The numbers as part of a sentence."""
        counts = [f"{count} {kind.replace('_', ' ')}" for kind, count in self.counts.items()]
        return ", ".join(counts) if counts else "nothing"


def import_definitions(
    node: Node, document: object, vhost: str | None = None, by: str = INTERNAL
) -> ImportReport:
    """Import a whole document; into one vhost, which exists, if ``vhost`` names it.

    Then what is not of a vhost is passed over.  Raises Invalid, which says where in the document
    what is wrong.
    """
    shape = Shape("", document)
    if vhost is None and shape.values.get("rabbitmq_definition_format") == SINGLE:
        raise Invalid(
            "these are the definitions of a single virtual host: import them into one that you name"
        )
    importer = Importer(node, vhost, by)
    importer.read(shape)
    importer.perform()
    return importer.report


@final
class Importer:
    """One import: first everything is read, then everything is done."""

    def __init__(self, node: Node, vhost: str | None, by: str) -> None:
        self._node: Final = node
        self._vhost: Final = vhost
        self._by: Final = by
        self._steps: Final[list[Step]] = []
        self._at = 0
        self.report: Final = ImportReport()

    def read(self, document: Shape) -> None:
        """Check the shape of everything.  Raises Invalid."""
        if self._vhost is None:
            for kind in _OF_NODE:
                for shape in document.shapes(kind):
                    self._steps.append(self._step_of_node(kind, shape))
        if self._vhost is not None and isinstance(document.values.get("limits"), dict | list):
            self._steps.append(LimitsStep("parameters", document, self._vhost, self._by))
        for kind in _OF_VHOST:
            for shape in document.shapes(kind):
                self._steps.append(self._step_of_vhost(kind, shape))

    def perform(self) -> None:
        """Do what was read.  Raises Invalid for what is refused, which names its place."""
        while self.has_more:
            self.perform_next()

    @property
    def has_more(self) -> bool:
        """Whether something of what was read is still to be done."""
        return self._at < len(self._steps)

    def perform_next(self) -> None:
        """Do the next thing only, for whoever has others waiting.  Raises Invalid."""
        step = self._steps[self._at]
        self._at += 1
        try:
            skipped = step.perform(self._node)
        except ValueError as error:  # a pattern
            raise Invalid(f"{step.path}: {error}") from None
        except BrokerError as refused:
            raise Invalid(f"{step.path}: {refused.detail.strip()}") from None
        if skipped:
            self.report.skipped.append(f"{step.path}: {skipped}")
        else:
            self.report.count(step.kind)

    def _step_of_node(self, kind: str, shape: Shape) -> Step:
        if kind == "users":
            return UserStep(kind, shape)
        if kind == "vhosts":
            return VHostStep(kind, shape, self._by)
        if kind == "permissions":
            return PermissionStep(kind, shape)
        if kind == "topic_permissions":
            return TopicPermissionStep(kind, shape)
        return GlobalParameterStep(kind, shape, self._by)

    def _step_of_vhost(self, kind: str, shape: Shape) -> Step:
        vhost = self._vhost if self._vhost is not None else shape.name("vhost")
        if kind == "policies":
            return PolicyStep(kind, shape, vhost, shape.values, self._by)
        if kind == "parameters":
            return self._parameter(shape, vhost)
        if kind == "exchanges":
            return ExchangeStep(kind, shape, vhost, self._by)
        if kind == "queues":
            return QueueStep(kind, shape, vhost, self._by)
        return BindingStep(kind, shape, vhost, self._by)

    def _parameter(self, shape: Shape, vhost: str) -> Step:
        component = shape.text("component")
        if component == OPERATOR_POLICY:
            return PolicyStep("parameters", shape, vhost, shape.pairs("value"), self._by, True)
        return ParameterStep("parameters", shape, vhost, self._by)
