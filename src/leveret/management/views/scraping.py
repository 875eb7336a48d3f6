"""The metrics for Prometheus: on a port of their own, or on that of the API for who may see all."""

import asyncio
from typing import Final

from starlette.responses import Response

from leveret.management.api import (
    MONITORING,
    BadRequest,
    Call,
    Route,
    compressed,
    takes_gzip,
)
from leveret.management.exposition import CONTENT_TYPE
from leveret.management.prometheus import FAMILIES, Scrape
from leveret.management.sampler import statistics_of
from leveret.patterns import Pattern

_COMPRESSED_FROM: Final = 1024
_MOST_WORDS: Final = 100


async def metrics(call: Call) -> Response:
    """All in sums, unless the settings want all objects."""
    if call.node.settings.prometheus_per_object:
        return await per_object(call)
    return await _reply(call, await Scrape(call.node, statistics_of(call.node)).aggregated())


async def per_object(call: Call) -> Response:
    """All, object by object."""
    return await _reply(call, await Scrape(call.node, statistics_of(call.node)).per_object())


async def detailed(call: Call) -> Response:
    """Some families, object by object.  Others than are known are not told, as in RabbitMQ."""
    families = [name for name in call.query.getlist("family") if name in FAMILIES]
    vhosts = call.query.getlist("vhost")
    if len(vhosts) > _MOST_WORDS:
        raise BadRequest(f"at most {_MOST_WORDS} vhosts may be named")
    words = call.query.get("queue", "")
    try:
        pattern = Pattern(words) if words else None
    except ValueError as error:
        raise BadRequest(f"queue is no regular expression: {error}") from None
    scrape = Scrape(call.node, statistics_of(call.node), families, vhosts, pattern)
    return await _reply(call, await scrape.detailed())


async def _reply(call: Call, octets: bytes) -> Response:
    headers = {"cache-control": "no-cache", "vary": "accept-encoding"}
    if len(octets) >= _COMPRESSED_FROM and takes_gzip(call.request):
        headers["content-encoding"] = "gzip"
        await asyncio.sleep(0)
        octets = await compressed(octets)
    return Response(octets, 200, headers | {"content-type": CONTENT_TYPE})


def routes(role: int) -> list[Route]:
    """The paths, for who has ``role``."""
    return [
        Route("/metrics", role, GET=metrics),
        Route("/metrics/per-object", role, GET=per_object),
        Route("/metrics/detailed", role, GET=detailed),
    ]


ROUTES: Final = routes(MONITORING)
