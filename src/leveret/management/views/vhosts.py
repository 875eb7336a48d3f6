"""Virtual hosts: all, and one.  Reading only."""

from typing import Any, Final, final

from starlette.responses import Response

from leveret.broker.vhost import VHost
from leveret.management.api import MANAGEMENT, Call, NotAuthorised, NotFound, Route
from leveret.management.lists import Facts, Listing, reply_one
from leveret.management.sampler import statistics_of
from leveret.management.samples import read_spans

# Where nothing else is said.
CLASSIC: Final = "classic"


@final
class Teller:
    """Tells of vhosts, for one request."""

    def __init__(self, call: Call) -> None:
        self._node: Final = call.node.name
        is_wanted = call.wants_statistics
        self._statistics: Final = statistics_of(call.node) if is_wanted else None
        self._spans: Final = read_spans(call.query)

    def facts(self, vhost: VHost) -> Facts:
        """What lists show of a vhost."""
        facts = {**vhost_facts(vhost), "cluster_state": {self._node: "running"}}
        if self._statistics is None:
            return facts
        return {**facts, **self._statistics.vhost(vhost, self._spans)}


def vhost_facts(vhost: VHost) -> Facts:
    """What is said of it."""
    tags = list(vhost.tags)
    kind = vhost.default_queue_type or CLASSIC
    metadata = {"description": vhost.description, "tags": tags, "default_queue_type": kind}
    return {
        "name": vhost.name,
        "description": vhost.description,
        "tags": tags,
        "default_queue_type": kind,
        "metadata": metadata,
        "tracing": vhost.is_traced,
        "protected_from_deletion": vhost.is_protected,
    }


KEYS: Final[dict[str, Any]] = {
    "name": lambda vhost: vhost.name,
    "description": lambda vhost: vhost.description,
    "tracing": lambda vhost: vhost.is_traced,
}


async def vhosts(call: Call) -> Response:
    """All that the user may know of."""
    listing = Listing(Teller(call).facts, KEYS, ("name",))
    return await listing.reply(call, await call.visible_vhosts())


async def vhost(call: Call) -> Response:
    """One vhost."""
    found = call.node.vhosts.get(call.names["vhost"])
    if found is None:
        raise NotFound()
    if found not in await call.visible_vhosts():
        raise NotAuthorised("User not authorised to access virtual host")
    return await reply_one(call, Teller(call).facts(found))


ROUTES: Final = [
    Route("/api/vhosts", MANAGEMENT, GET=vhosts),
    Route("/api/vhosts/{vhost}", MANAGEMENT, GET=vhost),
]
