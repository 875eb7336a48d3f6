"""The text format of Prometheus, version 0.0.4: names, types and values to octets.

Knows no metric and no broker.
Source: Prometheus, "Exposition formats".
"""

from collections.abc import Iterable, Sequence
from typing import Final, final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"
UNTYPED: Final = "untyped"

Labels = tuple[tuple[str, str], ...]
NO_LABELS: Final[Labels] = ()


@final
class Metric:
    """A name, what it is, and what it means.  ``name`` is without the prefix."""

    def __init__(self, name: str, kind: str, meaning: str) -> None:
        self.name: Final = name
        self.kind: Final = kind
        self.meaning: Final = meaning


@final
class Page:
    """What is told to one scrape."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        # What was encoded already: not all of it at once, for it may be much.
        self._octets: Final[list[bytes]] = []

    def begin(self, prefix: str, metric: Metric) -> None:
        """The samples that follow are of ``metric``."""
        name = prefix + metric.name
        self._parts.append(
            f"# TYPE {name} {metric.kind}\n# HELP {name} {_escaped_help(metric.meaning)}\n"
        )
        self.encode()

    def sample(self, name: str, labels: str, value: float) -> None:
        """One value; ``labels`` as `label_text` makes them."""
        self._parts.append(f"{name}{labels} {value_text(value)}\n")

    def single(self, prefix: str, metric: Metric, value: float) -> None:
        """A metric that has no labels."""
        self.begin(prefix, metric)
        self.sample(prefix + metric.name, "", value)

    def several(self, prefix: str, metric: Metric, values: Iterable[tuple[Labels, float]]) -> None:
        """A metric with a value for each of some labels."""
        self.begin(prefix, metric)
        for labels, value in values:
            self.sample(prefix + metric.name, label_text(labels), value)

    def histogram(
        self,
        prefix: str,
        metric: Metric,
        labels: Labels,
        bounds: Sequence[float],
        counts: Sequence[int],
        total: float,
    ) -> None:
        """``counts`` are those up to each bound and of the rest, not added up."""
        self.begin(prefix, metric)
        name = prefix + metric.name
        known = 0
        for bound, count in zip((*map(value_text, bounds), "+Inf"), counts, strict=True):
            known += count
            self.sample(f"{name}_bucket", label_text((*labels, ("le", bound))), known)
        self.sample(f"{name}_count", label_text(labels), known)
        self.sample(f"{name}_sum", label_text(labels), total)

    def encode(self) -> None:
        """Finish what is there so far."""
        self._octets.append("".join(self._parts).encode("utf-8", "replace"))
        self._parts = []

    def octets(self) -> bytes:
        """All of it."""
        self.encode()
        return b"".join(self._octets)


def label_text(labels: Labels) -> str:
    """``{vhost="/",queue="q"}``; nothing where there are no labels."""
    if not labels:
        return ""
    return "{" + ",".join([f'{name}="{_escaped(value)}"' for name, value in labels]) + "}"


def value_text(value: float) -> str:
    """A number; what is whole without a point."""
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(text: str) -> str:
    # Names of the broker's things may be any octets: such are half characters here.
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
