"""The web page: its files, as they are in ``management/page``.

They are read anew for each request and are small; a browser that has them already gets a 304.
Control plane.
"""

import hashlib
from pathlib import Path
from typing import Final, final

from starlette.responses import Response

from leveret.management.api import OPEN, Call, Route, compressed, takes_gzip

FOLDER: Final = Path(__file__).parent.parent / "page"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Nothing but the files here may run, style or be asked; and nothing may turn a text into a script.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_ETAG_DIGITS: Final = 32


@final
class PageFile:
    """One of them."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path

    async def get(self, call: Call) -> Response:
        """The file; nothing if the browser has it."""
        last = call.request.scope["path"].rsplit("/", 1)[-1]
        if last not in ("", self._path.name):
            # A path prefix without a slash: what the page names, it names relative to itself.
            return Response(b"", 308, {"location": f"{last}/"})
        octets = self._path.read_bytes()
        etag = f'"{hashlib.sha256(octets).hexdigest()[:_ETAG_DIGITS]}"'
        headers = {
            "cache-control": "no-cache",
            "content-security-policy": POLICY,
            "cross-origin-opener-policy": "same-origin",
            "etag": etag,
            "vary": "accept-encoding, origin",
        }
        if etag in call.request.headers.get("if-none-match", ""):
            return Response(b"", 304, headers)
        if takes_gzip(call.request):
            headers["content-encoding"] = "gzip"
            octets = await compressed(octets)
        return Response(octets, 200, headers, TYPES[self._path.suffix])


def routes(folder: Path) -> list[Route]:
    """A route for each file of the page, and one for the page itself."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in TYPES)
    found = [
        Route(f"/{path.relative_to(folder).as_posix()}", OPEN, GET=PageFile(path).get)
        for path in files
    ]
    return [Route("/", OPEN, GET=PageFile(folder / "index.html").get), *found]


ROUTES: Final = routes(FOLDER)
