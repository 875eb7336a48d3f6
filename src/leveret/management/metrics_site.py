"""The site on the port for Prometheus: metrics, and nothing else."""

from collections.abc import Callable

from leveret.broker.node import Node
from leveret.management.api import MONITORING, OPEN
from leveret.management.site import Site
from leveret.management.views import scraping


def make_site(node: Node, wake: Callable[[], None]) -> Site:
    """The site of ``node``; whoever comes may read, unless the settings want a login."""
    role = MONITORING if node.settings.prometheus_authentication else OPEN
    return Site(node, wake, scraping.routes(role))
