"""Password hashes in RabbitMQ's format, so that exported definitions keep working.

::

    base64 of   4 octets salt, hash(salt + password)

Source: RabbitMQ, "Passwords", section "Computing password hash".
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

PREFIX: Final = "rabbit_password_hashing_"
SHA256: Final = PREFIX + "sha256"
SHA512: Final = PREFIX + "sha512"
MD5: Final = PREFIX + "md5"
ALGORITHMS: Final[dict[str, str]] = {SHA256: "sha256", SHA512: "sha512", MD5: "md5"}
SALT_OCTETS: Final = 4


def hash_password(password: str, salt: bytes, algorithm: str = SHA256) -> str:
    """The stored form of ``password``.  ``salt`` has four octets."""
    assert len(salt) == SALT_OCTETS
    digest = hashlib.new(
        ALGORITHMS[algorithm], salt + password.encode("utf-8", "surrogateescape")
    ).digest()
    return base64.b64encode(salt + digest).decode()


def is_password(password: str, stored: str, algorithm: str = SHA256) -> bool:
    """Whether ``stored`` was made from ``password``.  A blank password never matches.

    Behaviour: RabbitMQ 4.3, blank passwords are refused even where the hash would match.
    """
    if password == "" or algorithm not in ALGORITHMS:
        return False
    octets = _octets(stored)
    if len(octets) <= SALT_OCTETS:
        return False
    expected = hash_password(password, octets[:SALT_OCTETS], algorithm)
    return hmac.compare_digest(expected.encode(), stored.encode())


def is_stored_form(stored: str, algorithm: str) -> bool:
    """Whether ``stored`` may be a password's hash by ``algorithm``, to go by its length."""
    return len(_octets(stored)) == SALT_OCTETS + hashlib.new(ALGORITHMS[algorithm]).digest_size


def _octets(stored: str) -> bytes:
    try:
        return base64.b64decode(stored, validate=True)
    except (binascii.Error, ValueError):
        return b""
