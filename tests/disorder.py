"""Makes a broker in the test's process read its sockets in an order of its own choice.

Which of two connections is read first is nobody's promise, but an idle machine has habits that a
busy one has not.  A test that depends on them fails with this plugin, which lets a few events
gather and hands them out by age of the socket, or at random:

    LEVERET_ORDER=oldest python -m pytest -p tests.disorder tests/amqp091

``latest`` and ``random`` are the other orders.
"""

import asyncio
import os
import random
import selectors
import sys
import time
import types
from typing import Any, Final

GATHER_S: Final = 0.003
_ORDER: Final = os.environ.get("LEVERET_ORDER", "random")
_select: Final = selectors.EpollSelector.select


def _disordered(self: selectors.EpollSelector, timeout: float | None = None) -> Any:
    ready = _select(self, timeout)
    if ready:
        time.sleep(GATHER_S)
        ready = _select(self, 0)
    if _ORDER == "random":
        random.shuffle(ready)
    else:
        ready.sort(key=lambda event: event[0].fd, reverse=_ORDER == "latest")
    return ready


def pytest_configure() -> None:
    """Replace the way to wait for sockets, and uvloop, which has its own."""
    selectors.EpollSelector.select = _disordered  # type: ignore[method-assign,assignment]
    stand_in: Any = types.ModuleType("uvloop")
    stand_in.new_event_loop = asyncio.new_event_loop
    stand_in.run = asyncio.run
    stand_in.Loop = asyncio.SelectorEventLoop
    sys.modules["uvloop"] = stand_in
