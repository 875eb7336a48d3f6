"""Users who show a token: a JWT in place of the password, signed by whom the settings trust.

Needs the package joserfc (``pip install leveret[oauth2]``).
Behaviour: RabbitMQ 4.3, plugin rabbitmq_auth_backend_oauth2.
"""

import base64
import json
from typing import Final, final

from joserfc import jwt
from joserfc.errors import JoseError

from leveret.auth.backends import Attempt, Backend, Login
from leveret.auth.rights import Pending, Rights
from leveret.auth.users import LoginFailure, User
from leveret.broker.node import Node
from leveret.config.faults import ConfigError
from leveret.identity.claims import Claims, Reader, TokenRefused
from leveret.identity.keys import Keys
from leveret.identity.pool import Pool
from leveret.identity.scopes import Scopes

NAME: Final = "oauth2"


@final
class TokenRights(Rights):
    """What a token grants, until it expires."""

    def __init__(self, scopes: Scopes, expires_s: int) -> None:
        super().__init__()
        self._scopes: Final = scopes
        self.expires_s = expires_s

    def enters(self, vhost: str) -> bool:
        """Whether the token grants anything there."""
        return self._scopes.enters(vhost)

    def allows(self, operation: str, kind: str, vhost: str, name: str) -> bool:
        """Whether the token grants it; queues and exchanges are not told apart."""
        return self._scopes.allows(operation, vhost, name)

    def allows_topic(
        self, operation: str, vhost: str, exchange: str, key: str, variables: dict[str, str]
    ) -> bool:
        """Whether the token grants the routing key."""
        return self._scopes.allows_key(operation, vhost, exchange, key)


@final
class Bearer:
    """A token that was found good: whose it is, and what it grants."""

    def __init__(self, name: str, scopes: Scopes, expires_s: int) -> None:
        self.name: Final = name
        self.scopes: Final = scopes
        self.expires_s: Final = expires_s


@final
class TokenBackend(Backend):
    """Believes tokens that are signed with one of its keys."""

    def __init__(self, node: Node, pool: Pool) -> None:
        settings = node.settings
        self._clock: Final = node.clock
        self._algorithms: Final = settings.auth_oauth2_algorithms
        self._reader: Final = Reader(settings)
        if settings.auth_oauth2_verify_aud and not settings.auth_oauth2_resource_server_id:
            raise ConfigError(
                "auth_oauth2_resource_server_id is empty: name what tokens for this broker have "
                "in their claim aud, or set auth_oauth2_verify_aud = false.",
                settings.origin["auth_oauth2_resource_server_id"],
            )
        self._keys: Final = Keys(settings, node.clock, node.notices, pool)

    def authenticate(self, attempt: Attempt) -> User | LoginFailure:
        """The user that the token in the password is about.  Raises Pending."""
        found = self._bearer(attempt)
        if isinstance(found, LoginFailure):
            return found
        return User(found.name, "", "", list(found.scopes.tags))

    def authorise(self, user: User, attempt: Attempt) -> Login | LoginFailure:
        """The token decides."""
        found = self._bearer(attempt)
        if isinstance(found, LoginFailure):
            return found
        return Login(user, TokenRights(found.scopes, found.expires_s), self)

    def renew(self, login: Login, secret: str) -> Rights | None:
        """The rights of a newer token about the same user."""
        try:
            found = self._read(secret, login.user.name)
        except TokenRefused:
            return None
        if found.name != login.user.name:
            return None
        login.user.tags = list(found.scopes.tags)
        return TokenRights(found.scopes, found.expires_s)

    def _bearer(self, attempt: Attempt) -> Bearer | LoginFailure:
        try:
            return self._read(attempt.credentials.password, attempt.credentials.name)
        except TokenRefused as refused:
            return LoginFailure(str(refused))

    def _read(self, token: str, name: str) -> Bearer:
        """Raises TokenRefused, Pending."""
        claims = self._claims(token)
        now = self._clock.unix_s()
        self._reader.check(claims, now)
        return Bearer(
            self._reader.name(claims, name),
            self._reader.scopes(claims),
            self._reader.expiry(claims, now),
        )

    def _claims(self, token: str) -> Claims:
        if not self._keys.knows(_key_id(token)):
            inquiry = self._keys.inquiry()
            if inquiry is not None:
                raise Pending(inquiry)
        if self._keys.known is None:
            raise TokenRefused("there are no keys to check the token with")
        keys = self._keys.known.keys
        # A key without an id is for every token; where there is one key, so is that.
        key = keys[0] if len(keys) == 1 else self._keys.known
        try:
            return dict(jwt.decode(token, key, self._algorithms).claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise TokenRefused(f"the token is not to be believed: {error}") from None


def _key_id(token: str) -> str:
    """The id of the key that ``token`` says it is signed with.  Raises TokenRefused."""
    head = token.split(".")[0]
    try:
        header: object = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise TokenRefused("the password is no token") from None
    key_id = header.get("kid", "") if isinstance(header, dict) else ""
    return key_id if isinstance(key_id, str) else ""
