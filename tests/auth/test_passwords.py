"""leveret.auth.passwords"""

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leveret.auth.passwords import ALGORITHMS, MD5, SHA256, SHA512, hash_password, is_password

SALTS = st.binary(min_size=4, max_size=4)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(WORDS, SALTS, st.sampled_from(sorted(ALGORITHMS)))
@settings(max_examples=30)
def test_the_password_matches_its_hash_and_no_other_does(
    word: str, salt: bytes, algorithm: str
) -> None:
    stored = hash_password(word, salt, algorithm)
    assert is_password(word, stored, algorithm)
    assert not is_password(word + "x", stored, algorithm)


def test_the_documented_example_matches() -> None:
    # RabbitMQ's "Passwords" page: test12 with the salt 908DC60A.
    stored = hash_password("test12", bytes.fromhex("908DC60A"))
    assert stored == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


@pytest.mark.parametrize(
    ("algorithm", "name"), [(SHA256, "sha256"), (SHA512, "sha512"), (MD5, "md5")]
)
def test_a_hash_is_salt_and_digest(algorithm: str, name: str) -> None:
    stored = base64.b64decode(hash_password("é", b"salt", algorithm))
    assert stored == b"salt" + hashlib.new(name, b"salt" + "é".encode()).digest()


def test_a_blank_password_never_matches() -> None:
    assert not is_password("", hash_password("", b"salt"))


@pytest.mark.parametrize("stored", ["", "not base64!", "c2FsdA==", "kI3G"])
def test_a_hash_that_is_none_never_matches(stored: str) -> None:
    assert not is_password("guest", stored)


def test_an_unknown_algorithm_never_matches() -> None:
    assert not is_password("guest", hash_password("guest", b"salt"), "rot13")
