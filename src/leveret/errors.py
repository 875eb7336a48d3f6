"""Refusals: what the broker says when a client asks for what cannot be.

One class per remedy, not per message.  Knows no protocol: each protocol turns a refusal into its
own reply codes.
"""

from typing import Final


class BrokerError(Exception):
    """A request was refused.  ``detail`` is shown to the client; keep secrets out of it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail: Final = detail


class NotFound(BrokerError):
    """The named thing does not exist: the client may declare it and try again."""


class PreconditionFailed(BrokerError):
    """The request contradicts what exists: the client must change its arguments."""


class AccessRefused(BrokerError):
    """The user lacks a right: somebody must grant it."""


class ResourceLocked(BrokerError):
    """Another connection has the thing for itself: the client must use another one or wait."""


class NotAllowed(BrokerError):
    """A rule or limit of the node forbids it: the client must connect or ask differently."""


class LimitReached(NotAllowed):
    """There are as many as there may be: others must go, or somebody raise the limit."""


class Invalid(BrokerError):
    """What an administrator asked for breaks the rules of its kind: it must be said otherwise."""


class Withdrawn(BrokerError):
    """RabbitMQ had it once and took it away: the client, or the configuration, must change."""


class NotSupported(BrokerError):
    """The broker does not do this at all: the client must do without."""
