"""What a user was granted: patterns over names, and over routing keys of topic exchanges.

Behaviour: RabbitMQ 4.3, "Access control" and "Topic authorisation".  Control plane.
"""

import re
from typing import Final, final

from leveret.patterns import Pattern, compiled

# What a pattern over routing keys may refer to, once there is a connection to take it from.
_MAX_EXPANDED: Final = 64
_VARIABLE: Final = re.compile(r"\{(\w+)\}")


@final
class Permission:
    """What one user may do in one vhost: three patterns over names of queues and exchanges.

    A pattern is searched for, not anchored; the empty one matches nothing but the empty name.
    Raises ValueError with a sentence for a bad pattern.
    """

    def __init__(self, configure: str, write: str, read: str) -> None:
        self.configure: Final = configure
        self.write: Final = write
        self.read: Final = read
        self._configure: Final = _compiled(configure)
        self._write: Final = _compiled(write)
        self._read: Final = _compiled(read)

    def allows(self, operation: str, name: str) -> bool:
        """Whether ``operation`` (configure, write or read) on ``name`` is granted."""
        if operation == "configure":
            return self._configure.matches(name)
        if operation == "write":
            return self._write.matches(name)
        assert operation == "read"
        return self._read.matches(name)


@final
class TopicPermission:
    """Which routing keys one user may publish with and bind with, at one topic exchange.

    Patterns as in ``Permission``; ``{username}``, ``{vhost}`` and ``{client_id}`` in them stand
    for what the connection has, letter for letter.  Raises ValueError for a bad pattern.
    Differs from RabbitMQ: there, a name with a dot or a star in it becomes part of the pattern.
    """

    def __init__(self, write: str, read: str) -> None:
        self.write: Final = write
        self.read: Final = read
        # As patterns without variables they must be good already.
        self._write: Final = _compiled(write)
        self._read: Final = _compiled(read)
        # With the variables of those who asked lately.
        self._expanded: Final[dict[str, Pattern]] = {}

    def allows(self, operation: str, key: str, variables: dict[str, str]) -> bool:
        """Whether ``operation`` (write or read) with the routing key ``key`` is granted."""
        text = self.write if operation == "write" else self.read
        expanded = expand(text, variables)
        if expanded == text:
            return (self._write if operation == "write" else self._read).matches(key)
        pattern = self._expanded.get(expanded)
        if pattern is None:
            pattern = _compiled(expanded)
            if len(self._expanded) >= _MAX_EXPANDED:
                self._expanded.clear()
            self._expanded[expanded] = pattern
        return pattern.matches(key)


def expand(text: str, variables: dict[str, str]) -> str:
    """The pattern ``text`` with the values of ``variables`` in it, taken literally.

    What is no variable, or has no value, stays as it is: ``{2}`` is a count.
    """
    if "{" not in text:
        return text
    parts: list[str] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        value = variables.get(found.group(1))
        if value is not None:
            parts.append(text[at : found.start()])
            parts.append(re.escape(value))
            at = found.end()
    parts.append(text[at:])
    return "".join(parts)


def _compiled(pattern: str) -> Pattern:
    return compiled(pattern if pattern else "^$")
