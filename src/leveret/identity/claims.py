"""What a token says, once its signature was found good: for whom, by whom, until when, about whom.

Behaviour: RabbitMQ 4.3, plugin rabbitmq_auth_backend_oauth2.
"""

import math
from typing import Any, Final, final

from leveret.config.settings import Settings
from leveret.identity.scopes import Scopes

Claims = dict[str, Any]


class TokenRefused(Exception):
    """The token is not for us, not of now, or says too little.  The text is for the log."""


@final
class Reader:
    """Reads claims as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._server: Final = settings.auth_oauth2_resource_server_id
        prefix = settings.auth_oauth2_scope_prefix
        if not prefix and self._server:
            prefix = self._server + "."
        self._prefix: Final = prefix
        self._verifies_audience: Final = settings.auth_oauth2_verify_aud
        self._issuer: Final = settings.auth_oauth2_issuer
        self._name_claims: Final = settings.auth_oauth2_preferred_username_claims
        self._scopes_key: Final = settings.auth_oauth2_additional_scopes_key

    def check(self, claims: Claims, now_s: int) -> None:
        """Refuse a token that is not good.  Raises TokenRefused."""
        self.expiry(claims, now_s)
        begins = claims.get("nbf")
        if isinstance(begins, int | float) and begins > now_s:
            raise TokenRefused(f"the token is good from {begins} on only; it is {now_s}")
        if self._issuer and claims.get("iss") != self._issuer:
            raise TokenRefused(f"the token is not by {self._issuer!r} (auth_oauth2_issuer)")
        if self._verifies_audience and self._server not in _words(claims.get("aud")):
            raise TokenRefused(f"the token is not for {self._server!r} (claim aud)")

    def expiry(self, claims: Claims, now_s: int) -> int:
        """When the token expires; 0 for never.  Raises TokenRefused when that was before now."""
        expires = claims.get("exp")
        if expires is None:
            return 0
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            raise TokenRefused("the token's expiry (claim exp) is no number")
        if not math.isfinite(expires):
            raise TokenRefused("the token's expiry (claim exp) is no time")
        if int(expires) <= now_s:
            raise TokenRefused(f"the token expired at {int(expires)}; it is {now_s}")
        return int(expires)

    def name(self, claims: Claims, given: str) -> str:
        """The user's name: of the claims that are preferred, or as the client gave it."""
        for claim in [*self._name_claims, "sub", "client_id"]:
            value = claims.get(claim)
            if isinstance(value, str) and value:
                return value
        if not given:
            raise TokenRefused("neither the token nor the client says a user's name")
        return given

    def scopes(self, claims: Claims) -> Scopes:
        """What the token grants here."""
        words = _words(claims.get("scope"))
        if self._scopes_key:
            words += self._further(claims.get(self._scopes_key))
        return Scopes(words, self._prefix)

    def _further(self, value: object) -> list[str]:
        """Scopes in a claim of another form: a table's entry for this broker needs no prefix."""
        if not isinstance(value, dict):
            return _words(value)
        return [self._prefix + word for word in _words(value.get(self._server))]


def _words(value: object) -> list[str]:
    """A list of strings, or one string with blanks."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list):
        return [word for word in value if isinstance(word, str)]
    return []
