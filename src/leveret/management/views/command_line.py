"""The page /cli/, and the script for the command line that it offers."""

from pathlib import Path
from typing import Final

from starlette.responses import Response

from leveret.management.api import OPEN, Call, Route

_SCRIPT: Final = Path(__file__).parent.parent / "rabbitmqadmin.py"
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leveret: command line</title>
<h1>The command line</h1>
<p>Where Leveret is installed, <code>leveret ctl</code>, <code>leveret queues</code>,
<code>leveret publish</code> and others administer a broker from anywhere.</p>
<p>Elsewhere, <a href="rabbitmqadmin" download="rabbitmqadmin">rabbitmqadmin</a> does most of it:
one file for Python 3.10 and later.</p>
<ol>
<li>Save it somewhere in your <code>PATH</code>.</li>
<li>Make it executable: <code>chmod +x rabbitmqadmin</code>.</li>
<li>Ask it: <code>rabbitmqadmin --help</code>, <code>rabbitmqadmin list queues</code>.</li>
</ol>
</html>
"""


async def page(call: Call) -> Response:
    """What there is for the command line."""
    return Response(_PAGE.encode(), media_type="text/html; charset=utf-8")


async def script(call: Call) -> Response:
    """The script."""
    return Response(_SCRIPT.read_bytes(), media_type="text/plain; charset=utf-8")


ROUTES: Final = [
    Route("/cli", OPEN, GET=page),
    Route("/cli/rabbitmqadmin", OPEN, GET=script),
]
