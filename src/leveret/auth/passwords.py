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

SHA256: Final = "rabbit_password_hashing_sha256"
SHA512: Final = "rabbit_password_hashing_sha512"
MD5: Final = "rabbit_password_hashing_md5"
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
    try:
        octets = base64.b64decode(stored, validate=True)
    except binascii.Error:
        return False
    if len(octets) <= SALT_OCTETS:
        return False
    expected = hash_password(password, octets[:SALT_OCTETS], algorithm)
    return hmac.compare_digest(expected.encode(), stored.encode())
